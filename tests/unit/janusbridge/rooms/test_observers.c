/* What memory answers, when it does not, and who makes it whole again. */
#include "tests/unit/janusbridge/observing.h"

#define EVENT(members) "{\"videoroom\":\"event\",\"room\":1234," members "}"
#define PUBLISHES(id) EVENT("\"publishers\":[{\"id\":" #id "}]")

/* ---- memory ---- */

static void test_the_second_who_asks_is_answered_from_memory(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5},{\"id\":6}");
    const size_t sent = b->f.janus.count;
    EXPECT(b, 5, 6);
    EXPECT(b, 5, 6);
    assert_int_equal(b->f.janus.count, sent);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_observers_made_total"), 1);
    assert_int_equal(fixture_counter(&b->f, "lynks_janusbridge_lists_total", "from=\"memory\""), 2);
    assert_int_equal(fixture_counter(&b->f, "lynks_janusbridge_lists_total", "from=\"janus\""), 1);
}

/* Makes the room, which is there already; true if that was known without a request to Janus. */
static bool is_known_to_be_made(struct bridge_fixture *b)
{
    const size_t sent = b->f.janus.count;
    struct mock_call *call = bridge_create(b);
    const bool is_known = call->answers == 1;
    assert_true(!is_known || b->f.janus.count == sent);
    if (!is_known) {
        fixture_answer(&b->f, "\"create\"", PLUGIN_ERROR(427));
        if (call->answers == 0) {
            fixture_answer(&b->f, "\"edit\"", EDITED(1234));
        }
    }
    assert_true(call->err == ERR_OK && call->reply.bridge_create_reply.existed);
    return is_known;
}

/* The first proves that it is ours, the second makes its observer. */
static void test_a_room_that_is_made_again_and_again_is_known(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    assert_false(is_known_to_be_made(b));
    assert_int_equal(mock_transport_open(&b->f.janus, "\"attach\""), 0);
    assert_false(is_known_to_be_made(b));
    observing_attach(b, OBSERVER);
    observing_answer(b, "\"join\"", OBSERVER,
                     "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}");
    observing_pulse(b);
    assert_true(is_known_to_be_made(b));
    assert_true(is_known_to_be_made(b));
    static const char creates[] = "lynks_janusbridge_creates_total";
    assert_int_equal(fixture_counter(&b->f, creates, "from=\"memory\""), 2);
    assert_int_equal(fixture_counter(&b->f, creates, "from=\"janus\""), 2);
    fake_clock_advance(b->f.clock, 201); /* no pulse has come back */
    assert_false(is_known_to_be_made(b));
}

static void test_an_observer_joins_with_the_pin_of_its_room(void **state)
{
    struct bridge_fixture *b = *state;
    const struct msg create = {.id = MSG_bridge_create,
                               .bridge_create = {.room_id = ROOM,
                                                 .secret = STR_LIT(ROOM_SECRET),
                                                 .pin = STR_LIT("p1"),
                                                 .publishers_max = 6}};
    fixture_bring_up(&b->f);
    (void)bridge_call(b, create);
    fixture_answer(&b->f, "\"create\"", PLUGIN_ERROR(427));
    assert_non_null(
        strstr(mock_transport_get(&b->f.janus, "\"edit\"")->body, "\"new_pin\":\"p1\""));
    fixture_answer(&b->f, "\"edit\"", EDITED(1234));
    (void)bridge_call(b, create);
    fixture_answer(&b->f, "\"create\"", PLUGIN_ERROR(427));
    observing_attach(b, OBSERVER);
    assert_non_null(strstr(mock_transport_get(&b->f.janus, "\"join\"")->body, "\"pin\":\"p1\""));
}

/* Its observer alone says that there is a room, not whose. */
static void test_a_room_that_is_not_known_to_be_ours_is_asked_for(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    assert_false(is_known_to_be_made(b));
    assert_true(is_known_to_be_made(b));
    struct msg other = {.id = MSG_bridge_create,
                        .bridge_create = {.room_id = ROOM,
                                          .secret = STR_LIT("fedcba9876543210"),
                                          .publishers_max = 6}};
    struct mock_call *call = bridge_call(b, other);
    assert_int_equal(call->answers, 0);
    log_capture_expect("another secret");
    fixture_answer(&b->f, "\"create\"", PLUGIN_ERROR(427));
    fixture_answer(&b->f, "\"edit\"", PLUGIN_ERROR(433));
    assert_int_equal(call->err, ERR_INTERNAL);
}

