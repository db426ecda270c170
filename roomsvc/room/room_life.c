#include "roomsvc/room/room_life.h"

#include <sodium.h>

#include "proto/base/log.h"

enum life_step {
    LIFE_RESTS,    /* until the timer */
    LIFE_TAKES,    /* the registry says which room is next */
    LIFE_LOOKS_IN, /* its bridge says whether anybody is in it */
    LIFE_NOTES,    /* somebody is: the registry notes that it is used */
    LIFE_CLOSES,   /* nobody is: the registry closes it, unless somebody has asked for it */
    LIFE_DESTROYS, /* its bridge ends it in Janus */
    LIFE_REMOVES,  /* the registry forgets it, if it was closed long enough ago */
};

/* What the log says when a step fails. */
static const char *const life_failures[] = {
    [LIFE_RESTS] = "",
    [LIFE_TAKES] = "the next room to look at could not be read",
    [LIFE_LOOKS_IN] = "who is in a room could not be asked",
    [LIFE_NOTES] = "the use of a room could not be noted",
    [LIFE_CLOSES] = "a room that nobody uses could not be closed",
    [LIFE_DESTROYS] = "a closed room could not be ended in janus",
    [LIFE_REMOVES] = "a closed room could not be removed",
};

struct room_life {
    struct rooms *rooms;
    struct life_store store;
    struct life_turn turn;
    uint64_t idle_ms;
    uint64_t keep_ms;
    uint64_t rest_ms;
    enum life_step step;
    uint64_t timer; /* of LIFE_RESTS */
    struct life_room next;
    bool is_answered; /* its bridge has answered */
    struct call_context context;
    struct bridge_call asking;
    struct log_gate failures, endings;
    struct metric *ended, *removed, *failed;
};

static void life_go_on(struct room_life *life, enum life_step step);

static void life_on_timer(void *arg)
{
    struct room_life *life = arg;
    life->timer = 0;
    life_go_on(life, LIFE_TAKES);
}

static void life_rest(struct room_life *life, uint64_t ms)
{
    life->step = LIFE_RESTS;
    life->timer = clock_after(life->rooms->clock, ms, life_on_timer, life);
}

static void life_note_failure(struct room_life *life, enum err err)
{
    metric_inc(life->failed);
    log_info_limited(&life->failures, clock_mono_ms(life->rooms->clock), life_failures[life->step],
                     LOG_U64("room", life->next.room.id), LOG_Z("error", err_code(err)));
}

static void life_on_taken(void *arg, enum err err, const struct life_room *room)
{
    struct room_life *life = arg;
    if (err == ERR_CONFLICT) {
        life_rest(life, LIFE_PAUSE_MS);
    } else if (err == ERR_NO_SUCH_ROOM) {
        life_rest(life, life->rest_ms);
    } else if (err != ERR_OK) {
        life->next = (struct life_room){0};
        life_note_failure(life, err);
        life_rest(life, life->rest_ms);
    } else {
        life->next = *room;
        life->is_answered = false;
        if (room->is_closed != 0) {
            life_go_on(life, LIFE_DESTROYS);
        } else if (room->is_known != 0) {
            life_go_on(life, LIFE_LOOKS_IN);
        } else {
            life_rest(life, LIFE_PAUSE_MS);
        }
    }
}

static void life_on_looked(void *arg, enum err err, const struct msg *reply)
{
    struct room_life *life = arg;
    life->is_answered = err == ERR_OK;
    if (err != ERR_OK) {
        life_note_failure(life, err);
    }
    life_go_on(life,
               err == ERR_OK && reply->bridge_occupied_reply.occupied ? LIFE_NOTES : LIFE_CLOSES);
}

static void life_on_noted(void *arg, enum err err)
{
    struct room_life *life = arg;
    if (err != ERR_OK) {
        life_note_failure(life, err);
    }
    life_rest(life, LIFE_PAUSE_MS);
}

static void life_on_closed(void *arg, enum err err)
{
    struct room_life *life = arg;
    struct rooms *rooms = life->rooms;
    if (err != ERR_OK) {
        if (err != ERR_NO_SUCH_ROOM) {
            life_note_failure(life, err);
        }
        life_rest(life, LIFE_PAUSE_MS);
        return;
    }
    metric_inc(life->ended);
    log_info_limited(&life->endings, clock_mono_ms(rooms->clock),
                     "a room that nobody uses has ended", LOG_U64("room", life->next.room.id));
    rooms->open_rooms -= rooms->open_rooms > 0 ? 1 : 0;
    room_cache_remove(rooms->cache, life->next.room.id);
    life_go_on(life, LIFE_DESTROYS);
}

