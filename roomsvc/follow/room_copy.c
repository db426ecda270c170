#include "roomsvc/follow/room_copy.h"

#include "proto/base/lru.h"

/* One room. Entries are also there of rooms whose list is not known: what has changed in them makes
 * a list that is older than that useless. */
struct entry {
    uint64_t generation; /* of the copy when the list was taken; another: there is no list */
    uint64_t from;       /* events up to here are in the list */
    uint64_t changed;    /* the last event about the room */
    uint64_t *ids;
    size_t count, capacity;
};

struct room_copy {
    struct lru *rooms; /* room id -> struct entry */
    uint64_t generation;
    uint64_t epoch;
    uint64_t last;       /* event */
    uint64_t whole;      /* nothing was missed since this event; older lists may lack something */
    uint64_t pushed_out; /* the highest entry.changed of those that made place */
    /* Everything that happened in Janus until the bridge's clock showed this is in the copy. */
    bool is_proven;
    int64_t proven_clock_ms;
    bool is_anchored;
    int64_t anchor_ms, anchor_clock_ms; /* our clock; the bridge's then, or later */
};

struct room_copy *room_copy_new(size_t rooms_max)
{
    struct room_copy *copy = mem_alloc(sizeof(*copy));
    *copy = (struct room_copy){.generation = 1};
    copy->rooms = lru_new(sizeof(uint64_t), sizeof(struct entry), rooms_max);
    return copy;
}

static void remove_oldest(struct room_copy *copy)
{
    const void *key;
    struct entry *entry = lru_oldest(copy->rooms, &key);
    if (entry->changed > copy->pushed_out) {
        copy->pushed_out = entry->changed;
    }
    mem_free(&entry->ids);
    const uint64_t room_id = *(const uint64_t *)key;
    lru_remove(copy->rooms, &room_id);
}

static void remove_all(struct room_copy *copy)
{
    while (lru_count(copy->rooms) > 0) {
        remove_oldest(copy);
    }
    copy->pushed_out = 0;
}

void room_copy_free(struct room_copy **copy_ref)
{
    struct room_copy *copy = *copy_ref;
    if (copy == NULL) {
        return;
    }
    remove_all(copy);
    lru_free(&copy->rooms);
    mem_free(copy_ref);
}

static struct entry *entry_of(struct room_copy *copy, uint64_t room_id)
{
    struct entry *entry = lru_find(copy->rooms, &room_id);
    if (entry != NULL) {
        return entry;
    }
    if (lru_is_full(copy->rooms)) {
        remove_oldest(copy);
    }
    bool added;
    entry = lru_put(copy->rooms, &room_id, &added);
    entry->changed = copy->pushed_out;
    return entry;
}

static void end_lists(struct room_copy *copy, uint64_t number)
{
    copy->generation++;
    copy->whole = number;
}

static void set_publishes(struct entry *entry, uint64_t id, bool publishes)
{
    size_t at = 0;
    while (at < entry->count && entry->ids[at] != id) {
        at++;
    }
    if (publishes && at == entry->count) {
        if (entry->count == entry->capacity) {
            entry->capacity = entry->capacity * 2 + 4;
            entry->ids = mem_realloc_array(entry->ids, entry->capacity, sizeof(*entry->ids));
        }
        entry->ids[entry->count++] = id;
    } else if (!publishes && at < entry->count) {
        entry->count--;
        memmove(&entry->ids[at], &entry->ids[at + 1], (entry->count - at) * sizeof(*entry->ids));
    }
}

static void hear_of_room(struct room_copy *copy, const struct msg_bridge_event *event,
                         uint64_t number)
{
    struct entry *entry = entry_of(copy, event->room_id);
    entry->changed = number;
    if (entry->generation != copy->generation || number <= entry->from) {
        return;
    }
    const bool publishes = event->what == BRIDGE_PUBLISHES;
    const bool is_change = publishes || event->what == BRIDGE_UNPUBLISHES;
    if (!is_change || !event->has_publisher || (publishes && entry->count == PUBLISHERS_MAX)) {
        entry->generation = 0;
        return;
    }
    set_publishes(entry, event->publisher, publishes);
}

void room_copy_hear(struct room_copy *copy, const struct msg_bridge_event *event, uint64_t number,
                    bool is_next)
{
    if (number <= copy->last) {
        /* A publisher whose clock was set back: the old numbers say nothing of the new ones. */
        remove_all(copy);
    }
    if (!is_next || event->epoch != copy->epoch) {
        end_lists(copy, number);
        copy->is_anchored = copy->is_anchored && event->epoch == copy->epoch;
        copy->epoch = event->epoch;
        copy->is_proven = false;
    }
    copy->last = number;
    if (event->what == BRIDGE_UNFOLLOWS_ALL) {
        end_lists(copy, number);
    } else if (event->has_room_id) {
        hear_of_room(copy, event, number);
    }
    copy->is_proven = event->has_age_ms && event->clock_ms != 0;
    copy->proven_clock_ms = (int64_t)event->clock_ms - (int64_t)event->age_ms;
}

void room_copy_anchor(struct room_copy *copy, uint64_t asked_ms, uint64_t clock_ms)
{
    copy->is_anchored = true;
    copy->anchor_ms = (int64_t)asked_ms;
    copy->anchor_clock_ms = (int64_t)clock_ms;
}

void room_copy_take(struct room_copy *copy, uint64_t room_id, uint64_t number,
                    const struct u64_list *publishers)
{
    struct entry *entry = entry_of(copy, room_id);
    const bool is_newer = entry->generation != copy->generation || number > entry->from;
    if (number < copy->whole || number < entry->changed || !is_newer) {
        return;
    }
    if (publishers->count > entry->capacity) {
        entry->capacity = publishers->count;
        entry->ids = mem_realloc_array(entry->ids, entry->capacity, sizeof(*entry->ids));
    }
    if (publishers->count > 0) {
        memcpy(entry->ids, publishers->items, publishers->count * sizeof(*entry->ids));
    }
    entry->count = publishers->count;
    entry->from = number;
    entry->generation = copy->generation;
}

/* How far the copy may be behind Janus at now_ms; -1: nobody knows. */
static int64_t age_ms(const struct room_copy *copy, uint64_t now_ms)
{
    const int64_t now = (int64_t)now_ms;
    if (!copy->is_proven || !copy->is_anchored || now - copy->anchor_ms > ROOM_COPY_ANCHOR_MS) {
        return -1;
    }
    return now - (copy->anchor_ms + copy->proven_clock_ms - copy->anchor_clock_ms);
}

bool room_copy_answer(struct room_copy *copy, uint64_t room_id, uint64_t now_ms,
                      struct u64_list *ret_publishers)
{
    const struct entry *entry = lru_find(copy->rooms, &room_id);
    if (entry == NULL || entry->generation != copy->generation || entry->from > copy->last) {
        return false;
    }
    const int64_t age = age_ms(copy, now_ms);
    if (age < 0 || age > ROOM_COPY_FRESH_MS) {
        return false;
    }
    *ret_publishers = (struct u64_list){.items = entry->ids, .count = entry->count};
    return true;
}

uint64_t room_copy_epoch(const struct room_copy *copy)
{
    return copy->epoch;
}
