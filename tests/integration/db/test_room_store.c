/* The registry of rooms against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define CLOSED_ROOM 3
#define MISSING_ROOM 5
#define OTHER_ROOMS 3000

struct answer {
    bool is_there;
    enum err err;
    struct room rooms[ROOM_STORE_SOME_MAX];
    size_t count;
    uint64_t rows_read;
};

static bool is_answered(void *arg)
{
    const struct answer *answer = arg;
    return answer->is_there;
}

static void on_some(void *arg, enum err err, const struct room *rooms, size_t count)
{
    struct answer *answer = arg;
    assert_in_range(count, 0, ROOM_STORE_SOME_MAX);
    answer->is_there = true;
    answer->err = err;
    answer->count = count;
    memcpy(answer->rooms, rooms, count * sizeof(*rooms));
}

/* Rooms 1 to count. */
static void find_some(struct registry *r, size_t count, struct answer *ret)
{
    uint64_t ids[ROOM_STORE_SOME_MAX];
    for (size_t i = 0; i < count; i++) {
        ids[i] = i + 1;
    }
    *ret = (struct answer){0};
    assert_int_equal(r->rooms.ops->find_some(r->rooms.self, ids, count, 0, on_some, ret), ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, ret, WAIT_MS));
    assert_int_equal(ret->err, ERR_OK);
}

struct rows_read {
    struct db_job job;
    struct answer *answer;
    char value[32];
};

static void on_rows_read(void *arg, enum err err)
{
    const struct rows_read *read = arg;
    read->answer->is_there = true;
    read->answer->err = err;
    read->answer->rows_read = strtoull(read->value, NULL, 10);
}

static const struct db_task read_rows_read = {
    .job_bytes = DB_JOB_BYTES(struct rows_read),
    .query = {.sql = "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS"
                     " WHERE VARIABLE_NAME = 'ROWS_READ'",
              .columns = DB_FIELDS(struct rows_read, value),
              .if_none = ERR_NOT_FOUND},
    .done = on_rows_read};

/* By the pool's one connection so far. */
static uint64_t rows_read(struct registry *r)
{
    struct answer answer = {0};
    struct rows_read *read = db_job_new(&read_rows_read);
    read->answer = &answer;
    assert_int_equal(db_pool_start(r->pool, read, 0), ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, &answer, WAIT_MS));
    assert_int_equal(answer.err, ERR_OK);
    return answer.rows_read;
}

static void make_rooms(void)
{
    AUTO(mem_free)
    char *rooms =
        mem_printf("INSERT INTO rooms (room_id, secret, janus_pin, publishers_max, node, owner_id,"
                   " created_unix_ms, closed_unix_ms) SELECT seq, CONCAT('secret', seq),"
                   " CONCAT('pin', seq), 100 + seq,"
                   " CONCAT('node-', seq), %" PRIu64
                   ", 1, IF(seq = %d, 2, NULL) FROM seq_1_to_%d WHERE seq <> %d",
                   fixture.user_id, CLOSED_ROOM, OTHER_ROOMS, MISSING_ROOM);
    must_run(fixture.db, rooms);
}

static void many_rooms_are_found_at_once(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, CLOSED_ROOM, 17, ROOM_STORE_SOME_MAX};
    struct registry r = registry_new();
    make_rooms();
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct answer found;
        const size_t count = counts[i];
        find_some(&r, count, &found);
        assert_int_equal(found.count,
                         count - (count >= CLOSED_ROOM ? 1 : 0) - (count >= MISSING_ROOM ? 1 : 0));
        for (size_t k = 0; k < found.count; k++) {
            const struct room *room = &found.rooms[k];
            AUTO(mem_free) char *secret = mem_printf("secret%" PRIu64, room->id);
            assert_in_range(room->id, 1, count);
            assert_int_not_equal(room->id, CLOSED_ROOM);
            assert_int_equal(room->publishers_max, 100 + room->id);
            AUTO(mem_free) char *node = mem_printf("node-%" PRIu64, room->id);
            assert_string_equal(room->node, node);
            assert_string_equal(room->secret, secret);
            AUTO(mem_free) char *pin = mem_printf("pin%" PRIu64, room->id);
            assert_string_equal(room->janus_pin, pin);
            assert_true(k == 0 || room->id != found.rooms[k - 1].id);
        }
    }
    registry_free(&r);
}

