#include "janusbridge/rooms/observers.h"

#include <assert.h>

#include "janusbridge/janus/janus_handle.h"
#include "janusbridge/rooms/room_state.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/lru.h"

#define SWEEP_MS 500
#define SWEPT_MAX 64 /* observers that may end in one sweep */
/* A full table makes place for a new room only by one that nobody asked for this long. */
#define SPARE_AGE_MS 10000

enum observer_stage {
    OBSERVER_WAITING,   /* in the list of those that wait for their turn to be made */
    OBSERVER_ATTACHING, /* Janus is asked for its handle */
    OBSERVER_JOINING,   /* its handle is asked to join the room, and hears of it already */
    OBSERVER_JOINED,    /* it is in the room, and in the list of those that are */
};

struct observer {
    struct observers *all;
    uint64_t room_id;
    uint64_t serial; /* no other ever has it */
    struct janus_handle *handle;
    uint64_t feed_id; /* 0: not yet */
    enum observer_stage stage;
    uint64_t asked_ms;
    struct list_link link;

    struct room_state state;
    uint64_t whole_generation; /* of the feed, in which the state was taken over; 0: never */
    uint64_t base_generation;  /* in which the oldest base under way was asked for */
    uint64_t version;          /* counts what was heard */
    uint64_t audit_version;    /* at the start of the audit */
};

struct observers {
    struct observers_parts parts;
    struct observers_config config;
    struct lru *by_room; /* room id -> struct observer * */
    struct list_link waiting, joined;
    size_t making; /* attaching or joining */
    uint64_t serials;
    uint64_t session_id;         /* that the handles belong to */
    struct observer *target;     /* of the next pulse; NULL: any */
    struct janus_handle *pulsed; /* of the pulse under way */
    uint64_t sweep_timer;
    struct log_gate gate;
    struct metric *there, *made, *lost, *senseless;
};

/* The only place that sets the stage. */
static void observer_enter(struct observer *observer, enum observer_stage stage)
{
    static const char *const names[] = {[OBSERVER_WAITING] = "waiting",
                                        [OBSERVER_ATTACHING] = "attaching",
                                        [OBSERVER_JOINING] = "joining",
                                        [OBSERVER_JOINED] = "joined"};
    log_debug("observer", LOG_U64("room", observer->room_id), LOG_Z("was", names[observer->stage]),
              LOG_Z("is", names[stage]));
    observer->stage = stage;
}

static struct observer *find_observer(struct observers *all, uint64_t room_id)
{
    struct observer *const *at = lru_find(all->by_room, &room_id);
    return at != NULL ? *at : NULL;
}

/* ---- bases ---- */

static void begin_base(struct observer *observer)
{
    if (observer->state.bases == 0) {
        observer->base_generation = feed_generation(observer->all->parts.feed);
    }
    room_state_begin(&observer->state);
}

static void take_base(struct observer *observer, const uint64_t *ids, size_t count)
{
    const uint64_t generation = feed_generation(observer->all->parts.feed);
    const bool was_whole = observer->whole_generation == generation;
    if (observer->base_generation != generation) {
        room_state_abandon(&observer->state);
        return;
    }
    const bool is_whole = room_state_rebase(&observer->state, ids, count);
    observer->whole_generation = is_whole ? generation : 0;
    if (is_whole && !was_whole) {
        events_tell(observer->all->parts.events, BRIDGE_FOLLOWS, observer->room_id, 0);
    }
}

static bool is_vouched_for(const struct observer *observer)
{
    return observer->stage == OBSERVER_JOINED &&
           observer->whole_generation == feed_generation(observer->all->parts.feed);
}

/* Nothing that is under way makes it whole either. */
static void distrust(struct observer *observer)
{
    if (is_vouched_for(observer)) {
        events_tell(observer->all->parts.events, BRIDGE_UNFOLLOWS, observer->room_id, 0);
    }
    observer->whole_generation = 0;
    observer->base_generation = 0;
}

/* ---- from being wanted to being gone ---- */

static void start_waiting(struct observers *all);

static void free_observer(struct observer *observer)
{
    list_remove(&observer->link);
    room_state_fini(&observer->state);
    mem_free(&observer);
}

