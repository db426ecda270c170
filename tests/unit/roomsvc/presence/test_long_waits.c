/* Who waits for long is looked for now and then, with the store played by the test. */
#include "roomsvc/presence/long_waits.h"
#include "tests/unit/roomsvc/presence/out_fixture.h"

struct fixture {
    struct out_fixture out;
    struct take_outs *waits;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const struct take_outs_parts parts = out_fixture_setup(&f->out);
    f->waits = long_waits_new(&parts);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    take_outs_free(&f->waits);
    out_fixture_teardown(&f->out);
    mem_free(&f);
    return 0;
}

static void look(struct fixture *f, uint64_t after_ms, size_t found)
{
    const size_t finds = f->out.finds;
    fake_clock_advance(f->out.clock, after_ms - 1);
    assert_int_equal(f->out.finds, finds);
    fake_clock_advance(f->out.clock, 1);
    assert_int_equal(f->out.finds, finds + 1);
    assert_int_equal(f->out.look.why, OUT_WAITED);
    out_answer_find(&f->out, found, 1, 0);
}

static void people_are_taken_out_room_by_room(void **state)
{
    struct fixture *f = *state;
    look(f, LONG_WAITS_LOOK_MS, 0);
    look(f, LONG_WAITS_LOOK_MS, 2);
    assert_int_equal(f->out.room_id, 1);
    out_answer_take(&f->out, 1);
    fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    assert_int_equal(f->out.room_id, 2);
    out_answer_take(&f->out, 0);
    fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    look(f, LONG_WAITS_LOOK_MS, 0);
}

/* Those that one look does not find are not left for later. */
static void there_may_be_more(void **state)
{
    struct fixture *f = *state;
    look(f, LONG_WAITS_LOOK_MS, OUT_ROOMS_MAX);
    for (size_t i = 0; i < OUT_ROOMS_MAX; i++) {
        out_answer_take(&f->out, 0);
        fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    }
    look(f, TAKE_OUTS_PAUSE_MS, 0);
}

static void a_look_that_fails_is_done_again(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->out.clock, LONG_WAITS_LOOK_MS);
    out_fail_find(&f->out);
    f->out.refuse = ERR_OVERLOADED;
    fake_clock_advance(f->out.clock, LONG_WAITS_LOOK_MS);
    f->out.refuse = ERR_OK;
    look(f, LONG_WAITS_LOOK_MS, 1);
    out_fail_take(&f->out);
    fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    look(f, LONG_WAITS_LOOK_MS, 0);
}

#define WAIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAIT_TEST(people_are_taken_out_room_by_room),
        WAIT_TEST(there_may_be_more),
        WAIT_TEST(a_look_that_fails_is_done_again),
    };
    return cmocka_run_group_tests_name("long waits", tests, NULL, NULL);
}
