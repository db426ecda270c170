/* The lease, and what the bridge does and leaves with it; Janus, roomsvc and the clock are played
 * by the test. */
#include "janusbridge/lease/fenced_transport.h"
#include "tests/unit/janusbridge/bridge_fixture.h"

#define OUTAGE_MS 10000
#define CALLS_OF_A_TEST 4

struct world {
    struct fixture f; /* its session goes through the guard, and is not started */
    struct fenced_transport *guard;
    struct janus_transport guarded;
    struct lease *lease;
    struct bridge *bridge;
    struct mock_bus bus;
    struct mock_call calls[CALLS_OF_A_TEST];
    size_t count;
};

static void set_up_session(struct world *w)
{
    struct fixture *f = &w->f;
    mock_transport_init(&f->janus);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->health = health_new();
    w->guard = fenced_transport_new(&f->janus.transport, fake_clock_clock(f->clock));
    w->guarded = fenced_transport_transport(w->guard);
    const struct janus_session_parts parts = {.transport = &w->guarded,
                                              .clock = fake_clock_clock(f->clock),
                                              .metrics = f->metrics,
                                              .health = f->health};
    const struct janus_session_config config = {.api_secret = "",
                                                .keepalive_ms = 300,
                                                .control_timeout_ms = CONTROL_TIMEOUT_MS,
                                                .backoff_min_ms = 50,
                                                .backoff_max_ms = BACKOFF_MAX_MS,
                                                .calls_max = CALLS_MAX,
                                                .parallel_max = PARALLEL_MAX};
    f->session = janus_session_new(&parts, &config);
}

static int setup(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));
    *state = w;
    log_capture_setup(NULL);
    set_up_session(w);
    mock_bus_init(&w->bus);
    const struct lease_parts lease = {.bus = &w->bus.bus,
                                      .clock = fake_clock_clock(w->f.clock),
                                      .metrics = w->f.metrics,
                                      .health = w->f.health,
                                      .session = w->f.session};
    const struct lease_config config = {
        .node = "node1", .holder = "0123456789abcde", .outage_ms = OUTAGE_MS};
    w->lease = lease_new(&lease, &config);
    fenced_transport_set(w->guard, w->lease);
    const struct bridge_config bridge = {
        .node = "node1", .admin_key = "", .calls_max = 4, .lease = w->lease};
    w->bridge = bridge_new(w->f.session, fake_clock_clock(w->f.clock), w->f.metrics, &bridge);
    lease_start(w->lease);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    janus_session_free(&w->f.session);
    lease_free(&w->lease);
    bridge_free(&w->bridge);
    fenced_transport_free(&w->guard);
    assert_int_equal(mock_transport_open(&w->f.janus, ""), 0);
    assert_int_equal(fake_clock_timers(w->f.clock), 0);
    health_free(&w->f.health);
    metrics_free(&w->f.metrics);
    fake_clock_free(&w->f.clock);
    mock_transport_fini(&w->f.janus);
    mock_bus_fini(&w->bus);
    for (size_t i = 0; i < w->count; i++) {
        mock_call_fini(&w->calls[i]);
    }
    mem_free(&w);
    return log_capture_teardown(NULL);
}

/* ---- roomsvc ---- */

static struct mock_bus_call *asked(struct world *w)
{
    struct mock_bus_call *call = mock_bus_pending(&w->bus, MSG_node_renew);
    assert_non_null(call);
    return call;
}

static bool is_asked(struct world *w)
{
    return mock_bus_pending(&w->bus, MSG_node_renew) != NULL;
}

static void answer(struct world *w, const struct msg_node_renew_reply *lease)
{
    const struct msg reply = {.id = MSG_node_renew_reply, .node_renew_reply = *lease};
    mock_bus_answer(asked(w), ERR_OK, &reply);
}

static void grant_for(struct world *w, uint64_t remaining_ms)
{
    answer(w,
           &(struct msg_node_renew_reply){.held = true, .epoch = 7, .remaining_ms = remaining_ms});
}