/* It is forgotten at once; its handle is ended in Janus' time. */
static void observer_end(struct observer *observer)
{
    struct observers *all = observer->all;
    const enum observer_stage stage = observer->stage;
    lru_remove(all->by_room, &observer->room_id);
    metric_set(all->there, (int64_t)lru_count(all->by_room));
    if (all->target == observer) {
        all->target = NULL;
    }
    if (stage == OBSERVER_JOINED) {
        events_tell(all->parts.events, BRIDGE_UNFOLLOWS, observer->room_id, 0);
    }
    janus_handle_release(&observer->handle);
    free_observer(observer);
    if (stage == OBSERVER_ATTACHING || stage == OBSERVER_JOINING) {
        all->making--;
        start_waiting(all);
    }
}

/* It is not in its room any more, and nobody told. */
static void lose_observer(struct observer *observer)
{
    metric_inc(observer->all->lost);
    observer_end(observer);
}

static void on_joined(void *arg, enum err err, const struct janus_message *message)
{
    struct observer *observer = arg;
    struct observers *all = observer->all;
    uint64_t ids[PUBLISHERS_MAX];
    size_t count = 0;
    if (err == ERR_OK) {
        err = janus_message_joined(message, observer->room_id, &observer->feed_id, ids, &count);
    }
    if (err != ERR_OK) {
        observer_end(observer);
        return;
    }
    observer_enter(observer, OBSERVER_JOINED);
    list_add(&all->joined, &observer->link);
    all->making--;
    metric_inc(all->made);
    take_base(observer, ids, count);
    feed_want(all->parts.feed);
    start_waiting(all);
}

static void on_observer_attached(void *owner, bool is_good)
{
    struct observer *observer = owner;
    if (!is_good) {
        observer_end(observer);
        return;
    }
    AUTO(mem_free)
    char *body = janus_json_observe(observer->room_id,
                                    own_rooms_pin(observer->all->parts.own, observer->room_id));
    observer_enter(observer, OBSERVER_JOINING);
    begin_base(observer);
    if (janus_handle_send(observer->handle, body, NULL, observer->all->config.timeout_ms, on_joined,
                          observer) != ERR_OK) {
        observer_end(observer);
    }
}

static void on_room_event(void *owner, const struct janus_message *message);
static void on_handle_gone(void *owner);
static const struct janus_handle_ops observer_ops = {
    .on_attached = on_observer_attached, .on_event = on_room_event, .on_gone = on_handle_gone};

/* One whose request cannot even be sent is given up, so this ends. */
static void start_waiting(struct observers *all)
{
    struct observer *observer;
    while (all->making < all->config.parallel_max && janus_session_is_ready(all->parts.session) &&
           (observer = LIST_FIRST(struct observer, &all->waiting, link)) != NULL) {
        if (janus_handle_new(all->parts.handles, &observer_ops, observer, &observer->handle) !=
            ERR_OK) {
            observer_end(observer);
            continue;
        }
        list_remove(&observer->link);
        observer_enter(observer, OBSERVER_ATTACHING);
        all->making++;
    }
}

/* Unless the table is full of rooms that were asked for lately. */
static void make_observer(struct observers *all, uint64_t room_id)
{
    const uint64_t now_ms = clock_mono_ms(all->parts.clock);
    if (lru_is_full(all->by_room)) {
        const void *key;
        struct observer *oldest = *(struct observer **)lru_oldest(all->by_room, &key);
        if (now_ms - oldest->asked_ms < SPARE_AGE_MS) {
            return;
        }
        observer_end(oldest);
    }
    bool is_new;
    struct observer *observer = mem_alloc(sizeof(*observer));
    *observer = (struct observer){
        .all = all, .room_id = room_id, .serial = ++all->serials, .asked_ms = now_ms};
    *(struct observer **)lru_put(all->by_room, &room_id, &is_new) = observer;
    assert(is_new);
    metric_set(all->there, (int64_t)lru_count(all->by_room));
    list_add(&all->waiting, &observer->link);
    start_waiting(all);
}

void observers_visit(struct observers *all, uint64_t room_id)
{
    if (all->parts.handles != NULL && find_observer(all, room_id) == NULL) {
        make_observer(all, room_id);
    }
}

/* ---- what callers ask ---- */

/* The observer of this room, if it is the one that gave this token. */
static struct observer *find_token(struct observers *all, uint64_t room_id, uint64_t token)
{
    struct observer *observer = token != 0 ? find_observer(all, room_id) : NULL;
    return observer != NULL && observer->serial == token ? observer : NULL;
}

