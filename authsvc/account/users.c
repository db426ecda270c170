#include "authsvc/account/users.h"

#include "authsvc/account/may.h"
#include "authsvc/session/user_record.h"
#include "authsvc/session/origins.h"
#include "proto/base/log.h"
#include "proto/unicode/label.h"

struct users {
    const struct clock *clock;
    struct store store;
    struct sessions *sessions;
    bool is_stopped;
    struct log_gate failed_gate;
    struct metric *changed, *removed, *refused, *failed;
};

/* One that is under way. */
struct user_call {
    struct users *users;
    struct call *call;
};

static void fail_user_call(struct users *users, struct call *call, enum err err)
{
    if (!err_is_callers(err)) {
        log_warn_limited(&users->failed_gate, clock_mono_ms(users->clock), "user call failed",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    if (call->request.id == MSG_user_change || call->request.id == MSG_user_remove) {
        metric_inc(err_is_callers(err) ? users->refused : users->failed);
    }
    call_fail(call, err);
}

static struct user_call *user_call_new(struct users *users, struct call *call)
{
    struct user_call *user_call = mem_alloc(sizeof(*user_call));
    *user_call = (struct user_call){.users = users, .call = call};
    return user_call;
}

/* ---- user_get ---- */

static void on_user_got(void *arg, enum err err, const struct store_user *user)
{
    struct user_call get = *(struct user_call *)arg;
    mem_free(&arg);
    if (err == ERR_OK && user == NULL) {
        err = ERR_NOT_FOUND;
    }
    if (err != ERR_OK) {
        fail_user_call(get.users, get.call, err);
        return;
    }
    const struct msg reply = {.id = MSG_user_get_reply,
                              .user_get_reply = {.user = user_record(user)}};
    call_reply(get.call, &reply);
}

void users_get(struct users *users, struct call *call)
{
    const struct msg_user_get *request = &call->request.user_get;
    const struct principal *principal = &call->context.principal;
    if (users->is_stopped) {
        fail_user_call(users, call, ERR_DRAINING);
        return;
    }
    if ((request->user_id == 0) == (request->username.bytes == 0)) {
        fail_user_call(users, call, ERR_BAD_REQUEST);
        return;
    }
    if (!may_manage_users(principal) && !may_as_himself(principal, request->user_id)) {
        fail_user_call(users, call, ERR_FORBIDDEN);
        return;
    }
    struct user_call *get = user_call_new(users, call);
    const struct store store = users->store;
    const uint64_t deadline_ms = call->context.deadline_ms;
    enum err err =
        request->user_id != 0
            ? store.ops->get_user(store.self, request->user_id, deadline_ms, on_user_got, get)
            : store.ops->find_user(store.self, request->username, deadline_ms, on_user_got, get);
    if (err != ERR_OK) {
        mem_free(&get);
        fail_user_call(users, call, err);
    }
}

/* ---- user_page ---- */

static void on_users_listed(void *arg, enum err err, const struct store_users_found *found)
{
    struct user_call list = *(struct user_call *)arg;
    struct msg_user items[USERS_PAGE];
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_user_call(list.users, list.call, err);
        return;
    }
    for (size_t i = 0; i < found->count; i++) {
        items[i] = user_record(&found->items[i]);
    }
    const struct msg reply = {
        .id = MSG_user_page_reply,
        .user_page_reply = {.users = {.items = items, .count = found->count}}};
    call_reply(list.call, &reply);
}

void users_list(struct users *users, struct call *call)
{
    const struct msg_user_page *request = &call->request.user_page;
    struct store_users_page page = {.after_id = request->after_id, .limit = request->limit};
    enum err err = users->is_stopped                                              ? ERR_DRAINING
                   : !may_manage_users(&call->context.principal)                  ? ERR_FORBIDDEN
                   : !str_copy(page.search, sizeof(page.search), request->search) ? ERR_BAD_REQUEST
                                                                                  : ERR_OK;
    if (err != ERR_OK) {
        fail_user_call(users, call, err);
        return;
    }
    struct user_call *list = user_call_new(users, call);
    err = users->store.ops->find_users(users->store.self, &page, call->context.deadline_ms,
                                       on_users_listed, list);
    if (err != ERR_OK) {
        mem_free(&list);
        fail_user_call(users, call, err);
    }
}

/* ---- user_change ---- */

/* Who is an admin, and who may sign in, is everybody's business, whoever changes it. */
static struct store_origin change_origin(const struct call *call)
{
    const struct msg_user_change *request = &call->request.user_change;
    return origin_of(call, request->has_origin ? &request->origin : NULL, request->user_id,
                     request->has_role || request->has_disabled);
}

static void on_user_changed(void *arg, enum err err, const struct store_changed *changed)
{
    struct user_call change = *(struct user_call *)arg;
    struct users *users = change.users;
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_user_call(users, change.call, err);
        return;
    }
    for (size_t i = 0; i < changed->sessions.count; i++) {
        sessions_remove(users->sessions, &changed->sessions.tokens[i]);
    }
    if (changed->is_renamed) { /* which no session of his tells */
        sessions_change_user(users->sessions, changed->user.id, AUTH_USER_RENAMED);
    } else {
        sessions_forget_user(users->sessions, changed->user.id);
    }
    metric_inc(users->changed);
    log_info("user changed", LOG_U64("user", changed->user.id),
             LOG_U64("version", changed->user.version),
             LOG_U64("by", change.call->context.principal.user_id),
             LOG_STR("request_id", change.call->context.request_id));
    const struct store_origin origin = change_origin(change.call);
    origin_log(&origin, ACT_USER_CHANGED, changed->user.id);
    const struct msg reply = {.id = MSG_user_change_reply,
                              .user_change_reply = {.user = user_record(&changed->user)}};
    call_reply(change.call, &reply);
}

