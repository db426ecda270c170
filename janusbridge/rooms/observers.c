#include "janusbridge/rooms/observers.h"

#include "janusbridge/rooms/observer.h"

#include <stdio.h>

#define SWEEP_MS 500
#define SWEPT_MAX 64 /* observers that may end in one sweep */
#define STRAYS_MAX 8 /* handles being detached that nobody knows */
/* Handles that end, besides those that are there. */
#define ENDING_MAX 65536

/* ---- bases ---- */

void observer_begin_base(struct observer *observer)
{
    if (observer->state.bases == 0) {
        observer->base_generation = feed_generation(observer->all->feed);
    }
    room_state_begin(&observer->state);
}

void observer_abandon_base(struct observer *observer)
{
    room_state_abandon(&observer->state);
}

void observer_take_base(struct observer *observer, const uint64_t *ids, size_t count)
{
    struct observers *all = observer->all;
    const uint64_t generation = feed_generation(all->feed);
    const bool was_whole = observer->whole_generation == generation;
    if (observer->base_generation != generation) {
        observer_abandon_base(observer);
        return;
    }
    const bool is_whole = room_state_rebase(&observer->state, ids, count);
    observer->whole_generation = is_whole ? generation : 0;
    if (is_whole && !was_whole) {
        observers_tell(all, OBSERVED_RENEWED, observer->room_id, 0);
    }
}

static bool is_whole(const struct observer *observer)
{
    return observer->stage == OBSERVER_WATCHING &&
           observer->whole_generation == feed_generation(observer->all->feed);
}

/* Nothing that is under way makes it whole either. */
static void doubt(struct observer *observer)
{
    if (is_whole(observer)) {
        observers_tell(observer->all, OBSERVED_LOST, observer->room_id, 0);
    }
    observer->whole_generation = 0;
    observer->base_generation = 0;
}

static struct observer *find_room(struct observers *all, uint64_t room_id)
{
    return observer_find(all->by_room, room_id);
}

static struct observer *find_token(struct observers *all, uint64_t room_id, uint64_t token)
{
    struct observer *observer = token != 0 ? find_room(all, room_id) : NULL;
    return observer != NULL && observer->serial == token ? observer : NULL;
}

/* It is not in its room any more, and nobody told. */
static void lose(struct observer *observer)
{
    metric_inc(observer->all->lost);
    observer_end(observer);
}

/* ---- what callers ask ---- */

static uint64_t on_send(void *arg, uint64_t room_id)
{
    struct observer *observer = find_room(arg, room_id);
    if (observer == NULL || observer->stage != OBSERVER_WATCHING) {
        return 0;
    }
    observer_begin_base(observer);
    return observer->serial;
}

static void take_answer(struct observer *observer, const struct janus_message *message)
{
    uint64_t ids[PUBLISHERS_MAX];
    size_t count;
    if (janus_message_publishers(message, observer->room_id, ids, &count) != ERR_OK) {
        observer_abandon_base(observer);
    } else if (!janus_message_has_member(message, observer->feed_id)) {
        lose(observer);
    } else {
        observer_take_base(observer, ids, count);
    }
}

static void on_answer(void *arg, uint64_t room_id, uint64_t token, enum err err,
                      const struct janus_message *message)
{
    struct observers *all = arg;
    struct observer *observer = find_token(all, room_id, token);
    if (err == ERR_NO_SUCH_ROOM) {
        observers_forget(all, room_id);
    } else if (err != ERR_OK && observer != NULL) {
        observer_abandon_base(observer);
    } else if (observer != NULL) {
        take_answer(observer, message);
    } else if (err == ERR_OK && all->config.max > 0 && find_room(all, room_id) == NULL) {
        observer_make(all, room_id);
    }
}

struct room_watcher observers_watcher(struct observers *all)
{
    return (struct room_watcher){on_send, on_answer, all};
}

bool observers_answer(struct observers *all, uint64_t room_id, struct u64_list *ret_ids)
{
    struct observer *observer = find_room(all, room_id);
    if (observer == NULL) {
        return false;
    }
    observer->asked_ms = clock_mono_ms(all->parts.clock);
    if (observer->stage != OBSERVER_WATCHING) {
        return false;
    }
    all->target = observer;
    feed_want(all->feed);
    if (!is_whole(observer) || !feed_is_fresh(all->feed)) {
        return false;
    }
    *ret_ids = (struct u64_list){observer->state.ids, observer->state.count};
    return true;
}

void observers_forget(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_room(all, room_id);
    if (observer != NULL) {
        observer_end(observer);
    }
}

size_t observers_count(const struct observers *all)
{
    return lru_count(all->by_room);
}

uint64_t observers_age_ms(const struct observers *all)
{
    return feed_age_ms(all->feed);
}

/* ---- what Janus tells ---- */

