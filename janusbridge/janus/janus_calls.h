/* Requests to the plugin that wait for Janus' answer: the table of transactions.
 *
 * A transaction is registered before its request is sent, for its event can come (on the long poll)
 * before the ack (in the POST's answer). What comes for a transaction that nobody waits for any
 * more is counted and dropped. A bounded number is sent at a time, a bounded number waits. The
 * session owns the table; others go through it. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_CALLS_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_CALLS_H

#include "janusbridge/janus/janus_message.h"
#include "janusbridge/janus/janus_transport.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

#define TRANSACTION_BYTES 16 /* hex digits */
/* Fills in random hex digits and a NUL. */
void janus_transaction_draw(char dest[TRANSACTION_BYTES + 1]);

/* message is NULL unless Janus answered, then also with an error; borrowed until fn returns. */
typedef void janus_call_fn(void *arg, enum err err, const struct janus_message *message);

/* What the session should know about: an answer that casts doubt on the link or on what hangs on
 * it. */
enum janus_trouble { JANUS_TROUBLE_DOUBT, JANUS_TROUBLE_SESSION, JANUS_TROUBLE_HANDLE };
typedef void janus_trouble_fn(void *arg, enum janus_trouble trouble);

struct janus_calls_parts {
    const struct janus_transport *transport;
    const struct clock *clock;
    struct metrics *metrics;
    const char *auth; /* as of janus_json_auth */
    janus_trouble_fn *fn;
    void *arg;
    size_t calls_max;    /* under way or queued; 1..SLOTS_MAX */
    size_t parallel_max; /* sent and not answered, each on a connection of its own */
};

struct janus_calls;

struct janus_calls *janus_calls_new(const struct janus_calls_parts *parts);
/* Calls under way end with ERR_UNAVAILABLE. */
void janus_calls_free(struct janus_calls **calls);

/* Sends body (JSON) to the handle at path, which is borrowed until the call ends. ERR_OK: fn (arg)
 * is called exactly once, later, at most timeout_ms from now; *ret_id names the call.
 * ERR_OVERLOADED: fn is never called. */
enum err janus_calls_send(struct janus_calls *calls, const char *path, const char *body,
                          uint64_t timeout_ms, janus_call_fn *fn, void *arg, uint64_t *ret_id);
/* A request that does not go to the session's own handle: a message to another handle (body), or a
 * verb of the core ("attach", "detach"; body NULL). If that handle turns out to be gone, the
 * session is not told. */
struct janus_aside {
    const char *path; /* borrowed until the call ends */
    const char *verb; /* of the core; ours, needs no escaping */
    const char *body; /* JSON; NULL: none */
    const char *jsep; /* JSON that goes with body; NULL: none */
    uint64_t timeout_ms;
};
enum err janus_calls_send_aside(struct janus_calls *calls, const struct janus_aside *request,
                                janus_call_fn *fn, void *arg, uint64_t *ret_id);
/* Takes a call back that was not sent yet: true, and fn is not called. */
bool janus_calls_withdraw(struct janus_calls *calls, uint64_t id);
/* A message from the long poll: true if it was the answer to a call. */
bool janus_calls_on_event(struct janus_calls *calls, const struct janus_message *message);
void janus_calls_fail_all(struct janus_calls *calls, enum err err);

#endif
