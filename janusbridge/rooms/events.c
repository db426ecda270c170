#include "janusbridge/rooms/events.h"

struct events {
    struct events_parts parts;
    uint64_t timer;
};

/* room_id 0: not about one; publisher 0: likewise, because Janus' feed ids are never 0. */
void events_tell(struct events *events, enum bridge_news what, uint64_t room_id, uint64_t publisher)
{
    if (events->parts.publisher == NULL) {
        return;
    }
    const uint64_t age_ms = feed_age_ms(events->parts.feed);
    const struct msg msg = {.id = MSG_bridge_event,
                            .bridge_event = {.node = str_of(events->parts.node),
                                             .epoch = lease_epoch(events->parts.lease),
                                             .what = what,
                                             .room_id = room_id,
                                             .has_room_id = room_id != 0,
                                             .publisher = publisher,
                                             .has_publisher = publisher != 0,
                                             .clock_ms = clock_mono_ms(events->parts.clock),
                                             .age_ms = age_ms,
                                             .has_age_ms = age_ms != UINT64_MAX}};
    (void)bus_publisher_send(events->parts.publisher, &msg);
}

static void be_alive(void *arg)
{
    struct events *events = arg;
    events_tell(events, BRIDGE_LIVES, 0, 0);
    events->timer = clock_after(events->parts.clock, EVENTS_LIFE_MS, be_alive, events);
}

struct events *events_new(const struct events_parts *parts)
{
    struct events *events = mem_alloc(sizeof(*events));
    events->parts = *parts;
    if (parts->publisher != NULL) {
        events->timer = clock_after(parts->clock, EVENTS_LIFE_MS, be_alive, events);
    }
    return events;
}

void events_free(struct events **events_ref)
{
    if (*events_ref != NULL) {
        clock_cancel((*events_ref)->parts.clock, (*events_ref)->timer);
        mem_free(events_ref);
    }
}

uint64_t events_last(const struct events *events)
{
    return events->parts.publisher != NULL ? bus_publisher_last(events->parts.publisher) : 0;
}
