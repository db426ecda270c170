/* Who gets the lease of a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/node_judge.h"

#define NOW 1000000

static const struct {
    const char *what;
    const char *asker;
    bool release;
    int64_t expires_in_ms; /* -NOW: given up */
    uint64_t reserved_ms;
    bool granted;
    uint64_t epoch; /* from 7 */
    uint64_t remaining_ms;
} rows[] = {
    {"holder renews", "holder", false, 500, 0, true, 7, 2000},
    {"holder comes late", "holder", false, -500, 0, true, 8, 2000},
    {"holder comes after an outage", "holder", false, -500, 1200, true, 8, 2000},
    {"another one comes early", "other", false, 500, 0, false, 7, 500},
    {"another one comes when it is over", "other", false, -500, 0, true, 8, 2000},
    {"another one is quicker after an outage", "other", false, -500, 1200, false, 7, 1200},
    {"early, after an outage", "other", false, 500, 1200, false, 7, 500},
    {"given up, after an outage", "other", false, -NOW, 1200, true, 8, 2000},
    {"holder gives up", "holder", true, 500, 1200, true, 7, 0},
    {"another one gives up", "other", true, 500, 0, false, 7, 500},
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
        const bool granted = node_judge(&row, &claim, rows[i].reserved_ms);
        if (granted != rows[i].granted || row.lease.epoch != rows[i].epoch ||
            row.lease.remaining_ms != rows[i].remaining_ms) {
            fail_msg("%s", rows[i].what);
        }
        assert_memory_equal(row.lease.holder, granted ? rows[i].asker : "holder", 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_claim_is_judged)};
    return cmocka_run_group_tests_name("roomsvc judge of leases", tests, NULL, NULL);
}