static void set(struct observer *observer, uint64_t id, bool publishes)
{
    bool fits;
    if (room_state_set(&observer->state, id, publishes, &fits)) {
        observers_tell(observer->all, publishes ? OBSERVED_PUBLISHED : OBSERVED_UNPUBLISHED,
                       observer->room_id, id);
    }
    if (!fits) {
        doubt(observer);
    }
}

static void note_senseless(struct observer *observer)
{
    struct observers *all = observer->all;
    metric_inc(all->senseless);
    doubt(observer);
    log_info_limited(&all->gate, clock_mono_ms(all->parts.clock),
                     "janus tells of a room what we do not understand",
                     LOG_U64("room", observer->room_id));
}

static void hear(struct observer *observer, const struct janus_message *message)
{
    struct janus_news news;
    janus_message_news(message, observer->room_id, &news);
    if (news.kind != JANUS_NEWS_NONE) {
        observer->version++;
    }
    switch (news.kind) {
    case JANUS_NEWS_NONE:
        break;
    case JANUS_NEWS_PUBLISH:
    case JANUS_NEWS_GONE:
        for (size_t i = 0; i < news.count; i++) {
            set(observer, news.ids[i], news.kind == JANUS_NEWS_PUBLISH);
        }
        break;
    case JANUS_NEWS_OUT:
        lose(observer);
        break;
    case JANUS_NEWS_DESTROYED:
        observer_end(observer);
        break;
    case JANUS_NEWS_SENSELESS:
        note_senseless(observer);
        break;
    }
}

struct stray {
    struct observers *all;
    char path[48];
};

static void on_stray_gone(void *arg, enum err err, const struct janus_message *message)
{
    struct stray *stray = arg;
    (void)err;
    (void)message;
    stray->all->strays--;
    mem_free(&stray);
}

/* The handle of another observer of this session: of a bridge that had it before us. */
static void detach_stray(struct observers *all, uint64_t handle_id)
{
    if (all->strays == STRAYS_MAX || handle_id == 0 ||
        handle_id == janus_session_handle(all->parts.session)) {
        return;
    }
    struct stray *stray = mem_alloc(sizeof(*stray));
    stray->all = all;
    (void)snprintf(stray->path, sizeof(stray->path), "/%" PRIu64 "/%" PRIu64,
                   janus_session_id(all->parts.session), handle_id);
    const struct janus_aside request = {
        .path = stray->path, .verb = "detach", .timeout_ms = all->config.timeout_ms};
    if (janus_session_aside(all->parts.session, &request, on_stray_gone, stray) != ERR_OK) {
        mem_free(&stray);
        return;
    }
    all->strays++;
    metric_inc(all->stray);
}

static void on_event(void *arg, const struct janus_message *message)
{
    struct observers *all = arg;
    struct observer *observer = observer_find(all->by_handle, message->sender);
    if (observer == NULL && message->kind == JANUS_EVENT && all->config.max > 0) {
        detach_stray(all, message->sender);
    } else if (observer != NULL && message->kind == JANUS_DETACHED) {
        observer->is_detached = true;
        if (observer->stage == OBSERVER_WATCHING) {
            lose(observer);
        }
    } else if (observer != NULL && message->kind == JANUS_EVENT &&
               (observer->stage == OBSERVER_JOINING || observer->stage == OBSERVER_WATCHING)) {
        hear(observer, message);
    }
}

static void on_gap(void *arg)
{
    struct observers *all = arg;
    feed_break(all->feed);
    observers_tell(all, OBSERVED_GAP, 0, 0);
}

/* With another session than before every handle is gone. */
static void on_up(void *arg, bool is_new)
{
    struct observers *all = arg;
    (void)is_new; /* it may be a session that was ours before */
    const uint64_t session_id = janus_session_id(all->parts.session);
    while (session_id != all->session_id && !list_is_empty(&all->watching)) {
        struct observer *observer = CONTAINER_OF(all->watching.next, struct observer, link);
        observer->is_detached = true;
        observer_end(observer);
    }
    all->session_id = session_id;
    observer_start_waiting(all);
}

/* ---- pulses ---- */

static const char *begin_pulse(void *arg)
{
    struct observers *all = arg;
    struct observer *observer = all->target;
    if (observer == NULL && !list_is_empty(&all->watching)) {
        observer = CONTAINER_OF(all->watching.next, struct observer, link);
    }
    if (observer == NULL) {
        return NULL;
    }
    observer_use(observer);
    all->pulsed = observer;
    return observer->path;
}

static void end_pulse(void *arg, bool is_dead)
{
    struct observers *all = arg;
    struct observer *observer = all->pulsed;
    all->pulsed = NULL;
    if (is_dead && observer->stage == OBSERVER_WATCHING) {
        lose(observer);
    }
    observer_leave(observer);
}

/* ---- the audit ---- */

static uint64_t begin_look(struct observer *observer)
{
    observer_begin_base(observer);
    return observer->serial;
}

