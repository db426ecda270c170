/* A room that somebody has come into is made in Janus; he waits for that, but not for long. */
#include "roomsvc/room/room_enter.h"
#include "tests/unit/roomsvc/rooms_fixture.h"

static struct room_enters *enters;
static unsigned told;

static void on_told(void *arg)
{
    assert_ptr_equal(arg, &told);
    told++;
}

static int set_up_enters(void **state)
{
    (void)setup(state);
    set_up_rooms(*state, 123456);
    enters = room_enters_new(((struct fixture *)*state)->rooms);
    told = 0;
    return 0;
}

static int tear_down_enters(void **state)
{
    room_enters_free(&enters);
    return teardown(state);
}

/* Somebody whose call has so long to go comes in. */
static void enter_within(struct fixture *f, uint64_t ms)
{
    const struct call_context context = {.deadline_ms =
                                             clock_mono_ms(fake_clock_clock(f->clock)) + ms};
    room_enter(enters, stored.id, &context, on_told, &told);
}

static void enter(struct fixture *f)
{
    enter_within(f, 4000);
}

static void found(struct fixture *f, enum err err)
{
    struct store_call *call = next_store_call(f);
    if (call->kind == COUNT) { /* now and then rooms are counted */
        call->count_fn(call->arg, ERR_UNAVAILABLE, 0);
        call = next_store_call(f);
    }
    assert_int_equal(call->kind, FIND);
    assert_int_equal(call->room_id, stored.id);
    answer_store(call, err, err == ERR_OK ? &stored : NULL);
}

static void fail_create(struct fixture *f)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(call);
    mock_bus_answer(call, ERR_UNAVAILABLE, NULL);
}

static void he_waits_until_the_room_is_there(void **state)
{
    struct fixture *f = *state;
    enter(f);
    found(f, ERR_OK);
    fake_clock_advance(f->clock, 100);
    assert_int_equal(told, 0);
    answer_bridge_create(f);
    assert_int_equal(told, 1);
    fake_clock_advance(f->clock, 60000);
    assert_int_equal(told, 1);
    assert_non_null(room_cache_find(f->rooms->cache, stored.id));
}

/* Nobody comes into it in Janus but with its pin. */
static void the_room_has_its_pin_in_janus(void **state)
{
    struct fixture *f = *state;
    enter(f);
    struct store_call *call = next_store_call(f);
    answer_store(call, ERR_OK, &of_people);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(made);
    assert_true(str_eq(made->request.bridge_create.pin, str_of(of_people.janus_pin)));
    answer_bridge_create(f);
    assert_int_equal(told, 1);
}

static void he_does_not_wait_for_a_janus_that_is_away(void **state)
{
    struct fixture *f = *state;
    enter(f);
    found(f, ERR_OK);
    fake_clock_advance(f->clock, ROOM_ENTER_WAIT_MS - 1);
    assert_int_equal(told, 0);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(told, 1);
    fail_create(f);
    fake_clock_advance(f->clock, ROOM_ENTER_AGAIN_MS);
    found(f, ERR_OK);
    answer_bridge_create(f); /* it is back */
    fake_clock_advance(f->clock, 60000);
    assert_int_equal(told, 1);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
}

/* His answer has to be on its way in time; the room is made all the same. */
static void he_waits_no_longer_than_his_call_may_take(void **state)
{
    struct fixture *f = *state;
    enter_within(f, 300);
    fake_clock_advance(f->clock, 149);
    assert_int_equal(told, 0);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(told, 1);
    found(f, ERR_OK);
    answer_bridge_create(f);
    assert_int_equal(told, 1);
    enter_within(f, 0);
    fake_clock_advance(f->clock, 0);
    assert_int_equal(told, 2);
    found(f, ERR_NO_SUCH_ROOM);
}

static void it_is_not_tried_for_ever(void **state)
{
    struct fixture *f = *state;
    enter(f);
    for (size_t i = 0; i < ROOM_ENTER_TRIES; i++) {
        found(f, i % 2 == 0 ? ERR_OK : ERR_UNAVAILABLE);
        if (i % 2 == 0) {
            fail_create(f);
        }
        fake_clock_advance(f->clock, ROOM_ENTER_AGAIN_MS);
    }
    size_t finds = 0;
    for (size_t i = 0; i < f->call_count; i++) {
        finds += f->calls[i].kind == FIND;
    }
    assert_int_equal(told, 1);
    assert_int_equal(finds, ROOM_ENTER_TRIES);
}

/* It was closed, or he has left again. */
static void a_room_that_need_not_be_there_is_not_made(void **state)
{
    struct fixture *f = *state;
    enter(f);
    found(f, ERR_NO_SUCH_ROOM);
    assert_int_equal(told, 1);
    f->refuse = ERR_UNAVAILABLE;
    enter(f);
    f->refuse = ERR_OK;
    fake_clock_advance(f->clock, ROOM_ENTER_AGAIN_MS);
    assert_int_equal(told, 2);
    found(f, ERR_NO_SUCH_ROOM);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
}

#define ENTER_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_enters, tear_down_enters)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENTER_TEST(he_waits_until_the_room_is_there),
        ENTER_TEST(the_room_has_its_pin_in_janus),
        ENTER_TEST(he_does_not_wait_for_a_janus_that_is_away),
        ENTER_TEST(he_waits_no_longer_than_his_call_may_take),
        ENTER_TEST(it_is_not_tried_for_ever),
        ENTER_TEST(a_room_that_need_not_be_there_is_not_made),
    };
    return cmocka_run_group_tests_name("room enter", tests, NULL, NULL);
}
