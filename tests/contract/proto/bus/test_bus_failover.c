/* What happens to calls when endpoints come, go, drain and come back. */
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/dns_server.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define SERVERS 2
#define ASKED_MAX 200

struct rig {
    struct bus_pair pair;
    struct bus_server servers[SERVERS];
    struct bus_asked asked[ASKED_MAX];
    size_t asked_count;
    struct dns_server dns;
    size_t wanted; /* of the predicates below */
};

static void dns_set(struct dns_server *dns, const char *first, const char *second)
{
    dns->addresses[0] = first;
    dns->addresses[1] = second;
    dns->answered = 0;
}

static bool has_looked_up_twice(void *arg)
{
    return ((struct dns_server *)arg)->answered >= 2; /* so the first one's answer has been taken */
}

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init_by_load(&rig->pair);
    dns_server_init(&rig->dns, rig->pair.loop);
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_client_free(&rig->pair.client);
    for (size_t i = 0; i < SERVERS; i++) {
        bus_server_fini(&rig->servers[i]);
    }
    dns_server_fini(&rig->dns);
    bus_pair_fini(&rig->pair);
    mem_free(state);
    return log_capture_teardown(state);
}

static uint64_t live(struct bus_pair *pair)
{
    return bus_pair_metric(pair, "lynks_bus_endpoints_live", "service=\"roomsvc\"");
}

static bool both_live(void *arg)
{
    return live(arg) == 2;
}

static bool one_live(void *arg)
{
    return live(arg) == 1;
}

static bool none_live(void *arg)
{
    return live(arg) == 0;
}

/* A client of as many servers as are wanted, all connected. */
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
    enum err err = bus_client_add_service(rig->pair.client, SERVICE_ROOMSVC, address);
    assert_int_equal(err, ERR_OK);
    assert_true(bus_pair_until(&rig->pair, servers == 1 ? one_live : both_live, &rig->pair));
}

static void connect(struct rig *rig, size_t servers)
{
    /* What silence does is shown elsewhere: on a slow machine it would come between here. */
    connect_with(rig, servers,
                 &(struct bus_client_config){
                     .patience = {.silent_ms = TIMEOUT_MS, .silent_costly_ms = TIMEOUT_MS}});
}

static void ask(struct rig *rig, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bus_asked *asked = &rig->asked[rig->asked_count++];
        assert_int_equal(bus_ask(&rig->pair, asked, rig->asked_count, TIMEOUT_MS), ERR_OK);
    }
}

static bool all_answered(void *arg)
{
    const struct rig *rig = arg;
    return bus_asked_are_done(rig->asked, rig->asked_count);
}

static void assert_all_right(struct rig *rig)
{
    bus_pair_assert_right(&rig->pair, rig->asked, rig->asked_count);
}

static bool first_keeps_wanted(void *arg)
{
    const struct rig *rig = arg;
    return rig->servers[0].kept_count >= rig->wanted;
}

static void wait_until_first_keeps(struct rig *rig, size_t wanted)
{
    rig->wanted = wanted;
    assert_true(bus_pair_until(&rig->pair, first_keeps_wanted, rig));
}

static bool wanted_in_flight(void *arg)
{
    const struct rig *rig = arg;
    return bus_client_in_flight(rig->pair.client) <= rig->wanted;
}

static bool is_not_ready(void *arg)
{
    const struct rig *rig = arg;
    return !health_is_ready(rig->pair.health);
}

static bool kept_or_answered(void *arg)
{
    return all_answered(arg) || first_keeps_wanted(arg);
}

static bool all_kept(void *arg)
{
    const struct rig *rig = arg;
    return rig->servers[0].kept_count + rig->servers[1].kept_count == rig->asked_count;
}

static void answer_kept(struct bus_server *server)
{
    for (size_t i = 0; i < server->kept_count; i++) {
        bus_server_answer(server, i);
    }
    server->kept_count = 0;
}

static uint64_t resent(struct rig *rig)
{
    return bus_pair_metric(&rig->pair, "lynks_bus_resent_total", "service=\"roomsvc\"");
}

static void test_load_goes_to_the_least_busy(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[1].mode = SERVE_KEEP;
    ask(rig, 40);
    assert_true(bus_pair_until(&rig->pair, all_kept, rig));
    assert_int_equal(rig->servers[0].kept_count, 20);
    assert_int_equal(rig->servers[1].kept_count, 20);
    answer_kept(&rig->servers[0]); /* so that the next ones go there */
    rig->wanted = 20;
    assert_true(bus_pair_until(&rig->pair, wanted_in_flight, rig));
    ask(rig, 20);
    rig->servers[1].mode = SERVE_ANSWER;
    answer_kept(&rig->servers[1]);
    wait_until_first_keeps(rig, 20);
    answer_kept(&rig->servers[0]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 40);
    assert_int_equal(rig->servers[1].seen, 20);
}

