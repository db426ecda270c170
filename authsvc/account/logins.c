#include "authsvc/account/logins.h"

#include "authsvc/session/user_record.h"
#include "proto/base/log.h"
#include "proto/unicode/label.h"

#include <sodium.h>
#include <stdlib.h>

struct logins {
    struct logins_parts parts;
    struct logins_config config;
    bool is_stopped;
    struct log_gate refused_gate;
    struct log_gate failed_gate;
    struct metric *opened, *refused, *failed, *rehashed;
};

/* What was asked for, in the words of login and session_open. Borrowed from the call. */
struct sign_in {
    struct str username, password, token_hash, device, address;
    enum session_kind kind;
};

struct login {
    struct logins *logins;
    struct call *call; /* NULL once it is answered */
    char *password;    /* outlives the call when it has to be hashed again */
    size_t password_bytes;
    struct store_user user;
    bool needs_rehash;
};

static struct sign_in sign_in_of(const struct call *call)
{
    if (call->request.id == MSG_session_open) {
        const struct msg_session_open *open = &call->request.session_open;
        return (struct sign_in){.username = open->username,
                                .password = open->password,
                                .token_hash = open->token_hash,
                                .device = open->device,
                                .address = open->address,
                                .kind = SESSION_WEB};
    }
    const struct msg_login *login = &call->request.login;
    return (struct sign_in){.username = login->username,
                            .password = login->password,
                            .token_hash = login->token_hash,
                            .address = login->address,
                            .kind = SESSION_ORIGINAL};
}

static struct str password_of(const struct login *login)
{
    return (struct str){.data = login->password, .bytes = login->password_bytes};
}

static void free_login(struct login *login)
{
    sodium_memzero(login->password, login->password_bytes);
    free(login->password);
    sodium_memzero(login, sizeof(*login));
    free(login);
}

