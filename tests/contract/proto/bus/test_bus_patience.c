/* Endpoints that refuse calls, and endpoints that are connected and answer nothing. */
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define SERVERS 2
#define ASKED_MAX 100
#define SILENT_MS 150 /* the defaults */
#define REFUSING_MS 200

struct rig {
    struct bus_pair pair;
    struct bus_server servers[SERVERS];
    struct bus_asked asked[ASKED_MAX];
    size_t asked_count;
    size_t answered; /* of ask_and_wait */
    uint64_t started_ms;
    size_t wanted; /* of the predicates below */
};

static int setup_rig(void **state, void (*init)(struct bus_pair *pair))
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    init(&rig->pair);
    return 0;
}

static int setup(void **state)
{
    return setup_rig(state, bus_pair_init_by_load);
}

static int setup_by_key(void **state)
{
    return setup_rig(state, bus_pair_init);
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_client_free(&rig->pair.client);
    for (size_t i = 0; i < SERVERS; i++) {
        bus_server_fini(&rig->servers[i]);
    }
    bus_pair_fini(&rig->pair);
    mem_free(state);
    return log_capture_teardown(state);
}

static uint64_t metric(struct rig *rig, const char *name)
{
    AUTO(mem_free) char *labels = mem_printf("service=\"%s\"", service_name(rig->pair.service));
    return bus_pair_metric(&rig->pair, name, labels);
}

static bool wanted_live(void *arg)
{
    struct rig *rig = arg;
    return metric(rig, "lynks_bus_endpoints_live") == rig->wanted;
}

static void connect_with(struct rig *rig, size_t servers, const struct bus_client_config *config)
{
    for (size_t i = 0; i < servers; i++) {
        bus_server_start(&rig->servers[i], &rig->pair, "127.0.0.1");
    }
    bus_pair_open_client(&rig->pair, config);
    AUTO(mem_free)
    char *address = servers == 1 ? mem_strdup(bus_server_address(&rig->servers[0]))
                                 : mem_printf("%s,%s", bus_server_address(&rig->servers[0]),
                                              bus_server_address(&rig->servers[1]));
    enum err err = bus_client_add_service(rig->pair.client, rig->pair.service, address);
    assert_int_equal(err, ERR_OK);
    rig->wanted = servers;
    assert_true(bus_pair_until(&rig->pair, wanted_live, rig));
    rig->started_ms = clock_mono_ms(loop_clock(rig->pair.loop));
}

static void connect(struct rig *rig, size_t servers)
{
    connect_with(rig, servers, &(struct bus_client_config){0});
}

static uint64_t elapsed_ms(const struct rig *rig)
{
    return clock_mono_ms(loop_clock(rig->pair.loop)) - rig->started_ms;
}

static struct bus_asked *ask_one(struct rig *rig)
{
    assert_true(rig->asked_count < ASKED_MAX);
    struct bus_asked *asked = &rig->asked[rig->asked_count++];
    assert_int_equal(bus_ask(&rig->pair, asked, rig->asked_count, TIMEOUT_MS), ERR_OK);
    return asked;
}

static void ask(struct rig *rig, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)ask_one(rig);
    }
}

static void assert_all_right(struct rig *rig)
{
    bus_pair_assert_right(&rig->pair, rig->asked, rig->asked_count);
}

/* One call at a time, as many as wanted; more than the captured log holds. */
static void ask_and_wait(struct rig *rig)
{
    assert_true(elapsed_ms(rig) < TIMEOUT_MS);
    rig->asked_count = 0;
    ask(rig, 1);
    assert_all_right(rig);
    rig->answered++;
}

static bool first_has_seen(void *arg)
{
    const struct rig *rig = arg;
    return rig->servers[0].seen >= rig->wanted;
}

static bool both_have_seen(void *arg)
{
    const struct rig *rig = arg;
    return rig->servers[0].seen + rig->servers[1].seen >= rig->wanted;
}

static void answer_kept(struct bus_server *server)
{
    for (size_t i = 0; i < server->kept_count; i++) {
        bus_server_answer(server, i);
    }
    server->kept_count = 0;
}

static bool wanted_late(void *arg)
{
    struct rig *rig = arg;
    return bus_pair_metric(&rig->pair, "lynks_bus_late_replies_total", NULL) == rig->wanted;
}

static void wait_for_late(struct rig *rig, size_t wanted)
{
    rig->wanted = wanted;
    assert_true(bus_pair_until(&rig->pair, wanted_late, rig));
}

static void be_standby(struct bus_server *server)
{
    server->mode = SERVE_FAIL;
    server->failure = ERR_STANDBY;
}

