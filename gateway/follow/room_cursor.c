#include "gateway/follow/room_cursor.h"

#include <assert.h>
#include <stdlib.h>

/* What decides where it begins. */
struct cursor_arrival {
    uint32_t era;             /* of the room, when it came */
    uint64_t generation, seq; /* of the room, as roomsvc has told */
    struct cursor_after after;
};

struct cursor_page {
    size_t count, next;
    struct room_item items[];
};

static const enum room_end end_of_reason[] = {
    [REASON_LEFT] = ROOM_END_LEFT,
    [REASON_ABSENT] = ROOM_END_ABSENT,
    [REASON_REMOVED] = ROOM_END_REMOVED,
    [REASON_SESSION_ENDED] = ROOM_END_SESSION_ENDED,
    [REASON_MEETING_ENDED] = ROOM_END_MEETING_ENDED,
    [REASON_ROOM_CLOSED] = ROOM_END_ROOM_ENDED,
    [REASON_ROOM_EXPIRED] = ROOM_END_ROOM_ENDED,
    [REASON_ROOM_UNUSED] = ROOM_END_ROOM_ENDED,
    [REASON_OWNER_REMOVED] = ROOM_END_ROOM_ENDED,
    [REASON_NOT_A_MEMBER] = ROOM_END_NOT_A_MEMBER,
    [REASON_BANNED] = ROOM_END_BANNED,
    [REASON_INVITATION_REVOKED] = ROOM_END_INVITATION_REVOKED,
    [REASON_WAITED_TOO_LONG] = ROOM_END_WAITED_TOO_LONG,
    [REASON_STREAM_KEY_ENDED] = ROOM_END_REMOVED,
};

static enum room_end end_by(const struct room_item *item)
{
    switch (item->type) {
    case EVENT_ROOM_ENDED:
        return ROOM_END_ROOM_ENDED;
    case EVENT_MEETING_ENDED:
        return ROOM_END_MEETING_ENDED;
    default:
        break;
    }
    if (item->reason != 0) {
        return end_of_reason[item->reason];
    }
    switch (item->type) {
    case EVENT_PARTICIPANT_LEFT:
        return ROOM_END_LEFT;
    case EVENT_PARTICIPANT_DENIED:
        return ROOM_END_DENIED;
    default:
        return ROOM_END_REMOVED;
    }
}

uint64_t cursor_can_of(struct u64_list actions)
{
    uint64_t can = 0;
    for (size_t i = 0; i < actions.count; i++) {
        can |= actions.items[i] < 64 ? UINT64_C(1) << actions.items[i] : 0;
    }
    return can;
}

void room_cursor_init(struct room_cursor *cursor, struct followed_room *room,
                      const struct cursor_open *open)
{
    *cursor = (struct room_cursor){
        .reader = {.wake = cursor->reader.wake, .arg = cursor->reader.arg},
        .room = room,
        .arrival = mem_alloc(sizeof(*cursor->arrival)),
        .participant_id = open->participant_id,
        .can = open->can,
        .can_role = open->role,
        .since_seq = open->since_seq,
        .behind_bytes = ROOM_CURSOR_BEHIND_BYTES,
        .step = CURSOR_WAITS,
        .is_staff = open->since_seq != 0 && open->role >= ROOM_MODERATOR,
    };
    memcpy(cursor->token_hash, open->token_hash, sizeof(cursor->token_hash));
    *cursor->arrival = (struct cursor_arrival){
        .era = room->era, .generation = open->generation, .seq = open->seq, .after = open->after};
    list_add(&room->readers, &cursor->reader.link);
    list_init(&cursor->want_link);
}

static void free_page(struct room_cursor *cursor)
{
    for (size_t i = 0; cursor->page != NULL && i < cursor->page->count; i++) {
        room_item_fini(&cursor->page->items[i]);
    }
    mem_free(&cursor->page);
}

void room_cursor_fini(struct room_cursor *cursor)
{
    if (cursor->room != NULL) {
        mem_free(&cursor->arrival);
        free_page(cursor);
        http_chunk_unref(&cursor->me);
        list_remove(&cursor->reader.link);
        list_remove(&cursor->want_link);
        cursor->room = NULL;
    }
}

