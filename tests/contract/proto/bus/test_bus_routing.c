/* Calls with a key: always to the same replica, for as long as the set of replicas stays. */
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define SERVERS 3
#define KEYS 60

struct rig {
    struct bus_pair pair;
    struct bus_server servers[SERVERS];
    struct bus_asked asked[KEYS];
    uint64_t wanted; /* of the predicates below */
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
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

static bool wanted_live(void *arg)
{
    struct rig *rig = arg;
    return bus_pair_metric(&rig->pair, "lynks_bus_endpoints_live", "service=\"authsvc\"") ==
           rig->wanted;
}

static void wait_until_live(struct rig *rig, uint64_t wanted)
{
    rig->wanted = wanted;
    assert_true(bus_pair_until(&rig->pair, wanted_live, rig));
}

static void connect(struct rig *rig, const struct bus_client_config *config)
{
    for (size_t i = 0; i < SERVERS; i++) {
        bus_server_start(&rig->servers[i], &rig->pair, "127.0.0.1");
    }
    bus_pair_open_client(&rig->pair, config);
    AUTO(mem_free)
    char *address =
        mem_printf("%s,%s,%s", bus_server_address(&rig->servers[0]),
                   bus_server_address(&rig->servers[1]), bus_server_address(&rig->servers[2]));
    assert_int_equal(bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, address), ERR_OK);
    wait_until_live(rig, SERVERS);
}

typedef enum err ask_fn(struct bus_pair *, struct bus_asked *, uint64_t, uint64_t);

/* Which server answers a call with this key? */
static size_t find_replica(struct rig *rig, ask_fn *ask, uint64_t key)
{
    struct bus_asked asked;
    size_t seen[SERVERS];
    for (size_t i = 0; i < SERVERS; i++) {
        seen[i] = rig->servers[i].seen;
    }
    assert_int_equal(ask(&rig->pair, &asked, key, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &asked));
    assert_true(bus_asked_is_right(&asked));
    size_t found = SERVERS;
    for (size_t i = 0; i < SERVERS; i++) {
        if (rig->servers[i].seen != seen[i]) {
            assert_int_equal(found, SERVERS);
            assert_int_equal(rig->servers[i].seen, seen[i] + 1);
            found = i;
        }
    }
    assert_true(found < SERVERS);
    return found;
}

static void find_replicas(struct rig *rig, size_t ret_replicas[KEYS])
{
    for (size_t i = 0; i < KEYS; i++) {
        ret_replicas[i] = find_replica(rig, bus_ask, i + 1);
    }
}

static void test_a_key_stays_at_its_replica(void **state)
{
    struct rig *rig = *state;
    connect(rig, &(struct bus_client_config){0});
    size_t replicas[KEYS];
    size_t counts[SERVERS] = {0};
    find_replicas(rig, replicas);
    for (size_t i = 0; i < KEYS; i++) {
        counts[replicas[i]]++;
        assert_int_equal(find_replica(rig, bus_ask, i + 1), replicas[i]);
        /* The session is opened where it will be asked for. */
        assert_int_equal(find_replica(rig, bus_ask_login, i + 1), replicas[i]);
    }
    for (size_t i = 0; i < SERVERS; i++) {
        assert_in_range(counts[i], 4, 40); /* of 20 on average; the ports differ from run to run */
    }
}

static void test_only_the_keys_of_a_replica_that_goes_move(void **state)
{
    struct rig *rig = *state;
    connect(rig, &(struct bus_client_config){0});
    size_t before[KEYS];
    size_t without[KEYS];
    size_t after[KEYS];
    find_replicas(rig, before);
    bus_server_stop(&rig->servers[2]);
    wait_until_live(rig, 2);
    find_replicas(rig, without);
    size_t moved_to[SERVERS] = {0};
    for (size_t i = 0; i < KEYS; i++) {
        if (before[i] == 2) {
            moved_to[without[i]]++;
        } else {
            assert_int_equal(without[i], before[i]);
        }
    }
    assert_int_equal(moved_to[2], 0);
    assert_true(moved_to[0] > 0 && moved_to[1] > 0); /* not all to one neighbour */
    log_capture_expect("bus address cannot be bound");
    bus_server_restart(&rig->servers[2]);
    wait_until_live(rig, SERVERS);
    find_replicas(rig, after);
    assert_memory_equal(after, before, sizeof(before));
}

static bool wanted_kept(void *arg)
{
    const struct rig *rig = arg;
    size_t kept = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        kept += rig->servers[i].kept_count;
    }
    return kept == rig->wanted;
}

static void test_a_full_replica_is_passed_over(void **state)
{
    struct rig *rig = *state;
    connect(rig, &(struct bus_client_config){.in_flight_endpoint_max = 2});
    for (size_t i = 0; i < SERVERS; i++) {
        rig->servers[i].mode = SERVE_KEEP;
    }
    for (size_t i = 0; i < 6; i++) { /* all with one key */
        assert_int_equal(bus_ask(&rig->pair, &rig->asked[i], 1, TIMEOUT_MS), ERR_OK);
        rig->wanted = i + 1;
        assert_true(bus_pair_until(&rig->pair, wanted_kept, rig));
    }
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(rig->servers[i].kept_count, 2);
    }
    assert_int_equal(bus_ask(&rig->pair, &rig->asked[6], 1, TIMEOUT_MS), ERR_OVERLOADED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_key_stays_at_its_replica),
        TEST(test_only_the_keys_of_a_replica_that_goes_move),
        TEST(test_a_full_replica_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