/* ---- refusals ---- */

static void test_standby_becomes_active_on_the_same_connection(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    be_standby(&rig->servers[0]);
    ask(rig, 10);
    rig->wanted = 10 + 6; /* more often than a call may be sent: it was never executed */
    assert_true(bus_pair_until(&rig->pair, first_has_seen, rig));
    assert_true(elapsed_ms(rig) >= 6 * REFUSING_MS);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 10);
    assert_false(health_is_ready(rig->pair.health));
    assert_int_equal(metric(rig, "lynks_bus_resent_total"), 0);
    assert_int_equal(log_capture_count("bus endpoint takes no calls"), 1);
    rig->servers[0].mode = SERVE_ANSWER;
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 16 + 10);
    assert_true(health_is_ready(rig->pair.health));
}

static void test_standby_beside_an_active_costs_little(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    be_standby(&rig->servers[0]);
    while (elapsed_ms(rig) < 3 * REFUSING_MS) {
        ask_and_wait(rig);
        assert_true(health_is_ready(rig->pair.health));
    }
    assert_in_range(rig->servers[0].seen, 2, 1 + elapsed_ms(rig) / REFUSING_MS);
    assert_int_equal(rig->servers[1].seen, rig->answered);
}

/* The active one goes, the stand-by takes over: what is held meanwhile is answered. */
static void test_standby_takes_over(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    be_standby(&rig->servers[0]);
    ask(rig, 2);
    assert_all_right(rig);
    bus_server_stop(&rig->servers[1]);
    ask(rig, 20);
    size_t seen = rig->servers[0].seen;
    rig->wanted = seen + 2;
    assert_true(bus_pair_until(&rig->pair, first_has_seen, rig));
    assert_false(health_is_ready(rig->pair.health));
    rig->servers[0].mode = SERVE_ANSWER;
    assert_all_right(rig);
}

static bool is_ready(void *arg)
{
    const struct rig *rig = arg;
    return health_is_ready(rig->pair.health);
}

static bool is_not_ready(void *arg)
{
    return !is_ready(arg);
}

/* Otherwise nobody would send the call that shows that it takes calls again. */
static void test_ready_again_when_nobody_asks(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    be_standby(&rig->servers[0]);
    struct bus_asked *asked = &rig->asked[0];
    assert_int_equal(bus_ask(&rig->pair, asked, 1, 5 * REFUSING_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, is_not_ready, rig));
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_UNAVAILABLE); /* it was not executed */
    const size_t seen = rig->servers[0].seen;
    assert_true(bus_pair_until(&rig->pair, is_ready, rig));
    assert_in_range(rig->servers[0].seen, seen, seen + 1); /* one may have been under way */
}

/* ---- silence ---- */

static void test_calls_of_a_silent_replica_go_to_the_other(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    ask(rig, 10);
    assert_all_right(rig);
    assert_true(elapsed_ms(rig) >= SILENT_MS);
    assert_int_equal(rig->servers[0].seen, 5);
    assert_int_equal(rig->servers[1].seen, 10);
    assert_int_equal(metric(rig, "lynks_bus_resent_total"), 5);
    assert_int_equal(metric(rig, "lynks_bus_endpoints_silent_total"), 1);
    ask(rig, 10); /* it is left alone */
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 5);

    rig->servers[0].mode = SERVE_ANSWER;
    answer_kept(&rig->servers[0]); /* late, dropped, and a sign of life */
    wait_for_late(rig, 5);
    assert_int_equal(log_capture_count("bus endpoint answers again"), 1);
    ask(rig, 10);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 10);
    assert_int_equal(metric(rig, "lynks_bus_endpoints_silent_total"), 1);
}

/* What it had is lost, so that only a new call can show that it is back. */
static void test_silent_replica_is_asked_now_and_then(void **state)
{
    struct rig *rig = *state;
    const uint64_t probe_ms = 60;
    connect_with(rig, 2,
                 &(struct bus_client_config){.patience = {.silent_ms = 60, .probe_ms = probe_ms}});
    rig->servers[0].mode = SERVE_KEEP;
    ask(rig, 2);
    assert_all_right(rig);
    const uint64_t silent_since_ms = elapsed_ms(rig);
    while (rig->servers[0].seen < 3) {
        ask_and_wait(rig); /* by the other, at once */
    }
    assert_int_equal(rig->servers[0].seen, 3);
    assert_true(elapsed_ms(rig) - silent_since_ms >= 2 * probe_ms - 10 /* one tick */);
    assert_int_equal(rig->servers[1].seen, 2 + rig->answered);
    rig->servers[0].mode = SERVE_ANSWER;
    while (rig->servers[0].seen < 6) { /* one more on trial, and then its share */
        ask_and_wait(rig);
    }
    wait_for_late(rig, 1);
    assert_int_equal(metric(rig, "lynks_bus_endpoints_silent_total"), 1);
}

