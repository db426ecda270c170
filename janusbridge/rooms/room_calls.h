/* The calls that wait for Janus, room by room: who shares a request, who must go in order, who has
 * waited long enough.
 *
 * Every caller is answered exactly once, at the latest at its deadline; what Janus says after that
 * is counted and dropped. Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_ROOM_CALLS_H
#define LYNKS_JANUSBRIDGE_ROOMS_ROOM_CALLS_H

#include "janusbridge/janus/janus_session.h"
#include "proto/bus/call.h"

/* Answers call from what Janus said; message as of janus_call_fn. */
typedef void room_reply_fn(void *arg, struct call *call, enum err err,
                           const struct janus_message *message);

enum room_order {
    ROOM_ALONE,   /* a request of its own, at once */
    ROOM_SHARED,  /* joins the one that is under way for this room with the same reply function */
    ROOM_IN_LINE, /* after all others in line for this room have really ended in Janus */
};

struct room_request {
    uint64_t room_id;
    enum room_order order;
    char *body; /* JSON text; ownership is taken */
    room_reply_fn *fn;
    uint64_t stamp; /* the caller's, given back by room_calls_stamp */
};

/* Hears of the shared requests, because Janus' answers say more than their callers need. */
struct room_listener {
    uint64_t (*on_send)(void *arg, uint64_t room_id); /* gives a token for the answer */
    void (*on_answer)(void *arg, uint64_t room_id, uint64_t token, enum err err,
                      const struct janus_message *message); /* exactly once for each token */
    void *arg;
};

struct room_calls;

/* All borrowed. fn's first argument is arg. */
struct room_calls *room_calls_new(struct janus_session *session, const struct clock *clock,
                                  struct metrics *metrics, size_t callers_max, void *arg);
/* At most one may listen. */
void room_calls_listen(struct room_calls *calls, const struct room_listener *listener);
/* After the session: nobody may wait any more. */
void room_calls_free(struct room_calls **calls);

/* ERR_OK: fn is called exactly once, later, not after call's deadline. ERR_UNAVAILABLE,
 * ERR_OVERLOADED, ERR_DEADLINE (it has passed already): it is not. */
enum err room_calls_add(struct room_calls *calls, struct call *call, struct room_request request);
/* Is a request in line for this room, which may change that it is there? */
bool room_calls_has_line(struct room_calls *calls, uint64_t room_id);
/* Within fn: the stamp of the request that Janus has answered. */
uint64_t room_calls_stamp(const struct room_calls *calls);

#endif