static void grant(struct world *w)
{
    grant_for(w, 2000);
}

/* With the session that another one left. */
static void grant_resumed(struct world *w)
{
    answer(w, &(struct msg_node_renew_reply){.held = true,
                                             .epoch = 8,
                                             .remaining_ms = 2000,
                                             .janus_session = 11,
                                             .janus_handle = 22});
}

static void deny(struct world *w, uint64_t remaining_ms)
{
    answer(w, &(struct msg_node_renew_reply){.epoch = 7, .remaining_ms = remaining_ms});
}

static void refuse(struct world *w, enum err err)
{
    mock_bus_answer(asked(w), err, NULL);
}

/* ---- the bridge ---- */

static struct mock_call *list(struct world *w)
{
    assert_true(w->count < CALLS_OF_A_TEST);
    struct mock_call *call = &w->calls[w->count++];
    const struct msg request = {.id = MSG_bridge_participants,
                                .bridge_participants = {.room_id = ROOM}};
    mock_call_init(call, fake_clock_clock(w->f.clock), &request);
    for (const struct call_handler *h = bridge_handlers; h->request != MSG_NONE; h++) {
        if (h->request == request.id) {
            h->fn(w->bridge, &call->call);
        }
    }
    return call;
}

static bool is_active(struct world *w)
{
    return janus_session_is_ready(w->f.session) && mock_transport_open(&w->f.janus, "maxev") == 1;
}

static size_t open_requests(struct world *w)
{
    return mock_transport_open(&w->f.janus, "");
}

/* Holds the lease, with a session that roomsvc has been told of. */
static void bring_up(struct world *w)
{
    grant(w);
    fixture_bring_up(&w->f);
    fake_clock_advance(w->f.clock, 0);
    grant(w);
}

/* For ms, with the renewals granted. */
static void live(struct world *w, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 100) {
        fake_clock_advance(w->f.clock, 100);
        while (mock_transport_open(&w->f.janus, "\"keepalive\"") > 0) {
            fixture_answer(&w->f, "\"keepalive\"", ACK);
        }
        if (is_asked(w)) {
            grant(w);
        }
    }
}

static bool is_shown_as_held(struct world *w)
{
    return metric_value(metrics_gauge(w->f.metrics, "lynks_janusbridge_lease_held", "", NULL)) == 1;
}

/* ---- to take it ---- */

static void test_nothing_is_done_without_it(void **state)
{
    struct world *w = *state;
    assert_false(health_is_ready(w->f.health));
    assert_int_equal(list(w)->err, ERR_STANDBY);
    assert_int_equal(w->f.janus.count, 0);
    const struct msg_node_renew *request = &asked(w)->request.node_renew;
    assert_true(str_eq(request->node, STR_LIT("node1")));
    assert_memory_equal(request->holder.data, "0123456789abcde", 16);
    assert_false(request->release);
    deny(w, 1500);
    assert_true(health_is_ready(w->f.health)); /* to stand by is to be well */
    fake_clock_advance(w->f.clock, 499);
    assert_false(is_asked(w));
    fake_clock_advance(w->f.clock, 1);
    deny(w, 100); /* over soon: asked for soon */
    fake_clock_advance(w->f.clock, 120);
    assert_true(is_asked(w));
    assert_int_equal(w->f.janus.count, 0);
}

static void test_who_takes_it_makes_a_session_and_tells_of_it(void **state)
{
    struct world *w = *state;
    grant(w);
    assert_true(lease_check(w->lease));
    fixture_bring_up(&w->f);
    fake_clock_advance(w->f.clock, 0);
    assert_int_equal(asked(w)->request.node_renew.janus_session, 11);
    assert_int_equal(asked(w)->request.node_renew.janus_handle, 22);
    grant(w);
    assert_true(is_active(w));
    struct mock_call *call = list(w);
    fixture_answer(&w->f, "listparticipants", LIST(""));
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.epoch, 7);
}

