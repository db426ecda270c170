#include "tests/unit/gateway/follow/played_rooms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define EVENTS_MAX 3000

/* ---- what streams send ---- */

static struct http_chunk *chunk_of(char *text)
{
    struct http_chunk *chunk = http_chunk_new(str_of(text));
    free(text);
    return chunk;
}

static struct http_chunk *encode_event(void *arg, uint64_t generation, uint64_t room_id,
                                       const struct msg_room_event *event)
{
    static const char *const names[] = {[EVENT_ROOM_UPDATED] = "changed",
                                        [EVENT_ROOM_ENDED] = "closed",
                                        [EVENT_MEETING_ENDED] = "over",
                                        [EVENT_PARTICIPANT_JOINED] = "joined",
                                        [EVENT_PARTICIPANT_UPDATED] = "is",
                                        [EVENT_PARTICIPANT_LEFT] = "left",
                                        [EVENT_PARTICIPANT_REMOVED] = "taken",
                                        [EVENT_HAND_RAISED] = "up",
                                        [EVENT_HAND_LOWERED] = "down",
                                        [EVENT_PARTICIPANT_WAITING] = "waits",
                                        [EVENT_PARTICIPANT_ADMITTED] = "admitted",
                                        [EVENT_PARTICIPANT_DENIED] = "denied",
                                        [EVENT_PARTICIPANT_BANNED] = "banned",
                                        [EVENT_PARTICIPANT_MUTED] = "mute",
                                        [EVENT_MESSAGE_CREATED] = "says",
                                        [EVENT_INVITATION_CREATED] = "invites"};
    const struct fixture *f = arg;
    (void)room_id;
    assert_true(generation <= f->generation);
    char shown[32] = "";
    if (f->shows_generation) {
        (void)snprintf(shown, sizeof(shown), " g%" PRIu64, generation);
    }
    return chunk_of(mem_printf("%" PRIu64 " %s %" PRIu64 "%s;", event->seq, names[event->type],
                               event->has_participant ? event->participant.id : 0, shown));
}

static struct http_chunk *encode_snapshot(void *arg, uint64_t generation, uint64_t seq,
                                          const struct room_fold *fold, bool is_for_staff)
{
    const struct fixture *f = arg;
    struct strbuf text = {0};
    assert_non_null(room_fold_room(fold));
    strbuf_add_z(&text, is_for_staff ? "staff=" : "=");
    strbuf_add_u64(&text, seq);
    for (size_t i = 0; i < room_fold_count(fold); i++) {
        strbuf_add_z(&text, i == 0 ? " " : ",");
        strbuf_add_u64(&text, room_fold_at(fold, i)->id);
    }
    if (f->shows_generation) {
        strbuf_add_z(&text, " g");
        strbuf_add_u64(&text, generation);
    }
    strbuf_add_z(&text, ";");
    struct http_chunk *chunk = http_chunk_new(strbuf_str(&text));
    strbuf_fini(&text);
    return chunk;
}

static struct http_chunk *encode_waiting(void *arg, uint64_t generation, uint64_t seq,
                                         const struct room_fold *fold,
                                         const struct msg_participant *me)
{
    (void)arg;
    (void)generation;
    assert_non_null(room_fold_room(fold));
    return chunk_of(mem_printf("waits %" PRIu64 "=%" PRIu64 ";", me->id, seq));
}

static struct http_chunk *encode_me(void *arg, uint64_t can)
{
    (void)arg;
    return chunk_of(can == 0 ? mem_printf("me %d;", ME)
                             : mem_printf("me %d %" PRIu64 ";", ME, can));
}

static struct http_chunk *encode_me_event(void *arg, uint64_t can)
{
    (void)arg;
    return chunk_of(mem_printf("may %" PRIu64 ";", can));
}

/* The number comes first. */
static struct http_chunk *encode_without_id(void *arg, const struct http_chunk *event)
{
    const struct str text = http_chunk_data(event);
    size_t number = 0;
    (void)arg;
    while (number < text.bytes && text.data[number] != ' ') {
        number++;
    }
    assert_true(number < text.bytes);
    number++;
    return http_chunk_new((struct str){.data = text.data + number, .bytes = text.bytes - number});
}

static struct http_chunk *encode_reset(void *arg)
{
    (void)arg;
    return http_chunk_new(STR_LIT("reset;"));
}

/* ---- roomsvc ---- */

