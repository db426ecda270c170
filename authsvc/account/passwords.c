#include "authsvc/account/passwords.h"

#include <strings.h>

#include <sodium.h>

#include "authsvc/account/may.h"
#include "authsvc/session/origins.h"
#include "proto/base/log.h"

struct passwords {
    struct passwords_parts parts;
    bool is_stopped;
    struct log_gate refused_gate, failed_gate;
    struct metric *changed, *refused, *failed;
};

/* One that is under way; the passwords stay in the call until it is answered. */
struct password_change {
    struct passwords *passwords;
    struct call *call;
    bool is_forced; /* by who may manage users: whatever the one before is */
    struct store_user user;
};

bool password_is_good(struct str password, const char *username)
{
    return password.bytes >= PASSWORD_BYTES_MIN &&
           (password.bytes != strlen(username) ||
            strncasecmp(password.data, username, password.bytes) != 0);
}

/* ---- how it ends ---- */

static struct call *end_change(struct password_change *change)
{
    struct call *call = change->call;
    sodium_memzero(change, sizeof(*change));
    mem_free(&change);
    return call;
}

static void fail_change(struct password_change *change, enum err err)
{
    struct passwords *p = change->passwords;
    struct call *call = end_change(change);
    const uint64_t now_ms = clock_mono_ms(p->parts.clock);
    if (err_is_callers(err)) {
        metric_inc(p->refused);
        log_info_limited(&p->refused_gate, now_ms, "password not changed",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    } else {
        metric_inc(p->failed);
        log_warn_limited(&p->failed_gate, now_ms, "password change failed",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static struct store_origin password_origin(const struct call *call)
{
    const struct msg_user_password *request = &call->request.user_password;
    return origin_of(call, request->has_origin ? &request->origin : NULL, request->user_id,
                     /* is_grave= */ false);
}

static void answer_change(struct password_change *change, size_t ended)
{
    metric_inc(change->passwords->changed);
    struct call *call = end_change(change);
    const struct store_origin origin = password_origin(call);
    origin_log(&origin, ACT_PASSWORD_GIVEN, call->request.user_password.user_id);
    log_info("password changed", LOG_U64("user", call->request.user_password.user_id),
             LOG_U64("by", call->context.principal.user_id), LOG_U64("sessions", ended),
             LOG_STR("request_id", call->context.request_id));
    const struct msg reply = {.id = MSG_user_password_reply,
                              .user_password_reply = {.revoked = ended}};
    call_reply(call, &reply);
}

/* ---- one step after the other ---- */

static void on_new_password_stored(void *arg, enum err err, const struct store_ended *ended)
{
    struct password_change *change = arg;
    if (err == ERR_NOT_FOUND && !change->is_forced) {
        err = ERR_BAD_CREDENTIALS;
    }
    if (err != ERR_OK) {
        fail_change(change, err);
        return;
    }
    for (size_t i = 0; i < ended->count; i++) {
        sessions_remove(change->passwords->parts.sessions, &ended->tokens[i]);
    }
    answer_change(change, ended->count);
}

static void on_hashed(void *arg, enum err err, const char *stored)
{
    struct password_change *change = arg;
    const struct passwords *p = change->passwords;
    const struct call *call = change->call;
    if (err == ERR_OK && p->is_stopped) {
        err = ERR_DRAINING;
    }
    if (err == ERR_OK) {
        struct store_password draft = {.user_id = change->user.id,
                                       .is_forced = change->is_forced,
                                       .password_changes = change->user.password_changes,
                                       .now_unix_ms = sessions_unix_ms(p->parts.sessions),
                                       .origin = password_origin(call)};
        memcpy(draft.key, call->request.user_password.idempotency_key.data, sizeof(draft.key));
        (void)str_copy(draft.to, sizeof(draft.to), str_of(stored));
        store_session_ref_set(&draft.except, call->request.user_password.session);
        err = p->parts.store.ops->change_password(
            p->parts.store.self, &draft, call->context.deadline_ms, on_new_password_stored, change);
        sodium_memzero(&draft, sizeof(draft));
    }
    if (err != ERR_OK) {
        fail_change(change, err);
    }
}

/* The one that he has is right, or does not matter. */
static void hash_new_password(struct password_change *change)
{
    const struct passwords *p = change->passwords;
    const struct str password = change->call->request.user_password.new_password;
    enum err err = password_is_good(password, change->user.username) ? ERR_OK : ERR_WEAK_PASSWORD;
    if (err == ERR_OK) {
        err = p->parts.hasher.ops->hash(p->parts.hasher.self, password,
                                        change->call->context.deadline_ms, on_hashed, change);
    }
    if (err != ERR_OK) {
        fail_change(change, err);
    }
}

static void on_command_looked_for(void *arg, enum err err, bool is_done)
{
    struct password_change *change = arg;
    if (err != ERR_OK || !is_done) {
        fail_change(change, err != ERR_OK ? err : ERR_BAD_CREDENTIALS);
        return;
    }
    answer_change(change, 0);
}

/* The call may have come before, and its answer got lost: then the password that he had is wrong
 * now because this very call has changed it. */
static void refuse_unless_done(struct password_change *change)
{
    const struct store store = change->passwords->parts.store;
    const struct call *call = change->call;
    enum err err = store.ops->find_command(
        store.self, (const unsigned char *)call->request.user_password.idempotency_key.data,
        call->context.deadline_ms, on_command_looked_for, change);
    if (err != ERR_OK) {
        fail_change(change, err);
    }
}

static void on_old_verified(void *arg, enum err err, bool needs_rehash)
{
    struct password_change *change = arg;
    (void)needs_rehash; /* it goes */
    if (change->passwords->is_stopped) {
        fail_change(change, ERR_DRAINING);
    } else if (err == ERR_BAD_CREDENTIALS || (err == ERR_OK && change->user.is_disabled != 0)) {
        refuse_unless_done(change);
    } else if (err != ERR_OK) {
        fail_change(change, err);
    } else {
        hash_new_password(change);
    }
}

static void on_user_found(void *arg, enum err err, const struct store_user *user)
{
    struct password_change *change = arg;
    const struct passwords *p = change->passwords;
    if (user != NULL) {
        change->user = *user;
    }
    if (err == ERR_OK && p->is_stopped) {
        err = ERR_DRAINING;
    }
    if (err == ERR_OK && change->is_forced) {
        if (user == NULL) {
            fail_change(change, ERR_NOT_FOUND);
        } else {
            hash_new_password(change);
        }
        return;
    }
    if (err == ERR_OK) {
        /* Of nobody: it costs the same. */
        const char *stored = user != NULL ? change->user.password : NULL;
        err = p->parts.hasher.ops->verify(
            p->parts.hasher.self, stored, change->call->request.user_password.current_password,
            change->call->context.deadline_ms, on_old_verified, change);
    }
    if (err != ERR_OK) {
        fail_change(change, err);
    }
}

void passwords_start(struct passwords *p, struct call *call)
{
    const struct msg_user_password *request = &call->request.user_password;
    const struct principal *principal = &call->context.principal;
    const bool is_himself = may_as_himself(principal, request->user_id);
    struct password_change *change = mem_alloc(sizeof(*change));
    *change = (struct password_change){.passwords = p, .call = call, .is_forced = !is_himself};
    enum err err = ERR_OK;
    if (p->is_stopped) {
        err = ERR_DRAINING;
    } else if (!is_himself && !may_manage_users(principal)) {
        err = ERR_FORBIDDEN;
    } else if (is_himself && request->current_password.bytes == 0) {
        err = ERR_BAD_REQUEST;
    } else {
        err = p->parts.store.ops->get_user(p->parts.store.self, request->user_id,
                                           call->context.deadline_ms, on_user_found, change);
    }
    if (err != ERR_OK) {
        fail_change(change, err);
    }
}

/* ---- life ---- */

#define PASSWORDS "lynks_auth_password_changes_total"
#define PASSWORDS_HELP "Changes of passwords by how they ended."

struct passwords *passwords_new(const struct passwords_parts *parts)
{
    struct passwords *p = mem_alloc(sizeof(*p));
    p->parts = *parts;
    p->changed = metrics_counter(parts->metrics, PASSWORDS, PASSWORDS_HELP, "result=\"done\"");
    p->refused = metrics_counter(parts->metrics, PASSWORDS, PASSWORDS_HELP, "result=\"refused\"");
    p->failed = metrics_counter(parts->metrics, PASSWORDS, PASSWORDS_HELP, "result=\"failed\"");
    return p;
}

void passwords_stop(struct passwords *p)
{
    p->is_stopped = true;
}

void passwords_free(struct passwords **passwords)
{
    mem_free(passwords);
}
