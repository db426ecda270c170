#include "gateway/follow/followed_room.h"

#include "proto/base/err.h"

/* So many events from before the state are in the tail at first: who was cut off by the gateway
 * that was here before has heard all but the last ones. */
#define EVENTS_BEFORE 32
/* A tail begins where somebody was before, if that is not longer ago. */
#define WISHED_EVENTS_MAX (ROOM_TAIL_EVENTS - EVENTS_BEFORE)

void followed_room_init(struct followed_room *room, struct followed_shared *shared,
                        uint64_t room_id)
{
    *room = (struct followed_room){.shared = shared, .room_id = room_id, .is_due = true, .era = 1};
    room->fold = room_fold_new();
    room_tail_init(&room->tail, &shared->tails);
    list_init(&room->readers);
}

static void forget_snapshots(struct followed_room *room)
{
    for (size_t i = 0; i < ARRAY_LEN(room->snapshots); i++) {
        http_chunk_unref(&room->snapshots[i].chunk);
    }
}

void followed_room_fini(struct followed_room *room)
{
    room_fold_free(&room->fold);
    room_tail_fini(&room->tail);
    forget_snapshots(room);
}

void followed_room_wish(struct followed_room *room, uint64_t generation, uint64_t head,
                        uint64_t seq)
{
    struct followed_wish *wish = &room->wish;
    const bool is_near = seq <= head && head - seq < WISHED_EVENTS_MAX;
    if (is_near && (wish->generation != generation || seq < wish->seq)) {
        *wish = (struct followed_wish){.generation = generation, .seq = seq};
    }
}

static void wake_readers(struct followed_room *room)
{
    LIST_EACH (struct room_reader, reader, &room->readers, link) {
        reader->wake(reader->arg);
    }
}

/* ---- events ---- */

/* The next one. Up to state_seq the state knows of it for certain, and is newer: it may be that the
 * events between are not kept any more. After that it may know of it, which does no harm: it is not
 * shown before those after it have been applied, too. */
static void append_event(struct followed_room *room, const struct msg_room_event *event)
{
    const struct room_encoder *encoder = room->shared->encoder;
    struct http_chunk *chunk = encoder->event(encoder->arg, room->generation, room->room_id, event);
    room_tail_add(&room->tail, event, &chunk);
    room->seq = event->seq;
    if (event->seq > room->state_seq) {
        room_fold_apply(room->fold, event);
    }
}

void followed_room_doubt(struct followed_room *room)
{
    if (room->is_asked) {
        room->is_stale = true;
    } else if (room->step != FOLLOWED_GONE) {
        room->is_due = true;
    }
}

void followed_room_hear(struct followed_room *room, uint64_t generation,
                        const struct msg_room_event *event)
{
    if (room->step != FOLLOWED_WHOLE || generation != room->generation) {
        /* What is published late may be of the one before, so this alone ends nothing. */
        followed_room_doubt(room);
    } else if (event->seq == room->seq + 1) {
        append_event(room, event);
        wake_readers(room);
    } else if (event->seq > room->seq) {
        metric_inc(room->shared->gaps);
        followed_room_doubt(room);
    }
}

/* ---- the state ---- */

static void load_anew(struct followed_room *room)
{
    room->step = FOLLOWED_LOADS;
    room->generation = 0;
    room->after_id = 0;
    room->is_due = true;
    room_fold_clear(room->fold);
    room_tail_clear(&room->tail, 0);
    forget_snapshots(room);
}

void followed_room_reset(struct followed_room *room)
{
    metric_inc(room->shared->resets);
    room->era++;
    load_anew(room);
}

static void begin_tail(struct followed_room *room, uint64_t seq)
{
    room_tail_clear(&room->tail, seq);
    room->seq = seq;
}

/* Where the first of those who wait was before; and a little before, for others. */
static uint64_t first_seq(const struct followed_room *room)
{
    const struct followed_wish *wish = &room->wish;
    uint64_t seq = room->state_seq;
    if (wish->generation == room->generation && wish->seq < seq &&
        seq - wish->seq < WISHED_EVENTS_MAX) {
        seq = wish->seq;
    }
    return seq - (seq < EVENTS_BEFORE ? seq : EVENTS_BEFORE);
}