static void test_a_room_that_is_being_destroyed_is_made_after_that(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    assert_false(is_known_to_be_made(b));
    assert_true(is_known_to_be_made(b));
    struct mock_call *destroy = bridge_destroy(b);
    struct mock_call *create = bridge_create(b);
    assert_int_equal(create->answers, 0);
    fixture_answer(&b->f, "\"destroy\"", PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_int_equal(destroy->err, ERR_OK);
    fixture_answer(&b->f, "\"create\"", PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_true(create->err == ERR_OK && !create->reply.bridge_create_reply.existed);
}

static void test_a_room_that_is_gone_from_janus_is_made(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    assert_false(is_known_to_be_made(b));
    observing_event(b, OBSERVER, "{\"videoroom\":\"destroyed\",\"room\":1234}");
    struct mock_call *create = bridge_create(b);
    assert_int_equal(create->answers, 0);
    fixture_answer(&b->f, "\"create\"", PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_true(create->err == ERR_OK && !create->reply.bridge_create_reply.existed);
}

static void test_events_change_it(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    observing_event(b, OBSERVER, EVENT("\"publishers\":[{\"id\":7},{\"id\":8}]"));
    observing_event(b, OBSERVER, PUBLISHES(9));
    observing_event(b, OBSERVER, PUBLISHES(9)); /* a publisher who changed its streams */
    EXPECT(b, 7, 8, 9);
    observing_event(b, OBSERVER, EVENT("\"unpublished\":8"));
    EXPECT(b, 7, 9);
    observing_event(b, OBSERVER, EVENT("\"leaving\":8"));
    observing_event(b, OBSERVER, EVENT("\"leaving\":7"));
    EXPECT(b, 9);
    observing_event(b, OBSERVER, EVENT("\"kicked\":9"));
    EXPECT(b);
}

static void test_what_is_not_about_publishing_changes_nothing(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    observing_event(b, OBSERVER, EVENT("\"joining\":{\"id\":77}"));
    observing_event(b, OBSERVER, "{\"videoroom\":\"event\",\"id\":5,\"display\":\"me\"}");
    observing_event(b, OBSERVER, "{\"videoroom\":\"talking\",\"room\":1234,\"id\":5}");
    observing_event(b, OBSERVER, EVENT("\"id\":5,\"mid\":\"0\",\"moderation\":\"muted\""));
    fixture_event(&b->f, "[{\"janus\":\"slowlink\",\"session_id\":11,\"sender\":33}]");
    EXPECT(b, 5);
}

/* Janus puts the answer to join into the queue after it let go of the room. */
static void test_an_event_before_the_join_is_newer_than_it(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    (void)bridge_list(b);
    fixture_answer(&b->f, PARTICIPANTS, LIST(""));
    observing_attach(b, OBSERVER);
    observing_event(b, OBSERVER, PUBLISHES(8));
    observing_event(b, OBSERVER, EVENT("\"unpublished\":5"));
    observing_answer(b, "\"join\"", OBSERVER,
                     "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,"
                     "\"publishers\":[{\"id\":5},{\"id\":6}]}");
    observing_pulse(b);
    EXPECT(b, 6, 8);
}

/* ---- late ---- */

static void test_memory_older_than_200_ms_is_not_given(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    fake_clock_advance(b->f.clock, 60); /* the next pulse goes out, and does not come back */
    assert_int_equal(mock_transport_open(&b->f.janus, PULSE), 1);
    fake_clock_advance(b->f.clock, 140);
    EXPECT(b, 5);
    fake_clock_advance(b->f.clock, 1);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, SEEN(""));
    observing_pulse(b); /* sent 141 ms ago */
    EXPECT(b);
    fake_clock_advance(b->f.clock, 60);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, SEEN(""));
}

static void test_pulses_end_when_nobody_asks(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    for (int i = 0; i < 100; i++) {
        fake_clock_advance(b->f.clock, 60);
        while (mock_transport_open(&b->f.janus, PULSE) > 0) {
            observing_pulse(b);
        }
        while (mock_transport_open(&b->f.janus, "\"keepalive\"") > 0) {
            fixture_answer(&b->f, "\"keepalive\"", ACK);
        }
        if (mock_transport_open(&b->f.janus, PARTICIPANTS) > 0) {
            fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
        }
    }
    assert_in_range(bridge_sent(b, PULSE), 25, 40); /* 2 s of them, not 6 */
    assert_false(observing_is_known(b));            /* and that sets them going again */
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
    observing_pulse(b);
    EXPECT(b, 5);
}

/* Takes the pulse under way, or the next one, and lets it wait in vain. */
static void lose_a_pulse(struct bridge_fixture *b)
{
    if (mock_transport_open(&b->f.janus, PULSE) == 0) {
        fake_clock_advance(b->f.clock, 60);
    }
    fixture_answer(&b->f, PULSE, ACK);
    fake_clock_advance(b->f.clock, 2000);
    while (mock_transport_open(&b->f.janus, "\"keepalive\"") > 0) {
        fixture_answer(&b->f, "\"keepalive\"", ACK);
    }
}

static void test_pulses_that_never_return_replace_the_poll(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    const size_t polls = bridge_sent(b, "maxev");
    lose_a_pulse(b); /* a poll that was cut may have taken it */
    assert_int_equal(bridge_sent(b, "maxev"), polls);
    assert_false(observing_is_known(b)); /* which keeps the pulses going */
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
    lose_a_pulse(b);
    assert_int_equal(bridge_sent(b, "maxev"), polls + 1);
    assert_int_equal(mock_transport_open(&b->f.janus, "maxev"), 1);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_feed_gaps_total"), 1);
}

/* Only those that are lost one after the other count. */
static void test_a_pulse_that_returns_forgives_the_lost_one(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    for (int i = 0; i < 3; i++) {
        lose_a_pulse(b);
        (void)bridge_list(b); /* which keeps the pulses going */
        fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
        if (mock_transport_open(&b->f.janus, PULSE) == 0) {
            fake_clock_advance(b->f.clock, 60);
        }
        observing_pulse(b);
    }
    assert_int_equal(observing_counter(b, "lynks_janusbridge_pulses_lost_total"), 3);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_feed_gaps_total"), 0);
}

/* ---- broken ---- */

/* Asks, with nothing vouched for; Janus' answer makes it whole again. */
static void mend(struct bridge_fixture *b)
{
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(6, true)));
    if (mock_transport_open(&b->f.janus, PULSE) == 0) {
        fake_clock_advance(b->f.clock, 60);
    }
    observing_pulse(b);
    EXPECT(b, 6);
}

