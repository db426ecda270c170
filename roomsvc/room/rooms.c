#include "roomsvc/room/rooms.h"

#include <sodium.h>

#include "proto/base/log.h"
#include "roomsvc/room/room_cache.h"

/* Ids are drawn from 2^53: a second draw is all but never needed. */
#define DRAWS_MAX 4
#define COUNT_INTERVAL_MS 10000
/* A bridge that was passed over learns of it with the next renewal of its lease, at the latest: it
 * is left alone for as long as one that says that it stands by. */
#define STALE_WAIT_MS 200
/* For how long a list waits for the registry, which may hang; Janus knows the room, too. */
#define REGISTRY_WAIT_MS 500

struct rooms {
    struct rooms_config config;
    const struct clock *clock;
    const struct bus *bus;
    struct room_store store;
    struct node_fence *fence;
    struct room_cache *cache;
    uint64_t open_rooms; /* as counted last, plus what this replica has made since */
    uint64_t count_timer;
    struct metric *restored;
    struct metric *open_rooms_gauge;
};

/* One call in hand. Lives until the call is answered. */
struct task {
    struct rooms *rooms;
    struct call *call;
    bool registry_away;      /* participants: only Janus can tell whether the room is there */
    struct room_draft draft; /* create */
    unsigned draws;
    void (*ask_again)(struct task *task); /* after a stale answer */
    uint64_t room_id;
    struct room room; /* being made in Janus */
    bool restored;    /* participants: Janus had lost the room, and it was made again */
};

static void fail(struct task *task, enum err err)
{
    call_fail(task->call, err);
    mem_free(&task);
}

static void fail_logged(struct task *task, const char *event, enum err err)
{
    log_warn(event, LOG_STR("request_id", task->call->context.request_id),
             LOG_Z("error", err_code(err)));
    fail(task, err);
}

/* Of a call to another service: what is not the client's doing is worth a line. */
static void fail_from(struct task *task, const char *event, enum err err)
{
    if (err == ERR_NO_SUCH_ROOM) {
        fail(task, err);
    } else {
        fail_logged(task, event, err);
    }
}

/* ---- the bridge ---- */

static void ask_again(void *arg)
{
    struct task *task = arg;
    task->ask_again(task);
}

/* What a bridge says that has lost its lease is not believed, but asked for again a little later,
 * for as long as there is time. */
static bool is_stale(struct task *task, uint64_t epoch, enum err *err,
                     void (*again)(struct task *task))
{
    const struct clock *clock = task->rooms->clock;
    if (node_fence_admit(task->rooms->fence, epoch)) {
        return false;
    }
    if (clock_mono_ms(clock) + STALE_WAIT_MS >= task->call->context.deadline_ms) {
        *err = ERR_UNAVAILABLE;
        return false;
    }
    task->ask_again = again;
    (void)clock_after(clock, STALE_WAIT_MS, ask_again, task);
    return true;
}

static enum err make_in_janus(struct task *task, bus_reply_fn *fn)
{
    const struct room *room = &task->room;
    const struct msg request = {
        .id = MSG_bridge_create,
        .bridge_create = {.room_id = room->id,
                          .secret = str_of(room->secret),
                          .description = STR_NONE,
                          .publishers_max = room->publishers_max},
    };
    return bus_call(task->rooms->bus, &request, &task->call->context, fn, task);
}

/* ---- create ---- */

static void make_created(struct task *task);

static void on_room_made(void *arg, enum err err, const struct msg *reply)
{
    struct task *task = arg;
    if (err == ERR_OK && is_stale(task, reply->bridge_create_reply.epoch, &err, make_created)) {
        return;
    }
    if (err != ERR_OK) {
        fail_logged(task, "room could not be made in janus", err);
        return;
    }
    const struct msg answer = {.id = MSG_room_create_reply,
                               .room_create_reply = {.room_id = task->room_id}};
    call_reply(task->call, &answer);
    mem_free(&task);
}

static void make_created(struct task *task)
{
    enum err err = make_in_janus(task, on_room_made);
    if (err != ERR_OK) {
        fail_logged(task, "room could not be made in janus", err);
    }
}

static void create_in_janus(struct task *task, const struct room *room)
{
    task->room_id = room->id;
    task->room = *room;
    make_created(task);
}

static void register_room(struct task *task);

static void on_registered(void *arg, enum err err, const struct room *room)
{
    struct task *task = arg;
    if (err == ERR_CONFLICT && task->draft.has_key && ++task->draws < DRAWS_MAX) {
        register_room(task);
        return;
    }
    if (err != ERR_OK) {
        fail_logged(task, "room could not be registered", err);
        return;
    }
    task->rooms->open_rooms++;
    room_cache_put(task->rooms->cache, room);
    create_in_janus(task, room);
}

