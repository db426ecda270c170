#include "roomsvc/participant/participants.h"

#include "roomsvc/rules/room_rules.h"
#include "roomsvc/store/room_asker.h"

struct participants {
    struct participants_parts parts;
    struct log_gate failures;
    struct metric *done, *refused, *failed;
};

/* Lives until its call is answered. */
struct participant_call {
    struct participants *participants;
    struct call *call;
    struct room_asker asker;
    struct participant_outcome outcome; /* while Janus is waited for */
};

#define ASKER_OF(message)                                                                          \
    case MSG_##message:                                                                            \
        return request->message.has_asker ? &request->message.asker : NULL

static const struct msg_asker *asker_in(const struct msg *request)
{
    switch (request->id) {
        ASKER_OF(participant_join);
        ASKER_OF(participant_change);
        ASKER_OF(participant_remove);
        ASKER_OF(participant_mute);
        ASKER_OF(meeting_end);
        ASKER_OF(participant_page);
        ASKER_OF(lobby_decide);
        ASKER_OF(invitation_add);
        ASKER_OF(invitation_change);
        ASKER_OF(invitation_revoke);
        ASKER_OF(ban_add);
        ASKER_OF(ban_lift);
    case MSG_message_send:
        return &request->message_send.asker;
    default:
        return NULL;
    }
}