/* One that Janus still has is ended later; the row stays until then. */
static void life_on_destroyed(void *arg, enum err err, const struct msg *reply)
{
    struct room_life *life = arg;
    (void)reply;
    life->is_answered = err == ERR_OK;
    if (err != ERR_OK) {
        life_note_failure(life, err);
    }
    life_go_on(life, LIFE_REMOVES);
}

static void life_on_removed(void *arg, enum err err)
{
    struct room_life *life = arg;
    if (err == ERR_OK) {
        metric_inc(life->removed);
    } else if (err != ERR_NO_SUCH_ROOM) {
        life_note_failure(life, err);
    }
    life_rest(life, LIFE_PAUSE_MS);
}

static void life_ask_bridge(struct room_life *life, const struct msg *request, bus_reply_fn *fn)
{
    life->context =
        (struct call_context){.request_id = STR_LIT("room-life"),
                              .deadline_ms = clock_mono_ms(life->rooms->clock) + LIFE_CALL_MS};
    bridge_call_start(&life->asking, &life->rooms->bridge, &life->context, request, fn, life);
}

/* So that rooms which came together do not all come again together. */
static uint64_t spread(uint64_t ms)
{
    const uint32_t part = (uint32_t)(ms / 4);
    return part > 0 ? ms - randombytes_uniform(part) : ms;
}

static void life_go_on(struct room_life *life, enum life_step step)
{
    const struct life_store *store = &life->store;
    const struct room *room = &life->next.room;
    enum err err = ERR_OK;
    life->step = step;
    switch (step) {
    case LIFE_RESTS:
        break;
    case LIFE_TAKES: {
        struct life_turn turn = life->turn;
        turn.open_again_ms = spread(turn.open_again_ms);
        err = store->ops->take(store->self, &turn, life_on_taken, life);
        break;
    }
    case LIFE_LOOKS_IN: {
        const struct msg request = {
            .id = MSG_bridge_occupied,
            .bridge_occupied = {.room_id = room->id, .node = str_of(room->node)}};
        life_ask_bridge(life, &request, life_on_looked);
        break;
    }
    case LIFE_NOTES:
        err = store->ops->use(store->self, &room->id, 1, life_on_noted, life);
        break;
    case LIFE_CLOSES:
        err = store->ops->close(store->self, room->id,
                                life->is_answered ? life->idle_ms : LIFE_AWAY * life->idle_ms,
                                life->turn.closed_again_ms, life_on_closed, life);
        break;
    case LIFE_DESTROYS: {
        const struct msg request = {.id = MSG_bridge_destroy,
                                    .bridge_destroy = {.room_id = room->id,
                                                       .secret = str_of(room->secret),
                                                       .node = str_of(room->node)}};
        life_ask_bridge(life, &request, life_on_destroyed);
        break;
    }
    case LIFE_REMOVES:
        err = store->ops->remove(store->self, room->id,
                                 life->is_answered ? life->keep_ms : LIFE_AWAY * life->idle_ms,
                                 life_on_removed, life);
        break;
    }
    if (err != ERR_OK) {
        life_note_failure(life, err);
        life_rest(life, life->rest_ms);
    }
}

static uint64_t bounded(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

struct room_life *room_life_new(struct rooms *rooms, struct life_store store,
                                struct metrics *metrics)
{
    const bool is_of_closed = rooms->config.idle_ms == 0;
    const uint64_t idle_ms = is_of_closed ? LIFE_IDLE_MS : rooms->config.idle_ms;
    const uint64_t look_ms = idle_ms / ROOMS_LOOKS;
    struct room_life *life = mem_alloc(sizeof(*life));
    life->rooms = rooms;
    life->store = store;
    life->idle_ms = idle_ms;
    life->keep_ms = bounded(idle_ms, 0, LIFE_KEEP_MS);
    life->rest_ms = bounded(look_ms / 4, LIFE_REST_MIN_MS, LIFE_REST_MAX_MS);
    life->turn = (struct life_turn){.standard_room = rooms->config.standard_room,
                                    .is_of_closed = is_of_closed,
                                    .open_again_ms = look_ms,
                                    .closed_again_ms = life->keep_ms};
    life->ended = metrics_counter(metrics, "lynks_rooms_ended_total",
                                  "Rooms closed because nobody used them.", NULL);
    life->removed = metrics_counter(metrics, "lynks_rooms_removed_total",
                                    "Rows of closed rooms that were removed.", NULL);
    life->failed = metrics_counter(metrics, "lynks_rooms_life_failures_total",
                                   "Steps of ending rooms that failed; tried again.", NULL);
    life_rest(life, life->rest_ms);
    return life;
}

void room_life_free(struct room_life **life)
{
    if (*life != NULL) {
        clock_cancel((*life)->rooms->clock, (*life)->timer);
        mem_free(life);
    }
}
