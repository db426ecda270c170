#include "janusbridge/rooms/observer.h"

#include <assert.h>
#include <stdio.h>

/* A full table makes place for a new room only by one that nobody asked for this long. */
#define SPARE_AGE_MS 10000

struct observer *observer_find(struct lru *table, uint64_t id)
{
    struct observer *const *at = lru_find(table, &id);
    return at != NULL ? *at : NULL;
}

void observers_tell(const struct observers *all, enum observed what, uint64_t room_id,
                    uint64_t publisher)
{
    if (all->parts.on_change != NULL) {
        all->parts.on_change(all->parts.arg, what, room_id, publisher);
    }
}

static void count(const struct observers *all)
{
    metric_set(all->there, (int64_t)lru_count(all->by_room));
}

/* ---- the end ---- */

void observer_use(struct observer *observer)
{
    observer->users++;
}

void observer_leave(struct observer *observer)
{
    assert(observer->users > 0);
    if (--observer->users == 0 && observer->stage == OBSERVER_GONE) {
        mem_free(&observer);
    }
}

static void be_gone(struct observer *observer)
{
    observer_use(observer);
    observer->stage = OBSERVER_GONE;
    if (observer->handle_id != 0) {
        lru_remove(observer->all->by_handle, &observer->handle_id);
    }
    observer_leave(observer);
}

static void on_detached(void *arg, enum err err, const struct janus_message *message)
{
    struct observer *observer = arg;
    (void)err; /* whatever it was, it is not ours any more */
    (void)message;
    be_gone(observer);
    observer_leave(observer);
}

/* No request of its making is under way. */
static void detach(struct observer *observer)
{
    struct observers *all = observer->all;
    const struct janus_aside request = {
        .path = observer->path, .verb = "detach", .timeout_ms = all->config.timeout_ms};
    observer->stage = OBSERVER_ENDING;
    observer_use(observer);
    if (observer->handle_id == 0 || observer->is_detached ||
        janus_session_aside(all->parts.session, &request, on_detached, observer) != ERR_OK) {
        be_gone(observer);
        observer_leave(observer);
    }
}

void observer_end(struct observer *observer)
{
    struct observers *all = observer->all;
    const enum observer_stage stage = observer->stage;
    if (stage >= OBSERVER_ENDING) {
        return;
    }
    lru_remove(all->by_room, &observer->room_id);
    count(all);
    list_remove(&observer->link);
    room_state_fini(&observer->state);
    if (all->target == observer) {
        all->target = NULL;
    }
    observer->stage = OBSERVER_ENDING;
    if (stage == OBSERVER_WATCHING) {
        observers_tell(all, OBSERVED_LOST, observer->room_id, 0);
    }
    if (stage == OBSERVER_WAITING || stage == OBSERVER_WATCHING) {
        detach(observer);
    }
}

/* ---- the beginning ---- */

static void give_up(struct observer *observer)
{
    observer->all->making--;
    observer_end(observer);
    detach(observer);
    observer_leave(observer);
}

/* The making has ended, one way or the other. */
static void end_making(struct observer *observer, bool is_good)
{
    struct observers *all = observer->all;
    if (is_good) {
        all->making--;
        observer_leave(observer);
    } else {
        give_up(observer);
    }
    observer_start_waiting(all);
}

static void on_joined(void *arg, enum err err, const struct janus_message *message)
{
    struct observer *observer = arg;
    struct observers *all = observer->all;
    uint64_t ids[PUBLISHERS_MAX];
    size_t id_count = 0;
    if (observer->stage == OBSERVER_ENDING) {
        end_making(observer, false);
        return;
    }
    if (err == ERR_OK) {
        err = janus_message_joined(message, observer->room_id, &observer->feed_id, ids, &id_count);
    }
    if (err != ERR_OK) {
        observer_abandon_base(observer);
        end_making(observer, false);
        return;
    }
    observer->stage = OBSERVER_WATCHING;
    list_add(&all->watching, &observer->link);
    metric_inc(all->made);
    observer_take_base(observer, ids, id_count);
    feed_want(all->feed);
    end_making(observer, true);
}

static void join(struct observer *observer)
{
    struct observers *all = observer->all;
    AUTO(mem_free) char *body = janus_json_observe(observer->room_id);
    const struct janus_aside request = {
        .path = observer->path, .body = body, .timeout_ms = all->config.timeout_ms};
    observer->stage = OBSERVER_JOINING;
    observer_begin_base(observer);
    if (janus_session_aside(all->parts.session, &request, on_joined, observer) != ERR_OK) {
        observer_abandon_base(observer);
        end_making(observer, false);
    }
}

static void on_attached(void *arg, enum err err, const struct janus_message *message)
{
    struct observer *observer = arg;
    struct observers *all = observer->all;
    if (err != ERR_OK || message->data_id == 0) {
        end_making(observer, false);
        return;
    }
    bool is_new;
    observer->handle_id = message->data_id;
    (void)snprintf(observer->path, sizeof(observer->path), "/%" PRIu64 "/%" PRIu64,
                   janus_session_id(all->parts.session), observer->handle_id);
    *(struct observer **)lru_put(all->by_handle, &observer->handle_id, &is_new) = observer;
    if (observer->stage == OBSERVER_ENDING) {
        end_making(observer, false);
        return;
    }
    join(observer);
}

static void attach(struct observer *observer)
{
    struct observers *all = observer->all;
    const struct janus_aside request = {.verb = "attach", .timeout_ms = all->config.timeout_ms};
    observer->stage = OBSERVER_ATTACHING;
    list_remove(&observer->link);
    observer_use(observer);
    all->making++;
    if (janus_session_aside(all->parts.session, &request, on_attached, observer) != ERR_OK) {
        give_up(observer);
    }
}

/* One whose request cannot even be sent is given up, so this ends. */
void observer_start_waiting(struct observers *all)
{
    while (all->making < all->config.parallel_max && !list_is_empty(&all->waiting) &&
           janus_session_is_ready(all->parts.session)) {
        attach(CONTAINER_OF(all->waiting.next, struct observer, link));
    }
}

static bool make_place(struct observers *all, uint64_t now_ms)
{
    if (!lru_is_full(all->by_room)) {
        return true;
    }
    const void *key;
    struct observer *oldest = *(struct observer **)lru_oldest(all->by_room, &key);
    if (now_ms - oldest->asked_ms < SPARE_AGE_MS) {
        return false;
    }
    observer_end(oldest);
    return true;
}

void observer_make(struct observers *all, uint64_t room_id)
{
    const uint64_t now_ms = clock_mono_ms(all->parts.clock);
    if (!make_place(all, now_ms)) {
        return;
    }
    bool is_new;
    struct observer *observer = mem_alloc(sizeof(*observer));
    *observer = (struct observer){
        .all = all, .room_id = room_id, .serial = ++all->serials, .asked_ms = now_ms};
    *(struct observer **)lru_put(all->by_room, &room_id, &is_new) = observer;
    assert(is_new);
    count(all);
    list_init(&observer->link);
    list_add(&all->waiting, &observer->link);
    observer_start_waiting(all);
}
