#include "janusbridge/rooms/restore.h"

#include <assert.h>

#include "proto/base/backoff.h"
#include "proto/base/list.h"
#include "proto/base/log.h"

#define PAGE_TIMEOUT_MS 2000
#define ROOM_TIMEOUT_MS 3000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000
/* Between rounds, which are repeated for rooms that could not be made. The second round comes at
 * once; later ones have time, because a room that somebody asks for is made then. */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 30000

enum restore_state {
    RESTORE_STOPPED, /* Janus is away, or not ours */
    RESTORE_FIRST,   /* the first round since the start: a room that is missing may be on its way */
    RESTORE_PAUSED, /* every room was tried; for those that could not be made a round comes later */
    RESTORE_REPEATING, /* that later round is under way */
    RESTORE_WHOLE,     /* every room was made or found, once since the start */
};

enum page_state {
    PAGE_IN_HAND,  /* its rooms are being made, or have been */
    PAGE_ASKED,    /* the one after it is on its way */
    PAGE_OUTDATED, /* likewise, but it may name a room that is being destroyed: asked for again */
    PAGE_DUE,      /* the one after it could not be had: the timer asks again */
};

/* One room that is being made. */
struct making {
    struct call call;
    struct restore *restore;
    uint64_t round; /* 0: idle */
    char secret[ROOM_SECRET_BYTES];
    char pin[JANUS_PIN_BYTES + 1];
};

/* One page on its way; the answer may come after the end of its round. */
struct asking {
    struct restore *restore;
    uint64_t round;
};

/* A room of the page in hand. */
struct wanted {
    uint64_t room_id; /* 0: struck off */
    uint64_t publishers_max;
    char secret[ROOM_SECRET_BYTES];
    char pin[JANUS_PIN_BYTES + 1];
};

/* A call whose room may be on its way. */
struct wait {
    struct restore *restore;
    struct call *call;
    call_handler_fn *again;
    uint64_t room_id;
    uint64_t timer;
    struct list_link link;
};

struct restore {
    struct restore_parts parts;
    enum restore_state state;
    uint64_t
        round; /* counts starts and stops, so that what belongs to an old one is told; from 1 */
    enum err list_err; /* of the last attempt to learn the rooms */
    uint64_t began_ms;
    uint64_t endings;

    enum page_state page;
    struct wanted wanted[ROOMS_PAGE]; /* the page in hand */
    size_t count, next;               /* of the page, and in it */
    uint64_t last_id;                 /* of the page */
    bool is_last_page;
    struct making makings[RESTORE_PARALLEL];
    size_t busy; /* of these */
    bool is_going_on;

    uint64_t timer;
    struct backoff backoff, pause; /* between attempts at a page, and between rounds */
    size_t rooms, made, failed;    /* of this round */
    struct list_link waits;        /* of struct wait, in the order of their coming */
    size_t wait_count;
    struct metric *restored, *running;
};

/* The only place that sets the state. */
static void restore_enter(struct restore *restore, enum restore_state state)
{
    static const char *const names[] = {[RESTORE_STOPPED] = "stopped",
                                        [RESTORE_FIRST] = "first",
                                        [RESTORE_PAUSED] = "paused",
                                        [RESTORE_REPEATING] = "repeating",
                                        [RESTORE_WHOLE] = "whole"};
    log_debug("restoring", LOG_Z("was", names[restore->state]), LOG_Z("is", names[state]));
    restore->state = state;
    metric_set(restore->running, state == RESTORE_STOPPED || state == RESTORE_WHOLE ? 0 : 1);
}

/* ---- calls that wait ---- */

static struct call *end_wait(struct wait *wait)
{
    struct call *call = wait->call;
    list_remove(&wait->link);
    wait->restore->wait_count--;
    clock_cancel(wait->restore->parts.clock, wait->timer);
    mem_free(&wait);
    return call;
}

static void on_wait_deadline(void *arg)
{
    struct wait *wait = arg;
    const struct restore_parts *parts = &wait->restore->parts;
    wait->timer = 0;
    parts->fail(parts->service, end_wait(wait), ERR_DEADLINE);
}