static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    struct fixture *f = self;
    assert_true(context->deadline_ms > clock_mono_ms(fake_clock_clock(f->clock)));
    f->asked_states += request->id == MSG_room_state;
    f->asked_events += request->id == MSG_journal_read;
    f->asked_heads += request->id == MSG_journal_heads;
    f->asked_opens += request->id == MSG_stream_open;
    if (f->refuse != ERR_OK) {
        return f->refuse;
    }
    assert_true(f->out < ARRAY_LEN(f->questions));
    struct played_question *question = &f->questions[f->out++];
    *question = (struct played_question){.request = *request, .fn = fn, .arg = arg};
    if (request->id == MSG_journal_heads) {
        const struct msg_room_head_list *seen = &request->journal_heads.seen;
        assert_int_equal(seen->count, request->journal_heads.room_ids.count);
        question->heads = mem_realloc_array(NULL, seen->count, sizeof(*seen->items));
        memcpy(question->heads, seen->items, seen->count * sizeof(*seen->items));
    }
    f->most_out = f->out > f->most_out ? f->out : f->most_out;
    return ERR_OK;
}

static const struct bus_ops bus_ops = {call};

static enum participant_state state_after(enum room_event_type type)
{
    switch (type) {
    case EVENT_PARTICIPANT_WAITING:
        return PARTICIPANT_WAITING;
    case EVENT_PARTICIPANT_LEFT:
        return PARTICIPANT_LEFT;
    case EVENT_PARTICIPANT_DENIED:
        return PARTICIPANT_DENIED;
    case EVENT_PARTICIPANT_REMOVED:
    case EVENT_PARTICIPANT_BANNED:
        return PARTICIPANT_REMOVED;
    default:
        return PARTICIPANT_JOINED;
    }
}

static struct msg_participant participant(uint64_t id, enum participant_state state)
{
    return (struct msg_participant){.id = id,
                                    .name = STR_LIT("Ann"),
                                    .role = ROOM_PARTICIPANT,
                                    .state = state,
                                    .joined_unix_ms = 1};
}

static struct msg_room a_room(uint64_t id)
{
    return (struct msg_room){.id = id,
                             .name = STR_LIT("Room"),
                             .access = ROOM_OPEN,
                             .participants_max = 10,
                             .publishers_max = 10,
                             .unmute = ROOM_UNMUTE_SELF,
                             .empty_timeout_s = 300,
                             .created_unix_ms = 1};
}

uint64_t play(struct fixture *f, uint64_t room_id, enum room_event_type type, uint64_t about)
{
    struct played_room *room = &f->rooms[room_id];
    if (room->events == NULL) {
        room->events = mem_alloc(EVENTS_MAX * sizeof(*room->events));
    }
    assert_true(room->head < EVENTS_MAX);
    struct msg_room_event *event = &room->events[room->head++];
    *event = (struct msg_room_event){.seq = room->head,
                                     .type = type,
                                     .audience = AUDIENCE_ALL,
                                     .time_unix_ms = 1,
                                     .has_participant = about != 0};
    if (about != 0) {
        event->participant = participant(about, state_after(type));
    }
    return room->head;
}

void tell(struct fixture *f, const char *endpoint, uint64_t room, uint64_t seq, bool is_next)
{
    const struct msg msg = {.id = MSG_room_news,
                            .room_news = {.what = ROOM_NEWS_EVENT,
                                          .generation = f->generation,
                                          .has_room_id = true,
                                          .room_id = room,
                                          .has_event = true,
                                          .event = f->rooms[room].events[seq - 1]}};
    room_follow_hear(f->follow, &msg);
    news_watch_hear(f->news, endpoint, is_next);
}

uint64_t play_and_tell(struct fixture *f, uint64_t room, enum room_event_type type, uint64_t about)
{
    const uint64_t seq = play(f, room, type, about);
    tell(f, ONE, room, seq, /* is_next= */ true);
    return seq;
}

void play_hands(struct fixture *f, uint64_t up_to)
{
    while (f->rooms[ROOM].head < up_to) {
        play(f, ROOM, f->rooms[ROOM].head % 2 == 1 ? EVENT_HAND_RAISED : EVENT_HAND_LOWERED, ME);
    }
}

void play_role(struct fixture *f, enum room_role role)
{
    const uint64_t seq = play(f, ROOM, EVENT_PARTICIPANT_UPDATED, ME);
    f->rooms[ROOM].events[seq - 1].participant.role = role;
    f->role = role;
    tell(f, ONE, ROOM, seq, true);
}

void hear_life(struct fixture *f, const char *endpoint, bool is_next)
{
    const struct msg msg = {.id = MSG_room_news, .room_news = {.what = ROOM_NEWS_LIVES}};
    room_follow_hear(f->follow, &msg);
    news_watch_hear(f->news, endpoint, is_next);
}

void live(struct fixture *f, uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 100) {
        fake_clock_advance(f->clock, 100);
        hear_life(f, ONE, true);
    }
}

