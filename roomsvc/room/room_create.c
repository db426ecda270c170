#include "roomsvc/room/room_create.h"

#include "proto/base/log.h"

/* Ids are drawn from 2^53: a second draw is all but never needed. */
#define DRAWS_MAX 4

enum create_step {
    CREATE_REGISTERS, /* the registry adds the draft */
    CREATE_MAKES,     /* a bridge makes the room in Janus */
};

/* What the log says when a step fails. */
static const char *const create_failures[] = {
    [CREATE_REGISTERS] = "room could not be registered",
    [CREATE_MAKES] = "room could not be made in janus",
};

/* Lives until its call is answered. */
struct creation {
    struct rooms *rooms;
    struct call *call;
    enum create_step step;
    struct room_draft draft;
    unsigned draws;
    struct room room; /* as the registry has it */
    bool was_added;   /* by this call */
    struct bridge_call asking;
};

static void create_refuse(struct call *call, const char *event, enum err err)
{
    log_warn(event, LOG_STR("request_id", call->context.request_id), LOG_Z("error", err_code(err)));
    call_fail(call, err);
}

static void create_fail(struct creation *creation, enum err err)
{
    create_refuse(creation->call, create_failures[creation->step], err);
    mem_free(&creation);
}

static void create_on_made(void *arg, enum err err, const struct msg *reply)
{
    struct creation *creation = arg;
    (void)reply;
    if (err != ERR_OK) {
        create_fail(creation, err);
        return;
    }
    const struct msg answer = {
        .id = MSG_room_create_reply,
        .room_create_reply = {.room_id = creation->room.id, .added = creation->was_added}};
    call_reply(creation->call, &answer);
    mem_free(&creation);
}

static void create_make(struct creation *creation, const struct room *room)
{
    creation->step = CREATE_MAKES;
    creation->room = *room;
    rooms_make_in_janus(creation->rooms, &creation->asking, &creation->call->context,
                        &creation->room, create_on_made, creation);
}

static void create_register(struct creation *creation);

/* It may not be added. Whoever has a token can ask as often as he likes: the log says once a second
 * that there are too many rooms, and who asks too often his gateway counts. */
static void create_refuse_new(struct creation *creation)
{
    struct rooms *rooms = creation->rooms;
    if (creation->call->request.room_create.only_known) {
        call_fail(creation->call, ERR_RATE_LIMITED);
        mem_free(&creation);
        return;
    }
    metric_inc(rooms->refused);
    log_warn_limited(&rooms->refusals, clock_mono_ms(rooms->clock),
                     "no more rooms: LYNKS_ROOMS_MAX is reached",
                     LOG_STR("request_id", creation->call->context.request_id),
                     LOG_U64("open", rooms->open_rooms));
    call_fail(creation->call, ERR_OVERLOADED);
    mem_free(&creation);
}

static void create_on_registered(void *arg, enum err err, const struct room *room, bool is_new)
{
    struct creation *creation = arg;
    if (err == ERR_NO_SUCH_ROOM) {
        create_refuse_new(creation);
        return;
    }
    if (err == ERR_CONFLICT && creation->draft.has_key && ++creation->draws < DRAWS_MAX) {
        create_register(creation);
        return;
    }
    if (err != ERR_OK) {
        create_fail(creation, err);
        return;
    }
    creation->rooms->open_rooms += is_new ? 1 : 0;
    creation->was_added = is_new && creation->draft.has_key;
    room_cache_put(creation->rooms->cache, room);
    create_make(creation, room);
}

static void create_register(struct creation *creation)
{
    struct rooms *rooms = creation->rooms;
    struct room_draft *draft = &creation->draft;
    creation->step = CREATE_REGISTERS;
    room_draw(&draft->room);
    if (!draft->has_key) {
        draft->room.id = rooms->config.standard_room;
    }
    draft->room.publishers_max = rooms->config.publishers_max;
    (void)str_copy(draft->room.node, sizeof(draft->room.node), str_of(rooms->config.node));
    enum err err =
        rooms->store.ops->add(rooms->store.self, draft, creation->call->context.deadline_ms,
                              create_on_registered, creation);
    if (err != ERR_OK) {
        create_fail(creation, err);
    }
}

void room_create(struct rooms *rooms, struct call *call)
{
    const uint64_t standard = rooms->config.standard_room;
    const struct room *known = standard == 0 ? NULL : room_cache_find(rooms->cache, standard);
    if (known != NULL && !rooms->store.ops->is_up(rooms->store.self)) {
        /* What is made must be in the registry, and whether it still is nobody can say. */
        create_refuse(call, create_failures[CREATE_REGISTERS], ERR_UNAVAILABLE);
        return;
    }
    struct creation *creation = mem_alloc(sizeof(*creation));
    creation->rooms = rooms;
    creation->call = call;
    if (known != NULL) {
        create_make(creation, known);
        return;
    }
    creation->draft.owner_id = call->context.principal.user_id;
    creation->draft.has_key = standard == 0;
    creation->draft.look_in_ms = rooms->look_ms;
    /* The operator wants the standard room: limits are for what clients make. */
    creation->draft.may_add = standard != 0 || (rooms->open_rooms < rooms->config.rooms_max &&
                                                !call->request.room_create.only_known);
    memcpy(creation->draft.key, call->request.room_create.idempotency_key.data,
           sizeof(creation->draft.key));
    create_register(creation);
}