static enum err add_wait(struct restore *restore, struct call *call, uint64_t room_id,
                         call_handler_fn *again)
{
    const struct clock *clock = restore->parts.clock;
    const uint64_t now_ms = clock_mono_ms(clock);
    if (call->context.deadline_ms <= now_ms) {
        return ERR_DEADLINE;
    }
    if (restore->wait_count >= restore->parts.waits_max) {
        return ERR_OVERLOADED;
    }
    struct wait *wait = mem_alloc(sizeof(*wait));
    *wait = (struct wait){.restore = restore, .call = call, .again = again, .room_id = room_id};
    wait->timer = clock_after(clock, call->context.deadline_ms - now_ms, on_wait_deadline, wait);
    list_add(&restore->waits, &wait->link);
    restore->wait_count++;
    return ERR_OK;
}

/* Those who wait for this room, or all (0), go on. One who then has to wait again waits for the
 * next time. */
static void wake(struct restore *restore, uint64_t room_id)
{
    struct list_link due;
    list_init(&due);
    LIST_EACH (struct wait, wait, &restore->waits, link) {
        if (room_id == 0 || wait->room_id == room_id) {
            list_remove(&wait->link);
            list_add(&due, &wait->link);
        }
    }
    for (struct wait *wait; (wait = LIST_FIRST(struct wait, &due, link)) != NULL;) {
        call_handler_fn *again = wait->again;
        again(restore->parts.service, end_wait(wait));
    }
}

/* What is to be thought of a room that Janus does not have. */
enum outlook {
    OUTLOOK_NONE,     /* it is not on its way */
    OUTLOOK_MAY_COME, /* it may be */
    OUTLOOK_UNKNOWN,  /* which rooms there have to be cannot be learnt at the moment */
};

static enum outlook outlook_of(const struct restore *restore)
{
    if (restore->state != RESTORE_FIRST) {
        return OUTLOOK_NONE;
    }
    switch (restore->list_err) {
    case ERR_OK:
    case ERR_DEADLINE:
    case ERR_DRAINING:
    case ERR_OVERLOADED:
        return OUTLOOK_MAY_COME;
    case ERR_UNAVAILABLE:
        return OUTLOOK_UNKNOWN;
    default:
        return OUTLOOK_NONE; /* roomsvc does not understand us: waiting would not help */
    }
}

bool restore_take_over(struct restore *restore, struct call *call, uint64_t room_id,
                       uint64_t endings, call_handler_fn *again, enum err *err)
{
    switch (outlook_of(restore)) {
    case OUTLOOK_MAY_COME:
        *err = add_wait(restore, call, room_id, again);
        return *err == ERR_OK;
    case OUTLOOK_UNKNOWN:
        *err = ERR_UNAVAILABLE;
        return false;
    case OUTLOOK_NONE:
        break;
    }
    if (endings != restore->endings) {
        again(restore->parts.service, call);
        return true;
    }
    return false;
}

uint64_t restore_endings(const struct restore *restore)
{
    return restore->endings;
}

/* ---- rooms ---- */

static void begin_round(void *arg);
static void go_on(struct restore *restore);

static void on_made(struct call *call, enum err err, const struct msg *reply)
{
    struct making *making = CONTAINER_OF(call, struct making, call);
    struct restore *restore = making->restore;
    const bool is_of_this_round = making->round == restore->round;
    making->round = 0;
    restore->busy--;
    if (!is_of_this_round) {
        go_on(restore); /* this round finds the room again */
        return;
    }
    if (err == ERR_OK) {
        if (!reply->bridge_create_reply.existed) {
            restore->made++;
            metric_inc(restore->restored);
        }
        wake(restore, call->request.bridge_create.room_id);
    } else {
        restore->failed++;
    }
    go_on(restore);
}

static struct making *idle_making(struct restore *restore)
{
    for (size_t i = 0; i < restore->parts.parallel_max; i++) {
        if (restore->makings[i].round == 0) {
            return &restore->makings[i];
        }
    }
    return NULL;
}

static void restore_room(struct restore *restore, struct making *making, const struct wanted *room)
{
    memcpy(making->secret, room->secret, sizeof(making->secret));
    memcpy(making->pin, room->pin, sizeof(making->pin));
    making->round = restore->round;
    restore->busy++;
    restore->rooms++;
    making->call = (struct call){
        .request = {.id = MSG_bridge_create,
                    .bridge_create = {.room_id = room->room_id,
                                      .secret = {making->secret, ROOM_SECRET_BYTES},
                                      .description = STR_NONE,
                                      .publishers_max = room->publishers_max,
                                      .pin = str_of(making->pin)}},
        .context = {.request_id = STR_LIT("restore"),
                    .deadline_ms = clock_mono_ms(restore->parts.clock) + ROOM_TIMEOUT_MS},
        .peer_role = "janusbridge",
        .finish = on_made};
    restore->parts.create(restore->parts.service, &making->call);
}

