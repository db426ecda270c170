#include "janusbridge/rooms/restore.h"

#include <assert.h>

#include "proto/base/backoff.h"
#include "proto/base/log.h"

#define PAGE_TIMEOUT_MS 2000
#define ROOM_TIMEOUT_MS 3000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000
/* Between rounds for the sake of rooms that could not be made: the second comes at once, later ones
 * are nobody's hurry, for whoever asks for such a room gets it made. */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 30000

/* One room on its way. */
struct job {
    struct call call;
    struct restore *restore;
    uint64_t round;
    char secret[ROOM_SECRET_BYTES];
    bool is_busy;
};

/* One page on its way; the answer may come after the end of its round. */
struct asking {
    struct restore *restore;
    uint64_t round;
};

struct wanted {
    uint64_t room_id; /* 0: struck off */
    uint64_t publishers_max;
    char secret[ROOM_SECRET_BYTES];
};

struct restore {
    struct restore_parts parts;
    uint64_t round; /* counts starts and stops, so that what belongs to an old one is told */
    bool is_running;
    bool is_settled; /* every room was tried once since the start */
    bool is_whole;
    enum err list_err; /* of the last attempt to learn the rooms */
    uint64_t began_ms;
    uint64_t endings;

    struct wanted page[ROOMS_PAGE];
    size_t count, next; /* of the page, and in it */
    uint64_t last_id;   /* of the page */
    bool is_last_page;
    bool is_asking;
    bool is_page_stale; /* the one on its way */
    struct job jobs[RESTORE_PARALLEL];
    size_t busy;
    bool is_pumping;

    uint64_t timer;
    struct backoff backoff, pause; /* between attempts at a page, and between rounds */
    size_t rooms, made, failed;    /* of this round */
    struct metric *restored, *running;
};

struct restore *restore_new(const struct restore_parts *parts)
{
    struct restore *restore = mem_alloc(sizeof(*restore));
    restore->parts = *parts;
    restore->backoff =
        (struct backoff){.min_ms = BACKOFF_MIN_MS, .max_ms = BACKOFF_MAX_MS, .random = random_u32};
    restore->pause =
        (struct backoff){.min_ms = PAUSE_MIN_MS, .max_ms = PAUSE_MAX_MS, .random = random_u32};
    restore->restored =
        metrics_counter(parts->metrics, "lynks_janus_rooms_restored_total",
                        "Open rooms that Janus did not have and that were made again", NULL);
    restore->running = metrics_gauge(parts->metrics, "lynks_janus_restoring",
                                     "1 while the open rooms are being brought back", NULL);
    for (size_t i = 0; i < RESTORE_PARALLEL; i++) {
        restore->jobs[i].restore = restore;
    }
    return restore;
}

void restore_free(struct restore **restore)
{
    assert(*restore == NULL || (*restore)->timer == 0);
    mem_free(restore);
}

enum err restore_outlook(const struct restore *restore)
{
    if (!restore->is_running || restore->is_settled) {
        return ERR_OK;
    }
    switch (restore->list_err) {
    case ERR_OK:
    case ERR_DEADLINE:
    case ERR_DRAINING:
    case ERR_OVERLOADED:
        return ERR_DRAINING;
    case ERR_UNAVAILABLE:
        return ERR_UNAVAILABLE;
    default:
        return ERR_OK; /* roomsvc does not understand us: waiting would not help */
    }
}

uint64_t restore_endings(const struct restore *restore)
{
    return restore->endings;
}

bool restore_is_whole(const struct restore *restore)
{
    return restore->is_whole;
}

static void tell_change(struct restore *restore)
{
    restore->parts.on_change(restore->parts.arg);
}

static void begin(void *arg);
static void pump(struct restore *restore);

/* ---- rooms ---- */

static void on_made(struct call *call, enum err err, const struct msg *reply)
{
    struct job *job = CONTAINER_OF(call, struct job, call);
    struct restore *restore = job->restore;
    job->is_busy = false;
    restore->busy--;
    if (job->round != restore->round) {
        pump(restore); /* this round finds the room again */
        return;
    }
    if (err == ERR_OK) {
        if (!reply->bridge_create_reply.existed) {
            restore->made++;
            metric_inc(restore->restored);
        }
        restore->parts.on_room(restore->parts.arg, call->request.bridge_create.room_id);
    } else {
        restore->failed++;
    }
    pump(restore);
}

static struct job *idle_job(struct restore *restore)
{
    for (size_t i = 0; i < restore->parts.parallel_max; i++) {
        if (!restore->jobs[i].is_busy) {
            return &restore->jobs[i];
        }
    }
    return NULL;
}

static void make(struct restore *restore, struct job *job, const struct wanted *room)
{
    memcpy(job->secret, room->secret, ROOM_SECRET_BYTES);
    job->round = restore->round;
    job->is_busy = true;
    restore->busy++;
    restore->rooms++;
    job->call = (struct call){
        .request = {.id = MSG_bridge_create,
                    .bridge_create = {.room_id = room->room_id,
                                      .secret = {job->secret, ROOM_SECRET_BYTES},
                                      .description = STR_NONE,
                                      .publishers_max = room->publishers_max}},
        .context = {.request_id = STR_LIT("restore"),
                    .deadline_ms = clock_mono_ms(restore->parts.clock) + ROOM_TIMEOUT_MS},
        .peer_role = "janusbridge",
        .finish = on_made};
    restore->parts.create(restore->parts.service, &job->call);
}

/* ---- pages ---- */

static void ask(void *arg);

