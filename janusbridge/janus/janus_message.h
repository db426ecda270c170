/* What Janus says. Its .c is the only file that knows Janus' codes.
 *
 * Answers are not trusted: the sieve has taken what is not read here out of them, their depth and
 * size are bounded before they are parsed, duplicate keys, bad UTF-8 and trailing bytes are
 * refused, and so is a member that is there with a wrong type. A member that is to be read here has
 * its row in janus_sieve.c. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_MESSAGE_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_MESSAGE_H

#include "janusbridge/janus/janus_json.h"
#include "janusbridge/janus/janus_sieve.h"
#include "proto/base/err.h"

enum janus_kind {
    JANUS_SUCCESS,
    JANUS_ACK,
    JANUS_EVENT,
    JANUS_KEEPALIVE,
    JANUS_TIMEOUT,  /* the session was ended by Janus' timer */
    JANUS_DETACHED, /* the handle is gone */
    JANUS_INFO,
    JANUS_ERROR,
    JANUS_WEBRTCUP, /* of a handle: media can flow */
    JANUS_MEDIA,    /* likewise: janus_message_media tells what */
    JANUS_HANGUP,   /* likewise: it has no connection any more */
    JANUS_OTHER,    /* slowlink, ...: nothing for us */
};

/* What an error code of Janus means for the one who asked. */
enum janus_fault {
    JANUS_FAULT_NONE,
    JANUS_FAULT_SECRET,      /* api_secret is missing or wrong, or a token is missing */
    JANUS_FAULT_NO_SECRET,   /* found out by asking: api_secret is wanted, and we have none */
    JANUS_FAULT_TOKEN,       /* likewise: a token is wanted, and no api_secret would do */
    JANUS_FAULT_PLUGIN,      /* no such plugin */
    JANUS_FAULT_SESSION,     /* the session is gone */
    JANUS_FAULT_HANDLE,      /* the handle is gone */
    JANUS_FAULT_DRAINING,    /* Janus takes no new sessions */
    JANUS_FAULT_NO_ROOM,     /* the room is not there */
    JANUS_FAULT_ROOM_EXISTS, /* it is there already */
    JANUS_FAULT_KEY_MISSING, /* a member is missing: of ours only admin_key can be */
    JANUS_FAULT_WRONG_TYPE,  /* a member has a type that is not wanted: of ours the room's number */
    JANUS_FAULT_KEY_WRONG,   /* admin_key, room secret or pin */
    JANUS_FAULT_NO_FEED,     /* one that a subscriber wants is not there */
    JANUS_FAULT_FULL,        /* as many publish as may */
    JANUS_FAULT_SDP,         /* a session description is none */
    JANUS_FAULT_OTHER,
};

struct json_t;

/* One message of Janus; everything is borrowed from its document. */
struct janus_message {
    enum janus_kind kind;
    struct str transaction; /* empty if there is none */
    uint64_t session_id;    /* 0 if there is none */
    uint64_t sender;        /* handle; 0 if there is none */
    uint64_t data_id;       /* of a new session or handle; 0 if there is none */
    enum janus_fault fault; /* of the core, or of the plugin inside a success or event */
    uint64_t code;          /* Janus' number for it, for the log; 0 if there is none */
    bool is_cut;            /* by the sieve: members may be missing */
    const struct json_t *root;
    const struct json_t *data; /* plugindata.data; NULL if there is none */
};

struct janus_document;

/* NULL unless text (what the sieve kept) is JSON within the bounds: one message, or (a long poll's
 * answer) an array of at most JANUS_BATCH_MAX. */
struct janus_document *janus_document_parse(struct str text);
void janus_document_free(struct janus_document **document);
size_t janus_document_count(const struct janus_document *document);
/* false: the message with this index (< count) makes no sense. */
bool janus_document_get(const struct janus_document *document, size_t index,
                        struct janus_message *ret_message);

/* What an answer with this fault is for the caller of the bridge; ERR_OK for JANUS_FAULT_NONE. */
enum err janus_fault_err(enum janus_fault fault);

/* ---- answers of the VideoRoom plugin; ERR_PROTOCOL if they are not what was asked for ---- */

enum err janus_message_exists(const struct janus_message *message, uint64_t room_id,
                              bool *ret_exists);
/* The ids of those who publish. ids has room for PUBLISHERS_MAX. */
enum err janus_message_publishers(const struct janus_message *message, uint64_t room_id,
                                  uint64_t *ids, size_t *ret_count);
/* Is this feed in the room at all? message: what janus_message_publishers took. */
bool janus_message_has_member(const struct janus_message *message, uint64_t feed_id);
/* Is any other feed than this one (0: none) in it? */
bool janus_message_has_other(const struct janus_message *message, uint64_t feed_id);
/* Who published when we joined, and the feed id that we got. ids has room for PUBLISHERS_MAX. */
enum err janus_message_joined(const struct janus_message *message, uint64_t room_id,
                              uint64_t *ret_feed_id, uint64_t *ids, size_t *ret_count);

/* ---- what Janus tells a client's connection ---- */

/* The session description that came with it; false: there is none, or it is of another type. */
bool janus_message_jsep(const struct janus_message *message, const char *type, struct str *ret_sdp);
/* "attached", "updated", ...: is this what the plugin says of this handle? */
bool janus_message_says(const struct janus_message *message, const char *videoroom);
/* The streams of a subscriber, in their order. False: there is no list, or one of another shape. */
bool janus_message_streams(const struct janus_message *message, struct janus_stream *streams,
                           size_t streams_max, size_t *ret_count);
/* Of a JANUS_MEDIA: what arrives in mid, or does not any more. *ret_layer is 0 where there is
 * none. */
bool janus_message_media(const struct janus_message *message, struct str *ret_mid,
                         uint64_t *ret_layer, bool *ret_arrives);
/* Another layer of a stream comes from now on. */
bool janus_message_layer(const struct janus_message *message, struct str *ret_mid,
                         uint64_t *ret_layer);

/* What an event tells one who has joined a room. */
enum janus_news_kind {
    JANUS_NEWS_NONE,      /* nothing about who publishes */
    JANUS_NEWS_PUBLISH,   /* these feeds do */
    JANUS_NEWS_GONE,      /* this feed does not any more */
    JANUS_NEWS_OUT,       /* we are not in the room any more */
    JANUS_NEWS_DESTROYED, /* nor is anybody else */
    JANUS_NEWS_SENSELESS, /* it could be anything */
};
struct janus_news {
    enum janus_news_kind kind;
    size_t count;
    uint64_t ids[PUBLISHERS_MAX];
};
/* message: a JANUS_EVENT for a handle that has joined this room. */
void janus_message_news(const struct janus_message *message, uint64_t room_id,
                        struct janus_news *ret_news);

/* "created", "edited" or "destroyed" of this room? */
enum err janus_message_is_done(const struct janus_message *message, const char *what,
                               uint64_t room_id);

/* Of a JANUS_INFO: the version as text ("" if unusable or over ret_bytes - 1) and the session
 * timeout (0: unknown or none). */
void janus_message_info(const struct janus_message *message, char *ret_version, size_t ret_bytes,
                        uint64_t *ret_session_timeout_s);
/* Of a JANUS_INFO: does Janus guard its API with a secret, with tokens? Either lets a client in. */
void janus_message_guards(const struct janus_message *message, bool *ret_has_secret,
                          bool *ret_has_tokens);

#endif