static void test_after_a_broken_poll_janus_is_asked(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    mock_transport_break(mock_transport_get(&b->f.janus, "maxev"), ERR_UNAVAILABLE);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
    fake_clock_advance(b->f.clock, 60); /* polls again */
    observing_pulse(b);
    EXPECT(b, 5);
}

static void test_after_a_lost_link_janus_is_asked(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("janus cannot be reached");
    observing_begin(b, "");
    assert_true(observing_is_known(b));
    janus_session_doubt(b->f.session);
    fixture_lose_link(&b->f);
    fake_clock_advance(b->f.clock, 10);
    fixture_resume(&b->f); /* the same session goes on, and so do the handles */
    assert_true(janus_session_is_ready(b->f.session));
    assert_false(observing_is_known(b));
}

static void test_an_early_keepalive_tells_of_a_lost_event(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    fixture_event(&b->f, KEEPALIVES);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    fake_clock_advance(b->f.clock, 60); /* polls again */
    mend(b);
}

/* An event may have gone with the connection of the first one; what comes after it, a pulse, too,
 * says nothing of that. */
static void test_a_poll_that_was_sent_twice_is_a_gap(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    if (mock_transport_open(&b->f.janus, PULSE) == 0) {
        fake_clock_advance(b->f.clock, 60);
    }
    mock_transport_get(&b->f.janus, "maxev")->was_repeated = true;
    observing_pulse(b);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_feed_gaps_total"), 1);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    mend(b);
}

static void test_garbage_in_the_poll_is_a_gap(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    fixture_event(&b->f, "[{\"janus\":7},{\"janus\":\"event\"}]");
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    mend(b);
}

