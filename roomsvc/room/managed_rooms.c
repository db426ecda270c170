#include "roomsvc/room/managed_rooms.h"

#include "roomsvc/store/room_asker.h"

#define SWEEP_MS 60000     /* from one sweep to the next */
#define SWEEP_MORE_MS 1000 /* while there is more to do */

struct managed_rooms {
    const struct clock *clock;
    struct managed_store store;
    uint64_t sweep_timer; /* 0: a sweep is under way */
    struct room_cache *cache;
    struct room_news *news;
    void (*enter)(void *arg, uint64_t room_id, const struct call_context *context,
                  void (*done)(void *done_arg), void *done_arg);
    void *enter_arg;
    struct log_gate failures;
    struct metric *done, *refused, *failed;
};

/* Lives until its call is answered. */
struct managed_call {
    struct managed_rooms *rooms;
    struct call *call;
    struct room_asker asker;
};

/* ---- what is answered ---- */

static struct msg_room room_record(const struct managed_room *room, const struct room_asker *asker)
{
    struct msg_room record = managed_room_record(room);
    record.has_role = room->role != 0;
    record.role = (enum room_role)room->role;
    record.node = asker->is_admin ? str_of(room->node) : STR_NONE;
    return record;
}

static struct msg_member member_record(const struct room_member *member)
{
    return (struct msg_member){.user_id = member->user_id,
                               .display_name = str_of(member->display_name),
                               .role = (enum room_role)member->role,
                               .added_unix_ms = member->added_unix_ms};
}

static void fail_managed_call(struct managed_rooms *rooms, struct call *call, enum err err)
{
    if (err_is_callers(err)) {
        metric_inc(rooms->refused);
    } else {
        metric_inc(rooms->failed);
        log_warn_limited(
            &rooms->failures, clock_mono_ms(rooms->clock), "a command on a room has failed",
            LOG_Z("command", msg_name(call->request.id)), LOG_Z("error", err_code(err)),
            LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static struct msg reply_to(const struct managed_call *managed,
                           const struct managed_outcome *outcome)
{
    const enum msg_id request = managed->call->request.id;
    const struct msg_room room = room_record(&outcome->room, &managed->asker);
    struct msg reply = {.id = msg_type_find(request)->reply};
    switch (request) {
    case MSG_room_add:
        reply.room_add_reply.room = room;
        break;
    case MSG_room_get:
        reply.room_get_reply.room = room;
        break;
    case MSG_room_change:
        reply.room_change_reply.room = room;
        break;
    case MSG_room_hand_over:
        reply.room_hand_over_reply.room = room;
        break;
    case MSG_member_set:
        reply.member_set_reply.member = member_record(&outcome->member);
        break;
    default:
        break;
    }
    return reply;
}

/* Of what is in the audit, a line, as authsvc writes them. */
static void log_audit(const struct managed_call *managed, const struct managed_outcome *outcome)
{
    log_info("audit", LOG_Z("act", msg_name(managed->call->request.id)),
             LOG_U64("room", outcome->room.id), LOG_U64("user", outcome->member.user_id),
             LOG_U64("by", managed->asker.user_id),
             LOG_STR("request_id", managed->call->context.request_id));
}

/* Whoever has changed the room does not wait for Janus. */
static void on_changed_room_entered(void *arg)
{
    (void)arg;
}

static void on_managed_run(void *arg, enum err err, const struct managed_outcome *outcome)
{
    struct managed_call managed = *(struct managed_call *)arg;
    struct call *call = managed.call;
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_managed_call(managed.rooms, call, err);
        return;
    }
    metric_inc(managed.rooms->done);
    room_news_tell_journal(managed.rooms->news, outcome->journal);
    if (outcome->is_audited) {
        log_audit(&managed, outcome);
    }
    if (outcome->is_entered && managed.rooms->enter != NULL) {
        managed.rooms->enter(managed.rooms->enter_arg, outcome->room.id, &call->context,
                             on_changed_room_entered, NULL);
    }
    if (call->request.id == MSG_room_close) {
        room_cache_remove(managed.rooms->cache, outcome->room.id);
    }
    if (call->request.id != MSG_room_get) {
        log_info("room changed", LOG_Z("command", msg_name(call->request.id)),
                 LOG_U64("room", outcome->room.id), LOG_U64("by", managed.asker.user_id),
                 LOG_STR("request_id", call->context.request_id));
    }
    const struct msg reply = reply_to(&managed, outcome);
    call_reply(call, &reply);
}

static struct managed_call *managed_call_new(struct managed_rooms *rooms, struct call *call,
                                             const struct room_asker *asker)
{
    struct managed_call *managed = mem_alloc(sizeof(*managed));
    *managed = (struct managed_call){.rooms = rooms, .call = call, .asker = *asker};
    return managed;
}

static void managed_call_refuse(struct managed_call *managed, enum err err)
{
    struct managed_rooms *rooms = managed->rooms;
    struct call *call = managed->call;
    mem_free(&managed);
    fail_managed_call(rooms, call, err);
}

void managed_rooms_run(struct managed_rooms *rooms, struct call *call)
{
    struct room_asker asker;
    if (!room_asker_read(&call->context.principal, call->context.request_id, NULL, &asker)) {
        fail_managed_call(rooms, call, ERR_FORBIDDEN);
        return;
    }
    struct managed_call *managed = managed_call_new(rooms, call, &asker);
    const enum err err = rooms->store.ops->run(rooms->store.self, &call->request, &managed->asker,
                                               call->context.deadline_ms, on_managed_run, managed);
    if (err != ERR_OK) {
        managed_call_refuse(managed, err);
    }
}

/* ---- pages ---- */

static void on_managed_page(void *arg, enum err err, const struct managed_page *page)
{
    struct managed_call managed = *(struct managed_call *)arg;
    struct msg_room items[MANAGED_ROOMS_PAGE];
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_managed_call(managed.rooms, managed.call, err);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        items[i] = room_record(&page->items[i], &managed.asker);
    }
    const struct msg reply = {.id = MSG_room_page_reply,
                              .room_page_reply = {.rooms = {.items = items, .count = page->count}}};
    call_reply(managed.call, &reply);
}

void managed_rooms_page(struct managed_rooms *rooms, struct call *call)
{
    const struct msg_room_page *request = &call->request.room_page;
    struct room_asker asker;
    const bool is_known =
        room_asker_read(&call->context.principal, call->context.request_id, NULL, &asker);
    const bool is_his_own = request->user_id != 0 && request->user_id == asker.user_id;
    if (!is_known || !(asker.is_admin || is_his_own)) {
        fail_managed_call(rooms, call, ERR_FORBIDDEN);
        return;
    }
    struct managed_call *managed = managed_call_new(rooms, call, &asker);
    const enum err err =
        rooms->store.ops->find_page(rooms->store.self, request, &managed->asker,
                                    call->context.deadline_ms, on_managed_page, managed);
    if (err != ERR_OK) {
        managed_call_refuse(managed, err);
    }
}

static void on_managed_members(void *arg, enum err err, const struct member_page *page)
{
    struct managed_call managed = *(struct managed_call *)arg;
    struct msg_member items[MEMBERS_PAGE];
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_managed_call(managed.rooms, managed.call, err);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        items[i] = member_record(&page->items[i]);
    }
    const struct msg reply = {
        .id = MSG_member_page_reply,
        .member_page_reply = {.members = {.items = items, .count = page->count}}};
    call_reply(managed.call, &reply);
}