/* ---- pages ---- */

static void ask_page(void *arg);

static void fail_page(struct restore *restore, enum err err)
{
    const enum outlook outlook = outlook_of(restore);
    if (restore->list_err != err) {
        LOG_EVENT(err_is_retryable(err) ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
                  "the open rooms cannot be learnt from roomsvc", LOG_Z("error", err_code(err)));
    }
    restore->list_err = err;
    restore->page = PAGE_DUE;
    restore->timer =
        clock_after(restore->parts.clock, backoff_next(&restore->backoff), ask_page, restore);
    if (outlook_of(restore) != outlook) {
        wake(restore, 0);
    }
}

/* Ids that do not ascend could go on for ever. */
static bool is_sound_page(const struct restore *restore, const struct msg_node_room_list *rooms)
{
    uint64_t last = restore->last_id;
    for (size_t i = 0; i < rooms->count; i++) {
        if (rooms->items[i].room_id <= last) {
            return false;
        }
        last = rooms->items[i].room_id;
    }
    return true;
}

static void take_page(struct restore *restore, const struct msg_node_room_list *rooms)
{
    restore->page = PAGE_IN_HAND;
    restore->count = rooms->count;
    restore->next = 0;
    for (size_t i = 0; i < rooms->count; i++) {
        const struct msg_node_room *room = &rooms->items[i];
        struct wanted *wanted = &restore->wanted[i];
        wanted->room_id = restore->last_id = room->room_id;
        wanted->publishers_max = room->publishers_max;
        memcpy(wanted->secret, room->secret.data, ROOM_SECRET_BYTES); /* the schema bounds them */
        (void)str_copy(wanted->pin, sizeof(wanted->pin), room->pin);
    }
    restore->is_last_page = restore->count < ROOMS_PAGE;
    backoff_begin(&restore->backoff);
    restore->list_err = ERR_OK;
    go_on(restore);
}

static void on_page(void *arg, enum err err, const struct msg *reply)
{
    struct asking *asking = arg;
    struct restore *restore = asking->restore;
    const bool is_old = asking->round != restore->round;
    mem_free(&asking);
    if (is_old) {
        return;
    }
    if (err == ERR_OK && restore->page == PAGE_OUTDATED) {
        ask_page(restore);
    } else if (err == ERR_OK && !is_sound_page(restore, &reply->node_rooms_reply.rooms)) {
        fail_page(restore, ERR_PROTOCOL);
    } else if (err != ERR_OK) {
        fail_page(restore, err);
    } else {
        take_page(restore, &reply->node_rooms_reply.rooms);
    }
}

static void ask_page(void *arg)
{
    struct restore *restore = arg;
    const struct restore_parts *parts = &restore->parts;
    restore->timer = 0;
    restore->page = PAGE_ASKED;
    const struct msg request = {
        .id = MSG_node_rooms,
        .node_rooms = {.node = str_of(parts->node), .after_room_id = restore->last_id}};
    const struct call_context context = {.request_id = STR_LIT("restore"),
                                         .deadline_ms =
                                             clock_mono_ms(parts->clock) + PAGE_TIMEOUT_MS};
    struct asking *asking = mem_alloc(sizeof(*asking));
    *asking = (struct asking){.restore = restore, .round = restore->round};
    const enum err err = bus_call(parts->bus, &request, &context, on_page, asking);
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_page(restore, err);
    }
}

/* ---- rounds ---- */

static void end_round(struct restore *restore)
{
    const bool was_first = restore->state == RESTORE_FIRST;
    restore_enter(restore, restore->failed == 0 ? RESTORE_WHOLE : RESTORE_PAUSED);
    log_info("the open rooms are in janus", LOG_U64("rooms", restore->rooms),
             LOG_U64("restored", restore->made), LOG_U64("failed", restore->failed),
             LOG_U64("ms", clock_mono_ms(restore->parts.clock) - restore->began_ms));
    if (restore->state == RESTORE_PAUSED) {
        restore->timer =
            clock_after(restore->parts.clock, backoff_next(&restore->pause), begin_round, restore);
    }
    if (was_first) {
        restore->endings++;
        wake(restore, 0);
    }
}

