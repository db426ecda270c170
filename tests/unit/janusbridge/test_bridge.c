/* What the bridge serves, with Janus and the clock played by the test. */
#include "janusbridge/bridge.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/janusbridge/fixture.h"

#define ROOM 1234
#define SECRET "0123456789abcdef"
#define LIST(participants)                                                                         \
    PLUGIN("{\"videoroom\":\"participants\",\"room\":1234,\"participants\":[" participants "]}")
#define CALLERS_MAX 7
#define CALLS 8

struct bridge_fixture {
    struct fixture f;
    struct bridge *bridge;
    struct mock_call calls[CALLS];
    size_t count;
};

static int set_up(void **state)
{
    struct bridge_fixture *b = mem_alloc(sizeof(*b));
    *state = b;
    log_capture_setup(NULL);
    fixture_init(&b->f, "");
    const struct bridge_config config = {
        .node = "node1", .admin_key = "ad\"min", .calls_max = CALLERS_MAX};
    b->bridge = bridge_new(b->f.session, fake_clock_clock(b->f.clock), b->f.metrics, &config);
    return 0;
}

static int tear_down(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_fini(&b->f); /* the session first: it answers who waits */
    bridge_free(&b->bridge);
    int failed = 0;
    for (size_t i = 0; i < b->count; i++) {
        failed += b->calls[i].answers != 1;
        mock_call_fini(&b->calls[i]);
    }
    mem_free(&b);
    return log_capture_teardown(NULL) != 0 || failed > 0 ? -1 : 0;
}

static struct mock_call *make(struct bridge_fixture *b, struct msg request)
{
    assert_true(b->count < CALLS);
    struct mock_call *call = &b->calls[b->count++];
    mock_call_init(call, fake_clock_clock(b->f.clock), &request);
    for (const struct call_handler *h = bridge_handlers; h->request != MSG_NONE; h++) {
        if (h->request == request.id) {
            h->fn(b->bridge, &call->call);
            return call;
        }
    }
    fail_msg("no handler");
    return NULL;
}

static struct mock_call *create(struct bridge_fixture *b)
{
    return make(b, (struct msg){.id = MSG_bridge_create,
                                .bridge_create = {.room_id = ROOM,
                                                  .secret = STR_LIT(SECRET),
                                                  .description = STR_LIT("a \"room\""),
                                                  .publishers_max = 6}});
}

static struct mock_call *destroy(struct bridge_fixture *b)
{
    return make(b, (struct msg){.id = MSG_bridge_destroy,
                                .bridge_destroy = {.room_id = ROOM, .secret = STR_LIT(SECRET)}});
}

static struct mock_call *exists(struct bridge_fixture *b)
{
    return make(b, (struct msg){.id = MSG_bridge_exists, .bridge_exists = {.room_id = ROOM}});
}

static struct mock_call *list_of(struct bridge_fixture *b, uint64_t room_id)
{
    return make(b, (struct msg){.id = MSG_bridge_participants,
                                .bridge_participants = {.room_id = room_id}});
}

static struct mock_call *list(struct bridge_fixture *b)
{
    return list_of(b, ROOM);
}

static size_t sent(struct bridge_fixture *b, const char *request)
{
    return mock_transport_sent(&b->f.janus, request);
}

/* ---- one call ---- */

static void test_create_makes_a_guarded_room(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = create(b);
    const struct janus_transfer *request = mock_transport_get(&b->f.janus, "\"room\":1234");
    static const char *const members[] = {"\"request\":\"create\"",
                                          "\"secret\":\"" SECRET "\"",
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

static void test_create_of_a_room_that_exists_is_success(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(427));
    assert_int_equal(call->err, ERR_OK);
    assert_true(call->reply.bridge_create_reply.existed);
}

static void test_create_with_a_wrong_admin_key_is_our_mistake(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("LYNKS_JANUS_ADMIN_KEY");
    fixture_bring_up(&b->f);
    struct mock_call *call = create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_INTERNAL);
    call = create(b);
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
    struct mock_call *call = create(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"created\",\"room\":1235}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
    call = exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1235,\"exists\":true}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
    call = list(b);
    fixture_answer(&b->f, "listparticipants",
                   PLUGIN("{\"videoroom\":\"participants\",\"room\":1,\"participants\":[]}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
    call = destroy(b);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
}

static void test_destroy(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=forbidden");
    fixture_bring_up(&b->f);
    struct mock_call *call = destroy(b);
    assert_non_null(strstr(mock_transport_get(&b->f.janus, "\"room\":1234")->body, SECRET));
    fixture_answer(&b->f, "\"room\":1234", PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_true(call->err == ERR_OK && call->reply.bridge_destroy_reply.existed);
    call = destroy(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(426));
    assert_true(call->err == ERR_OK && !call->reply.bridge_destroy_reply.existed);
    call = destroy(b);
    fixture_answer(&b->f, "\"room\":1234", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_FORBIDDEN);
}

static void test_exists(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=protocol");
    fixture_bring_up(&b->f);
    struct mock_call *call = exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":true}"));
    assert_true(call->err == ERR_OK && call->reply.bridge_exists_reply.exists);
    call = exists(b);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":false}"));
    assert_true(call->err == ERR_OK && !call->reply.bridge_exists_reply.exists);
    call = exists(b);
    fixture_answer(&b->f, "exists", PLUGIN("{\"videoroom\":\"success\",\"room\":1234}"));
    assert_int_equal(call->err, ERR_PROTOCOL);
}

