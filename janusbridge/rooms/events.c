#include "janusbridge/rooms/events.h"

/* bridge_event.what */
enum what {
    WHAT_PUBLISHES = 1,
    WHAT_UNPUBLISHES = 2,
    WHAT_FOLLOWED = 3,
    WHAT_UNFOLLOWED = 4,
    WHAT_ALL_UNFOLLOWED = 5,
    WHAT_ALIVE = 6,
};

struct events {
    struct events_parts parts;
    uint64_t timer;
};

static void publish(struct events *events, enum what what, uint64_t room_id, uint64_t publisher)
{
    const uint64_t age_ms = events->parts.age_ms(events->parts.arg);
    const struct msg msg = {.id = MSG_bridge_event,
                            .bridge_event = {.node = str_of(events->parts.node),
                                             .epoch = events->parts.epoch(events->parts.arg),
                                             .what = what,
                                             .room_id = room_id,
                                             .publisher = publisher,
                                             .age_ms = age_ms < INT64_MAX ? age_ms : INT64_MAX}};
    (void)bus_publisher_send(events->parts.publisher, &msg);
}

static void be_alive(void *arg)
{
    struct events *events = arg;
    publish(events, WHAT_ALIVE, 0, 0);
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

void events_tell(struct events *events, enum observed what, uint64_t room_id, uint64_t publisher)
{
    static const enum what whats[] = {[OBSERVED_PUBLISHED] = WHAT_PUBLISHES,
                                      [OBSERVED_UNPUBLISHED] = WHAT_UNPUBLISHES,
                                      [OBSERVED_RENEWED] = WHAT_FOLLOWED,
                                      [OBSERVED_LOST] = WHAT_UNFOLLOWED,
                                      [OBSERVED_GAP] = WHAT_ALL_UNFOLLOWED};
    if (events->parts.publisher != NULL) {
        publish(events, whats[what], room_id, publisher);
    }
}

uint64_t events_last(const struct events *events)
{
    return events->parts.publisher != NULL ? bus_publisher_last(events->parts.publisher) : 0;
}
