/* Rendezvous hashing: spread, stability, and what moves when an endpoint comes or goes. */
#include "proto/bus/bus_route.h"
#include "proto/schema/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ENDPOINTS 8
#define KEYS 8000

static uint64_t key_at(uint64_t i)
{
    return bus_route_hash((struct str){(const char *)&i, sizeof(i)});
}

/* Neighbours, which differ in a digit. */
static uint64_t address_at(size_t i)
{
    AUTO(mem_free) char *address = mem_printf("tcp://127.0.0.1:57%02zu", i);
    return bus_route_hash(str_of(address));
}

static size_t find_first(uint64_t key, size_t endpoints)
{
    size_t best = 0;
    for (size_t i = 1; i < endpoints; i++) {
        if (bus_route_weight(key, address_at(i)) > bus_route_weight(key, address_at(best))) {
            best = i;
        }
    }
    return best;
}

/* Other gateways, and this one after its next start, must come to the same. */
static void test_hashes_are_fixed(void **state)
{
    (void)state;
    assert_int_equal(bus_route_hash(STR_LIT("tcp://127.0.0.1:5701")), UINT64_C(0xe2191c075a091b8e));
    assert_int_equal(bus_route_hash(STR_NONE), UINT64_C(0xb456bcfc34c2cb2c));
    assert_int_equal(bus_route_weight(1, 2), UINT64_C(0xb5181c509f8d8ce));
}

static void test_zeros_at_the_end_count(void **state)
{
    (void)state;
    assert_true(bus_route_hash((struct str){"a\0\0", 1}) !=
                bus_route_hash((struct str){"a\0\0", 2}));
    assert_true(bus_route_hash((struct str){"", 0}) != bus_route_hash((struct str){"\0", 1}));
}

static void test_keys_are_spread_evenly(void **state)
{
    (void)state;
    size_t counts[ENDPOINTS] = {0};
    for (uint64_t i = 0; i < KEYS; i++) {
        counts[find_first(key_at(i), ENDPOINTS)]++;
    }
    for (size_t i = 0; i < ENDPOINTS; i++) {
        assert_in_range(counts[i], KEYS / ENDPOINTS * 85 / 100, KEYS / ENDPOINTS * 115 / 100);
    }
}

static void test_only_what_must_moves(void **state)
{
    (void)state;
    size_t moved = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        size_t before = find_first(key_at(i), ENDPOINTS - 1);
        size_t after = find_first(key_at(i), ENDPOINTS);
        assert_true(after == before || after == ENDPOINTS - 1); /* to the one that came */
        moved += after != before;
    }
    assert_in_range(moved, KEYS / ENDPOINTS * 85 / 100, KEYS / ENDPOINTS * 115 / 100);
}

static void test_routes_of_the_schema(void **state)
{
    (void)state;
    const struct msg_route *check = msg_route_get(msg_type_find(MSG_session_check));
    const struct msg_route *login = msg_route_get(msg_type_find(MSG_login));
    const struct msg request = {.id = MSG_login,
                                .login = {.username = STR_LIT("ann"), .token_hash = STR_LIT("t")}};
    assert_string_equal(check->key, "token_hash");
    assert_false(check->is_costly);
    assert_string_equal(login->key, "token_hash");
    assert_true(login->is_costly);
    assert_true(str_eq(msg_route_key(&request, login), STR_LIT("t")));
    assert_null(msg_route_get(msg_type_find(MSG_room_participants))->key);
}

static void test_homes_of_the_schema(void **state)
{
    static const enum msg_id about_a_node[] = {MSG_bridge_create, MSG_bridge_exists,
                                               MSG_bridge_destroy, MSG_bridge_participants,
                                               MSG_bridge_follow};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(about_a_node); i++) {
        const struct msg_route *route = msg_route_get(msg_type_find(about_a_node[i]));
        assert_string_equal(route->home, "node");
        assert_null(route->key);
    }
    const struct msg named = {.id = MSG_bridge_exists,
                              .bridge_exists = {.room_id = 1, .node = STR_LIT("a")}};
    const struct msg nameless = {.id = MSG_bridge_exists, .bridge_exists = {.room_id = 1}};
    const struct msg homeless = {.id = MSG_bridge_info};
    assert_true(str_eq(msg_home(&named), STR_LIT("a")));
    assert_int_equal(msg_home(&nameless).bytes, 0);
    assert_int_equal(msg_home(&homeless).bytes, 0);
    assert_int_equal(bus_route_home(STR_NONE), 0);
    assert_true(bus_route_home(STR_LIT("a")) != 0);
    assert_true(bus_route_home(STR_LIT("a")) != bus_route_home(STR_LIT("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_are_fixed),
        cmocka_unit_test(test_zeros_at_the_end_count),
        cmocka_unit_test(test_keys_are_spread_evenly),
        cmocka_unit_test(test_only_what_must_moves),
        cmocka_unit_test(test_routes_of_the_schema),
        cmocka_unit_test(test_homes_of_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
