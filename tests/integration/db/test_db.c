/* proto/db/db.c against a real server: values, errors, and a server that goes away in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/db/db_pool.h"
#include "proto/db/db_query.h"
#include "tests/integration/db/server.h"
#include "tests/support/c/log_capture.h"

#define ROUND_TRIPS 200
#define ANSWER_MIN_MS 1500       /* what waits for an answer waits for longer than that */
#define ANSWER_MAX_MS 15000      /* and for two seconds, on a machine with nothing else to do */
#define LOCK_WAIT_USUAL_MS 50000 /* of InnoDB */

static char database[] = "lynks_test_db";

struct fixture {
    struct server *server;
    struct db_config config;
    struct db *db;
};

static struct fixture fixture;

static int setup(void **state)
{
    log_capture_setup(state);
    fixture.server = *state;
    server_make_database(fixture.server, database, &fixture.config);
    fixture.db = db_new(&fixture.config);
    must_run(fixture.db, "CREATE TABLE t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,"
                         " name VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL UNIQUE,"
                         " hash BINARY(32) NULL, small TINYINT NULL, big BIGINT UNSIGNED NULL,"
                         " blob_column MEDIUMBLOB NULL) ENGINE = InnoDB");
    return 0;
}

static int teardown(void **state)
{
    db_free(&fixture.db);
    return log_capture_teardown(state);
}

static uint64_t mono_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum err run(const char *sql, const struct db_value *values, size_t count)
{
    const struct db_statement statement = {.sql = sql, .values = values, .value_count = count};
    return db_run(fixture.db, &statement, NULL);
}

static enum err select_one(struct db *db)
{
    static const char sql[] = "SELECT 1";
    const struct db_statement statement = {.sql = sql};
    return db_run(db, &statement, NULL);
}

static const char insert[] = "INSERT INTO t (name, hash, small, big) VALUES (?, ?, ?, ?)";
static const char select_all[] = "SELECT id, name, hash, small, big FROM t WHERE name = ?";

struct row {
    unsigned count;
    struct db_value columns[5];
    char name[256];
    unsigned char hash[32];
};

static void take_row(void *arg, const struct db_value *columns, size_t count)
{
    struct row *row = arg;
    row->count++;
    assert_int_equal(count, 5);
    memcpy(row->columns, columns, sizeof(row->columns));
    (void)str_copy(row->name, sizeof(row->name), columns[1].s);
    if (columns[2].type == DB_BYTES && columns[2].s.bytes == sizeof(row->hash)) {
        memcpy(row->hash, columns[2].s.data, sizeof(row->hash));
    }
}

static struct row find(struct str name)
{
    struct row row = {0};
    const struct db_value value = DB_V_STR(name);
    const struct db_statement statement = {
        .sql = select_all, .values = &value, .value_count = 1, .fn = take_row, .arg = &row};
    assert_int_equal(db_run(fixture.db, &statement, NULL), ERR_OK);
    return row;
}

static void values_come_back(void **state)
{
    (void)state;
    unsigned char hash[32];
    randombytes_buf(hash, sizeof(hash));
    struct str bytes = {.data = (const char *)hash, .bytes = sizeof(hash)};
    const struct db_value values[] = {DB_V_STR(STR_LIT("Jörg \xf0\x9f\x8e\xa5 '; --")),
                                      DB_V_BIN(bytes), DB_V_U64(7), DB_V_U64(UINT64_MAX)};
    assert_int_equal(run(insert, values, 4), ERR_OK);
    assert_int_equal(db_insert_id(fixture.db), 1);
    struct row row = find(values[0].s);
    assert_int_equal(row.count, 1);
    assert_int_equal(row.columns[0].u, 1);
    assert_string_equal(row.name, values[0].s.data);
    assert_memory_equal(row.hash, hash, sizeof(hash));
    assert_int_equal(row.columns[3].u, 7);
    assert_true(row.columns[4].u == UINT64_MAX);

    const struct db_value nulls[] = {DB_V_STR(STR_LIT("nobody")), DB_V_NULL, DB_V_NULL, DB_V_NULL};
    assert_int_equal(run(insert, nulls, 4), ERR_OK);
    row = find(nulls[0].s);
    assert_int_equal(row.count, 1);
    assert_int_equal(row.columns[2].type, DB_NULL);
    assert_int_equal(row.columns[4].type, DB_NULL);
    assert_int_equal(find(STR_LIT("jörg")).count, 0);
}