static void fail_participant_call(struct participants *participants, struct call *call,
                                  enum err err)
{
    if (err_is_callers(err)) {
        metric_inc(participants->refused);
    } else {
        metric_inc(participants->failed);
        log_warn_limited(&participants->failures, clock_mono_ms(participants->parts.clock),
                         "a command on who is in a room has failed",
                         LOG_Z("command", msg_name(call->request.id)),
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

/* ---- commands ---- */

static void reply_joined(struct call *call, const struct participant_outcome *outcome)
{
    uint64_t can[ROOM_ACTIONS_MAX];
    const enum room_role role = (enum room_role)outcome->participant.role;
    const bool waits = outcome->participant.state == PARTICIPANT_WAITING;
    const size_t count = waits ? 0 : room_actions_of(role, can);
    const struct msg reply = {
        .id = MSG_participant_join_reply,
        .participant_join_reply = {.participant = participant_record(&outcome->participant),
                                   .room_id = outcome->room_id,
                                   .can = {.items = can, .count = count},
                                   .resumed = outcome->is_resumed,
                                   .made = outcome->is_made}};
    call_reply(call, &reply);
}

static void reply_other(struct call *call, const struct participant_outcome *outcome)
{
    struct msg reply = {.id = msg_type_find(call->request.id)->reply};
    switch (call->request.id) {
    case MSG_participant_change:
        reply.participant_change_reply.participant = participant_record(&outcome->participant);
        break;
    case MSG_invitation_add:
        reply.invitation_add_reply =
            (struct msg_invitation_add_reply){.invitation = invitation_record(&outcome->invitation),
                                              .room_id = outcome->room_id,
                                              .code = str_of(outcome->code)};
        break;
    case MSG_invitation_change:
        reply.invitation_change_reply.invitation = invitation_record(&outcome->invitation);
        break;
    case MSG_ban_add:
        reply.ban_add_reply.ban = ban_record(&outcome->ban);
        break;
    case MSG_stream_key_add:
        reply.stream_key_add_reply = (struct msg_stream_key_add_reply){
            .stream_key = stream_key_record(&outcome->stream_key), .room_id = outcome->room_id};
        break;
    case MSG_stream_enter:
        reply.stream_enter_reply.participant = participant_record(&outcome->participant);
        break;
    case MSG_message_send:
        reply.message_send_reply.message = chat_message_record(&outcome->message);
        break;
    default:
        break;
    }
    call_reply(call, &reply);
}

static void on_entered(void *arg)
{
    struct participant_call *waiting = arg;
    struct call *call = waiting->call;
    if (call->request.id == MSG_participant_join) {
        reply_joined(call, &waiting->outcome);
    } else {
        reply_other(call, &waiting->outcome);
    }
    mem_free(&waiting);
}

/* Who has made the room somebody's waits until it is in Janus. */
static void answer_command(struct participant_call *running,
                           const struct participant_outcome *outcome)
{
    const struct participants_parts *parts = &running->participants->parts;
    running->outcome = *outcome;
    running->outcome.journal = NULL;
    if (outcome->is_entered && parts->enter != NULL) {
        parts->enter(parts->enter_arg, outcome->room_id, &running->call->context, on_entered,
                     running);
    } else {
        on_entered(running);
    }
}

static void on_participant_command(void *arg, enum err err,
                                   const struct participant_outcome *outcome)
{
    struct participant_call *running = arg;
    struct participants *participants = running->participants;
    struct call *call = running->call;
    if (err != ERR_OK) {
        mem_free(&running);
        fail_participant_call(participants, call, err);
        return;
    }
    metric_inc(participants->done);
    room_news_tell_journal(participants->parts.news, outcome->journal);
    if (outcome->is_audited) {
        log_info("audit", LOG_Z("act", msg_name(call->request.id)),
                 LOG_U64("room", outcome->room_id), LOG_U64("by", running->asker.user_id),
                 LOG_STR("request_id", call->context.request_id));
    }
    answer_command(running, outcome);
}

static struct participant_call *participant_call_new(struct participants *participants,
                                                     struct call *call,
                                                     const struct room_asker *asker)
{
    struct participant_call *running = mem_alloc(sizeof(*running));
    running->participants = participants;
    running->call = call;
    running->asker = *asker;
    return running;
}

static bool read_participant_asker(const struct call *call, struct room_asker *ret_asker)
{
    return room_asker_read(&call->context.principal, call->context.request_id,
                           asker_in(&call->request), ret_asker);
}

void participants_run(struct participants *participants, struct call *call)
{
    const struct participant_store *store = &participants->parts.store;
    struct room_asker asker;
    /* Anybody may want to come in. */
    if (!read_participant_asker(call, &asker) && call->request.id != MSG_participant_join &&
        call->request.id != MSG_stream_enter) {
        fail_participant_call(participants, call, ERR_FORBIDDEN);
        return;
    }
    struct participant_call *running = participant_call_new(participants, call, &asker);
    const enum err err =
        store->ops->run(store->self, &call->request, &running->asker, call->context.deadline_ms,
                        on_participant_command, running);
    if (err != ERR_OK) {
        mem_free(&running);
        fail_participant_call(participants, call, err);
    }
}

/* ---- pages ---- */

static void on_participant_page(void *arg, enum err err, const struct participant_page *page)
{
    struct participant_call asking = *(struct participant_call *)arg;
    struct msg_participant items[PARTICIPANTS_PAGE];
    uint64_t feeds[PUBLISHERS_MAX];
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_participant_call(asking.participants, asking.call, err);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        items[i] = participant_record(&page->items[i]);
    }
    for (size_t i = 0; i < page->feed_count; i++) {
        feeds[i] = page->feeds[i].id;
    }
    const struct msg reply = {
        .id = MSG_participant_page_reply,
        .participant_page_reply = {.participants = {.items = items, .count = page->count},
                                   .open_room_id = page->open_room_id,
                                   .feeds = {.items = feeds, .count = page->feed_count}}};
    call_reply(asking.call, &reply);
}

void participants_page(struct participants *participants, struct call *call)
{
    const struct participant_store *store = &participants->parts.store;
    struct room_asker asker;
    if (!read_participant_asker(call, &asker)) {
        fail_participant_call(participants, call, ERR_FORBIDDEN);
        return;
    }
    struct participant_call *asking = participant_call_new(participants, call, &asker);
    const enum err err =
        store->ops->find_page(store->self, &call->request.participant_page, &asking->asker,
                              call->context.deadline_ms, on_participant_page, asking);
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_participant_call(participants, call, err);
    }
}

/* ---- life ---- */

#define COMMANDS "lynks_participant_commands_total"
#define COMMANDS_HELP "Commands on who is in rooms, and questions about it, by how they ended."

struct participants *participants_new(const struct participants_parts *parts)
{
    struct participants *participants = mem_alloc(sizeof(*participants));
    struct metrics *metrics = parts->metrics;
    participants->parts = *parts;
    participants->done = metrics_counter(metrics, COMMANDS, COMMANDS_HELP, "result=\"done\"");
    participants->refused = metrics_counter(metrics, COMMANDS, COMMANDS_HELP, "result=\"refused\"");
    participants->failed = metrics_counter(metrics, COMMANDS, COMMANDS_HELP, "result=\"failed\"");
    return participants;
}

void participants_free(struct participants **participants)
{
    mem_free(participants);
}