static void test_the_only_replica_is_waited_for(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    rig->servers[0].mode = SERVE_KEEP;
    struct bus_asked timer;
    ask(rig, 5);
    assert_int_equal(bus_ask(&rig->pair, &timer, 100, 3 * SILENT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &timer));
    assert_int_equal(timer.err, ERR_DEADLINE);
    ask(rig, 1); /* goes there too */
    rig->wanted = 7;
    assert_true(bus_pair_until(&rig->pair, first_has_seen, rig));
    assert_true(health_is_ready(rig->pair.health));
    answer_kept(&rig->servers[0]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 7);
    assert_int_equal(metric(rig, "lynks_bus_endpoints_silent_total"), 0);
}

/* Load that both are slow with is not sent to and fro. */
static void test_when_all_are_silent_one_is_waited_for(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[1].mode = SERVE_KEEP;
    ask(rig, 10);
    rig->wanted = 15;
    assert_true(bus_pair_until(&rig->pair, both_have_seen, rig));
    struct bus_asked timer;
    assert_int_equal(bus_ask(&rig->pair, &timer, 100, 3 * SILENT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &timer));
    assert_int_equal(rig->servers[0].seen + rig->servers[1].seen, 16);
    assert_int_equal(metric(rig, "lynks_bus_endpoints_silent_total"), 1);
    answer_kept(&rig->servers[0]);
    answer_kept(&rig->servers[1]);
    assert_all_right(rig);
    wait_for_late(rig, 6);
}

/* The other went while one is silent: calls wait there, and go on to the other when it is back. */
static void test_a_silent_replica_is_better_than_none(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    ask(rig, 2);
    assert_all_right(rig);
    bus_server_stop(&rig->servers[1]);
    rig->wanted = 1;
    assert_true(bus_pair_until(&rig->pair, wanted_live, rig));
    ask(rig, 3);
    rig->wanted = 4;
    assert_true(bus_pair_until(&rig->pair, first_has_seen, rig));
    log_capture_expect("bus address cannot be bound");
    bus_server_restart(&rig->servers[1]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].kept_count, 4);
}

static void fail_kept(struct bus_server *server, enum err err)
{
    call_fail(server->kept[0], err);
    server->kept[0] = NULL;
    server->kept_count = 0;
}

/* It was only overloaded itself; the one that the call has gone to is not. */
static void test_late_failure_does_not_end_a_call_that_has_moved(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[1].mode = SERVE_KEEP;
    struct bus_asked *asked = ask_one(rig);
    rig->wanted = 1;
    assert_true(bus_pair_until(&rig->pair, both_have_seen, rig));
    struct bus_server *silent = &rig->servers[rig->servers[0].seen == 1 ? 0 : 1];
    struct bus_server *other = &rig->servers[silent == &rig->servers[0] ? 1 : 0];
    rig->wanted = 2;
    assert_true(bus_pair_until(&rig->pair, both_have_seen, rig));
    assert_int_equal(other->seen, 1);
    fail_kept(silent, ERR_OVERLOADED);
    wait_for_late(rig, 1);
    assert_int_equal(asked->answers, 0);
    answer_kept(other);
    assert_all_right(rig);
}

/* Password work is not multiplied because it takes long; only real silence moves it. */
static void test_costly_calls_are_given_more_time(void **state)
{
    struct rig *rig = *state;
    const struct bus_client_config config = {
        .patience = {.silent_ms = 60, .silent_costly_ms = 600, .probe_ms = TIMEOUT_MS}};
    connect_with(rig, 2, &config);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[1].mode = SERVE_KEEP;
    struct bus_asked login;
    struct bus_asked check;
    assert_int_equal(bus_ask_login(&rig->pair, &login, 1, TIMEOUT_MS), ERR_OK);
    assert_int_equal(bus_ask(&rig->pair, &check, 1, TIMEOUT_MS), ERR_OK); /* the same replica */
    rig->wanted = 2;
    assert_true(bus_pair_until(&rig->pair, both_have_seen, rig));
    struct bus_server *silent = &rig->servers[rig->servers[0].seen == 2 ? 0 : 1];
    struct bus_server *other = &rig->servers[silent == &rig->servers[0] ? 1 : 0];
    assert_int_equal(silent->seen, 2);
    other->mode = SERVE_ANSWER;
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &check));
    assert_true(bus_asked_is_right(&check));
    assert_int_equal(login.answers, 0);
    assert_int_equal(other->seen, 1);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &login));
    assert_true(bus_asked_is_right(&login));
    assert_true(elapsed_ms(rig) >= 600);
    assert_int_equal(silent->seen, 2);
    assert_int_equal(other->seen, 2);
    answer_kept(silent);
    wait_for_late(rig, 2);
}

