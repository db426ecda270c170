/* The whole of authsvc but the bus, against a real server. Two stacks on one loop stand for two
 * replicas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <time.h>

#include "authsvc/authsvc.h"
#include "authsvc/hash/hasher_pool.h"
#include "authsvc/store/store_mysql.h"
#include "tests/integration/db/store_fixture.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

#define WAIT_MS 15000
#define ANSWER_MIN_MS 1500 /* what waits for the database in vain waits for longer than that */

struct replica {
    struct metrics *metrics;
    struct health *health;
    struct store_mysql *store;
    struct hasher_pool *hasher;
    struct auth auth;
};

static struct replica *replica_new(struct loop *loop, uint64_t sessions_max)
{
    struct replica *r = mem_alloc(sizeof(*r));
    const struct store_mysql_config store = {.db = &fixture.config,
                                             .session_threads = 1,
                                             .session_queue_max = 64,
                                             .login_threads = 2,
                                             .login_queue_max = 64};
    const struct hasher_pool_config hasher = {.program = LYNKS_HASH,
                                              .params = {.memory_kib = 64, .passes = 1},
                                              .processes = 1,
                                              .queue_max = 64};
    static char closed[] = "closed";
    const struct authsvc_config config = {.registration = closed,
                                          .session_idle_s = 60,
                                          .session_lifetime_s = 43200,
                                          .web_session_idle_s = 6000,
                                          .web_session_lifetime_s = 86400,
                                          .session_outage_s = 60,
                                          .sessions_per_user_max = sessions_max,
                                          .session_cache_max = 100,
                                          .session_lookups_max = 64};
    r->metrics = metrics_new();
    r->health = health_new();
    r->store = store_mysql_new(loop, r->metrics, r->health, &store);
    r->hasher = hasher_pool_new(loop, r->metrics, &hasher);
    const struct auth_parts parts = {.clock = loop_clock(loop),
                                     .store = store_mysql_store(r->store),
                                     .hasher = hasher_pool_hasher(r->hasher),
                                     .metrics = r->metrics};
    auth_init(&r->auth, &parts, &config);
    return r;
}

static void replica_free(struct replica **replica)
{
    struct replica *r = *replica;
    auth_stop(&r->auth);
    hasher_pool_free(&r->hasher);
    store_mysql_free(&r->store);
    auth_fini(&r->auth);
    health_free(&r->health);
    metrics_free(&r->metrics);
    mem_free(replica);
}

static bool is_answered(void *arg)
{
    const struct mock_call *call = arg;
    return call->answers > 0;
}

static bool is_ready(void *arg)
{
    const struct replica *r = arg;
    return health_is_ready(r->health);
}

static bool is_not_ready(void *arg)
{
    return !is_ready(arg);
}

static enum err serve(struct loop *loop, struct replica *r, const struct msg *request)
{
    struct mock_call call;
    mock_call_init(&call, loop_clock(loop), request);
    const struct call_handler *handler = auth_handlers;
    while (handler->request != request->id) {
        handler++;
    }
    handler->fn(&r->auth, &call.call);
    assert_true(loop_run_until(loop, is_answered, &call, WAIT_MS));
    enum err err = call.err;
    mock_call_fini(&call);
    return err;
}

static enum err log_in(struct loop *loop, struct replica *r, const char *password, uint64_t n)
{
    struct token_hash hash = token(n);
    const struct msg request = {
        .id = MSG_login,
        .login = {.username = STR_LIT("testuser"),
                  .password = str_of(password),
                  .token_hash = {.data = (const char *)hash.bytes, .bytes = TOKEN_HASH_BYTES}}};
    return serve(loop, r, &request);
}

static enum err check(struct loop *loop, struct replica *r, uint64_t n)
{
    struct token_hash hash = token(n);
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {.data = (const char *)hash.bytes,
                                                                 .bytes = TOKEN_HASH_BYTES}}};
    return serve(loop, r, &request);
}

