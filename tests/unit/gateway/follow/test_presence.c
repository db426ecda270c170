/* Who has a stream, as a gateway reports it: once a second, in full after an outage, nothing lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/follow/presence.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"

struct fixture {
    struct fake_clock *clock;
    struct mock_bus bus;
    struct metrics *metrics;
    struct presence *presence;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_bus_init(&f->bus);
    f->presence = presence_new(fake_clock_clock(f->clock), &f->bus.bus, f->metrics);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    presence_free(&f->presence);
    assert_int_equal(fake_clock_timers(f->clock), 0);
    mock_bus_fini(&f->bus);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

/* The report that is on its way, which is of this second. */
static struct mock_bus_call *report_after(struct fixture *f, uint64_t ms)
{
    const size_t before = f->bus.count;
    fake_clock_advance(f->clock, ms);
    assert_int_equal(f->bus.count, before + 1);
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_presence_report);
    assert_non_null(call);
    return call;
}

static void answer(struct mock_bus_call *call, bool is_new)
{
    const struct msg reply = {.id = MSG_presence_report_reply,
                              .presence_report_reply = {.is_new = is_new}};
    mock_bus_answer(call, ERR_OK, &reply);
}

static void expect_ids(const struct u64_list *list, const uint64_t *ids, size_t count)
{
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list->items[i], ids[i]);
    }
}

/* opened and closed: ids, ended by 0. */
static void expect_report(const struct mock_bus_call *call, const uint64_t *opened,
                          const uint64_t *closed)
{
    size_t opened_count = 0;
    size_t closed_count = 0;
    while (opened[opened_count] != 0) {
        opened_count++;
    }
    while (closed[closed_count] != 0) {
        closed_count++;
    }
    expect_ids(&call->request.presence_report.opened, opened, opened_count);
    expect_ids(&call->request.presence_report.closed, closed, closed_count);
}

#define IDS(...) ((const uint64_t[]){__VA_ARGS__, 0})
#define NOBODY ((const uint64_t[]){0})

/* The next report is answered at once. */
static void expect_next(struct fixture *f, const uint64_t *opened, const uint64_t *closed)
{
    struct mock_bus_call *call = report_after(f, PRESENCE_REPORT_MS);
    expect_report(call, opened, closed);
    answer(call, false);
}

static void one_report_a_second_keeps_the_lease(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, 5 * PRESENCE_REPORT_MS);
    assert_int_equal(f->bus.count, 0); /* there is nobody */
    assert_true(presence_open(f->presence, 7));
    struct mock_bus_call *first = report_after(f, PRESENCE_REPORT_MS);
    expect_report(first, IDS(7), NOBODY);
    const struct msg_presence_report report = first->request.presence_report;
    assert_int_equal(report.gateway.bytes, 16);
    assert_int_equal(report.number, 1);
    answer(first, true);
    struct mock_bus_call *second = report_after(f, PRESENCE_REPORT_MS);
    expect_report(second, NOBODY, NOBODY);
    assert_int_equal(second->request.presence_report.number, 2);
    assert_memory_equal(second->request.presence_report.gateway.data, report.gateway.data, 16);
    answer(second, false);
}

static void several_streams_of_one_are_one(void **state)
{
    struct fixture *f = *state;
    assert_true(presence_open(f->presence, 7));
    assert_true(presence_open(f->presence, 7));
    assert_true(presence_open(f->presence, 8));
    expect_next(f, IDS(7, 8), NOBODY);
    presence_close(f->presence, 7);
    for (size_t i = 0; i < 4; i++) {
        expect_next(f, NOBODY, NOBODY);
    }
    presence_close(f->presence, 7);
    expect_next(f, NOBODY, NOBODY);
    expect_next(f, NOBODY, IDS(7));
    expect_next(f, NOBODY, NOBODY);
    assert_int_equal(presence_count(f->presence), 1);
}

static void a_pause_of_a_long_poll_costs_nothing(void **state)
{
    struct fixture *f = *state;
    assert_true(presence_open(f->presence, 7));
    expect_next(f, IDS(7), NOBODY);
    for (size_t i = 0; i < 10; i++) {
        presence_close(f->presence, 7);
        expect_next(f, NOBODY, NOBODY);
        assert_true(presence_open(f->presence, 7));
        expect_next(f, NOBODY, NOBODY);
    }
}

/* He is told of all the same: his time begins when his stream has ended. */
static void a_stream_of_a_moment_is_told(void **state)
{
    struct fixture *f = *state;
    assert_true(presence_open(f->presence, 7));
    presence_close(f->presence, 7);
    expect_next(f, IDS(7), NOBODY);
    expect_next(f, NOBODY, IDS(7));
    assert_int_equal(presence_count(f->presence), 0);
}