static void test_info(void **state)
{
    struct bridge_fixture *b = *state;
    struct mock_call *call = make(b, (struct msg){.id = MSG_bridge_info});
    assert_true(call->err == ERR_OK && !call->reply.bridge_info_reply.ready);
    assert_true(str_eq(call->reply.bridge_info_reply.node, STR_LIT("node1")));
    assert_int_equal(call->reply.bridge_info_reply.janus_version.bytes, 0);
    fixture_bring_up(&b->f);
    call = make(b, (struct msg){.id = MSG_bridge_info});
    assert_true(call->err == ERR_OK && call->reply.bridge_info_reply.ready);
    assert_true(str_eq(call->reply.bridge_info_reply.janus_version, STR_LIT("1.1.2")));
    assert_int_equal(call->reply.bridge_info_reply.sessions_made, 1);
}

static void test_everything_is_unavailable_while_janus_is_away(void **state)
{
    struct bridge_fixture *b = *state;
    assert_int_equal(create(b)->err, ERR_UNAVAILABLE);
    assert_int_equal(destroy(b)->err, ERR_UNAVAILABLE);
    assert_int_equal(exists(b)->err, ERR_UNAVAILABLE);
    assert_int_equal(list(b)->err, ERR_UNAVAILABLE);
    assert_int_equal(sent(b, "\"message\""), 0);
}

/* ---- who publishes ---- */

static void test_only_publishers_are_listed(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *call = list(b);
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
    struct mock_call *call = list(b);
    fixture_answer(&b->f, "listparticipants", LIST(""));
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, 0);
    call = list(b);
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
    struct mock_call *call = list(b);
    fixture_answer(&b->f, "listparticipants", full);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, PUBLISHERS_MAX);
    AUTO(mem_free) char *more = long_list(PUBLISHERS_MAX + 1);
    call = list(b);
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
        struct mock_call *call = list(b);
        fixture_answer(&b->f, "listparticipants", answers[i]);
        assert_int_equal(call->err, ERR_PROTOCOL);
    }
}

/* ---- several callers ---- */

static void test_callers_of_one_room_share_a_request(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    for (int i = 0; i < 3; i++) {
        list(b);
    }
    list_of(b, ROOM + 1);
    assert_int_equal(sent(b, "listparticipants"), 2);
    fixture_answer(&b->f, "listparticipants", LIST("{\"id\":7,\"publisher\":true}"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i].answers, 1);
        assert_int_equal(b->calls[i].err, ERR_OK);
        assert_int_equal(b->calls[i].reply.bridge_participants_reply.publishers.items[0], 7);
    }
    assert_int_equal(b->calls[3].answers, 0);
    assert_int_equal(fixture_counter(&b->f, "lynks_janusbridge_shared_calls_total", NULL), 2);
    /* No answer is kept for later. */
    list(b);
    assert_int_equal(sent(b, "listparticipants"), 3);
}

static void test_create_and_destroy_of_a_room_go_in_order(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    create(b);
    destroy(b);
    create(b);
    exists(b); /* needs no order */
    assert_int_equal(sent(b, "\"message\""), 2);
    fixture_answer(&b->f, "\"request\":\"create\"",
                   PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(sent(b, "\"request\":\"destroy\""), 1);
    assert_int_equal(sent(b, "\"request\":\"create\""), 1);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    fixture_answer(&b->f, "\"request\":\"create\"", PLUGIN_ERROR(427));
    assert_true(b->calls[2].err == ERR_OK && b->calls[2].reply.bridge_create_reply.existed);
}

static void test_too_many_callers_are_refused(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=overloaded");
    fixture_bring_up(&b->f);
    for (int i = 0; i < CALLERS_MAX; i++) {
        assert_int_equal(list(b)->answers, 0);
    }
    assert_int_equal(list(b)->err, ERR_OVERLOADED);
}

/* ---- deadlines ---- */

static void test_callers_are_answered_at_their_deadline(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *first = list(b);
    fake_clock_advance(b->f.clock, 1000);
    struct mock_call *second = list(b);
    assert_int_equal(sent(b, "listparticipants"), 1);
    fake_clock_advance(b->f.clock, 2999);
    assert_int_equal(first->answers, 0);
    fake_clock_advance(b->f.clock, 1);
    assert_int_equal(first->err, ERR_DEADLINE);
    assert_int_equal(second->answers, 0);
    /* Janus is asked whether it is there; the old request is not joined any more. */
    assert_int_equal(sent(b, "\"keepalive\""), 1);
    struct mock_call *third = list(b);
    assert_int_equal(sent(b, "listparticipants"), 2);
    fixture_answer(&b->f, "listparticipants", LIST("{\"id\":7,\"publisher\":true}"));
    assert_int_equal(second->err, ERR_OK);
    assert_int_equal(third->answers, 0);
}

static void test_a_late_answer_is_counted_and_dropped(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *call = list(b);
    fake_clock_advance(b->f.clock, 4000);
    assert_int_equal(call->err, ERR_DEADLINE);
    fixture_answer(&b->f, "listparticipants", LIST(""));
    assert_int_equal(call->answers, 1);
    assert_int_equal(fixture_counter(&b->f, "lynks_janus_late_answers_total", NULL), 1);
}

static void test_an_order_outlives_its_caller(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *first = create(b);
    fake_clock_advance(b->f.clock, 3900);
    struct mock_call *second = destroy(b);
    fake_clock_advance(b->f.clock, 100);
    assert_int_equal(first->err, ERR_DEADLINE);
    /* Janus may still make the room: to destroy it now could come too early. */
    assert_int_equal(sent(b, "\"request\":\"destroy\""), 0);
    fixture_answer(&b->f, "\"request\":\"create\"",
                   PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(sent(b, "\"request\":\"destroy\""), 1);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_int_equal(second->err, ERR_OK);
}

static void test_an_order_that_was_not_sent_dies_with_its_caller(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    create(b);
    destroy(b);
    create(b);
    fake_clock_advance(b->f.clock, 4000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i].err, ERR_DEADLINE);
    }
    fixture_answer(&b->f, "\"request\":\"create\"", PLUGIN_ERROR(427));
    assert_int_equal(sent(b, "\"message\""), 1);
}

