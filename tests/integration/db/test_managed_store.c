/* Rooms of people in the database: each command is done once, and two at once take turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/db/db_pool.h"
#include "roomsvc/store/managed_store_mysql.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define ROOMS_OF_USER 10

static struct {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct managed_db db;
    struct managed_store store;
    struct room_asker carol;
} t;

struct answer {
    unsigned count;
    enum err err;
    struct managed_outcome outcome;
};

static void on_run(void *arg, enum err err, const struct managed_outcome *outcome)
{
    struct answer *answer = arg;
    answer->count++;
    answer->err = err;
    if (err == ERR_OK) {
        answer->outcome = *outcome;
    }
}

static bool is_answered(void *arg)
{
    return ((const struct answer *)arg)->count > 0;
}

static enum err start(const struct msg *request, struct answer *ret)
{
    *ret = (struct answer){.count = 0};
    return t.store.ops->run(t.store.self, request, &t.carol, 0, on_run, ret);
}

static enum err run(const struct msg *request, struct answer *ret)
{
    const enum err err = start(request, ret);
    if (err == ERR_OK) {
        assert_true(loop_run_until(t.loop, is_answered, ret, WAIT_MS));
    }
    return err == ERR_OK ? ret->err : err;
}

static struct str new_key(void)
{
    static char keys[64][16];
    static size_t drawn;
    randombytes_buf(keys[drawn % 64], sizeof(keys[0]));
    return (struct str){.data = keys[drawn++ % 64], .bytes = sizeof(keys[0])};
}

static struct msg adding(const char *name)
{
    return (struct msg){.id = MSG_room_add,
                        .room_add = {.idempotency_key = new_key(),
                                     .options = {.has_name = true, .name = str_of(name)}}};
}

static uint64_t made_room(char ret_id[24])
{
    struct answer answer;
    const struct msg add = adding("Tea");
    assert_int_equal(run(&add, &answer), ERR_OK);
    AUTO(mem_free) char *text = mem_printf("%" PRIu64, answer.outcome.room.id);
    assert_true(str_copy(ret_id, 24, str_of(text)));
    return answer.outcome.room.id;
}

static void a_command_that_comes_again_is_done_once(void **state)
{
    struct answer first;
    struct answer again;
    const struct msg add = adding("Tea");
    (void)state;
    assert_int_equal(run(&add, &first), ERR_OK);
    assert_int_equal(run(&add, &again), ERR_OK);
    assert_int_equal(first.outcome.room.id, again.outcome.room.id);
    assert_string_equal(first.outcome.room.code, again.outcome.room.code);
    value_is("SELECT COUNT(*) FROM rooms", "1");
    value_is("SELECT janus_pin RLIKE '^[0-9a-f]{32}$' AND janus_pin <> secret FROM rooms", "1");

    char id[24];
    made_room(id);
    const struct msg change = {.id = MSG_room_change,
                               .room_change = {.idempotency_key = new_key(),
                                               .room = str_of(id),
                                               .has_version = true,
                                               .version = 1,
                                               .options = {.has_chat = true}}};
    assert_int_equal(run(&change, &first), ERR_OK);
    assert_int_equal(first.outcome.room.version, 2);
    assert_int_equal(run(&change, &again), ERR_OK);
    assert_int_equal(again.outcome.room.version, 2);

    const struct msg closing = {.id = MSG_room_close,
                                .room_close = {.idempotency_key = new_key(), .room = str_of(id)}};
    assert_int_equal(run(&closing, &first), ERR_OK);
    assert_int_equal(run(&closing, &again), ERR_OK);
    struct msg another = closing;
    another.room_close.idempotency_key = new_key();
    assert_int_equal(run(&another, &again), ERR_GONE);
    value_is("SELECT COUNT(*) FROM rooms WHERE closed_unix_ms IS NOT NULL"
             " AND due_unix_ms IS NULL", /* nothing of it is due any more */
             "1");
}

static void members_that_come_again_are_set_and_removed_once(void **state)
{
    char id[24];
    struct answer answer;
    (void)state;
    made_room(id);
    const struct msg set = {.id = MSG_member_set,
                            .member_set = {.idempotency_key = new_key(),
                                           .room = str_of(id),
                                           .user = STR_LIT("dave"),
                                           .role = ROOM_MODERATOR}};
    const struct msg removal = {.id = MSG_member_remove,
                                .member_remove = {.idempotency_key = new_key(),
                                                  .room = str_of(id),
                                                  .user = STR_LIT("dave")}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(&set, &answer), ERR_OK);
        assert_int_equal(answer.outcome.member.role, ROOM_MODERATOR);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(&removal, &answer), ERR_OK);
    }
    assert_int_equal(run(&set, &answer), ERR_NOT_FOUND); /* it was done, and is over since */
    value_is("SELECT COUNT(*) FROM room_members", "0");
}

/* The same command on two connections at once: one effect, and both are told of it. */
static void twice_at_once_is_once(void **state)
{
    struct answer one;
    struct answer other;
    const struct msg add = adding("Tea");
    (void)state;
    assert_int_equal(start(&add, &one), ERR_OK);
    assert_int_equal(start(&add, &other), ERR_OK);
    assert_true(loop_run_until(t.loop, is_answered, &one, WAIT_MS));
    assert_true(loop_run_until(t.loop, is_answered, &other, WAIT_MS));
    assert_int_equal(one.err, ERR_OK);
    assert_int_equal(other.err, ERR_OK);
    assert_int_equal(one.outcome.room.id, other.outcome.room.id);
    value_is("SELECT COUNT(*) FROM rooms", "1");
}

