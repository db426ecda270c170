#include "roomsvc/room/room_list.h"

#include "proto/base/log.h"

/* For how long the list of the standard room waits for the registry, which may hang; Janus knows
 * the room, too. */
#define REGISTRY_WAIT_MS 500

enum list_step {
    LIST_LOOKS_UP,    /* the registry is asked whether the room is open. Only it knows whether the
                         room has a code, and so to whom the list may be told: without its answer
                         there is no list, but of the standard room, which never has one */
    LIST_JUDGES,      /* it is one with a code: the registry is asked whether the caller may ask */
    LIST_ASKS,        /* a bridge is asked who publishes, unless its events told it here */
    LIST_ASKS_ALONE,  /* likewise of the standard room, while the registry is away: Janus has no
                         rooms but open ones. Which node has it nobody can say then: the one that
                         new rooms go to is asked */
    LIST_READS_AGAIN, /* Janus has lost the room: the registry is asked, not the cache, because a
                         room that was closed a moment ago must not come back */
    LIST_RESTORES,    /* a bridge makes the room in Janus again */
    LIST_ASKS_AGAIN,  /* LIST_ASKS once more; a room that is lost again is not restored again */
    LIST_ENDED,       /* the call is answered; the look-up may still be on its way */
};

/* What the log says when a step fails. */
static const char *const list_failures[] = {
    [LIST_LOOKS_UP] = "room could not be looked up",
    [LIST_JUDGES] = "who asks for a room could not be looked up",
    [LIST_ASKS] = "participants could not be listed",
    [LIST_ASKS_ALONE] = "participants could not be listed",
    [LIST_READS_AGAIN] = "room could not be restored in janus",
    [LIST_RESTORES] = "room could not be restored in janus",
    [LIST_ASKS_AGAIN] = "participants could not be listed",
};

struct listing {
    struct rooms *rooms;
    struct call *call; /* until LIST_ENDED */
    unsigned refs;     /* one until LIST_ENDED, one of the look-up */
    enum list_step step;
    uint64_t room_id;
    uint64_t timer;   /* of LIST_LOOKS_UP; 0: the registry is waited for, however long it takes */
    struct room room; /* as it was found last; only its node counts before that. A bridge that is
                         asked is told of this, so that it stays as it is meanwhile */
    struct bridge_call asking;
};

static void listing_unref(struct listing *listing)
{
    if (--listing->refs == 0) {
        mem_free(&listing);
    }
}

static void list_end(struct listing *listing)
{
    listing->step = LIST_ENDED;
    listing_unref(listing);
}

/* That there is no such room is the client's doing, and not worth a line. */
static void list_fail(struct listing *listing, enum err err)
{
    struct call *call = listing->call;
    if (err != ERR_NO_SUCH_ROOM) {
        log_warn(list_failures[listing->step], LOG_STR("request_id", call->context.request_id),
                 LOG_Z("error", err_code(err)));
    }
    call_fail(call, err);
    list_end(listing);
}

static void list_go_on(struct listing *listing, enum list_step step);

static void list_answer(struct listing *listing, struct u64_list publishers)
{
    const struct msg answer = {
        .id = MSG_room_participants_reply,
        .room_participants_reply = {.publishers = publishers,
                                    .for_asker = listing->room.has_code != 0}};
    call_reply(listing->call, &answer);
    list_end(listing);
}

/* ---- a room with a code ---- */

/* Nobody publishes in one that Janus need not have. */
static void list_on_judged(void *arg, enum err err)
{
    struct listing *listing = arg;
    if (err != ERR_OK) {
        list_fail(listing, err);
    } else if (listing->room.in_janus != 1) {
        list_answer(listing, (struct u64_list){0});
    } else {
        list_go_on(listing, LIST_ASKS);
    }
}

/* Whoever asks ahead does not know yet for whom. */
static void list_judge(struct listing *listing)
{
    const struct call *call = listing->call;
    const struct principal *principal = &call->context.principal;
    const struct room_store *store = &listing->rooms->store;
    const bool is_user = principal->kind == PRINCIPAL_USER && principal->user_id != 0;
    if (!is_user || call->request.room_participants.ahead) {
        list_on_judged(listing, ERR_NO_SUCH_ROOM);
        return;
    }
    if (principal->role == ROLE_ADMIN) {
        list_on_judged(listing, ERR_OK);
        return;
    }
    const enum err err = store->ops->may_list(store->self, listing->room_id, principal->user_id,
                                              call->context.deadline_ms, list_on_judged, listing);
    if (err != ERR_OK) {
        list_on_judged(listing, err);
    }
}

static enum list_step first_step_of(const struct room *room)
{
    return room->has_code != 0 ? LIST_JUDGES : LIST_ASKS;
}

/* One that is not in Janus may be there at any moment, and is not remembered. */
static void list_remember(struct listing *listing, const struct room *room)
{
    if (room->has_code == 0 || room->in_janus == 1) {
        room_cache_put(listing->rooms->cache, room);
    } else {
        room_cache_remove(listing->rooms->cache, room->id);
    }
}

/* ---- the registry ---- */

/* Everybody who has signed in may be told, whatever the registry says. */
static bool list_is_for_all(const struct listing *listing)
{
    return listing->room_id == listing->rooms->config.standard_room;
}

