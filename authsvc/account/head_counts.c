#include "authsvc/account/head_counts.h"

#include "authsvc/account/may.h"
#include "proto/base/log.h"

struct head_counts {
    const struct clock *clock;
    struct store store;
    bool is_stopped;
    struct log_gate failed_gate;
};

struct head_count {
    struct head_counts *counts;
    struct call *call;
};

static void fail_head_count(struct head_counts *counts, struct call *call, enum err err)
{
    if (!err_is_callers(err)) {
        log_warn_limited(&counts->failed_gate, clock_mono_ms(counts->clock),
                         "users and sessions not counted", LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static void on_heads_counted(void *arg, enum err err, const struct store_counted *counted)
{
    const struct head_count count = *(struct head_count *)arg;
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_head_count(count.counts, count.call, err);
        return;
    }
    const struct msg reply = {.id = MSG_auth_stats_reply,
                              .auth_stats_reply = {.users = counted->users,
                                                   .disabled = counted->disabled,
                                                   .sessions = counted->sessions}};
    call_reply(count.call, &reply);
}

void head_counts_tell(struct head_counts *counts, struct call *call)
{
    enum err err = counts->is_stopped                            ? ERR_DRAINING
                   : !may_manage_users(&call->context.principal) ? ERR_FORBIDDEN
                                                                 : ERR_OK;
    if (err != ERR_OK) {
        fail_head_count(counts, call, err);
        return;
    }
    struct head_count *count = mem_alloc(sizeof(*count));
    *count = (struct head_count){.counts = counts, .call = call};
    err = counts->store.ops->count(counts->store.self, call->context.deadline_ms, on_heads_counted,
                                   count);
    if (err != ERR_OK) {
        mem_free(&count);
        fail_head_count(counts, call, err);
    }
}

/* ---- life ---- */

struct head_counts *head_counts_new(const struct clock *clock, struct store store)
{
    struct head_counts *counts = mem_alloc(sizeof(*counts));
    *counts = (struct head_counts){.clock = clock, .store = store};
    return counts;
}

void head_counts_stop(struct head_counts *counts)
{
    counts->is_stopped = true;
}

void head_counts_free(struct head_counts **counts)
{
    mem_free(counts);
}
