/* Serves bridge_create, bridge_exists, bridge_destroy, bridge_participants, bridge_occupied,
 * bridge_follow and bridge_info (messages.def). */
#include "janusbridge/rooms/bridge.h"

#include "janusbridge/rooms/audit.h"
#include "janusbridge/rooms/events.h"
#include "janusbridge/rooms/feed.h"
#include "janusbridge/rooms/own_rooms.h"
#include "janusbridge/rooms/restore.h"
#include "janusbridge/rooms/room_calls.h"
#include "janusbridge/rooms/trial.h"
#include "proto/base/log.h"

struct bridge {
    struct janus_session *session;
    struct janus_handles *handles;
    const struct clock *clock;
    struct bridge_config config;
    struct room_calls *rooms;
    struct restore *restore; /* NULL: rooms are not restored */
    struct feed *feed;
    struct events *events;
    struct observers *observers;
    struct audit *audit;
    struct own_rooms *own;
    struct trial *trial; /* NULL: nothing is tried */
    struct metric *from_memory, *from_janus;
    struct metric *made_from_memory, *made_from_janus;
    struct log_gate failures;
};

/* ---- what all calls have in common ---- */

/* A lease that is over suspends the session, which then refuses what comes. */
static struct bridge *bridge_of(void *service)
{
    struct bridge *bridge = service;
    if (bridge->config.lease != NULL) {
        (void)lease_check(bridge->config.lease);
    }
    return bridge;
}

/* The same, of a call about this node, as it says (messages.def). NULL: the room is of another one,
 * and the call is answered. */
static struct bridge *bridge_at_home(void *service, struct call *call, struct str node)
{
    struct bridge *bridge = bridge_of(service);
    if (node.bytes > 0 && !str_eq(node, str_of(bridge->config.node))) {
        call_fail(call, ERR_NOT_MINE);
        return NULL;
    }
    return bridge;
}

/* Of a reply: who sees a higher one elsewhere does not believe it. */
static uint64_t epoch_of(const struct bridge *bridge)
{
    return lease_epoch(bridge->config.lease);
}

static void bridge_fail(struct bridge *bridge, struct call *call, enum err err,
                        const struct janus_message *message)
{
    if (err != ERR_NO_SUCH_ROOM) {
        /* That Janus is away the session has logged as a warning. */
        LOG_EVENT_LIMITED(
            err == ERR_UNAVAILABLE || err_is_refusal(err) ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
            &bridge->failures, clock_mono_ms(bridge->clock), "call failed",
            LOG_STR("request_id", call->context.request_id),
            LOG_Z("message", msg_name(call->request.id)), LOG_Z("error", err_code(err)),
            LOG_U64("janus_code", message != NULL ? message->code : 0));
    }
    if (err == ERR_DEADLINE || err == ERR_PROTOCOL || err == ERR_INTERNAL) {
        trial_doubt(bridge->trial);
    }
    call_fail(call, err);
}

static void fail_waiting(void *service, struct call *call, enum err err)
{
    bridge_fail(service, call, err, NULL);
}

/* Within a reply function: Janus does not have the room. True: the call goes on with again. False:
 * it is answered with *err. */
static bool is_taken_over(struct bridge *bridge, struct call *call, uint64_t room_id,
                          call_handler_fn *again, enum err *err)
{
    return bridge->restore != NULL &&
           restore_take_over(bridge->restore, call, room_id, room_calls_stamp(bridge->rooms), again,
                             err);
}

/* body: ownership is taken. */
static void ask_janus(struct bridge *bridge, struct call *call, struct room_request request)
{
    if (bridge->restore != NULL) {
        request.stamp = restore_endings(bridge->restore);
    }
    const enum err err = room_calls_add(bridge->rooms, call, request);
    if (err != ERR_OK) {
        bridge_fail(bridge, call, err, NULL);
    }
}

/* ---- bridge_create ---- */

static void on_bridge_create(void *service, struct call *call);

/* The caller has no part in this: event says what the operator has to mend. */
static void blame_configuration(struct bridge *bridge, struct call *call, const char *event,
                                const struct janus_message *message)
{
    log_error_limited(&bridge->failures, clock_mono_ms(bridge->clock), event,
                      LOG_STR("request_id", call->context.request_id),
                      LOG_U64("room", call->request.bridge_create.room_id),
                      LOG_U64("janus_code", message->code));
    trial_doubt(bridge->trial);
    call_fail(call, ERR_INTERNAL);
}