static void logins_and_checks(void **state)
{
    (void)state;
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 10);
    struct replica *b = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_true(loop_run_until(loop, is_ready, b, WAIT_MS));
    assert_int_equal(log_in(loop, a, "wrong", 1), ERR_BAD_CREDENTIALS);
    assert_int_equal(check(loop, a, 1), ERR_UNAUTHORIZED);
    assert_int_equal(log_in(loop, a, "test123", 1), ERR_OK);
    assert_int_equal(log_in(loop, b, "test123", 1), ERR_OK); /* the same call, sent again */
    assert_int_equal(check(loop, a, 1), ERR_OK);
    assert_int_equal(check(loop, b, 1), ERR_OK);
    assert_int_equal(check(loop, b, 2), ERR_UNAUTHORIZED);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "1");
    replica_free(&a);
    replica_free(&b);
    /* A session outlives the process. */
    a = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_int_equal(check(loop, a, 1), ERR_OK);
    replica_free(&a);
}

static bool password_is_rewritten(void *arg)
{
    static const char select[] = "SELECT password LIKE '$argon2id$%' FROM users"
                                 " WHERE username = 'testuser'";
    (void)arg;
    AUTO(mem_free) char *is = must_select(fixture.db, select);
    return strcmp(is, "1") == 0;
}

static void the_first_login_rewrites_an_old_hash(void **state)
{
    (void)state;
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_false(password_is_rewritten(NULL));
    assert_int_equal(log_in(loop, a, "wrong", 1), ERR_BAD_CREDENTIALS);
    assert_false(password_is_rewritten(NULL));
    assert_int_equal(log_in(loop, a, "test123", 1), ERR_OK);
    assert_true(loop_run_until(loop, password_is_rewritten, NULL, WAIT_MS));
    assert_int_equal(log_in(loop, a, "test123", 2), ERR_OK);
    replica_free(&a);
}

static bool has_nothing_cached(void *arg)
{
    const struct replica *r = arg;
    return metric_value(metrics_gauge(r->metrics, "lynks_auth_sessions_cached", "", NULL)) == 0;
}

static void an_evicted_session_ends_on_every_replica(void **state)
{
    (void)state;
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 1);
    struct replica *b = replica_new(loop, 1);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_true(loop_run_until(loop, is_ready, b, WAIT_MS));
    assert_int_equal(log_in(loop, b, "test123", 1), ERR_OK);
    assert_int_equal(check(loop, b, 1), ERR_OK);
    assert_int_equal(log_in(loop, a, "test123", 2), ERR_OK);
    assert_int_equal(check(loop, b, 1), ERR_OK);
    assert_true(loop_run_until(loop, has_nothing_cached, b, 1000));
    assert_int_equal(check(loop, b, 1), ERR_UNAUTHORIZED);
    assert_int_equal(check(loop, b, 2), ERR_OK);
    replica_free(&a);
    replica_free(&b);
}

static bool is_later(void *arg)
{
    const uint64_t *end_ms = arg;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 >= *end_ms;
}

static void turn(struct loop *loop, uint64_t ms)
{
    uint64_t end_ms = clock_mono_ms(loop_clock(loop)) + ms;
    assert_true(loop_run_until(loop, is_later, &end_ms, WAIT_MS));
}

/* Ready, and logins work. */
static void recovers_within(struct loop *loop, struct replica *r, uint64_t ms)
{
    uint64_t start_ms = clock_mono_ms(loop_clock(loop));
    assert_true(loop_run_until(loop, is_ready, r, ms));
    while (log_in(loop, r, "test123", 3) != ERR_OK) {
        turn(loop, 20);
        assert_true(clock_mono_ms(loop_clock(loop)) - start_ms < ms);
    }
}

static void expect_outage(void)
{
    log_capture_expect("database is away");
    log_capture_expect("login failed");
    log_capture_expect("session check failed");
}

static void recovers_from_a_killed_server(void **state)
{
    (void)state;
    expect_outage();
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_int_equal(log_in(loop, a, "test123", 1), ERR_OK);
    /* Data definition flushes the log: what was committed survives the kill. */
    must_run(fixture.db, "CREATE TABLE flushed (id INT PRIMARY KEY)");
    server_kill(fixture.server);
    assert_true(loop_run_until(loop, is_not_ready, a, WAIT_MS));
    uint64_t start_ms = clock_mono_ms(loop_clock(loop));
    assert_int_equal(check(loop, a, 1), ERR_OK);
    assert_int_equal(check(loop, a, 2), ERR_UNAVAILABLE);
    assert_int_equal(log_in(loop, a, "test123", 2), ERR_UNAVAILABLE);
    assert_true(clock_mono_ms(loop_clock(loop)) - start_ms < ANSWER_MIN_MS); /* at once */
    server_restart(fixture.server);
    recovers_within(loop, a, 2000);
    assert_int_equal(check(loop, a, 1), ERR_OK);
    replica_free(&a);
}

