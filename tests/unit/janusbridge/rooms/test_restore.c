/* Open rooms come back into Janus before anyone asks; Janus, roomsvc and the clock are played by
 * the test. */
#include "janusbridge/rooms/restore.h"

#include <stdio.h>

#include "tests/unit/janusbridge/bridge_fixture.h"

#define RESTORED "lynks_janus_rooms_restored_total"
#define PARALLEL ((CALLERS_MAX + 1) / 2) /* the other half is for those who ask */

/* ---- what roomsvc says ---- */

static struct mock_bus_call *asked(struct bridge_fixture *b)
{
    struct mock_bus_call *call = mock_bus_pending(&b->bus, MSG_node_rooms);
    assert_non_null(call);
    return call;
}

static void answer_rooms(struct bridge_fixture *b, uint64_t first, size_t count)
{
    static const char secret[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct msg_node_room rooms[ROOMS_PAGE];
    for (size_t i = 0; i < count; i++) {
        rooms[i] = (struct msg_node_room){.room_id = first + i,
                                          .publishers_max = 6,
                                          .secret = str_of(secret),
                                          .pin = STR_LIT("p1")};
    }
    const struct msg reply = {.id = MSG_node_rooms_reply,
                              .node_rooms_reply = {.rooms = {rooms, count}}};
    mock_bus_answer(asked(b), ERR_OK, &reply);
}

static void refuse_rooms(struct bridge_fixture *b, enum err err)
{
    mock_bus_answer(asked(b), err, NULL);
}

/* ---- what janus says ---- */

static char *text_of(const char *format, uint64_t room_id)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "%" PRIu64, room_id);
    const char *mark = strchr(format, '#');
    return mem_printf("%.*s%s%s", (int)(mark - format), format, id, mark + 1);
}

static size_t open_creates(struct bridge_fixture *b, uint64_t room_id)
{
    AUTO(mem_free) char *room = text_of("\"create\",\"room\":#,", room_id);
    return mock_transport_open(&b->f.janus, room);
}

static void answer_create(struct bridge_fixture *b, uint64_t room_id)
{
    AUTO(mem_free) char *room = text_of("\"create\",\"room\":#,", room_id);
    AUTO(mem_free)
    char *answer = text_of(PLUGIN("{\"videoroom\":\"created\",\"room\":#}"), room_id);
    fixture_answer(&b->f, room, answer);
}

static void refuse_create(struct bridge_fixture *b, uint64_t room_id, const char *answer)
{
    AUTO(mem_free) char *room = text_of("\"create\",\"room\":#,", room_id);
    fixture_answer(&b->f, room, answer);
}

/* It was there, and has the registry's secret. */
static void find_room_there(struct bridge_fixture *b, uint64_t room_id)
{
    refuse_create(b, room_id, PLUGIN_ERROR(427));
    AUTO(mem_free) char *edit = text_of("\"edit\",\"room\":#,", room_id);
    AUTO(mem_free)
    char *answer = text_of(PLUGIN("{\"videoroom\":\"edited\",\"room\":#}"), room_id);
    fixture_answer(&b->f, edit, answer);
}

static size_t creates_sent(struct bridge_fixture *b)
{
    return bridge_sent(b, "\"request\":\"create\"");
}

static uint64_t restored(struct bridge_fixture *b)
{
    return fixture_counter(&b->f, RESTORED, NULL);
}

static bool is_restoring(struct bridge_fixture *b)
{
    return metric_value(metrics_gauge(b->f.metrics, "lynks_janus_restoring", "", NULL)) != 0;
}

static void answer_list(struct bridge_fixture *b, const char *answer)
{
    fixture_answer(&b->f, "listparticipants", answer);
}

/* ---- nobody asks ---- */

