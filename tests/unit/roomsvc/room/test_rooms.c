/* The handlers of roomsvc. */
#include "tests/unit/roomsvc/rooms_fixture.h"

static void standard_room_is_registered_then_made(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    create(f);
    struct store_call *add = next_store_call(f);
    assert_int_equal(add->kind, ADD);
    assert_int_equal(add->draft.room.id, 123456);
    assert_false(add->draft.has_key);
    assert_int_equal(strlen(add->draft.room.secret), ROOM_SECRET_BYTES);
    assert_int_equal(f->bus.count, 0); /* the registry first */
    answer_store(add, ERR_OK, &add->draft.room);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(made);
    assert_int_equal(made->request.bridge_create.room_id, 123456);
    assert_true(str_eq(made->request.bridge_create.secret, str_of(add->draft.room.secret)));
    assert_int_equal(made->request.bridge_create.publishers_max, 20);
    assert_int_equal(made->request.bridge_create.pin.bytes, 0); /* whoever reaches Janus comes in */
    assert_int_equal(f->call->answers, 0);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
    assert_int_equal(f->call->reply.room_create_reply.room_id, 123456);
}

static void second_create_asks_only_the_bridge(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 77);
    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create(f);
    create(f);
    assert_int_equal(f->call_count, f->answered);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
}

static void fresh_rooms_have_drawn_ids_and_the_callers_key(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[2];
    char secrets[2][ROOM_SECRET_BYTES + 1];
    set_up_rooms(f, 0);
    for (size_t i = 0; i < 2; i++) {
        create(f);
        struct store_call *add = next_store_call(f);
        assert_true(add->draft.has_key);
        assert_memory_equal(add->draft.key, "0123456789abcdef", 16);
        assert_in_range(add->draft.room.id, 1, ROOM_ID_MAX);
        ids[i] = add->draft.room.id;
        memcpy(secrets[i], add->draft.room.secret, sizeof(secrets[i]));
        answer_store(add, ERR_OK, &add->draft.room);
        answer_bridge_create(f);
        assert_int_equal(f->call->reply.room_create_reply.room_id, ids[i]);
    }
    assert_int_not_equal(ids[0], ids[1]);
    assert_string_not_equal(secrets[0], secrets[1]);
}

static void taken_id_is_drawn_again_a_few_times(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    log_capture_expect("room could not be registered");
    create(f);
    uint64_t last = 0;
    for (int i = 0; i < 4; i++) {
        struct store_call *add = next_store_call(f);
        assert_int_not_equal(add->draft.room.id, last);
        last = add->draft.room.id;
        answer_store(add, ERR_CONFLICT, NULL);
    }
    assert_answered(f, ERR_CONFLICT);
}

static void repeated_key_gives_the_room_made_before(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    create(f);
    answer_add(next_store_call(f), ERR_OK, &stored, false);
    answer_bridge_create(f);
    assert_int_equal(f->call->reply.room_create_reply.room_id, 77);
}

static void count_rooms_as(struct fixture *f, uint64_t count)
{
    fake_clock_advance(f->clock, 10000);
    struct store_call *call = next_store_call(f);
    call->count_fn(call->arg, ERR_OK, count);
}

static void rooms_are_limited(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    log_capture_expect("LYNKS_ROOMS_MAX");
    count_rooms_as(f, 9);
    for (int i = 0; i < 2; i++) {
        create(f);
        struct store_call *add = next_store_call(f);
        assert_int_equal(add->draft.may_add, i == 0);
        answer_store(add, i == 0 ? ERR_OK : ERR_NO_SUCH_ROOM, i == 0 ? &stored : NULL);
        if (i == 0) {
            answer_bridge_create(f);
        }
        assert_answered(f, i == 0 ? ERR_OK : ERR_OVERLOADED);
    }
    create(f);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_OVERLOADED);
    assert_int_equal(log_capture_count("LYNKS_ROOMS_MAX"), 1); /* within a second */
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(f->metrics, &bytes);
    assert_non_null(strstr(text, "lynks_rooms_refused_total 2\n"));
}

static void a_room_that_is_there_is_given_at_the_limit(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    count_rooms_as(f, 10);
    create(f);
    answer_add(next_store_call(f), ERR_OK, &stored, false);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
    assert_int_equal(f->call->reply.room_create_reply.room_id, 77);
}

static void the_standard_room_is_given_at_the_limit(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 77);
    count_rooms_as(f, 10);
    create(f);
    struct store_call *add = next_store_call(f);
    assert_true(add->draft.may_add);
    answer_store(add, ERR_OK, &stored);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
}

static void only_rooms_that_are_new_bring_the_limit_nearer(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    count_rooms_as(f, 9);
    for (int i = 0; i < 3; i++) {
        create(f);
        struct store_call *add = next_store_call(f);
        assert_true(add->draft.may_add);
        answer_add(add, ERR_OK, &stored, false);
        answer_bridge_create(f);
    }
}

