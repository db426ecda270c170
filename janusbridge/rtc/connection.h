/* One connection of a client with Janus, and the tables in which it is found. What is done with it
 * is in publish.h and watch.h; only rtc.c makes and ends one. */
#ifndef LYNKS_JANUSBRIDGE_RTC_CONNECTION_H
#define LYNKS_JANUSBRIDGE_RTC_CONNECTION_H

#include "janusbridge/janus/janus_handle.h"
#include "janusbridge/rtc/connection_state.h"
#include "proto/base/list.h"
#include "proto/bus/call.h"

#define CONNECTION_ID_BYTES 16
#define TOKEN_HASH_BYTES 32
#define BODY_HASH_BYTES 16

struct rtc;

/* Of one that publishes: a part of its description. */
struct track {
    char *mid;
    enum media_source source;
    uint64_t
        arriving;     /* layers that arrive at Janus: a bit for each; one that has none has bit 0 */
    bool has_arrived; /* since the connection is up */
};

/* Of one that watches: a part of its description. */
struct stream {
    char *mid;
    uint64_t feed; /* 0: nothing comes in it */
    char *feed_mid;
    uint64_t participant;
    enum media_source source;
    bool is_tuned; /* Janus was told what follows; else it is as Janus begins, or not known */
    bool is_paused;
    uint64_t layer;
    unsigned layer_asks; /* Janus is asked for it again so often, until it says that it sends it */
};

/* Likewise: what its client wants of somebody. */
struct wish {
    uint64_t participant;
    enum media_source source;
    uint64_t layer;
    bool is_paused;
};

struct connection {
    struct rtc *rtc;
    uint8_t id[CONNECTION_ID_BYTES];
    uint8_t token_hash[TOKEN_HASH_BYTES]; /* of its participant: only he may ask for it */
    enum rtc_kind kind;
    enum rtc_state state;
    enum rtc_reason reason; /* why it closes */
    bool was_up;            /* media could flow */
    bool is_busy;           /* a request is under way on its handle */
    bool may_have_row;      /* roomsvc was asked to keep it */
    struct list_link link;  /* in the rtc's list of all */
    struct janus_handle *handle;
    uint64_t timer; /* of what has to happen in its present state */

    /* of its row; 0 and NULL before it is stored */
    uint64_t room_id, participant, feed;
    char *pin, *secret;

    uint64_t seq;      /* offers so far */
    char *sdp;         /* Janus' last answer; of one that watches, its offer that waits for one */
    struct call *call; /* that waits for what is under way; NULL: nobody does */

    char *offer;  /* the last of one that publishes; the answer of WHEP, which stays */
    char *answer; /* of WHEP: what its client was answered; NULL: it answers itself */

    /* of one that publishes */
    bool has_body_hash;
    uint8_t body_hash[BODY_HASH_BYTES]; /* of the request that made it, with a client's own key */

    struct track *tracks;
    size_t track_count;
    uint64_t muted;          /* Janus passes on to nobody: a sum of media_source */
    uint64_t wished_muted;   /* is to pass on to nobody */
    size_t moderations;      /* requests for that under way */
    uint64_t bitrate;        /* of its room, that Janus was told; 0: it has none of its own */
    uint64_t wished_bitrate; /* is to be told */
    uint64_t asked_bitrate;  /* while it is being told */

    struct stream *streams;
    size_t stream_count;
    struct wish *wishes;
    size_t wish_count;
    unsigned vain;                   /* attempts in a row at a feed that was gone */
    bool is_untold;                  /* its client does not know of its offer that waits */
    uint64_t told_ms, tell_pause_ms; /* when he was told, when to tell him again */

    uint64_t stored; /* the rtc's when it got its row; 0: another bridge made it */
    unsigned looks;  /* of the audit, in a row, at which Janus did not have its feed */

    /* what roomsvc is told */
    uint64_t version, told_version;
    bool is_telling;
};

/* ---- what one sends, and what arrives ---- */

/* tracks takes the place of those before; what arrives of a mid that stays is kept. */
void connection_set_tracks(struct connection *connection, const struct msg_rtc_track_list *tracks);
/* tracks has room for RTC_TRACKS_MAX; borrowed like it. */
struct msg_rtc_track_list connection_track_list(const struct connection *connection,
                                                struct msg_rtc_track *tracks);
struct track *connection_track(const struct connection *connection, struct str mid); /* or NULL */
/* Sums of media_source: what has arrived since it is up, and what of that does not arrive now. */
uint64_t connection_published(const struct connection *connection);
uint64_t connection_lost(const struct connection *connection);
/* The mid in which source is sent; NULL: it is not. */
const char *connection_mid_of(const struct connection *connection, enum media_source source);

/* ---- what one gets ---- */

void connection_set_wishes(struct connection *connection, const struct msg_rtc_wish_list *wishes);
void connection_clear_streams(struct connection *connection);
struct stream *connection_stream(const struct connection *connection, struct str mid); /* or NULL */

/* Copies text into *dest, in place of what was there. */
void connection_set_text(char **dest, struct str text);
/* Frees its memory; it is in no table, and its handle is released. */
void connection_free(struct connection *connection);

#endif