static void counts_what_changed(void **state)
{
    (void)state;
    must_run(fixture.db, "INSERT INTO t (name, small) VALUES ('a', 1), ('b', 2), ('c', 3)");
    static const char update[] = "UPDATE t SET small = 2 WHERE small >= ?";
    const struct db_value value = DB_V_U64(2);
    const struct db_statement statement = {.sql = update, .values = &value, .value_count = 1};
    uint64_t changed = 99;
    assert_int_equal(db_run(fixture.db, &statement, &changed), ERR_OK);
    assert_int_equal(changed, 1);
}

static void mistakes_are_told_apart(void **state)
{
    (void)state;
    log_capture_expect("database statement failed");
    must_run(fixture.db, "INSERT INTO t (name) VALUES ('a')");
    static const char again[] = "INSERT INTO t (name) VALUES ('a')";
    assert_int_equal(run(again, NULL, 0), ERR_CONFLICT);
    static const char nonsense[] = "SELECT no_such_column FROM t";
    assert_int_equal(run(nonsense, NULL, 0), ERR_INTERNAL);
    assert_non_null(strstr(db_error(fixture.db), "no_such_column"));
    static const char too_long[] = "INSERT INTO t (name) VALUES (REPEAT('x', 51))";
    assert_int_equal(run(too_long, NULL, 0), ERR_INTERNAL); /* strict, not cut off */
    static const char missing_value[] = "SELECT ?";
    assert_int_equal(run(missing_value, NULL, 0), ERR_INTERNAL);
    static const char two[] = "SELECT 1; SELECT 2";
    assert_int_equal(run(two, NULL, 0), ERR_INTERNAL);
    unsigned number = 0;
    assert_int_equal(db_run_text(fixture.db, str_of(two), &number), ERR_INTERNAL);
    assert_int_equal(number, 1064);
    assert_int_equal(select_one(fixture.db), ERR_OK);
}

static void too_large_a_column(void **state)
{
    (void)state;
    log_capture_expect("database statement failed");
    must_run(fixture.db, "INSERT INTO t (name, blob_column) VALUES ('a', REPEAT('x', 65536))");
    static const char sql[] = "SELECT blob_column FROM t";
    static const char length[] = "SELECT LENGTH(blob_column) FROM t";
    AUTO(mem_free) char *whole = must_select(fixture.db, sql);
    assert_int_equal(strlen(whole), 65536);
    must_run(fixture.db, "UPDATE t SET blob_column = REPEAT('x', 65537)");
    assert_int_equal(run(sql, NULL, 0), ERR_INTERNAL);
    AUTO(mem_free) char *bytes = must_select(fixture.db, length);
    assert_string_equal(bytes, "65537");
}

static void more_statements_than_the_cache_holds(void **state)
{
    (void)state;
    static char sql[150][32];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(sql); i++) {
            (void)snprintf(sql[i], sizeof(sql[i]), "SELECT %u", i);
            AUTO(mem_free) char *got = must_select(fixture.db, sql[i]);
            assert_string_equal(got, sql[i] + strlen("SELECT "));
        }
    }
    static const char count[] = "SELECT variable_value FROM information_schema.global_status"
                                " WHERE variable_name = 'PREPARED_STMT_COUNT'";
    AUTO(mem_free) char *kept = must_select(fixture.db, count);
    assert_in_range(strtoul(kept, NULL, 10), 2, 64);
}

static void transactions(void **state)
{
    (void)state;
    static const char count[] = "SELECT COUNT(*) FROM t";
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    must_run(fixture.db, "INSERT INTO t (name) VALUES ('a')");
    db_rollback(fixture.db);
    AUTO(mem_free) char *none = must_select(fixture.db, count);
    assert_string_equal(none, "0");
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    must_run(fixture.db, "INSERT INTO t (name) VALUES ('a')");
    assert_int_equal(db_commit(fixture.db), ERR_OK);
    AUTO(mem_free) char *one = must_select(fixture.db, count);
    assert_string_equal(one, "1");
}

