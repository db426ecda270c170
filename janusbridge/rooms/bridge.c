/* Serves bridge_create, bridge_exists, bridge_destroy, bridge_participants and bridge_info
 * (messages.def). */
#include "janusbridge/rooms/bridge.h"

#include "janusbridge/rooms/audit.h"
#include "janusbridge/rooms/events.h"
#include "janusbridge/rooms/restore.h"
#include "janusbridge/rooms/room_calls.h"
#include "janusbridge/rooms/room_waits.h"
#include "proto/base/log.h"

struct bridge {
    struct janus_session *session;
    const struct clock *clock;
    struct bridge_config config;
    struct room_calls *rooms;
    struct room_waits *waits; /* calls for rooms that are being restored */
    struct restore *restore;  /* NULL: rooms are not restored */
    struct observers *observers;
    struct audit *audit;
    struct events *events;
    struct metric *from_memory, *from_janus;
    struct log_gate failures;
};

/* ---- failures ---- */

static void log_failure(struct bridge *bridge, const struct call *call, enum err err,
                        const struct janus_message *message)
{
    if (err == ERR_NO_SUCH_ROOM) {
        return;
    }
    /* That Janus is away the session has logged as a warning. */
    LOG_EVENT_LIMITED(err == ERR_UNAVAILABLE || err == ERR_DRAINING ? LOG_LEVEL_INFO
                                                                    : LOG_LEVEL_WARN,
                      &bridge->failures, clock_mono_ms(bridge->clock), "call failed",
                      LOG_STR("request_id", call->context.request_id),
                      LOG_Z("message", msg_name(call->request.id)), LOG_Z("error", err_code(err)),
                      LOG_U64("janus_code", message != NULL ? message->code : 0));
}

/* Of a reply: who sees a higher one elsewhere does not believe it. */
static uint64_t epoch(const struct bridge *bridge)
{
    return bridge->config.lease != NULL ? lease_epoch(bridge->config.lease) : 0;
}

static void fail(struct bridge *bridge, struct call *call, enum err err,
                 const struct janus_message *message)
{
    log_failure(bridge, call, err, message);
    call_fail(call, err);
}

/* ---- rooms that are being restored ---- */

static void handle(struct bridge *bridge, struct call *call);

/* Janus does not have the room, but may have it soon, or by now: true, and the call goes on later.
 * False: *err is the answer. */
static bool waits_for_room(struct bridge *bridge, struct call *call, uint64_t room_id,
                           enum err *err)
{
    if (bridge->restore == NULL) {
        return false;
    }
    const enum err outlook = restore_outlook(bridge->restore);
    if (outlook == ERR_DRAINING) {
        *err = room_waits_add(bridge->waits, call, room_id);
        return *err == ERR_OK;
    }
    if (outlook != ERR_OK) {
        *err = outlook;
        return false;
    }
    if (room_calls_stamp(bridge->rooms) != restore_endings(bridge->restore)) {
        handle(bridge, call);
        return true;
    }
    return false;
}

static void on_waited(void *arg, struct call *call, enum err err)
{
    if (err == ERR_OK) {
        handle(arg, call);
    } else {
        fail(arg, call, err, NULL);
    }
}

static void on_room_restored(void *arg, uint64_t room_id)
{
    struct bridge *bridge = arg;
    room_waits_wake(bridge->waits, room_id);
}

static void on_outlook_changed(void *arg)
{
    struct bridge *bridge = arg;
    room_waits_wake_all(bridge->waits);
}

static void on_janus_ready(void *arg, bool is_new)
{
    struct bridge *bridge = arg;
    if (is_new || !restore_is_whole(bridge->restore)) {
        restore_start(bridge->restore);
    }
}

/* Whoever waits asks again, and is refused as the session says. What was restored stays so: a
 * session that is resumed has lost nothing. */
static void on_janus_lost(void *arg)
{
    struct bridge *bridge = arg;
    if (!restore_is_whole(bridge->restore)) {
        restore_stop(bridge->restore);
    }
    room_waits_wake_all(bridge->waits);
}