/* The base was asked for before the gap: it says nothing about what was lost in it. */
static void test_a_base_from_before_the_gap_is_of_no_use(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    fixture_event(&b->f, KEEPALIVES);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    fake_clock_advance(b->f.clock, 60);
    assert_false(observing_is_known(b));
    fixture_event(&b->f, KEEPALIVES);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
    fake_clock_advance(b->f.clock, 120); /* polls again */
    observing_pulse(b);
    mend(b);
}

static void test_events_while_a_base_is_fetched_count_more(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5},{\"id\":6}");
    fixture_event(&b->f, KEEPALIVES);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    fake_clock_advance(b->f.clock, 60);
    assert_false(observing_is_known(b));
    observing_event(b, OBSERVER, EVENT("\"unpublished\":5"));
    observing_event(b, OBSERVER, PUBLISHES(7));
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true) "," MEMBER(6, true)));
    observing_pulse(b);
    EXPECT(b, 6, 7);
}

static void test_what_is_not_understood_is_asked_for(void **state)
{
    struct bridge_fixture *b = *state;
    static const char *const senseless[] = {EVENT("\"publishers\":[{\"id\":\"x\"}]"),
                                            EVENT("\"publishers\":7"),
                                            EVENT("\"unpublished\":-1"),
                                            EVENT("\"leaving\":[]"),
                                            EVENT("\"something\":\"new\""),
                                            "{\"videoroom\":\"new\",\"room\":1234}",
                                            "{\"room\":1234}",
                                            "{\"videoroom\":\"event\",\"room\":99,\"leaving\":5}"};
    observing_begin(b, "{\"id\":5}");
    for (size_t i = 0; i < ARRAY_LEN(senseless); i++) {
        observing_event(b, OBSERVER, senseless[i]);
        mend(b);
    }
    assert_int_equal(observing_counter(b, "lynks_janusbridge_senseless_events_total"),
                     ARRAY_LEN(senseless));
}

/* ---- what strangers make large ---- */

static char *repeated(const char *unit, size_t count)
{
    const size_t bytes = strlen(unit);
    char *text = mem_alloc(count * bytes + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * bytes, unit, bytes);
    }
    return text;
}

static void test_names_of_any_length(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    AUTO(mem_free) char *name = repeated("x", 1100000);
    AUTO(mem_free)
    char *event = mem_printf(EVENT("\"publishers\":[{\"id\":7,\"display\":\"%s\"}]"), name);
    observing_event(b, OBSERVER, event);
    EXPECT(b, 5, 7);
    AUTO(mem_free)
    char *change =
        mem_printf("{\"videoroom\":\"event\",\"room\":1234,\"id\":7,\"display\":\"%s\"}", name);
    observing_event(b, OBSERVER, change);
    EXPECT(b, 5, 7);
    fake_clock_advance(b->f.clock, 60); /* a pulse goes out, and does not come back in time */
    fake_clock_advance(b->f.clock, 141);
    struct mock_call *call = bridge_list(b);
    AUTO(mem_free)
    char *list = mem_printf(SEEN(",{\"id\":7,\"display\":\"%s\",\"publisher\":true}"), name);
    fixture_answer(&b->f, PARTICIPANTS, list);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, 1);
    observing_pulse(b);
    EXPECT(b, 7);
    assert_int_equal(observing_counter(b, "lynks_janus_poll_gaps_total"), 0);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_senseless_events_total"), 0);
}

/* An observer needs no list: joining tells only who publishes. */
static void test_a_room_with_more_members_than_a_list_may_name(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("call failed");
    fixture_bring_up(&b->f);
    AUTO(mem_free) char *crowd = repeated("," MEMBER(8, false), 5000);
    AUTO(mem_free) char *list = mem_printf(LIST(MEMBER(5, true) "%s"), crowd);
    struct mock_call *call = bridge_list(b);
    fixture_answer(&b->f, PARTICIPANTS, list);
    assert_int_equal(call->err, ERR_PROTOCOL);
    observing_attach(b, OBSERVER);
    observing_answer(b, "\"join\"", OBSERVER,
                     "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,"
                     "\"publishers\":[{\"id\":5}]}");
    observing_pulse(b);
    EXPECT(b, 5);
}

static void test_an_event_that_is_too_large_costs_its_room_alone(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    AUTO(mem_free) char *crowd = repeated(",{\"id\":8}", 10000);
    AUTO(mem_free) char *event = mem_printf(EVENT("\"publishers\":[{\"id\":7}%s]"), crowd);
    observing_event(b, OBSERVER, event);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_senseless_events_total"), 1);
    assert_int_equal(observing_counter(b, "lynks_janus_poll_gaps_total"), 0);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_feed_gaps_total"), 0);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
    EXPECT(b, 5);
}

