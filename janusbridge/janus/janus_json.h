/* Janus' JSON: what it is asked is built here, what it answers is taken apart in janus_message.h,
 * and nowhere else: only these two see jansson. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_JSON_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_JSON_H

#include "proto/schema/msg.h"

#define JANUS_VIDEOROOM "janus.plugin.videoroom"

/* Every function gives a NUL-terminated text that the caller frees. */

/* ,"apisecret":"..." to be put into each request, or "" without a secret. */
char *janus_json_auth(const char *api_secret);

/* {"janus":verb, "transaction":...}; verb and transaction are ours and need no escaping. */
char *janus_json_request(const char *verb, const char *transaction, const char *auth);
char *janus_json_attach(const char *transaction, const char *auth);
/* A message to the VideoRoom plugin; body is JSON text, and so is jsep (NULL: none). */
char *janus_json_message(const char *transaction, const char *auth, const char *body,
                         const char *jsep);
/* A session description; type is "offer" or "answer". */
char *janus_json_jsep(const char *type, struct str sdp);

/* Bodies of VideoRoom requests. */

/* admin_key "" leaves it out. */
char *janus_json_create(const struct msg_bridge_create *room, const char *admin_key);
/* Gives the pin, if there is one, to a room that has this secret, and changes nothing else; is
 * refused if it has another secret; gives it to one that has none. */
char *janus_json_claim(uint64_t room_id, struct str secret, struct str pin);
char *janus_json_destroy(uint64_t room_id, struct str secret);
char *janus_json_exists(uint64_t room_id);
char *janus_json_participants(uint64_t room_id);
/* Joins without a name and without media: hears what happens in the room. */
char *janus_json_observe(uint64_t room_id, struct str pin);
/* Changes nothing, and is answered with an event: of a handle that has not joined, an error. */
#define JANUS_JSON_PULSE "{\"request\":\"configure\"}"

/* ---- the same for connections of clients ---- */

/* Of the room that a connection is in. */
struct janus_place {
    uint64_t room_id, feed;
    struct str pin; /* empty: the room has none */
};
/* bitrate: bits a second that Janus asks of the publisher; 0: it does not. */
char *janus_json_publish(const struct janus_place *place, uint64_t bitrate);
/* From now on; 0: as much as he likes. */
char *janus_json_limit(uint64_t bitrate);
/* Another offer of a publisher, which goes with it. */
#define JANUS_JSON_CONFIGURE "{\"request\":\"configure\"}"
#define JANUS_JSON_START "{\"request\":\"start\"}"
#define JANUS_JSON_RESTART "{\"request\":\"configure\",\"restart\":true}"

/* What a subscriber gets, or is to get. */
struct janus_stream {
    struct str mid; /* of the subscriber's own description; borrowed */
    uint64_t feed;  /* 0: nothing comes in it */
    struct str feed_mid;
};
/* Comes into the room as one that gets these streams; mid has no meaning. count > 0. */
char *janus_json_subscribe(const struct janus_place *place, const struct janus_stream *streams,
                           size_t count);
/* Not both counts are 0. Of gone only mid counts. */
char *janus_json_update(const struct janus_stream *wanted, size_t wanted_count,
                        const struct janus_stream *gone, size_t gone_count);
/* Of one stream: does it come at all, and its largest layer, 0 to JANUS_LAYER_MAX: another one ends
 * the process of Janus 1.1.2. */
#define JANUS_LAYER_MAX 2
struct janus_tuning {
    struct str mid;
    bool is_sent;
    bool has_layer;
    uint64_t layer;
};
char *janus_json_tune(const struct janus_tuning *tunings, size_t count);
/* What the publisher sends there is passed on to nobody, or is again. secret: of the room. */
char *janus_json_moderate(const struct janus_place *place, struct str secret, struct str mid,
                          bool mutes);

#endif
