/* Calls that have a home: endpoints that have another one say so once, and no call waits behind one
 * of another home. */
#include "proto/bus/bus_endpoint.h"
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define SHORT_MS 300
#define SERVERS 3
#define ASKED_MAX 200

struct rig {
    struct bus_pair pair;
    struct bus_server servers[SERVERS];
    struct bus_asked asked[ASKED_MAX];
    size_t asked_count;
    size_t wanted; /* of the predicates below */
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init_by_home(&rig->pair);
    return 0;
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
    return bus_pair_metric(&rig->pair, name, "service=\"janusbridge\"");
}

static bool wanted_live(void *arg)
{
    struct rig *rig = arg;
    return metric(rig, "lynks_bus_endpoints_live") == rig->wanted;
}

static void wait_for_live(struct rig *rig, size_t wanted)
{
    rig->wanted = wanted;
    assert_true(bus_pair_until(&rig->pair, wanted_live, rig));
}

/* One server for each name. */
static void connect_servers(struct rig *rig, size_t count, const char *const *nodes)
{
    char address[SERVERS * 64] = "";
    for (size_t i = 0; i < count; i++) {
        rig->servers[i].node = nodes[i];
        bus_server_start(&rig->servers[i], &rig->pair, "127.0.0.1");
        const size_t used = strlen(address);
        (void)snprintf(address + used, sizeof(address) - used, "%s%s", i == 0 ? "" : ",",
                       bus_server_address(&rig->servers[i]));
    }
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    assert_int_equal(bus_client_add_service(rig->pair.client, SERVICE_JANUSBRIDGE, address),
                     ERR_OK);
    wait_for_live(rig, count);
}

static void connect_two(struct rig *rig)
{
    connect_servers(rig, 2, (const char *const[]){"a", "b"});
}

static struct bus_asked *ask_for_ms(struct rig *rig, const char *node, uint64_t timeout_ms)
{
    assert_true(rig->asked_count < ASKED_MAX);
    struct bus_asked *asked = &rig->asked[rig->asked_count++];
    assert_int_equal(bus_ask_at(&rig->pair, asked, node, rig->asked_count, timeout_ms), ERR_OK);
    return asked;
}

static struct bus_asked *ask(struct rig *rig, const char *node)
{
    return ask_for_ms(rig, node, TIMEOUT_MS);
}

static bool all_answered(void *arg)
{
    const struct rig *rig = arg;
    return bus_asked_are_done(rig->asked, rig->asked_count);
}

static void assert_all_right(struct rig *rig)
{
    bus_pair_assert_right(&rig->pair, rig->asked, rig->asked_count);
    rig->asked_count = 0;
}

static void ask_and_wait(struct rig *rig, const char *node)
{
    (void)ask(rig, node);
    assert_all_right(rig);
}

/* A call goes to each endpoint in turn until it is known better, so that two of a home come to
 * both. */
static void let_both_say_it(struct rig *rig)
{
    for (size_t i = 0; i < 2; i++) {
        ask_and_wait(rig, "a");
        ask_and_wait(rig, "a");
        ask_and_wait(rig, "b");
        ask_and_wait(rig, "b");
    }
    assert_int_equal(rig->servers[0].strayed, 1);
    assert_int_equal(rig->servers[1].strayed, 1);
}

static size_t strayed(const struct rig *rig)
{
    size_t sum = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        sum += rig->servers[i].strayed;
    }
    return sum;
}

static void test_each_endpoint_says_once_what_is_not_its_own(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    for (size_t i = 0; i < 50; i++) { /* a call goes to each in turn, until it is known better */
        ask_and_wait(rig, "a");
        ask_and_wait(rig, "a");
        ask_and_wait(rig, "b");
    }
    assert_int_equal(rig->servers[0].seen, 100);
    assert_int_equal(rig->servers[1].seen, 50);
    assert_in_range(strayed(rig), 1, 2);
    assert_int_equal(metric(rig, "lynks_bus_not_mine_total"), strayed(rig));
    assert_int_equal(metric(rig, "lynks_bus_resent_total"), 0); /* nothing was executed before */
    assert_int_equal(log_capture_count("bus endpoint takes no calls"), 0);
}

