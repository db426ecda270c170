/* Who is away leaves, but only when it is sure that he is: the database, the reports and this
 * process have been well for long enough. */
#include "roomsvc/presence/absences.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/roomsvc/presence/out_fixture.h"

#define AWAY_MS 30000
#define LOOK_MS 1000

struct fixture {
    struct out_fixture out;
    struct presence_reports *reports;
    struct absences *absences;
    uint64_t unix_ms; /* the database's clock */
};

static enum err refuse_report(void *self, const struct msg_presence_report *report,
                              uint64_t deadline_ms, presence_store_fn *fn, void *arg)
{
    (void)self, (void)report, (void)deadline_ms, (void)fn, (void)arg;
    return ERR_OVERLOADED;
}

static const struct presence_store_ops report_ops = {refuse_report};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const struct take_outs_parts parts = out_fixture_setup(&f->out);
    f->unix_ms = 1000000000;
    f->reports = presence_reports_new(parts.clock, (struct presence_store){.ops = &report_ops},
                                      parts.metrics);
    f->absences = absences_new(&parts, f->reports, AWAY_MS);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    absences_free(&f->absences);
    presence_reports_free(&f->reports);
    out_fixture_teardown(&f->out);
    mem_free(&f);
    return 0;
}

static void pass(struct fixture *f, uint64_t ms)
{
    fake_clock_advance(f->out.clock, ms);
    f->unix_ms += ms;
}

/* A look that finds one room; gives whether somebody was taken out. */
static bool look(struct fixture *f)
{
    const size_t takes = f->out.takes;
    pass(f, LOOK_MS);
    assert_int_equal(f->out.look.why, OUT_ABSENT);
    assert_int_equal(f->out.look.away_ms, AWAY_MS);
    out_answer_find(&f->out, 1, f->unix_ms, 0);
    if (f->out.takes == takes) {
        return false;
    }
    assert_int_equal(f->out.room_id, 1);
    out_answer_take(&f->out, 1);
    pass(f, TAKE_OUTS_PAUSE_MS);
    return true;
}

/* Of looks in their turn, the first that takes somebody out. */
static size_t looks_until_sure(struct fixture *f)
{
    for (size_t i = 1; i < 100; i++) {
        if (look(f)) {
            return i;
        }
    }
    return 0;
}

static void nobody_leaves_in_the_first_while(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(looks_until_sure(f), AWAY_MS / LOOK_MS);
    assert_true(look(f));
    assert_int_equal(metric_value(metrics_counter(f->out.metrics, "lynks_participants_swept_total",
                                                  "", "reason=\"absent\"")),
                     2);
}

static void nobody_leaves_after_an_outage_of_the_database(void **state)
{
    struct fixture *f = *state;
    (void)looks_until_sure(f);
    f->out.steady_ms = AWAY_MS - 1;
    assert_false(look(f));
    f->out.steady_ms = 0;
    assert_false(look(f));
    f->out.steady_ms = AWAY_MS;
    assert_true(look(f));
}

/* kill -STOP: the timers come when it goes on. */
static void nobody_leaves_after_a_pause_of_this_process(void **state)
{
    struct fixture *f = *state;
    (void)looks_until_sure(f);
    pass(f, LOOK_MS);
    out_answer_find(&f->out, 0, f->unix_ms, 0);
    pass(f, LOOK_MS); /* the question is out */
    pass(f, 20000);
    out_answer_find(&f->out, 1, f->unix_ms - 20000, 0);
    assert_null(f->out.taken_fn);
    assert_in_range(looks_until_sure(f), AWAY_MS / LOOK_MS, AWAY_MS / LOOK_MS + 1);
}

/* It is asked before each room, too, and the database does not do later what was right before. */
static void a_pause_between_two_rooms_ends_the_look(void **state)
{
    struct fixture *f = *state;
    (void)looks_until_sure(f);
    pass(f, LOOK_MS);
    out_answer_find(&f->out, 3, f->unix_ms, 0);
    assert_int_equal(f->out.look.until_unix_ms, f->unix_ms + ABSENCES_PAUSE_MS);
    out_answer_take(&f->out, 1);
    pass(f, TAKE_OUTS_PAUSE_MS);
    assert_int_equal(f->out.room_id, 2);
    assert_int_equal(f->out.look.until_unix_ms, f->unix_ms + ABSENCES_PAUSE_MS);
    pass(f, 5000);
    out_answer_take(&f->out, 1);
    pass(f, TAKE_OUTS_PAUSE_MS);
    assert_null(f->out.taken_fn);
    assert_int_equal(looks_until_sure(f), AWAY_MS / LOOK_MS);
}

