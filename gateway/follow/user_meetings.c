#include "gateway/follow/user_meetings.h"

#include <stdlib.h>

#include "proto/base/log.h"
#include "proto/base/lru.h"

/* While a publisher is silent, all are asked for so often. */
#define BLIND_ROUND_MS 5000
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 10000
/* After an answer that was out of date when it came. */
#define STALE_MS 1000

/* Lives until its answer is there; watch is NULL once nobody waits for it. */
struct meetings_question {
    struct user_meetings *meetings;
    struct meetings_watch *watch;
    struct msg_room_head *rooms; /* of the pages so far */
    size_t count;
};

struct user_watches {
    struct list_link watches;
};

struct user_meetings {
    const struct clock *clock;
    const struct bus *bus;
    struct lru *users; /* id -> struct user_watches * */
    struct list_link all, due;
    struct news_watcher watcher;
    size_t out;
    struct metric *asked, *failed, *rounds, *hints;
};

static bool is_of_admin(const struct meetings_watch *watch)
{
    return watch->principal.role == ROLE_ADMIN;
}

/* ---- asking ---- */

static void ask_for_meetings(struct user_meetings *meetings);

static void make_meetings_due(struct meetings_watch *watch)
{
    clock_cancel(watch->meetings->clock, watch->timer);
    watch->timer = 0;
    if (watch->step == MEETINGS_ASKED || watch->step == MEETINGS_STALE) {
        watch->step = MEETINGS_STALE;
    } else {
        watch->step = MEETINGS_DUE;
        list_remove(&watch->due);
        list_add(&watch->meetings->due, &watch->due);
    }
}

static void on_meetings_rested(void *arg)
{
    struct meetings_watch *watch = arg;
    watch->timer = 0;
    make_meetings_due(watch);
    ask_for_meetings(watch->meetings);
}

static void rest_meetings(struct meetings_watch *watch, uint64_t ms)
{
    watch->step = MEETINGS_RESTS;
    watch->timer = clock_after(watch->meetings->clock, ms, on_meetings_rested, watch);
}

static void free_question(struct meetings_question *question)
{
    question->meetings->out--;
    if (question->watch != NULL) {
        question->watch->question = NULL;
    }
    free(question->rooms);
    mem_free(&question);
}

static void take_meetings(struct meetings_question *question)
{
    struct meetings_watch *watch = question->watch;
    const struct user_meetings_told told = {.rooms = question->rooms,
                                            .count = question->count,
                                            .is_all = question->count < USER_MEETINGS_MAX};
    backoff_begin_at_min(&watch->backoff);
    if (watch->step == MEETINGS_STALE) {
        rest_meetings(watch, STALE_MS);
    } else {
        watch->step = MEETINGS_KNOWN;
    }
    watch->on_told(watch->arg, &told);
}

static void fail_meetings(struct meetings_watch *watch, enum err err)
{
    metric_inc(watch->meetings->failed);
    log_debug("meetings of a user not read", LOG_Z("error", err_code(err)));
    rest_meetings(watch, backoff_next(&watch->backoff));
    watch->on_told(watch->arg, NULL);
}

static enum err ask_meetings_page(struct meetings_question *question);

/* Takes question, unless there is another page to be read. */
static void on_meetings(void *arg, enum err err, const struct msg *reply)
{
    struct meetings_question *question = arg;
    struct user_meetings *meetings = question->meetings;
    struct meetings_watch *watch = question->watch;
    if (watch != NULL && err == ERR_OK) {
        const struct msg_room_head_list page = reply->meeting_page_reply.rooms;
        question->rooms = mem_realloc_array(question->rooms, question->count + page.count + 1,
                                            sizeof(*question->rooms));
        for (size_t i = 0; i < page.count; i++) {
            question->rooms[question->count++] = page.items[i];
        }
        if (page.count == JOURNAL_HEADS && question->count < USER_MEETINGS_MAX) {
            err = ask_meetings_page(question);
            if (err == ERR_OK) {
                return;
            }
        }
    }
    /* The watch may be released from inside what it is told. */
    if (watch != NULL) {
        watch->question = NULL;
        if (err == ERR_OK) {
            take_meetings(question);
        } else {
            fail_meetings(watch, err);
        }
        question->watch = NULL;
    }
    free_question(question);
    ask_for_meetings(meetings);
}