/* All at once: each may stray, none is lost. */
static void test_a_burst_finds_its_homes(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    for (size_t i = 0; i < ASKED_MAX; i++) {
        (void)ask(rig, i % 2 == 0 ? "a" : "b");
    }
    assert_all_right(rig);
    assert_int_equal(rig->servers[0].seen, ASKED_MAX / 2);
    assert_int_equal(rig->servers[1].seen, ASKED_MAX / 2);
    const size_t before = strayed(rig);
    ask_and_wait(rig, "a");
    ask_and_wait(rig, "b");
    assert_int_equal(strayed(rig), before);
}

static void test_without_a_home_any_endpoint_serves(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    for (size_t i = 0; i < 10; i++) {
        ask_and_wait(rig, "");
    }
    assert_int_equal(rig->servers[0].seen, 5);
    assert_int_equal(rig->servers[1].seen, 5);
    assert_int_equal(strayed(rig), 0);
}

/* It may have been given another home meanwhile; what it said before counts no more. */
static void test_an_endpoint_may_change_its_home_with_its_connection(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    let_both_say_it(rig);
    bus_server_stop(&rig->servers[0]);
    bus_server_stop(&rig->servers[1]);
    wait_for_live(rig, 0);
    rig->servers[0].node = "b";
    rig->servers[1].node = "a";
    for (size_t i = 0; i < 2; i++) {
        rig->servers[i].seen = 0;
        rig->servers[i].strayed = 0;
        bus_server_restart(&rig->servers[i]);
    }
    wait_for_live(rig, 2);
    for (size_t i = 0; i < 10; i++) {
        ask_and_wait(rig, "a");
        ask_and_wait(rig, "b");
    }
    assert_int_equal(rig->servers[0].seen, 10);
    assert_int_equal(rig->servers[1].seen, 10);
    assert_in_range(strayed(rig), 1, 2);
}

static bool wanted_not_mine(void *arg)
{
    struct rig *rig = arg;
    return metric(rig, "lynks_bus_not_mine_total") == rig->wanted;
}

/* Nobody has the home: the call waits for as long as it has time, and nothing goes round in
 * circles.
 */
static void test_a_home_that_nobody_has_holds_up_only_its_own(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    struct bus_asked *lost = ask_for_ms(rig, "c", SHORT_MS);
    rig->wanted = 2;
    assert_true(bus_pair_until(&rig->pair, wanted_not_mine, rig));
    struct bus_asked *lost_too = ask_for_ms(rig, "c", SHORT_MS);
    assert_int_equal(lost->answers + lost_too->answers, 0);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, lost_too));
    assert_int_equal(lost->err, ERR_UNAVAILABLE); /* not ERR_DEADLINE: it was surely not done */
    assert_int_equal(lost_too->err, ERR_UNAVAILABLE);
    assert_int_equal(lost->answers, 1);
    assert_int_equal(lost_too->answers, 1);
    assert_int_equal(strayed(rig), 2);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
}

static bool has_refused(void *arg)
{
    (void)arg;
    return log_capture_count("bus endpoint takes no calls") > 0;
}

/* a is away and b says that it takes no calls yet. What is held for a came first. */
static void test_a_held_call_does_not_hold_up_one_of_another_home(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    let_both_say_it(rig);
    rig->servers[1].mode = SERVE_FAIL;
    rig->servers[1].failure = ERR_STANDBY;
    bus_server_stop(&rig->servers[0]);
    wait_for_live(rig, 1);
    struct bus_asked *first = ask(rig, "a");
    struct bus_asked *second = ask(rig, "b");
    assert_true(bus_pair_until(&rig->pair, has_refused, NULL));
    rig->servers[1].mode = SERVE_ANSWER;
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, second));
    assert_true(bus_asked_is_right(second));
    assert_int_equal(first->answers, 0);
    bus_server_restart(&rig->servers[0]);
    assert_all_right(rig);
}