/* Makes as many rooms as may be made at a time, asks for the next page, or ends the round. The
 * answer of a room may come from inside restore_room, and then calls this again. */
static void go_on(struct restore *restore)
{
    const bool is_under_way =
        restore->state == RESTORE_FIRST || restore->state == RESTORE_REPEATING;
    if (restore->is_going_on || !is_under_way) {
        return;
    }
    restore->is_going_on = true;
    const uint64_t round = restore->round;
    struct making *making;
    while (restore->round == round && restore->next < restore->count &&
           (making = idle_making(restore)) != NULL) {
        const struct wanted *room = &restore->wanted[restore->next++];
        if (room->room_id != 0) {
            restore_room(restore, making, room);
        }
    }
    restore->is_going_on = false;
    if (restore->round != round || restore->next < restore->count) {
        return;
    }
    if (!restore->is_last_page) {
        if (restore->page == PAGE_IN_HAND) {
            ask_page(restore);
        }
    } else if (restore->busy == 0) {
        end_round(restore);
    }
}

static void begin_round(void *arg)
{
    struct restore *restore = arg;
    restore->timer = 0;
    restore->round++;
    restore->began_ms = clock_mono_ms(restore->parts.clock);
    restore->rooms = restore->made = restore->failed = 0;
    restore->count = restore->next = 0;
    restore->last_id = 0;
    restore->is_last_page = false;
    if (restore->state == RESTORE_PAUSED) {
        restore_enter(restore, RESTORE_REPEATING);
    }
    ask_page(restore);
}

static void stop_restoring(struct restore *restore)
{
    clock_cancel(restore->parts.clock, restore->timer);
    restore->timer = 0;
    restore->round++;
    restore->page = PAGE_IN_HAND;
    restore->list_err = ERR_OK;
    backoff_begin(&restore->backoff);
    backoff_begin(&restore->pause);
    restore->endings++;
    restore_enter(restore, RESTORE_STOPPED);
}

/* From the first room on, unless all are there and the session is the one that made them. */
static void on_janus_ready(void *arg, bool is_new)
{
    struct restore *restore = arg;
    if (!is_new && restore->state == RESTORE_WHOLE) {
        return;
    }
    stop_restoring(restore);
    restore_enter(restore, RESTORE_FIRST);
    begin_round(restore);
}

/* The calls that wait go on, and are refused because the session is not ready. What was restored
 * stays so: a session that is resumed has lost nothing. */
static void on_janus_lost(void *arg)
{
    struct restore *restore = arg;
    if (restore->state != RESTORE_WHOLE) {
        stop_restoring(restore);
    }
    wake(restore, 0);
}

void restore_skip(struct restore *restore, uint64_t room_id)
{
    for (size_t i = restore->next; i < restore->count; i++) {
        if (restore->wanted[i].room_id == room_id) {
            restore->wanted[i].room_id = 0;
        }
    }
    if (restore->page == PAGE_ASKED && room_id > restore->last_id) {
        restore->page = PAGE_OUTDATED;
    }
}

/* ---- life ---- */

struct restore *restore_new(const struct restore_parts *parts)
{
    assert(parts->parallel_max >= 1 && parts->parallel_max <= RESTORE_PARALLEL);
    struct restore *restore = mem_alloc(sizeof(*restore));
    restore->parts = *parts;
    restore->backoff =
        (struct backoff){.min_ms = BACKOFF_MIN_MS, .max_ms = BACKOFF_MAX_MS, .random = random_u32};
    restore->pause =
        (struct backoff){.min_ms = PAUSE_MIN_MS, .max_ms = PAUSE_MAX_MS, .random = random_u32};
    list_init(&restore->waits);
    restore->restored =
        metrics_counter(parts->metrics, "lynks_janus_rooms_restored_total",
                        "Open rooms that Janus did not have and that were made again", NULL);
    restore->running = metrics_gauge(parts->metrics, "lynks_janus_restoring",
                                     "1 while the open rooms are being brought back", NULL);
    for (size_t i = 0; i < RESTORE_PARALLEL; i++) {
        restore->makings[i].restore = restore;
    }
    const struct janus_listener listener = {
        .on_ready = on_janus_ready, .on_lost = on_janus_lost, .arg = restore};
    janus_session_listen(parts->session, &listener);
    return restore;
}

void restore_free(struct restore **restore)
{
    assert(*restore == NULL || ((*restore)->timer == 0 && (*restore)->wait_count == 0));
    mem_free(restore);
}
