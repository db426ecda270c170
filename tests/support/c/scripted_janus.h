/* A Janus for tests, on the test's own loop: sessions, handles, rooms and the long poll as
 * Janus 1.1.2 has them, as far as the bridge needs them, and every way to go wrong. */
#ifndef LYNKS_TESTS_SUPPORT_C_SCRIPTED_JANUS_H
#define LYNKS_TESTS_SUPPORT_C_SCRIPTED_JANUS_H

#include "tests/support/c/scripted_peer.h"

/* What a fault applies to. */
enum scripted_part {
    SCRIPTED_CONTROL = 1, /* create, attach, keepalive, info, destroy */
    SCRIPTED_CALLS = 2,   /* messages to the plugin */
    SCRIPTED_POLL = 4,
    SCRIPTED_ALL = 7,
};

struct scripted_janus;

struct scripted_janus *scripted_janus_new(struct loop *loop);
void scripted_janus_free(struct scripted_janus **janus);
const char *scripted_janus_url(const struct scripted_janus *janus);

/* From now on these parts do this; PEER_WELL mends them. */
void scripted_janus_set_fault(struct scripted_janus *janus, enum scripted_part part,
                              enum peer_fault fault);
/* Answers of these parts carry a transaction of somebody else. */
void scripted_janus_set_wrong_transaction(struct scripted_janus *janus, bool wrong);
void scripted_janus_set_delay(struct scripted_janus *janus, uint64_t ms); /* of all but polls */
void scripted_janus_set_poll_ms(struct scripted_janus *janus,
                                uint64_t ms); /* an empty poll; 30 s */
void scripted_janus_set_secret(struct scripted_janus *janus, const char *secret); /* api_secret */
/* Answers to asynchronous requests: the event comes before the ack, or after it. */
void scripted_janus_set_event_first(struct scripted_janus *janus, bool first);

void scripted_janus_stop(struct scripted_janus *janus);  /* killed: refuses, and all is forgotten */
void scripted_janus_start(struct scripted_janus *janus); /* on the same port */
/* Closes connections on which nothing is under way, as an idle time-out would. */
void scripted_janus_cut_idle(struct scripted_janus *janus);
void scripted_janus_forget_session(struct scripted_janus *janus, bool with_event);
void scripted_janus_forget_handle(struct scripted_janus *janus);

/* Who is in a room that exists: ids publish if they are even. At most 16. */
void scripted_janus_set_members(struct scripted_janus *janus, uint64_t room_id, const uint64_t *ids,
                                size_t count);

/* The name of every member, from now on, is so long. */
void scripted_janus_set_name_bytes(struct scripted_janus *janus, size_t bytes);
/* An event of the plugin for the long poll: data is JSON text. */
void scripted_janus_tell(struct scripted_janus *janus, const char *data);

struct scripted_counts {
    size_t creates, attaches, keepalives, destroys, lists, calls, polls;
    size_t polls_at_once; /* the most there ever were */
    size_t connections;   /* open now */
    size_t accepted;      /* connections in all */
    size_t calls_at_once; /* the most plugin messages that were ever under way */
    bool has_session;
};
struct scripted_counts scripted_janus_counts(const struct scripted_janus *janus);

#endif
