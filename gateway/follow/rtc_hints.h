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

struct rtc_queue;

/* Somebody who reads; embedded. All is its own; who it is of, and where, its owner knows. */
struct rtc_reader {
    struct list_link link;   /* of the readers of its participant */
    struct rtc_queue *queue; /* what it has not taken yet; NULL: nothing, and none was lost */
    void (*wake)(struct rtc_reader *reader); /* there is something new; may close the reader, and
                                                no other one */
};

/* Hears of this participant from now on. The owner has set wake. */
void rtc_reader_open(struct rtc_reader *reader, struct rtc_hints *hints, uint64_t participant_id);
/* What it was opened with. Harmless if it has been closed. */
void rtc_reader_close(struct rtc_reader *reader, struct rtc_hints *hints, uint64_t participant_id);

/* What is next; borrowed. NULL: nothing. */
struct http_chunk *rtc_reader_peek(const struct rtc_reader *reader);
/* The chunk that was just seen is with the reader. */
void rtc_reader_advance(struct rtc_reader *reader);
/* Was there more than may wait, which is lost? */
bool rtc_reader_is_slow(const struct rtc_reader *reader);

#endif
