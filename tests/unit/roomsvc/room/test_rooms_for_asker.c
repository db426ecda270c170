/* Who publishes in a room with a code is told to those who belong there, and to nobody else. */
#include "tests/unit/roomsvc/rooms_fixture.h"

static const struct principal member = {
    .kind = PRINCIPAL_USER, .user_id = 5, .session_id = 1, .role = ROLE_MEMBER};
static const struct principal admin = {
    .kind = PRINCIPAL_USER, .user_id = 6, .session_id = 1, .role = ROLE_ADMIN};
static const struct principal nobody = {.kind = PRINCIPAL_NONE};

static int set_up_for_asker(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    f->principal = &member;
    return 0;
}

static void answer_find(struct fixture *f, enum err err, const struct room *room)
{
    struct store_call *find = next_store_call(f);
    assert_int_equal(find->kind, FIND);
    answer_store(find, err, room);
}

static void answer_may(struct fixture *f, enum err err)
{
    struct store_call *may = next_store_call(f);
    assert_int_equal(may->kind, MAY);
    assert_int_equal(may->room_id, of_people.id);
    assert_int_equal(may->user_id, member.user_id);
    may->may_fn(may->arg, err);
}

static void assert_told(struct fixture *f)
{
    assert_listed(f);
    assert_true(f->call->reply.room_participants_reply.for_asker);
}

static void each_caller_is_judged(void **state)
{
    struct fixture *f = *state;
    list(f, of_people.id);
    answer_find(f, ERR_OK, &of_people);
    answer_may(f, ERR_OK);
    answer_participants(f);
    assert_told(f);
    list(f, of_people.id); /* the room is known now, who may know of it is not */
    answer_may(f, ERR_OK);
    answer_participants(f);
    assert_told(f);
    list(f, of_people.id);
    answer_may(f, ERR_NO_SUCH_ROOM);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    log_capture_expect("who asks for a room could not be looked up");
    list(f, of_people.id);
    answer_may(f, ERR_UNAVAILABLE);
    assert_answered(f, ERR_UNAVAILABLE);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
}

static void an_admin_may_and_nobody_may_not(void **state)
{
    struct fixture *f = *state;
    room_cache_put(f->rooms->cache, &of_people);
    f->principal = &admin;
    list(f, of_people.id);
    answer_participants(f);
    assert_told(f);
    f->principal = &nobody;
    list(f, of_people.id);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    f->principal = &member;
    list_ahead(f, of_people.id); /* it is not known yet who asks */
    assert_answered(f, ERR_NO_SUCH_ROOM);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
}

/* And it is not remembered as such: somebody may come in at any moment, at another replica. */
static void nobody_publishes_in_one_that_is_not_in_janus(void **state)
{
    struct fixture *f = *state;
    struct room room = of_people;
    for (room.in_janus = 0; room.in_janus <= 2; room.in_janus += 2) {
        list(f, of_people.id);
        answer_find(f, ERR_OK, &room);
        answer_may(f, ERR_OK);
        assert_answered(f, ERR_OK);
        assert_int_equal(f->call->reply.room_participants_reply.publishers.count, 0);
        assert_true(f->call->reply.room_participants_reply.for_asker);
        assert_null(room_cache_find(f->rooms->cache, of_people.id));
    }
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
}

static void lose(struct fixture *f)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_participants);
    assert_non_null(call);
    mock_bus_answer(call, ERR_NO_SUCH_ROOM, NULL);
}

/* It has left Janus since it was looked up; or Janus has lost it while somebody is in. */
static void one_that_janus_does_not_have_is_looked_up_again(void **state)
{
    struct fixture *f = *state;
    struct room left = of_people;
    left.in_janus = 0;
    room_cache_put(f->rooms->cache, &of_people);
    list(f, of_people.id);
    answer_may(f, ERR_OK);
    lose(f);
    answer_find(f, ERR_OK, &left);
    answer_may(f, ERR_OK);
    assert_answered(f, ERR_OK);
    assert_int_equal(f->call->reply.room_participants_reply.publishers.count, 0);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
    room_cache_put(f->rooms->cache, &of_people);
    list(f, of_people.id);
    answer_may(f, ERR_OK);
    lose(f);
    answer_find(f, ERR_OK, &of_people);
    answer_bridge_create(f);
    answer_participants(f);
    assert_told(f);
}

/* It may be one with a code, of which only the registry knows who may be told. */
static void one_that_is_not_known_waits_for_the_registry(void **state)
{
    struct fixture *f = *state;
    list(f, of_people.id);
    fake_clock_advance(f->clock, 500);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
    assert_int_equal(f->call->answers, 0);
    answer_find(f, ERR_OK, &of_people);
    answer_may(f, ERR_NO_SUCH_ROOM);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

static void one_that_is_not_known_is_told_to_nobody_while_the_registry_is_away(void **state)
{
    static const enum err errs[] = {ERR_UNAVAILABLE, ERR_DEADLINE};
    struct fixture *f = *state;
    log_capture_expect("room could not be looked up");
    for (size_t i = 0; i < ARRAY_LEN(errs); i++) {
        list(f, of_people.id);
        answer_find(f, errs[i], NULL);
        assert_answered(f, ERR_UNAVAILABLE);
        assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
    }
    f->refuse = ERR_UNAVAILABLE;
    list(f, of_people.id);
    assert_answered(f, ERR_UNAVAILABLE);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
}

#define ASKER_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_for_asker, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASKER_TEST(each_caller_is_judged),
        ASKER_TEST(an_admin_may_and_nobody_may_not),
        ASKER_TEST(nobody_publishes_in_one_that_is_not_in_janus),
        ASKER_TEST(one_that_janus_does_not_have_is_looked_up_again),
        ASKER_TEST(one_that_is_not_known_waits_for_the_registry),
        ASKER_TEST(one_that_is_not_known_is_told_to_nobody_while_the_registry_is_away),
    };
    return cmocka_run_group_tests_name("rooms for who asks", tests, NULL, NULL);
}