/* However many ask at once, nobody gets more than he may have. */
static void a_user_owns_as_many_as_he_may(void **state)
{
    struct msg adds[ROOMS_OF_USER + 5];
    struct answer answers[ARRAY_LEN(adds)];
    size_t made = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(adds); i++) {
        adds[i] = adding("Tea");
        assert_int_equal(start(&adds[i], &answers[i]), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(adds); i++) {
        assert_true(loop_run_until(t.loop, is_answered, &answers[i], WAIT_MS));
        assert_true(answers[i].err == ERR_OK || answers[i].err == ERR_ROOMS_FULL);
        made += answers[i].err == ERR_OK;
    }
    assert_int_equal(made, ROOMS_OF_USER);
}

/* What is refused leaves nothing behind, its key neither: with it, it may be done later. */
static void what_is_refused_leaves_nothing(void **state)
{
    struct answer answer;
    struct msg add = adding("");
    (void)state;
    assert_int_equal(run(&add, &answer), ERR_WRONG_MEMBER);
    value_is("SELECT COUNT(*) FROM room_commands", "0");
    add.room_add.options.name = STR_LIT("Tea");
    assert_int_equal(run(&add, &answer), ERR_OK);
    value_is("SELECT COUNT(*) FROM room_commands", "1");
}

#define ONE_BODY STR_LIT("0123456789abcdef")
#define OTHER_BODY STR_LIT("fedcba9876543210")

static void a_clients_key_is_for_one_body(void **state)
{
    struct answer first;
    struct answer again;
    struct msg add = adding("Tea");
    (void)state;
    add.room_add.body_hash = ONE_BODY;
    assert_int_equal(run(&add, &first), ERR_OK);
    assert_int_equal(run(&add, &again), ERR_OK);
    assert_int_equal(first.outcome.room.id, again.outcome.room.id);
    add.room_add.body_hash = OTHER_BODY;
    assert_int_equal(run(&add, &again), ERR_KEY_REUSED);
    value_is("SELECT COUNT(*) FROM rooms", "1");
}

/* Somebody begins with the same command, and does nothing more, for which the server gives him
 * three seconds. */
static void begin_the_same(const struct msg *add)
{
    const struct db_value values[] = {DB_V_BIN(add->room_add.idempotency_key)};
    const struct db_statement insert = {
        .sql = "INSERT INTO room_commands (command_key, room_id, created_unix_ms) VALUES (?, 0, 0)",
        .values = values,
        .value_count = ARRAY_LEN(values)};
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    assert_int_equal(db_run(fixture.db, &insert, NULL), ERR_OK);
}

static void a_clients_key_that_is_in_use_is_told(void **state)
{
    struct answer answer;
    struct msg add = adding("Tea");
    (void)state;
    begin_the_same(&add);
    assert_int_equal(run(&add, &answer), ERR_OVERLOADED);
    db_rollback(fixture.db);
    begin_the_same(&add);
    add.room_add.body_hash = ONE_BODY;
    assert_int_equal(run(&add, &answer), ERR_IN_FLIGHT);
    db_rollback(fixture.db);
    assert_int_equal(run(&add, &answer), ERR_OK);
}

static void on_swept(void *arg, enum err err, bool more)
{
    struct answer *answer = arg;
    answer->count++;
    answer->err = err;
    assert_false(more);
}

static void keys_of_a_day_ago_are_forgotten(void **state)
{
    struct answer answer = {.count = 0};
    (void)state;
    must_run(fixture.db, "INSERT INTO room_commands (command_key, room_id, created_unix_ms)"
                         " VALUES (REPEAT('a', 16), 1, 1),"
                         " (REPEAT('b', 16), 1, UNIX_TIMESTAMP() * 1000 - 3600000)");
    assert_int_equal(t.store.ops->sweep(t.store.self, on_swept, &answer), ERR_OK);
    assert_true(loop_run_until(t.loop, is_answered, &answer, WAIT_MS));
    assert_int_equal(answer.err, ERR_OK);
    value_is("SELECT CONCAT(COUNT(*), MIN(command_key)) FROM room_commands", "1bbbbbbbbbbbbbbbb");
}

static bool is_ready(void *arg)
{
    (void)arg;
    return health_is_ready(t.health);
}

static int set_up_store(void **state)
{
    store_fixture_setup(state);
    t.loop = loop_new();
    t.metrics = metrics_new();
    t.health = health_new();
    const struct db_pool_config config = {
        .name = "rooms-test", .db = &fixture.config, .threads = 2, .queue_max = 16};
    t.db = (struct managed_db){.pool = db_pool_new(t.loop, t.metrics, t.health, &config),
                               .limits = {.node = "default",
                                          .publishers_max = 20,
                                          .rooms_of_user_max = ROOMS_OF_USER,
                                          .members_max = 10}};
    t.store = managed_store_mysql(&t.db);
    t.carol = (struct room_asker){.user_id = fixture.user_id};
    must_run(fixture.db, "INSERT INTO users (username, password) VALUES ('dave', 'x')");
    assert_true(loop_run_until(t.loop, is_ready, NULL, WAIT_MS));
    return 0;
}

static int tear_down_store(void **state)
{
    db_pool_free(&t.db.pool);
    health_free(&t.health);
    metrics_free(&t.metrics);
    loop_free(&t.loop);
    return store_fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_store, tear_down_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_that_comes_again_is_done_once),
        TEST(members_that_come_again_are_set_and_removed_once),
        TEST(twice_at_once_is_once),
        TEST(a_user_owns_as_many_as_he_may),
        TEST(what_is_refused_leaves_nothing),
        TEST(a_clients_key_is_for_one_body),
        TEST(a_clients_key_that_is_in_use_is_told),
        TEST(keys_of_a_day_ago_are_forgotten),
    };
    return cmocka_run_group_tests_name("store of rooms of people", tests, server_setup,
                                       server_teardown);
}