static void reply_with_room(struct bridge *bridge, struct call *call, bool existed)
{
    const struct msg_bridge_create *room = &call->request.bridge_create;
    const struct msg reply = {
        .id = MSG_bridge_create_reply,
        .bridge_create_reply = {.existed = existed, .epoch = epoch_of(bridge)}};
    own_rooms_add(bridge->own, room->room_id, room->secret, room->pin);
    call_reply(call, &reply);
}

/* A room that went between the two requests is made after all. */
static void reply_claim(void *service, struct call *call, enum err err,
                        const struct janus_message *message)
{
    struct bridge *bridge = service;
    if (err == ERR_OK) {
        err = janus_message_is_done(message, "edited", call->request.bridge_create.room_id);
    }
    if (err == ERR_OK) {
        reply_with_room(bridge, call, true);
    } else if (err == ERR_NO_SUCH_ROOM) {
        on_bridge_create(bridge, call);
    } else if (message != NULL && message->fault == JANUS_FAULT_KEY_WRONG) {
        blame_configuration(bridge, call,
                            "janus has a room with the number of one of ours, but another secret: "
                            "is it in janus.plugin.videoroom.jcfg?",
                            message);
    } else {
        bridge_fail(bridge, call, err, message);
    }
}

/* A room with the same number: is it ours? Asked once, for its secret stays as long as Janus runs.
 * One that is asked for again and again, as the standard room is, gets an observer. */
static void claim_room(struct bridge *bridge, struct call *call)
{
    const struct msg_bridge_create *room = &call->request.bridge_create;
    if (own_rooms_has(bridge->own, room->room_id, room->secret, room->pin)) {
        observers_visit(bridge->observers, room->room_id);
        reply_with_room(bridge, call, true);
        return;
    }
    ask_janus(
        bridge, call,
        (struct room_request){.room_id = room->room_id,
                              .order = ROOM_IN_LINE,
                              .body = janus_json_claim(room->room_id, room->secret, room->pin),
                              .fn = reply_claim});
}

static void reply_create(void *service, struct call *call, enum err err,
                         const struct janus_message *message)
{
    struct bridge *bridge = service;
    const enum janus_fault fault = message != NULL ? message->fault : JANUS_FAULT_NONE;
    if (err == ERR_OK) {
        err = janus_message_is_done(message, "created", call->request.bridge_create.room_id);
    }
    if (err == ERR_OK) {
        reply_with_room(bridge, call, false);
    } else if (fault == JANUS_FAULT_ROOM_EXISTS) {
        claim_room(bridge, call);
    } else if (fault == JANUS_FAULT_KEY_WRONG || fault == JANUS_FAULT_KEY_MISSING) {
        blame_configuration(
            bridge, call, "janus refuses to make a room: is LYNKS_JANUS_ADMIN_KEY right?", message);
    } else {
        bridge_fail(bridge, call, err, message);
    }
}

/* Is this room of ours in Janus, as its observer knows at most FEED_FRESH_MS later? What is in line
 * for it may end it. */
static bool is_known_to_be_there(struct bridge *bridge, const struct msg_bridge_create *room)
{
    return own_rooms_has(bridge->own, room->room_id, room->secret, room->pin) &&
           !room_calls_has_line(bridge->rooms, room->room_id) &&
           observers_want(bridge->observers, room->room_id);
}

