/* How rooms end, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define STANDARD_ROOM 9
#define HOUR_MS 3600000

struct answer {
    bool is_there;
    enum err err;
    struct life_room room;
    uint64_t room_id;
    bool is_new;
};

static bool is_answered(void *arg)
{
    const struct answer *answer = arg;
    return answer->is_there;
}

static void on_life(void *arg, enum err err)
{
    struct answer *answer = arg;
    *answer = (struct answer){.is_there = true, .err = err};
}

static void on_room(void *arg, enum err err, const struct life_room *room)
{
    struct answer *answer = arg;
    *answer = (struct answer){.is_there = true, .err = err};
    if (room != NULL) {
        answer->room = *room;
    }
}

static void on_room_added(void *arg, enum err err, const struct room *room, bool is_new)
{
    struct answer *answer = arg;
    *answer = (struct answer){
        .is_there = true, .err = err, .room_id = room != NULL ? room->id : 0, .is_new = is_new};
}

static void wait_for(struct registry *r, struct answer *answer)
{
    assert_true(loop_run_until(r->loop, is_answered, answer, WAIT_MS));
}

static struct answer take_of(struct registry *r, bool is_of_closed)
{
    const struct life_turn turn = {.standard_room = STANDARD_ROOM,
                                   .is_of_closed = is_of_closed,
                                   .open_again_ms = HOUR_MS,
                                   .closed_again_ms = 2 * HOUR_MS};
    struct answer answer = {0};
    assert_int_equal(r->life.ops->take(r->life.self, &turn, on_room, &answer), ERR_OK);
    wait_for(r, &answer);
    return answer;
}

static struct answer take(struct registry *r)
{
    return take_of(r, false);
}

static enum err close_room(struct registry *r, uint64_t room_id, uint64_t unused_ms)
{
    struct answer answer = {0};
    assert_int_equal(
        r->life.ops->close(r->life.self, room_id, unused_ms, HOUR_MS, on_life, &answer), ERR_OK);
    wait_for(r, &answer);
    return answer.err;
}

static enum err remove_room(struct registry *r, uint64_t room_id, uint64_t closed_ms)
{
    struct answer answer = {0};
    assert_int_equal(r->life.ops->remove(r->life.self, room_id, closed_ms, on_life, &answer),
                     ERR_OK);
    wait_for(r, &answer);
    return answer.err;
}

static void use_room(struct registry *r, uint64_t room_id)
{
    struct answer answer = {0};
    assert_int_equal(r->life.ops->use(r->life.self, &room_id, 1, on_life, &answer), ERR_OK);
    wait_for(r, &answer);
    assert_int_equal(answer.err, ERR_OK);
}

static struct answer add_fresh(struct registry *r, uint64_t id)
{
    struct answer answer = {0};
    struct room_draft draft = {.room = {.id = id,
                                        .secret = "00112233445566778899aabbccddeeff",
                                        .publishers_max = 20,
                                        .node = "default"},
                               .owner_id = fixture.user_id,
                               .has_key = true,
                               .key = "0123456789abcde",
                               .look_in_ms = HOUR_MS,
                               .may_add = true};
    assert_int_equal(r->rooms.ops->add(r->rooms.self, &draft, 0, on_room_added, &answer), ERR_OK);
    wait_for(r, &answer);
    return answer;
}

/* used, look: how long ago, as SQL; a number of ms is subtracted from the database's clock. */
static void make_room(uint64_t id, const char *used, const char *look)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms,"
        " used_unix_ms, look_unix_ms) VALUES (%" PRIu64 ", 'secret', 20, %" PRIu64 ", 1, %s, %s)",
        id, fixture.user_id, used, look);
    must_run(fixture.db, insert);
}

#define NOW "FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)"
#define LONG_AGO NOW " - 10 * 3600000"

