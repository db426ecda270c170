#include "gateway/follow/room_follow.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/follow/room_heads.h"
#include "proto/base/backoff.h"
#include "proto/base/err.h"
#include "proto/base/log.h"
#include "proto/base/lru.h"

#define ANSWER_MS 1000
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 2000
#define LOOK_MS 1000

/* A room's place here. */
struct place {
    struct followed_room room;
    struct room_follow *follow;
    struct list_link due;    /* of follow->due */
    struct list_link idle;   /* of follow->idle, while nobody reads */
    struct list_link behind; /* of follow->behind, while the journal is to be asked */
    struct head_place head;
    struct backoff backoff; /* after questions without an answer */
    struct backoff resets;  /* after answers by which all begins anew */
    uint64_t retry_timer;   /* it is asked again then; 0: none */
    uint64_t idle_ms;       /* since when nobody reads */
    uint64_t behind_ms;     /* since when it is in that list */
};

/* For one cursor. */
struct cursor_question {
    struct room_follow *follow;
    struct room_cursor *cursor; /* NULL: it is closed */
    bool is_for_can;            /* stream_open; else journal_read */
};

struct room_follow {
    struct room_follow_parts parts;
    struct room_follow_config config;
    struct followed_shared shared;
    struct lru *index; /* room id -> struct place * */
    struct list_link due;
    struct list_link wants; /* of cursors for which roomsvc is to be asked */
    struct list_link idle;  /* the longest first */
    struct room_heads *heads;
    struct room_heads_owner heads_owner;
    size_t out;              /* questions */
    struct list_link behind; /* the longest first */
    size_t behind_count;
    bool is_late;                 /* not room_follow_keeps_up, as was told */
    struct backoff wants_backoff; /* after questions for them without an answer */
    uint64_t wants_timer;         /* none is asked until it fires; 0: none */
    uint64_t look_timer;
    struct metric *held, *behind_gauge, *tail_bytes, *lag;
    struct metric *states, *journals, *opens;
    struct metric *failed_states, *failed_journals, *failed_opens;
};

static struct place *place_of_room(struct followed_room *room)
{
    return CONTAINER_OF(room, struct place, room);
}

static uint64_t room_follow_now_ms(const struct room_follow *follow)
{
    return clock_mono_ms(follow->parts.clock);
}

static struct call_context question_context(const struct room_follow *follow)
{
    return (struct call_context){.request_id = STR_LIT("follow"),
                                 .deadline_ms = room_follow_now_ms(follow) + ANSWER_MS};
}

/* ---- one room ---- */

/* How long it takes from when a room is known to be behind until it is not. */
static void note_lag(struct place *place)
{
    struct room_follow *follow = place->follow;
    const struct followed_room *room = &place->room;
    const bool is_behind = room->step != FOLLOWED_GONE && (room->is_due || room->is_asked);
    const bool was_behind = !list_is_empty(&place->behind);
    if (is_behind && !was_behind) {
        place->behind_ms = room_follow_now_ms(follow);
        list_add(&follow->behind, &place->behind);
        follow->behind_count++;
    } else if (!is_behind && was_behind) {
        metric_observe_us(follow->lag, (room_follow_now_ms(follow) - place->behind_ms) * 1000);
        list_remove(&place->behind);
        follow->behind_count--;
    }
    metric_set(follow->behind_gauge, (int64_t)follow->behind_count);
    metric_set(follow->tail_bytes, (int64_t)follow->shared.tails.bytes);
}

static void init_backoff(struct backoff *backoff)
{
    *backoff =
        (struct backoff){.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS, .random = random_u32};
    backoff_begin_at_min(backoff);
}

static void free_place(struct place *place)
{
    struct room_follow *follow = place->follow;
    follow->behind_count -= !list_is_empty(&place->behind);
    list_remove(&place->behind);
    clock_cancel(follow->parts.clock, place->retry_timer);
    list_remove(&place->due);
    list_remove(&place->idle);
    room_heads_remove(follow->heads, &place->head);
    lru_remove(follow->index, &place->room.room_id);
    followed_room_fini(&place->room);
    mem_free(&place);
    metric_set(follow->held, (int64_t)lru_count(follow->index));
}

static void make_idle(struct place *place)
{
    if (list_is_empty(&place->room.readers) && list_is_empty(&place->idle)) {
        place->idle_ms = room_follow_now_ms(place->follow);
        list_add(&place->follow->idle, &place->idle);
    }
}

/* ---- questions about rooms ---- */

static void ask_what_is_wanted(struct room_follow *follow);

