#include "roomsvc/room/room_enter.h"

#include "proto/base/list.h"

struct room_enters {
    struct rooms *rooms;
    struct list_link entered; /* of struct entered */
    size_t count;
    struct log_gate failures;
};

/* A room that is to be in Janus. */
struct entered {
    struct list_link link;
    struct room_enters *enters;
    struct room room;
    unsigned tries;
    uint64_t wait_timer;          /* of who has come in */
    uint64_t again_timer;         /* 0: a try is under way */
    void (*done)(void *done_arg); /* NULL: he does not wait any more */
    void *done_arg;
    struct call_context context;
    struct bridge_call asking;
};

static void entered_wait_no_more(void *arg)
{
    struct entered *entered = arg;
    void (*done)(void *done_arg) = entered->done;
    clock_cancel(entered->enters->rooms->clock, entered->wait_timer);
    entered->wait_timer = 0;
    entered->done = NULL;
    if (done != NULL) {
        done(entered->done_arg);
    }
}

static void entered_free(struct entered *entered)
{
    const struct clock *clock = entered->enters->rooms->clock;
    clock_cancel(clock, entered->wait_timer);
    clock_cancel(clock, entered->again_timer);
    list_remove(&entered->link);
    entered->enters->count--;
    mem_free(&entered);
}

static void entered_end(struct entered *entered)
{
    entered_wait_no_more(entered);
    entered_free(entered);
}

static void entered_try(void *arg);

/* A room that is closed, or that everybody has left meanwhile, need not be there. */
static void entered_fail(struct entered *entered, enum err err)
{
    struct room_enters *enters = entered->enters;
    const struct clock *clock = enters->rooms->clock;
    if (err != ERR_NO_SUCH_ROOM) {
        log_info_limited(&enters->failures, clock_mono_ms(clock),
                         "a room that somebody is in could not be made in janus",
                         LOG_U64("room", entered->room.id), LOG_Z("error", err_code(err)));
    }
    if (err == ERR_NO_SUCH_ROOM || entered->tries == ROOM_ENTER_TRIES) {
        entered_end(entered);
    } else {
        entered->again_timer = clock_after(clock, ROOM_ENTER_AGAIN_MS, entered_try, entered);
    }
}

static void entered_on_made(void *arg, enum err err, const struct msg *reply)
{
    struct entered *entered = arg;
    (void)reply;
    if (err != ERR_OK) {
        entered_fail(entered, err);
    } else {
        entered_end(entered);
    }
}

static void entered_on_found(void *arg, enum err err, const struct room *room)
{
    struct entered *entered = arg;
    struct rooms *rooms = entered->enters->rooms;
    if (err == ERR_OK && room->in_janus != 1) {
        err = ERR_NO_SUCH_ROOM; /* everybody has left, for long enough */
    }
    if (err != ERR_OK) {
        entered_fail(entered, err);
        return;
    }
    entered->room = *room;
    room_cache_put(rooms->cache, room);
    rooms_make_in_janus(rooms, &entered->asking, &entered->context, &entered->room, entered_on_made,
                        entered);
}

static void entered_try(void *arg)
{
    struct entered *entered = arg;
    const struct rooms *rooms = entered->enters->rooms;
    const uint64_t deadline_ms = clock_mono_ms(rooms->clock) + ROOM_ENTER_CALL_MS;
    entered->again_timer = 0;
    entered->tries++;
    entered->context =
        (struct call_context){.request_id = STR_LIT("room-enter"), .deadline_ms = deadline_ms};
    const enum err err = rooms->store.ops->find(rooms->store.self, entered->room.id, deadline_ms,
                                                entered_on_found, entered);
    if (err != ERR_OK) {
        entered_fail(entered, err);
    }
}

/* For how long he waits: what is left of his call after that is for its answer. */
static uint64_t entered_wait_ms(const struct clock *clock, const struct call_context *context)
{
    const uint64_t now_ms = clock_mono_ms(clock);
    const uint64_t left_ms = context->deadline_ms > now_ms ? context->deadline_ms - now_ms : 0;
    return left_ms / 2 < ROOM_ENTER_WAIT_MS ? left_ms / 2 : ROOM_ENTER_WAIT_MS;
}

void room_enter(void *arg, uint64_t room_id, const struct call_context *context,
                void (*done)(void *done_arg), void *done_arg)
{
    struct room_enters *enters = arg;
    if (enters->count == ROOM_ENTER_MAX) {
        done(done_arg);
        return;
    }
    struct entered *entered = mem_alloc(sizeof(*entered));
    entered->enters = enters;
    entered->room.id = room_id;
    entered->done = done;
    entered->done_arg = done_arg;
    entered->wait_timer =
        clock_after(enters->rooms->clock, entered_wait_ms(enters->rooms->clock, context),
                    entered_wait_no_more, entered);
    list_add(&enters->entered, &entered->link);
    enters->count++;
    entered_try(entered);
}

struct room_enters *room_enters_new(struct rooms *rooms)
{
    struct room_enters *enters = mem_alloc(sizeof(*enters));
    enters->rooms = rooms;
    list_init(&enters->entered);
    return enters;
}

void room_enters_free(struct room_enters **enters)
{
    if (*enters != NULL) {
        for (struct entered *entered;
             (entered = LIST_FIRST(struct entered, &(*enters)->entered, link)) != NULL;) {
            entered_free(entered);
        }
        mem_free(enters);
    }
}
