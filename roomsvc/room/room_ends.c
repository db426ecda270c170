#include "roomsvc/room/room_ends.h"

enum ends_step {
    ENDS_RESTS,    /* until the timer */
    ENDS_LOOKS,    /* the registry says what becomes of the room that is due */
    ENDS_DESTROYS, /* nobody is in it: its bridge ends it in Janus */
    ENDS_NOTES,    /* the registry notes that, unless somebody has come in */
    ENDS_RESTORES, /* somebody has: its bridge makes it again */
};

/* What the log says when a step fails. */
static const char *const ends_failures[] = {
    [ENDS_RESTS] = "",
    [ENDS_LOOKS] = "the room that is due could not be looked at",
    [ENDS_DESTROYS] = "a room that nobody is in could not be ended in janus",
    [ENDS_NOTES] = "a room that has left janus could not be noted",
    [ENDS_RESTORES] = "a room that somebody is in again could not be made in janus",
};

struct room_ends {
    struct rooms *rooms;
    struct end_store store;
    struct room_news *news;
    enum ends_step step;
    uint64_t timer; /* of ENDS_RESTS */
    struct room room;
    struct call_context context;
    struct bridge_call asking;
    struct log_gate failures;
    struct metric *closed, *left, *failed;
};

static void ends_go_on(struct room_ends *ends, enum ends_step step);

static void ends_on_timer(void *arg)
{
    struct room_ends *ends = arg;
    ends->timer = 0;
    ends_go_on(ends, ENDS_LOOKS);
}

static void ends_rest(struct room_ends *ends, uint64_t ms)
{
    ends->step = ENDS_RESTS;
    ends->timer = clock_after(ends->rooms->clock, ms, ends_on_timer, ends);
}

/* The room is due again soon. */
static void ends_fail(struct room_ends *ends, enum err err)
{
    metric_inc(ends->failed);
    log_info_limited(&ends->failures, clock_mono_ms(ends->rooms->clock), ends_failures[ends->step],
                     LOG_U64("room", ends->room.id), LOG_Z("error", err_code(err)));
    ends_rest(ends, ROOM_ENDS_REST_MS);
}

static void ends_on_closed(struct room_ends *ends, const struct end_step *step)
{
    metric_inc(ends->closed);
    log_info("a room has ended", LOG_U64("room", step->room.id),
             LOG_U64("reason", (uint64_t)step->reason));
    room_news_tell_journal(ends->news, step->journal);
    room_cache_remove(ends->rooms->cache, step->room.id);
    ends_rest(ends, ROOM_ENDS_PAUSE_MS);
}

static void ends_on_looked(void *arg, enum err err, const struct end_step *step)
{
    struct room_ends *ends = arg;
    ends->room = (struct room){0};
    if (err != ERR_OK) {
        ends_fail(ends, err);
        return;
    }
    switch (step->outcome) {
    case END_NONE_IS_DUE:
        ends_rest(ends, ROOM_ENDS_REST_MS);
        break;
    case END_LATER:
        ends_rest(ends, ROOM_ENDS_PAUSE_MS);
        break;
    case END_CLOSED:
        ends_on_closed(ends, step);
        break;
    case END_LEAVES:
        ends->room = step->room;
        room_cache_remove(ends->rooms->cache, step->room.id);
        ends_go_on(ends, ENDS_DESTROYS);
        break;
    }
}

static void ends_on_destroyed(void *arg, enum err err, const struct msg *reply)
{
    struct room_ends *ends = arg;
    (void)reply;
    if (err != ERR_OK) {
        ends_fail(ends, err);
    } else {
        ends_go_on(ends, ENDS_NOTES);
    }
}

static void ends_on_noted(void *arg, enum err err, enum end_gone gone)
{
    struct room_ends *ends = arg;
    if (err != ERR_OK) {
        ends_fail(ends, err);
        return;
    }
    switch (gone) {
    case END_GONE_NOTED:
        metric_inc(ends->left);
        ends_rest(ends, ROOM_ENDS_PAUSE_MS);
        break;
    case END_GONE_ENTERED:
        ends_go_on(ends, ENDS_RESTORES);
        break;
    case END_GONE_CLOSED:
    case END_GONE_BEFORE:
        ends_rest(ends, ROOM_ENDS_PAUSE_MS);
        break;
    }
}

/* One that was closed meanwhile is ended in Janus again by room_life.h. */
static void ends_on_restored(void *arg, enum err err, const struct msg *reply)
{
    struct room_ends *ends = arg;
    (void)reply;
    if (err != ERR_OK) {
        ends_fail(ends, err);
    } else {
        metric_inc(ends->rooms->restored);
        ends_rest(ends, ROOM_ENDS_PAUSE_MS);
    }
}

static void ends_go_on(struct room_ends *ends, enum ends_step step)
{
    struct rooms *rooms = ends->rooms;
    const struct end_store *store = &ends->store;
    enum err err = ERR_OK;
    ends->step = step;
    ends->context =
        (struct call_context){.request_id = STR_LIT("room-ends"),
                              .deadline_ms = clock_mono_ms(rooms->clock) + ROOM_ENDS_CALL_MS};
    switch (step) {
    case ENDS_RESTS:
        break;
    case ENDS_LOOKS:
        err = store->ops->look(store->self, ends_on_looked, ends);
        break;
    case ENDS_DESTROYS: {
        const struct msg request = {.id = MSG_bridge_destroy,
                                    .bridge_destroy = {.room_id = ends->room.id,
                                                       .secret = str_of(ends->room.secret),
                                                       .node = str_of(ends->room.node)}};
        bridge_call_start(&ends->asking, &rooms->bridge, &ends->context, &request,
                          ends_on_destroyed, ends);
        break;
    }
    case ENDS_NOTES:
        err = store->ops->gone(store->self, ends->room.id, ends_on_noted, ends);
        break;
    case ENDS_RESTORES:
        rooms_make_in_janus(rooms, &ends->asking, &ends->context, &ends->room, ends_on_restored,
                            ends);
        break;
    }
    if (err != ERR_OK) {
        ends_fail(ends, err);
    }
}

struct room_ends *room_ends_new(struct rooms *rooms, struct end_store store, struct room_news *news,
                                struct metrics *metrics)
{
    struct room_ends *ends = mem_alloc(sizeof(*ends));
    ends->rooms = rooms;
    ends->store = store;
    ends->news = news;
    ends->closed = metrics_counter(metrics, "lynks_rooms_due_total",
                                   "Rooms of people that were due, by what became of them.",
                                   "outcome=\"ended\"");
    ends->left = metrics_counter(metrics, "lynks_rooms_due_total",
                                 "Rooms of people that were due, by what became of them.",
                                 "outcome=\"left_janus\"");
    ends->failed = metrics_counter(metrics, "lynks_rooms_due_failures_total",
                                   "Looks at rooms that are due that failed; tried again.", NULL);
    ends_rest(ends, ROOM_ENDS_REST_MS);
    return ends;
}

void room_ends_free(struct room_ends **ends)
{
    if (*ends != NULL) {
        clock_cancel((*ends)->rooms->clock, (*ends)->timer);
        mem_free(ends);
    }
}