/* Asks what is due of it, now or when it is its turn. */
static void see_to_room(struct place *place)
{
    const struct followed_room *room = &place->room;
    if (room->is_due && !room->is_asked && place->retry_timer == 0 && list_is_empty(&place->due)) {
        list_add(&place->follow->due, &place->due);
    }
    note_lag(place);
}

static void on_room_retry(void *arg)
{
    struct place *place = arg;
    place->retry_timer = 0;
    see_to_room(place);
    ask_what_is_wanted(place->follow);
}

static void retry_room(struct place *place, uint64_t pause_ms)
{
    const struct clock *clock = place->follow->parts.clock;
    clock_cancel(clock, place->retry_timer);
    place->retry_timer = clock_after(clock, pause_ms, on_room_retry, place);
}

/* One that begins anew again before it was whole does so later and later: answers that contradict
 * each other may go on for a while. */
static void pace_resets(struct place *place, bool is_reset)
{
    const uint64_t pause_ms = is_reset ? backoff_next(&place->resets) : 0;
    if (pause_ms > 0) {
        retry_room(place, pause_ms);
    } else if (place->room.step == FOLLOWED_WHOLE) {
        backoff_begin(&place->resets);
    }
}

static void count_failure(struct metric *failed, enum err err)
{
    metric_inc(failed);
    log_debug("room not followed further", LOG_Z("error", err_code(err)));
}

static void on_room_answered(void *arg, enum err err, const struct msg *reply)
{
    struct place *place = arg;
    struct room_follow *follow = place->follow;
    struct followed_room *room = &place->room;
    const bool is_state = room->step == FOLLOWED_LOADS;
    const uint32_t era = room->era;
    follow->out--;
    if (followed_room_take(room, err, reply)) {
        backoff_begin_at_min(&place->backoff);
        pace_resets(place, room->era != era);
    } else {
        count_failure(is_state ? follow->failed_states : follow->failed_journals,
                      err == ERR_OK ? ERR_PROTOCOL : err);
        retry_room(place, backoff_next(&place->backoff));
    }
    if (room->below_seq != 0) { /* roomsvc is to know, too */
        room_heads_ask(follow->heads, &place->head);
    }
    see_to_room(place);
    ask_what_is_wanted(follow);
}

static void ask_for_place(struct place *place)
{
    struct room_follow *follow = place->follow;
    struct msg request;
    const struct call_context context = question_context(follow);
    list_remove(&place->due);
    followed_room_ask(&place->room, &request);
    const bool is_state = request.id == MSG_room_state;
    metric_inc(is_state ? follow->states : follow->journals);
    const enum err err = bus_call(follow->parts.bus, &request, &context, on_room_answered, place);
    if (err == ERR_OK) {
        follow->out++;
    } else {
        (void)followed_room_take(&place->room, err, NULL);
        count_failure(is_state ? follow->failed_states : follow->failed_journals, err);
        retry_room(place, backoff_next(&place->backoff));
    }
}

/* ---- questions of cursors ---- */

static void on_cursor_wants(struct room_cursor *cursor)
{
    struct room_follow *follow = place_of_room(cursor->room)->follow;
    list_remove(&cursor->want_link);
    list_add(&follow->wants, &cursor->want_link);
    ask_what_is_wanted(follow);
}

static void on_wants_retry(void *arg)
{
    struct room_follow *follow = arg;
    follow->wants_timer = 0;
    ask_what_is_wanted(follow);
}

static void retry_wants(struct room_follow *follow, struct room_cursor *cursor, bool is_for_can,
                        enum err err)
{
    count_failure(is_for_can ? follow->failed_opens : follow->failed_journals, err);
    list_add(&follow->wants, &cursor->want_link);
    if (follow->wants_timer == 0) {
        follow->wants_timer = clock_after(follow->parts.clock, backoff_next(&follow->wants_backoff),
                                          on_wants_retry, follow);
    }
}

static void take_page_answer(struct room_follow *follow, struct room_cursor *cursor, enum err err,
                             const struct msg *reply)
{
    struct place *place = place_of_room(cursor->room);
    if (!list_is_empty(&cursor->want_link)) {
        return; /* it wants another one by now */
    }
    if (err != ERR_OK) {
        retry_wants(follow, cursor, /* is_for_can= */ false, err);
        return;
    }
    if (room_cursor_take(cursor, &reply->journal_read_reply)) {
        cursor->reader.wake(cursor->reader.arg);
    }
    see_to_room(place);
}