static enum err ask_meetings_page(struct meetings_question *question)
{
    struct user_meetings *meetings = question->meetings;
    const struct meetings_watch *watch = question->watch;
    const struct call_context context = {.request_id = STR_LIT("meetings"),
                                         .principal = watch->principal,
                                         .deadline_ms = clock_mono_ms(meetings->clock) +
                                                        USER_MEETINGS_ANSWER_MS};
    const struct msg request = {
        .id = MSG_meeting_page,
        .meeting_page = {
            .user_id = is_of_admin(watch) ? 0 : watch->principal.user_id,
            .limit = JOURNAL_HEADS,
            .after_id = question->count > 0 ? question->rooms[question->count - 1].room_id : 0}};
    metric_inc(meetings->asked);
    return bus_call(meetings->bus, &request, &context, on_meetings, question);
}

static void ask_for_one(struct meetings_watch *watch)
{
    struct user_meetings *meetings = watch->meetings;
    struct meetings_question *question = mem_alloc(sizeof(*question));
    list_remove(&watch->due);
    *question = (struct meetings_question){.meetings = meetings, .watch = watch};
    watch->question = question;
    watch->step = MEETINGS_ASKED;
    meetings->out++;
    const enum err err = ask_meetings_page(question);
    if (err != ERR_OK) {
        free_question(question);
        fail_meetings(watch, err);
    }
}

static void ask_for_meetings(struct user_meetings *meetings)
{
    struct meetings_watch *watch;
    while (meetings->out < USER_MEETINGS_OUT_MAX &&
           (watch = LIST_FIRST(struct meetings_watch, &meetings->due, due)) != NULL) {
        ask_for_one(watch);
    }
}

static void ask_for_all_meetings(struct user_meetings *meetings)
{
    if (list_is_empty(&meetings->all)) {
        return;
    }
    metric_inc(meetings->rounds);
    LIST_EACH (struct meetings_watch, watch, &meetings->all, all) {
        if (watch->step != MEETINGS_RESTS) { /* roomsvc does not answer: no faster for this */
            make_meetings_due(watch);
        }
    }
    ask_for_meetings(meetings);
}

/* ---- what is published ---- */

static void hint_to(struct meetings_watch *watch, const struct msg_room_news *news)
{
    const struct msg_room_head room = {.room_id = news->room_id, .seq = news->seq};
    if (watch->step == MEETINGS_ASKED) {
        watch->step = MEETINGS_STALE;
    }
    watch->on_hint(watch->arg, news->what, &room);
}

static void hint_to_all(struct user_meetings *meetings, const struct msg_room_news *news)
{
    metric_inc(meetings->hints);
    for (size_t i = 0; i < news->users.count; i++) {
        struct user_watches **of = lru_find(meetings->users, &news->users.items[i]);
        if (of == NULL) {
            continue;
        }
        LIST_EACH (struct meetings_watch, watch, &(*of)->watches, of_user) {
            if (!is_of_admin(watch)) {
                hint_to(watch, news);
            }
        }
    }
    LIST_EACH (struct meetings_watch, watch, &meetings->all, all) {
        if (is_of_admin(watch)) {
            hint_to(watch, news);
        }
    }
}

static bool is_for_users(const struct msg_room_news *news)
{
    return news->has_room_id && (news->what == ROOM_NEWS_BEGAN || news->what == ROOM_NEWS_ENDED ||
                                 news->what == ROOM_NEWS_WAITS);
}

void user_meetings_hear(struct user_meetings *meetings, const struct msg *msg)
{
    if (msg->id == MSG_room_news && is_for_users(&msg->room_news)) {
        hint_to_all(meetings, &msg->room_news);
    }
}

static void on_meetings_missed(void *arg, enum news_miss why)
{
    (void)why;
    ask_for_all_meetings(arg);
}

/* ---- who watches ---- */

static bool add_to_user(struct user_meetings *meetings, struct meetings_watch *watch)
{
    const uint64_t user_id = watch->principal.user_id;
    bool added;
    if (lru_peek(meetings->users, &user_id) == NULL && lru_is_full(meetings->users)) {
        return false;
    }
    struct user_watches **of = lru_put(meetings->users, &user_id, &added);
    if (added) {
        *of = mem_alloc(sizeof(**of));
        list_init(&(*of)->watches);
    }
    list_add(&(*of)->watches, &watch->of_user);
    return true;
}

