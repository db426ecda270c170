/* The rooms of users who were removed: looked for each second, in parts, again after a failure. */
#include "roomsvc/room/removals.h"
#include "tests/unit/roomsvc/rooms_fixture.h"

static struct asked {
    bool is_there;
    struct removal_look look;
    removal_store_fn *fn;
    void *arg;
} asked;
static enum err refuse;
static struct room_news *news; /* tells nobody */
static struct removals *removals;

static enum err settle(void *self, const struct removal_look *look, removal_store_fn *fn, void *arg)
{
    (void)self;
    assert_false(asked.is_there); /* one thing at a time */
    if (refuse == ERR_OK) {
        asked = (struct asked){.is_there = true, .look = *look, .fn = fn, .arg = arg};
    }
    return refuse;
}

static const struct removal_store_ops removal_ops = {settle};

static int set_up_removals(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    asked = (struct asked){0};
    refuse = ERR_OK;
    set_up_rooms(f, 123456);
    news = room_news_new(fake_clock_clock(f->clock), f->metrics, /* publisher= */ NULL);
    removals =
        removals_new(f->rooms, (struct removal_store){.ops = &removal_ops}, news, f->metrics);
    return 0;
}

static int tear_down_removals(void **state)
{
    removals_free(&removals);
    room_news_free(&news);
    return teardown(state);
}

static void answer_look(enum err err, const struct removal_step *step)
{
    const struct asked look = asked;
    assert_true(look.is_there);
    assert_int_equal(look.look.standard_room, 123456);
    asked.is_there = false;
    look.fn(look.arg, err, step);
}

static void it_is_looked_each_second_and_at_all_now_and_then(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 2 * REMOVALS_ALL_EVERY; i++) {
        fake_clock_advance(f->clock, 999);
        assert_false(asked.is_there);
        fake_clock_advance(f->clock, 1);
        assert_int_equal(asked.look.within_ms,
                         i % REMOVALS_ALL_EVERY == 0 ? REMOVALS_ALL_MS : REMOVALS_RECENT_MS);
        answer_look(ERR_NO_SUCH_ROOM, NULL);
    }
}

/* A room that ended is not given from memory. */
static void rooms_end_part_by_part(void **state)
{
    struct fixture *f = *state;
    const struct removal_step step = {
        .user_id = 7, .rooms = {{77, .is_closed = true}, {99, .is_closed = true}}, .count = 2};
    room_cache_put(f->rooms->cache, &stored);
    f->rooms->open_rooms = 5;
    fake_clock_advance(f->clock, 1000);
    answer_look(ERR_OK, &step);
    assert_null(room_cache_find(f->rooms->cache, stored.id));
    assert_int_equal(f->rooms->open_rooms, 3);
    fake_clock_advance(f->clock, REMOVALS_PAUSE_MS);
    assert_int_equal(asked.look.within_ms, REMOVALS_ALL_MS); /* it goes on with the same */
    answer_look(ERR_OK, &step);
    fake_clock_advance(f->clock, REMOVALS_PAUSE_MS);
    answer_look(ERR_OK, &step);
    assert_int_equal(f->rooms->open_rooms, 0);
}

static uint64_t counted(struct fixture *f, const char *labels)
{
    return metric_value(
        metrics_counter(f->metrics, "lynks_rooms_of_removed_users_total", "", labels));
}

/* room_ends.h closes it, and counts it then. */
static void a_room_that_is_only_due_has_not_ended(void **state)
{
    struct fixture *f = *state;
    const struct removal_step step = {
        .user_id = 7, .rooms = {{.id = 77}, {.id = 99, .is_closed = true}}, .count = 2};
    room_cache_put(f->rooms->cache, &stored);
    f->rooms->open_rooms = 5;
    fake_clock_advance(f->clock, 1000);
    answer_look(ERR_OK, &step);
    assert_non_null(room_cache_find(f->rooms->cache, stored.id));
    assert_int_equal(f->rooms->open_rooms, 4);
    assert_int_equal(counted(f, "outcome=\"ended\""), 1);
    assert_int_equal(counted(f, "outcome=\"due\""), 1);
}

static void rooms_that_get_another_owner_stay(void **state)
{
    struct fixture *f = *state;
    const struct removal_step step = {
        .user_id = 7, .heir_id = 8, .rooms = {{.id = 77}}, .count = 1};
    room_cache_put(f->rooms->cache, &stored);
    f->rooms->open_rooms = 5;
    fake_clock_advance(f->clock, 1000);
    answer_look(ERR_OK, &step);
    assert_non_null(room_cache_find(f->rooms->cache, stored.id));
    assert_int_equal(f->rooms->open_rooms, 5);
}

static void what_fails_is_tried_again(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, 1000);
    answer_look(ERR_UNAVAILABLE, NULL);
    refuse = ERR_OVERLOADED;
    fake_clock_advance(f->clock, 1000);
    assert_false(asked.is_there);
    refuse = ERR_OK;
    fake_clock_advance(f->clock, 1000);
    assert_int_equal(asked.look.within_ms, REMOVALS_ALL_MS); /* which was not done yet */
    answer_look(ERR_NO_SUCH_ROOM, NULL);
}

#define REMOVAL_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_removals, tear_down_removals)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REMOVAL_TEST(it_is_looked_each_second_and_at_all_now_and_then),
        REMOVAL_TEST(rooms_end_part_by_part),
        REMOVAL_TEST(a_room_that_is_only_due_has_not_ended),
        REMOVAL_TEST(rooms_that_get_another_owner_stay),
        REMOVAL_TEST(what_fails_is_tried_again),
    };
    return cmocka_run_group_tests_name("removals", tests, NULL, NULL);
}
