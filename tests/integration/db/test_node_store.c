/* Nodes, their leases and their rooms against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/db/db_sql.h"
#include "roomsvc/store/node_store_mysql.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define LEASE_MS 60000

struct asked {
    bool is_there;
    enum err err;
    struct node_lease lease;
    struct room rooms[ROOMS_PAGE];
    size_t count;
};

static struct {
    struct loop *loop;
    struct metrics *metrics;
    struct db_pool *pool;
    struct node_store store;
    struct asked asked;
} nodes;

static int setup(void **state)
{
    (void)store_fixture_setup(state);
    nodes.loop = loop_new();
    nodes.metrics = metrics_new();
    const struct db_pool_config config = {
        .name = "nodes-test", .db = &fixture.config, .threads = 1, .queue_max = 16};
    nodes.pool = db_pool_new(nodes.loop, nodes.metrics, NULL, &config);
    nodes.store = node_store_mysql(nodes.pool);
    return 0;
}

static int teardown(void **state)
{
    db_pool_free(&nodes.pool);
    metrics_free(&nodes.metrics);
    loop_free(&nodes.loop);
    return store_fixture_teardown(state);
}

static bool is_answered(void *arg)
{
    (void)arg;
    return nodes.asked.is_there;
}

static void on_lease(void *arg, enum err err, const struct node_lease *lease)
{
    (void)arg;
    nodes.asked.is_there = true;
    nodes.asked.err = err;
    if (lease != NULL) {
        nodes.asked.lease = *lease;
    }
}

static const struct node_lease *claim(const char *holder, uint64_t janus_session, bool release)
{
    struct node_claim wanted = {.node = "default",
                                .janus_session = janus_session,
                                .janus_handle = janus_session + 1,
                                .lease_ms = LEASE_MS,
                                .release = release};
    memcpy(wanted.holder, holder, sizeof(wanted.holder));
    nodes.asked = (struct asked){0};
    assert_int_equal(nodes.store.ops->claim(nodes.store.self, &wanted, 0, on_lease, NULL), ERR_OK);
    assert_true(loop_run_until(nodes.loop, is_answered, NULL, WAIT_MS));
    assert_int_equal(nodes.asked.err, ERR_OK);
    assert_string_equal(nodes.asked.lease.node, "default");
    return &nodes.asked.lease;
}

static bool holds(const struct node_lease *lease, const char *holder)
{
    return memcmp(lease->holder, holder, sizeof(lease->holder)) == 0;
}

#define ANN "ann\0\xff bytes 16bc"
#define BOB "bob's 16 bytes.."

static void a_lease_is_one_holders(void **state)
{
    (void)state;
    const struct node_lease *lease = claim(ANN, 7, false);
    assert_true(holds(lease, ANN));
    assert_int_equal(lease->epoch, 1);
    assert_int_equal(lease->remaining_ms, LEASE_MS);
    lease = claim(BOB, 9, false);
    assert_true(holds(lease, ANN));
    assert_int_equal(lease->janus_session, 7);
    assert_in_range(lease->remaining_ms, 1, LEASE_MS);
    /* A holder that does not know the session keeps the one that is stored. */
    lease = claim(ANN, 0, false);
    assert_int_equal(lease->epoch, 1);
    assert_int_equal(lease->janus_session, 7);
    assert_int_equal(lease->janus_handle, 8);
    must_run(fixture.db, "UPDATE nodes SET seen_unix_ms = 1");
    (void)claim(BOB, 0, false); /* who has not got it is not whom it is about */
    value_is("SELECT seen_unix_ms FROM nodes", "1");
    lease = claim(ANN, 0, true);
    assert_int_equal(lease->remaining_ms, 0);
    value_is("SELECT " DB_NOW_UNIX_MS " - seen_unix_ms < 60000 FROM nodes", "1");
    lease = claim(BOB, 0, false);
    assert_true(holds(lease, BOB));
    assert_int_equal(lease->epoch, 2);
    assert_int_equal(lease->janus_session, 7);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM nodes");
    assert_string_equal(count, "1");
}

static void on_rooms(void *arg, enum err err, const struct room *rooms, size_t count)
{
    (void)arg;
    nodes.asked.is_there = true;
    nodes.asked.err = err;
    nodes.asked.count = count;
    memcpy(nodes.asked.rooms, rooms, count * sizeof(*rooms));
}

static size_t page_of(const char *node, uint64_t after)
{
    nodes.asked = (struct asked){0};
    assert_int_equal(
        nodes.store.ops->rooms(nodes.store.self, str_of(node), after, 0, on_rooms, NULL), ERR_OK);
    assert_true(loop_run_until(nodes.loop, is_answered, NULL, WAIT_MS));
    assert_int_equal(nodes.asked.err, ERR_OK);
    return nodes.asked.count;
}

static void rooms_come_in_pages(void **state)
{
    (void)state;
    must_run(fixture.db, "INSERT INTO rooms (room_id, secret, publishers_max, owner_id,"
                         " created_unix_ms) SELECT 2 * seq, CONCAT('secret', seq), seq, 0, 0"
                         " FROM seq_1_to_502");
    must_run(fixture.db, "UPDATE rooms SET closed_unix_ms = 1 WHERE room_id = 4");
    must_run(fixture.db, "UPDATE rooms SET node = 'other' WHERE room_id = 6");
    must_run(fixture.db, "UPDATE rooms SET janus_pin = 'pin' WHERE room_id = 8");
    assert_int_equal(page_of("default", 0), ROOMS_PAGE);
    assert_int_equal(nodes.asked.rooms[0].id, 2);
    assert_string_equal(nodes.asked.rooms[0].janus_pin, "");
    assert_string_equal(nodes.asked.rooms[1].secret, "secret4");
    assert_string_equal(nodes.asked.rooms[1].janus_pin, "pin");
    assert_int_equal(nodes.asked.rooms[1].publishers_max, 4);
    assert_int_equal(nodes.asked.rooms[ROOMS_PAGE - 1].id, 1004);
    assert_int_equal(page_of("default", 1000), 2);
    assert_int_equal(page_of("other", 0), 1);
    assert_int_equal(page_of("none", 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lease_is_one_holders),
        TEST(rooms_come_in_pages),
    };
    return cmocka_run_group_tests_name("node_store", tests, server_setup, server_teardown);
}