/* ---- asking janus ---- */

/* body: ownership is taken. */
static void ask(struct bridge *bridge, struct call *call, struct room_request request)
{
    if (bridge->restore != NULL) {
        request.stamp = restore_endings(bridge->restore);
    }
    const enum err err = room_calls_add(bridge->rooms, call, request);
    if (err != ERR_OK) {
        fail(bridge, call, err, NULL);
    }
}

/* ---- bridge_create ---- */

/* The caller has no part in this: the key is of our configuration. */
static void refuse_key(struct bridge *bridge, struct call *call,
                       const struct janus_message *message)
{
    log_error_limited(&bridge->failures, clock_mono_ms(bridge->clock),
                      "janus refuses to make a room: is LYNKS_JANUS_ADMIN_KEY right?",
                      LOG_STR("request_id", call->context.request_id),
                      LOG_U64("janus_code", message->code));
    call_fail(call, ERR_INTERNAL);
}

static void reply_create(void *service, struct call *call, enum err err,
                         const struct janus_message *message)
{
    struct bridge *bridge = service;
    struct msg reply = {.id = MSG_bridge_create_reply,
                        .bridge_create_reply = {.epoch = epoch(bridge)}};
    if (err == ERR_OK) {
        err = janus_message_is_done(message, "created", call->request.bridge_create.room_id);
    } else if (message != NULL && message->fault == JANUS_FAULT_ROOM_EXISTS) {
        reply.bridge_create_reply.existed = true;
        err = ERR_OK;
    } else if (message != NULL && (message->fault == JANUS_FAULT_KEY_WRONG ||
                                   message->fault == JANUS_FAULT_KEY_MISSING)) {
        refuse_key(bridge, call, message);
        return;
    }
    if (err == ERR_OK) {
        call_reply(call, &reply);
    } else {
        fail(bridge, call, err, message);
    }
}

static void on_create(void *service, struct call *call)
{
    struct bridge *bridge = service;
    const struct msg_bridge_create *room = &call->request.bridge_create;
    ask(bridge, call,
        (struct room_request){.room_id = room->room_id,
                              .order = ROOM_IN_LINE,
                              .body = janus_json_create(room, bridge->config.admin_key),
                              .fn = reply_create});
}

/* ---- bridge_destroy ---- */

static void reply_destroy(void *service, struct call *call, enum err err,
                          const struct janus_message *message)
{
    struct bridge *bridge = service;
    observers_forget(bridge->observers, call->request.bridge_destroy.room_id);
    struct msg reply = {.id = MSG_bridge_destroy_reply,
                        .bridge_destroy_reply = {.existed = err == ERR_OK, .epoch = epoch(bridge)}};
    if (err == ERR_OK) {
        err = janus_message_is_done(message, "destroyed", call->request.bridge_destroy.room_id);
    } else if (err == ERR_NO_SUCH_ROOM) {
        err = ERR_OK;
    }
    if (err == ERR_OK) {
        call_reply(call, &reply);
    } else {
        fail(service, call, err, message);
    }
}

static void on_destroy(void *service, struct call *call)
{
    struct bridge *bridge = service;
    const struct msg_bridge_destroy *room = &call->request.bridge_destroy;
    if (bridge->restore != NULL) {
        restore_skip(bridge->restore, room->room_id);
    }
    ask(bridge, call,
        (struct room_request){.room_id = room->room_id,
                              .order = ROOM_IN_LINE,
                              .body = janus_json_destroy(room->room_id, room->secret),
                              .fn = reply_destroy});
}

/* ---- bridge_exists ---- */