/* NULL: he is not in. */
static const struct msg_participant *find_me(const struct room_cursor *cursor)
{
    return room_fold_find(cursor->room->fold, cursor->participant_id);
}

static void end_cursor(struct room_cursor *cursor, enum room_end end)
{
    free_page(cursor);
    cursor->end = end;
    cursor->step = CURSOR_ENDED;
}

/* ---- where it begins ---- */

/* The gateway may not have heard yet what its client was told by another one, or by roomsvc. In
 * another era, what he was told counts no more; and only such a one makes who has begun wait. */
static bool is_room_ready(const struct room_cursor *cursor)
{
    const struct followed_room *room = cursor->room;
    const struct cursor_arrival *arrival = cursor->arrival;
    return room->step == FOLLOWED_GONE ||
           (room->step == FOLLOWED_WHOLE &&
            (arrival == NULL || arrival->era != room->era ||
             room->generation != arrival->generation || room->seq >= arrival->seq));
}

/* He was in when he asked, and is out: what was it? */
static enum room_end find_end(const struct room_cursor *cursor)
{
    const struct room_tail *tail = &cursor->room->tail;
    const struct room_item *item;
    for (uint64_t seq = tail->last_seq; (item = room_tail_find(tail, seq)) != NULL; seq--) {
        if (room_item_puts_out(item, cursor->participant_id)) {
            return end_by(item);
        }
    }
    return ROOM_END_NOT_JOINED;
}

static void go_on_after(struct room_cursor *cursor, uint64_t seq)
{
    cursor->seq = seq;
    cursor->generation = cursor->room->generation;
    cursor->behind_bytes =
        ROOM_CURSOR_BEHIND_BYTES + room_tail_bytes_after(&cursor->room->tail, seq);
    cursor->step = CURSOR_GOES;
}

static void begin_cursor(struct room_cursor *cursor)
{
    const struct followed_room *room = cursor->room;
    AUTO(mem_free) struct cursor_arrival *arrival = STEAL(cursor->arrival);
    const bool is_first = arrival != NULL;
    const struct cursor_after after = is_first ? arrival->after : (struct cursor_after){0};
    const bool is_known = after.kind == AFTER_EVENT && after.generation == room->generation &&
                          after.seq <= room->seq && after.seq >= cursor->since_seq;
    cursor->era = room->era;
    cursor->can_seq = 0;
    if (room->step == FOLLOWED_GONE) {
        end_cursor(cursor, ROOM_END_ROOM_ENDED);
    } else if (is_known) {
        cursor->is_staff = false; /* he may be of it only since then */
        cursor->told = find_me(cursor) != NULL ? find_me(cursor)->role : 0;
        cursor->told_until = room->seq;
        go_on_after(cursor, after.seq);
    } else if (find_me(cursor) == NULL) {
        end_cursor(cursor, find_end(cursor));
    } else {
        cursor->step = is_first && after.kind == AFTER_NOTHING ? CURSOR_SNAPSHOT : CURSOR_RESET;
    }
}

/* What was told of the room counts no more. */
static bool is_of_another_era(const struct room_cursor *cursor)
{
    return cursor->era != cursor->room->era;
}

/* ---- events ---- */

/* He has waited until this event. */
static bool lets_him_in(const struct room_cursor *cursor, const struct room_item *item)
{
    return cursor->since_seq == 0 && item->about == cursor->participant_id &&
           (item->type == EVENT_PARTICIPANT_ADMITTED || item->type == EVENT_PARTICIPANT_JOINED);
}

static bool is_for_him(const struct room_cursor *cursor, const struct room_item *item)
{
    const struct msg_participant *me = find_me(cursor);
    const bool waits = cursor->since_seq == 0 || item->seq < cursor->since_seq;
    /* Of who is out, as he was when he was last told of it. */
    const enum room_role last = cursor->told != 0 ? cursor->told : cursor->can_role;
    const enum room_role role = me == NULL ? last : me->role;
    return lets_him_in(cursor, item) ||
           room_item_is_for(item, cursor->participant_id, waits ? 0 : role);
}

/* ---- what he may ---- */