static void rooms_have_their_turns(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(STANDARD_ROOM, LONG_AGO, "1");
    make_room(3, LONG_AGO, NOW " - 1000");
    make_room(4, LONG_AGO, NOW " - 2000");
    make_room(5, LONG_AGO, NOW " + 1000000");
    make_room(6, "0", "0");
    static const uint64_t order[] = {6, 4, 3};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const struct answer taken = take(&r);
        assert_int_equal(taken.err, ERR_OK);
        assert_int_equal(taken.room.room.id, order[i]);
        assert_int_equal(taken.room.room.publishers_max, 20);
        assert_string_equal(taken.room.room.node, "default");
        assert_int_equal(taken.room.is_known, order[i] != 6);
        assert_int_equal(taken.room.is_closed, 0);
    }
    assert_int_equal(take(&r).err, ERR_NO_SUCH_ROOM);
    /* One that was not known is, from now on. */
    AUTO(mem_free)
    char *used = must_select(fixture.db,
                             "SELECT used_unix_ms > " NOW " - 600000 FROM rooms WHERE room_id = 6");
    assert_string_equal(used, "1");
    registry_free(&r);
}

static void who_is_in_a_room_keeps_it(struct registry *r)
{
    make_room(50, LONG_AGO, "1");
    must_run(fixture.db,
             "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
             " token_hash, address, joined_unix_ms, changed_unix_ms) VALUES"
             " (1, 50, 0, 'Ann', 2, 2, UNHEX(SHA2(1, 256)), UNHEX(MD5('')), 1, 1)");
    assert_int_equal(close_room(r, 50, HOUR_MS), ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "UPDATE participants SET state = 3");
    assert_int_equal(close_room(r, 50, HOUR_MS), ERR_OK);
}

static void only_what_nobody_uses_is_closed(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(3, LONG_AGO, NOW);
    make_room(4, LONG_AGO, NOW);
    make_room(5, "0", NOW);
    assert_int_equal(close_room(&r, 3, 11 * HOUR_MS), ERR_NO_SUCH_ROOM);
    use_room(&r, 3); /* asked for at that moment */
    assert_int_equal(close_room(&r, 3, 9 * HOUR_MS), ERR_NO_SUCH_ROOM);
    assert_int_equal(close_room(&r, 4, 9 * HOUR_MS), ERR_OK);
    assert_int_equal(close_room(&r, 4, 9 * HOUR_MS), ERR_NO_SUCH_ROOM); /* by another replica */
    assert_int_equal(close_room(&r, 5, 9 * HOUR_MS), ERR_NO_SUCH_ROOM); /* not known */
    use_room(&r, 4);                                                    /* too late */
    AUTO(mem_free)
    char *open = must_select(fixture.db, "SELECT GROUP_CONCAT(room_id ORDER BY room_id) FROM rooms"
                                         " WHERE closed_unix_ms IS NULL");
    assert_string_equal(open, "3,5");
    who_is_in_a_room_keeps_it(&r);
    registry_free(&r);
}

static void a_closed_room_has_turns_until_its_row_goes(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(3, LONG_AGO, NOW);
    assert_int_equal(remove_room(&r, 3, 0), ERR_NO_SUCH_ROOM); /* it is open */
    assert_int_equal(close_room(&r, 3, HOUR_MS), ERR_OK);
    assert_int_equal(take(&r).err, ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "UPDATE rooms SET look_unix_ms = 1");
    const struct answer taken = take(&r);
    assert_int_equal(taken.room.room.id, 3);
    assert_int_equal(taken.room.is_closed, 1);
    assert_int_equal(remove_room(&r, 3, HOUR_MS), ERR_NO_SUCH_ROOM); /* too early */
    assert_int_equal(remove_room(&r, 3, 0), ERR_OK);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM rooms");
    assert_string_equal(count, "0");
    registry_free(&r);
}

static void open_rooms_have_no_turn_where_they_do_not_end(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(3, LONG_AGO, "1");
    make_room(4, LONG_AGO, NOW);
    assert_int_equal(take_of(&r, true).err, ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "UPDATE rooms SET closed_unix_ms = 1 WHERE room_id = 4");
    const struct answer taken = take_of(&r, true);
    assert_int_equal(taken.err, ERR_OK);
    assert_int_equal(taken.room.room.id, 4);
    assert_int_equal(take_of(&r, true).err, ERR_NO_SUCH_ROOM);
    registry_free(&r);
}