/* Who is in, as the journal makes it; those after after_id. */
static size_t people_of(const struct played_room *room, uint64_t after_id,
                        struct msg_participant ret_people[STATE_PARTICIPANTS])
{
    size_t count = 0;
    for (uint64_t id = after_id + 1; id < 1000 && count < STATE_PARTICIPANTS; id++) {
        bool is_in = false;
        struct msg_participant last;
        for (uint64_t i = 0; i < room->head; i++) {
            const struct msg_room_event *event = &room->events[i];
            if (event->type == EVENT_MEETING_ENDED) {
                is_in = false;
            } else if (event->has_participant && event->participant.id == id) {
                is_in = event->participant.state == PARTICIPANT_JOINED ||
                        event->participant.state == PARTICIPANT_WAITING;
                last = event->participant;
            }
        }
        if (is_in) {
            ret_people[count++] = last;
        }
    }
    return count;
}

static void answer_state(struct fixture *f, const struct played_question *question)
{
    struct msg_participant people[STATE_PARTICIPANTS];
    const struct msg_room_state *asked = &question->request.room_state;
    const struct played_room *room = &f->rooms[asked->room_id];
    const struct msg reply = {
        .id = MSG_room_state_reply,
        .room_state_reply = {
            .generation = f->generation,
            .seq = room->head,
            .room = a_room(asked->room_id),
            .participants = {.items = people, .count = people_of(room, asked->after_id, people)}}};
    if (room->is_gone) {
        question->fn(question->arg, ERR_GONE, NULL);
    } else {
        question->fn(question->arg, ERR_OK, &reply);
    }
}

static void answer_events(struct fixture *f, const struct played_question *question)
{
    const struct msg_journal_read *asked = &question->request.journal_read;
    const struct played_room *room = &f->rooms[asked->room_id];
    size_t count = 0;
    if (asked->after_seq >= room->kept_after && asked->after_seq < room->head) {
        count = room->head - asked->after_seq;
        count = count > asked->limit ? asked->limit : count;
    }
    const struct msg reply = {
        .id = MSG_journal_read_reply,
        .journal_read_reply = {
            .generation = f->generation,
            .head = room->head,
            .events = {.items = count == 0 ? NULL : &room->events[asked->after_seq],
                       .count = count}}};
    question->fn(question->arg, ERR_OK, &reply);
}

static void answer_heads(struct fixture *f, const struct played_question *question)
{
    struct msg_room_head heads[JOURNAL_HEADS];
    size_t count = 0;
    for (size_t i = 0; i < question->request.journal_heads.seen.count; i++) {
        const uint64_t id = question->heads[i].room_id;
        if (!f->rooms[id].is_gone) {
            heads[count++] = (struct msg_room_head){.room_id = id, .seq = f->rooms[id].head};
        }
    }
    const struct msg reply = {.id = MSG_journal_heads_reply,
                              .journal_heads_reply = {.generation = f->generation,
                                                      .heads = {.items = heads, .count = count}}};
    question->fn(question->arg, ERR_OK, &reply);
}

static void answer_open(struct fixture *f, const struct played_question *question)
{
    const uint64_t can[] = {f->role};
    struct msg reply = {.id = MSG_stream_open_reply,
                        .stream_open_reply = {.room_id = ROOM,
                                              .participant = participant(ME, true),
                                              .generation = f->generation,
                                              .seq = f->rooms[ROOM].head,
                                              .can = {.items = can, .count = 1}}};
    reply.stream_open_reply.participant.role = f->role;
    question->fn(question->arg, ERR_OK, &reply);
}

void answer(struct fixture *f, enum err err)
{
    assert_true(f->out > 0);
    const struct played_question question = f->questions[0];
    memmove(f->questions, f->questions + 1, --f->out * sizeof(*f->questions));
    if (err != ERR_OK) {
        question.fn(question.arg, err, NULL);
    } else if (question.request.id == MSG_room_state) {
        answer_state(f, &question);
    } else if (question.request.id == MSG_journal_read) {
        answer_events(f, &question);
    } else if (question.request.id == MSG_stream_open) {
        answer_open(f, &question);
    } else {
        answer_heads(f, &question);
    }
    free(question.heads);
}

void answer_all(struct fixture *f)
{
    while (f->out > 0) {
        answer(f, ERR_OK);
    }
}

/* ---- readers ---- */

void read_chunks(struct played_reader *reader, size_t count)
{
    enum cursor_has has = CURSOR_HAS_CHUNK;
    struct http_chunk *chunk;
    while (count-- > 0 && !reader->is_ended &&
           (has = room_cursor_peek(&reader->cursor, &chunk)) == CURSOR_HAS_CHUNK) {
        const struct str data = http_chunk_data(chunk);
        reader->got = mem_realloc_array(reader->got, reader->bytes + data.bytes + 1, 1);
        memcpy(reader->got + reader->bytes, data.data, data.bytes);
        reader->bytes += data.bytes;
        room_cursor_advance(&reader->cursor);
    }
    if (has == CURSOR_HAS_END) {
        reader->is_ended = true;
        room_follow_close(reader->fixture->follow, &reader->cursor);
    }
}

