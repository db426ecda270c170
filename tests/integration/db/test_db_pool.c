/* A pool of connections and an outage, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/db/db_pool.h"
#include "tests/integration/db/server.h"
#include "tests/support/c/log_capture.h"

#define WAIT_MS 15000
#define THREADS 2

static struct fixture {
    struct server *server;
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct db_pool *pool;
    uint64_t ids[THREADS];
    size_t ended;
    bool was_away;
} fixture;

static int setup(void **state)
{
    log_capture_setup(state);
    fixture = (struct fixture){.server = *state};
    fixture.loop = loop_new();
    fixture.metrics = metrics_new();
    fixture.health = health_new();
    const struct db_pool_config config = {
        .name = "pool-test", .db = &fixture.server->db, .threads = THREADS, .queue_max = 16};
    fixture.pool = db_pool_new(fixture.loop, fixture.metrics, fixture.health, &config);
    return 0;
}

static int teardown(void **state)
{
    db_pool_free(&fixture.pool);
    health_free(&fixture.health);
    metrics_free(&fixture.metrics);
    loop_free(&fixture.loop);
    return log_capture_teardown(state);
}

static bool is_up(void *arg)
{
    (void)arg;
    return db_pool_is_up(fixture.pool);
}

/* It may be up again at once, when a probe was under way. */
static bool was_away(void *arg)
{
    (void)arg;
    return fixture.was_away;
}

static bool all_have_ended(void *arg)
{
    (void)arg;
    return fixture.ended == THREADS;
}

struct ask_id {
    struct db_job job;
    uint64_t id, slept;
};

static void on_id(void *arg, enum err err)
{
    const struct ask_id *ask = arg;
    assert_int_equal(err, ERR_OK);
    fixture.ids[fixture.ended++] = ask->id;
}

/* Long enough for the other thread to take the next one. */
static const struct db_task ask_id = {.job_bytes = DB_JOB_BYTES(struct ask_id),
                                      .query = {.sql = "SELECT CONNECTION_ID(), SLEEP(0.5)",
                                                .columns = DB_FIELDS(struct ask_id, id, slept)},
                                      .done = on_id};

/* Of all connections. */
static void ask_ids(uint64_t ret[THREADS])
{
    fixture.ended = 0;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(db_pool_start(fixture.pool, db_job_new(&ask_id), 0), ERR_OK);
    }
    assert_true(loop_run_until(fixture.loop, all_have_ended, NULL, WAIT_MS));
    memcpy(ret, fixture.ids, sizeof(fixture.ids));
    assert_true(ret[0] != ret[1]);
}

static enum err find_it_away(void *arg, struct db *db)
{
    (void)arg;
    (void)db;
    return ERR_UNAVAILABLE;
}

static void on_found_away(void *arg, enum err err)
{
    (void)arg;
    assert_int_equal(err, ERR_UNAVAILABLE);
    fixture.was_away = !db_pool_is_up(fixture.pool);
}

static const struct db_task away = {
    .job_bytes = sizeof(struct db_job), .work = find_it_away, .done = on_found_away};

/* One connection has found the server away, or of no use. The others are still good for a server
 * that may have been replaced by another one under its name. */
static void after_an_outage_all_connections_are_made_anew(void **state)
{
    (void)state;
    uint64_t before[THREADS];
    uint64_t after[THREADS];
    log_capture_expect("database is away");
    assert_true(loop_run_until(fixture.loop, is_up, NULL, WAIT_MS));
    ask_ids(before);
    ask_ids(after);
    assert_true(before[0] == after[0] || before[0] == after[1]); /* not without a reason */
    assert_int_equal(db_pool_start(fixture.pool, db_job_new(&away), 0), ERR_OK);
    assert_true(loop_run_until(fixture.loop, was_away, NULL, WAIT_MS));
    assert_true(loop_run_until(fixture.loop, is_up, NULL, WAIT_MS));
    ask_ids(after);
    for (size_t i = 0; i < THREADS; i++) {
        assert_true(after[i] != before[0] && after[i] != before[1]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {TEST(after_an_outage_all_connections_are_made_anew)};
    return cmocka_run_group_tests_name("db_pool", tests, server_setup, server_teardown);
}