static void take_can_answer(struct room_follow *follow, struct room_cursor *cursor, enum err err,
                            const struct msg *reply)
{
    if (err != ERR_OK && !err_is_callers(err)) {
        if (cursor->wants_can && list_is_empty(&cursor->want_link)) {
            retry_wants(follow, cursor, /* is_for_can= */ true, err);
        }
        return;
    }
    if (cursor->wants_can) { /* and not, in another era, a page */
        list_remove(&cursor->want_link);
    }
    room_cursor_take_can(cursor, err == ERR_OK ? &reply->stream_open_reply : NULL);
    cursor->reader.wake(cursor->reader.arg);
}

static void on_cursor_answered(void *arg, enum err err, const struct msg *reply)
{
    AUTO(mem_free) struct cursor_question *question = arg;
    struct room_follow *follow = question->follow;
    struct room_cursor *cursor = question->cursor;
    follow->out--;
    if (err == ERR_OK) {
        backoff_begin_at_min(&follow->wants_backoff);
    }
    if (cursor != NULL) {
        cursor->question = NULL;
        if (question->is_for_can) {
            take_can_answer(follow, cursor, err, reply);
        } else {
            take_page_answer(follow, cursor, err, reply);
        }
    }
    ask_what_is_wanted(follow);
}

static enum err ask_for_page(struct cursor_question *question)
{
    const struct room_follow *follow = question->follow;
    const struct room_cursor *cursor = question->cursor;
    const struct call_context context = question_context(follow);
    const struct msg request = {.id = MSG_journal_read,
                                .journal_read = {.room_id = cursor->room->room_id,
                                                 .after_seq = cursor->seq,
                                                 .limit = JOURNAL_PAGE}};
    metric_inc(follow->journals);
    return bus_call(follow->parts.bus, &request, &context, on_cursor_answered, question);
}

static enum err ask_for_can(struct cursor_question *question)
{
    const struct room_follow *follow = question->follow;
    const struct room_cursor *cursor = question->cursor;
    const struct call_context context = question_context(follow);
    AUTO(mem_free) char *room = mem_printf("%" PRIu64, cursor->room->room_id);
    const struct msg request = {
        .id = MSG_stream_open,
        .stream_open = {.room = str_of(room),
                        .asker = {.token_hash = {.data = (const char *)cursor->token_hash,
                                                 .bytes = sizeof(cursor->token_hash)}}}};
    metric_inc(follow->opens);
    return bus_call(follow->parts.bus, &request, &context, on_cursor_answered, question);
}

static void ask_for_cursor(struct room_follow *follow, struct room_cursor *cursor)
{
    struct cursor_question *question = mem_alloc(sizeof(*question));
    *question = (struct cursor_question){
        .follow = follow, .cursor = cursor, .is_for_can = cursor->wants_can};
    list_remove(&cursor->want_link);
    const enum err err = question->is_for_can ? ask_for_can(question) : ask_for_page(question);
    if (err == ERR_OK) {
        follow->out++;
        cursor->question = question;
    } else {
        retry_wants(follow, cursor, question->is_for_can, err);
        free(question);
    }
}

/* The first that has no question out. */
static struct room_cursor *next_that_wants(struct room_follow *follow)
{
    LIST_EACH (struct room_cursor, cursor, &follow->wants, want_link) {
        if (cursor->question == NULL) {
            return cursor;
        }
    }
    return NULL;
}

/* Rooms first: all who read them wait. */
static void ask_what_is_wanted(struct room_follow *follow)
{
    struct place *place;
    struct room_cursor *cursor;
    while (follow->out < ROOM_FOLLOW_OUT_MAX &&
           (place = LIST_FIRST(struct place, &follow->due, due)) != NULL) {
        ask_for_place(place);
    }
    while (follow->out < ROOM_FOLLOW_OUT_MAX && follow->wants_timer == 0 &&
           (cursor = next_that_wants(follow)) != NULL) {
        ask_for_cursor(follow, cursor);
    }
}

/* ---- what is heard ---- */

void room_follow_hear(struct room_follow *follow, const struct msg *msg)
{
    if (msg->id != MSG_room_news) {
        return;
    }
    const struct msg_room_news *news = &msg->room_news;
    if (news->what == ROOM_NEWS_EVENT && news->has_room_id && news->has_event) {
        struct place **place = lru_find(follow->index, &news->room_id);
        if (place != NULL) {
            followed_room_hear(&(*place)->room, news->generation, &news->event);
            see_to_room(*place);
            ask_what_is_wanted(follow);
        }
    }
}