static void test_one_call_at_a_time_is_spread_too(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    for (size_t i = 0; i < 10; i++) {
        ask(rig, 1);
        assert_all_right(rig);
    }
    assert_int_equal(rig->servers[0].seen, 5);
    assert_int_equal(rig->servers[1].seen, 5);
}

static void test_what_a_dead_endpoint_had_goes_to_the_other(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    ask(rig, 20);
    wait_until_first_keeps(rig, 10);
    bus_server_stop(&rig->servers[0]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[1].seen, 20);
    assert_int_equal(resent(rig), 10);
    assert_true(health_is_ready(rig->pair.health));
}

static void test_calls_are_held_until_the_endpoint_is_back(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    rig->servers[0].mode = SERVE_KEEP;
    ask(rig, 10);
    assert_true(bus_pair_until(&rig->pair, all_kept, rig));
    bus_server_stop(&rig->servers[0]);
    assert_true(bus_pair_until(&rig->pair, none_live, &rig->pair));
    assert_false(health_is_ready(rig->pair.health));
    ask(rig, 10); /* while it is away */
    rig->servers[0].mode = SERVE_ANSWER;
    log_capture_expect("bus address cannot be bound");
    bus_server_restart(&rig->servers[0]);
    assert_all_right(rig);
    assert_int_equal(resent(rig), 10);
    assert_true(health_is_ready(rig->pair.health));
    /* What was given the second time is what was left, not what there was at first. */
    assert_in_range(rig->servers[0].last_deadline_ms, 1,
                    clock_mono_ms(loop_clock(rig->pair.loop)) + TIMEOUT_MS);
}

static void test_calls_before_the_service_is_there_are_held(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    bus_server_stop(&rig->servers[0]);
    assert_true(bus_pair_until(&rig->pair, none_live, &rig->pair));
    assert_int_equal(bus_ask(&rig->pair, &rig->asked[0], 1, 50), ERR_OK);
    rig->asked_count = 1;
    assert_true(bus_pair_until(&rig->pair, all_answered, rig));
    assert_int_equal(rig->asked[0].err, ERR_UNAVAILABLE); /* it was never sent */
    assert_int_equal(rig->asked[0].answers, 1);
}

static void test_held_calls_are_bounded(void **state)
{
    struct rig *rig = *state;
    connect_with(rig, 1, &(struct bus_client_config){.in_flight_max = 20});
    bus_server_stop(&rig->servers[0]);
    assert_true(bus_pair_until(&rig->pair, none_live, &rig->pair));
    ask(rig, 10);
    assert_int_equal(bus_ask(&rig->pair, &rig->asked[10], 1, TIMEOUT_MS), ERR_UNAVAILABLE);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 10);
}

static void test_draining_endpoint_gets_no_new_calls(void **state)
{
    struct rig *rig = *state;
    connect(rig, 2);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[1].mode = SERVE_KEEP;
    ask(rig, 2);
    assert_true(bus_pair_until(&rig->pair, all_kept, rig));
    bus_worker_drain(rig->servers[0].worker);
    rig->servers[1].mode = SERVE_ANSWER;
    ask(rig, 10);
    answer_kept(&rig->servers[0]); /* what it has in hand goes on */
    answer_kept(&rig->servers[1]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 1);
    assert_int_equal(rig->servers[1].seen, 11);
    assert_int_equal(live(&rig->pair), 2);
    assert_int_equal(resent(rig), 0); /* none had been executed */
    assert_int_equal(log_capture_count("bus endpoint takes no calls"), 1);
}

static void test_calls_wait_for_the_successor_of_a_draining_one(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    bus_worker_drain(rig->servers[0].worker);
    ask(rig, 10);
    assert_true(bus_pair_until(&rig->pair, is_not_ready, rig));
    assert_int_equal(rig->servers[0].seen, 0);
    log_capture_expect("bus address cannot be bound");
    bus_server_restart(&rig->servers[0]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 10);
}

static void test_health_follows(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    assert_true(health_is_ready(rig->pair.health));
    bus_server_stop(&rig->servers[0]);
    assert_true(bus_pair_until(&rig->pair, none_live, &rig->pair));
    assert_false(health_is_ready(rig->pair.health));
    AUTO(mem_free) char *json = health_json(rig->pair.health);
    assert_non_null(strstr(json, "not connected"));
    log_capture_expect("bus address cannot be bound");
    bus_server_restart(&rig->servers[0]);
    assert_true(bus_pair_until(&rig->pair, bus_pair_is_ready, &rig->pair));
}