static void ask_later(struct restore *restore, uint64_t delay_ms, timer_fn *fn)
{
    clock_cancel(restore->parts.clock, restore->timer);
    restore->timer = clock_after(restore->parts.clock, delay_ms, fn, restore);
}

static void fail_page(struct restore *restore, enum err err)
{
    const enum err outlook = restore_outlook(restore);
    if (restore->list_err != err) {
        LOG_EVENT(err_is_retryable(err) ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
                  "the open rooms cannot be learnt from roomsvc", LOG_Z("error", err_code(err)));
    }
    restore->list_err = err;
    ask_later(restore, backoff_next(&restore->backoff), ask);
    if (restore_outlook(restore) != outlook) {
        tell_change(restore);
    }
}

/* Ids that do not ascend could go on for ever. */
static bool is_sound(const struct restore *restore, const struct msg_node_room_list *rooms)
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
    restore->count = rooms->count;
    restore->next = 0;
    for (size_t i = 0; i < rooms->count; i++) {
        const struct msg_node_room *room = &rooms->items[i];
        struct wanted *wanted = &restore->page[i];
        wanted->room_id = restore->last_id = room->room_id;
        wanted->publishers_max = room->publishers_max;
        memcpy(wanted->secret, room->secret.data, ROOM_SECRET_BYTES); /* the schema bounds it */
    }
    restore->is_last_page = restore->count < ROOMS_PAGE;
    backoff_begin(&restore->backoff);
    restore->list_err = ERR_OK;
    pump(restore);
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
    restore->is_asking = false;
    if (err == ERR_OK && restore->is_page_stale) {
        ask(restore);
    } else if (err == ERR_OK && !is_sound(restore, &reply->node_rooms_reply.rooms)) {
        fail_page(restore, ERR_PROTOCOL);
    } else if (err != ERR_OK) {
        fail_page(restore, err);
    } else {
        take_page(restore, &reply->node_rooms_reply.rooms);
    }
}

static void ask(void *arg)
{
    struct restore *restore = arg;
    const struct restore_parts *parts = &restore->parts;
    restore->timer = 0;
    restore->is_page_stale = false;
    const struct msg request = {
        .id = MSG_node_rooms,
        .node_rooms = {.node = str_of(parts->node), .after_room_id = restore->last_id}};
    const struct call_context context = {.request_id = STR_LIT("restore"),
                                         .deadline_ms =
                                             clock_mono_ms(parts->clock) + PAGE_TIMEOUT_MS};
    struct asking *asking = mem_alloc(sizeof(*asking));
    *asking = (struct asking){.restore = restore, .round = restore->round};
    const enum err err = bus_call(parts->bus, &request, &context, on_page, asking);
    restore->is_asking = err == ERR_OK;
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_page(restore, err);
    }
}

/* ---- rounds ---- */

static void end_round(struct restore *restore)
{
    const bool was_settled = restore->is_settled;
    restore->is_settled = true;
    restore->is_whole = restore->failed == 0;
    restore->is_running = !restore->is_whole;
    metric_set(restore->running, restore->is_running ? 1 : 0);
    log_info("the open rooms are in janus", LOG_U64("rooms", restore->rooms),
             LOG_U64("restored", restore->made), LOG_U64("failed", restore->failed),
             LOG_U64("ms", clock_mono_ms(restore->parts.clock) - restore->began_ms));
    if (restore->is_running) {
        ask_later(restore, backoff_next(&restore->pause), begin);
    }
    if (!was_settled) {
        restore->endings++;
        tell_change(restore);
    }
}

/* The answer of a room may come from inside make, so this calls itself. */
static void pump(struct restore *restore)
{
    if (restore->is_pumping || !restore->is_running) {
        return;
    }
    restore->is_pumping = true;
    const uint64_t round = restore->round;
    struct job *job;
    while (restore->round == round && restore->next < restore->count &&
           (job = idle_job(restore)) != NULL) {
        const struct wanted *room = &restore->page[restore->next++];
        if (room->room_id != 0) {
            make(restore, job, room);
        }
    }
    restore->is_pumping = false;
    if (restore->round != round || restore->next < restore->count) {
        return;
    }
    if (!restore->is_last_page) {
        if (!restore->is_asking && restore->timer == 0) {
            ask(restore);
        }
    } else if (restore->busy == 0) {
        end_round(restore);
    }
}

static void begin(void *arg)
{
    struct restore *restore = arg;
    restore->timer = 0;
    restore->round++;
    restore->began_ms = clock_mono_ms(restore->parts.clock);
    restore->rooms = restore->made = restore->failed = 0;
    restore->count = restore->next = 0;
    restore->last_id = 0;
    restore->is_last_page = false;
    ask(restore);
}

void restore_start(struct restore *restore)
{
    restore_stop(restore);
    restore->is_running = true;
    metric_set(restore->running, 1);
    begin(restore);
}

void restore_stop(struct restore *restore)
{
    clock_cancel(restore->parts.clock, restore->timer);
    restore->timer = 0;
    restore->round++;
    restore->is_running = false;
    restore->is_asking = false;
    restore->is_settled = false;
    restore->is_whole = false;
    restore->list_err = ERR_OK;
    backoff_begin(&restore->backoff);
    backoff_begin(&restore->pause);
    restore->endings++;
    metric_set(restore->running, 0);
}

void restore_skip(struct restore *restore, uint64_t room_id)
{
    for (size_t i = restore->next; i < restore->count; i++) {
        if (restore->page[i].room_id == room_id) {
            restore->page[i].room_id = 0;
        }
    }
    if (restore->is_asking && room_id > restore->last_id) {
        restore->is_page_stale = true;
    }
}
