/* Who has a stream, as one statement keeps it, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/presence_store_mysql.h"
#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
static const char ours[] = "0123456789abcdef";
static const char theirs[] = "fedcba9876543210";

struct kept {
    bool is_there;
    enum err err;
    bool is_new;
};

static bool is_kept(void *arg)
{
    const struct kept *kept = arg;
    return kept->is_there;
}

static void on_kept(void *arg, enum err err, bool is_new)
{
    struct kept *kept = arg;
    *kept = (struct kept){.is_there = true, .err = err, .is_new = is_new};
}

/* Gives whether the gateway was new. opened, closed: an id each, 0: none. */
static bool report(struct registry *r, const char *gateway, uint64_t number, uint64_t opened,
                   uint64_t closed)
{
    const struct presence_store store = presence_store_mysql(r->pool);
    const struct msg_presence_report report = {.gateway = {gateway, 16},
                                               .opened = {&opened, opened != 0},
                                               .closed = {&closed, closed != 0},
                                               .number = number};
    struct kept kept = {0};
    assert_int_equal(store.ops->report(store.self, &report, 0, on_kept, &kept), ERR_OK);
    assert_true(loop_run_until(r->loop, is_kept, &kept, WAIT_MS));
    assert_int_equal(kept.err, ERR_OK);
    return kept.is_new;
}

/* participant gateway is_open number, without the leases */
static void rows_are(const char *expected)
{
    AUTO(mem_free)
    char *rows = must_select(
        fixture.db, "SELECT IFNULL(GROUP_CONCAT(CONCAT_WS(' ', participant_id,"
                    " LEFT(gateway, 1), is_open, number) ORDER BY participant_id, gateway),"
                    " '') FROM presence WHERE participant_id <> 0");
    assert_string_equal(rows, expected);
}

static void the_statement_tells_whether_the_lease_was_good(void **state)
{
    (void)state;
    struct registry r = registry_new();
    assert_true(report(&r, ours, 1, 0, 0));
    assert_false(report(&r, ours, 2, 7, 0));
    assert_false(report(&r, ours, 3, 8, 7));
    assert_true(report(&r, theirs, 1, 7, 0));
    assert_false(report(&r, ours, 4, 0, 0));
    rows_are("7 0 0 3,7 f 1 1,8 0 1 3");
    must_run(fixture.db, "UPDATE presence SET changed_unix_ms = changed_unix_ms - 4000"
                         " WHERE participant_id = 0");
    assert_false(report(&r, ours, 5, 0, 0));
    must_run(fixture.db, "UPDATE presence SET changed_unix_ms = changed_unix_ms - 6000"
                         " WHERE participant_id = 0");
    assert_true(report(&r, ours, 6, 0, 0));
    assert_false(report(&r, ours, 7, 0, 0));
    registry_free(&r);
}

/* A replica was slow with it, another has answered it, and then the next one. */
static void a_late_report_undoes_nothing(void **state)
{
    (void)state;
    struct registry r = registry_new();
    (void)report(&r, ours, 1, 7, 0);
    (void)report(&r, ours, 3, 8, 7);
    must_run(fixture.db, "UPDATE presence SET changed_unix_ms = 5");
    (void)report(&r, ours, 2, 7, 8);
    rows_are("7 0 0 3,8 0 1 3");
    AUTO(mem_free)
    char *changed = must_select(fixture.db, "SELECT COUNT(*) FROM presence"
                                            " WHERE changed_unix_ms = 5");
    assert_string_equal(changed, "3"); /* the lease, too */
    registry_free(&r);
}

/* It comes twice where the first answer was lost. */
static void a_report_may_come_twice(void **state)
{
    (void)state;
    struct registry r = registry_new();
    assert_true(report(&r, ours, 1, 7, 8));
    assert_false(report(&r, ours, 1, 7, 8));
    rows_are("7 0 1 1,8 0 0 1");
    registry_free(&r);
}

static void the_largest_report_fits(void **state)
{
    (void)state;
    struct registry r = registry_new();
    const struct presence_store store = presence_store_mysql(r.pool);
    static uint64_t opened[PRESENCE_CHANGES], closed[PRESENCE_CHANGES];
    for (size_t i = 0; i < PRESENCE_CHANGES; i++) {
        opened[i] = PARTICIPANT_ID_MAX - i;
        closed[i] = i + 1;
    }
    const struct msg_presence_report report = {.gateway = {ours, 16},
                                               .opened = {opened, PRESENCE_CHANGES},
                                               .closed = {closed, PRESENCE_CHANGES},
                                               .number = 1};
    struct kept kept = {0};
    assert_int_equal(store.ops->report(store.self, &report, 0, on_kept, &kept), ERR_OK);
    assert_true(loop_run_until(r.loop, is_kept, &kept, WAIT_MS));
    assert_int_equal(kept.err, ERR_OK);
    AUTO(mem_free)
    char *sums = must_select(fixture.db, "SELECT CONCAT(COUNT(*), ' ', SUM(is_open), ' ',"
                                         " MAX(participant_id)) FROM presence");
    assert_string_equal(sums, "4097 2049 9007199254740991");
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_statement_tells_whether_the_lease_was_good),
        TEST(a_late_report_undoes_nothing),
        TEST(a_report_may_come_twice),
        TEST(the_largest_report_fits),
    };
    return cmocka_run_group_tests_name("presence store", tests, server_setup, server_teardown);
}