static void on_bridge_create(void *service, struct call *call)
{
    const struct msg_bridge_create *room = &call->request.bridge_create;
    struct bridge *bridge = bridge_at_home(service, call, room->node);
    if (bridge == NULL) {
        return;
    }
    if (is_known_to_be_there(bridge, room)) {
        metric_inc(bridge->made_from_memory);
        reply_with_room(bridge, call, true);
        return;
    }
    metric_inc(bridge->made_from_janus);
    ask_janus(bridge, call,
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
    own_rooms_remove(bridge->own, call->request.bridge_destroy.room_id);
    struct msg reply = {
        .id = MSG_bridge_destroy_reply,
        .bridge_destroy_reply = {.existed = err == ERR_OK, .epoch = epoch_of(bridge)}};
    if (err == ERR_OK) {
        err = janus_message_is_done(message, "destroyed", call->request.bridge_destroy.room_id);
    } else if (err == ERR_NO_SUCH_ROOM) {
        err = ERR_OK;
    }
    if (err == ERR_OK) {
        call_reply(call, &reply);
    } else {
        bridge_fail(bridge, call, err, message);
    }
}

static void on_bridge_destroy(void *service, struct call *call)
{
    const struct msg_bridge_destroy *room = &call->request.bridge_destroy;
    struct bridge *bridge = bridge_at_home(service, call, room->node);
    if (bridge == NULL) {
        return;
    }
    if (bridge->restore != NULL) {
        restore_skip(bridge->restore, room->room_id);
    }
    ask_janus(bridge, call,
              (struct room_request){.room_id = room->room_id,
                                    .order = ROOM_IN_LINE,
                                    .body = janus_json_destroy(room->room_id, room->secret),
                                    .fn = reply_destroy});
}

/* ---- bridge_exists ---- */

static void on_bridge_exists(void *service, struct call *call);

static void reply_exists(void *service, struct call *call, enum err err,
                         const struct janus_message *message)
{
    struct bridge *bridge = service;
    struct msg reply = {.id = MSG_bridge_exists_reply,
                        .bridge_exists_reply = {.epoch = epoch_of(bridge)}};
    const uint64_t room_id = call->request.bridge_exists.room_id;
    bool *exists = &reply.bridge_exists_reply.exists;
    if (err == ERR_OK) {
        err = janus_message_exists(message, room_id, exists);
    }
    if (err == ERR_OK && !*exists && is_taken_over(bridge, call, room_id, on_bridge_exists, &err)) {
        return;
    }
    if (err == ERR_OK) {
        call_reply(call, &reply);
    } else {
        bridge_fail(bridge, call, err, message);
    }
}

static void on_bridge_exists(void *service, struct call *call)
{
    struct bridge *bridge = bridge_at_home(service, call, call->request.bridge_exists.node);
    if (bridge == NULL) {
        return;
    }
    const uint64_t room_id = call->request.bridge_exists.room_id;
    ask_janus(bridge, call,
              (struct room_request){.room_id = room_id,
                                    .order = ROOM_ALONE,
                                    .body = janus_json_exists(room_id),
                                    .fn = reply_exists});
}

/* ---- bridge_participants ---- */

static void on_bridge_participants(void *service, struct call *call);

static void reply_participants(void *service, struct call *call, enum err err,
                               const struct janus_message *message)
{
    struct bridge *bridge = service;
    uint64_t ids[PUBLISHERS_MAX];
    size_t count = 0;
    const uint64_t room_id = call->request.bridge_participants.room_id;
    if (err == ERR_OK) {
        err = janus_message_publishers(message, room_id, ids, &count);
    }
    if (err == ERR_NO_SUCH_ROOM &&
        is_taken_over(bridge, call, room_id, on_bridge_participants, &err)) {
        return;
    }
    if (err != ERR_OK) {
        bridge_fail(bridge, call, err, message);
        return;
    }
    const struct msg reply = {
        .id = MSG_bridge_participants_reply,
        .bridge_participants_reply = {.publishers = {ids, count}, .epoch = epoch_of(bridge)}};
    call_reply(call, &reply);
}

static void on_bridge_participants(void *service, struct call *call)
{
    struct bridge *bridge = bridge_at_home(service, call, call->request.bridge_participants.node);
    if (bridge == NULL) {
        return;
    }
    const uint64_t room_id = call->request.bridge_participants.room_id;
    struct msg reply = {.id = MSG_bridge_participants_reply,
                        .bridge_participants_reply = {.epoch = epoch_of(bridge)}};
    if (observers_answer(bridge->observers, room_id, &reply.bridge_participants_reply.publishers)) {
        metric_inc(bridge->from_memory);
        reply.bridge_participants_reply.event = events_last(bridge->events);
        reply.bridge_participants_reply.has_event = reply.bridge_participants_reply.event != 0;
        call_reply(call, &reply);
        return;
    }
    metric_inc(bridge->from_janus);
    ask_janus(bridge, call,
              (struct room_request){.room_id = room_id,
                                    .order = ROOM_SHARED,
                                    .body = janus_json_participants(room_id),
                                    .fn = reply_participants});
}

/* ---- bridge_occupied ---- */

static void on_bridge_occupied(void *service, struct call *call);

/* An observer of an earlier bridge may still be in the room, and be taken for somebody who only
 * watches. It is detached with the next event that Janus has for it (janus_handle.c): our own
 * observer comes, and is the event when it leaves. */
static void reply_occupied(void *service, struct call *call, enum err err,
                           const struct janus_message *message)
{
    struct bridge *bridge = service;
    const uint64_t room_id = call->request.bridge_occupied.room_id;
    struct msg reply = {.id = MSG_bridge_occupied_reply,
                        .bridge_occupied_reply = {.epoch = epoch_of(bridge)}};
    bool *occupied = &reply.bridge_occupied_reply.occupied;
    uint64_t ids[PUBLISHERS_MAX];
    size_t publishers = 0;
    if (err == ERR_OK) {
        err = janus_message_publishers(message, room_id, ids, &publishers);
    }
    if (err == ERR_NO_SUCH_ROOM && is_taken_over(bridge, call, room_id, on_bridge_occupied, &err)) {
        return;
    }
    if (err != ERR_OK && err != ERR_NO_SUCH_ROOM) {
        bridge_fail(bridge, call, err, message);
        return;
    }
    const uint64_t own_feed = observers_feed(bridge->observers, room_id);
    *occupied = err == ERR_OK && janus_message_has_other(message, own_feed);
    if (*occupied && publishers == 0 && own_feed == 0) {
        observers_visit(bridge->observers, room_id);
    }
    call_reply(call, &reply);
}

static void on_bridge_occupied(void *service, struct call *call)
{
    struct bridge *bridge = bridge_at_home(service, call, call->request.bridge_occupied.node);
    if (bridge == NULL) {
        return;
    }
    const uint64_t room_id = call->request.bridge_occupied.room_id;
    ask_janus(bridge, call,
              (struct room_request){.room_id = room_id,
                                    .order = ROOM_ALONE,
                                    .body = janus_json_participants(room_id),
                                    .fn = reply_occupied});
}

/* ---- bridge_follow ---- */

/* Refused as a list would be that has to ask Janus: only who may act on Janus hears of rooms. */
static void on_bridge_follow(void *service, struct call *call)
{
    struct bridge *bridge = bridge_at_home(service, call, call->request.bridge_follow.node);
    if (bridge == NULL) {
        return;
    }
    const enum err err = janus_session_refusal(bridge->session);
    if (err != ERR_OK) {
        bridge_fail(bridge, call, err, NULL);
        return;
    }
    const struct u64_list *room_ids = &call->request.bridge_follow.room_ids;
    for (size_t i = 0; i < room_ids->count; i++) {
        (void)observers_want(bridge->observers, room_ids->items[i]);
    }
    const struct msg reply = {.id = MSG_bridge_follow_reply,
                              .bridge_follow_reply = {.clock_ms = clock_mono_ms(bridge->clock),
                                                      .epoch = epoch_of(bridge)}};
    call_reply(call, &reply);
}

/* ---- bridge_info ---- */

static void on_bridge_info(void *service, struct call *call)
{
    const struct bridge *bridge = bridge_of(service);
    const struct msg reply = {
        .id = MSG_bridge_info_reply,
        .bridge_info_reply = {.node = str_of(bridge->config.node),
                              .janus = {.version = str_of(janus_session_version(bridge->session)),
                                        .ready = janus_session_is_ready(bridge->session),
                                        .sessions_made = janus_session_made(bridge->session)},
                              .epoch = epoch_of(bridge)}};
    call_reply(call, &reply);
}

const struct call_handler bridge_handlers[] = {
    {MSG_bridge_create, on_bridge_create},     {MSG_bridge_exists, on_bridge_exists},
    {MSG_bridge_destroy, on_bridge_destroy},   {MSG_bridge_participants, on_bridge_participants},
    {MSG_bridge_occupied, on_bridge_occupied}, {MSG_bridge_follow, on_bridge_follow},
    {MSG_bridge_info, on_bridge_info},         {MSG_NONE, NULL},
};

/* ---- life ---- */

/* With another session Janus may be another, whose rooms prove nothing. */
static void on_bridge_session(void *arg, bool is_new)
{
    struct bridge *bridge = arg;
    if (is_new) {
        own_rooms_clear(bridge->own);
    }
}

struct bridge *bridge_new(struct janus_session *session, const struct clock *clock,
                          struct metrics *metrics, const struct bridge_config *config)
{
    static const char lists[] = "lynks_janusbridge_lists_total";
    static const char help[] = "Lists of publishers that were asked for";
    struct bridge *bridge = mem_alloc(sizeof(*bridge));
    *bridge = (struct bridge){.session = session, .clock = clock, .config = *config};
    bridge->from_memory = metrics_counter(metrics, lists, help, "from=\"memory\"");
    bridge->from_janus = metrics_counter(metrics, lists, help, "from=\"janus\"");
    static const char creates[] = "lynks_janusbridge_creates_total";
    static const char creates_help[] = "Rooms that were to be made";
    bridge->made_from_memory = metrics_counter(metrics, creates, creates_help, "from=\"memory\"");
    bridge->made_from_janus = metrics_counter(metrics, creates, creates_help, "from=\"janus\"");
    bridge->own = own_rooms_new();
    const struct janus_listener listener = {.on_ready = on_bridge_session, .arg = bridge};
    janus_session_listen(session, &listener);
    if (config->health != NULL) {
        const struct trial_parts trial = {.session = session,
                                          .clock = clock,
                                          .metrics = metrics,
                                          .health = config->health,
                                          .node = config->node,
                                          .admin_key = config->admin_key};
        bridge->trial = trial_new(&trial);
    }
    bridge->rooms = room_calls_new(session, clock, metrics, config->calls_max, bridge);
    bridge->feed = feed_new(session, clock, metrics);
    const struct events_parts events = {.publisher = config->publisher,
                                        .clock = clock,
                                        .node = config->node,
                                        .feed = bridge->feed,
                                        .lease = config->lease};
    bridge->events = events_new(&events);
    const struct janus_handles_parts handles = {.session = session,
                                                .metrics = metrics,
                                                .handles_max =
                                                    config->observers.max + config->connections_max,
                                                .timeout_ms = config->observers.timeout_ms};
    bridge->handles = janus_handles_new(&handles);
    const struct observers_parts observers = {.session = session,
                                              .handles = bridge->handles,
                                              .clock = clock,
                                              .metrics = metrics,
                                              .calls = bridge->rooms,
                                              .feed = bridge->feed,
                                              .events = bridge->events,
                                              .own = bridge->own};
    bridge->observers = observers_new(&observers, &config->observers);
    const struct audit_parts audit = {.observers = bridge->observers,
                                      .session = session,
                                      .clock = clock,
                                      .metrics = metrics,
                                      .interval_ms = config->audit_interval_ms};
    bridge->audit = audit_new(&audit);
    if (config->bus != NULL) {
        /* The other half is for those who ask. */
        const size_t parallel_max = (config->calls_max + 1) / 2;
        const struct restore_parts restore = {
            .bus = config->bus,
            .session = session,
            .clock = clock,
            .metrics = metrics,
            .node = config->node,
            .parallel_max = parallel_max < RESTORE_PARALLEL ? parallel_max : RESTORE_PARALLEL,
            .waits_max = config->calls_max,
            .create = on_bridge_create,
            .fail = fail_waiting,
            .service = bridge};
        bridge->restore = restore_new(&restore);
    }
    return bridge;
}

struct janus_handles *bridge_handles(struct bridge *bridge)
{
    return bridge->handles;
}

void bridge_free(struct bridge **bridge_ref)
{
    if (*bridge_ref != NULL) {
        restore_free(&(*bridge_ref)->restore);
        audit_free(&(*bridge_ref)->audit);
        observers_free(&(*bridge_ref)->observers);
        janus_handles_free(&(*bridge_ref)->handles);
        events_free(&(*bridge_ref)->events);
        feed_free(&(*bridge_ref)->feed);
        room_calls_free(&(*bridge_ref)->rooms);
        trial_free(&(*bridge_ref)->trial);
        own_rooms_free(&(*bridge_ref)->own);
        mem_free(bridge_ref);
    }
}