static void fail_login(struct login *login, enum err err)
{
    struct logins *l = login->logins;
    const struct str request_id = login->call->context.request_id;
    uint64_t now_ms = clock_mono_ms(l->parts.clock);
    if (err == ERR_BAD_CREDENTIALS) {
        metric_inc(l->refused);
        log_info_limited(&l->refused_gate, now_ms, "login refused",
                         LOG_STR("request_id", request_id));
    } else {
        metric_inc(l->failed);
        log_warn_limited(&l->failed_gate, now_ms, "login failed", LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", request_id));
    }
    call_fail(login->call, err);
    free_login(login);
}

/* What the next step would be must not happen any more. */
static enum err unless_stopped(const struct logins *l, enum err err)
{
    return err == ERR_OK && l->is_stopped ? ERR_DRAINING : err;
}

/* ---- after the answer ---- */

static void on_hashed_again(void *arg, enum err err, const char *stored)
{
    struct login *login = arg;
    struct logins *l = login->logins;
    if (err == ERR_OK && !l->is_stopped) {
        l->parts.store.ops->set_password(l->parts.store.self, login->user.id, login->user.password,
                                         stored);
        metric_inc(l->rehashed);
    }
    free_login(login);
}

static void hash_again(struct login *login)
{
    struct logins *l = login->logins;
    if (!login->needs_rehash || l->is_stopped ||
        l->parts.hasher.ops->rehash(l->parts.hasher.self, password_of(login), on_hashed_again,
                                    login) != ERR_OK) {
        free_login(login); /* the next login will try again */
    }
}

/* ---- one step after the other ---- */

static void answer_login(struct login *login, const struct session *session)
{
    const struct store_user *user = &login->user;
    struct msg reply = {
        .id = MSG_login_reply,
        .login_reply = {.user_id = user->id, .expires_unix_ms = session->expires_unix_ms}};
    if (login->call->request.id == MSG_session_open) {
        reply = (struct msg){.id = MSG_session_open_reply,
                             .session_open_reply = {.expires_unix_ms = session->expires_unix_ms,
                                                    .user = user_record(user)}};
        reply.session_open_reply.user.role = (enum role)session->role;
        reply.session_open_reply.lifetime_s =
            session_rules_span(&login->logins->config.rules, SESSION_WEB)->lifetime_ms / 1000;
    }
    call_reply(STEAL(login->call), &reply);
}

static void on_opened(void *arg, enum err err, const struct store_opened *opened)
{
    struct login *login = arg;
    struct logins *l = login->logins;
    if (err != ERR_OK) {
        fail_login(login, err);
        return;
    }
    struct token_hash token;
    memcpy(&token, sign_in_of(login->call).token_hash.data, sizeof(token));
    for (size_t i = 0; i < opened->evicted_count; i++) {
        sessions_remove(l->parts.sessions, &opened->evicted[i]);
    }
    sessions_add(l->parts.sessions, &token, &opened->session);
    metric_inc(l->opened);
    log_info("login", LOG_U64("user", login->user.id), LOG_U64("session", opened->session.id),
             LOG_STR("request_id", login->call->context.request_id));
    answer_login(login, &opened->session);
    hash_again(login);
}

static void on_verified(void *arg, enum err err, bool needs_rehash)
{
    struct login *login = arg;
    struct logins *l = login->logins;
    err = unless_stopped(l, err);
    login->needs_rehash = needs_rehash;
    if (err == ERR_OK && login->user.is_disabled != 0) {
        err = ERR_BAD_CREDENTIALS; /* told only now: it must take as long as a wrong password */
    }
    if (err == ERR_OK) {
        const struct sign_in sign_in = sign_in_of(login->call);
        uint64_t now = sessions_unix_ms(l->parts.sessions);
        uint64_t idle_ms = session_rules_span(&l->config.rules, sign_in.kind)->idle_ms;
        struct store_draft draft = {.user_id = login->user.id,
                                    .password_changes = login->user.password_changes,
                                    .kind = sign_in.kind,
                                    .now_unix_ms = now,
                                    .expires_unix_ms = now + idle_ms,
                                    .sessions_max = l->config.sessions_per_user_max};
        memcpy(&draft.token, sign_in.token_hash.data, sizeof(draft.token));
        if (!label_make(sign_in.device, draft.device)) {
            draft.device[0] = '\0'; /* gateways send none that is no label */
        }
        if (sign_in.address.bytes == sizeof(draft.address)) {
            memcpy(draft.address, sign_in.address.data, sizeof(draft.address));
        }
        err = l->parts.store.ops->open_session(l->parts.store.self, &draft,
                                               login->call->context.deadline_ms, on_opened, login);
    }
    if (err != ERR_OK) {
        fail_login(login, err);
    }
}

static void on_user(void *arg, enum err err, const struct store_user *user)
{
    struct login *login = arg;
    struct logins *l = login->logins;
    err = unless_stopped(l, err);
    if (err == ERR_OK) {
        const char *stored = NULL;
        if (user != NULL) {
            login->user = *user;
            stored = login->user.password;
        }
        err = l->parts.hasher.ops->verify(l->parts.hasher.self, stored, password_of(login),
                                          login->call->context.deadline_ms, on_verified, login);
    }
    if (err != ERR_OK) {
        fail_login(login, err);
    }
}

void logins_start(struct logins *l, struct call *call)
{
    const struct sign_in sign_in = sign_in_of(call);
    struct login *login = mem_alloc(sizeof(*login));
    *login = (struct login){.logins = l,
                            .call = call,
                            .password = str_dup(sign_in.password),
                            .password_bytes = sign_in.password.bytes};
    enum err err = unless_stopped(l, ERR_OK);
    if (err == ERR_OK) {
        err = l->parts.store.ops->find_user(l->parts.store.self, sign_in.username,
                                            call->context.deadline_ms, on_user, login);
    }
    if (err != ERR_OK) {
        fail_login(login, err);
    }
}

/* ---- life ---- */

#define LOGINS "lynks_auth_logins_total"
#define LOGINS_HELP "Logins by how they ended."

struct logins *logins_new(const struct logins_parts *parts, const struct logins_config *config)
{
    struct logins *l = mem_alloc(sizeof(*l));
    l->parts = *parts;
    l->config = *config;
    l->opened = metrics_counter(parts->metrics, LOGINS, LOGINS_HELP, "result=\"opened\"");
    l->refused = metrics_counter(parts->metrics, LOGINS, LOGINS_HELP, "result=\"refused\"");
    l->failed = metrics_counter(parts->metrics, LOGINS, LOGINS_HELP, "result=\"failed\"");
    l->rehashed = metrics_counter(parts->metrics, "lynks_auth_passwords_rehashed_total",
                                  "Stored passwords brought up to date.", NULL);
    return l;
}

void logins_stop(struct logins *l)
{
    l->is_stopped = true;
}

void logins_free(struct logins **logins)
{
    mem_free(logins);
}