static void test_a_session_that_comes_up_during_a_renewal_is_told_of_after_it(void **state)
{
    struct world *w = *state;
    grant(w);
    fake_clock_advance(w->f.clock, 1000);
    assert_int_equal(asked(w)->request.node_renew.janus_session, 0);
    fixture_bring_up(&w->f);
    grant(w);
    fake_clock_advance(w->f.clock, 0);
    assert_int_equal(asked(w)->request.node_renew.janus_session, 11);
}

static void test_the_session_that_another_one_left_is_resumed(void **state)
{
    struct world *w = *state;
    deny(w, 0);
    fake_clock_advance(w->f.clock, 20);
    grant_resumed(w);
    assert_non_null(strstr(mock_transport_get(&w->f.janus, "\"keepalive\"")->path, "/11"));
    assert_int_equal(list(w)->err, ERR_SESSION_COMING); /* in a moment */
    fixture_resume(&w->f);
    assert_true(is_active(w));
    struct mock_call *call = list(w);
    assert_string_equal(mock_transport_get(&w->f.janus, "listparticipants")->path, "/11/22");
    fixture_answer(&w->f, "listparticipants", LIST(""));
    assert_true(call->err == ERR_OK && call->reply.bridge_participants_reply.epoch == 8);
    assert_int_equal(mock_transport_sent(&w->f.janus, "\"create\""), 0);
}

static void test_a_session_that_janus_does_not_have_is_made_anew(void **state)
{
    struct world *w = *state;
    grant_resumed(w);
    fixture_answer(&w->f, "\"keepalive\"", CORE_ERROR(458));
    fixture_answer(&w->f, "\"create\"", CREATED(33));
    fixture_answer(&w->f, "attach", CREATED(44));
    assert_true(is_active(w));
    fake_clock_advance(w->f.clock, 0);
    assert_int_equal(asked(w)->request.node_renew.janus_session, 33);
}

/* ---- to keep it ---- */

static void test_it_is_renewed_every_second(void **state)
{
    struct world *w = *state;
    bring_up(w);
    const size_t before = w->bus.count;
    live(w, 10000);
    assert_in_range(w->bus.count - before, 9, 11);
    assert_true(is_active(w));
}

static void test_it_is_lost_when_nobody_answers(void **state)
{
    struct world *w = *state;
    log_capture_expect("the lease is lost");
    bring_up(w);
    struct mock_call *call = list(w);
    fake_clock_advance(w->f.clock, 1000);
    refuse(w, ERR_DEADLINE);
    fake_clock_advance(w->f.clock, 900);
    assert_true(is_active(w));
    refuse(w, ERR_DEADLINE);
    fake_clock_advance(w->f.clock, 100); /* two seconds after the last one that was granted */
    assert_false(is_active(w));
    assert_int_equal(call->err, ERR_STANDBY);
    assert_int_equal(open_requests(w), 0);
    assert_int_equal(mock_transport_sent(&w->f.janus, "\"destroy\""), 0);
}

static void test_it_is_lost_when_another_one_has_it(void **state)
{
    struct world *w = *state;
    log_capture_expect("the lease is lost");
    bring_up(w);
    struct mock_call *call = list(w);
    fake_clock_advance(w->f.clock, 1000);
    deny(w, 2000);
    assert_int_equal(call->err, ERR_STANDBY);
    assert_int_equal(open_requests(w), 0);
    assert_int_equal(list(w)->err, ERR_STANDBY);
    fake_clock_advance(w->f.clock, 500);
    grant_resumed(w); /* and comes back */
    fixture_resume(&w->f);
    assert_true(is_active(w));
}

static void test_no_grant_lasts_longer_than_a_lease(void **state)
{
    struct world *w = *state;
    log_capture_expect("the lease is lost");
    bring_up(w);
    fake_clock_advance(w->f.clock, 1000);
    grant_for(w, 3600000);
    fake_clock_advance(w->f.clock, 1999);
    assert_true(lease_check(w->lease));
    fake_clock_advance(w->f.clock, 1);
    assert_false(lease_check(w->lease));
}