static void their_rows_only_are_read(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct answer found;
    make_rooms();
    uint64_t before = rows_read(&r);
    find_some(&r, ROOM_STORE_SOME_MAX, &found);
    assert_in_range(rows_read(&r) - before, found.count, 4 * ROOM_STORE_SOME_MAX);
    registry_free(&r);
}

struct added {
    bool is_there;
    enum err err;
    struct room room;
    bool is_new;
};

static bool is_added(void *arg)
{
    const struct added *added = arg;
    return added->is_there;
}

static void on_added(void *arg, enum err err, const struct room *room, bool is_new)
{
    struct added *added = arg;
    *added = (struct added){.is_there = true, .err = err, .is_new = is_new};
    if (room != NULL) {
        added->room = *room;
    }
}

/* With the key of the test; id: what was drawn. */
static struct added add_fresh(struct registry *r, uint64_t id, bool may_add)
{
    struct added added = {0};
    struct room_draft draft = {.room = {.id = id,
                                        .secret = "00112233445566778899aabbccddeeff",
                                        .publishers_max = 20,
                                        .node = "default"},
                               .owner_id = fixture.user_id,
                               .has_key = true,
                               .key = "0123456789abcde",
                               .may_add = may_add};
    assert_int_equal(r->rooms.ops->add(r->rooms.self, &draft, 0, on_added, &added), ERR_OK);
    assert_true(loop_run_until(r->loop, is_added, &added, WAIT_MS));
    return added;
}

static void a_room_is_made_once_and_only_if_it_may_be(void **state)
{
    static const struct {
        uint64_t id;
        uint64_t given;
        enum err err;
        bool may_add;
        bool is_new;
    } rows[] = {
        {77, 0, ERR_NO_SUCH_ROOM, false, false}, /* nothing is there yet */
        {77, 77, ERR_OK, true, true},
        {78, 77, ERR_OK, true, false},
        {79, 77, ERR_OK, false, false},
    };
    (void)state;
    struct registry r = registry_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct added added = add_fresh(&r, rows[i].id, rows[i].may_add);
        assert_int_equal(added.err, rows[i].err);
        assert_int_equal(added.room.id, rows[i].given);
        assert_int_equal(added.is_new, rows[i].is_new);
        AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM rooms");
        assert_string_equal(count, i == 0 ? "0" : "1");
    }
    registry_free(&r);
}

static void on_may(void *arg, enum err err)
{
    struct answer *answer = arg;
    answer->is_there = true;
    answer->err = err;
}

static enum err may_list(struct registry *r, uint64_t room_id, uint64_t user_id)
{
    struct answer answer = {0};
    assert_int_equal(r->rooms.ops->may_list(r->rooms.self, room_id, user_id, 0, on_may, &answer),
                     ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, &answer, WAIT_MS));
    return answer.err;
}

static void who_belongs_to_a_room_may_list_it(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_rooms();
    AUTO(mem_free)
    char *member = mem_printf("INSERT INTO room_members (room_id, user_id, role, added_unix_ms)"
                              " VALUES (1, %" PRIu64 ", 1, 1)",
                              fixture.other_id);
    must_run(fixture.db, member);
    /* 70 is in room 1, 71 was, 72 is in another one; a guest is nobody's. */
    must_run(
        fixture.db,
        "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
        " token_hash, address, joined_unix_ms, changed_unix_ms)"
        " SELECT seq, IF(seq = 3, 2, 1), IF(seq = 4, 0, 69 + seq), 'Ann', 2, IF(seq = 2, 3, 2),"
        " UNHEX(SHA2(seq, 256)), UNHEX(MD5('')), 1, 1 FROM seq_1_to_4");
    assert_int_equal(may_list(&r, 1, fixture.user_id), ERR_OK);
    assert_int_equal(may_list(&r, 1, fixture.other_id), ERR_OK);
    assert_int_equal(may_list(&r, 2, fixture.other_id), ERR_NO_SUCH_ROOM);
    assert_int_equal(may_list(&r, 1, 70), ERR_OK);
    assert_int_equal(may_list(&r, 1, 71), ERR_NO_SUCH_ROOM);
    assert_int_equal(may_list(&r, 1, 72), ERR_NO_SUCH_ROOM);
    assert_int_equal(may_list(&r, MISSING_ROOM, fixture.user_id), ERR_NO_SUCH_ROOM);
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_rooms_are_found_at_once),
        TEST(their_rows_only_are_read),
        TEST(a_room_is_made_once_and_only_if_it_may_be),
        TEST(who_belongs_to_a_room_may_list_it),
    };
    return cmocka_run_group_tests_name("room store", tests, server_setup, server_teardown);
}