static void waiting_for_a_lock_is_bounded(void **state)
{
    (void)state;
    must_run(fixture.db, "INSERT INTO t (name, small) VALUES ('a', 1)");
    AUTO(db_free) struct db *other = db_new(&fixture.config);
    assert_int_equal(db_begin(other), ERR_OK);
    must_run(other, "UPDATE t SET small = 2");
    static const char update[] = "UPDATE t SET small = 3";
    uint64_t start_ms = mono_ms();
    assert_int_equal(run(update, NULL, 0), ERR_OVERLOADED);
    assert_true(mono_ms() - start_ms < LOCK_WAIT_USUAL_MS);
    assert_int_equal(db_commit(other), ERR_OK);
    assert_int_equal(run(update, NULL, 0), ERR_OK);
}

/* A process that is stopped there holds up nobody for long. Each attempt waits for the lock. */
static void who_stops_in_a_transaction_loses_its_locks(void **state)
{
    (void)state;
    must_run(fixture.db, "INSERT INTO t (name, small) VALUES ('a', 1)");
    AUTO(db_free) struct db *stopped = db_new(&fixture.config);
    assert_int_equal(db_begin(stopped), ERR_OK);
    must_run(stopped, "UPDATE t SET small = 2");
    static const char update[] = "UPDATE t SET small = 3 WHERE small = 1";
    enum err err = ERR_OVERLOADED;
    for (int attempts = 0; attempts < 15 && err == ERR_OVERLOADED; attempts++) {
        err = run(update, NULL, 0);
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(db_commit(stopped), ERR_UNAVAILABLE);
    AUTO(mem_free) char *small = must_select(fixture.db, "SELECT small FROM t");
    assert_string_equal(small, "3");
}

/* ---- queries ---- */

struct numbers {
    char name[8];
    bool has_name;
    uint64_t limits[2];
    uint64_t id;
    struct numbered {
        uint64_t id;
        char name[8];
        bool has_name;
    } items[3], *grown;
    size_t count, grown_count;
};

static const struct db_query insert_name = {
    .sql = "INSERT INTO t (name) VALUES (?)",
    .params = {DB_FIELD_NULLABLE(struct numbers, name, has_name)}};
static const struct db_query select_id = {.sql = "SELECT id FROM t WHERE name = ?",
                                          .params = DB_FIELDS(struct numbers, name),
                                          .columns = DB_FIELDS(struct numbers, id),
                                          .if_none = ERR_NOT_FOUND};
#define NUMBERED                                                                                   \
    .sql = "SELECT id, name FROM t WHERE id BETWEEN ? AND ? ORDER BY id",                          \
    .params = DB_FIELDS(struct numbers, limits),                                                   \
    .columns = {DB_FIELD(struct numbered, id), DB_FIELD_NULLABLE(struct numbered, name, has_name)}
static const struct db_query select_some = {NUMBERED,
                                            .rows = DB_ROWS(struct numbers, items, count)};
static const struct db_query select_all_of_them = {
    NUMBERED, .rows = DB_ROWS_GROWING(struct numbers, grown, grown_count)};
static const struct db_query rename_all = {.sql = "UPDATE t SET name = CONCAT(id, ?)",
                                           .params = DB_FIELDS(struct numbers, name),
                                           .if_none = ERR_NOT_FOUND};

static void a_query_reads_and_writes_its_record(void **state)
{
    (void)state;
    struct numbers n = {.name = "one", .has_name = true, .limits = {1, 5}};
    uint64_t rows = 0;
    assert_int_equal(db_query_run(fixture.db, &rename_all, &n, NULL), ERR_NOT_FOUND);
    assert_int_equal(db_query_run(fixture.db, &insert_name, &n, &rows), ERR_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(db_query_run(fixture.db, &insert_name, &n, &rows), ERR_CONFLICT);
    assert_int_equal(db_query_run(fixture.db, &select_id, &n, &rows), ERR_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(n.id, 1);
    assert_int_equal(db_query_run(fixture.db, &select_id, &(struct numbers){.name = "two"}, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(db_query_run(fixture.db, &select_some, &n, &rows), ERR_OK);
    assert_int_equal(n.count, 1);
    assert_true(n.items[0].has_name);
    assert_string_equal(n.items[0].name, "one");
    /* More than there is room for: those are counted, and left out. */
    n.has_name = false;
    must_run(fixture.db, "ALTER TABLE t AUTO_INCREMENT = 2");
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(db_query_run(fixture.db, &insert_name, &n, NULL), ERR_OK);
    }
    assert_int_equal(db_query_run(fixture.db, &select_some, &n, &rows), ERR_OK);
    assert_int_equal(n.count, ARRAY_LEN(n.items));
    assert_int_equal(rows, 5);
    assert_false(n.items[1].has_name);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(db_query_run(fixture.db, &select_all_of_them, &n, NULL), ERR_OK);
        assert_int_equal(n.grown_count, 5);
        assert_int_equal(n.grown[4].id, 5);
    }
    mem_free(&n.grown);
}

static void a_column_that_does_not_fit_is_our_mistake(void **state)
{
    (void)state;
    struct numbers n = {.name = " longer", .limits = {1, 5}};
    must_run(fixture.db, "INSERT INTO t (name) VALUES ('a'), ('b')");
    assert_int_equal(db_query_run(fixture.db, &rename_all, &n, NULL), ERR_OK);
    assert_int_equal(db_query_run(fixture.db, &select_some, &n, NULL), ERR_INTERNAL);
    assert_int_equal(n.count, 0);
    log_capture_expect("database statement failed");
}

static enum err insert_and_fail(void *arg, struct db *db)
{
    must_run(db, "INSERT INTO t (name) VALUES ('a')");
    return *(const enum err *)arg;
}

static void a_transaction_is_all_or_nothing(void **state)
{
    (void)state;
    static const char count[] = "SELECT COUNT(*) FROM t";
    enum err err = ERR_CONFLICT;
    assert_int_equal(db_transaction(fixture.db, insert_and_fail, &err), ERR_CONFLICT);
    AUTO(mem_free) char *none = must_select(fixture.db, count);
    assert_string_equal(none, "0");
    err = ERR_OK;
    assert_int_equal(db_transaction(fixture.db, insert_and_fail, &err), ERR_OK);
    AUTO(mem_free) char *one = must_select(fixture.db, count);
    assert_string_equal(one, "1");
}

/* ---- failures that leave the connection ---- */

static void a_read_only_server_is_away(void **state)
{
    (void)state;
    static const char add[] = "INSERT INTO t (name) VALUES ('b')";
    must_run(fixture.db, "SET SESSION TRANSACTION READ ONLY");
    assert_int_equal(run(add, NULL, 0), ERR_UNAVAILABLE);
    must_run(fixture.db, "SET SESSION TRANSACTION READ WRITE");
    assert_int_equal(run(add, NULL, 0), ERR_OK);
}

/* "Is the server writable?" was answered when the connection was made; the name may stand for
 * another server since. */
static void a_connection_to_a_read_only_server_is_not_kept(void **state)
{
    (void)state;
    static const char add[] = "INSERT INTO t (name) VALUES ('b')";
    static const char id[] = "SELECT CONNECTION_ID()";
    AUTO(mem_free) char *before = must_select(fixture.db, id);
    server_as_root(fixture.server, "SET GLOBAL read_only = 1");
    const enum err added = run(add, NULL, 0);
    AUTO(mem_free) char *reason = mem_strdup(db_error(fixture.db));
    const enum err begun = db_begin(fixture.db);
    server_as_root(fixture.server, "SET GLOBAL read_only = 0");
    assert_int_equal(added, ERR_UNAVAILABLE);
    assert_non_null(strstr(reason, "read-only"));
    assert_int_equal(begun, ERR_UNAVAILABLE);
    assert_int_equal(run(add, NULL, 0), ERR_OK);
    AUTO(mem_free) char *after = must_select(fixture.db, id);
    assert_string_not_equal(before, after);
}

/* It is there and busy: if we gave up first, it would count as away. */
static void the_server_cuts_off_what_lasts_too_long(void **state)
{
    (void)state;
    AUTO(mem_free) char *before = must_select(fixture.db, "SELECT CONNECTION_ID()");
    must_run(fixture.db, "INSERT INTO t (name) VALUES ('a')");
    assert_int_equal(run("UPDATE t SET small = 1 WHERE SLEEP(20) = 0", NULL, 0), ERR_OVERLOADED);
    AUTO(mem_free) char *after = must_select(fixture.db, "SELECT CONNECTION_ID()");
    assert_string_equal(before, after);
}

struct adding {
    struct db_job job;
    enum err *ret_err;
};

static void on_added(void *arg, enum err err)
{
    *((struct adding *)arg)->ret_err = err;
}

static const struct db_task add_task = {.job_bytes = DB_JOB_BYTES(struct adding),
                                        .query = {.sql = "INSERT INTO t (name) VALUES (NULL)"},
                                        .done = on_added};

static bool pool_is_up(void *arg)
{
    return db_pool_is_up(arg);
}

static bool pool_is_down(void *arg)
{
    return !db_pool_is_up(arg);
}

/* While all is well it asks seldom; as soon as a job finds the database away it asks often. Of
 * several times one is short, however busy the machine is. */
static void a_pool_asks_soon_whether_an_outage_is_over(void **state)
{
    struct loop *loop = loop_new();
    struct metrics *metrics = metrics_new();
    const struct db_pool_config config = {
        .name = "test", .db = &fixture.config, .threads = 1, .queue_max = 10};
    struct db_pool *pool = db_pool_new(loop, metrics, NULL, &config);
    uint64_t shortest_ms = UINT64_MAX;
    (void)state;
    log_capture_expect("database is away");
    for (int i = 0; i < 4; i++) {
        enum err err = ERR_OK;
        assert_true(loop_run_until(loop, pool_is_up, pool, 10000));
        server_as_root(fixture.server, "SET GLOBAL read_only = 1");
        struct adding *adding = db_job_new(&add_task);
        adding->ret_err = &err;
        assert_int_equal(db_pool_start(pool, adding, 0), ERR_OK);
        assert_true(loop_run_until(loop, pool_is_down, pool, 10000));
        server_as_root(fixture.server, "SET GLOBAL read_only = 0");
        const uint64_t since_ms = mono_ms();
        assert_true(loop_run_until(loop, pool_is_up, pool, 10000));
        assert_int_equal(err, ERR_UNAVAILABLE);
        shortest_ms = mono_ms() - since_ms < shortest_ms ? mono_ms() - since_ms : shortest_ms;
    }
    assert_in_range(shortest_ms, 0, 600);
    db_pool_free(&pool);
    loop_free(&loop);
    metrics_free(&metrics);
}

static void our_settings_are_in_force(struct db *db)
{
    static const char settings[] =
        "SELECT CONCAT_WS(' ', @@autocommit, @@completion_type, @@tx_isolation, @@tx_read_only,"
        " @@time_zone, @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@wait_timeout,"
        " @@foreign_key_checks, @@unique_checks, @@sql_safe_updates, @@sql_select_limit,"
        " @@max_statement_time, @@character_set_client, @@character_set_results,"
        " @@collation_connection, @@sql_mode)";
    AUTO(mem_free) char *got = must_select(db, settings);
    assert_string_equal(got, "ON NO_CHAIN READ-COMMITTED OFF +00:00 1 1 600 ON ON OFF"
                             " 18446744073709551615 1.500000"
                             " utf8mb4 utf8mb4 utf8mb4_bin STRICT_ALL_TABLES,NO_ZERO_IN_DATE,"
                             "NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION");
}

static int reset_defaults_and_teardown(void **state)
{
    server_reset_defaults(fixture.server);
    return teardown(state);
}

static void hostile_defaults_change_nothing(void **state)
{
    (void)state;
    our_settings_are_in_force(fixture.db);
    server_set_hostile_defaults(fixture.server);
    AUTO(db_free) struct db *db = db_new(&fixture.config);
    for (unsigned connection = 0; connection < 2; connection++) {
        our_settings_are_in_force(db);
        assert_int_equal(db_begin(db), ERR_OK);
        must_run(db, "INSERT INTO t (name) VALUES (NULL)");
        assert_int_equal(db_commit(db), ERR_OK);
        must_run(db, "INSERT INTO t (name) VALUES (NULL)");
        /* Nothing is left open: data definition would wait for it, and others would not see it. */
        must_run(fixture.db, "ALTER TABLE t MODIFY small INT NULL");
        db_drop(db);
    }
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM t");
    assert_string_equal(count, "4");
}

struct crossing {
    struct db *db;
    const char *first, *second;
    pthread_barrier_t *both_have_first;
    enum err err;
};

static enum err change_both(void *arg, struct db *db)
{
    const struct crossing *crossing = arg;
    const struct db_statement first = {.sql = crossing->first};
    const struct db_statement second = {.sql = crossing->second};
    assert_int_equal(db_run(db, &first, NULL), ERR_OK);
    pthread_barrier_wait(crossing->both_have_first);
    return db_run(db, &second, NULL);
}

static void *cross(void *arg)
{
    struct crossing *crossing = arg;
    crossing->err = db_transaction(crossing->db, change_both, crossing);
    return NULL;
}

static void of_two_in_a_deadlock_one_may_try_again(void **state)
{
    (void)state;
    static const char change_a[] = "UPDATE t SET small = 2 WHERE name = 'a'";
    static const char change_b[] = "UPDATE t SET small = 2 WHERE name = 'b'";
    must_run(fixture.db, "INSERT INTO t (name, small) VALUES ('a', 1), ('b', 1)");
    AUTO(db_free) struct db *other = db_new(&fixture.config);
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    struct crossing mine = {fixture.db, change_a, change_b, &barrier, ERR_OK};
    struct crossing theirs = {other, change_b, change_a, &barrier, ERR_OK};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cross, &theirs), 0);
    (void)cross(&mine);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
    struct crossing *loser = mine.err == ERR_OK ? &theirs : &mine;
    const struct crossing *winner = mine.err == ERR_OK ? &mine : &theirs;
    assert_int_equal(winner->err, ERR_OK);
    assert_int_equal(loser->err, ERR_OVERLOADED);
    assert_non_null(strstr(db_error(loser->db), "Deadlock"));
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 1), 0);
    (void)cross(loser);
    assert_int_equal(loser->err, ERR_OK);
    pthread_barrier_destroy(&barrier);
}

