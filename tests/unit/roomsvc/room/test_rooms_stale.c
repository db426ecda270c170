/* A bridge that has lost its lease and does not know it: its answers are not believed. */
#include "tests/unit/roomsvc/rooms_fixture.h"

static void expect_stale_answers(struct fixture *f, uint64_t count)
{
    assert_int_equal(
        metric_value(metrics_counter(f->metrics, "lynks_rooms_stale_answers_total", "", NULL)),
        count);
}

#define REFUSED "a bridge's answer is refused"

/* As a lease served here does. */
static void judge(struct fixture *f, uint64_t epoch)
{
    node_fence_judge(f->fence, STR_LIT("default"), epoch, node_fence_now(f->fence));
}

static void stale_list_is_asked_for_again(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    set_up_rooms(f, 123456);
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_participants_of(f, 5);
    assert_listed(f);
    list(f, 77);
    answer_participants_of(f, 4);
    fake_clock_advance(f->clock, 199);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants)); /* not at once */
    assert_int_equal(f->call->answers, 0);
    fake_clock_advance(f->clock, 1);
    answer_participants_of(f, 6);
    assert_listed(f);
    expect_stale_answers(f, 1);
}

static void lease_served_here_is_enough_to_know(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    set_up_rooms(f, 123456);
    judge(f, 9);
    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create_of(f, 8);
    assert_int_equal(f->call->answers, 0);
    fake_clock_advance(f->clock, 200);
    answer_bridge_create_of(f, 9);
    assert_answered(f, ERR_OK);
    expect_stale_answers(f, 1);
}

static void stale_restoration_is_asked_for_again(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    set_up_rooms(f, 123456);
    judge(f, 9);
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create_of(f, 8);
    fake_clock_advance(f->clock, 200);
    answer_bridge_create_of(f, 9);
    answer_participants_of(f, 9);
    assert_listed(f);
}

static void stale_answers_are_not_asked_for_for_ever(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    log_capture_expect("participants could not be listed");
    set_up_rooms(f, 123456);
    judge(f, 9);
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    uint64_t asked = 0;
    while (f->call->answers == 0) {
        assert_true(++asked < 1000);
        answer_participants_of(f, 8);
        fake_clock_advance(f->clock, 200);
    }
    assert_answered(f, ERR_UNAVAILABLE);
    assert_true(asked > 3); /* for as long as there is time */
    expect_stale_answers(f, asked);
}

/* A dump was restored: all leases are older than what is known here. */
static void what_the_database_says_counts_also_when_it_is_older(void **state)
{
    struct fixture *f = *state;
    log_capture_expect(REFUSED);
    log_capture_expect("the database has gone back to an older lease");
    set_up_rooms(f, 123456);
    judge(f, 9);
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_participants_of(f, 3);
    assert_int_equal(f->call->answers, 0);
    assert_int_equal(log_capture_count("node=default epoch=3 known_epoch=9"), 1);
    assert_false(health_is_ready(f->health));
    judge(f, 3);
    fake_clock_advance(f->clock, 200);
    answer_participants_of(f, 3);
    assert_listed(f);
    assert_true(health_is_ready(f->health));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stale_list_is_asked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(lease_served_here_is_enough_to_know, setup, teardown),
        cmocka_unit_test_setup_teardown(stale_restoration_is_asked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(stale_answers_are_not_asked_for_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_database_says_counts_also_when_it_is_older, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("roomsvc stale bridges", tests, NULL, NULL);
}