void managed_rooms_members(struct managed_rooms *rooms, struct call *call)
{
    struct room_asker asker;
    if (!room_asker_read(&call->context.principal, call->context.request_id, NULL, &asker)) {
        fail_managed_call(rooms, call, ERR_FORBIDDEN);
        return;
    }
    struct managed_call *managed = managed_call_new(rooms, call, &asker);
    const enum err err = rooms->store.ops->find_members(
        rooms->store.self, &call->request.member_page, &managed->asker, call->context.deadline_ms,
        on_managed_members, managed);
    if (err != ERR_OK) {
        managed_call_refuse(managed, err);
    }
}

/* ---- sweeping ---- */

static void sweep_rooms(void *arg);

/* What is not swept this time is swept the next. */
static void on_rooms_swept(void *arg, enum err err, bool more)
{
    struct managed_rooms *rooms = arg;
    rooms->sweep_timer = clock_after(rooms->clock, err == ERR_OK && more ? SWEEP_MORE_MS : SWEEP_MS,
                                     sweep_rooms, rooms);
}

static void sweep_rooms(void *arg)
{
    struct managed_rooms *rooms = arg;
    rooms->sweep_timer = 0;
    if (rooms->store.ops->sweep(rooms->store.self, on_rooms_swept, rooms) != ERR_OK) {
        on_rooms_swept(rooms, ERR_UNAVAILABLE, false);
    }
}

/* ---- life ---- */

#define COMMANDS "lynks_room_commands_total"
#define COMMANDS_HELP "Commands on rooms of people, and questions about them, by how they ended."

struct managed_rooms *managed_rooms_new(const struct managed_rooms_parts *parts)
{
    struct managed_rooms *rooms = mem_alloc(sizeof(*rooms));
    rooms->clock = parts->clock;
    rooms->store = parts->store;
    rooms->cache = parts->cache;
    rooms->news = parts->news;
    rooms->enter = parts->enter;
    rooms->enter_arg = parts->enter_arg;
    rooms->done = metrics_counter(parts->metrics, COMMANDS, COMMANDS_HELP, "result=\"done\"");
    rooms->refused = metrics_counter(parts->metrics, COMMANDS, COMMANDS_HELP, "result=\"refused\"");
    rooms->failed = metrics_counter(parts->metrics, COMMANDS, COMMANDS_HELP, "result=\"failed\"");
    rooms->sweep_timer = clock_after(rooms->clock, SWEEP_MS, sweep_rooms, rooms);
    return rooms;
}

void managed_rooms_free(struct managed_rooms **rooms)
{
    if (*rooms != NULL) {
        clock_cancel((*rooms)->clock, (*rooms)->sweep_timer);
        mem_free(rooms);
    }
}