/* A feed without an id could be anybody. */
static void test_a_member_without_an_id_is_none(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    (void)bridge_list(b);
    fixture_answer(&b->f, PARTICIPANTS, LIST(""));
    observing_attach(b, OBSERVER);
    observing_answer(b, "\"join\"", OBSERVER,
                     "{\"videoroom\":\"joined\",\"room\":1234,\"publishers\":[]}");
    assert_int_equal(observing_counter(b, "lynks_janusbridge_observers_made_total"), 0);
    assert_int_equal(mock_transport_open(&b->f.janus, "detach"), 1);
}

/* ---- who is in a room ---- */

static bool is_occupied(struct bridge_fixture *b, const char *answer)
{
    const struct mock_call *call = bridge_call(
        b, (struct msg){.id = MSG_bridge_occupied, .bridge_occupied = {.room_id = ROOM}});
    fixture_answer(&b->f, PARTICIPANTS, answer);
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, ERR_OK);
    return call->reply.bridge_occupied_reply.occupied;
}

static void test_the_observer_is_nobody(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    assert_false(is_occupied(b, SEEN("")));
    assert_true(is_occupied(b, SEEN("," MEMBER(1, true))));
    assert_true(is_occupied(b, SEEN("," MEMBER(2, false))));
    assert_false(is_occupied(b, LIST("")));
    assert_false(is_occupied(b, PLUGIN_ERROR(426))); /* it is not there */
}

/* It may be an observer of an earlier bridge, which is detached when Janus has an event for it. */
static void test_who_only_watches_gets_company(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    assert_true(is_occupied(b, LIST(MEMBER(1, true))));
    assert_int_equal(bridge_sent(b, "attach"), 1); /* the session's own */
    assert_true(is_occupied(b, LIST(MEMBER(1, false))));
    assert_int_equal(bridge_sent(b, "attach"), 2);
}

static void test_a_new_session_has_no_observers(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    log_capture_expect("janus is not ready");
    fixture_event(&b->f, "[{\"janus\":\"timeout\",\"session_id\":11}]");
    fake_clock_advance(b->f.clock, 2000);
    fixture_answer(&b->f, "\"create\"", CREATED(44));
    fixture_answer(&b->f, "attach", CREATED(55));
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, LIST(""));
    assert_int_equal(mock_transport_open(&b->f.janus, "\"attach\""), 1);
    assert_int_equal(bridge_sent(b, "detach"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bridge_setup_observing, bridge_teardown)
        T(test_the_second_who_asks_is_answered_from_memory),
        T(test_a_room_that_is_made_again_and_again_is_known),
        T(test_an_observer_joins_with_the_pin_of_its_room),
        T(test_a_room_that_is_not_known_to_be_ours_is_asked_for),
        T(test_a_room_that_is_being_destroyed_is_made_after_that),
        T(test_a_room_that_is_gone_from_janus_is_made),
        T(test_events_change_it),
        T(test_what_is_not_about_publishing_changes_nothing),
        T(test_an_event_before_the_join_is_newer_than_it),
        T(test_memory_older_than_200_ms_is_not_given),
        T(test_pulses_end_when_nobody_asks),
        T(test_pulses_that_never_return_replace_the_poll),
        T(test_a_pulse_that_returns_forgives_the_lost_one),
        T(test_after_a_broken_poll_janus_is_asked),
        T(test_after_a_lost_link_janus_is_asked),
        T(test_an_early_keepalive_tells_of_a_lost_event),
        T(test_a_poll_that_was_sent_twice_is_a_gap),
        T(test_garbage_in_the_poll_is_a_gap),
        T(test_a_base_from_before_the_gap_is_of_no_use),
        T(test_events_while_a_base_is_fetched_count_more),
        T(test_what_is_not_understood_is_asked_for),
        T(test_names_of_any_length),
        T(test_a_room_with_more_members_than_a_list_may_name),
        T(test_an_event_that_is_too_large_costs_its_room_alone),
        T(test_a_member_without_an_id_is_none),
        T(test_the_observer_is_nobody),
        T(test_who_only_watches_gets_company),
        T(test_a_new_session_has_no_observers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