static void reply_exists(void *service, struct call *call, enum err err,
                         const struct janus_message *message)
{
    struct msg reply = {.id = MSG_bridge_exists_reply,
                        .bridge_exists_reply = {.epoch = epoch(service)}};
    const uint64_t room_id = call->request.bridge_exists.room_id;
    bool *exists = &reply.bridge_exists_reply.exists;
    if (err == ERR_OK) {
        err = janus_message_exists(message, room_id, exists);
    }
    if (err == ERR_OK && !*exists && waits_for_room(service, call, room_id, &err)) {
        return;
    }
    if (err == ERR_OK) {
        call_reply(call, &reply);
    } else {
        fail(service, call, err, message);
    }
}

static void on_exists(void *service, struct call *call)
{
    const uint64_t room_id = call->request.bridge_exists.room_id;
    ask(service, call,
        (struct room_request){.room_id = room_id,
                              .order = ROOM_ALONE,
                              .body = janus_json_exists(room_id),
                              .fn = reply_exists});
}

/* ---- bridge_participants ---- */

static void reply_participants(void *service, struct call *call, enum err err,
                               const struct janus_message *message)
{
    uint64_t ids[PUBLISHERS_MAX];
    size_t count = 0;
    const uint64_t room_id = call->request.bridge_participants.room_id;
    if (err == ERR_OK) {
        err = janus_message_publishers(message, room_id, ids, &count);
    }
    if (err == ERR_NO_SUCH_ROOM && waits_for_room(service, call, room_id, &err)) {
        return;
    }
    if (err != ERR_OK) {
        fail(service, call, err, message);
        return;
    }
    const struct msg reply = {
        .id = MSG_bridge_participants_reply,
        .bridge_participants_reply = {.publishers = {ids, count}, .epoch = epoch(service)}};
    call_reply(call, &reply);
}

static void on_participants(void *service, struct call *call)
{
    struct bridge *bridge = service;
    const uint64_t room_id = call->request.bridge_participants.room_id;
    struct msg reply = {.id = MSG_bridge_participants_reply,
                        .bridge_participants_reply = {.epoch = epoch(bridge)}};
    if (observers_answer(bridge->observers, room_id, &reply.bridge_participants_reply.publishers)) {
        metric_inc(bridge->from_memory);
        reply.bridge_participants_reply.event = events_last(bridge->events);
        reply.bridge_participants_reply.has_event = reply.bridge_participants_reply.event != 0;
        call_reply(call, &reply);
        return;
    }
    metric_inc(bridge->from_janus);
    ask(bridge, call,
        (struct room_request){.room_id = room_id,
                              .order = ROOM_SHARED,
                              .body = janus_json_participants(room_id),
                              .fn = reply_participants});
}

/* ---- bridge_info ---- */

static void on_info(void *service, struct call *call)
{
    const struct bridge *bridge = service;
    const struct msg reply = {
        .id = MSG_bridge_info_reply,
        .bridge_info_reply = {.node = str_of(bridge->config.node),
                              .janus = {.version = str_of(janus_session_version(bridge->session)),
                                        .ready = janus_session_is_ready(bridge->session),
                                        .sessions_made = janus_session_made(bridge->session)},
                              .epoch = epoch(bridge)}};
    call_reply(call, &reply);
}

/* ---- dispatch ---- */

static void handle(struct bridge *bridge, struct call *call)
{
    static const struct call_handler handlers[] = {
        {MSG_bridge_create, on_create},   {MSG_bridge_exists, on_exists},
        {MSG_bridge_destroy, on_destroy}, {MSG_bridge_participants, on_participants},
        {MSG_bridge_info, on_info},
    };
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        if (handlers[i].request == call->request.id) {
            handlers[i].fn(bridge, call);
            return;
        }
    }
}

/* A lease that is over suspends the session first, which then refuses the call. */
static void on_call(void *service, struct call *call)
{
    struct bridge *bridge = service;
    if (bridge->config.lease != NULL) {
        (void)lease_check(bridge->config.lease);
    }
    handle(bridge, call);
}

