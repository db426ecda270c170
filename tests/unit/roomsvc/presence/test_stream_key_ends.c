/* Streams whose keys' time is up are looked for more than once a second. */
#include "roomsvc/presence/stream_key_ends.h"
#include "tests/unit/roomsvc/presence/out_fixture.h"

static void they_are_out_within_a_second(void **state)
{
    struct out_fixture out = {0};
    const struct take_outs_parts parts = out_fixture_setup(&out);
    struct take_outs *ends = stream_key_ends_new(&parts);
    (void)state;
    fake_clock_advance(out.clock, 500);
    assert_int_equal(out.finds, 1);
    assert_int_equal(out.look.why, OUT_STREAM_KEY_ENDED);
    out_answer_find(&out, 1, 1, 0);
    assert_int_equal(out.room_id, 1);
    out_answer_take(&out, 1);
    fake_clock_advance(out.clock, TAKE_OUTS_PAUSE_MS);
    fake_clock_advance(out.clock, 500);
    assert_int_equal(out.finds, 2);
    out_answer_find(&out, 0, 1, 0);
    take_outs_free(&ends);
    out_fixture_teardown(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(they_are_out_within_a_second)};
    return cmocka_run_group_tests_name("ends of stream keys", tests, NULL, NULL);
}
