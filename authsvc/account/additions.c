#include "authsvc/account/additions.h"

#include <sodium.h>

#include "authsvc/account/may.h"
#include "authsvc/account/passwords.h"
#include "authsvc/session/user_record.h"
#include "authsvc/session/origins.h"
#include "proto/base/log.h"
#include "proto/unicode/label.h"

struct additions {
    const struct clock *clock;
    struct store store;
    struct hasher hasher;
    bool takes_everybody;
    bool is_stopped;
    struct log_gate failed_gate;
    struct metric *done, *refused, *failed;
};

/* One that is under way; the password stays in the call until it is answered. */
struct addition {
    struct additions *additions;
    struct call *call;
    struct store_new_user draft;
};

static struct call *end_addition(struct addition *addition)
{
    struct call *call = addition->call;
    sodium_memzero(addition, sizeof(*addition));
    mem_free(&addition);
    return call;
}

static void fail_addition(struct addition *addition, enum err err)
{
    struct additions *additions = addition->additions;
    struct call *call = end_addition(addition);
    const bool is_refused = err_is_callers(err);
    metric_inc(is_refused ? additions->refused : additions->failed);
    if (!is_refused) {
        log_warn_limited(&additions->failed_gate, clock_mono_ms(additions->clock), "user not added",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static void on_addition_stored(void *arg, enum err err, const struct store_user *user)
{
    struct addition *addition = arg;
    if (err != ERR_OK) {
        fail_addition(addition, err);
        return;
    }
    metric_inc(addition->additions->done);
    origin_log(&addition->draft.origin, ACT_USER_ADDED, user->id);
    struct call *call = end_addition(addition);
    log_info(call->request.id == MSG_user_register ? "user registered" : "user added",
             LOG_U64("user", user->id), LOG_U64("role", user->role),
             LOG_U64("by", call->context.principal.user_id),
             LOG_STR("request_id", call->context.request_id));
    struct msg reply = {.id = MSG_user_add_reply, .user_add_reply = {.user = user_record(user)}};
    if (call->request.id == MSG_user_register) {
        reply = (struct msg){.id = MSG_user_register_reply,
                             .user_register_reply = {.user = user_record(user)}};
    }
    call_reply(call, &reply);
}

static void on_first_hashed(void *arg, enum err err, const char *stored)
{
    struct addition *addition = arg;
    const struct additions *additions = addition->additions;
    if (err == ERR_OK && additions->is_stopped) {
        err = ERR_DRAINING;
    }
    if (err == ERR_OK) {
        (void)str_copy(addition->draft.password, sizeof(addition->draft.password), str_of(stored));
        err = additions->store.ops->add_user(additions->store.self, &addition->draft,
                                             addition->call->context.deadline_ms,
                                             on_addition_stored, addition);
    }
    if (err != ERR_OK) {
        fail_addition(addition, err);
    }
}

/* What was asked for, in the words of user_add. Who registers has no say in his role. Borrowed from
 * the call. */
static struct msg_user_add addition_of(const struct call *call)
{
    const struct msg_user_register *request = &call->request.user_register;
    if (call->request.id == MSG_user_add) {
        return call->request.user_add;
    }
    return (struct msg_user_add){.idempotency_key = request->idempotency_key,
                                 .username = request->username,
                                 .password = request->password,
                                 .display_name = request->display_name,
                                 .body_hash = request->body_hash};
}

static enum err may_add(const struct additions *additions, const struct call *call)
{
    if (call->request.id == MSG_user_register) {
        return additions->takes_everybody ? ERR_OK : ERR_REGISTRATION_CLOSED;
    }
    return may_manage_users(&call->context.principal) ? ERR_OK : ERR_FORBIDDEN;
}

/* What request asks for, but for the password's hash. */
static enum err read_new_user(const struct msg_user_add *request, struct store_new_user *ret)
{
    memcpy(ret->key, request->idempotency_key.data, sizeof(ret->key));
    if (request->body_hash.bytes > 0) {
        memcpy(ret->body_hash, request->body_hash.data, sizeof(ret->body_hash));
    }
    ret->role = request->has_role ? request->role : ROLE_MEMBER;
    const bool is_named = request->display_name.bytes > 0;
    if (!label_make(request->username, ret->username) ||
        (is_named && !label_make(request->display_name, ret->display_name))) {
        return ERR_WRONG_MEMBER;
    }
    return password_is_good(request->password, ret->username) ? ERR_OK : ERR_WEAK_PASSWORD;
}

void additions_start(struct additions *additions, struct call *call)
{
    const struct msg_user_add request = addition_of(call);
    struct addition *addition = mem_alloc(sizeof(*addition));
    *addition = (struct addition){.additions = additions, .call = call};
    enum err err = additions->is_stopped ? ERR_DRAINING : may_add(additions, call);
    if (err == ERR_OK) {
        addition->draft.origin =
            origin_of(call, request.has_origin ? &request.origin : NULL, 0, /* is_grave= */ true);
        err = read_new_user(&request, &addition->draft);
    }
    if (err == ERR_OK) {
        err = additions->hasher.ops->hash(additions->hasher.self, request.password,
                                          call->context.deadline_ms, on_first_hashed, addition);
    }
    if (err != ERR_OK) {
        fail_addition(addition, err);
    }
}

/* ---- life ---- */

#define ADDITIONS "lynks_auth_user_additions_total"
#define ADDITIONS_HELP "Users to be added by how it ended."

struct additions *additions_new(const struct additions_parts *parts, bool takes_everybody)
{
    struct additions *additions = mem_alloc(sizeof(*additions));
    struct metrics *metrics = parts->metrics;
    additions->clock = parts->clock;
    additions->store = parts->store;
    additions->hasher = parts->hasher;
    additions->takes_everybody = takes_everybody;
    additions->done = metrics_counter(metrics, ADDITIONS, ADDITIONS_HELP, "result=\"done\"");
    additions->refused = metrics_counter(metrics, ADDITIONS, ADDITIONS_HELP, "result=\"refused\"");
    additions->failed = metrics_counter(metrics, ADDITIONS, ADDITIONS_HELP, "result=\"failed\"");
    return additions;
}

void additions_stop(struct additions *additions)
{
    additions->is_stopped = true;
}

void additions_free(struct additions **additions)
{
    mem_free(additions);
}
