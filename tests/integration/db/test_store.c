/* The store's statements, and the whole of authsvc but the bus, against a real server. Two stacks
 * on one loop stand for two replicas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "authsvc/handlers.h"
#include "authsvc/hasher_pool.h"
#include "authsvc/store_mysql.h"
#include "authsvc/store_sql.h"
#include "sql/migrate.h"
#include "tests/integration/db/server.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

#define WAIT_MS 15000
#define TEST123 "ecd71870d1963316a97e3ac3408c9835ad8cf0f3c1bc703527c30265534f75ae"
#define NOW 1700000000000

static char database[] = "lynks_test_store";
static char sql_dir[] = LYNKS_SOURCE_DIR "/sql";

static struct fixture {
    struct server *server;
    struct db_config config;
    struct db *db;
    uint64_t user_id; /* testuser / test123 */
    uint64_t other_id;
} fixture;

static void make_users(void)
{
    /* As the migration leaves them. */
    char wrapped[PASSWORD_STORED_BYTES];
    const struct password_params params = {.memory_kib = 64, .passes = 1};
    assert_int_equal(password_wrap(&params, STR_LIT(TEST123), wrapped), ERR_OK);
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO users (username, password) VALUES ('testuser', '%s'), ('other', '%s')",
        wrapped, wrapped);
    must_run(fixture.db, insert);
    AUTO(mem_free)
    char *id = must_select(fixture.db, "SELECT id FROM users WHERE username = 'testuser'");
    fixture.user_id = strtoul(id, NULL, 10);
    fixture.other_id = fixture.user_id + 1;
}

static int setup(void **state)
{
    log_capture_setup(state);
    fixture.server = *state;
    server_make_database(fixture.server, database, &fixture.config);
    const struct migrate_config migrate = {.db = fixture.config,
                                           .sql_dir = sql_dir,
                                           .wait_s = 10,
                                           .timeout_s = 30,
                                           .password = {.memory_kib = 64, .passes = 1}};
    assert_true(migrate_run(&migrate));
    fixture.db = db_new(&fixture.config);
    make_users();
    return 0;
}

static int teardown(void **state)
{
    db_free(&fixture.db);
    return log_capture_teardown(state);
}

static struct token_hash token(uint64_t n)
{
    struct token_hash hash = {{0}};
    memcpy(hash.bytes, &n, sizeof(n));
    hash.bytes[31] = 0xff; /* not UTF-8 */
    return hash;
}

static struct store_draft draft(uint64_t n, uint64_t sessions_max)
{
    return (struct store_draft){.token = token(n),
                                .user_id = fixture.user_id,
                                .now_unix_ms = NOW,
                                .expires_unix_ms = NOW + 1000 + n,
                                .sessions_max = sessions_max};
}

static void open_session(uint64_t n, uint64_t sessions_max)
{
    struct store_opened opened;
    struct store_draft d = draft(n, sessions_max);
    assert_int_equal(store_sql_open_session(fixture.db, &d, &opened), ERR_OK);
}

static bool exists(uint64_t n, struct session *ret)
{
    bool found = false;
    struct token_hash hash = token(n);
    assert_int_equal(store_sql_find_session(fixture.db, &hash, ret, &found), ERR_OK);
    return found;
}

/* ---- statements ---- */

static void a_session_is_opened_once(void **state)
{
    (void)state;
    struct store_opened opened;
    struct session found;
    struct store_draft d = draft(1, 10);
    assert_false(exists(1, &found));
    assert_int_equal(store_sql_open_session(fixture.db, &d, &opened), ERR_OK);
    assert_true(exists(1, &found));
    assert_int_equal(found.id, opened.session.id);
    assert_int_equal(found.user_id, fixture.user_id);
    assert_int_equal(found.created_unix_ms, NOW);
    assert_int_equal(found.expires_unix_ms, NOW + 1001);
    struct store_opened again;
    assert_int_equal(store_sql_open_session(fixture.db, &d, &again), ERR_OK);
    assert_int_equal(again.session.id, opened.session.id);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "1");

    struct store_draft theirs = d;
    theirs.user_id = fixture.other_id;
    assert_int_equal(store_sql_open_session(fixture.db, &theirs, &again), ERR_CONFLICT);
    struct store_draft late = d;
    late.now_unix_ms = NOW + 1001;
    assert_int_equal(store_sql_open_session(fixture.db, &late, &again), ERR_CONFLICT);
    struct store_draft nobody = draft(2, 10);
    nobody.user_id = 999;
    assert_int_equal(store_sql_open_session(fixture.db, &nobody, &again), ERR_BAD_CREDENTIALS);
    assert_false(exists(2, &found));
}