/* What request asks for. ERR_WRONG_MEMBER: its display name is none. */
static enum err read_change(const struct msg_user_change *request, struct store_change *ret)
{
    *ret = (struct store_change){.user_id = request->user_id,
                                 .has_display_name = request->has_display_name,
                                 .has_role = request->has_role,
                                 .has_disabled = request->has_disabled,
                                 .has_version = request->has_version,
                                 .role = request->role,
                                 .is_disabled = request->disabled,
                                 .version = request->version};
    memcpy(ret->key, request->idempotency_key.data, sizeof(ret->key));
    const bool is_named = request->has_display_name && request->display_name.bytes > 0;
    return is_named && !label_make(request->display_name, ret->display_name) ? ERR_WRONG_MEMBER
                                                                             : ERR_OK;
}

void users_change(struct users *users, struct call *call)
{
    const struct msg_user_change *request = &call->request.user_change;
    const struct principal *principal = &call->context.principal;
    const bool is_for_himself =
        may_as_himself(principal, request->user_id) && !request->has_role && !request->has_disabled;
    struct store_change change;
    enum err err = users->is_stopped                               ? ERR_DRAINING
                   : may_manage_users(principal) || is_for_himself ? read_change(request, &change)
                                                                   : ERR_FORBIDDEN;
    if (err != ERR_OK) {
        fail_user_call(users, call, err);
        return;
    }
    change.now_unix_ms = sessions_unix_ms(users->sessions);
    change.origin = change_origin(call);
    struct user_call *user_call = user_call_new(users, call);
    err = users->store.ops->change_user(users->store.self, &change, call->context.deadline_ms,
                                        on_user_changed, user_call);
    if (err != ERR_OK) {
        mem_free(&user_call);
        fail_user_call(users, call, err);
    }
}

/* ---- user_remove ---- */

static struct store_origin removal_origin(const struct call *call)
{
    const struct msg_user_remove *request = &call->request.user_remove;
    return origin_of(call, request->has_origin ? &request->origin : NULL, request->user_id,
                     /* is_grave= */ true);
}

static void on_user_removed(void *arg, enum err err, const struct store_ended *ended)
{
    struct user_call removal = *(struct user_call *)arg;
    struct users *users = removal.users;
    const struct call *call = removal.call;
    const struct msg_user_remove *request = &call->request.user_remove;
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_user_call(users, removal.call, err);
        return;
    }
    for (size_t i = 0; i < ended->count; i++) {
        sessions_remove(users->sessions, &ended->tokens[i]);
    }
    metric_inc(users->removed);
    log_info("user removed", LOG_U64("user", request->user_id), LOG_U64("heir", request->heir_id),
             LOG_U64("sessions", ended->count), LOG_U64("by", call->context.principal.user_id),
             LOG_STR("request_id", call->context.request_id));
    const struct store_origin origin = removal_origin(call);
    origin_log(&origin, ACT_USER_REMOVED, request->user_id);
    const struct msg reply = {.id = MSG_user_remove_reply,
                              .user_remove_reply = {.revoked = ended->count}};
    call_reply(removal.call, &reply);
}

void users_remove(struct users *users, struct call *call)
{
    const struct msg_user_remove *request = &call->request.user_remove;
    enum err err = users->is_stopped                             ? ERR_DRAINING
                   : !may_manage_users(&call->context.principal) ? ERR_FORBIDDEN
                                                                 : ERR_OK;
    if (err != ERR_OK) {
        fail_user_call(users, call, err);
        return;
    }
    struct store_removal removal = {.user_id = request->user_id,
                                    .has_version = request->has_version,
                                    .version = request->version,
                                    .has_heir = request->heir_id != 0,
                                    .heir_id = request->heir_id,
                                    .now_unix_ms = sessions_unix_ms(users->sessions)};
    memcpy(removal.key, request->idempotency_key.data, sizeof(removal.key));
    removal.origin = removal_origin(call);
    struct user_call *user_call = user_call_new(users, call);
    err = users->store.ops->remove_user(users->store.self, &removal, call->context.deadline_ms,
                                        on_user_removed, user_call);
    if (err != ERR_OK) {
        mem_free(&user_call);
        fail_user_call(users, call, err);
    }
}

/* ---- life ---- */

#define CHANGES "lynks_auth_user_changes_total"
#define CHANGES_HELP "Changes of users by how they ended."

struct users *users_new(const struct clock *clock, struct store store, struct sessions *sessions,
                        struct metrics *metrics)
{
    struct users *users = mem_alloc(sizeof(*users));
    users->clock = clock;
    users->store = store;
    users->sessions = sessions;
    users->changed = metrics_counter(metrics, CHANGES, CHANGES_HELP, "result=\"done\"");
    users->removed = metrics_counter(metrics, CHANGES, CHANGES_HELP, "result=\"removed\"");
    users->refused = metrics_counter(metrics, CHANGES, CHANGES_HELP, "result=\"refused\"");
    users->failed = metrics_counter(metrics, CHANGES, CHANGES_HELP, "result=\"failed\"");
    return users;
}

void users_stop(struct users *users)
{
    users->is_stopped = true;
}

void users_free(struct users **users)
{
    mem_free(users);
}
