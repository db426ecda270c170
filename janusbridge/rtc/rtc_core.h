/* What the files of this folder share: the tables of connections, their states, and what others are
 * told of them. */
#ifndef LYNKS_JANUSBRIDGE_RTC_RTC_CORE_H
#define LYNKS_JANUSBRIDGE_RTC_RTC_CORE_H

#include "janusbridge/rtc/connection.h"
#include "janusbridge/rtc/rtc_parts.h"
#include "proto/base/lru.h"

#define RTC_JANUS_TIMEOUT_MS 5000    /* of a request to Janus */
#define RTC_ANSWER_TIMEOUT_MS 30000  /* of a client for an offer */
#define RTC_CONNECT_TIMEOUT_MS 25000 /* ICE gives up after 22 s */
#define RTC_CALL_TIMEOUT_MS 2000     /* of roomsvc, for what nobody waits for */

/* What Janus tells of a handle's connection, without being asked. */
struct media_news {
    enum janus_kind kind;        /* JANUS_WEBRTCUP, JANUS_MEDIA, JANUS_HANGUP, JANUS_DETACHED */
    char mid[RTC_MID_BYTES + 1]; /* of JANUS_MEDIA: what arrives in it, or does not any more */
    uint64_t layer;
    bool arrives;
};

/* What differs between connections that publish and those that watch. Functions may be NULL. */
struct rtc_kind_ops {
    void (*join)(struct connection *connection); /* it has its row */
    void (*look)(struct connection *connection); /* its media can flow: is all as it is to be? */
    void (*hear_event)(struct connection *connection, const struct janus_message *message);
    void (*hear_media)(struct connection *connection, const struct media_news *news);
    void (*kept)(struct connection *connection);   /* its row says what it is now; or NULL */
    void (*remind)(struct connection *connection); /* now and then: does its client know? */
};

struct takeover;
struct rtc_audit;

struct rtc {
    struct rtc_parts parts;
    struct rtc_config config;
    struct list_link all;       /* of struct connection, in the order of their coming */
    struct lru *by_id;          /* id -> struct connection * */
    struct lru *by_owner;       /* token hash, kind -> the one that he has asked for last */
    struct lru *by_participant; /* participant, kind -> the one that has his row */
    const struct rtc_kind_ops *ops[RTC_WATCH + 1]; /* by kind */
    struct takeover *takeover;
    bool is_taken_over; /* all rows of the node are known */
    struct rtc_audit *audit;
    uint64_t stored, dropped; /* how many have been so far */
    uint64_t sweep_timer, due_timer;
    bool is_asking_due;
    bool is_nearly_full; /* which was told */
    struct metric *there, *made, *ended, *taken_over;
};

/* False: it is none that can be understood. */
bool media_news_read(const struct janus_message *message, struct media_news *ret_news);
void rtc_hear(struct connection *connection, const struct media_news *news);

/* How many there are, for operators. */
void rtc_tell_count(struct rtc *rtc);

/* ---- finding them ---- */

void rtc_make_tables(struct rtc *rtc);
void rtc_free_tables(struct rtc *rtc);

struct connection *rtc_find(const struct rtc *rtc, const uint8_t id[CONNECTION_ID_BYTES]);
/* Did he who asks make it? */
bool rtc_is_his(const struct connection *connection, const struct msg_asker *asker);
/* The one of a call about it: by its id, if it is his who asks. NULL: there is none, or it is
 * closing. */
struct connection *rtc_find_his(const struct rtc *rtc, struct str id,
                                const struct msg_asker *asker);
/* Likewise, by who asks. */
struct connection *rtc_find_of(const struct rtc *rtc, const struct msg_asker *asker,
                               enum rtc_kind kind);
/* The one by which a participant sends; NULL: he does not. */
struct connection *rtc_publisher(const struct rtc *rtc, uint64_t participant);

/* ---- their life ---- */

/* ERR_OK: calls may be taken. Else a refusal. */
enum err rtc_refusal(struct rtc *rtc);
/* A new one, attaching; the call waits for it. NULL: the call is answered. */
struct connection *rtc_begin(struct rtc *rtc, struct call *call, enum rtc_kind kind, struct str id,
                             const struct msg_asker *asker);
/* One that another bridge has made, as its row says; still attaching, as far as its state tells.
 * has_handle: Janus has its handle. */
struct connection *rtc_take_row(struct rtc *rtc, const struct msg_rtc_row *row, bool has_handle);
/* The only way in which a state changes. False: the event means nothing in this one. */
bool rtc_enter(struct connection *connection, enum connection_event event);
/* Ends it: who waits is told err, its handle goes, and then its row. */
void rtc_close(struct connection *connection, enum rtc_reason reason, enum err err);
/* Forgets one at once, for another bridge has it or Janus nothing any more; its row stays. */
void rtc_drop(struct connection *connection);
/* Of one that is not known here: what made it died before it could end it. */
void rtc_end_row(struct rtc *rtc, struct str id);
/* Closes it unless its state has changed within so long. */
void rtc_limit(struct connection *connection, uint64_t timeout_ms);

/* ---- who waits ---- */

/* Takes the call that waits; NULL: none does. */
struct call *rtc_take_call(struct connection *connection);
void rtc_fail_call(struct connection *connection, enum err err);

/* ---- telling others ---- */

/* Of a call that no client waits for. */
struct call_context rtc_context(const struct rtc *rtc, const char *name);
/* Its level has changed: roomsvc is told, until it knows. */
void rtc_changed(struct connection *connection);
/* What was not told, or maybe not heard, is told once more. */
void rtc_tell_again(struct rtc *rtc);
/* more: what is in the hint besides whose it is; its what is set. */
void rtc_hint(const struct connection *connection, struct msg_rtc_hint more);
/* The same, of one that may be gone by now. */
void rtc_hint_of(const struct rtc *rtc, struct msg_rtc_hint hint);

/* What those in the room watch may be another thing now. */
void rtc_look_again(struct rtc *rtc, uint64_t room_id);

#endif
