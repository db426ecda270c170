/* What the bridge serves, with Janus and the clock played by the test. */
#include "tests/unit/janusbridge/bridge_fixture.h"

/* ---- one call ---- */

static void test_create_makes_a_guarded_room(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_create(b);
    const struct janus_transfer *request = mock_transport_get(&b->f.janus, "\"room\":1234");
    static const char *const members[] = {"\"request\":\"create\"",
                                          "\"secret\":\"" ROOM_SECRET "\"",
                                          "\"description\":\"a \\\"room\\\"\"",
                                          "\"publishers\":6",
                                          "\"is_private\":true",
                                          "\"lock_record\":true",
                                          "\"admin_key\":\"ad\\\"min\""};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        assert_non_null(strstr(request->body, members[i]));
    }
    assert_null(strstr(request->body, "permanent"));
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(call->err, ERR_OK);
    assert_false(call->reply.bridge_create_reply.existed);
}

/* Whether it is ours, its secret shows: that is asked once, as long as Janus is the same. */
static void test_create_of_a_room_that_exists_is_success(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(&b->f);
    for (int session = 0; session < 2; session++) {
        struct mock_call *call = bridge_create(b);
        fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
        assert_int_equal(call->answers, 0);
        const struct janus_transfer *edit = mock_transport_get(&b->f.janus, "\"edit\"");
        assert_non_null(strstr(edit->body, "\"room\":1234"));
        assert_non_null(strstr(edit->body, ",\"secret\":\"" ROOM_SECRET "\""));
        fixture_answer(&b->f, "\"edit\"", EDITED(1234));
        assert_int_equal(call->err, ERR_OK);
        assert_true(call->reply.bridge_create_reply.existed);
        call = bridge_create(b);
        fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
        assert_true(call->err == ERR_OK && call->reply.bridge_create_reply.existed);
        if (session == 0) {
            fixture_event(&b->f, "{\"janus\":\"timeout\",\"session_id\":11}");
            fake_clock_advance(b->f.clock, 2000);
            fixture_bring_up(&b->f);
        }
    }
    assert_int_equal(bridge_sent(b, "\"edit\""), 2);
}

static void test_a_room_that_we_made_is_ours(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    (void)bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    struct mock_call *call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
    assert_true(call->err == ERR_OK && call->reply.bridge_create_reply.existed);
    (void)bridge_destroy(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
    assert_int_equal(call->answers, 0); /* somebody else made that one */
    log_capture_expect("another secret");
    fixture_answer(&b->f, "\"edit\"", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_INTERNAL);
}

static void test_a_room_of_somebody_else_is_not_ours(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("the number of one of ours, but another secret");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
    fixture_answer(&b->f, "\"edit\"", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_INTERNAL);
    assert_int_equal(log_capture_count("room=1234"), 1);
}

static void test_a_room_that_goes_before_it_is_claimed_is_made(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
    fixture_answer(&b->f, "\"edit\"", PLUGIN_ERROR(426));
    fixture_answer(&b->f, "\"create\"", PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_true(call->err == ERR_OK && !call->reply.bridge_create_reply.existed);
    (void)bridge_destroy(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(426));
    call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
    fixture_answer(&b->f, "\"edit\"", EDITED(1235)); /* of another room */
    assert_int_equal(call->err, ERR_PROTOCOL);
}

static void test_create_with_a_wrong_admin_key_is_our_mistake(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("LYNKS_JANUS_ADMIN_KEY");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_INTERNAL);
    call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(429));
    assert_int_equal(call->err, ERR_INTERNAL);
    assert_int_equal(log_capture_count("LYNKS_JANUS_ADMIN_KEY"), 1); /* once a second */
    assert_int_equal(log_capture_count("request_id=test"), 1);
}