/* One endpoint for twice as many homes as are remembered, none of which it has. */
static void test_memory_is_bounded_and_so_are_the_ways(void **state)
{
    struct rig *rig = *state;
    connect_servers(rig, 1, (const char *const[]){"mine"});
    for (size_t i = 0; i < 2 * BUS_FOREIGN_MAX; i++) {
        char node[16];
        (void)snprintf(node, sizeof(node), "node-%zu", i);
        (void)ask_for_ms(rig, node, TIMEOUT_MS);
    }
    assert_true(bus_pair_until(&rig->pair, all_answered, rig)); /* before their time is up */
    for (size_t i = 0; i < rig->asked_count; i++) {
        assert_int_equal(rig->asked[i].answers, 1);
        assert_int_equal(rig->asked[i].err, ERR_UNAVAILABLE);
    }
    assert_true(strayed(rig) <= rig->asked_count * RESOLVE_SET_MAX);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    rig->asked_count = 0;
    ask_and_wait(rig, "mine");
}

/* Its own home too, once on each connection; slots are given back. */
static void test_an_endpoint_that_says_it_always(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    rig->servers[0].mode = SERVE_FAIL;
    rig->servers[0].failure = ERR_NOT_MINE;
    for (size_t i = 0; i < 20; i++) {
        (void)ask_for_ms(rig, "a", SHORT_MS);
        (void)ask(rig, "b");
    }
    assert_true(bus_pair_until(&rig->pair, all_answered, rig));
    for (size_t i = 0; i < rig->asked_count; i++) {
        assert_int_equal(rig->asked[i].answers, 1);
        assert_int_equal(rig->asked[i].err, i % 2 == 0 ? ERR_UNAVAILABLE : ERR_OK);
    }
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    rig->asked_count = 0;
    bus_server_stop(&rig->servers[0]);
    wait_for_live(rig, 1);
    rig->servers[0].mode = SERVE_ANSWER;
    bus_server_restart(&rig->servers[0]);
    wait_for_live(rig, 2);
    ask_and_wait(rig, "a");
}

/* Who names no home knows what to make of it. */
static void test_not_mine_without_a_home_is_a_failure(void **state)
{
    struct rig *rig = *state;
    connect_servers(rig, 1, (const char *const[]){"a"});
    rig->servers[0].mode = SERVE_FAIL;
    rig->servers[0].failure = ERR_NOT_MINE;
    struct bus_asked *asked = ask(rig, "");
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_NOT_MINE);
    assert_int_equal(asked->answers, 1);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
}

/* A trusted endpoint of another home is none to turn to: the slow one gets the call once. */
static void test_a_silent_home_is_not_asked_again_and_again(void **state)
{
    struct rig *rig = *state;
    connect_two(rig);
    let_both_say_it(rig);
    rig->servers[0].mode = SERVE_KEEP;
    rig->servers[0].seen = 0;
    struct bus_asked *slow = ask_for_ms(rig, "a", 4 * SHORT_MS);
    for (size_t i = 0; i < 20; i++) {
        struct bus_asked *other = ask(rig, "b");
        assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, other));
        assert_true(bus_asked_is_right(other));
    }
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, slow));
    assert_int_equal(slow->err, ERR_DEADLINE);
    assert_int_equal(rig->servers[0].seen, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_endpoint_says_once_what_is_not_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_burst_finds_its_homes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_home_any_endpoint_serves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_endpoint_may_change_its_home_with_its_connection,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_home_that_nobody_has_holds_up_only_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_held_call_does_not_hold_up_one_of_another_home,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_is_bounded_and_so_are_the_ways, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_endpoint_that_says_it_always, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_mine_without_a_home_is_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_silent_home_is_not_asked_again_and_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