static void a_server_that_does_not_answer(void **state)
{
    (void)state;
    expect_outage();
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_int_equal(log_in(loop, a, "test123", 1), ERR_OK);
    server_stop_responding(fixture.server);
    uint64_t start_ms = clock_mono_ms(loop_clock(loop));
    enum err cached = check(loop, a, 1);
    uint64_t cached_ms = clock_mono_ms(loop_clock(loop)) - start_ms;
    enum err login = log_in(loop, a, "test123", 2);
    uint64_t login_ms = clock_mono_ms(loop_clock(loop)) - start_ms;
    server_go_on(fixture.server);
    assert_int_equal(cached, ERR_OK);
    assert_true(cached_ms < ANSWER_MIN_MS);
    assert_int_equal(login, ERR_UNAVAILABLE);
    assert_true(login_ms < 4000); /* within the deadline of a request */
    recovers_within(loop, a, 2000);
    replica_free(&a);
}

/* Which trouble it was is told in the server's words. That no connection from before is used again
 * is test_db_pool's. */
static void recovers_from_a_server_that_was_read_only(void **state)
{
    (void)state;
    expect_outage();
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_int_equal(log_in(loop, a, "test123", 1), ERR_OK);
    server_as_root(fixture.server, "SET GLOBAL read_only = 1");
    const bool is_told = loop_run_until(loop, is_not_ready, a, WAIT_MS);
    AUTO(mem_free) char *health = health_json(a->health);
    const enum err login = log_in(loop, a, "test123", 2);
    const enum err known = check(loop, a, 1);
    server_as_root(fixture.server, "SET GLOBAL read_only = 0");
    assert_true(is_told);
    assert_non_null(strstr(health, "read-only"));
    assert_int_equal(login, ERR_UNAVAILABLE);
    assert_int_equal(known, ERR_OK);
    recovers_within(loop, a, 2000);
    assert_int_equal(log_in(loop, a, "test123", 3), ERR_OK);
    assert_int_equal(check(loop, a, 1), ERR_OK);
    replica_free(&a);
}

static int reset_defaults_and_teardown(void **state)
{
    server_reset_defaults(fixture.server);
    return store_fixture_teardown(state);
}

static void hostile_defaults_of_the_server_do_no_harm(void **state)
{
    (void)state;
    server_set_hostile_defaults(fixture.server);
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 2);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    for (uint64_t n = 1; n <= 5; n++) {
        assert_int_equal(log_in(loop, a, "test123", n), ERR_OK);
        assert_int_equal(check(loop, a, n), ERR_OK);
    }
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "2");
    must_run(fixture.db, "ALTER TABLE sessions COMMENT 'no transaction was left open'");
    replica_free(&a);
}

static bool is_drained(void *arg)
{
    const struct replica *r = arg;
    return sessions_is_drained(r->auth.sessions);
}

static void draining_writes_what_slid(void **state)
{
    (void)state;
    AUTO(loop_free) struct loop *loop = loop_new();
    struct replica *a = replica_new(loop, 10);
    assert_true(loop_run_until(loop, is_ready, a, WAIT_MS));
    assert_int_equal(log_in(loop, a, "test123", 1), ERR_OK);
    struct session before;
    struct session after;
    assert_true(exists(1, &before));
    turn(loop, 20);
    assert_int_equal(check(loop, a, 1), ERR_OK);
    sessions_drain(a->auth.sessions);
    assert_true(loop_run_until(loop, is_drained, a, WAIT_MS));
    assert_true(exists(1, &after));
    assert_true(after.expires_unix_ms > before.expires_unix_ms);
    replica_free(&a);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(logins_and_checks),
        TEST(the_first_login_rewrites_an_old_hash),
        TEST(an_evicted_session_ends_on_every_replica),
        TEST(recovers_from_a_killed_server),
        TEST(a_server_that_does_not_answer),
        TEST(recovers_from_a_server_that_was_read_only),
        cmocka_unit_test_setup_teardown(hostile_defaults_of_the_server_do_no_harm,
                                        store_fixture_setup, reset_defaults_and_teardown),
        TEST(draining_writes_what_slid),
    };
    return cmocka_run_group_tests_name("authsvc", tests, server_setup, server_teardown);
}