/* The key of a room that has ended makes a fresh one; who asks for one that is there uses it. */
static void a_key_is_free_when_its_room_has_ended(void **state)
{
    (void)state;
    struct registry r = registry_new();
    assert_true(add_fresh(&r, 3).is_new);
    assert_int_equal(take(&r).err, ERR_NO_SUCH_ROOM); /* its first turn comes later */
    must_run(fixture.db, "UPDATE rooms SET used_unix_ms = " LONG_AGO);
    struct answer again = add_fresh(&r, 4);
    assert_int_equal(again.room_id, 3);
    assert_false(again.is_new);
    assert_int_equal(close_room(&r, 3, HOUR_MS), ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "UPDATE rooms SET used_unix_ms = " LONG_AGO);
    assert_int_equal(close_room(&r, 3, HOUR_MS), ERR_OK);
    again = add_fresh(&r, 4);
    assert_int_equal(again.err, ERR_OK);
    assert_int_equal(again.room_id, 4);
    assert_true(again.is_new);
    registry_free(&r);
}

/* A room with a code; closed: when, or NULL. */
static void make_coded_room(uint64_t id, const char *closed, unsigned in_janus)
{
    make_room(id, LONG_AGO, "0");
    AUTO(mem_free)
    char *update = mem_printf("UPDATE rooms SET code = CONCAT('abcdefghi', CHAR(96 + %" PRIu64
                              ")), in_janus = %u, closed_unix_ms = %s WHERE room_id = %" PRIu64,
                              id, in_janus, closed, id);
    must_run(fixture.db, update);
}

static void assert_row(uint64_t id, const char *what, const char *expected)
{
    AUTO(mem_free)
    char *query = mem_printf("SELECT %s FROM rooms WHERE room_id = %" PRIu64, what, id);
    AUTO(mem_free) char *found = must_select(fixture.db, query);
    assert_string_equal(found, expected);
}

/* What ends them is no matter of this (end_store.h). Then they are ended in Janus, twice where they
 * are there; whoever comes by the link is told for 30 days, and nothing more is to be done
 * meanwhile. */
static void rooms_with_a_code_are_ended_in_janus_and_told_of(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_coded_room(1, "NULL", 1);
    make_coded_room(2, NOW " - 5000", 1);
    struct answer answer = take(&r);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(answer.room.room.id, 2);
    assert_int_equal(answer.room.is_closed, 1);
    assert_int_equal(remove_room(&r, 2, HOUR_MS), ERR_NO_SUCH_ROOM);
    assert_row(2, "in_janus", "1");
    assert_row(2, "look_unix_ms > " NOW " AND look_unix_ms <= " NOW " + 2 * 3600000", "1");
    assert_int_equal(take(&r).err, ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "UPDATE rooms SET look_unix_ms = 1");
    assert_int_equal(take(&r).room.room.id, 2);
    assert_int_equal(remove_room(&r, 2, 1000), ERR_NO_SUCH_ROOM);
    assert_row(2, "in_janus", "0");
    must_run(fixture.db, "UPDATE rooms SET look_unix_ms = 1");
    assert_int_equal(take_of(&r, true).room.room.id, 2);
    assert_row(2, "look_unix_ms = closed_unix_ms + 2592000000", "1");
    assert_int_equal(take(&r).err, ERR_NO_SUCH_ROOM);
    assert_row(1, "closed_unix_ms IS NULL AND in_janus", "1");
    must_run(fixture.db, "UPDATE rooms SET closed_unix_ms = closed_unix_ms - 2592000000,"
                         " look_unix_ms = look_unix_ms - 2592000000 WHERE room_id = 2");
    assert_int_equal(take(&r).room.room.id, 2);
    assert_int_equal(remove_room(&r, 2, 0), ERR_OK);
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rooms_have_their_turns),
        TEST(rooms_with_a_code_are_ended_in_janus_and_told_of),
        TEST(only_what_nobody_uses_is_closed),
        TEST(a_closed_room_has_turns_until_its_row_goes),
        TEST(open_rooms_have_no_turn_where_they_do_not_end),
        TEST(a_key_is_free_when_its_room_has_ended),
    };
    return cmocka_run_group_tests_name("life store", tests, server_setup, server_teardown);
}