/* With the role that he has as of the event seq. */
static bool is_can_known(const struct room_cursor *cursor, uint64_t seq)
{
    const struct msg_participant *me = find_me(cursor);
    return me == NULL || me->role == cursor->can_role || cursor->can_seq >= seq;
}

static enum cursor_has wait_for_can(struct room_cursor *cursor)
{
    if (!cursor->wants_can) {
        cursor->wants_can = true;
        cursor->room->shared->want(cursor);
    }
    return CURSOR_HAS_NOTHING;
}

static bool is_about_his_role(const struct room_cursor *cursor, const struct room_item *item)
{
    return item->about == cursor->participant_id && item->type == EVENT_PARTICIPANT_UPDATED;
}

static bool has_me_before(const struct room_cursor *cursor, const struct room_item *item)
{
    return is_about_his_role(cursor, item) &&
           (item->role != cursor->told || item->seq <= cursor->told_until);
}

static void note_told(struct room_cursor *cursor, enum room_role role)
{
    cursor->told = role;
    cursor->told_until = 0;
}

/* What is next on the page or in the tail. NULL: nothing that is here. */
static const struct room_item *next_item(const struct room_cursor *cursor)
{
    if (cursor->step == CURSOR_PAGE) {
        return &cursor->page->items[cursor->page->next];
    }
    return room_tail_find(&cursor->room->tail, cursor->seq + 1);
}

static bool does_somebody_wait(const struct room_fold *fold)
{
    for (size_t i = 0; i < room_fold_count(fold); i++) {
        if (room_fold_at(fold, i)->state == PARTICIPANT_WAITING) {
            return true;
        }
    }
    return false;
}

static bool is_he_staff(const struct room_cursor *cursor)
{
    const struct msg_participant *me = find_me(cursor);
    return me != NULL && cursor->since_seq != 0 && me->role >= ROOM_MODERATOR;
}

/* He is in now, or of staff, and there is more of the room than he was shown: a snapshot follows.
 * Who is cut off between the two is to get it when he comes again, so that the event has no id. */
static bool is_before_snapshot(const struct room_cursor *cursor, const struct room_item *item)
{
    return lets_him_in(cursor, item) ||
           (is_about_his_role(cursor, item) && is_he_staff(cursor) && !cursor->is_staff &&
            does_somebody_wait(cursor->room->fold));
}

static void note_standing(struct room_cursor *cursor, const struct room_item *item)
{
    if (lets_him_in(cursor, item)) {
        cursor->since_seq = item->seq;
        cursor->can_role = 0; /* what he may is asked for */
    } else if (is_about_his_role(cursor, item)) {
        cursor->is_staff = is_he_staff(cursor);
    }
}

static void pass_item(struct room_cursor *cursor, const struct room_item *item)
{
    const bool is_out = room_item_puts_out(item, cursor->participant_id) &&
                        find_me(cursor) == NULL; /* he may have come back since */
    const enum room_end end = end_by(item);
    const bool has_snapshot_next = is_before_snapshot(cursor, item);
    note_standing(cursor, item);
    cursor->seq = item->seq;
    if (cursor->step == CURSOR_PAGE && ++cursor->page->next == cursor->page->count) {
        free_page(cursor);
        cursor->step = CURSOR_GOES;
    }
    if (is_out) {
        end_cursor(cursor, end);
    } else if (has_snapshot_next) {
        free_page(cursor);
        cursor->step = CURSOR_SNAPSHOT;
    }
}

/* The next event, if it is for him, or what comes before it. CURSOR_HAS_END: it was not; look
 * again, the step may be another one. */
static enum cursor_has look_for_item(struct room_cursor *cursor, struct http_chunk **ret_chunk)
{
    const struct room_encoder *encoder = cursor->room->shared->encoder;
    const struct room_item *item = next_item(cursor);
    if (!is_for_him(cursor, item)) {
        pass_item(cursor, item);
        return CURSOR_HAS_END;
    }
    const bool is_me_next = has_me_before(cursor, item);
    if (is_me_next && !is_can_known(cursor, item->seq)) {
        return wait_for_can(cursor);
    }
    if (!is_me_next && !is_before_snapshot(cursor, item)) {
        *ret_chunk = item->chunk;
        return CURSOR_HAS_CHUNK;
    }
    if (cursor->me == NULL) {
        cursor->me = is_me_next ? encoder->me_event(encoder->arg, cursor->can)
                                : encoder->without_id(encoder->arg, item->chunk);
    }
    *ret_chunk = cursor->me;
    return CURSOR_HAS_CHUNK;
}