/* A call that takes every server down with it ends after a few of them. */
static void test_a_call_is_not_sent_again_for_ever(void **state)
{
    struct rig *rig = *state;
    connect(rig, 1);
    log_capture_expect("bus address cannot be bound");
    rig->servers[0].mode = SERVE_KEEP;
    ask(rig, 1);
    size_t deaths = 0;
    for (; !all_answered(rig) && deaths < 10; deaths++) {
        rig->wanted = 1;
        assert_true(bus_pair_until(&rig->pair, kept_or_answered, rig));
        bus_server_restart(&rig->servers[0]);
        assert_true(bus_pair_until(&rig->pair, none_live, &rig->pair));
        assert_true(bus_pair_until(&rig->pair, one_live, &rig->pair));
    }
    assert_int_equal(deaths, 4);
    assert_int_equal(rig->asked[0].err, ERR_UNAVAILABLE);
    assert_int_equal(rig->asked[0].answers, 1);
}

/* Two replicas on two addresses and one port, as container DNS tells of them. */
static void start_replicas(struct rig *rig)
{
    bus_server_start(&rig->servers[0], &rig->pair, "127.0.0.1");
    rig->servers[1].pair = &rig->pair;
    rig->servers[1].in_hand_max = 100;
    const char *port = strrchr(rig->servers[0].bind, ':');
    AUTO(mem_free) char *bind = mem_printf("tcp://127.0.0.2%s", port);
    assert_true(str_copy(rig->servers[1].bind, sizeof(rig->servers[1].bind), str_of(bind)));
    bus_server_restart(&rig->servers[1]);
    const struct bus_client_config config = {
        .resolver = {.interval_ms = 20, .servers = rig->dns.endpoint}};
    bus_pair_open_client(&rig->pair, &config);
    AUTO(mem_free) char *address = mem_printf("roomsvc.test%s", port);
    enum err err = bus_client_add_service(rig->pair.client, SERVICE_ROOMSVC, address);
    assert_int_equal(err, ERR_OK);
}

static void test_replicas_are_followed_as_names_say(void **state)
{
    struct rig *rig = *state;
    dns_set(&rig->dns, "127.0.0.1", NULL);
    start_replicas(rig);
    assert_true(bus_pair_until(&rig->pair, one_live, &rig->pair));
    ask(rig, 4);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 4);
    dns_set(&rig->dns, "127.0.0.2", "127.0.0.1");
    assert_true(bus_pair_until(&rig->pair, both_live, &rig->pair));
    ask(rig, 4);
    assert_all_right(rig);
    assert_int_equal(rig->servers[1].seen, 2);

    rig->servers[0].mode = SERVE_KEEP; /* one in hand there when it vanishes */
    ask(rig, 2);
    wait_until_first_keeps(rig, 1);
    dns_set(&rig->dns, "127.0.0.2", NULL);
    assert_true(bus_pair_until(&rig->pair, has_looked_up_twice, &rig->dns));
    ask(rig, 4);
    assert_int_equal(live(&rig->pair), 2);
    answer_kept(&rig->servers[0]);
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, 7);
    assert_true(bus_pair_until(&rig->pair, one_live, &rig->pair));
}

static void test_names_that_fail_keep_their_addresses(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("host name not resolved");
    dns_set(&rig->dns, "127.0.0.1", NULL);
    start_replicas(rig);
    assert_true(bus_pair_until(&rig->pair, one_live, &rig->pair));
    dns_set(&rig->dns, NULL, NULL);
    assert_true(bus_pair_until(&rig->pair, has_looked_up_twice, &rig->dns));
    ask(rig, 4);
    assert_all_right(rig);
    assert_int_equal(live(&rig->pair), 1);
    assert_int_equal(log_capture_count("host name not resolved"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load_goes_to_the_least_busy),
        TEST(test_one_call_at_a_time_is_spread_too),
        TEST(test_what_a_dead_endpoint_had_goes_to_the_other),
        TEST(test_calls_are_held_until_the_endpoint_is_back),
        TEST(test_calls_before_the_service_is_there_are_held),
        TEST(test_held_calls_are_bounded),
        TEST(test_draining_endpoint_gets_no_new_calls),
        TEST(test_calls_wait_for_the_successor_of_a_draining_one),
        TEST(test_health_follows),
        TEST(test_a_call_is_not_sent_again_for_ever),
        TEST(test_replicas_are_followed_as_names_say),
        TEST(test_names_that_fail_keep_their_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