/* What the registry says too late is remembered, but not waited for. */
static void list_on_found(void *arg, enum err err, const struct room *room)
{
    struct listing *listing = arg;
    if (err == ERR_OK) {
        list_remember(listing, room);
    }
    if (listing->step == LIST_LOOKS_UP) {
        clock_cancel(listing->rooms->clock, listing->timer);
        const bool is_away = err == ERR_UNAVAILABLE || err == ERR_DEADLINE;
        if (err == ERR_OK) {
            listing->room = *room;
            list_go_on(listing, first_step_of(room));
        } else if (is_away && list_is_for_all(listing)) {
            list_go_on(listing, LIST_ASKS_ALONE);
        } else if (is_away) {
            list_fail(listing, ERR_UNAVAILABLE);
        } else {
            list_fail(listing, err);
        }
    }
    listing_unref(listing);
}

/* If Janus does not know the room either, the registry is asked once more, and waited for. */
static void list_on_silence(void *arg)
{
    list_go_on(arg, LIST_ASKS);
}

static void list_look_up(struct listing *listing)
{
    struct rooms *rooms = listing->rooms;
    uint64_t until_ms = listing->call->context.deadline_ms;
    if (list_is_for_all(listing)) {
        until_ms = clock_mono_ms(rooms->clock) + REGISTRY_WAIT_MS;
        listing->timer = clock_after(rooms->clock, REGISTRY_WAIT_MS, list_on_silence, listing);
    }
    listing->refs++;
    enum err err = rooms->store.ops->find(rooms->store.self, listing->room_id, until_ms,
                                          list_on_found, listing);
    if (err != ERR_OK) {
        list_on_found(listing, err, NULL);
    }
}

/* ---- its bridge ---- */

static void list_on_participants(void *arg, enum err err, const struct msg *reply)
{
    struct listing *listing = arg;
    if (err == ERR_NO_SUCH_ROOM && listing->step == LIST_ASKS) {
        list_go_on(listing, LIST_READS_AGAIN);
    } else if (err == ERR_NO_SUCH_ROOM && listing->step == LIST_ASKS_ALONE) {
        list_fail(listing, ERR_UNAVAILABLE); /* open and not restored yet, or never made */
    } else if (err != ERR_OK) {
        list_fail(listing, err);
    } else {
        follow_take(listing->rooms->follow, str_of(listing->room.node), listing->room_id,
                    &reply->bridge_participants_reply);
        list_answer(listing, reply->bridge_participants_reply.publishers);
    }
}

static void list_on_read_again(void *arg, enum err err, const struct room *room)
{
    struct listing *listing = arg;
    if (err == ERR_OK) {
        const bool was_judged = listing->room.has_code == room->has_code;
        list_remember(listing, room);
        listing->room = *room;
        list_go_on(listing, !was_judged || (room->has_code != 0 && room->in_janus != 1)
                                ? LIST_JUDGES
                                : LIST_RESTORES);
        return;
    }
    if (err == ERR_NO_SUCH_ROOM) {
        room_cache_remove(listing->rooms->cache, listing->room_id);
    }
    list_fail(listing, err);
}

static void list_on_restored(void *arg, enum err err, const struct msg *reply)
{
    struct listing *listing = arg;
    (void)reply;
    if (err != ERR_OK) {
        list_fail(listing, err);
        return;
    }
    log_info("room restored in janus", LOG_STR("request_id", listing->call->context.request_id),
             LOG_U64("room", listing->room_id));
    metric_inc(listing->rooms->restored);
    list_go_on(listing, LIST_ASKS_AGAIN);
}

/* Takes the step. The listing may have ended when this returns. */
static void list_go_on(struct listing *listing, enum list_step step)
{
    struct rooms *rooms = listing->rooms;
    const struct call_context *context = &listing->call->context;
    listing->step = step;
    switch (step) {
    case LIST_LOOKS_UP:
        list_look_up(listing);
        break;
    case LIST_JUDGES:
        list_judge(listing);
        break;
    case LIST_ASKS:
    case LIST_ASKS_ALONE:
    case LIST_ASKS_AGAIN: {
        const struct str node = str_of(listing->room.node);
        struct u64_list publishers;
        if (rooms->use != NULL && !listing->call->request.room_participants.ahead) {
            room_use_note(rooms->use, listing->room_id);
        }
        if (follow_answer(rooms->follow, node, listing->room_id, &publishers)) {
            list_answer(listing, publishers);
            break;
        }
        const struct msg request = {
            .id = MSG_bridge_participants,
            .bridge_participants = {.room_id = listing->room_id, .node = node}};
        bridge_call_start(&listing->asking, &rooms->bridge, context, &request, list_on_participants,
                          listing);
        break;
    }
    case LIST_READS_AGAIN: {
        enum err err = rooms->store.ops->find(rooms->store.self, listing->room_id,
                                              context->deadline_ms, list_on_read_again, listing);
        if (err != ERR_OK) {
            list_fail(listing, err);
        }
        break;
    }
    case LIST_RESTORES:
        rooms_make_in_janus(rooms, &listing->asking, context, &listing->room, list_on_restored,
                            listing);
        break;
    case LIST_ENDED:
        break;
    }
}

void room_list(struct rooms *rooms, struct call *call)
{
    struct listing *listing = mem_alloc(sizeof(*listing));
    listing->rooms = rooms;
    listing->call = call;
    listing->refs = 1;
    listing->room_id = call->request.room_participants.room_id;
    const struct room *known = room_cache_find(rooms->cache, listing->room_id);
    if (known != NULL) {
        listing->room = *known;
    } else {
        (void)str_copy(listing->room.node, sizeof(listing->room.node), str_of(rooms->config.node));
    }
    list_go_on(listing, known != NULL ? first_step_of(known) : LIST_LOOKS_UP);
}
