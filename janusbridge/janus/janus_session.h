/* The one session with Janus, and the handle on the VideoRoom plugin that all requests go through.
 *
 *   idle -----> resuming or creating      it is started: with a session of another bridge, or none
 *   creating ---> attaching ---> ready      there is no session yet, or Janus has lost it
 *   resuming -----------------> ready       Janus still has the session, and the handle
 *   any ---> down ---> resuming or creating a step failed or ready was lost: again after a pause
 *   any ---> idle                           it is suspended
 *
 * Of a session that is resumed the poll from before still hangs in Janus, and takes an event with
 * it: one that nobody needs is made for it.
 *
 * Ready means: a session, a handle, a keepalive timer and exactly one long poll. Whatever casts
 * doubt on that (a broken connection, a failed poll, an answer that makes no sense, a call without
 * an answer) makes it ask Janus with a keepalive, and that answer decides: all is well; the session
 * is lost (a new one at once); the link is down (resume when it is back; a session that Janus then
 * does not know means that Janus was restarted). Attempts are repeated for ever, with back-off and
 * jitter.
 *
 * Before its start, and while it is suspended, another bridge may use it (lease.h).
 *
 * While it is not ready every call is refused at once. Lives on the loop. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_SESSION_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_SESSION_H

#include "janusbridge/janus/janus_calls.h"
#include "proto/base/health.h"

/* A connection that broke says little: Janus is likely still there, and connections may break
 * several at a time. What changes nothing is sent at once again, so often in all. Where no Janus
 * is, that fails at once as well; what is not answered in time is not tried again. */
#define JANUS_TRIES_MAX 4

struct janus_session_config {
    const char *api_secret;      /* "": none */
    uint64_t keepalive_ms;       /* at most this; shorter if Janus' session timeout asks for it */
    uint64_t control_timeout_ms; /* for each request of the session's own upkeep */
    uint64_t backoff_min_ms;
    uint64_t backoff_max_ms;
    size_t calls_max;    /* requests under way or queued at a time */
    size_t parallel_max; /* of these, sent at a time */
};

struct janus_session_parts {
    const struct janus_transport *transport;
    const struct clock *clock;
    struct metrics *metrics;
    struct health *health; /* readiness is reported as "janus" */
};

/* Who hears of the session. What he is told he may answer with calls, but not by ending the
 * session. Functions may be NULL. */
struct janus_listener {
    /* The session is ready. is_new: what was made through the one before may be gone; else it is
     * the same session as before, with the same handle or another. */
    void (*on_ready)(void *arg, bool is_new);
    /* It is not any more: once for each on_ready, at the latest when it is freed. Events may be
     * missed from now on; calls under way fail after this. */
    void (*on_lost)(void *arg);
    void (*on_gap)(void *arg); /* while ready: events may have been missed */
    /* An event, or the end of a handle that is not the session's own, in Janus' order. */
    void (*on_event)(void *arg, const struct janus_message *message);
    void *arg;
};

struct janus_session;

/* Parts are borrowed; config is copied. Nothing is sent before janus_session_start. */
struct janus_session *janus_session_new(const struct janus_session_parts *parts,
                                        const struct janus_session_config *config);
/* Calls under way end with ERR_UNAVAILABLE. */
void janus_session_free(struct janus_session **session);
/* Before the start. Up to eight may listen; they are told in the order of their coming. */
void janus_session_listen(struct janus_session *session, const struct janus_listener *listener);
void janus_session_start(struct janus_session *session);
/* The same with a session that somebody else made, and a handle in it (0: none): it is resumed if
 * Janus still has it. session_id 0: a new one. */
void janus_session_resume(struct janus_session *session, uint64_t session_id, uint64_t handle_id);
/* It is left to another bridge: nothing more is sent, calls under way end with ERR_STANDBY, and
 * Janus is told nothing. It may be started or resumed again. */
void janus_session_suspend(struct janus_session *session);

bool janus_session_is_ready(const struct janus_session *session);
/* ERR_OK when ready. ERR_STANDBY while it is not ours, ERR_SESSION_COMING while the first one is
 * being made: nothing was done, ask another or again. ERR_UNAVAILABLE when Janus was found to be
 * away. */
enum err janus_session_refusal(const struct janus_session *session);
uint64_t janus_session_made(const struct janus_session *session); /* sessions so far */
const char *
janus_session_version(const struct janus_session *session); /* of Janus; "" if unknown */

/* Sends a VideoRoom request; body is JSON text. ERR_OK: fn (arg) is called exactly once, later, at
 * most timeout_ms from now; *ret_id names the call. ERR_UNAVAILABLE (not ready), ERR_OVERLOADED:
 * never. What fn gets: ERR_OK or what janus_fault_err says, both with the message; or without one
 * ERR_UNAVAILABLE, ERR_DEADLINE, ERR_PROTOCOL. */
enum err janus_session_call(struct janus_session *session, const char *body, uint64_t timeout_ms,
                            janus_call_fn *fn, void *arg, uint64_t *ret_id);
/* Takes a call back that was not sent yet: true, and fn is not called. */
bool janus_session_withdraw(struct janus_session *session, uint64_t id);
/* The same for a request beside the session's own handle; path NULL stands for the session. */
enum err janus_session_aside(struct janus_session *session, const struct janus_aside *request,
                             janus_call_fn *fn, void *arg);
uint64_t janus_session_id(const struct janus_session *session);     /* 0: none */
uint64_t janus_session_handle(const struct janus_session *session); /* its own; 0: none */
/* The long poll is suspected to be dead: a new one, and a gap. */
void janus_session_poll_anew(struct janus_session *session);
/* A caller waited in vain: ask Janus whether it is still there. */
void janus_session_doubt(struct janus_session *session);

#endif
