/* Whatever becomes of what is published and asked, in any order: every reader has each event once
 * and in order, from his snapshot on or from where he was before; or he is told that it begins
 * anew. And in the end all know all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/follow/played_rooms.h"

#define SEEDS 150
#define STEPS 400
#define LATE_MAX 8

/* What a reader may be told next. */
struct seen {
    struct played_reader *reader; /* NULL: it is cut off */
    bool has_begun;               /* false: a snapshot, or reset and a snapshot */
    bool is_reset;                /* then a snapshot */
    bool is_me_next;              /* the second part of one */
    uint64_t generation, seq;     /* the last event that it has got */
};

struct chance {
    struct fixture *f;
    uint64_t state;
    uint64_t late[LATE_MAX]; /* events that are told later */
    size_t late_count;
    struct seen seen[4];
    size_t snapshots, resets, events; /* that were told */
};

/* xorshift64*: the same in every run. */
static uint64_t draw(struct chance *c, uint64_t below)
{
    c->state ^= c->state >> 12;
    c->state ^= c->state << 25;
    c->state ^= c->state >> 27;
    return (c->state * UINT64_C(2685821657736338717) >> 33) % below;
}

/* ---- what a reader has got ---- */

/* Who is in after the event seq. */
static void assert_people_of(struct chance *c, uint64_t seq, const char *text)
{
    const struct played_room *room = &c->f->rooms[ROOM];
    char expected[128] = "";
    for (uint64_t id = 1; id < 20; id++) {
        bool is_in = false;
        for (uint64_t i = 0; i < seq; i++) {
            const struct msg_room_event *event = &room->events[i];
            is_in = event->participant.id == id ? event->participant.state == PARTICIPANT_JOINED
                                                : is_in;
        }
        if (is_in) {
            const size_t used = strlen(expected);
            (void)snprintf(expected + used, sizeof(expected) - used, "%s%" PRIu64,
                           used == 0 ? "" : ",", id);
        }
    }
    assert_string_equal(text, expected);
}

static void take_snapshot(struct chance *c, struct seen *seen, const char *token)
{
    char people[128];
    assert_int_equal(
        sscanf(token, "=%" SCNu64 " %127s g%" SCNu64, &seen->seq, people, &seen->generation), 3);
    assert_false(seen->has_begun || seen->is_me_next);
    if (seen->generation == c->f->generation) {
        assert_people_of(c, seen->seq, people);
    }
    seen->is_me_next = true;
    c->snapshots++;
}

static void take_event(struct chance *c, struct seen *seen, const char *token)
{
    uint64_t seq, id, generation;
    char word[16];
    assert_int_equal(
        sscanf(token, "%" SCNu64 " %15s %" SCNu64 " g%" SCNu64, &seq, word, &id, &generation), 4);
    assert_false(seen->is_me_next || seen->is_reset);
    assert_int_equal(generation, seen->generation);
    assert_int_equal(seq, seen->seq + 1);
    if (generation == c->f->generation) {
        assert_int_equal(c->f->rooms[ROOM].events[seq - 1].participant.id, id);
    }
    seen->has_begun = true;
    seen->seq = seq;
    c->events++;
}

static void take_token(struct chance *c, struct seen *seen, const char *token)
{
    if (strcmp(token, "reset") == 0) {
        assert_false(seen->is_me_next);
        assert_int_not_equal(seen->generation, 0); /* who has seen nothing is told of no reset */
        seen->has_begun = false;
        seen->is_reset = true;
        c->resets++;
    } else if (token[0] == '=') {
        assert_true(seen->is_reset || seen->generation == 0);
        take_snapshot(c, seen, token);
    } else if (strcmp(token, "me 7") == 0) {
        assert_true(seen->is_me_next);
        seen->is_me_next = seen->is_reset = false;
        seen->has_begun = true;
    } else {
        take_event(c, seen, token);
    }
}

static void read_all(struct chance *c)
{
    for (size_t i = 0; i < ARRAY_LEN(c->seen); i++) {
        struct played_reader *reader = c->seen[i].reader;
        if (reader == NULL) {
            continue;
        }
        if (!reader->is_slow) {
            read_chunks(reader, SIZE_MAX);
        }
        assert_false(reader->is_ended);
        reader->got = mem_realloc_array(reader->got, reader->bytes + 1, 1);
        reader->got[reader->bytes] = '\0';
        char *rest = reader->got;
        for (char *end; (end = strchr(rest, ';')) != NULL; rest = end + 1) {
            *end = '\0';
            take_token(c, &c->seen[i], rest);
        }
        reader->bytes = 0;
    }
}

/* ---- what happens ---- */