static void test_who_stands_by_tells_no_epoch(void **state)
{
    struct world *w = *state;
    log_capture_expect("the lease is lost");
    assert_int_equal(lease_epoch(w->lease), 0);
    bring_up(w);
    assert_int_equal(lease_epoch(w->lease), 7);
    fake_clock_advance(w->f.clock, 1000);
    deny(w, 2000);
    assert_int_equal(lease_epoch(w->lease), 0);
}

/* Whoever acts on it would act beside its next holder. */
static void test_a_grant_that_was_too_long_on_its_way_is_none(void **state)
{
    struct world *w = *state;
    fake_clock_advance(w->f.clock, 300);
    grant_for(w, 300); /* as of when it was asked for */
    assert_false(lease_check(w->lease));
    assert_int_equal(w->f.janus.count, 0);
    assert_false(is_shown_as_held(w));
    fake_clock_advance(w->f.clock, 1000);
    grant_for(w, 1300);
    assert_true(lease_check(w->lease));
    assert_true(is_shown_as_held(w));
}

/* ---- a process that was stopped: the lease is over, and no timer has told it ---- */

static void be_stopped(struct world *w)
{
    bring_up(w);
    fake_clock_advance(w->f.clock, 1000);
    grant_for(w, 100);
    while (mock_transport_open(&w->f.janus, "\"keepalive\"") > 0) {
        fixture_answer(&w->f, "\"keepalive\"", ACK);
    }
}

static void test_a_call_finds_it_stale(void **state)
{
    struct world *w = *state;
    log_capture_expect("not renewed in time");
    be_stopped(w);
    fake_clock_advance(w->f.clock, 100);
    assert_int_equal(list(w)->err, ERR_STANDBY);
    assert_int_equal(mock_transport_sent(&w->f.janus, "listparticipants"), 0);
    assert_int_equal(open_requests(w), 0);
}

static void test_an_answer_of_janus_finds_it_stale(void **state)
{
    struct world *w = *state;
    log_capture_expect("not renewed in time");
    be_stopped(w);
    struct mock_call *call = list(w);
    fake_clock_advance(w->f.clock, 100);
    assert_int_equal(call->answers, 0);
    fixture_answer(&w->f, "listparticipants", LIST(""));
    assert_int_equal(call->err, ERR_STANDBY);
    assert_int_equal(open_requests(w), 0);
}

static void test_an_event_finds_it_stale(void **state)
{
    struct world *w = *state;
    log_capture_expect("not renewed in time");
    be_stopped(w);
    fake_clock_advance(w->f.clock, 100);
    const size_t sent = w->f.janus.count;
    fixture_event(&w->f, KEEPALIVES);
    assert_int_equal(w->f.janus.count, sent); /* not polled again */
    assert_int_equal(open_requests(w), 0);
}

static void test_a_timer_finds_it_stale(void **state)
{
    struct world *w = *state;
    log_capture_expect("not renewed in time");
    be_stopped(w);
    const size_t sent = w->f.janus.count;
    fake_clock_advance(w->f.clock, 300); /* a keepalive is due */
    fake_clock_advance(w->f.clock, 0);
    assert_int_equal(w->f.janus.count, sent);
    assert_int_equal(open_requests(w), 0);
}

static void test_a_late_grant_does_not_revive_it(void **state)
{
    struct world *w = *state;
    log_capture_expect("the lease is lost");
    bring_up(w);
    fake_clock_advance(w->f.clock, 1000);
    struct mock_bus_call *late = asked(w);
    fake_clock_advance(w->f.clock, 2100);
    const struct msg reply = {.id = MSG_node_renew_reply,
                              .node_renew_reply = {.held = true, .epoch = 7, .remaining_ms = 2000}};
    mock_bus_answer(late, ERR_OK, &reply);
    assert_false(lease_check(w->lease));
    assert_int_equal(open_requests(w), 0);
}

/* ---- the database is away ---- */