static void test_an_answer_about_another_room_is_refused(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"created\",\"room\":1235}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
    call = bridge_exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1235,\"exists\":true}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
    call = bridge_list(b);
    fixture_answer(&b->f, "listparticipants",
                   PLUGIN("{\"videoroom\":\"participants\",\"room\":1,\"participants\":[]}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
    call = bridge_destroy(b);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
}

static void test_destroy(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=forbidden");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_destroy(b);
    assert_non_null(strstr(mock_transport_get(&b->f.janus, "\"room\":1234")->body, ROOM_SECRET));
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_true(call->err == ERR_OK && call->reply.bridge_destroy_reply.existed);
    call = bridge_destroy(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(426));
    assert_true(call->err == ERR_OK && !call->reply.bridge_destroy_reply.existed);
    call = bridge_destroy(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_FORBIDDEN);
}

static void test_exists(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":true}"));
    assert_true(call->err == ERR_OK && call->reply.bridge_exists_reply.exists);
    call = bridge_exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":false}"));
    assert_true(call->err == ERR_OK && !call->reply.bridge_exists_reply.exists);
    call = bridge_exists(b);
    fixture_answer(&b->f, "exists", PLUGIN("{\"videoroom\":\"success\",\"room\":1234}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
}

static void test_info(void **state)
{
    struct bridge_fixture *b = *state;
    struct mock_call *call = bridge_call(b, (struct msg){.id = MSG_bridge_info});
    assert_true(call->err == ERR_OK && !call->reply.bridge_info_reply.janus.ready);
    assert_true(str_eq(call->reply.bridge_info_reply.node, STR_LIT("node1")));
    assert_int_equal(call->reply.bridge_info_reply.janus.version.bytes, 0);
    fixture_bring_up(&b->f);
    call = bridge_call(b, (struct msg){.id = MSG_bridge_info});
    assert_true(call->err == ERR_OK && call->reply.bridge_info_reply.janus.ready);
    assert_true(str_eq(call->reply.bridge_info_reply.janus.version, STR_LIT("1.1.2")));
    assert_int_equal(call->reply.bridge_info_reply.janus.sessions_made, 1);
}

static struct mock_call *bridge_follow(struct bridge_fixture *b)
{
    static const uint64_t rooms[] = {ROOM, ROOM + 1};
    return bridge_call(
        b, (struct msg){.id = MSG_bridge_follow, .bridge_follow = {.room_ids = {rooms, 2}}});
}

static void test_follow_tells_the_clock(void **state)
{
    struct bridge_fixture *b = *state;
    assert_int_equal(bridge_follow(b)->err, bridge_list(b)->err);
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_follow(b);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_follow_reply.clock_ms,
                     clock_mono_ms(fake_clock_clock(b->f.clock)));
}

static void test_everything_is_asked_again_until_the_first_session(void **state)
{
    struct bridge_fixture *b = *state;
    assert_int_equal(bridge_create(b)->err, ERR_SESSION_COMING);
    assert_int_equal(bridge_destroy(b)->err, ERR_SESSION_COMING);
    assert_int_equal(bridge_exists(b)->err, ERR_SESSION_COMING);
    assert_int_equal(bridge_list(b)->err, ERR_SESSION_COMING);
    assert_int_equal(bridge_sent(b, "\"message\""), 0);
}

/* ---- who publishes ---- */

static void test_only_publishers_are_listed(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    fixture_answer(&b->f, "listparticipants",
                   LIST("{\"id\":7,\"publisher\":true},{\"id\":8,\"publisher\":false},{\"id\":9},"
                        "{\"id\":10,\"publisher\":\"yes\"},"
                        "{\"id\":9007199254740991,\"display\":\"x\",\"publisher\":true}"));
    assert_int_equal(call->err, ERR_OK);
    const struct u64_list *ids = &call->reply.bridge_participants_reply.publishers;
    assert_int_equal(ids->count, 2);
    assert_int_equal(ids->items[0], 7);
    assert_int_equal(ids->items[1], 9007199254740991);
}

static void test_an_empty_room_and_none(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    fixture_answer(&b->f, "listparticipants", LIST(""));
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, 0);
    call = bridge_list(b);
    fixture_answer(&b->f, "listparticipants", PLUGIN_ERROR(426));
    assert_int_equal(call->err, ERR_NO_SUCH_ROOM);
    assert_int_equal(log_capture_count("call failed"), 0);
}

static char *long_list(size_t count)
{
    char *list = mem_strdup("{\"id\":1,\"publisher\":true}");
    for (size_t i = 1; i < count; i++) {
        char *longer = mem_printf("%s,{\"id\":%zu,\"publisher\":true}", list, i + 1);
        mem_free(&list);
        list = longer;
    }
    AUTO(mem_free) char *whole = list;
    return mem_printf("{\"janus\":\"success\",\"transaction\":\"$T\",\"plugindata\":{\"plugin\":"
                      "\"janus.plugin.videoroom\",\"data\":{\"videoroom\":\"participants\","
                      "\"room\":1234,\"participants\":[%s]}}}",
                      whole);
}

static void test_as_many_publishers_as_a_message_holds(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    AUTO(mem_free) char *full = long_list(PUBLISHERS_MAX);
    struct mock_call *call = bridge_list(b);
    fixture_answer(&b->f, "listparticipants", full);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, PUBLISHERS_MAX);
    AUTO(mem_free) char *more = long_list(PUBLISHERS_MAX + 1);
    call = bridge_list(b);
    fixture_answer(&b->f, "listparticipants", more);
    assert_int_equal(call->err, ERR_PROTOCOL);
}

