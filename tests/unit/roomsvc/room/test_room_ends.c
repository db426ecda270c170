/* Rooms with a code that are due: they end, or leave Janus, with the registry played by the test.
 */
#include "roomsvc/room/room_ends.h"
#include "tests/unit/roomsvc/rooms_fixture.h"

static struct asked {
    enum { NOTHING, LOOK, GONE } what;
    uint64_t room_id;
    end_store_fn *fn;
    end_store_gone_fn *gone_fn;
    void *arg;
} asked;
static enum err refuse;
static struct room_news *news; /* tells nobody */
static struct room_ends *ends;

static enum err remember(struct asked now)
{
    assert_int_equal(asked.what, NOTHING); /* one thing at a time */
    if (refuse == ERR_OK) {
        asked = now;
    }
    return refuse;
}

static enum err store_look(void *self, end_store_fn *fn, void *arg)
{
    (void)self;
    return remember((struct asked){.what = LOOK, .fn = fn, .arg = arg});
}

static enum err store_gone(void *self, uint64_t room_id, end_store_gone_fn *fn, void *arg)
{
    (void)self;
    return remember((struct asked){.what = GONE, .room_id = room_id, .gone_fn = fn, .arg = arg});
}

static const struct end_store_ops end_ops = {store_look, store_gone};

static int set_up_ends(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    asked = (struct asked){.what = NOTHING};
    refuse = ERR_OK;
    set_up_rooms(f, 123456);
    news = room_news_new(fake_clock_clock(f->clock), f->metrics, /* publisher= */ NULL);
    ends = room_ends_new(f->rooms, (struct end_store){.ops = &end_ops}, news, f->metrics);
    return 0;
}

static int tear_down_ends(void **state)
{
    room_ends_free(&ends);
    room_news_free(&news);
    return teardown(state);
}

/* The next look comes after so long, and not before. */
static void answer_look(struct fixture *f, uint64_t after_ms, enum err err,
                        enum end_outcome outcome)
{
    static const struct journal journal = {.room_id = 77};
    const struct end_step step = {
        .outcome = outcome, .room = stored, .journal = &journal, .reason = REASON_ROOM_EXPIRED};
    fake_clock_advance(f->clock, after_ms - 1);
    assert_int_equal(asked.what, NOTHING);
    fake_clock_advance(f->clock, 1);
    const struct asked look = asked;
    assert_int_equal(look.what, LOOK);
    asked.what = NOTHING;
    look.fn(look.arg, err, err == ERR_OK ? &step : NULL);
}

static void answer_gone(enum err err, enum end_gone outcome)
{
    const struct asked gone = asked;
    assert_int_equal(gone.what, GONE);
    assert_int_equal(gone.room_id, stored.id);
    asked.what = NOTHING;
    gone.gone_fn(gone.arg, err, outcome);
}

static void answer_destroy(struct fixture *f, enum err err)
{
    const struct msg reply = {.id = MSG_bridge_destroy_reply};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_destroy);
    assert_non_null(call);
    assert_int_equal(call->request.bridge_destroy.room_id, stored.id);
    assert_true(str_eq(call->request.bridge_destroy.secret, str_of(stored.secret)));
    assert_true(str_eq(call->request.bridge_destroy.node, str_of(stored.node)));
    mock_bus_answer(call, err, err == ERR_OK ? &reply : NULL);
}

static uint64_t counted(struct fixture *f, const char *labels)
{
    return metric_value(metrics_counter(f->metrics, "lynks_rooms_due_total", "", labels));
}

static void rooms_are_looked_at_while_any_is_due(void **state)
{
    struct fixture *f = *state;
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_NONE_IS_DUE);
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_LATER);
    answer_look(f, ROOM_ENDS_PAUSE_MS, ERR_OK, END_NONE_IS_DUE);
    answer_look(f, ROOM_ENDS_REST_MS, ERR_UNAVAILABLE, 0);
    refuse = ERR_OVERLOADED;
    fake_clock_advance(f->clock, ROOM_ENDS_REST_MS);
    refuse = ERR_OK;
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_NONE_IS_DUE);
}

static void a_room_that_has_ended_is_not_given_from_memory(void **state)
{
    struct fixture *f = *state;
    room_cache_put(f->rooms->cache, &stored);
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_CLOSED);
    assert_null(room_cache_find(f->rooms->cache, stored.id));
    assert_int_equal(counted(f, "outcome=\"ended\""), 1);
    answer_look(f, ROOM_ENDS_PAUSE_MS, ERR_OK, END_NONE_IS_DUE);
}

static void a_room_that_nobody_is_in_leaves_janus(void **state)
{
    struct fixture *f = *state;
    room_cache_put(f->rooms->cache, &stored);
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_LEAVES);
    assert_null(room_cache_find(f->rooms->cache, stored.id));
    answer_destroy(f, ERR_OK);
    answer_gone(ERR_OK, END_GONE_NOTED);
    assert_int_equal(counted(f, "outcome=\"left_janus\""), 1);
    answer_look(f, ROOM_ENDS_PAUSE_MS, ERR_OK, END_NONE_IS_DUE);
}

/* It is due again soon, by the registry. */
static void one_that_could_not_be_ended_there_is_not_noted(void **state)
{
    struct fixture *f = *state;
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_LEAVES);
    answer_destroy(f, ERR_UNAVAILABLE);
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_LEAVES);
    answer_destroy(f, ERR_OK);
    answer_gone(ERR_OVERLOADED, 0);
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_NONE_IS_DUE);
    assert_int_equal(counted(f, "outcome=\"left_janus\""), 0);
}

static void one_that_somebody_came_into_meanwhile_is_made_again(void **state)
{
    struct fixture *f = *state;
    answer_look(f, ROOM_ENDS_REST_MS, ERR_OK, END_LEAVES);
    answer_destroy(f, ERR_OK);
    answer_gone(ERR_OK, END_GONE_ENTERED);
    answer_bridge_create(f);
    answer_look(f, ROOM_ENDS_PAUSE_MS, ERR_OK, END_NONE_IS_DUE);
    assert_int_equal(counted(f, "outcome=\"left_janus\""), 0);
}

/* It has ended for good, or another replica has seen to it. */
static void one_that_somebody_else_sees_to_is_left_alone(void **state)
{
    static const enum end_gone outcomes[] = {END_GONE_CLOSED, END_GONE_BEFORE};
    struct fixture *f = *state;
    uint64_t after_ms = ROOM_ENDS_REST_MS;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        answer_look(f, after_ms, ERR_OK, END_LEAVES);
        answer_destroy(f, ERR_OK);
        answer_gone(ERR_OK, outcomes[i]);
        assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
        after_ms = ROOM_ENDS_PAUSE_MS;
    }
    answer_look(f, after_ms, ERR_OK, END_NONE_IS_DUE);
    assert_int_equal(counted(f, "outcome=\"left_janus\""), 0);
}

#define END_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_ends, tear_down_ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        END_TEST(rooms_are_looked_at_while_any_is_due),
        END_TEST(a_room_that_has_ended_is_not_given_from_memory),
        END_TEST(a_room_that_nobody_is_in_leaves_janus),
        END_TEST(one_that_could_not_be_ended_there_is_not_noted),
        END_TEST(one_that_somebody_came_into_meanwhile_is_made_again),
        END_TEST(one_that_somebody_else_sees_to_is_left_alone),
    };
    return cmocka_run_group_tests_name("room ends", tests, NULL, NULL);
}
