/* Which epochs are believed, of each node, and what is told when one is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "roomsvc/node/node_fence.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

#define REFUSED "a bridge's answer is refused"
#define GONE_BACK "the database has gone back to an older lease"
#define A STR_LIT("a")
#define B STR_LIT("b")

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct health *health;
    struct node_fence *fence;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->health = health_new();
    const struct node_fence_parts parts = {
        .clock = fake_clock_clock(f->clock), .metrics = f->metrics, .health = f->health};
    f->fence = node_fence_new(&parts);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    node_fence_free(&f->fence);
    health_free(&f->health);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

static void lower_epochs_are_not_believed(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    assert_true(health_is_ready(f->health));
    assert_true(node_fence_is_current(f->fence, A, 1)); /* nothing is known yet */
    assert_true(node_fence_admit(f->fence, A, 5));
    assert_true(node_fence_admit(f->fence, A, 5));
    assert_false(node_fence_is_current(f->fence, A, 4));
    assert_false(node_fence_admit(f->fence, A, 4));
    assert_true(node_fence_admit(f->fence, A, 0)); /* a bridge without a lease */
    assert_true(node_fence_admit(f->fence, A, 6));
    assert_false(node_fence_is_current(f->fence, A, 5));
}

static void nodes_do_not_share_epochs(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    assert_true(node_fence_admit(f->fence, A, 50));
    assert_true(node_fence_admit(f->fence, B, 3));
    assert_false(node_fence_admit(f->fence, B, 2));
    assert_true(node_fence_is_current(f->fence, A, 50));
    assert_true(node_fence_is_current(f->fence, STR_LIT("a longer name than a"), 1));
}

/* Each second one line, with both numbers. */
static void what_is_refused_is_told(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    (void)node_fence_admit(f->fence, A, 9);
    for (size_t i = 0; i < 100; i++) {
        assert_false(node_fence_admit(f->fence, A, 4));
    }
    assert_int_equal(log_capture_count(REFUSED), 1);
    assert_int_equal(log_capture_count("node=a epoch=4 known_epoch=9"), 1);
    AUTO(mem_free) char *json = health_json(f->health);
    assert_non_null(strstr(json, "a bridge answers under an older lease than is known"));
    assert_false(health_is_ready(f->health));
}

static void ready_again_when_all_nodes_are_believed(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    node_fence_hear(f->fence, A, 9);
    node_fence_hear(f->fence, B, 9);
    assert_false(node_fence_admit(f->fence, A, 8));
    assert_false(node_fence_admit(f->fence, B, 8));
    assert_true(node_fence_admit(f->fence, A, 9));
    assert_false(health_is_ready(f->health));
    node_fence_hear(f->fence, B, 8); /* nobody waits for it: no more than not believed */
    assert_false(health_is_ready(f->health));
    node_fence_hear(f->fence, B, 0); /* a bridge that stands by */
    assert_false(health_is_ready(f->health));
    node_fence_hear(f->fence, B, 9);
    assert_true(health_is_ready(f->health));
}

static void the_database_may_go_back(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(GONE_BACK);
    assert_true(node_fence_admit(f->fence, A, 100));
    node_fence_judge(f->fence, A, 7, node_fence_now(f->fence));
    assert_int_equal(log_capture_count("node=a epoch=7 known_epoch=100"), 1);
    assert_true(node_fence_is_current(f->fence, A, 7));
    assert_false(node_fence_is_current(f->fence, A, 6));
    node_fence_judge(f->fence, A, 7, node_fence_now(f->fence));
    assert_int_equal(log_capture_count(GONE_BACK), 1);
    node_fence_judge(f->fence, A, 8, node_fence_now(f->fence));
    assert_false(node_fence_is_current(f->fence, A, 7));
}

/* Two claims are judged side by side; the answer to the first comes last. */
static void an_older_judgement_does_not_undo_a_newer_one(void **state)
{
    struct fixture *f = *state;
    node_fence_judge(f->fence, A, 5, node_fence_now(f->fence));
    const uint64_t first = node_fence_now(f->fence);
    const uint64_t second = node_fence_now(f->fence);
    node_fence_judge(f->fence, A, 6, second);
    node_fence_judge(f->fence, A, 5, first);
    assert_false(node_fence_is_current(f->fence, A, 5));
    assert_int_equal(log_capture_count(GONE_BACK), 0);
}

static void of_too_many_nodes_the_quietest_is_forgotten(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    node_fence_hear(f->fence, A, 9);
    assert_false(node_fence_admit(f->fence, A, 8));
    for (size_t i = 0; i < NODE_FENCE_NODES_MAX; i++) {
        char node[16];
        (void)snprintf(node, sizeof(node), "node-%zu", i);
        node_fence_hear(f->fence, str_of(node), 9);
    }
    assert_true(health_is_ready(f->health)); /* what was refused of it is forgotten, too */
    assert_true(node_fence_admit(f->fence, A, 8));
    assert_false(node_fence_admit(f->fence, STR_LIT("node-255"), 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lower_epochs_are_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_do_not_share_epochs, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(ready_again_when_all_nodes_are_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_database_may_go_back, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_judgement_does_not_undo_a_newer_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_too_many_nodes_the_quietest_is_forgotten, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("node fence", tests, NULL, NULL);
}
