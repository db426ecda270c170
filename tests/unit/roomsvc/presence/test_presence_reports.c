/* Reports of gateways, with the store played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/presence/presence_reports.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct presence_reports *reports;
    struct mock_call call;
    const char *role;
    enum err refuse;
    uint64_t deadline_ms, number;
    size_t opened, closed;
    presence_store_fn *fn;
    void *arg;
};

static enum err store_report(void *self, const struct msg_presence_report *report,
                             uint64_t deadline_ms, presence_store_fn *fn, void *arg)
{
    struct fixture *f = self;
    f->number = report->number;
    f->opened = report->opened.count;
    f->closed = report->closed.count;
    f->deadline_ms = deadline_ms;
    f->fn = fn;
    f->arg = arg;
    return f->refuse;
}

static const struct presence_store_ops store_ops = {store_report};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->reports =
        presence_reports_new(fake_clock_clock(f->clock),
                             (struct presence_store){.ops = &store_ops, .self = f}, f->metrics);
    f->role = "gateway";
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mock_call_fini(&f->call);
    presence_reports_free(&f->reports);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

static void report(struct fixture *f)
{
    static const uint64_t ids[] = {7, 8, 9};
    const struct msg request = {.id = MSG_presence_report,
                                .presence_report = {.gateway = STR_LIT("0123456789abcdef"),
                                                    .opened = {ids, 2},
                                                    .closed = {ids + 2, 1},
                                                    .number = 5}};
    mock_call_fini(&f->call);
    mock_call_init(&f->call, fake_clock_clock(f->clock), &request);
    f->call.call.peer_role = f->role;
    presence_reports_take(f->reports, &f->call.call);
}

static void a_report_is_kept_and_answered(void **state)
{
    struct fixture *f = *state;
    for (unsigned is_new = 0; is_new <= 1; is_new++) {
        report(f);
        assert_int_equal(f->number, 5);
        assert_int_equal(f->opened, 2);
        assert_int_equal(f->closed, 1);
        assert_int_equal(f->deadline_ms, f->call.call.context.deadline_ms);
        assert_int_equal(f->call.answers, 0);
        f->fn(f->arg, ERR_OK, is_new);
        assert_int_equal(f->call.err, ERR_OK);
        assert_int_equal(f->call.reply.presence_report_reply.is_new, is_new);
    }
    fake_clock_advance(f->clock, 7000);
    assert_int_equal(presence_reports_calm_ms(f->reports), 7000);
}

static void a_failure_is_told_and_remembered(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("presence could not be kept");
    fake_clock_advance(f->clock, 7000);
    report(f);
    f->fn(f->arg, ERR_OVERLOADED, false);
    assert_int_equal(f->call.err, ERR_OVERLOADED);
    assert_int_equal(presence_reports_calm_ms(f->reports), 0);
    fake_clock_advance(f->clock, 7000);
    f->refuse = ERR_UNAVAILABLE;
    report(f);
    assert_int_equal(f->call.err, ERR_UNAVAILABLE);
    assert_int_equal(presence_reports_calm_ms(f->reports), 0);
    f->refuse = ERR_OK;
    fake_clock_advance(f->clock, 1000);
    report(f);
    f->fn(f->arg, ERR_OK, false);
    assert_int_equal(presence_reports_calm_ms(f->reports), 1000);
}

static void only_gateways_report(void **state)
{
    struct fixture *f = *state;
    f->role = "janusbridge";
    report(f);
    assert_int_equal(f->call.err, ERR_FORBIDDEN);
    assert_null(f->fn);
}

#define REPORT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(a_report_is_kept_and_answered),
        REPORT_TEST(a_failure_is_told_and_remembered),
        REPORT_TEST(only_gateways_report),
    };
    return cmocka_run_group_tests_name("presence reports", tests, NULL, NULL);
}