static void kill_connection(void)
{
    static const char id[] = "SELECT CONNECTION_ID()";
    AUTO(mem_free) char *text = must_select(fixture.db, id);
    AUTO(mem_free) char *kill_it = mem_printf("KILL %s", text);
    AUTO(db_free) struct db *other = db_new(&fixture.config);
    must_run(other, kill_it);
}

static void a_connection_closed_while_idle_is_remade(void **state)
{
    (void)state;
    assert_int_equal(select_one(fixture.db), ERR_OK);
    kill_connection();
    assert_int_equal(select_one(fixture.db), ERR_OK);
}

static void but_not_inside_a_transaction(void **state)
{
    (void)state;
    static const char add[] = "INSERT INTO t (name) VALUES ('b')";
    static const char count[] = "SELECT COUNT(*) FROM t";
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    must_run(fixture.db, "INSERT INTO t (name) VALUES ('a')");
    kill_connection();
    assert_int_equal(run(add, NULL, 0), ERR_UNAVAILABLE);
    assert_int_equal(run(add, NULL, 0), ERR_UNAVAILABLE);
    assert_int_equal(db_commit(fixture.db), ERR_UNAVAILABLE);
    AUTO(mem_free) char *none = must_select(fixture.db, count);
    assert_string_equal(none, "0");
}