static void nobody_leaves_after_a_report_that_failed(void **state)
{
    struct fixture *f = *state;
    struct mock_call call = {0};
    const struct msg request = {
        .id = MSG_presence_report,
        .presence_report = {.gateway = STR_LIT("0123456789abcdef"), .number = 1}};
    (void)looks_until_sure(f);
    log_capture_expect("presence could not be kept");
    mock_call_init(&call, fake_clock_clock(f->out.clock), &request);
    call.call.peer_role = "gateway";
    presence_reports_take(f->reports, &call.call);
    mock_call_fini(&call);
    assert_int_equal(looks_until_sure(f), AWAY_MS / LOOK_MS);
}

/* The machine slept, or the database is another one. */
static void nobody_leaves_after_a_leap_of_the_clock(void **state)
{
    static const int64_t leaps_ms[] = {3600000, -3600000, ABSENCES_LEAP_MS + 1,
                                       -ABSENCES_LEAP_MS - 1};
    struct fixture *f = *state;
    (void)looks_until_sure(f);
    for (size_t i = 0; i < ARRAY_LEN(leaps_ms); i++) {
        f->unix_ms += (uint64_t)leaps_ms[i];
        assert_false(look(f));
        assert_int_equal(looks_until_sure(f), AWAY_MS / LOOK_MS);
        f->unix_ms += ABSENCES_LEAP_MS;
        assert_true(look(f));
    }
}

static void what_fails_is_looked_for_again(void **state)
{
    struct fixture *f = *state;
    (void)looks_until_sure(f);
    pass(f, LOOK_MS);
    out_fail_find(&f->out);
    pass(f, LOOK_MS);
    out_answer_find(&f->out, 2, f->unix_ms, 0);
    out_fail_take(&f->out);
    pass(f, TAKE_OUTS_PAUSE_MS);
    assert_int_equal(f->out.room_id, 2); /* one room does not hold up the others */
    out_answer_take(&f->out, 1);
    pass(f, TAKE_OUTS_PAUSE_MS);
    f->out.refuse = ERR_UNAVAILABLE;
    pass(f, LOOK_MS);
    f->out.refuse = ERR_OK;
    assert_true(look(f));
}

static void many_rooms_are_dealt_with_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    (void)looks_until_sure(f);
    pass(f, LOOK_MS);
    out_answer_find(&f->out, OUT_ROOMS_MAX, f->unix_ms, 0);
    for (uint64_t id = 1; id <= OUT_ROOMS_MAX; id++) {
        assert_int_equal(f->out.room_id, id);
        if (id == 7) {
            out_answer_take(&f->out, OUT_PEOPLE_MAX); /* there are more in it */
            pass(f, TAKE_OUTS_PAUSE_MS);
            assert_int_equal(f->out.room_id, id);
        }
        out_answer_take(&f->out, 1);
        pass(f, TAKE_OUTS_PAUSE_MS);
    }
    const size_t finds = f->out.finds;
    pass(f, TAKE_OUTS_PAUSE_MS); /* there may be more rooms: at once */
    assert_int_equal(f->out.finds, finds + 1);
    out_answer_find(&f->out, 0, f->unix_ms, 0);
}

#define ABSENCE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ABSENCE_TEST(nobody_leaves_in_the_first_while),
        ABSENCE_TEST(nobody_leaves_after_an_outage_of_the_database),
        ABSENCE_TEST(nobody_leaves_after_a_pause_of_this_process),
        ABSENCE_TEST(a_pause_between_two_rooms_ends_the_look),
        ABSENCE_TEST(nobody_leaves_after_a_report_that_failed),
        ABSENCE_TEST(nobody_leaves_after_a_leap_of_the_clock),
        ABSENCE_TEST(what_fails_is_looked_for_again),
        ABSENCE_TEST(many_rooms_are_dealt_with_one_after_the_other),
    };
    return cmocka_run_group_tests_name("absences", tests, NULL, NULL);
}