static void the_oldest_goes_first(void **state)
{
    (void)state;
    struct session found;
    for (uint64_t n = 1; n <= 3; n++) {
        open_session(n, 3);
    }
    struct store_opened opened;
    struct store_draft d = draft(4, 3);
    assert_int_equal(store_sql_open_session(fixture.db, &d, &opened), ERR_OK);
    struct token_hash first = token(1);
    assert_int_equal(opened.evicted_count, 1);
    assert_memory_equal(&opened.evicted[0], &first, sizeof(first));
    assert_false(exists(1, &found));
    assert_true(exists(2, &found));
    /* One that is over goes before the oldest; the new one never goes. */
    must_run(fixture.db, "UPDATE sessions SET expires_unix_ms = 5 ORDER BY id DESC LIMIT 1");
    open_session(5, 3);
    assert_true(exists(2, &found));
    assert_false(exists(4, &found));
    open_session(6, 1);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "1");
    assert_true(exists(6, &found));
    AUTO(mem_free)
    char *revoked = must_select(fixture.db, "SELECT COUNT(*) FROM session_revocations");
    assert_string_equal(revoked, "5");
}

static void *open_many(void *arg)
{
    const uint64_t *first = arg;
    AUTO(db_free) struct db *db = db_new(&fixture.config);
    uint64_t failures = 0;
    for (uint64_t n = *first; n < *first + 20; n++) {
        struct store_opened opened;
        struct store_draft d = draft(n, 3);
        failures += store_sql_open_session(db, &d, &opened) != ERR_OK;
    }
    return (void *)(uintptr_t)failures;
}

static void the_bound_holds_for_logins_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint64_t firsts[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        firsts[i] = 100 * (i + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, open_many, &firsts[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failures = NULL;
        pthread_join(threads[i], &failures);
        assert_null(failures);
    }
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "3");
}

static void extends(size_t count)
{
    struct store_extension items[STORE_BATCH_MAX];
    bool gone[STORE_BATCH_MAX];
    struct session found;
    for (size_t i = 0; i < count; i++) {
        assert_true(exists(i + 1, &found));
        items[i] = (struct store_extension){.id = found.id, .expires_unix_ms = NOW + 5000 + i};
    }
    assert_int_equal(store_sql_extend(fixture.db, items, count, gone), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        assert_false(gone[i]);
        assert_true(exists(i + 1, &found));
        assert_int_equal(found.expires_unix_ms, NOW + 5000 + i);
    }
    /* An older expiry does not count, and what is gone is told. */
    struct token_hash last = token(count);
    AUTO(mem_free)
    char *drop = mem_printf("DELETE FROM sessions WHERE id = %" PRIu64, items[count - 1].id);
    must_run(fixture.db, drop);
    for (size_t i = 0; i < count; i++) {
        items[i].expires_unix_ms = NOW;
    }
    assert_int_equal(store_sql_extend(fixture.db, items, count, gone), ERR_OK);
    for (size_t i = 0; i + 1 < count; i++) {
        assert_false(gone[i]);
    }
    assert_true(gone[count - 1]);
    assert_true(count == 1 || exists(1, &found));
    assert_true(count == 1 || found.expires_unix_ms == NOW + 5000);
    assert_int_equal(store_sql_find_session(fixture.db, &last, &found, &gone[0]), ERR_OK);
    assert_false(gone[0]);
    must_run(fixture.db, "DELETE FROM sessions");
}

static void sliding_in_batches(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 16, 17, STORE_BATCH_MAX};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        for (uint64_t n = 1; n <= counts[i]; n++) {
            open_session(n, 1000);
        }
        extends(counts[i]);
    }
}