static void nor_when_it_is_held(void **state)
{
    (void)state;
    assert_int_equal(select_one(fixture.db), ERR_OK);
    db_hold(fixture.db);
    kill_connection();
    assert_int_equal(select_one(fixture.db), ERR_UNAVAILABLE);
}

static void wrong_password(void **state)
{
    (void)state;
    struct db_config config = fixture.config;
    static char wrong[] = "wrong";
    config.password = wrong;
    AUTO(db_free) struct db *db = db_new(&config);
    assert_int_equal(select_one(db), ERR_UNAVAILABLE);
    assert_non_null(strstr(db_error(db), "Access denied"));
    assert_int_equal(select_one(db), ERR_UNAVAILABLE);
    assert_int_equal(log_capture_count("Access denied"), 1); /* told once, not each time */
    assert_int_equal(log_capture_count("wrong"), 0);
}

static void killed_and_back(void **state)
{
    (void)state;
    assert_int_equal(find(STR_LIT("a")).count, 0); /* leaves a prepared statement behind */
    server_kill(fixture.server);
    assert_int_equal(select_one(fixture.db), ERR_UNAVAILABLE);
    uint64_t start_ms = mono_ms();
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(select_one(fixture.db), ERR_UNAVAILABLE);
    }
    assert_true(mono_ms() - start_ms < 20 * ANSWER_MIN_MS); /* refused, not waited for */
    server_restart(fixture.server);
    assert_int_equal(find(STR_LIT("a")).count, 0); /* at the first try */
}