/* In GOES. True: there is an item in the tail. */
static bool look_at_tail(struct room_cursor *cursor)
{
    const struct followed_room *room = cursor->room;
    if (cursor->seq == room->seq) {
        cursor->behind_bytes = ROOM_CURSOR_BEHIND_BYTES;
        if (find_me(cursor) == NULL) {
            end_cursor(cursor, find_end(cursor));
        }
        return false;
    }
    if (next_item(cursor) == NULL) {
        cursor->step = CURSOR_READS;
        cursor->room->shared->want(cursor);
        return false;
    }
    return true;
}

/* ---- what is next ---- */

static bool is_waiting(const struct room_cursor *cursor)
{
    return find_me(cursor)->state == PARTICIPANT_WAITING;
}

/* Both parts of a snapshot are as of the same event. That of who waits is one. */
static struct http_chunk *begin_snapshot(struct room_cursor *cursor)
{
    const struct followed_room *room = cursor->room;
    const struct room_encoder *encoder = room->shared->encoder;
    http_chunk_unref(&cursor->me);
    note_told(cursor, find_me(cursor)->role);
    cursor->seq = room->seq;
    cursor->generation = room->generation;
    if (is_waiting(cursor)) {
        cursor->me = encoder->waiting(encoder->arg, room->generation, room->seq, room->fold,
                                      find_me(cursor));
        return cursor->me;
    }
    cursor->me = encoder->me(encoder->arg, cursor->can);
    cursor->since_seq = cursor->since_seq == 0 ? room->seq : cursor->since_seq;
    cursor->is_staff = find_me(cursor)->role >= ROOM_MODERATOR;
    return followed_room_snapshot(cursor->room, cursor->is_staff);
}

/* The step is one in which something may have changed since. */
static void catch_up_with_room(struct room_cursor *cursor)
{
    const bool is_begun =
        cursor->step != CURSOR_WAITS && cursor->step != CURSOR_ME && cursor->step != CURSOR_ENDED;
    if (is_begun && (is_of_another_era(cursor) || cursor->room->step != FOLLOWED_WHOLE)) {
        free_page(cursor);
        http_chunk_unref(&cursor->me);
        list_remove(&cursor->want_link);
        cursor->wants_can = false;
        cursor->step = CURSOR_WAITS;
    }
    const bool has_snapshot_next = cursor->step == CURSOR_RESET || cursor->step == CURSOR_SNAPSHOT;
    if (has_snapshot_next && find_me(cursor) == NULL) {
        end_cursor(cursor, find_end(cursor));
    }
}

enum cursor_has room_cursor_peek(struct room_cursor *cursor, struct http_chunk **ret_chunk)
{
    const struct room_encoder *encoder = cursor->room->shared->encoder;
    enum cursor_has has;
    for (;;) {
        catch_up_with_room(cursor);
        switch (cursor->step) {
        case CURSOR_WAITS:
            if (!is_room_ready(cursor)) {
                return CURSOR_HAS_NOTHING;
            }
            begin_cursor(cursor);
            break;
        case CURSOR_RESET:
            if (cursor->me == NULL) {
                cursor->me = encoder->reset(encoder->arg);
            }
            *ret_chunk = cursor->me;
            return CURSOR_HAS_CHUNK;
        case CURSOR_SNAPSHOT:
            if (!is_waiting(cursor) && !is_can_known(cursor, cursor->room->seq)) {
                return wait_for_can(cursor);
            }
            *ret_chunk = begin_snapshot(cursor);
            return CURSOR_HAS_CHUNK;
        case CURSOR_ME:
            *ret_chunk = cursor->me;
            return CURSOR_HAS_CHUNK;
        case CURSOR_GOES:
            if (look_at_tail(cursor)) {
                if ((has = look_for_item(cursor, ret_chunk)) != CURSOR_HAS_END) {
                    return has;
                }
            } else if (cursor->step != CURSOR_ENDED) {
                return CURSOR_HAS_NOTHING;
            }
            break;
        case CURSOR_READS:
            return CURSOR_HAS_NOTHING;
        case CURSOR_PAGE:
            if ((has = look_for_item(cursor, ret_chunk)) != CURSOR_HAS_END) {
                return has;
            }
            break;
        case CURSOR_ENDED:
            return CURSOR_HAS_END;
        }
    }
}

