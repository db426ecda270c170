#include "roomsvc/participant/journal_reads.h"

#include "roomsvc/rules/room_rules.h"

/* The rest of the frame is for what goes with them. */
#define EVENTS_BYTES_MAX ((size_t)FRAME_BYTES_MAX * 3 / 4)

struct journal_reads {
    const struct clock *clock;
    struct journal_store store;
    struct arena *arenas[JOURNAL_PAGE]; /* of the events of one answer */
    struct log_gate failures;
    struct metric *answered, *refused, *failed;
};

struct journal_call {
    struct journal_reads *reads;
    struct call *call;
};

static void fail_read(struct journal_reads *reads, struct call *call, enum err err)
{
    if (err_is_callers(err)) {
        metric_inc(reads->refused);
    } else {
        metric_inc(reads->failed);
        log_warn_limited(
            &reads->failures, clock_mono_ms(reads->clock), "what is in rooms could not be read",
            LOG_Z("question", msg_name(call->request.id)), LOG_Z("error", err_code(err)),
            LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

/* ---- answers ---- */

static void answer_open(struct call *call, const struct journal_answer *answer)
{
    uint64_t can[ROOM_ACTIONS_MAX];
    const size_t count = room_actions_of((enum room_role)answer->participant.role, can);
    const bool waits = answer->participant.state == PARTICIPANT_WAITING;
    const struct msg reply = {
        .id = MSG_stream_open_reply,
        .stream_open_reply = {.room_id = answer->room_id,
                              .participant = participant_record(&answer->participant),
                              .generation = answer->generation,
                              .seq = answer->seq,
                              .can = {.items = can, .count = waits ? 0 : count},
                              .since_seq = answer->participant.since_seq}};
    call_reply(call, &reply);
}

static void answer_state(struct call *call, const struct journal_answer *answer)
{
    struct msg_participant items[STATE_PARTICIPANTS];
    for (size_t i = 0; i < answer->participant_count; i++) {
        items[i] = participant_record(&answer->participants[i]);
    }
    const struct msg reply = {
        .id = MSG_room_state_reply,
        .room_state_reply = {.generation = answer->generation,
                             .seq = answer->seq,
                             .room = managed_room_record(&answer->room),
                             .participants = {.items = items, .count = answer->participant_count}}};
    call_reply(call, &reply);
}

/* As many as a frame has room for. What cannot be read any more ends what can be told without a
 * gap.
 */
static size_t read_events(struct journal_reads *reads, const struct journal_answer *answer,
                          struct msg_room_event ret_events[JOURNAL_PAGE], bool *ret_is_unreadable)
{
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < answer->event_count && i < JOURNAL_PAGE; i++) {
        const struct db_blob *blob = &answer->events[i].data;
        bytes += blob->bytes;
        if (bytes > EVENTS_BYTES_MAX) {
            break;
        }
        const struct str data = {.data = (const char *)blob->data, .bytes = blob->bytes};
        struct envelope envelope;
        struct msg msg;
        if (codec_decode(reads->arenas[i], data, &envelope, &msg) != CODEC_OK ||
            msg.id != MSG_room_news || !msg.room_news.has_event) {
            *ret_is_unreadable = true;
            break;
        }
        ret_events[count++] = msg.room_news.event;
    }
    return count;
}

static void answer_journal(struct journal_reads *reads, struct call *call,
                           const struct journal_answer *answer)
{
    struct msg_room_event events[JOURNAL_PAGE];
    bool is_unreadable = false;
    const size_t count = read_events(reads, answer, events, &is_unreadable);
    if (is_unreadable) {
        log_warn_limited(&reads->failures, clock_mono_ms(reads->clock),
                         "an event of a room cannot be read", LOG_U64("room", answer->room_id),
                         LOG_U64("seq", answer->events[count].seq));
    }
    const struct msg reply = {.id = MSG_journal_read_reply,
                              .journal_read_reply = {.generation = answer->generation,
                                                     .head = answer->seq,
                                                     .events = {.items = events, .count = count}}};
    call_reply(call, &reply);
}

static void answer_heads(struct call *call, const struct journal_answer *answer)
{
    struct msg_room_head items[JOURNAL_HEADS];
    for (size_t i = 0; i < answer->head_count; i++) {
        items[i] = (struct msg_room_head){.room_id = answer->heads[i].room_id,
                                          .seq = answer->heads[i].seq};
    }
    const struct msg_room_head_list heads = {.items = items, .count = answer->head_count};
    struct msg reply = {.id = msg_type_find(call->request.id)->reply};
    if (reply.id == MSG_meeting_page_reply) {
        reply.meeting_page_reply.rooms = heads;
    } else {
        reply.journal_heads_reply.generation = answer->generation;
        reply.journal_heads_reply.heads = heads;
    }
    call_reply(call, &reply);
}

static void on_journal_answer(void *arg, enum err err, const struct journal_answer *answer)
{
    struct journal_call asking = *(struct journal_call *)arg;
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_read(asking.reads, asking.call, err);
        return;
    }
    metric_inc(asking.reads->answered);
    switch (asking.call->request.id) {
    case MSG_stream_open:
        answer_open(asking.call, answer);
        break;
    case MSG_room_state:
        answer_state(asking.call, answer);
        break;
    case MSG_journal_read:
        answer_journal(asking.reads, asking.call, answer);
        break;
    default:
        answer_heads(asking.call, answer);
        break;
    }
}

/* ---- questions ---- */

/* Gateways ask for what they follow, whoever that is for; of users' rooms, only who may. */
static bool may_ask(const struct call *call)
{
    const struct principal *principal = &call->context.principal;
    if (call->request.id != MSG_meeting_page) {
        return strcmp(call->peer_role, "gateway") == 0;
    }
    const uint64_t user_id = call->request.meeting_page.user_id;
    return principal->kind == PRINCIPAL_USER &&
           (principal->role == ROLE_ADMIN || (user_id != 0 && user_id == principal->user_id));
}

void journal_reads_answer(struct journal_reads *reads, struct call *call)
{
    if (!may_ask(call)) {
        fail_read(reads, call, ERR_FORBIDDEN);
        return;
    }
    struct journal_call *asking = mem_alloc(sizeof(*asking));
    *asking = (struct journal_call){.reads = reads, .call = call};
    const enum err err = reads->store.ops->ask(
        reads->store.self, &call->request, call->context.deadline_ms, on_journal_answer, asking);
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_read(reads, call, err);
    }
}

/* ---- life ---- */

#define READS "lynks_journal_reads_total"
#define READS_HELP "Questions of gateways about rooms and their journals, by how they ended."

struct journal_reads *journal_reads_new(const struct clock *clock, struct metrics *metrics,
                                        struct journal_store store)
{
    struct journal_reads *reads = mem_alloc(sizeof(*reads));
    reads->clock = clock;
    reads->store = store;
    for (size_t i = 0; i < JOURNAL_PAGE; i++) {
        reads->arenas[i] = arena_new();
    }
    reads->answered = metrics_counter(metrics, READS, READS_HELP, "result=\"answered\"");
    reads->refused = metrics_counter(metrics, READS, READS_HELP, "result=\"refused\"");
    reads->failed = metrics_counter(metrics, READS, READS_HELP, "result=\"failed\"");
    return reads;
}

void journal_reads_free(struct journal_reads **reads)
{
    if (*reads == NULL) {
        return;
    }
    for (size_t i = 0; i < JOURNAL_PAGE; i++) {
        arena_free(&(*reads)->arenas[i]);
    }
    mem_free(reads);
}
