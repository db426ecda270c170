#include "janusbridge/janus/janus_watch.h"

#include <assert.h>

void janus_watches_add(struct janus_watches *watches, struct janus_watch watch)
{
    assert(watches->count < JANUS_WATCHES_MAX);
    watches->items[watches->count++] = watch;
}

void janus_watches_ready(const struct janus_watches *watches, bool is_new)
{
    for (size_t i = 0; i < watches->count; i++) {
        watches->items[i].on_ready(watches->items[i].arg, is_new);
    }
}

void janus_watches_lost(const struct janus_watches *watches)
{
    for (size_t i = 0; i < watches->count; i++) {
        watches->items[i].on_lost(watches->items[i].arg);
    }
}
