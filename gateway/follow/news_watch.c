#include "gateway/follow/news_watch.h"

#include <assert.h>

#include "proto/bus/publishers.h"

#define LOOK_AT_PUBLISHERS_MS 100

struct news_watch {
    const struct clock *clock;
    struct publishers publishers;
    struct list_link watchers;
    bool is_blind;     /* somebody is silent, or there is nobody */
    uint64_t blind_ms; /* since when, or since when another one is silent, too */
    uint64_t timer;
};

static void tell_missed(struct news_watch *watch, struct news_watcher *watcher, enum news_miss why)
{
    watcher->told_ms = clock_mono_ms(watch->clock);
    watcher->on_missed(watcher->arg, why);
}

static void tell_all_missed(struct news_watch *watch, enum news_miss why)
{
    LIST_EACH (struct news_watcher, watcher, &watch->watchers, link) {
        tell_missed(watch, watcher, why);
    }
}

void news_watch_hear(struct news_watch *watch, const char *endpoint, bool is_next)
{
    publishers_hear(&watch->publishers, endpoint, clock_mono_ms(watch->clock));
    if (!is_next) {
        tell_all_missed(watch, NEWS_GAP);
    }
}

void news_watch_leave(struct news_watch *watch, const char *endpoint)
{
    publishers_leave(&watch->publishers, endpoint);
    tell_all_missed(watch, NEWS_SILENCE);
}

static void look_at_publishers(void *arg)
{
    struct news_watch *watch = arg;
    const uint64_t now_ms = clock_mono_ms(watch->clock);
    const struct publishers_look look = publishers_look(&watch->publishers, now_ms);
    const bool is_blind = look.silent > 0 || look.count == 0;
    if (look.is_new || (is_blind && !watch->is_blind)) {
        watch->blind_ms = now_ms;
    }
    watch->is_blind = is_blind;
    const bool is_long = now_ms - watch->blind_ms >= NEWS_SILENT_LONG_MS;
    LIST_EACH (struct news_watcher, watcher, &watch->watchers, link) {
        const uint64_t round_ms = is_long ? watcher->slow_round_ms : watcher->round_ms;
        if (look.is_new || (is_blind && now_ms - watcher->told_ms >= round_ms)) {
            tell_missed(watch, watcher, NEWS_SILENCE);
        }
    }
    watch->timer = clock_after(watch->clock, LOOK_AT_PUBLISHERS_MS, look_at_publishers, watch);
}

void news_watch_add(struct news_watch *watch, struct news_watcher *watcher)
{
    list_add(&watch->watchers, &watcher->link);
}

void news_watch_remove(struct news_watcher *watcher)
{
    list_remove(&watcher->link);
}

struct news_watch *news_watch_new(const struct clock *clock)
{
    struct news_watch *watch = mem_alloc(sizeof(*watch));
    watch->clock = clock;
    publishers_init(&watch->publishers);
    list_init(&watch->watchers);
    watch->timer = clock_after(clock, LOOK_AT_PUBLISHERS_MS, look_at_publishers, watch);
    return watch;
}

void news_watch_free(struct news_watch **watch_ref)
{
    struct news_watch *watch = *watch_ref;
    if (watch != NULL) {
        assert(list_is_empty(&watch->watchers));
        clock_cancel(watch->clock, watch->timer);
        publishers_fini(&watch->publishers);
        mem_free(watch_ref);
    }
}