static void take_state(struct followed_room *room, const struct msg_room_state_reply *reply)
{
    const struct msg_participant_list *people = &reply->participants;
    if (room->after_id == 0) {
        room->generation = reply->generation;
        room->state_seq = reply->seq;
    } else if (reply->generation != room->generation) {
        load_anew(room);
        return;
    }
    room_fold_set_room(room->fold, &reply->room);
    for (size_t i = 0; i < people->count; i++) {
        room_fold_put(room->fold, &people->items[i]);
    }
    room->is_due = true;
    if (people->count == STATE_PARTICIPANTS) {
        room->after_id = people->items[people->count - 1].id;
        return;
    }
    metric_inc(room->shared->snapshots);
    room->step = FOLLOWED_READS;
    begin_tail(room, first_seq(room));
}

/* ---- the journal ---- */

/* Nothing came, though the journal goes on: what would be next is not kept any more. */
static void take_none(struct followed_room *room, uint64_t head)
{
    if (room->step == FOLLOWED_READS && room->seq < room->state_seq) {
        begin_tail(room, room->state_seq);
        room->is_due = true;
    } else if (head > room->seq) {
        followed_room_reset(room);
    }
}

static bool take_events(struct followed_room *room, const struct msg_journal_read_reply *reply)
{
    const uint64_t known = room->asked_seq > room->state_seq ? room->asked_seq : room->state_seq;
    if (reply->generation != room->generation || reply->head < known) {
        room->below_seq = reply->generation == room->generation ? known : 0;
        room->below_generation = room->generation;
        followed_room_reset(room);
        return true;
    }
    for (size_t i = 0; i < reply->events.count; i++) {
        const struct msg_room_event *event = &reply->events.items[i];
        if (event->seq > room->seq + 1) {
            return false; /* a gap, which the journal has not */
        }
        if (event->seq == room->seq + 1) { /* or it was heard meanwhile */
            append_event(room, event);
        }
    }
    if (room->seq < reply->head && reply->events.count > 0) {
        room->is_due = true;
    } else if (room->seq < reply->head) {
        take_none(room, reply->head);
    } else {
        room->step = FOLLOWED_WHOLE;
    }
    if (room->step == FOLLOWED_WHOLE) {
        wake_readers(room);
    }
    return true;
}

/* ---- questions ---- */

void followed_room_ask(struct followed_room *room, struct msg *ret_request)
{
    room->is_due = false;
    room->is_asked = true;
    room->is_stale = false;
    room->asked_seq = room->seq;
    room->asked_era = room->era;
    *ret_request = (struct msg){.id = MSG_NONE};
    if (room->step == FOLLOWED_LOADS) {
        ret_request->id = MSG_room_state;
        ret_request->room_state =
            (struct msg_room_state){.room_id = room->room_id, .after_id = room->after_id};
    } else {
        ret_request->id = MSG_journal_read;
        ret_request->journal_read = (struct msg_journal_read){
            .room_id = room->room_id, .after_seq = room->seq, .limit = JOURNAL_PAGE};
    }
}

static bool take_answer(struct followed_room *room, enum err err, const struct msg *reply)
{
    if (room->step == FOLLOWED_LOADS && (err == ERR_GONE || err == ERR_NO_SUCH_ROOM)) {
        room->step = FOLLOWED_GONE;
        wake_readers(room);
        return true;
    }
    if (err != ERR_OK) {
        return false;
    }
    if (room->step == FOLLOWED_LOADS) {
        take_state(room, &reply->room_state_reply);
        return true;
    }
    return take_events(room, &reply->journal_read_reply);
}

bool followed_room_take(struct followed_room *room, enum err err, const struct msg *reply)
{
    room->is_asked = false;
    if (room->asked_era != room->era) {
        return true; /* it began anew meanwhile */
    }
    const bool is_good = take_answer(room, err, reply);
    if (!is_good || (room->is_stale && room->step != FOLLOWED_GONE)) {
        room->is_due = true;
    }
    return is_good;
}

struct http_chunk *followed_room_snapshot(struct followed_room *room, bool is_for_staff)
{
    const struct room_encoder *encoder = room->shared->encoder;
    struct followed_snapshot *snapshot = &room->snapshots[is_for_staff];
    if (snapshot->chunk == NULL || snapshot->seq != room->seq) {
        http_chunk_unref(&snapshot->chunk);
        snapshot->chunk =
            encoder->snapshot(encoder->arg, room->generation, room->seq, room->fold, is_for_staff);
        snapshot->seq = room->seq;
    }
    return snapshot->chunk;
}
