/* The connections that participants have with Janus, as bridges are told and tell of them: an
 * interface, implemented over MySQL and mocked in the tests. Each command is one transaction. A
 * bridge with a lower epoch than that of the lease of its node changes nothing (ERR_STALE). */
#ifndef LYNKS_ROOMSVC_STORE_RTC_STORE_H
#define LYNKS_ROOMSVC_STORE_RTC_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/journal.h"
#include "roomsvc/store/room.h"

#define RTC_CONNECTION_BYTES 16

/* What a command came to; all but journal is of rtc_open. */
struct rtc_outcome {
    uint64_t room_id;
    uint64_t participant_id;
    uint64_t feed;
    uint64_t muted;   /* what others are not to get of him */
    uint64_t bitrate; /* of the room */
    char secret[ROOM_SECRET_BYTES + 1];
    char janus_pin[ROOM_JANUS_PIN_MAX + 1];
    bool has_replaced;
    unsigned char replaced[RTC_CONNECTION_BYTES]; /* the connection that is ended by this one */
    const struct journal *journal;                /* what was written there */
};

/* A connection as it is kept. */
struct rtc_kept {
    unsigned char connection[RTC_CONNECTION_BYTES];
    uint64_t kind; /* an enum rtc_kind */
    uint64_t room_id;
    uint64_t participant_id;
    unsigned char token_hash[32]; /* the participant's; zeroes: there is no such one any more */
    uint64_t janus_session, janus_handle, feed;
    uint64_t version, is_up, published, lost, muted, bitrate, seq;
    char secret[ROOM_SECRET_BYTES + 1]; /* digits 0: there is no such room any more */
    struct db_large_blob media;         /* rtc_media.h */
};

struct rtc_page {
    struct rtc_kept rows[RTC_PAGE];
    size_t count;
};

struct rtc_due_page {
    struct rtc_due {
        unsigned char connection[RTC_CONNECTION_BYTES];
        uint64_t ends;
        uint64_t muted, bitrate;
    } rows[RTC_DUE_PAGE];
    size_t count;
};

/* What fn is given is borrowed until it returns, and NULL unless err is ERR_OK. */
typedef void rtc_store_fn(void *arg, enum err err, const struct rtc_outcome *outcome);
typedef void rtc_store_page_fn(void *arg, enum err err, const struct rtc_page *page);
/* node: of the connection; empty: there is none. */
typedef void rtc_store_where_fn(void *arg, enum err err, const char *node);
typedef void rtc_store_due_fn(void *arg, enum err err, const struct rtc_due_page *page);

/* As managed_store_ops. */
struct rtc_store_ops {
    /* rtc_open, rtc_update or rtc_end; errors as messages.def has them. */
    enum err (*run)(void *self, const struct msg *request, uint64_t deadline_ms, rtc_store_fn *fn,
                    void *arg);
    enum err (*page)(void *self, const struct msg_rtc_page *request, uint64_t deadline_ms,
                     rtc_store_page_fn *fn, void *arg);
    enum err (*due)(void *self, const struct msg_rtc_due *request, uint64_t deadline_ms,
                    rtc_store_due_fn *fn, void *arg);
    enum err (*where)(void *self, const struct msg_rtc_where *request, uint64_t deadline_ms,
                      rtc_store_where_fn *fn, void *arg);
};

struct rtc_store {
    const struct rtc_store_ops *ops;
    void *self;
};

#endif