static void happen(struct chance *c)
{
    static const enum room_event_type types[] = {EVENT_HAND_RAISED, EVENT_PARTICIPANT_JOINED,
                                                 EVENT_PARTICIPANT_LEFT};
    const uint64_t kind = draw(c, ARRAY_LEN(types));
    const uint64_t seq = play(c->f, ROOM, types[kind], kind == 0 ? ME : 8 + draw(c, 8));
    const uint64_t fate = draw(c, 10);
    if (fate < 5) {
        tell(c->f, ONE, ROOM, seq, true);
    } else if (fate < 6) {
        tell(c->f, ONE, ROOM, seq, true);
        tell(c->f, TWO, ROOM, seq, true);
    } else if (fate < 8 && c->late_count < LATE_MAX) {
        c->late[c->late_count++] = seq;
    }
}

static void tell_late(struct chance *c)
{
    if (c->late_count > 0) {
        const size_t i = draw(c, c->late_count);
        tell(c->f, TWO, ROOM, c->late[i], draw(c, 5) != 0);
        c->late[i] = c->late[--c->late_count];
    }
}

static void come_or_go(struct chance *c)
{
    char after[64] = "";
    struct seen *seen = &c->seen[draw(c, ARRAY_LEN(c->seen))];
    if (seen->reader != NULL) {
        close_reader(seen->reader);
        seen->reader = NULL;
        if (seen->is_me_next || seen->is_reset) { /* he has nothing to go on from */
            *seen = (struct seen){.reader = NULL};
        }
        return;
    }
    if (c->f->reader_count == PLAYED_READERS_MAX) {
        return;
    }
    if (seen->generation != 0) {
        (void)snprintf(after, sizeof(after), "%" PRIu64 ".%" PRIu64, seen->generation, seen->seq);
    }
    seen->has_begun = false;
    seen->reader = open_reader(c->f, after);
    seen->reader->is_slow = draw(c, 4) == 0;
}

/* A back-up is restored. */
static void restore(struct chance *c)
{
    struct played_room *room = &c->f->rooms[ROOM];
    room->head -= draw(c, room->head < 6 ? room->head : 6);
    room->kept_after = room->kept_after > room->head ? room->head : room->kept_after;
    c->f->generation++;
    c->late_count = 0;
}

static void do_something(struct chance *c)
{
    struct fixture *f = c->f;
    const uint64_t what = draw(c, 100);
    if (what < 40) {
        happen(c);
    } else if (what < 50) {
        tell_late(c);
    } else if (what < 75 && f->out > 0) {
        answer(f, draw(c, 8) == 0 ? ERR_DEADLINE : ERR_OK);
    } else if (what < 82) {
        fake_clock_advance(f->clock, 1 + draw(c, 300));
    } else if (what < 92) {
        come_or_go(c);
    } else if (what < 94) {
        hear_life(f, draw(c, 2) == 0 ? ONE : TWO, draw(c, 2) == 0);
    } else if (what < 96) {
        f->rooms[ROOM].kept_after = f->rooms[ROOM].head - draw(c, f->rooms[ROOM].head);
    } else if (what < 97) {
        restore(c);
    } else {
        for (size_t i = 0; i < ARRAY_LEN(c->seen); i++) {
            if (c->seen[i].reader != NULL && c->seen[i].reader->is_slow) {
                read_chunks(c->seen[i].reader, 1 + draw(c, 5));
            }
        }
    }
    read_all(c);
}

/* All is well again. */
static void come_to_rest(struct chance *c)
{
    for (int i = 0; i < 350; i++) { /* as long as the net takes */
        live(c->f, 100);
        answer_all(c->f);
    }
    for (size_t i = 0; i < ARRAY_LEN(c->seen); i++) {
        if (c->seen[i].reader != NULL) {
            c->seen[i].reader->is_slow = false;
        }
    }
    read_all(c);
    answer_all(c->f); /* pages */
    read_all(c);
    for (size_t i = 0; i < ARRAY_LEN(c->seen); i++) {
        if (c->seen[i].reader != NULL) {
            assert_int_equal(c->seen[i].seq, c->f->rooms[ROOM].head);
            assert_int_equal(c->seen[i].reader->cursor.room->generation, c->f->generation);
        }
    }
}

static void nobody_misses_anything(void **state)
{
    size_t snapshots = 0, resets = 0, events = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        /* Of some, the tail holds but a few events. */
        struct chance chance = {.f = played_setup(4, seed % 2 == 0 ? 1500 : 1000000),
                                .state = seed * UINT64_C(0x9e3779b97f4a7c15)};
        chance.f->shows_generation = true;
        for (int step = 0; step < STEPS; step++) {
            do_something(&chance);
        }
        come_to_rest(&chance);
        assert_int_equal(played_teardown(chance.f), 0);
        snapshots += chance.snapshots;
        resets += chance.resets;
        events += chance.events;
    }
    printf("# %zu snapshots, %zu resets, %zu events\n", snapshots, resets, events);
    assert_true(snapshots > 10UL * SEEDS && resets > SEEDS && events > 100UL * SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_misses_anything)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
