/* What bridges tell of participants' connections for media (rtc_hint in messages.def), for the
 * streams and long polls that those participants have at this gateway. Nothing of it is kept: who
 * has no stream when it is heard is not told, and asks when he comes again. Lives on the loop. */
#ifndef LYNKS_GATEWAY_FOLLOW_RTC_HINTS_H
#define LYNKS_GATEWAY_FOLLOW_RTC_HINTS_H

#include "proto/base/list.h"
#include "proto/base/metrics.h"
#include "proto/http/http_stream.h"
#include "proto/schema/msg.h"

/* So many wait for one reader; one for whom there are more is too slow. */
#define RTC_HINTS_WAITING_MAX 128

struct rtc_hints;

/* encode: how streams tell it; gives one reference. readers_max: at a time. */
struct rtc_hints *rtc_hints_new(struct metrics *metrics, size_t readers_max,
                                struct http_chunk *(*encode)(const struct msg_rtc_hint *hint));
void rtc_hints_free(struct rtc_hints **hints); /* nobody reads any more */

/* What a bridge publishes; others than rtc_hint are none of this. */
void rtc_hints_hear(struct rtc_hints *hints, const struct msg *msg);

/* Somebody who reads; embedded. All is its own. */
struct rtc_reader {
    struct list_link link;   /* of the readers of its participant */
    struct rtc_hints *hints; /* NULL: it is closed */
    uint64_t participant_id;
    struct list_link waiting; /* what it has not taken yet */
    size_t waiting_count;
    bool is_slow;            /* there was more than may wait, which is lost */
    void (*wake)(void *arg); /* there is something new; may close the reader, and no other one */
    void *arg;
};

/* Hears of this participant from now on. The owner has set wake and arg. */
void rtc_reader_open(struct rtc_reader *reader, struct rtc_hints *hints, uint64_t participant_id);
void rtc_reader_close(struct rtc_reader *reader); /* harmless if it is closed */

/* What is next; borrowed. NULL: nothing. */
struct http_chunk *rtc_reader_peek(const struct rtc_reader *reader);
/* The chunk that was just seen is with the reader. */
void rtc_reader_advance(struct rtc_reader *reader);

#endif