static uint64_t on_question(void *arg, uint64_t room_id)
{
    struct observer *observer = find_observer(arg, room_id);
    if (observer == NULL || observer->stage != OBSERVER_JOINED) {
        return 0;
    }
    begin_base(observer);
    return observer->serial;
}

static void on_list(void *arg, uint64_t room_id, uint64_t token, enum err err,
                    const struct janus_message *message)
{
    struct observers *all = arg;
    struct observer *observer = find_token(all, room_id, token);
    if (err == ERR_NO_SUCH_ROOM) {
        observers_forget(all, room_id);
        return;
    }
    if (observer == NULL) {
        /* Also of a room that has more members than a list may name: joining tells only who
         * publishes. */
        const bool is_there = err == ERR_OK || err == ERR_PROTOCOL;
        if (is_there) {
            observers_visit(all, room_id);
        }
        return;
    }
    uint64_t ids[PUBLISHERS_MAX];
    size_t count;
    if (err != ERR_OK || janus_message_publishers(message, room_id, ids, &count) != ERR_OK) {
        room_state_abandon(&observer->state);
    } else if (!janus_message_has_member(message, observer->feed_id)) {
        lose_observer(observer);
    } else {
        take_base(observer, ids, count);
    }
}

bool observers_want(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_observer(all, room_id);
    if (observer == NULL) {
        return false;
    }
    observer->asked_ms = clock_mono_ms(all->parts.clock);
    if (observer->stage != OBSERVER_JOINED) {
        return false;
    }
    all->target = observer;
    feed_want(all->parts.feed);
    return is_vouched_for(observer) && feed_is_fresh(all->parts.feed);
}

bool observers_answer(struct observers *all, uint64_t room_id, struct u64_list *ret_ids)
{
    if (!observers_want(all, room_id)) {
        return false;
    }
    const struct observer *observer = find_observer(all, room_id);
    *ret_ids = (struct u64_list){observer->state.ids, observer->state.count};
    return true;
}

void observers_forget(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_observer(all, room_id);
    if (observer != NULL) {
        observer_end(observer);
    }
}

/* ---- what Janus tells ---- */

static void on_room_event(void *owner, const struct janus_message *message)
{
    struct observer *observer = owner;
    struct observers *all = observer->all;
    struct janus_news news;
    if (observer->stage != OBSERVER_JOINING && observer->stage != OBSERVER_JOINED) {
        return;
    }
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
            const bool publishes = news.kind == JANUS_NEWS_PUBLISH;
            bool fits;
            if (room_state_set(&observer->state, news.ids[i], publishes, &fits)) {
                events_tell(all->parts.events, publishes ? BRIDGE_PUBLISHES : BRIDGE_UNPUBLISHES,
                            observer->room_id, news.ids[i]);
            }
            if (!fits) {
                distrust(observer);
            }
        }
        break;
    case JANUS_NEWS_OUT:
        lose_observer(observer);
        break;
    case JANUS_NEWS_DESTROYED:
        observer_end(observer);
        break;
    case JANUS_NEWS_SENSELESS:
        metric_inc(all->senseless);
        distrust(observer);
        log_info_limited(&all->gate, clock_mono_ms(all->parts.clock),
                         "janus tells of a room what we do not understand",
                         LOG_U64("room", observer->room_id));
        break;
    }
}

static void on_handle_gone(void *owner)
{
    struct observer *observer = owner;
    if (observer->stage == OBSERVER_JOINED) {
        lose_observer(observer);
    }
}

static void on_missed(void *arg)
{
    struct observers *all = arg;
    events_tell(all->parts.events, BRIDGE_UNFOLLOWS_ALL, 0, 0);
}

/* With another session than before every handle is gone. It may also be one that was ours before,
 * so its id is what counts. */
static void on_janus_session(void *arg, bool is_new)
{
    struct observers *all = arg;
    (void)is_new;
    const uint64_t session_id = janus_session_id(all->parts.session);
    if (session_id != all->session_id) {
        for (struct observer *observer;
             (observer = LIST_FIRST(struct observer, &all->joined, link)) != NULL;) {
            observer_end(observer);
        }
    }
    all->session_id = session_id;
    start_waiting(all);
}

/* ---- pulses ---- */

static const char *begin_pulse(void *arg)
{
    struct observers *all = arg;
    struct observer *observer =
        all->target != NULL ? all->target : LIST_FIRST(struct observer, &all->joined, link);
    if (observer == NULL) {
        return NULL;
    }
    all->pulsed = observer->handle;
    return janus_handle_use(observer->handle);
}