static void who_may_add_none_gets_what_is_there(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    create_only_known(f);
    struct store_call *add = next_store_call(f);
    assert_false(add->draft.may_add);
    answer_store(add, ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_RATE_LIMITED);
    create_only_known(f);
    answer_add(next_store_call(f), ERR_OK, &stored, false);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
}

static void who_may_add_none_gets_the_standard_room(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 77);
    create_only_known(f);
    struct store_call *add = next_store_call(f);
    assert_true(add->draft.may_add);
    answer_store(add, ERR_OK, &stored);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
    assert_false(f->call->reply.room_create_reply.added);
}

static void whoever_asks_learns_whether_a_room_was_added(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    for (int i = 0; i < 2; i++) {
        create(f);
        answer_add(next_store_call(f), ERR_OK, &stored, i == 0);
        answer_bridge_create(f);
        assert_int_equal(f->call->reply.room_create_reply.added, i == 0);
    }
}

static void registry_and_bridge_errors_reach_the_caller(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    log_capture_expect("room could not be");
    create(f);
    answer_store(next_store_call(f), ERR_UNAVAILABLE, NULL);
    assert_answered(f, ERR_UNAVAILABLE);

    f->refuse = ERR_OVERLOADED;
    create(f);
    assert_answered(f, ERR_OVERLOADED);
    f->refuse = ERR_OK;

    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_create), ERR_DEADLINE, NULL);
    assert_answered(f, ERR_DEADLINE);

    f->bus.refuse = ERR_UNAVAILABLE;
    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    assert_answered(f, ERR_UNAVAILABLE);
}

static void list_looks_the_room_up_once(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    list(f, 77);
    struct store_call *find = next_store_call(f);
    assert_int_equal(find->kind, FIND);
    assert_int_equal(find->room_id, 77);
    answer_store(find, ERR_OK, &stored);
    answer_participants(f);
    assert_listed(f);
    list(f, 77);
    answer_participants(f);
    assert_listed(f);
    assert_int_equal(f->call_count, f->answered);
}

static void unknown_room_is_never_asked_of_janus(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    list(f, 77);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    assert_int_equal(f->bus.count, 0);
}

static void make_known(struct fixture *f)
{
    set_up_rooms(f, 123456);
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_participants(f);
}

static void room_that_janus_lost_is_restored(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    list(f, 77);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    struct store_call *find = next_store_call(f); /* not from the cache */
    assert_int_equal(find->kind, FIND);
    answer_store(find, ERR_OK, &stored);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(made);
    assert_true(str_eq(made->request.bridge_create.secret, str_of(stored.secret)));
    answer_bridge_create(f);
    answer_participants(f);
    assert_listed(f);
    const struct metric *restored =
        metrics_counter(f->metrics, "lynks_rooms_restored_total", "", NULL);
    assert_int_equal(metric_value(restored), 1);
}

static void closed_room_does_not_come_back(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    list(f, 77);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
    list(f, 77); /* and the cache has forgotten it */
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

static void room_lost_twice_is_not_restored_for_ever(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    list(f, 77);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create(f);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

/* Whatever fails on the way is the answer, at once. */
static void a_restoration_that_fails_is_told(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("could not be restored");
    make_known(f);

    list(f, 77); /* the look-up is refused */
    f->refuse = ERR_OVERLOADED;
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_OVERLOADED);
    f->refuse = ERR_OK;

    list(f, 77); /* it fails */
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_UNAVAILABLE, NULL);
    assert_answered(f, ERR_UNAVAILABLE);

    list(f, 77); /* the room cannot be made */
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_OK, &stored);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_create), ERR_DEADLINE, NULL);
    assert_answered(f, ERR_DEADLINE);

    list(f, 77); /* the bridge is gone meanwhile */
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    f->bus.refuse = ERR_UNAVAILABLE;
    answer_store(next_store_call(f), ERR_OK, &stored);
    assert_answered(f, ERR_UNAVAILABLE);
    assert_int_equal(log_capture_count("could not be restored"), 4);
}

/* The look-up of what is old, which is gathered for a moment. */
static struct store_call *next_look_up(struct fixture *f)
{
    assert_int_equal(f->call_count, f->answered);
    fake_clock_advance(f->clock, 1000 / 32);
    struct store_call *call = next_store_call(f);
    assert_int_equal(call->kind, FIND_SOME);
    assert_int_equal(call->room_id, 77);
    return call;
}