static void test_the_open_rooms_are_made_before_anyone_asks(void **state)
{
    struct bridge_fixture *b = *state;
    assert_null(mock_bus_pending(&b->bus, MSG_node_rooms));
    fixture_bring_up(&b->f);
    const struct msg_node_rooms *request = &asked(b)->request.node_rooms;
    assert_true(str_eq(request->node, STR_LIT("node1")));
    assert_int_equal(request->after_room_id, 0);
    answer_rooms(b, ROOM, 2);
    const struct janus_transfer *create = mock_transport_get(&b->f.janus, "\"room\":1234");
    assert_non_null(strstr(create->body, "\"secret\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""));
    assert_non_null(strstr(create->body, "\"pin\":\"p1\""));
    assert_non_null(strstr(create->body, "\"publishers\":6"));
    assert_non_null(strstr(create->body, "\"admin_key\":\"ad\\\"min\""));
    assert_true(is_restoring(b));
    answer_create(b, ROOM);
    find_room_there(b, ROOM + 1);
    assert_int_equal(restored(b), 1);
    assert_false(is_restoring(b));
    assert_int_equal(log_capture_count("rooms=2 restored=1 failed=0"), 1);
    assert_null(mock_bus_pending(&b->bus, MSG_node_rooms));
}

static void test_a_few_at_a_time_page_by_page(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    answer_rooms(b, 1000, 6);
    assert_int_equal(mock_transport_open(&b->f.janus, "\"request\":\"create\""), PARALLEL);
    for (uint64_t id = 1000; id < 1006; id++) {
        assert_true(is_restoring(b));
        answer_create(b, id);
    }
    assert_false(is_restoring(b));
    assert_int_equal(restored(b), 6);
}

static void test_pages_follow_each_other(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    answer_rooms(b, 1000, ROOMS_PAGE);
    for (uint64_t id = 1000; id < 1000 + ROOMS_PAGE - PARALLEL; id++) {
        answer_create(b, id);
    }
    assert_int_equal(asked(b)->request.node_rooms.after_room_id, 1000 + ROOMS_PAGE - 1);
    answer_rooms(b, 1000 + ROOMS_PAGE, 0);
    assert_true(is_restoring(b));
    for (uint64_t id = 1000 + ROOMS_PAGE - PARALLEL; id < 1000 + ROOMS_PAGE; id++) {
        answer_create(b, id);
    }
    assert_false(is_restoring(b));
    assert_int_equal(restored(b), ROOMS_PAGE);
}

/* ---- somebody asks ---- */

static void test_a_call_waits_for_its_room_only(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426)); /* while the rooms are not known yet */
    assert_int_equal(call->answers, 0);
    answer_rooms(b, ROOM, 2);
    answer_create(b, ROOM);
    answer_list(b, LIST(""));
    assert_true(call->answers == 1 && call->err == ERR_OK);
    assert_true(is_restoring(b));
    answer_create(b, ROOM + 1);
}

static void test_exists_waits_too(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":false}"));
    assert_int_equal(call->answers, 0);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":true}"));
    assert_true(call->err == ERR_OK && call->reply.bridge_exists_reply.exists);
}

static void test_a_room_that_is_not_open_is_told_at_the_end(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    answer_rooms(b, ROOM + 1, 1);
    answer_create(b, ROOM + 1);
    assert_int_equal(call->answers, 0);
    answer_list(b, PLUGIN_ERROR(426));
    assert_int_equal(call->err, ERR_NO_SUCH_ROOM);
    call = bridge_list(b); /* and from then on at once */
    answer_list(b, PLUGIN_ERROR(426));
    assert_int_equal(call->err, ERR_NO_SUCH_ROOM);
}

static void test_an_answer_from_before_the_end_is_not_believed(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    assert_false(is_restoring(b));
    answer_list(b, PLUGIN_ERROR(426)); /* overtaken on its way */
    assert_int_equal(call->answers, 0);
    answer_list(b, LIST(""));
    assert_int_equal(call->err, ERR_OK);
}

static void test_nobody_waits_beyond_the_deadline(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    fake_clock_advance(b->f.clock, 0);
    struct mock_call *call = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    fake_clock_advance(b->f.clock, 3999);
    assert_int_equal(call->answers, 0);
    fake_clock_advance(b->f.clock, 1);
    assert_int_equal(call->err, ERR_DEADLINE);
}

static void test_a_room_that_janus_has_needs_no_roomsvc(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    answer_list(b, LIST("{\"id\":7,\"publisher\":true}"));
    assert_int_equal(call->err, ERR_OK);
    assert_non_null(mock_bus_pending(&b->bus, MSG_node_rooms));
}