static void test_a_call_that_comes_too_late_is_not_sent(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *call = &b->calls[b->count++];
    const struct msg request = {.id = MSG_bridge_exists, .bridge_exists = {.room_id = ROOM}};
    mock_call_init(call, fake_clock_clock(b->f.clock), &request);
    fake_clock_advance(b->f.clock, 4000);
    bridge_handlers[1].fn(b->bridge, &call->call);
    assert_int_equal(call->err, ERR_DEADLINE);
    assert_int_equal(sent(b, "\"message\""), 0);
}

static void test_what_waits_for_a_connection_is_taken_back(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    for (uint64_t i = 0; i < PARALLEL_MAX + 2; i++) {
        list_of(b, ROOM + i);
    }
    assert_int_equal(sent(b, "listparticipants"), PARALLEL_MAX);
    fake_clock_advance(b->f.clock, 4000);
    while (mock_transport_open(&b->f.janus, "listparticipants") > 0) {
        fixture_answer(&b->f, "listparticipants", PLUGIN_ERROR(426));
    }
    assert_int_equal(sent(b, "listparticipants"), PARALLEL_MAX);
}

/* ---- Janus goes ---- */

static void test_all_who_wait_are_told_when_janus_goes(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("janus cannot be reached");
    fixture_bring_up(&b->f);
    create(b);
    destroy(b);
    list(b);
    list(b);
    exists(b);
    mock_transport_break(mock_transport_get(&b->f.janus, "maxev"), ERR_UNAVAILABLE);
    mock_transport_break(mock_transport_get(&b->f.janus, "\"keepalive\""), ERR_UNAVAILABLE);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(b->calls[i].answers, 1);
        assert_int_equal(b->calls[i].err, ERR_UNAVAILABLE);
    }
    assert_int_equal(log_capture_count("call failed"), 1);
}

static void test_closing_answers_all_who_wait(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    create(b);
    destroy(b);
    list(b);
    janus_session_close(b->f.session);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i].err, ERR_UNAVAILABLE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_makes_a_guarded_room),
        TEST(test_create_of_a_room_that_exists_is_success),
        TEST(test_create_with_a_wrong_admin_key_is_our_mistake),
        TEST(test_an_answer_about_another_room_is_refused),
        TEST(test_destroy),
        TEST(test_exists),
        TEST(test_info),
        TEST(test_everything_is_unavailable_while_janus_is_away),
        TEST(test_only_publishers_are_listed),
        TEST(test_an_empty_room_and_none),
        TEST(test_as_many_publishers_as_a_message_holds),
        TEST(test_lists_that_make_no_sense),
        TEST(test_callers_of_one_room_share_a_request),
        TEST(test_create_and_destroy_of_a_room_go_in_order),
        TEST(test_too_many_callers_are_refused),
        TEST(test_callers_are_answered_at_their_deadline),
        TEST(test_a_late_answer_is_counted_and_dropped),
        TEST(test_an_order_outlives_its_caller),
        TEST(test_an_order_that_was_not_sent_dies_with_its_caller),
        TEST(test_a_call_that_comes_too_late_is_not_sent),
        TEST(test_what_waits_for_a_connection_is_taken_back),
        TEST(test_all_who_wait_are_told_when_janus_goes),
        TEST(test_closing_answers_all_who_wait),
    };
    return cmocka_run_group_tests_name("bridge", tests, NULL, NULL);
}