static uint64_t draw_room_id(void)
{
    uint64_t id;
    do {
        randombytes_buf(&id, sizeof(id));
        id &= ROOM_ID_MAX;
    } while (id == 0);
    return id;
}

static void draw_secret(char secret[ROOM_SECRET_BYTES + 1])
{
    uint8_t random[ROOM_SECRET_BYTES / 2];
    randombytes_buf(random, sizeof(random));
    hex_encode(secret, random, sizeof(random));
    sodium_memzero(random, sizeof(random));
}

static void register_room(struct task *task)
{
    struct rooms *rooms = task->rooms;
    struct room_draft *draft = &task->draft;
    draft->room.id = draft->has_key ? draw_room_id() : rooms->config.standard_room;
    draft->room.publishers_max = rooms->config.publishers_max;
    draw_secret(draft->room.secret);
    enum err err = rooms->store.ops->add(rooms->store.self, draft, task->call->context.deadline_ms,
                                         on_registered, task);
    if (err != ERR_OK) {
        fail_logged(task, "room could not be registered", err);
    }
}

static struct task *task_new(struct rooms *rooms, struct call *call)
{
    struct task *task = mem_alloc(sizeof(*task));
    task->rooms = rooms;
    task->call = call;
    return task;
}

void rooms_create(struct rooms *rooms, struct call *call)
{
    struct task *task = task_new(rooms, call);
    const uint64_t standard = rooms->config.standard_room;
    const struct room *known = standard == 0 ? NULL : room_cache_find(rooms->cache, standard);
    if (known != NULL && !rooms->store.ops->is_up(rooms->store.self)) {
        /* What is made must be in the registry, and whether it still is nobody can say. */
        fail_logged(task, "room could not be registered", ERR_UNAVAILABLE);
        return;
    }
    if (known != NULL) {
        create_in_janus(task, known);
        return;
    }
    if (rooms->open_rooms >= rooms->config.rooms_max) {
        fail_logged(task, "no more rooms: LYNKS_ROOMS_MAX is reached", ERR_OVERLOADED);
        return;
    }
    task->draft.owner_id = call->context.principal.user_id;
    task->draft.has_key = standard == 0;
    memcpy(task->draft.key, call->request.room_create.idempotency_key.data,
           sizeof(task->draft.key));
    register_room(task);
}

/* ---- participants ---- */

static void ask_bridge(struct task *task);

static void make_restored(struct task *task);

static void on_restored(void *arg, enum err err, const struct msg *reply)
{
    struct task *task = arg;
    if (err == ERR_OK && is_stale(task, reply->bridge_create_reply.epoch, &err, make_restored)) {
        return;
    }
    if (err != ERR_OK) {
        fail_logged(task, "room could not be restored in janus", err);
        return;
    }
    log_info("room restored in janus", LOG_STR("request_id", task->call->context.request_id),
             LOG_U64("room", task->room_id));
    metric_inc(task->rooms->restored);
    ask_bridge(task);
}

static void make_restored(struct task *task)
{
    enum err err = make_in_janus(task, on_restored);
    if (err != ERR_OK) {
        fail_from(task, "room could not be restored in janus", err);
    }
}

static void on_found_for_restore(void *arg, enum err err, const struct room *room)
{
    struct task *task = arg;
    if (err == ERR_OK) {
        room_cache_put(task->rooms->cache, room);
        task->room = *room;
        make_restored(task);
        return;
    }
    if (err == ERR_NO_SUCH_ROOM) {
        room_cache_remove(task->rooms->cache, task->room_id);
    }
    fail_from(task, "room could not be restored in janus", err);
}

/* The registry is asked again, not the cache: a room closed a moment ago must not come back. */
static void restore(struct task *task)
{
    task->restored = true;
    const struct room_store *store = &task->rooms->store;
    enum err err = store->ops->find(store->self, task->room_id, task->call->context.deadline_ms,
                                    on_found_for_restore, task);
    if (err != ERR_OK) {
        fail_logged(task, "room could not be restored in janus", err);
    }
}

static void on_participants(void *arg, enum err err, const struct msg *reply)
{
    struct task *task = arg;
    if (err == ERR_NO_SUCH_ROOM && task->registry_away) {
        err = ERR_UNAVAILABLE; /* open and not restored yet, or never made: we cannot know */
    }
    if (err == ERR_NO_SUCH_ROOM && !task->restored) {
        restore(task);
        return;
    }
    if (err == ERR_OK && is_stale(task, reply->bridge_participants_reply.epoch, &err, ask_bridge)) {
        return;
    }
    if (err != ERR_OK) {
        fail_from(task, "participants could not be listed", err);
        return;
    }
    const struct msg answer = {
        .id = MSG_room_participants_reply,
        .room_participants_reply = {.publishers = reply->bridge_participants_reply.publishers}};
    call_reply(task->call, &answer);
    mem_free(&task);
}

