/* Which of roomsvc's replicas are heard publishing (room_news), watched once for all that follow
 * what they publish: tells them when something may have been missed. That is after a gap in a
 * publisher's numbers, when another comes in its place, when one is gone, and when one has been
 * silent for half a second; while one is silent, or there is none, again and again, because what it
 * does may be heard by others and not here. Lives on the loop. */
#ifndef LYNKS_GATEWAY_FOLLOW_NEWS_WATCH_H
#define LYNKS_GATEWAY_FOLLOW_NEWS_WATCH_H

#include "proto/base/clock.h"
#include "proto/base/list.h"

/* After this a publisher that is silent is dead rather than cut off. */
#define NEWS_SILENT_LONG_MS 10000

enum news_miss {
    NEWS_GAP,     /* something that was published did not come */
    NEWS_SILENCE, /* nobody knows whether something was */
};

/* Who follows; embedded. The owner sets all but the first and the last. */
struct news_watcher {
    struct list_link link;
    /* While somebody is silent, from one on_missed to the next: at first; after
     * NEWS_SILENT_LONG_MS. */
    uint64_t round_ms, slow_round_ms;
    void (*on_missed)(void *arg, enum news_miss why);
    void *arg;
    uint64_t told_ms; /* when it was told last */
};

struct news_watch;

struct news_watch *news_watch_new(const struct clock *clock); /* borrowed */
void news_watch_free(struct news_watch **watch);              /* nobody follows any more */

void news_watch_add(struct news_watch *watch, struct news_watcher *watcher);
void news_watch_remove(struct news_watcher *watcher);

/* What bus_subscriptions tells (on_event, on_gone) of the replica that publishes at endpoint; after
 * those who follow have taken the event. */
void news_watch_hear(struct news_watch *watch, const char *endpoint, bool is_next);
void news_watch_leave(struct news_watch *watch, const char *endpoint);

#endif