static void test_not_more_wait_than_may(void **state)
{
    struct bridge_fixture *b = *state;
    struct mock_call *calls[CALLS];
    size_t count = 0;
    log_capture_expect("error=overloaded");
    fixture_bring_up(&b->f);
    do {
        assert_true(count < ARRAY_LEN(calls));
        calls[count++] = bridge_list(b);
        answer_list(b, PLUGIN_ERROR(426));
    } while (calls[count - 1]->answers == 0);
    assert_int_equal(calls[count - 1]->err, ERR_OVERLOADED);
    assert_int_equal(count - 1, CALLERS_MAX);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    while (mock_transport_open(&b->f.janus, "listparticipants") > 0) {
        answer_list(b, LIST("")); /* of all who ask the same at the same time */
    }
    for (size_t i = 0; i < count - 1; i++) {
        assert_true(calls[i]->answers == 1 && calls[i]->err == ERR_OK);
    }
}

/* ---- roomsvc fails ---- */

static void test_while_the_registry_is_away_missing_rooms_are_refused_at_once(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *early = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    refuse_rooms(b, ERR_UNAVAILABLE);
    answer_list(b, PLUGIN_ERROR(426)); /* it asks again, to be sure */
    assert_int_equal(early->err, ERR_UNAVAILABLE);
    struct mock_call *late = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    assert_int_equal(late->err, ERR_UNAVAILABLE);
    for (int i = 0; i < 10; i++) {
        fake_clock_advance(b->f.clock, 1000);
        fixture_live(&b->f, 0);
        refuse_rooms(b, ERR_UNAVAILABLE);
    }
    assert_int_equal(log_capture_count("cannot be learnt"), 1);
    fake_clock_advance(b->f.clock, 1000);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    assert_int_equal(restored(b), 1);
}

static void test_a_silent_roomsvc_is_waited_for(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    refuse_rooms(b, ERR_DEADLINE);
    fake_clock_advance(b->f.clock, 0);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    answer_list(b, LIST(""));
    assert_int_equal(call->err, ERR_OK);
}

static void test_pages_that_make_no_sense_are_refused(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    const struct msg_node_room room = {.room_id = 5, .publishers_max = 6};
    const struct msg_node_room twice[] = {room, room};
    const struct msg reply = {.id = MSG_node_rooms_reply,
                              .node_rooms_reply = {.rooms = {twice, 2}}};
    mock_bus_answer(asked(b), ERR_OK, &reply);
    assert_int_equal(creates_sent(b), 0);
    fake_clock_advance(b->f.clock, 100);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    assert_int_equal(restored(b), 1);
}

/* ---- rooms are closed meanwhile ---- */

static void test_a_room_destroyed_meanwhile_stays_away(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    answer_rooms(b, ROOM - PARALLEL, PARALLEL + 1);
    bridge_destroy(b);
    for (uint64_t id = ROOM - PARALLEL; id < ROOM; id++) {
        answer_create(b, id);
    }
    fixture_answer(&b->f, "\"request\":\"destroy\"", PLUGIN_ERROR(426));
    assert_int_equal(open_creates(b, ROOM), 0);
    assert_false(is_restoring(b));
    assert_int_equal(restored(b), PARALLEL);
}

static void test_a_page_on_its_way_may_hold_a_destroyed_room(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    bridge_destroy(b);
    fixture_answer(&b->f, "\"request\":\"destroy\"", PLUGIN_ERROR(426));
    answer_rooms(b, ROOM, 1); /* read before the room was closed */
    assert_int_equal(creates_sent(b), 0);
    answer_rooms(b, ROOM + 1, 1);
    answer_create(b, ROOM + 1);
    assert_int_equal(creates_sent(b), 1);
}

static void test_a_destruction_waits_for_the_room_on_its_way(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    answer_rooms(b, ROOM, 1);
    struct mock_call *call = bridge_destroy(b);
    assert_int_equal(bridge_sent(b, "\"request\":\"destroy\""), 0);
    answer_create(b, ROOM);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_true(call->err == ERR_OK && call->reply.bridge_destroy_reply.existed);
}

/* ---- janus fails ---- */

static void test_a_room_that_cannot_be_made_does_not_stop_the_others(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("call failed");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    answer_rooms(b, ROOM, 2);
    refuse_create(b, ROOM, PLUGIN_ERROR(499));
    answer_create(b, ROOM + 1);
    answer_list(b, PLUGIN_ERROR(426)); /* it is not waited for any more */
    assert_int_equal(call->err, ERR_NO_SUCH_ROOM);
    assert_true(is_restoring(b));
    fixture_live(&b->f, 5000);
    answer_rooms(b, ROOM, 2);
    answer_create(b, ROOM);
    refuse_create(b, ROOM + 1, PLUGIN_ERROR(427)); /* it is known to be ours */
    assert_false(is_restoring(b));
    assert_int_equal(restored(b), 2);
}