static void test_the_holder_goes_on_for_a_bounded_time(void **state)
{
    struct world *w = *state;
    log_capture_expect("not renewed in time");
    bring_up(w);
    uint64_t lived_ms = 0;
    for (; lived_ms < 4 * OUTAGE_MS && lease_check(w->lease); lived_ms += 50) {
        fake_clock_advance(w->f.clock, 50);
        while (mock_transport_open(&w->f.janus, "\"keepalive\"") > 0) {
            fixture_answer(&w->f, "\"keepalive\"", ACK);
        }
        if (is_asked(w)) {
            refuse(w, ERR_UNAVAILABLE);
        }
    }
    assert_in_range(lived_ms, OUTAGE_MS, OUTAGE_MS + 3500);
    assert_int_equal(open_requests(w), 0);
}

static void test_after_an_outage_the_new_one_gives_the_old_one_time(void **state)
{
    struct world *w = *state;
    refuse(w, ERR_UNAVAILABLE);
    fake_clock_advance(w->f.clock, 500);
    grant_resumed(w);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(w->f.janus.count, 0);
        assert_int_equal(i == 0 ? list(w)->err : ERR_STANDBY, ERR_STANDBY);
        fake_clock_advance(w->f.clock, 500);
        grant_resumed(w);
    }
    assert_int_equal(mock_transport_open(&w->f.janus, "\"keepalive\""), 1);
}

/* ---- to give it up ---- */

static void test_it_is_given_up_with_the_session_left(void **state)
{
    struct world *w = *state;
    bring_up(w);
    assert_false(lease_give_up(w->lease));
    assert_true(asked(w)->request.node_renew.release);
    assert_int_equal(open_requests(w), 0);
    assert_int_equal(mock_transport_sent(&w->f.janus, "\"destroy\""), 0);
    assert_false(lease_give_up(w->lease));
    deny(w, 0);
    assert_true(lease_give_up(w->lease));
}

static void test_a_renewal_on_its_way_is_waited_for(void **state)
{
    struct world *w = *state;
    bring_up(w);
    fake_clock_advance(w->f.clock, 1000);
    assert_false(lease_give_up(w->lease));
    assert_false(asked(w)->request.node_renew.release);
    grant(w);
    assert_true(asked(w)->request.node_renew.release);
    refuse(w, ERR_DEADLINE);
    assert_true(lease_give_up(w->lease));
}

static void test_who_stands_by_has_nothing_to_give_up(void **state)
{
    struct world *w = *state;
    deny(w, 1500);
    assert_true(lease_give_up(w->lease));
    fake_clock_advance(w->f.clock, 5000);
    assert_false(is_asked(w));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_is_done_without_it),
        TEST(test_who_takes_it_makes_a_session_and_tells_of_it),
        TEST(test_a_session_that_comes_up_during_a_renewal_is_told_of_after_it),
        TEST(test_the_session_that_another_one_left_is_resumed),
        TEST(test_a_session_that_janus_does_not_have_is_made_anew),
        TEST(test_it_is_renewed_every_second),
        TEST(test_it_is_lost_when_nobody_answers),
        TEST(test_it_is_lost_when_another_one_has_it),
        TEST(test_who_stands_by_tells_no_epoch),
        TEST(test_no_grant_lasts_longer_than_a_lease),
        TEST(test_a_grant_that_was_too_long_on_its_way_is_none),
        TEST(test_a_call_finds_it_stale),
        TEST(test_an_answer_of_janus_finds_it_stale),
        TEST(test_an_event_finds_it_stale),
        TEST(test_a_timer_finds_it_stale),
        TEST(test_a_late_grant_does_not_revive_it),
        TEST(test_the_holder_goes_on_for_a_bounded_time),
        TEST(test_after_an_outage_the_new_one_gives_the_old_one_time),
        TEST(test_it_is_given_up_with_the_session_left),
        TEST(test_a_renewal_on_its_way_is_waited_for),
        TEST(test_who_stands_by_has_nothing_to_give_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
