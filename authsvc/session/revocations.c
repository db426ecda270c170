#include "authsvc/session/revocations.h"

#include "authsvc/session/origins.h"
#include "proto/base/log.h"

struct revocations {
    const struct clock *clock;
    struct store store;
    struct sessions *sessions;
    bool is_stopped;
    struct log_gate failed_gate;
    struct metric *done, *failed, *ended;
};

struct revocation {
    struct revocations *revocations;
    struct call *call;
};

static void fail_revocation(struct revocations *r, struct call *call, enum err err)
{
    metric_inc(r->failed);
    log_warn_limited(&r->failed_gate, clock_mono_ms(r->clock), "session not revoked",
                     LOG_Z("error", err_code(err)),
                     LOG_STR("request_id", call->context.request_id));
    call_fail(call, err);
}

/* One's own are one's own business, and so is one that is named by its token. */
static struct store_origin revocation_origin(const struct call *call)
{
    const struct msg_session_revoke *request = &call->request.session_revoke;
    struct store_origin origin =
        origin_of(call, request->has_origin ? &request->origin : NULL, request->user_id,
                  /* is_grave= */ false);
    origin.is_kept = origin.is_kept && request->user_id != 0;
    return origin;
}

static void answer_revocation(struct revocations *r, struct call *call, size_t count)
{
    metric_inc(r->done);
    metric_add(r->ended, count);
    if (count > 0) {
        const struct store_origin origin = revocation_origin(call);
        origin_log(&origin, ACT_SESSIONS_ENDED, call->request.session_revoke.user_id);
    }
    log_info("sessions revoked", LOG_U64("sessions", count),
             LOG_U64("user", call->request.session_revoke.user_id),
             LOG_STR("request_id", call->context.request_id));
    const struct msg reply = {.id = MSG_session_revoke_reply,
                              .session_revoke_reply = {.revoked = count}};
    call_reply(call, &reply);
}

static bool token_of(const struct call *call, struct token_hash *ret)
{
    struct str token = call->request.session_revoke.token_hash;
    if (token.bytes != TOKEN_HASH_BYTES) {
        return false;
    }
    memcpy(ret, token.data, sizeof(*ret));
    return true;
}

static void on_sessions_ended(void *arg, enum err err, const struct store_ended *ended)
{
    struct revocation *revocation = arg;
    struct revocations *r = revocation->revocations;
    struct call *call = STEAL(revocation->call);
    mem_free(&revocation);
    if (err != ERR_OK) {
        fail_revocation(r, call, err);
        return;
    }
    /* Also when another replica has ended it a moment ago, and we have not read of that yet. */
    struct token_hash token;
    if (token_of(call, &token)) {
        sessions_remove(r->sessions, &token);
    }
    for (size_t i = 0; i < ended->count; i++) {
        sessions_remove(r->sessions, &ended->tokens[i]);
    }
    answer_revocation(r, call, ended->was_done ? 1 : ended->count);
}

void revocations_start(struct revocations *r, struct call *call)
{
    const struct msg_session_revoke *request = &call->request.session_revoke;
    struct store_target target = {.user_id = request->user_id,
                                  .now_unix_ms = sessions_unix_ms(r->sessions),
                                  .origin = revocation_origin(call)};
    store_session_ref_set(&target.only, request->session);
    store_session_ref_set(&target.except, request->except_session);
    target.has_key = request->idempotency_key.bytes == sizeof(target.key);
    if (target.has_key) {
        memcpy(target.key, request->idempotency_key.data, sizeof(target.key));
    }
    bool names_some = target.only.is_there || target.except.is_there;
    if (token_of(call, &target.token) == (target.user_id != 0) ||
        (names_some && target.user_id == 0) || (target.only.is_there && target.except.is_there)) {
        fail_revocation(r, call, ERR_BAD_REQUEST);
        return;
    }
    if (r->is_stopped) {
        fail_revocation(r, call, ERR_DRAINING);
        return;
    }
    struct revocation *revocation = mem_alloc(sizeof(*revocation));
    *revocation = (struct revocation){.revocations = r, .call = call};
    enum err err = r->store.ops->revoke(r->store.self, &target, call->context.deadline_ms,
                                        on_sessions_ended, revocation);
    if (err != ERR_OK) {
        mem_free(&revocation);
        fail_revocation(r, call, err);
    }
}

/* ---- life ---- */

#define REVOKES "lynks_auth_revocations_total"
#define REVOKES_HELP "Revocations by how they ended."

struct revocations *revocations_new(const struct clock *clock, struct store store,
                                    struct sessions *sessions, struct metrics *metrics)
{
    struct revocations *r = mem_alloc(sizeof(*r));
    r->clock = clock;
    r->store = store;
    r->sessions = sessions;
    r->done = metrics_counter(metrics, REVOKES, REVOKES_HELP, "result=\"done\"");
    r->failed = metrics_counter(metrics, REVOKES, REVOKES_HELP, "result=\"failed\"");
    r->ended = metrics_counter(metrics, "lynks_auth_sessions_revoked_total",
                               "Sessions ended by revocations.", NULL);
    return r;
}

void revocations_stop(struct revocations *r)
{
    r->is_stopped = true;
}

void revocations_free(struct revocations **revocations)
{
    mem_free(revocations);
}