static void remove_from_user(struct user_meetings *meetings, struct meetings_watch *watch)
{
    const uint64_t user_id = watch->principal.user_id;
    struct user_watches **of = lru_find(meetings->users, &user_id);
    list_remove(&watch->of_user);
    if (of != NULL && list_is_empty(&(*of)->watches)) {
        mem_free(of);
        lru_remove(meetings->users, &user_id);
    }
}

static void begin_to_ask(void *arg)
{
    struct meetings_watch *watch = arg;
    watch->timer = 0;
    make_meetings_due(watch);
    ask_for_meetings(watch->meetings);
}

bool user_meetings_watch(struct user_meetings *meetings, struct meetings_watch *watch)
{
    if (!add_to_user(meetings, watch)) {
        return false;
    }
    watch->meetings = meetings;
    list_add(&meetings->all, &watch->all);
    list_init(&watch->due);
    watch->backoff =
        (struct backoff){.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS, .random = random_u32};
    backoff_begin_at_min(&watch->backoff);
    watch->step = MEETINGS_RESTS;
    watch->timer = clock_after(meetings->clock, 0, begin_to_ask, watch);
    return true;
}

void user_meetings_release(struct meetings_watch *watch)
{
    struct user_meetings *meetings = STEAL(watch->meetings);
    if (meetings == NULL) {
        return;
    }
    clock_cancel(meetings->clock, watch->timer);
    if (watch->question != NULL) {
        watch->question->watch = NULL;
        watch->question = NULL;
    }
    list_remove(&watch->due);
    list_remove(&watch->all);
    remove_from_user(meetings, watch);
}

void user_meetings_set_role(struct meetings_watch *watch, enum role role)
{
    struct user_meetings *meetings = watch->meetings;
    user_meetings_release(watch); /* an answer that is out is to what he was */
    watch->principal.role = role;
    if (meetings != NULL) {
        (void)user_meetings_watch(meetings, watch); /* into the place that he has just left */
    }
}

void user_meetings_repeat(struct meetings_watch *watch)
{
    if (watch->step == MEETINGS_KNOWN) {
        rest_meetings(watch, 0);
    } else if (watch->step == MEETINGS_ASKED) {
        watch->step = MEETINGS_STALE;
    }
}

/* ---- life ---- */

struct user_meetings *user_meetings_new(const struct clock *clock, const struct bus *bus,
                                        struct metrics *metrics, struct news_watch *watch,
                                        size_t users_max)
{
    static const char name[] = "lynks_user_meetings_questions_total";
    static const char help[] = "Questions in which of a user's rooms somebody is, for his stream.";
    struct user_meetings *meetings = mem_alloc(sizeof(*meetings));
    meetings->clock = clock;
    meetings->bus = bus;
    meetings->users = lru_new(sizeof(uint64_t), sizeof(struct user_watches *), users_max);
    list_init(&meetings->all);
    list_init(&meetings->due);
    meetings->asked = metrics_counter(metrics, name, help, "result=\"asked\"");
    meetings->failed = metrics_counter(metrics, name, help, "result=\"failed\"");
    meetings->rounds =
        metrics_counter(metrics, "lynks_user_meetings_rounds_total",
                        "Times at which the rooms of all users with streams were asked for.", NULL);
    meetings->hints = metrics_counter(metrics, "lynks_user_meetings_hints_total",
                                      "Meetings that began or ended, as heard.", NULL);
    meetings->watcher = (struct news_watcher){.round_ms = BLIND_ROUND_MS,
                                              .slow_round_ms = BLIND_ROUND_MS,
                                              .on_missed = on_meetings_missed,
                                              .arg = meetings};
    news_watch_add(watch, &meetings->watcher);
    return meetings;
}

void user_meetings_free(struct user_meetings **meetings)
{
    if (*meetings != NULL) {
        news_watch_remove(&(*meetings)->watcher);
        lru_free(&(*meetings)->users);
        mem_free(meetings);
    }
}