/* Of a room that is not whole only what it had before is of interest, if the journal is not so far
 * any more. What is out for it may have been answered before what is looked for, and is not the
 * last that is asked. */
static bool look_at_place(void *arg, struct head_place *head, uint64_t *ret_seen,
                          uint64_t *ret_generation)
{
    struct place *place = CONTAINER_OF(head, struct place, head);
    struct followed_room *room = &place->room;
    (void)arg;
    if (room->step != FOLLOWED_WHOLE) {
        followed_room_doubt(room);
    }
    *ret_seen = room->below_seq != 0 ? room->below_seq : room->seq;
    *ret_generation = room->below_seq != 0 ? room->below_generation : room->generation;
    return room->step == FOLLOWED_WHOLE || room->below_seq != 0;
}

static void on_head_told(void *arg, struct head_place *head, const struct head_told *told)
{
    struct room_follow *follow = arg;
    struct place *place = CONTAINER_OF(head, struct place, head);
    struct followed_room *room = &place->room;
    room->below_seq = 0;
    /* Or it has begun anew since it was asked for. */
    const bool is_as_asked = room->step == FOLLOWED_WHOLE && room->generation == head->generation;
    const bool is_another =
        !told->is_there || told->generation != head->generation || told->head < head->seen;
    if (is_as_asked && is_another) {
        followed_room_reset(room);
    } else if (!is_as_asked || told->head > room->seq) {
        followed_room_doubt(room);
    }
    see_to_room(place);
    ask_what_is_wanted(follow);
}

static const struct room_heads_owner heads_owner_ops = {look_at_place, on_head_told, NULL};

bool room_follow_keeps_up(const struct room_follow *follow)
{
    const struct place *longest = LIST_FIRST(struct place, &follow->behind, behind);
    return longest == NULL ||
           room_follow_now_ms(follow) - longest->behind_ms < ROOM_FOLLOW_BEHIND_MS;
}

/* ---- who reads ---- */

/* The one that nobody has read for longest makes room, if it waits for no answer. */
static bool make_room(struct room_follow *follow)
{
    LIST_EACH (struct place, place, &follow->idle, idle) {
        if (!place->room.is_asked) {
            free_place(place);
            return true;
        }
    }
    return false;
}

static struct place *add_place(struct room_follow *follow, const struct cursor_open *open)
{
    bool added;
    if (lru_is_full(follow->index) && !make_room(follow)) {
        return NULL;
    }
    struct place *place = mem_alloc(sizeof(*place));
    followed_room_init(&place->room, &follow->shared, open->room_id);
    place->follow = follow;
    init_backoff(&place->backoff);
    place->resets = place->backoff;
    backoff_begin(&place->resets);
    list_init(&place->behind);
    list_init(&place->due);
    list_init(&place->idle);
    room_heads_add(follow->heads, &place->head, open->room_id);
    *(struct place **)lru_put(follow->index, &open->room_id, &added) = place;
    metric_set(follow->held, (int64_t)lru_count(follow->index));
    return place;
}

bool room_follow_open(struct room_follow *follow, const struct cursor_open *open,
                      struct room_cursor *cursor)
{
    struct place **found = lru_find(follow->index, &open->room_id);
    struct place *place = found == NULL ? add_place(follow, open) : *found;
    if (place == NULL) {
        return false;
    }
    struct followed_room *room = &place->room;
    if (room->step == FOLLOWED_GONE) {
        followed_room_reset(room);
    } else if (room->step == FOLLOWED_WHOLE &&
               (room->generation != open->generation || room->seq < open->seq)) {
        followed_room_doubt(room);
    }
    if (open->after.kind == AFTER_EVENT && open->after.generation == open->generation) {
        followed_room_wish(room, open->generation, open->seq, open->after.seq);
    }
    list_remove(&place->idle);
    room_cursor_init(cursor, room, open);
    see_to_room(place);
    ask_what_is_wanted(follow);
    return true;
}

void room_follow_close(struct room_follow *follow, struct room_cursor *cursor)
{
    struct followed_room *room = cursor->room;
    (void)follow;
    if (room == NULL) {
        return;
    }
    if (cursor->question != NULL) {
        cursor->question->cursor = NULL;
    }
    room_cursor_fini(cursor);
    make_idle(place_of_room(room));
}

static void drop_idle(struct room_follow *follow)
{
    const uint64_t now_ms = room_follow_now_ms(follow);
    LIST_EACH (struct place, place, &follow->idle, idle) {
        if (now_ms - place->idle_ms < ROOM_FOLLOW_IDLE_MS) {
            break;
        }
        if (!place->room.is_asked) {
            free_place(place);
        }
    }
}