const struct call_handler bridge_handlers[] = {
    {MSG_bridge_create, on_call},       {MSG_bridge_exists, on_call}, {MSG_bridge_destroy, on_call},
    {MSG_bridge_participants, on_call}, {MSG_bridge_info, on_call},   {MSG_NONE, NULL},
};

/* ---- life ---- */

static void set_up_restore(struct bridge *bridge, struct metrics *metrics)
{
    /* The other half is for those who ask. */
    const size_t parallel_max = (bridge->config.calls_max + 1) / 2;
    const struct restore_parts parts = {
        .bus = bridge->config.bus,
        .clock = bridge->clock,
        .metrics = metrics,
        .node = bridge->config.node,
        .parallel_max = parallel_max < RESTORE_PARALLEL ? parallel_max : RESTORE_PARALLEL,
        .create = on_create,
        .service = bridge,
        .on_room = on_room_restored,
        .on_change = on_outlook_changed,
        .arg = bridge};
    bridge->restore = restore_new(&parts);
    const struct janus_listener listener = {
        .on_ready = on_janus_ready, .on_lost = on_janus_lost, .arg = bridge};
    janus_session_listen(bridge->session, &listener);
}

static uint64_t age_ms(void *arg)
{
    const struct bridge *bridge = arg;
    return observers_age_ms(bridge->observers);
}

static uint64_t event_epoch(void *arg)
{
    return epoch(arg);
}

static void on_change(void *arg, enum observed what, uint64_t room_id, uint64_t publisher)
{
    struct bridge *bridge = arg;
    events_tell(bridge->events, what, room_id, publisher);
}

static void watch_rooms(struct bridge *bridge, struct metrics *metrics)
{
    static const char help[] = "Lists of publishers that were asked for";
    const struct events_parts events = {.publisher = bridge->config.publisher,
                                        .clock = bridge->clock,
                                        .node = bridge->config.node,
                                        .age_ms = age_ms,
                                        .epoch = event_epoch,
                                        .arg = bridge};
    bridge->events = events_new(&events);
    const struct observers_parts observers = {.session = bridge->session,
                                              .clock = bridge->clock,
                                              .metrics = metrics,
                                              .on_change = on_change,
                                              .arg = bridge};
    bridge->observers = observers_new(&observers, &bridge->config.observers);
    const struct room_watcher watcher = observers_watcher(bridge->observers);
    room_calls_watch(bridge->rooms, &watcher);
    const struct audit_parts audit = {.observers = bridge->observers,
                                      .session = bridge->session,
                                      .clock = bridge->clock,
                                      .metrics = metrics,
                                      .interval_ms = bridge->config.audit_interval_ms};
    bridge->audit = audit_new(&audit);
    bridge->from_memory =
        metrics_counter(metrics, "lynks_janusbridge_lists_total", help, "from=\"memory\"");
    bridge->from_janus =
        metrics_counter(metrics, "lynks_janusbridge_lists_total", help, "from=\"janus\"");
}

struct bridge *bridge_new(struct janus_session *session, const struct clock *clock,
                          struct metrics *metrics, const struct bridge_config *config)
{
    struct bridge *bridge = mem_alloc(sizeof(*bridge));
    *bridge = (struct bridge){.session = session, .clock = clock, .config = *config};
    bridge->rooms = room_calls_new(session, clock, metrics, config->calls_max, bridge);
    bridge->waits = room_waits_new(clock, config->calls_max, on_waited, bridge);
    watch_rooms(bridge, metrics);
    if (config->bus != NULL) {
        set_up_restore(bridge, metrics);
    }
    return bridge;
}

void bridge_free(struct bridge **bridge_ref)
{
    if (*bridge_ref != NULL) {
        audit_free(&(*bridge_ref)->audit);
        observers_free(&(*bridge_ref)->observers);
        events_free(&(*bridge_ref)->events);
        restore_free(&(*bridge_ref)->restore);
        room_waits_free(&(*bridge_ref)->waits);
        room_calls_free(&(*bridge_ref)->rooms);
        mem_free(bridge_ref);
    }
}