static void a_failed_report_loses_nothing(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("presence could not be reported");
    assert_true(presence_open(f->presence, 7));
    assert_true(presence_open(f->presence, 8));
    expect_next(f, IDS(7, 8), NOBODY);
    presence_close(f->presence, 8);
    expect_next(f, NOBODY, NOBODY);
    assert_true(presence_open(f->presence, 9));
    struct mock_bus_call *call = report_after(f, PRESENCE_REPORT_MS);
    expect_report(call, IDS(9), IDS(8));
    mock_bus_answer(call, ERR_DEADLINE, NULL);
    f->bus.refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, PRESENCE_REPORT_MS);
    f->bus.refuse = ERR_OK;
    expect_next(f, IDS(9), IDS(8));
    expect_next(f, NOBODY, NOBODY);
}

/* What changes while a report is on its way is in the next. */
static void what_changes_meanwhile_is_told_next(void **state)
{
    struct fixture *f = *state;
    assert_true(presence_open(f->presence, 7));
    assert_true(presence_open(f->presence, 8));
    expect_next(f, IDS(7, 8), NOBODY);
    presence_close(f->presence, 7);
    presence_close(f->presence, 8);
    expect_next(f, NOBODY, NOBODY);
    struct mock_bus_call *call = report_after(f, PRESENCE_REPORT_MS);
    expect_report(call, NOBODY, IDS(7, 8));
    assert_true(presence_open(f->presence, 7)); /* and stays */
    assert_true(presence_open(f->presence, 8)); /* and goes again */
    presence_close(f->presence, 8);
    answer(call, false);
    expect_next(f, IDS(7, 8), NOBODY);
    expect_next(f, NOBODY, IDS(8));
    assert_int_equal(presence_count(f->presence), 1);
}

static void one_report_is_out_at_a_time(void **state)
{
    struct fixture *f = *state;
    assert_true(presence_open(f->presence, 8));
    struct mock_bus_call *call = report_after(f, PRESENCE_REPORT_MS);
    const uint64_t now_ms = clock_mono_ms(fake_clock_clock(f->clock));
    assert_int_equal(call->context.deadline_ms, now_ms + PRESENCE_ANSWER_MS);
    assert_true(presence_open(f->presence, 7));
    fake_clock_advance(f->clock, 3 * PRESENCE_REPORT_MS);
    assert_int_equal(f->bus.count, 1);
    answer(call, false);
    expect_next(f, IDS(7), NOBODY);
}

static void everybody_is_told_again_where_the_gateway_is_new(void **state)
{
    struct fixture *f = *state;
    assert_true(presence_open(f->presence, 7));
    assert_true(presence_open(f->presence, 8));
    expect_next(f, IDS(7, 8), NOBODY);
    presence_close(f->presence, 8); /* he lingers */
    assert_true(presence_open(f->presence, 9));
    struct mock_bus_call *call = report_after(f, PRESENCE_REPORT_MS);
    expect_report(call, IDS(9), NOBODY);
    answer(call, true);
    expect_next(f, IDS(7, 8), NOBODY);
    expect_next(f, NOBODY, IDS(8));
    expect_next(f, NOBODY, NOBODY);
}

/* The answer that said so may have been lost. */
static void everybody_is_told_again_after_an_outage(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("presence could not be reported");
    assert_true(presence_open(f->presence, 7));
    expect_next(f, IDS(7), NOBODY);
    f->bus.refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, 3 * PRESENCE_REPORT_MS);
    f->bus.refuse = ERR_OK;
    expect_next(f, NOBODY, NOBODY); /* 4 s after the last one */
    expect_next(f, IDS(7), NOBODY);
    f->bus.refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, 2 * PRESENCE_REPORT_MS);
    f->bus.refuse = ERR_OK;
    expect_next(f, NOBODY, NOBODY);
    expect_next(f, NOBODY, NOBODY); /* 3 s only */
}

static void what_does_not_fit_comes_in_later_seconds(void **state)
{
    struct fixture *f = *state;
    for (uint64_t id = 1; id <= 2 * PRESENCE_CHANGES + 5; id++) {
        assert_true(presence_open(f->presence, id));
    }
    uint64_t next = 1;
    static const size_t counts[] = {PRESENCE_CHANGES, PRESENCE_CHANGES, 5, 0};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct mock_bus_call *call = report_after(f, PRESENCE_REPORT_MS);
        const struct u64_list *opened = &call->request.presence_report.opened;
        assert_int_equal(opened->count, counts[i]);
        for (size_t k = 0; k < opened->count; k++) {
            assert_int_equal(opened->items[k], next++);
        }
        answer(call, false);
    }
}

#define PRESENCE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PRESENCE_TEST(one_report_a_second_keeps_the_lease),
        PRESENCE_TEST(several_streams_of_one_are_one),
        PRESENCE_TEST(a_pause_of_a_long_poll_costs_nothing),
        PRESENCE_TEST(a_stream_of_a_moment_is_told),
        PRESENCE_TEST(a_failed_report_loses_nothing),
        PRESENCE_TEST(what_changes_meanwhile_is_told_next),
        PRESENCE_TEST(one_report_is_out_at_a_time),
        PRESENCE_TEST(everybody_is_told_again_where_the_gateway_is_new),
        PRESENCE_TEST(everybody_is_told_again_after_an_outage),
        PRESENCE_TEST(what_does_not_fit_comes_in_later_seconds),
    };
    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