void room_cursor_advance(struct room_cursor *cursor)
{
    switch (cursor->step) {
    case CURSOR_RESET:
        http_chunk_unref(&cursor->me);
        cursor->step = CURSOR_SNAPSHOT;
        break;
    case CURSOR_SNAPSHOT:
        if (!is_waiting(cursor)) {
            cursor->step = CURSOR_ME;
            break;
        }
        http_chunk_unref(&cursor->me);
        go_on_after(cursor, cursor->seq);
        break;
    case CURSOR_ME:
        http_chunk_unref(&cursor->me);
        go_on_after(cursor, cursor->seq);
        break;
    case CURSOR_GOES:
    case CURSOR_PAGE:
        http_chunk_unref(&cursor->me);
        if (has_me_before(cursor, next_item(cursor))) {
            note_told(cursor, next_item(cursor)->role);
            break;
        }
        pass_item(cursor, next_item(cursor));
        break;
    case CURSOR_WAITS:
    case CURSOR_READS:
    case CURSOR_ENDED:
        assert(false); /* there was nothing to be seen */
    }
}

bool room_cursor_is_slow(const struct room_cursor *cursor)
{
    return cursor->step == CURSOR_GOES && !is_of_another_era(cursor) &&
           room_tail_bytes_after(&cursor->room->tail, cursor->seq) > cursor->behind_bytes;
}

/* ---- pages of the journal ---- */

/* The first is what he has not got. None: it is not kept any more. */
static bool is_page_of(const struct room_cursor *cursor, const struct msg_journal_read_reply *reply)
{
    return reply->events.count > 0 && reply->events.items[0].seq == cursor->seq + 1;
}

/* A reader is never ahead of the room, from which he is told how it is: what the room does not have
 * yet he gets from its tail. */
static size_t count_page(struct room_cursor *cursor, const struct msg_journal_read_reply *reply)
{
    size_t count = reply->events.count;
    while (count > 0 && reply->events.items[count - 1].seq > cursor->room->seq) {
        count--;
    }
    assert(count > 0); /* the room has more than the reader, or he would not have asked */
    if (reply->head > cursor->room->seq) {
        followed_room_doubt(cursor->room);
    }
    return count;
}

bool room_cursor_take(struct room_cursor *cursor, const struct msg_journal_read_reply *reply)
{
    const struct room_encoder *encoder = cursor->room->shared->encoder;
    if (cursor->step != CURSOR_READS || is_of_another_era(cursor)) {
        return true; /* it begins anew */
    }
    if (reply->generation != cursor->generation) {
        cursor->step = CURSOR_GOES; /* the room will say, and wake him */
        followed_room_doubt(cursor->room);
        return false;
    }
    if (!is_page_of(cursor, reply)) {
        cursor->step = CURSOR_RESET;
        return true;
    }
    const size_t count = count_page(cursor, reply);
    cursor->page = mem_alloc(sizeof(*cursor->page) + count * sizeof(cursor->page->items[0]));
    cursor->page->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct msg_room_event *event = &reply->events.items[i];
        struct http_chunk *chunk =
            encoder->event(encoder->arg, reply->generation, cursor->room->room_id, event);
        room_item_init(&cursor->page->items[i], event, &chunk);
    }
    cursor->step = CURSOR_PAGE;
    return true;
}

void room_cursor_take_can(struct room_cursor *cursor, const struct msg_stream_open_reply *reply)
{
    cursor->wants_can = false;
    cursor->can_seq = cursor->room->seq;
    cursor->can = 0;
    if (reply != NULL) {
        cursor->can_role = reply->participant.role;
        cursor->can = cursor_can_of(reply->can);
    }
}