/* A command that is at a replica that has fallen silent, and once more at the other. */
static struct bus_asked *ask_twice(struct rig *rig, uint64_t timeout_ms,
                                   struct bus_server **ret_silent, struct bus_server **ret_other)
{
    const struct bus_client_config config = {
        .patience = {.silent_ms = 60, .silent_costly_ms = 60, .probe_ms = TIMEOUT_MS}};
    struct bus_asked *asked = &rig->asked[0];
    connect_with(rig, 2, &config);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[1].mode = SERVE_KEEP;
    assert_int_equal(bus_ask_login(&rig->pair, asked, 1, timeout_ms), ERR_OK);
    rig->wanted = 1;
    assert_true(bus_pair_until(&rig->pair, both_have_seen, rig));
    *ret_silent = &rig->servers[rig->servers[0].seen == 1 ? 0 : 1];
    *ret_other = &rig->servers[*ret_silent == &rig->servers[0] ? 1 : 0];
    rig->wanted = 2;
    assert_true(bus_pair_until(&rig->pair, both_have_seen, rig));
    return asked;
}

/* Who is told that it was not done is not to find out later that it was. */
static void test_a_command_has_not_failed_while_it_may_still_be_done(void **state)
{
    struct rig *rig = *state;
    struct bus_server *silent, *other;
    struct bus_asked *asked = ask_twice(rig, TIMEOUT_MS, &silent, &other);
    struct bus_asked check;
    fail_kept(other, ERR_NOT_FOUND);
    other->mode = SERVE_ANSWER;
    assert_int_equal(bus_ask(&rig->pair, &check, 2, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &check)); /* after the failure */
    assert_int_equal(asked->answers, 0);
    answer_kept(silent);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_true(bus_asked_is_right(asked));
}

static void test_a_command_has_failed_when_it_has_everywhere(void **state)
{
    struct rig *rig = *state;
    struct bus_server *silent, *other;
    struct bus_asked *asked = ask_twice(rig, TIMEOUT_MS, &silent, &other);
    fail_kept(silent, ERR_NOT_FOUND);
    wait_for_late(rig, 1);
    assert_int_equal(asked->answers, 0);
    fail_kept(other, ERR_FORBIDDEN);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_FORBIDDEN);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
}

/* It had no time to look, or nothing to look with: so it is as the other one has said. */
static void test_what_one_has_said_counts_when_the_other_could_not(void **state)
{
    struct rig *rig = *state;
    struct bus_server *silent, *other;
    struct bus_asked *asked = ask_twice(rig, TIMEOUT_MS, &silent, &other);
    fail_kept(other, ERR_NOT_FOUND);
    fail_kept(silent, ERR_OVERLOADED);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_NOT_FOUND);
}

static void test_what_became_of_a_command_is_not_known_when_one_never_says(void **state)
{
    struct rig *rig = *state;
    struct bus_server *silent, *other;
    struct bus_asked *asked = ask_twice(rig, /* timeout_ms= */ 1000, &silent, &other);
    fail_kept(other, ERR_NOT_FOUND);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_DEADLINE);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    answer_kept(silent);
    wait_for_late(rig, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_BY_KEY(name) cmocka_unit_test_setup_teardown(name, setup_by_key, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_standby_becomes_active_on_the_same_connection),
        TEST(test_standby_beside_an_active_costs_little),
        TEST(test_standby_takes_over),
        TEST(test_ready_again_when_nobody_asks),
        TEST(test_calls_of_a_silent_replica_go_to_the_other),
        TEST(test_silent_replica_is_asked_now_and_then),
        TEST(test_the_only_replica_is_waited_for),
        TEST(test_when_all_are_silent_one_is_waited_for),
        TEST(test_a_silent_replica_is_better_than_none),
        TEST(test_late_failure_does_not_end_a_call_that_has_moved),
        TEST_BY_KEY(test_costly_calls_are_given_more_time),
        TEST_BY_KEY(test_a_command_has_not_failed_while_it_may_still_be_done),
        TEST_BY_KEY(test_a_command_has_failed_when_it_has_everywhere),
        TEST_BY_KEY(test_what_one_has_said_counts_when_the_other_could_not),
        TEST_BY_KEY(test_what_became_of_a_command_is_not_known_when_one_never_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
