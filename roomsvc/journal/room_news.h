/* Publishes what happens in rooms (room_news in messages.def), with signs of life in between, so
 * that a gateway soon sees that it hears nothing any more.
 *
 * An event is told after its transaction was committed. The journal, which the database keeps,
 * stays the truth: what is lost on the way, or was committed by a roomsvc that died before it told,
 * is read there. Lives on the loop. */
#ifndef LYNKS_ROOMSVC_JOURNAL_ROOM_NEWS_H
#define LYNKS_ROOMSVC_JOURNAL_ROOM_NEWS_H

#include "proto/base/clock.h"
#include "proto/base/metrics.h"
#include "proto/bus/bus_publisher.h"
#include "roomsvc/store/journal.h"

#define ROOM_NEWS_LIFE_MS 100 /* between signs of life */

struct room_news;

/* publisher NULL: nobody is told. All borrowed. */
struct room_news *room_news_new(const struct clock *clock, struct metrics *metrics,
                                struct bus_publisher *publisher);
void room_news_free(struct room_news **news);

/* To all gateways that listen; item must be within the bounds of its message. */
void room_news_tell(struct room_news *news, const struct msg_room_news *item);
/* Likewise: what a command has written, and whom of the users it concerns. */
void room_news_tell_journal(struct room_news *news, const struct journal *journal);

#endif