static void on_wake(void *arg)
{
    struct played_reader *reader = arg;
    reader->woken++;
    if (!reader->is_slow) {
        read_chunks(reader, SIZE_MAX);
    }
}

static struct cursor_after after_of(const struct fixture *f, const char *text)
{
    struct cursor_after after = {.kind = AFTER_EVENT, .generation = f->generation};
    if (text[0] == '\0') {
        after.kind = AFTER_NOTHING;
    } else if (sscanf(text, "%" SCNu64 ".%" SCNu64, &after.generation, &after.seq) != 2) {
        after.generation = f->generation;
        after.kind = sscanf(text, "%" SCNu64, &after.seq) == 1 ? AFTER_EVENT : AFTER_GARBAGE;
    }
    return after;
}

struct played_reader *open_reader_in(struct fixture *f, uint64_t room, const char *after)
{
    assert_true(f->reader_count < PLAYED_READERS_MAX);
    struct played_reader *reader = &f->readers[f->reader_count++];
    const struct cursor_open open = {.room_id = room,
                                     .participant_id = ME,
                                     .since_seq = f->since_seq,
                                     .role = f->role != 0 ? f->role : ROOM_PARTICIPANT,
                                     .can = f->role != 0 ? UINT64_C(1) << f->role : 0,
                                     .generation = f->generation,
                                     .seq = f->rooms[room].head,
                                     .after = after_of(f, after)};
    reader->fixture = f;
    reader->cursor.reader.wake = on_wake;
    reader->cursor.reader.arg = reader;
    assert_true(room_follow_open(f->follow, &open, &reader->cursor));
    assert_int_equal(reader->woken, 0);
    return reader;
}

struct played_reader *open_reader(struct fixture *f, const char *after)
{
    return open_reader_in(f, ROOM, after);
}

void close_reader(struct played_reader *reader)
{
    room_follow_close(reader->fixture->follow, &reader->cursor);
}

void assert_read(struct played_reader *reader, const char *text)
{
    if (!reader->is_slow && !reader->is_ended) {
        read_chunks(reader, SIZE_MAX);
    }
    reader->got = mem_realloc_array(reader->got, reader->bytes + 1, 1);
    reader->got[reader->bytes] = '\0';
    assert_string_equal(reader->got, text);
    reader->bytes = 0;
}

uint64_t count_of(struct fixture *f, const char *counter, const char *labels)
{
    return metric_value(metrics_counter(f->metrics, counter, "", labels));
}

/* ---- life ---- */

struct fixture *played_setup(size_t rooms_max, size_t tail_bytes_max)
{
    static struct room_encoder encoder = {.event = encode_event,
                                          .snapshot = encode_snapshot,
                                          .waiting = encode_waiting,
                                          .me = encode_me,
                                          .me_event = encode_me_event,
                                          .without_id = encode_without_id,
                                          .reset = encode_reset};
    struct fixture *f = mem_alloc(sizeof(*f));
    f->since_seq = 1;
    log_capture_setup(NULL);
    encoder.arg = f;
    f->generation = 9;
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->health = health_new();
    f->bus = (struct bus){.ops = &bus_ops, .self = f};
    f->news = news_watch_new(fake_clock_clock(f->clock));
    f->follow = room_follow_new(
        &(struct room_follow_parts){.clock = fake_clock_clock(f->clock),
                                    .bus = &f->bus,
                                    .metrics = f->metrics,
                                    .encoder = &encoder,
                                    .watch = f->news,
                                    .health = f->health},
        &(struct room_follow_config){.rooms_max = rooms_max, .tail_bytes_max = tail_bytes_max});
    hear_life(f, ONE, false);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, ME);
    return f;
}

int played_teardown(struct fixture *f)
{
    for (size_t i = 0; i < f->reader_count; i++) {
        close_reader(&f->readers[i]);
        free(f->readers[i].got);
    }
    f->refuse = ERR_UNAVAILABLE;
    while (f->out > 0) {
        answer(f, ERR_UNAVAILABLE);
    }
    room_follow_free(&f->follow);
    news_watch_free(&f->news);
    const int timers = (int)fake_clock_timers(f->clock);
    metrics_free(&f->metrics);
    health_free(&f->health);
    fake_clock_free(&f->clock);
    for (size_t i = 0; i < PLAYED_ROOMS_MAX; i++) {
        free(f->rooms[i].events);
    }
    free(f);
    return timers + log_capture_teardown(NULL);
}
