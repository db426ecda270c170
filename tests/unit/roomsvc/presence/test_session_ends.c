/* Sessions that were ended are looked for several times a second, those of the last while. */
#include "roomsvc/presence/session_ends.h"
#include "tests/unit/roomsvc/presence/out_fixture.h"

struct fixture {
    struct out_fixture out;
    struct session_ends *ends;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const struct take_outs_parts parts = out_fixture_setup(&f->out);
    f->ends = session_ends_new(&parts);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    session_ends_free(&f->ends);
    out_fixture_teardown(&f->out);
    mem_free(&f);
    return 0;
}

static void look(struct fixture *f, enum out_why why, uint64_t after_seq, uint64_t last_seq)
{
    fake_clock_advance(f->out.clock, SESSION_ENDS_LOOK_MS);
    assert_int_equal(f->out.look.why, why);
    if (why == OUT_SESSION_ENDED) {
        assert_int_equal(f->out.look.after_seq, after_seq);
    }
    out_answer_find(&f->out, 0, 1, last_seq);
}

static void the_last_while_is_looked_at_again_and_again(void **state)
{
    struct fixture *f = *state;
    look(f, OUT_ANY_SESSION_ENDED, 0, 100);
    for (uint64_t i = 1; i < SESSION_ENDS_ALL_EVERY; i++) {
        look(f, OUT_SESSION_ENDED, i <= SESSION_ENDS_LOOKS ? 100 : 100 + i - SESSION_ENDS_LOOKS,
             100 + i);
    }
    look(f, OUT_ANY_SESSION_ENDED, 0, 300);
}

static void people_are_taken_out_at_once(void **state)
{
    struct fixture *f = *state;
    look(f, OUT_ANY_SESSION_ENDED, 0, 100);
    fake_clock_advance(f->out.clock, SESSION_ENDS_LOOK_MS);
    out_answer_find(&f->out, 2, 1, 101);
    assert_int_equal(f->out.room_id, 1);
    out_answer_take(&f->out, 1);
    fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    assert_int_equal(f->out.room_id, 2);
    out_answer_take(&f->out, 0);
    fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    look(f, OUT_SESSION_ENDED, 100, 102);
}

/* Which does not count as one of those by which the while is measured. */
static void a_look_that_fails_is_done_again(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->out.clock, SESSION_ENDS_LOOK_MS);
    out_fail_find(&f->out);
    look(f, OUT_ANY_SESSION_ENDED, 0, 100);
    for (size_t i = 0; i < 2 * SESSION_ENDS_LOOKS; i++) {
        fake_clock_advance(f->out.clock, SESSION_ENDS_LOOK_MS);
        out_answer_find(&f->out, 1, 1, 200);
        out_fail_take(&f->out);
        fake_clock_advance(f->out.clock, TAKE_OUTS_PAUSE_MS);
    }
    look(f, OUT_SESSION_ENDED, 100, 200);
}

#define END_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        END_TEST(the_last_while_is_looked_at_again_and_again),
        END_TEST(people_are_taken_out_at_once),
        END_TEST(a_look_that_fails_is_done_again),
    };
    return cmocka_run_group_tests_name("session ends", tests, NULL, NULL);
}