static void tell_if_late(struct room_follow *follow)
{
    const bool is_late = !room_follow_keeps_up(follow);
    if (is_late != follow->is_late && follow->parts.health != NULL) {
        health_note(follow->parts.health, "roomsvc",
                    is_late ? "what happens in rooms is told late" : "");
    }
    follow->is_late = is_late;
}

static void look_around(void *arg)
{
    struct room_follow *follow = arg;
    drop_idle(follow);
    tell_if_late(follow);
    follow->look_timer = clock_after(follow->parts.clock, LOOK_MS, look_around, follow);
}

size_t room_follow_count(const struct room_follow *follow)
{
    return lru_count(follow->index);
}

/* ---- life ---- */

static void make_follow_metrics(struct room_follow *follow)
{
    struct metrics *metrics = follow->parts.metrics;
    static const char questions[] = "lynks_room_follow_questions_total";
    static const char failed[] = "lynks_room_follow_failed_questions_total";
    static const char state[] = "message=\"room_state\"";
    static const char journal[] = "message=\"journal_read\"";
    static const char open[] = "message=\"stream_open\"";
    follow->states = metrics_counter(metrics, questions, "", state);
    follow->journals = metrics_counter(metrics, questions, "", journal);
    follow->opens = metrics_counter(metrics, questions, "", open);
    follow->failed_opens = metrics_counter(metrics, failed, "", open);
    follow->failed_states = metrics_counter(metrics, failed, "", state);
    follow->failed_journals = metrics_counter(metrics, failed, "", journal);
    follow->held = metrics_gauge(metrics, "lynks_room_follow_rooms", "Followed rooms.", NULL);
    follow->behind_gauge =
        metrics_gauge(metrics, "lynks_room_follow_behind_rooms",
                      "Followed rooms of which the journal is known to have more.", NULL);
    follow->tail_bytes = metrics_gauge(metrics, "lynks_room_follow_tail_bytes",
                                       "What is kept of events, of all followed rooms.", NULL);
    follow->lag = metrics_histogram(
        metrics, "lynks_room_follow_lag_seconds",
        "From when a room was known to be behind its journal until it was not.", NULL);
    follow->shared.gaps = metrics_counter(metrics, "lynks_room_follow_gaps_total",
                                          "Events that came and were not the next ones.", NULL);
    follow->shared.resets = metrics_counter(metrics, "lynks_room_follow_resets_total",
                                            "Times at which a followed room began anew.", NULL);
    follow->shared.snapshots = metrics_counter(metrics, "lynks_room_follow_states_total",
                                               "States of rooms that were read.", NULL);
}

struct room_follow *room_follow_new(const struct room_follow_parts *parts,
                                    const struct room_follow_config *config)
{
    struct room_follow *follow = mem_alloc(sizeof(*follow));
    follow->parts = *parts;
    follow->config = *config;
    follow->shared.encoder = parts->encoder;
    follow->shared.want = on_cursor_wants;
    tail_budget_init(&follow->shared.tails, config->tail_bytes_max);
    follow->index = lru_new(sizeof(uint64_t), sizeof(struct place *), config->rooms_max);
    list_init(&follow->due);
    list_init(&follow->wants);
    init_backoff(&follow->wants_backoff);
    list_init(&follow->idle);
    list_init(&follow->behind);
    follow->heads_owner = heads_owner_ops;
    follow->heads_owner.arg = follow;
    follow->heads = room_heads_new(&(struct room_heads_parts){.clock = parts->clock,
                                                              .bus = parts->bus,
                                                              .metrics = parts->metrics,
                                                              .watch = parts->watch,
                                                              .owner = &follow->heads_owner});
    make_follow_metrics(follow);
    follow->look_timer = clock_after(parts->clock, LOOK_MS, look_around, follow);
    return follow;
}

void room_follow_free(struct room_follow **follow_ref)
{
    struct room_follow *follow = *follow_ref;
    if (follow == NULL) {
        return;
    }
    for (struct place *place; (place = LIST_FIRST(struct place, &follow->idle, idle)) != NULL;) {
        free_place(place);
    }
    assert(lru_count(follow->index) == 0); /* nobody reads */
    clock_cancel(follow->parts.clock, follow->wants_timer);
    clock_cancel(follow->parts.clock, follow->look_timer);
    room_heads_free(&follow->heads);
    lru_free(&follow->index);
    mem_free(follow_ref);
}