static void a_server_that_does_not_answer(void **state)
{
    (void)state;
    assert_int_equal(select_one(fixture.db), ERR_OK);
    server_stop_responding(fixture.server);
    uint64_t start_ms = mono_ms();
    enum err first = select_one(fixture.db);
    uint64_t first_ms = mono_ms() - start_ms;
    enum err second = select_one(fixture.db); /* has to connect */
    uint64_t second_ms = mono_ms() - start_ms - first_ms;
    server_go_on(fixture.server);
    assert_int_equal(first, ERR_UNAVAILABLE);
    assert_int_equal(second, ERR_UNAVAILABLE);
    assert_in_range(first_ms, ANSWER_MIN_MS, ANSWER_MAX_MS);
    assert_in_range(second_ms, ANSWER_MIN_MS, ANSWER_MAX_MS);
    assert_int_equal(select_one(fixture.db), ERR_OK);
}

static void statements_are_prepared_once(void **state)
{
    (void)state;
    static const char prepares[] = "SELECT variable_value FROM information_schema.session_status"
                                   " WHERE variable_name = 'Com_stmt_prepare'";
    AUTO(mem_free) char *before = must_select(fixture.db, prepares);
    for (unsigned i = 0; i < ROUND_TRIPS; i++) {
        assert_int_equal(select_one(fixture.db), ERR_OK);
    }
    AUTO(mem_free) char *after = must_select(fixture.db, prepares);
    assert_int_equal(strtoul(after, NULL, 10), strtoul(before, NULL, 10) + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(values_come_back),
        TEST(counts_what_changed),
        TEST(mistakes_are_told_apart),
        TEST(too_large_a_column),
        TEST(more_statements_than_the_cache_holds),
        TEST(transactions),
        TEST(a_query_reads_and_writes_its_record),
        TEST(a_column_that_does_not_fit_is_our_mistake),
        TEST(a_transaction_is_all_or_nothing),
        TEST(a_read_only_server_is_away),
        TEST(a_connection_to_a_read_only_server_is_not_kept),
        TEST(the_server_cuts_off_what_lasts_too_long),
        TEST(a_pool_asks_soon_whether_an_outage_is_over),
        cmocka_unit_test_setup_teardown(hostile_defaults_change_nothing, setup,
                                        reset_defaults_and_teardown),
        TEST(of_two_in_a_deadlock_one_may_try_again),
        TEST(waiting_for_a_lock_is_bounded),
        TEST(who_stops_in_a_transaction_loses_its_locks),
        TEST(a_connection_closed_while_idle_is_remade),
        TEST(but_not_inside_a_transaction),
        TEST(nor_when_it_is_held),
        TEST(wrong_password),
        TEST(killed_and_back),
        TEST(a_server_that_does_not_answer),
        TEST(statements_are_prepared_once),
    };
    return cmocka_run_group_tests_name("db", tests, server_setup, server_teardown);
}