static void ask_bridge(struct task *task)
{
    const struct msg request = {.id = MSG_bridge_participants,
                                .bridge_participants = {.room_id = task->room_id}};
    enum err err =
        bus_call(task->rooms->bus, &request, &task->call->context, on_participants, task);
    if (err != ERR_OK) {
        fail_logged(task, "participants could not be listed", err);
    }
}

/* The registry is away, and what it said about this room is not remembered here (another replica
 * was asked before, or we have just started): Janus has no rooms but those that are open. */
static void list_without_registry(struct task *task)
{
    task->registry_away = true;
    ask_bridge(task);
}

/* What the registry says too late is remembered, but waited for no longer. */
struct look_up {
    struct rooms *rooms;
    struct task *task; /* NULL: went on without it */
    uint64_t timer;
};

static void on_found(void *arg, enum err err, const struct room *room)
{
    struct look_up *look_up = arg;
    struct rooms *rooms = look_up->rooms;
    struct task *task = look_up->task;
    clock_cancel(rooms->clock, look_up->timer);
    mem_free(&look_up);
    if (err == ERR_OK) {
        room_cache_put(rooms->cache, room);
    }
    if (task == NULL) {
        return;
    }
    if (err == ERR_UNAVAILABLE || err == ERR_DEADLINE) {
        list_without_registry(task);
        return;
    }
    if (err != ERR_OK) {
        fail_from(task, "room could not be looked up", err);
        return;
    }
    ask_bridge(task);
}

/* If Janus does not know the room either, the registry is asked once more, and waited for. */
static void on_silence(void *arg)
{
    struct look_up *look_up = arg;
    struct task *task = look_up->task;
    look_up->timer = 0;
    look_up->task = NULL;
    ask_bridge(task);
}

static void look_up(struct task *task)
{
    struct rooms *rooms = task->rooms;
    struct look_up *look_up = mem_alloc(sizeof(*look_up));
    *look_up = (struct look_up){.rooms = rooms, .task = task};
    look_up->timer = clock_after(rooms->clock, REGISTRY_WAIT_MS, on_silence, look_up);
    enum err err =
        rooms->store.ops->find(rooms->store.self, task->room_id,
                               clock_mono_ms(rooms->clock) + REGISTRY_WAIT_MS, on_found, look_up);
    if (err == ERR_OK) {
        return;
    }
    clock_cancel(rooms->clock, look_up->timer);
    mem_free(&look_up);
    if (err == ERR_UNAVAILABLE) {
        list_without_registry(task);
    } else {
        fail_logged(task, "room could not be looked up", err);
    }
}

void rooms_list_participants(struct rooms *rooms, struct call *call)
{
    struct task *task = task_new(rooms, call);
    task->room_id = call->request.room_participants.room_id;
    if (room_cache_find(rooms->cache, task->room_id) != NULL) {
        ask_bridge(task);
    } else {
        look_up(task);
    }
}

/* ---- life ---- */

static void count_rooms(void *arg);

static void on_counted(void *arg, enum err err, uint64_t count)
{
    struct rooms *rooms = arg;
    if (err == ERR_OK) {
        rooms->open_rooms = count;
        metric_set(rooms->open_rooms_gauge, (int64_t)count);
    }
}

static void count_rooms(void *arg)
{
    struct rooms *rooms = arg;
    rooms->count_timer = clock_after(rooms->clock, COUNT_INTERVAL_MS, count_rooms, rooms);
    /* Not counted this time is counted the next. */
    (void)rooms->store.ops->count(rooms->store.self, on_counted, rooms);
}

struct rooms *rooms_new(const struct rooms_parts *parts, const struct rooms_config *config)
{
    struct rooms *rooms = mem_alloc(sizeof(*rooms));
    rooms->config = *config;
    rooms->clock = parts->clock;
    rooms->bus = parts->bus;
    rooms->store = parts->store;
    rooms->fence = parts->fence;
    const struct room_cache_config cache = {.clock = parts->clock,
                                            .store = parts->store,
                                            .rooms_max = config->cache_max,
                                            .age_ms = config->cache_ms};
    rooms->cache = room_cache_new(&cache);
    rooms->restored = metrics_counter(parts->metrics, "lynks_rooms_restored_total",
                                      "Rooms made again because Janus had lost them.", NULL);
    rooms->open_rooms_gauge =
        metrics_gauge(parts->metrics, "lynks_rooms_open", "Open rooms in the registry.", NULL);
    count_rooms(rooms);
    return rooms;
}

void rooms_free(struct rooms **rooms)
{
    if (*rooms != NULL) {
        clock_cancel((*rooms)->clock, (*rooms)->count_timer);
        room_cache_free(&(*rooms)->cache);
        mem_free(rooms);
    }
}