static void test_lists_that_make_no_sense(void **state)
{
    static const char *const answers[] = {
        LIST("7"),
        LIST("{}"),
        LIST("{\"id\":\"7\",\"publisher\":true}"),
        LIST("{\"id\":0,\"publisher\":true}"),
        PLUGIN("{\"videoroom\":\"participants\",\"room\":1234}"),
        PLUGIN("{\"videoroom\":\"participants\",\"room\":1234,\"participants\":{}}")};
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct mock_call *call = bridge_list(b);
        fixture_answer(&b->f, "listparticipants", answers[i]);
        assert_int_equal(call->err, ERR_PROTOCOL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bridge_setup, bridge_teardown)

/* ---- whose node it is ---- */

static void test_a_call_about_another_node_is_not_ours(void **state)
{
    const struct str nodes[] = {STR_LIT("node1"), STR_LIT("node12"), STR_LIT("NODE1")};
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        const bool is_ours = i == 0;
        const struct msg requests[] = {
            {.id = MSG_bridge_create,
             .bridge_create = {.room_id = ROOM,
                               .secret = STR_LIT(ROOM_SECRET),
                               .publishers_max = 6,
                               .node = nodes[i]}},
            {.id = MSG_bridge_exists, .bridge_exists = {.room_id = ROOM, .node = nodes[i]}},
            {.id = MSG_bridge_destroy,
             .bridge_destroy = {.room_id = ROOM, .secret = STR_LIT(ROOM_SECRET), .node = nodes[i]}},
            {.id = MSG_bridge_participants,
             .bridge_participants = {.room_id = ROOM, .node = nodes[i]}},
            {.id = MSG_bridge_follow, .bridge_follow = {.node = nodes[i]}},
            {.id = MSG_bridge_occupied, .bridge_occupied = {.room_id = ROOM, .node = nodes[i]}},
        };
        for (size_t k = 0; k < ARRAY_LEN(requests); k++) {
            const size_t sent = bridge_sent(b, "\"room\":1234");
            const struct mock_call *call = bridge_call(b, requests[k]);
            if (is_ours) { /* what waits for Janus is answered when the session ends */
                assert_true(call->answers == 0 || call->err == ERR_OK);
            } else {
                assert_int_equal(call->answers, 1);
                assert_int_equal(call->err, ERR_NOT_MINE);
                assert_int_equal(bridge_sent(b, "\"room\":1234"), sent);
            }
        }
    }
}

/* Whether it can act or not: who is of another node must never be waited for. */
static void test_a_bridge_that_stands_by_says_so_of_its_own_node_only(void **state)
{
    struct bridge_fixture *b = *state;
    const struct mock_call *other =
        bridge_call(b, (struct msg){.id = MSG_bridge_exists,
                                    .bridge_exists = {.room_id = ROOM, .node = STR_LIT("node2")}});
    assert_int_equal(other->err, ERR_NOT_MINE);
    const struct mock_call *own =
        bridge_call(b, (struct msg){.id = MSG_bridge_exists,
                                    .bridge_exists = {.room_id = ROOM, .node = STR_LIT("node1")}});
    assert_int_equal(own->answers, 1);
    assert_true(own->err != ERR_OK && own->err != ERR_NOT_MINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_makes_a_guarded_room),
        TEST(test_create_of_a_room_that_exists_is_success),
        TEST(test_a_room_that_we_made_is_ours),
        TEST(test_a_room_of_somebody_else_is_not_ours),
        TEST(test_a_room_that_goes_before_it_is_claimed_is_made),
        TEST(test_create_with_a_wrong_admin_key_is_our_mistake),
        TEST(test_an_answer_about_another_room_is_refused),
        TEST(test_destroy),
        TEST(test_exists),
        TEST(test_info),
        TEST(test_follow_tells_the_clock),
        TEST(test_everything_is_asked_again_until_the_first_session),
        TEST(test_only_publishers_are_listed),
        TEST(test_an_empty_room_and_none),
        TEST(test_as_many_publishers_as_a_message_holds),
        TEST(test_lists_that_make_no_sense),
        cmocka_unit_test_setup_teardown(test_a_call_about_another_node_is_not_ours, bridge_setup,
                                        bridge_teardown),
        cmocka_unit_test_setup_teardown(test_a_bridge_that_stands_by_says_so_of_its_own_node_only,
                                        bridge_setup, bridge_teardown),
    };
    return cmocka_run_group_tests_name("bridge", tests, NULL, NULL);
}