static void test_a_session_lost_in_the_middle(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(&b->f);
    fixture_live(&b->f, 1500);
    struct mock_call *call = bridge_list(b);
    answer_list(b, PLUGIN_ERROR(426));
    answer_rooms(b, ROOM, 2);
    answer_create(b, ROOM + 1);
    fixture_event(&b->f, "{\"janus\":\"timeout\",\"session_id\":11}");
    assert_int_equal(call->err, ERR_UNAVAILABLE); /* Janus is away: told at once */
    assert_false(is_restoring(b));
    fake_clock_advance(b->f.clock, 0);
    fixture_bring_up(&b->f);
    answer_rooms(b, ROOM, 2);
    answer_create(b, ROOM);
    find_room_there(b, ROOM + 1);
    assert_int_equal(restored(b), 2);
    assert_false(is_restoring(b));
}

static void test_the_page_of_an_old_session_is_not_used(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(&b->f);
    fixture_live(&b->f, 1500);
    struct mock_bus_call *old = asked(b);
    fixture_event(&b->f, "{\"janus\":\"timeout\",\"session_id\":11}");
    fake_clock_advance(b->f.clock, 0);
    fixture_bring_up(&b->f);
    mock_bus_answer(old, ERR_UNAVAILABLE, NULL);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    assert_int_equal(restored(b), 1);
    assert_false(is_restoring(b));
}

static void test_a_resumed_session_has_lost_nothing(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("janus is not ready");
    fixture_bring_up(&b->f);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    fake_clock_advance(b->f.clock, KEEPALIVE_MS);
    fixture_lose_link(&b->f);
    fake_clock_advance(b->f.clock, 0);
    fixture_resume(&b->f);
    assert_true(janus_session_is_ready(b->f.session));
    assert_null(mock_bus_pending(&b->bus, MSG_node_rooms));
}

static void test_a_resumed_session_goes_on_restoring(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("janus is not ready");
    fixture_bring_up(&b->f);
    fake_clock_advance(b->f.clock, KEEPALIVE_MS - 1);
    refuse_rooms(b, ERR_DEADLINE);
    fake_clock_advance(b->f.clock, 0);
    answer_rooms(b, ROOM, 1);
    fake_clock_advance(b->f.clock, 1);
    while (mock_transport_open(&b->f.janus, "\"keepalive\"") > 0) {
        mock_transport_break(mock_transport_get(&b->f.janus, "\"keepalive\""), ERR_UNAVAILABLE);
    }
    fake_clock_advance(b->f.clock, 0);
    fixture_resume(&b->f);
    answer_rooms(b, ROOM, 1);
    answer_create(b, ROOM);
    assert_int_equal(restored(b), 1);
    assert_false(is_restoring(b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bridge_setup_with_rooms, bridge_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_open_rooms_are_made_before_anyone_asks),
        TEST(test_a_few_at_a_time_page_by_page),
        TEST(test_pages_follow_each_other),
        TEST(test_a_call_waits_for_its_room_only),
        TEST(test_exists_waits_too),
        TEST(test_a_room_that_is_not_open_is_told_at_the_end),
        TEST(test_an_answer_from_before_the_end_is_not_believed),
        TEST(test_nobody_waits_beyond_the_deadline),
        TEST(test_a_room_that_janus_has_needs_no_roomsvc),
        TEST(test_not_more_wait_than_may),
        TEST(test_while_the_registry_is_away_missing_rooms_are_refused_at_once),
        TEST(test_a_silent_roomsvc_is_waited_for),
        TEST(test_pages_that_make_no_sense_are_refused),
        TEST(test_a_room_destroyed_meanwhile_stays_away),
        TEST(test_a_page_on_its_way_may_hold_a_destroyed_room),
        TEST(test_a_destruction_waits_for_the_room_on_its_way),
        TEST(test_a_room_that_cannot_be_made_does_not_stop_the_others),
        TEST(test_a_session_lost_in_the_middle),
        TEST(test_the_page_of_an_old_session_is_not_used),
        TEST(test_a_resumed_session_has_lost_nothing),
        TEST(test_a_resumed_session_goes_on_restoring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