uint64_t observers_begin_audit(struct observers *all, uint64_t *ret_token)
{
    for (size_t i = 0; i < SWEPT_MAX && !list_is_empty(&all->watching); i++) {
        struct observer *observer = CONTAINER_OF(all->watching.next, struct observer, link);
        list_remove(&observer->link);
        list_add(&all->watching, &observer->link);
        if (is_whole(observer)) {
            observer->audit_version = observer->version;
            *ret_token = begin_look(observer);
            return observer->room_id;
        }
    }
    return 0;
}

uint64_t observers_begin_again(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_room(all, room_id);
    return observer != NULL && is_whole(observer) ? begin_look(observer) : 0;
}

enum audit_verdict observers_compare(struct observers *all, uint64_t room_id, uint64_t token,
                                     const struct janus_message *message)
{
    struct observer *observer = find_token(all, room_id, token);
    uint64_t ids[PUBLISHERS_MAX];
    size_t count;
    if (observer == NULL) {
        return AUDIT_MOVED;
    }
    bool is_same = false;
    bool is_known = message != NULL && is_whole(observer) &&
                    janus_message_publishers(message, room_id, ids, &count) == ERR_OK;
    if (is_known) {
        is_same = !room_state_differs(&observer->state, ids, count) &&
                  janus_message_has_member(message, observer->feed_id);
        is_known = is_same || observer->version == observer->audit_version;
    }
    observer_abandon_base(observer);
    return is_same ? AUDIT_SAME : is_known ? AUDIT_DIFFERENT : AUDIT_MOVED;
}

void observers_distrust(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_room(all, room_id);
    if (observer != NULL) {
        lose(observer);
    }
}

/* ---- life ---- */

static void sweep(void *arg)
{
    struct observers *all = arg;
    const uint64_t now_ms = clock_mono_ms(all->parts.clock);
    for (size_t i = 0; i < SWEPT_MAX && lru_count(all->by_room) > 0; i++) {
        const void *key;
        struct observer *oldest = *(struct observer **)lru_oldest(all->by_room, &key);
        if (now_ms - oldest->asked_ms < all->config.idle_ms) {
            break;
        }
        observer_end(oldest);
    }
    all->sweep_timer = clock_after(all->parts.clock, SWEEP_MS, sweep, all);
}

static void make_metrics(struct observers *all)
{
    struct metrics *metrics = all->parts.metrics;
    all->there = metrics_gauge(metrics, "lynks_janusbridge_observers",
                               "Rooms that have an observer, or will have one", NULL);
    all->made = metrics_counter(metrics, "lynks_janusbridge_observers_made_total",
                                "Observers that joined their room", NULL);
    all->lost = metrics_counter(metrics, "lynks_janusbridge_observers_lost_total",
                                "Observers that were put out of their room", NULL);
    all->senseless = metrics_counter(metrics, "lynks_janusbridge_senseless_events_total",
                                     "Events of rooms that were not understood", NULL);
    all->stray = metrics_counter(metrics, "lynks_janusbridge_stray_handles_total",
                                 "Handles of an earlier bridge on our session; detached", NULL);
}

struct observers *observers_new(const struct observers_parts *parts,
                                const struct observers_config *config)
{
    struct observers *all = mem_alloc(sizeof(*all));
    const size_t max = config->max > 0 ? config->max : 1;
    *all = (struct observers){.parts = *parts, .config = *config};
    list_init(&all->waiting);
    list_init(&all->watching);
    all->by_room = lru_new(sizeof(uint64_t), sizeof(struct observer *), max);
    all->by_handle = lru_new(sizeof(uint64_t), sizeof(struct observer *), max + ENDING_MAX);
    make_metrics(all);
    const struct feed_parts feed = {.session = parts->session,
                                    .clock = parts->clock,
                                    .metrics = parts->metrics,
                                    .begin_pulse = begin_pulse,
                                    .end_pulse = end_pulse,
                                    .arg = all};
    all->feed = feed_new(&feed);
    const struct janus_listener listener = {
        .on_ready = on_up, .on_lost = on_gap, .on_gap = on_gap, .on_event = on_event, .arg = all};
    janus_session_listen(parts->session, &listener);
    if (config->max > 0) {
        all->sweep_timer = clock_after(parts->clock, SWEEP_MS, sweep, all);
    }
    return all;
}

void observers_free(struct observers **observers_ref)
{
    struct observers *all = *observers_ref;
    if (all == NULL) {
        return;
    }
    all->parts.session = NULL; /* gone already */
    all->parts.on_change = NULL;
    clock_cancel(all->parts.clock, all->sweep_timer);
    while (lru_count(all->by_room) > 0) {
        const void *key;
        struct observer *observer = *(struct observer **)lru_oldest(all->by_room, &key);
        observer->is_detached = true;
        observer_end(observer);
    }
    feed_free(&all->feed);
    lru_free(&all->by_room);
    lru_free(&all->by_handle);
    mem_free(observers_ref);
}
