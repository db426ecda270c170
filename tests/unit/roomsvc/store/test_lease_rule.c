/* Who gets the lease of a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/lease_rule.h"

#define NOW 1000000

static const struct {
    const char *what;
    const char *asker;
    int64_t expires_in_ms; /* -NOW: given up */
    uint64_t reserved_ms;
    uint64_t epoch; /* from 7 */
    uint64_t remaining_ms;
    bool release;
    bool granted;
} rows[] = {
    {"holder renews", "holder", 500, 0, 7, 2000, false, true},
    {"holder comes late", "holder", -500, 0, 8, 2000, false, true},
    {"holder comes after an outage", "holder", -500, 1200, 8, 2000, false, true},
    {"another one comes early", "other", 500, 0, 7, 500, false, false},
    {"another one comes when it is over", "other", -500, 0, 8, 2000, false, true},
    {"another one comes at its very end", "other", 0, 0, 8, 2000, false, true},
    {"at its very end, after an outage", "other", 0, 1200, 7, 1200, false, false},
    {"another one is quicker after an outage", "other", -500, 1200, 7, 1200, false, false},
    {"early, after an outage", "other", 500, 1200, 7, 500, false, false},
    {"given up, after an outage", "other", -NOW, 1200, 8, 2000, false, true},
    {"holder gives up", "holder", 500, 1200, 7, 0, true, true},
    {"another one gives up", "other", 500, 0, 7, 500, true, false},
};

static void each_claim_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct node_row row = {.lease = {.epoch = 7},
                               .expires_unix_ms = (uint64_t)(NOW + rows[i].expires_in_ms),
                               .now_unix_ms = NOW};
        struct node_claim claim = {.lease_ms = 2000, .release = rows[i].release};
        memcpy(row.lease.holder, "holder", 6);
        memcpy(claim.holder, rows[i].asker, strlen(rows[i].asker));
        const bool granted = lease_rule(&row, &claim, rows[i].reserved_ms);
        if (granted != rows[i].granted || row.lease.epoch != rows[i].epoch ||
            row.lease.remaining_ms != rows[i].remaining_ms) {
            fail_msg("%s", rows[i].what);
        }
        assert_memory_equal(row.lease.holder, granted ? rows[i].asker : "holder", 5);
    }
}

/* The database's clock was set back by an hour, and the holder is gone. */
static void a_lease_has_no_more_left_than_its_length(void **state)
{
    (void)state;
    struct node_row row = {
        .lease = {.epoch = 7}, .expires_unix_ms = NOW + 3600000, .now_unix_ms = NOW};
    struct node_claim claim = {.lease_ms = 2000};
    memcpy(row.lease.holder, "holder", 6);
    memcpy(claim.holder, "other", 5);
    assert_true(lease_rule(&row, &claim, 0)); /* to be written */
    assert_memory_equal(row.lease.holder, "holder", 6);
    assert_int_equal(row.lease.remaining_ms, 2000);
    assert_int_equal(row.lease.epoch, 7);
    row.now_unix_ms += 1999;
    assert_false(lease_rule(&row, &claim, 0));
    assert_int_equal(row.lease.remaining_ms, 1);
    row.now_unix_ms += 1;
    assert_true(lease_rule(&row, &claim, 0));
    assert_memory_equal(row.lease.holder, "other", 5);
    assert_int_equal(row.lease.epoch, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_claim_is_judged),
                                       cmocka_unit_test(a_lease_has_no_more_left_than_its_length)};
    return cmocka_run_group_tests_name("roomsvc judge of leases", tests, NULL, NULL);
}
