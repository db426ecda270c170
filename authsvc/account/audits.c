#include "authsvc/account/audits.h"

#include "authsvc/account/may.h"
#include "proto/base/log.h"

struct audits {
    const struct clock *clock;
    struct store store;
    bool is_stopped;
    struct log_gate failed_gate;
};

struct audit_call {
    struct audits *audits;
    struct call *call;
};

static void fail_audit_call(struct audits *audits, struct call *call, enum err err)
{
    if (!err_is_callers(err)) {
        log_warn_limited(&audits->failed_gate, clock_mono_ms(audits->clock), "audit not read",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static struct msg_audit_row audit_row_of(const struct store_act *act)
{
    return (struct msg_audit_row){
        .id = act->id,
        .created_unix_ms = act->created_unix_ms,
        .act = (enum act)act->act,
        .by_kind = (enum principal_kind)act->by_kind,
        .by_id = act->by_id,
        .by_name = str_of(act->by_name),
        .address = {.data = (const char *)act->address, .bytes = sizeof(act->address)},
        .user_id = act->user_id,
        .username = str_of(act->username),
        .room_id = act->room_id,
        .detail = str_of(act->detail),
        .request_id = str_of(act->request_id)};
}

static void on_acts_read(void *arg, enum err err, const struct store_acts_found *found)
{
    const struct audit_call read = *(struct audit_call *)arg;
    struct msg_audit_row rows[AUDIT_PAGE];
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_audit_call(read.audits, read.call, err);
        return;
    }
    for (size_t i = 0; i < found->count; i++) {
        rows[i] = audit_row_of(&found->items[i]);
    }
    const struct msg reply = {.id = MSG_audit_page_reply,
                              .audit_page_reply = {.rows = {.items = rows, .count = found->count}}};
    call_reply(read.call, &reply);
}

void audits_list(struct audits *audits, struct call *call)
{
    const struct msg_audit_page *request = &call->request.audit_page;
    struct store_acts_page page = {.before_id = request->before_id,
                                   .since_unix_ms = request->since_unix_ms,
                                   .limit = request->limit};
    enum err err = audits->is_stopped                                       ? ERR_DRAINING
                   : !may_manage_users(&call->context.principal)            ? ERR_FORBIDDEN
                   : !str_copy(page.name, sizeof(page.name), request->name) ? ERR_BAD_REQUEST
                                                                            : ERR_OK;
    if (err != ERR_OK) {
        fail_audit_call(audits, call, err);
        return;
    }
    struct audit_call *read = mem_alloc(sizeof(*read));
    *read = (struct audit_call){.audits = audits, .call = call};
    err = audits->store.ops->find_acts(audits->store.self, &page, call->context.deadline_ms,
                                       on_acts_read, read);
    if (err != ERR_OK) {
        mem_free(&read);
        fail_audit_call(audits, call, err);
    }
}

/* ---- life ---- */

struct audits *audits_new(const struct clock *clock, struct store store)
{
    struct audits *audits = mem_alloc(sizeof(*audits));
    *audits = (struct audits){.clock = clock, .store = store};
    return audits;
}

void audits_stop(struct audits *audits)
{
    audits->is_stopped = true;
}

void audits_free(struct audits **audits)
{
    mem_free(audits);
}
