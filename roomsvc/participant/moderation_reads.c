#include "roomsvc/participant/moderation_reads.h"

#include "roomsvc/store/room_asker.h"

struct moderation_reads {
    const struct clock *clock;
    struct moderation_store store;
    struct log_gate failures;
    struct metric *answered, *refused, *failed;
};

/* Lives until its call is answered. */
struct moderation_call {
    struct moderation_reads *reads;
    struct call *call;
    struct room_asker asker;
};

static void fail_moderation_read(struct moderation_reads *reads, struct call *call, enum err err)
{
    if (err_is_callers(err)) {
        metric_inc(reads->refused);
    } else {
        metric_inc(reads->failed);
        log_warn_limited(&reads->failures, clock_mono_ms(reads->clock),
                         "what concerns who may be in a room could not be read",
                         LOG_Z("question", msg_name(call->request.id)),
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

/* ---- answers ---- */

static void answer_invitations(struct call *call, const struct moderation_answer *answer)
{
    struct msg_invitation items[INVITATIONS_PAGE];
    for (size_t i = 0; i < answer->invitation_count; i++) {
        items[i] = invitation_record(&answer->invitations[i]);
    }
    const struct msg reply = {
        .id = MSG_invitation_page_reply,
        .invitation_page_reply = {
            .invitations = {.items = items, .count = answer->invitation_count}}};
    call_reply(call, &reply);
}

static void answer_bans(struct call *call, const struct moderation_answer *answer)
{
    struct msg_ban items[BANS_PAGE];
    for (size_t i = 0; i < answer->ban_count; i++) {
        items[i] = ban_record(&answer->bans[i]);
    }
    const struct msg reply = {
        .id = MSG_ban_page_reply,
        .ban_page_reply = {.bans = {.items = items, .count = answer->ban_count}}};
    call_reply(call, &reply);
}

static void answer_stream_keys(struct call *call, const struct moderation_answer *answer)
{
    struct msg_stream_key items[STREAM_KEYS_PAGE];
    for (size_t i = 0; i < answer->stream_key_count; i++) {
        items[i] = stream_key_record(&answer->stream_keys[i]);
    }
    const struct msg reply = {
        .id = MSG_stream_key_page_reply,
        .stream_key_page_reply = {
            .stream_keys = {.items = items, .count = answer->stream_key_count},
            .room_id = answer->room.id}};
    call_reply(call, &reply);
}

static void answer_messages(struct call *call, const struct moderation_answer *answer)
{
    struct msg_chat_message items[MESSAGES_PAGE];
    for (size_t i = 0; i < answer->message_count; i++) {
        items[i] = chat_message_record(&answer->messages[i]);
    }
    const struct msg reply = {
        .id = MSG_message_page_reply,
        .message_page_reply = {.messages = {.items = items, .count = answer->message_count},
                               .is_last = answer->is_last}};
    call_reply(call, &reply);
}

/* He who waits although a host is in waits for somebody to let him in. Whoever gets here has the
 * room's code, an invitation or a role, and so may know the code. */
static void answer_join_info(struct call *call, const struct moderation_answer *answer)
{
    struct join_case with_host = answer->join;
    with_host.is_host_in = true;
    const struct msg reply = {
        .id = MSG_join_info_reply,
        .join_info_reply = {.name = str_of(answer->room.name),
                            .code = str_of(answer->room.code),
                            .begun = answer->join.joined > 0,
                            .needs_pin = participant_needs_pin(&answer->join),
                            .lobby = participant_waits(&with_host),
                            .waits = participant_waits(&answer->join),
                            .locked = participant_is_locked_out(&answer->join),
                            .role = participant_role(&answer->join)}};
    call_reply(call, &reply);
}

static void on_moderation_answer(void *arg, enum err err, const struct moderation_answer *answer)
{
    struct moderation_call asking = *(struct moderation_call *)arg;
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_moderation_read(asking.reads, asking.call, err);
        return;
    }
    metric_inc(asking.reads->answered);
    switch (asking.call->request.id) {
    case MSG_invitation_page:
        answer_invitations(asking.call, answer);
        break;
    case MSG_ban_page:
        answer_bans(asking.call, answer);
        break;
    case MSG_stream_key_page:
        answer_stream_keys(asking.call, answer);
        break;
    case MSG_message_page:
        answer_messages(asking.call, answer);
        break;
    default:
        answer_join_info(asking.call, answer);
        break;
    }
}

/* ---- questions ---- */

static const struct msg_asker *moderation_asker_in(const struct msg *request)
{
    switch (request->id) {
    case MSG_invitation_page:
        return request->invitation_page.has_asker ? &request->invitation_page.asker : NULL;
    case MSG_ban_page:
        return request->ban_page.has_asker ? &request->ban_page.asker : NULL;
    case MSG_message_page:
        return &request->message_page.asker;
    default:
        return NULL;
    }
}

void moderation_reads_answer(struct moderation_reads *reads, struct call *call)
{
    struct room_asker asker;
    const bool is_known = room_asker_read(&call->context.principal, call->context.request_id,
                                          moderation_asker_in(&call->request), &asker);
    /* Anybody may want to come in. */
    if (!is_known && call->request.id != MSG_join_info) {
        fail_moderation_read(reads, call, ERR_FORBIDDEN);
        return;
    }
    struct moderation_call *asking = mem_alloc(sizeof(*asking));
    *asking = (struct moderation_call){.reads = reads, .call = call, .asker = asker};
    const enum err err =
        reads->store.ops->ask(reads->store.self, &call->request, &asking->asker,
                              call->context.deadline_ms, on_moderation_answer, asking);
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_moderation_read(reads, call, err);
    }
}

/* ---- life ---- */

#define MODERATION_READS "lynks_moderation_reads_total"
#define MODERATION_READS_HELP                                                                      \
    "Questions about invitations, bans, chats, and rooms before joining, by how they ended."

struct moderation_reads *moderation_reads_new(const struct clock *clock, struct metrics *metrics,
                                              struct moderation_store store)
{
    struct moderation_reads *reads = mem_alloc(sizeof(*reads));
    reads->clock = clock;
    reads->store = store;
    reads->answered =
        metrics_counter(metrics, MODERATION_READS, MODERATION_READS_HELP, "result=\"answered\"");
    reads->refused =
        metrics_counter(metrics, MODERATION_READS, MODERATION_READS_HELP, "result=\"refused\"");
    reads->failed =
        metrics_counter(metrics, MODERATION_READS, MODERATION_READS_HELP, "result=\"failed\"");
    return reads;
}

void moderation_reads_free(struct moderation_reads **reads)
{
    mem_free(reads);
}