static void old_entry_is_used_while_it_is_looked_up_again(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    fake_clock_advance(f->clock, 1000);
    list(f, 77);
    struct store_call *look_up = next_look_up(f);
    answer_participants(f);
    assert_listed(f);
    list(f, 77);
    fake_clock_advance(f->clock, 1000);
    assert_int_equal(f->call_count, f->answered); /* one look-up at a time */
    answer_participants(f);
    look_up->some_fn(look_up->arg, ERR_UNAVAILABLE, NULL, 0);

    list(f, 77); /* the registry was away: still known, and asked again */
    look_up = next_look_up(f);
    answer_participants(f);
    assert_listed(f);
    look_up->some_fn(look_up->arg, ERR_OK, NULL, 0);

    list(f, 77);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

/* ---- nodes ---- */

static void new_rooms_go_to_the_node_for_new_rooms(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    create(f);
    struct store_call *add = next_store_call(f);
    assert_string_equal(add->draft.room.node, "default");
    answer_store(add, ERR_OK, &add->draft.room);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_true(str_eq(made->request.bridge_create.node, STR_LIT("default")));
    answer_bridge_create(f);
}

/* The registry says where it is, whoever asks for it again. */
static void a_room_that_exists_stays_where_it_is(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 78);
    for (size_t i = 0; i < 2; i++) { /* from the registry, then from memory */
        create(f);
        if (i == 0) {
            answer_store(next_store_call(f), ERR_OK, &elsewhere);
        }
        const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
        assert_true(str_eq(made->request.bridge_create.node, STR_LIT("other")));
        answer_bridge_create(f);
        assert_answered(f, ERR_OK);
    }
}

static void assert_asked_at(struct fixture *f, const char *node)
{
    const struct mock_bus_call *asked = mock_bus_pending(&f->bus, MSG_bridge_participants);
    assert_non_null(asked);
    assert_true(str_eq(asked->request.bridge_participants.node, str_of(node)));
}

static void a_list_comes_from_the_rooms_node(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    for (size_t i = 0; i < 2; i++) {
        list(f, 78);
        if (i == 0) {
            answer_store(next_store_call(f), ERR_OK, &elsewhere);
        }
        assert_asked_at(f, "other");
        answer_participants(f);
        assert_listed(f);
    }
}

static void a_lost_room_is_restored_on_its_node(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    list(f, 78);
    answer_store(next_store_call(f), ERR_OK, &elsewhere);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_OK, &elsewhere);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_true(str_eq(made->request.bridge_create.node, STR_LIT("other")));
    answer_bridge_create(f);
    assert_asked_at(f, "other");
    answer_participants(f);
    assert_listed(f);
}

/* The registry says nothing; the node for new rooms does not have the room. What the registry says
 * at last counts. */
static void a_wrong_guess_is_mended_by_the_registry(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, elsewhere.id);
    list(f, 78);
    struct store_call *slow = next_store_call(f);
    fake_clock_advance(f->clock, 500);
    assert_asked_at(f, "default");
    answer_store(slow, ERR_OK, &elsewhere); /* too late for this call; the bridge has been asked */
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_OK, &elsewhere);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_true(str_eq(made->request.bridge_create.node, STR_LIT("other")));
    answer_bridge_create(f);
    assert_asked_at(f, "other");
    answer_participants(f);
    assert_listed(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(standard_room_is_registered_then_made, setup, teardown),
        cmocka_unit_test_setup_teardown(second_create_asks_only_the_bridge, setup, teardown),
        cmocka_unit_test_setup_teardown(fresh_rooms_have_drawn_ids_and_the_callers_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(taken_id_is_drawn_again_a_few_times, setup, teardown),
        cmocka_unit_test_setup_teardown(repeated_key_gives_the_room_made_before, setup, teardown),
        cmocka_unit_test_setup_teardown(rooms_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(a_room_that_is_there_is_given_at_the_limit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_standard_room_is_given_at_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(only_rooms_that_are_new_bring_the_limit_nearer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_may_add_none_gets_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may_add_none_gets_the_standard_room, setup, teardown),
        cmocka_unit_test_setup_teardown(whoever_asks_learns_whether_a_room_was_added, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(registry_and_bridge_errors_reach_the_caller, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(list_looks_the_room_up_once, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_room_is_never_asked_of_janus, setup, teardown),
        cmocka_unit_test_setup_teardown(room_that_janus_lost_is_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(closed_room_does_not_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(room_lost_twice_is_not_restored_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restoration_that_fails_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(old_entry_is_used_while_it_is_looked_up_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(new_rooms_go_to_the_node_for_new_rooms, setup, teardown),
        cmocka_unit_test_setup_teardown(a_room_that_exists_stays_where_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_comes_from_the_rooms_node, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_room_is_restored_on_its_node, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_guess_is_mended_by_the_registry, setup, teardown),
    };
    return cmocka_run_group_tests_name("roomsvc rooms", tests, NULL, NULL);
}