static void passwords_are_set_if_unchanged(void **state)
{
    (void)state;
    struct store_user user;
    bool found = false;
    assert_int_equal(store_sql_find_user(fixture.db, STR_LIT("testuser"), &user, &found), ERR_OK);
    assert_true(found);
    assert_int_equal(user.id, fixture.user_id);
    assert_int_equal(store_sql_set_password(fixture.db, user.id, STR_LIT("other"), STR_LIT("new")),
                     ERR_OK);
    struct store_user after;
    assert_int_equal(store_sql_find_user(fixture.db, STR_LIT("testuser"), &after, &found), ERR_OK);
    assert_string_equal(after.password, user.password);
    assert_int_equal(
        store_sql_set_password(fixture.db, user.id, str_of(user.password), STR_LIT("new")), ERR_OK);
    assert_int_equal(store_sql_find_user(fixture.db, STR_LIT("testuser"), &after, &found), ERR_OK);
    assert_string_equal(after.password, "new");
}

static void sweeping_is_bounded(void **state)
{
    (void)state;
    AUTO(mem_free)
    char *fill =
        mem_printf("INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)"
                   " SELECT UNHEX(SHA2(seq, 256)), %" PRIu64 ", 1, seq FROM seq_1_to_700",
                   fixture.user_id);
    must_run(fixture.db, fill);
    bool more = false;
    assert_int_equal(store_sql_sweep(fixture.db, 601, 0, &more), ERR_OK);
    assert_true(more);
    assert_int_equal(store_sql_sweep(fixture.db, 601, 0, &more), ERR_OK);
    assert_false(more);
    AUTO(mem_free)
    char *least = must_select(fixture.db, "SELECT MIN(expires_unix_ms) FROM sessions");
    assert_string_equal(least, "601");
    must_run(fixture.db, "INSERT INTO session_revocations (token_hash, created_unix_ms)"
                         " VALUES (REPEAT('a', 32), 10), (REPEAT('b', 32), 20)");
    assert_int_equal(store_sql_sweep(fixture.db, 0, 20, &more), ERR_OK);
    AUTO(mem_free) char *left = must_select(fixture.db, "SELECT COUNT(*) FROM session_revocations");
    assert_string_equal(left, "1");
}

static void revocations_are_followed(void **state)
{
    (void)state;
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    assert_int_equal(store_sql_find_revoked(fixture.db, STORE_SEQ_NOW, revoked), ERR_OK);
    assert_int_equal(revoked->count, 0);
    uint64_t start = revoked->last_seq;
    assert_int_equal(store_sql_find_revoked(fixture.db, start, revoked), ERR_OK);
    assert_int_equal(revoked->count, 0);
    assert_int_equal(revoked->last_seq, start);
    open_session(1, 1);
    open_session(2, 1);
    assert_int_equal(store_sql_find_revoked(fixture.db, start, revoked), ERR_OK);
    struct token_hash first = token(1);
    assert_int_equal(revoked->count, 1);
    assert_memory_equal(&revoked->tokens[0], &first, sizeof(first));
    assert_true(revoked->last_seq > start);
    mem_free(&revoked);
}

/* ---- the whole ---- */

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
    const struct hasher_pool_config hasher = {
        .params = {.memory_kib = 64, .passes = 1}, .threads = 1, .queue_max = 64};
    const struct authsvc_config config = {.session_idle_s = 60,
                                          .session_lifetime_s = 43200,
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
    assert_int_equal(call.answers, 1);
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
    assert_true(clock_mono_ms(loop_clock(loop)) - start_ms < 200); /* at once */
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
    assert_true(cached_ms < 200);
    assert_int_equal(login, ERR_UNAVAILABLE);
    assert_true(login_ms < 4000); /* within the deadline of a request */
    recovers_within(loop, a, 2000);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_opened_once),
        TEST(the_oldest_goes_first),
        TEST(the_bound_holds_for_logins_at_once),
        TEST(sliding_in_batches),
        TEST(passwords_are_set_if_unchanged),
        TEST(sweeping_is_bounded),
        TEST(revocations_are_followed),
        TEST(logins_and_checks),
        TEST(the_first_login_rewrites_an_old_hash),
        TEST(an_evicted_session_ends_on_every_replica),
        TEST(recovers_from_a_killed_server),
        TEST(a_server_that_does_not_answer),
        TEST(draining_writes_what_slid),
    };
    return cmocka_run_group_tests_name("store", tests, server_setup, server_teardown);
}