static void end_pulse(void *arg, bool is_dead)
{
    struct observers *all = arg;
    struct janus_handle *handle = STEAL(all->pulsed);
    struct observer *observer = janus_handle_owner(handle);
    if (is_dead && observer != NULL) {
        lose_observer(observer);
    }
    janus_handle_leave(handle);
    /* At no time is less late than now. */
    events_tell(all->parts.events, BRIDGE_LIVES, 0, 0);
}

uint64_t observers_feed(const struct observers *all, uint64_t room_id)
{
    struct observer *const *at = lru_peek(all->by_room, &room_id);
    return at != NULL ? (*at)->feed_id : 0;
}

/* ---- the audit ---- */

uint64_t observers_begin_audit(struct observers *all, uint64_t *ret_token)
{
    for (size_t i = 0; i < SWEPT_MAX && !list_is_empty(&all->joined); i++) {
        struct observer *observer = LIST_FIRST(struct observer, &all->joined, link);
        list_remove(&observer->link);
        list_add(&all->joined, &observer->link);
        if (is_vouched_for(observer)) {
            observer->audit_version = observer->version;
            begin_base(observer);
            *ret_token = observer->serial;
            return observer->room_id;
        }
    }
    return 0;
}

uint64_t observers_begin_again(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_observer(all, room_id);
    if (observer == NULL || !is_vouched_for(observer)) {
        return 0;
    }
    begin_base(observer);
    return observer->serial;
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
    bool is_known = message != NULL && is_vouched_for(observer) &&
                    janus_message_publishers(message, room_id, ids, &count) == ERR_OK;
    if (is_known) {
        is_same = !room_state_differs(&observer->state, ids, count) &&
                  janus_message_has_member(message, observer->feed_id);
        is_known = is_same || observer->version == observer->audit_version;
    }
    room_state_abandon(&observer->state);
    return is_same ? AUDIT_SAME : is_known ? AUDIT_DIFFERENT : AUDIT_MOVED;
}

void observers_distrust(struct observers *all, uint64_t room_id)
{
    struct observer *observer = find_observer(all, room_id);
    if (observer != NULL) {
        lose_observer(observer);
    }
}

/* ---- life ---- */

static void end_idle(void *arg)
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
    all->sweep_timer = clock_after(all->parts.clock, SWEEP_MS, end_idle, all);
}

struct observers *observers_new(const struct observers_parts *parts,
                                const struct observers_config *config)
{
    struct observers *all = mem_alloc(sizeof(*all));
    *all = (struct observers){.parts = *parts, .config = *config};
    list_init(&all->waiting);
    list_init(&all->joined);
    all->by_room =
        lru_new(sizeof(uint64_t), sizeof(struct observer *), config->max > 0 ? config->max : 1);
    all->there = metrics_gauge(parts->metrics, "lynks_janusbridge_observers",
                               "Rooms that have an observer, or will have one", NULL);
    all->made = metrics_counter(parts->metrics, "lynks_janusbridge_observers_made_total",
                                "Observers that joined their room", NULL);
    all->lost = metrics_counter(parts->metrics, "lynks_janusbridge_observers_lost_total",
                                "Observers that were put out of their room", NULL);
    all->senseless = metrics_counter(parts->metrics, "lynks_janusbridge_senseless_events_total",
                                     "Events of rooms that were not understood", NULL);
    if (config->max > 0) {
        all->sweep_timer = clock_after(parts->clock, SWEEP_MS, end_idle, all);
    }
    const struct feed_carrier carrier = {begin_pulse, end_pulse, all};
    feed_set_carrier(parts->feed, &carrier);
    const struct room_listener questions = {on_question, on_list, all};
    room_calls_listen(parts->calls, &questions);
    const struct janus_listener listener = {
        .on_ready = on_janus_session, .on_lost = on_missed, .on_gap = on_missed, .arg = all};
    janus_session_listen(parts->session, &listener);
    return all;
}

void observers_free(struct observers **observers_ref)
{
    struct observers *all = *observers_ref;
    if (all == NULL) {
        return;
    }
    clock_cancel(all->parts.clock, all->sweep_timer);
    while (lru_count(all->by_room) > 0) {
        const void *key;
        struct observer *observer = *(struct observer **)lru_oldest(all->by_room, &key);
        lru_remove(all->by_room, &observer->room_id);
        free_observer(observer);
    }
    lru_free(&all->by_room);
    mem_free(observers_ref);
}
