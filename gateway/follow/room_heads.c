#include "gateway/follow/room_heads.h"

#include <stdlib.h>

#include "proto/base/backoff.h"
#include "proto/base/log.h"

/* While a publisher is silent, all are asked for so often. */
#define SILENT_ROUND_MS 500
#define SILENT_LONG_ROUND_MS 2000
#define NET_MS 1000
#define HEADS_ANSWER_MS 1000
/* After questions without an answer, before any is asked again: later and later. */
#define HEADS_RETRY_MIN_MS 300
#define HEADS_RETRY_MAX_MS 2000

struct heads_question {
    struct room_heads *heads;
    uint64_t generation; /* in which its places were seen */
    size_t count;
    struct head_place *places[JOURNAL_HEADS]; /* NULL: it was removed */
};

struct room_heads {
    struct room_heads_parts parts;
    struct list_link all; /* of struct head_place; who was asked for last by the net is the last */
    struct list_link due;
    struct news_watcher watcher;
    size_t count, out;
    uint64_t net_timer;
    struct backoff backoff;
    uint64_t retry_timer; /* nothing is asked until it fires; 0: none */
    struct metric *gap_rounds, *silence_rounds, *asked, *failed;
};

static uint64_t heads_now_ms(const struct room_heads *heads)
{
    return clock_mono_ms(heads->parts.clock);
}

/* ---- questions ---- */

static void ask_heads(struct room_heads *heads);

static void on_heads_retry(void *arg)
{
    struct room_heads *heads = arg;
    heads->retry_timer = 0;
    ask_heads(heads);
}

/* One that is in a question waits for its answer, which may be older than what makes it due. */
static void make_head_due(struct room_heads *heads, struct head_place *place)
{
    list_remove(&place->due);
    place->is_stale = place->question != NULL;
    if (!place->is_stale) {
        list_add(&heads->due, &place->due);
    }
}

/* Its places are asked for again. */
static void take_heads_failure(struct heads_question *question, enum err err)
{
    struct room_heads *heads = question->heads;
    metric_inc(heads->failed);
    log_debug("heads of journals not read", LOG_Z("error", err_code(err)));
    for (size_t i = 0; i < question->count; i++) {
        if (question->places[i] != NULL) {
            question->places[i]->question = NULL;
            make_head_due(heads, question->places[i]);
        }
    }
    if (heads->retry_timer == 0) {
        heads->retry_timer =
            clock_after(heads->parts.clock, backoff_next(&heads->backoff), on_heads_retry, heads);
    }
}

/* Answers come in the order of the question as a rule, so that the next one is found at once. */
static struct head_place *find_asked(const struct heads_question *question, uint64_t room_id,
                                     size_t *at)
{
    for (size_t i = 0; i < question->count; i++) {
        struct head_place *place = question->places[(*at + i) % question->count];
        if (place != NULL && place->room_id == room_id) {
            *at += i + 1;
            return place;
        }
    }
    return NULL;
}

static void tell_head(struct heads_question *question, struct head_place *place,
                      const struct head_told *told)
{
    const struct room_heads_owner *owner = question->heads->parts.owner;
    place->is_told = true;
    owner->on_told(owner->arg, place, told);
}

static void take_heads(struct heads_question *question, const struct msg_journal_heads_reply *reply)
{
    size_t at = 0;
    for (size_t i = 0; i < reply->heads.count; i++) {
        const struct msg_room_head *head = &reply->heads.items[i];
        struct head_place *place = find_asked(question, head->room_id, &at);
        if (place != NULL && !place->is_told) {
            tell_head(question, place,
                      &(struct head_told){
                          .is_there = true, .generation = reply->generation, .head = head->seq});
        }
    }
    for (size_t i = 0; i < question->count; i++) {
        struct head_place *place = question->places[i];
        if (place != NULL && !place->is_told) {
            tell_head(question, place, &(struct head_told){.generation = reply->generation});
        }
        if ((place = question->places[i]) != NULL) {
            place->question = NULL;
            if (place->is_stale) {
                make_head_due(question->heads, place);
            }
        }
    }
}

static void on_heads_answered(void *arg, enum err err, const struct msg *reply)
{
    struct heads_question *question = arg;
    struct room_heads *heads = question->heads;
    heads->out--;
    if (err == ERR_OK) {
        backoff_begin_at_min(&heads->backoff);
        take_heads(question, &reply->journal_heads_reply);
    } else {
        take_heads_failure(question, err);
    }
    free(question);
    ask_heads(heads);
}

/* The first that are due, and were seen in one generation; the others wait for the next one. */
static void fill_question(struct heads_question *question)
{
    struct room_heads *heads = question->heads;
    const struct room_heads_owner *owner = heads->parts.owner;
    LIST_EACH (struct head_place, place, &heads->due, due) {
        const bool is_wanted = owner->look(owner->arg, place, &place->seen, &place->generation);
        if (is_wanted && question->count == 0) {
            question->generation = place->generation;
        } else if (is_wanted && place->generation != question->generation) {
            continue;
        }
        list_remove(&place->due);
        if (is_wanted) {
            place->question = question;
            place->index = question->count;
            place->is_told = false;
            question->places[question->count++] = place;
        }
        if (question->count == JOURNAL_HEADS) {
            break;
        }
    }
}

static void send_question(struct heads_question *question)
{
    struct room_heads *heads = question->heads;
    uint64_t ids[JOURNAL_HEADS];
    struct msg_room_head seen[JOURNAL_HEADS];
    for (size_t i = 0; i < question->count; i++) {
        ids[i] = question->places[i]->room_id;
        seen[i] = (struct msg_room_head){.room_id = ids[i], .seq = question->places[i]->seen};
    }
    const struct call_context context = {.request_id = STR_LIT("follow"),
                                         .deadline_ms = heads_now_ms(heads) + HEADS_ANSWER_MS};
    const struct msg request = {
        .id = MSG_journal_heads,
        .journal_heads = {.room_ids = {.items = ids, .count = question->count},
                          .seen = {.items = seen, .count = question->count},
                          .generation = question->generation}};
    metric_inc(heads->asked);
    const enum err err =
        bus_call(heads->parts.bus, &request, &context, on_heads_answered, question);
    if (err == ERR_OK) {
        heads->out++;
    } else {
        take_heads_failure(question, err);
        free(question);
    }
}

static void ask_heads(struct room_heads *heads)
{
    while (heads->retry_timer == 0 && heads->out < HEADS_OUT_MAX && !list_is_empty(&heads->due)) {
        struct heads_question *question = mem_alloc(sizeof(*question));
        question->heads = heads;
        fill_question(question);
        if (question->count > 0) {
            send_question(question);
        } else {
            free(question);
        }
    }
}

void room_heads_ask(struct room_heads *heads, struct head_place *place)
{
    make_head_due(heads, place);
    ask_heads(heads);
}

static void ask_for_all_heads(struct room_heads *heads, struct metric *why)
{
    if (heads->count == 0) {
        return;
    }
    metric_inc(why);
    LIST_EACH (struct head_place, place, &heads->all, all) {
        make_head_due(heads, place);
    }
    ask_heads(heads);
}

/* ---- when ---- */

static void on_news_missed(void *arg, enum news_miss why)
{
    struct room_heads *heads = arg;
    ask_for_all_heads(heads, why == NEWS_GAP ? heads->gap_rounds : heads->silence_rounds);
}

static void cast_net(void *arg)
{
    struct room_heads *heads = arg;
    const size_t share = (heads->count + HEADS_NET_S - 1) / HEADS_NET_S;
    for (size_t i = 0; i < share; i++) {
        struct head_place *place = LIST_FIRST(struct head_place, &heads->all, all);
        list_remove(&place->all);
        list_add(&heads->all, &place->all);
        make_head_due(heads, place);
    }
    ask_heads(heads);
    heads->net_timer = clock_after(heads->parts.clock, NET_MS, cast_net, heads);
}

/* ---- life ---- */

void room_heads_add(struct room_heads *heads, struct head_place *place, uint64_t room_id)
{
    *place = (struct head_place){.room_id = room_id};
    list_init(&place->due);
    list_add(&heads->all, &place->all);
    heads->count++;
}

void room_heads_remove(struct room_heads *heads, struct head_place *place)
{
    if (place->question != NULL) {
        place->question->places[place->index] = NULL;
    }
    list_remove(&place->all);
    list_remove(&place->due);
    heads->count--;
}

struct room_heads *room_heads_new(const struct room_heads_parts *parts)
{
    static const char rounds[] = "lynks_room_follow_rounds_total";
    static const char rounds_help[] =
        "Times at which the ends of the journals of all followed rooms were asked for.";
    struct room_heads *heads = mem_alloc(sizeof(*heads));
    heads->parts = *parts;
    list_init(&heads->all);
    list_init(&heads->due);
    heads->backoff = (struct backoff){
        .min_ms = HEADS_RETRY_MIN_MS, .max_ms = HEADS_RETRY_MAX_MS, .random = random_u32};
    backoff_begin_at_min(&heads->backoff);
    heads->gap_rounds = metrics_counter(parts->metrics, rounds, rounds_help, "why=\"gap\"");
    heads->silence_rounds = metrics_counter(parts->metrics, rounds, rounds_help, "why=\"silence\"");
    heads->asked =
        metrics_counter(parts->metrics, "lynks_room_follow_questions_total",
                        "Questions to roomsvc about followed rooms.", "message=\"journal_heads\"");
    heads->failed = metrics_counter(parts->metrics, "lynks_room_follow_failed_questions_total",
                                    "Likewise, without an answer.", "message=\"journal_heads\"");
    heads->watcher = (struct news_watcher){.round_ms = SILENT_ROUND_MS,
                                           .slow_round_ms = SILENT_LONG_ROUND_MS,
                                           .on_missed = on_news_missed,
                                           .arg = heads};
    news_watch_add(parts->watch, &heads->watcher);
    heads->net_timer = clock_after(parts->clock, NET_MS, cast_net, heads);
    return heads;
}

void room_heads_free(struct room_heads **heads_ref)
{
    struct room_heads *heads = *heads_ref;
    if (heads == NULL) {
        return;
    }
    news_watch_remove(&heads->watcher);
    clock_cancel(heads->parts.clock, heads->net_timer);
    clock_cancel(heads->parts.clock, heads->retry_timer);
    mem_free(heads_ref);
}
