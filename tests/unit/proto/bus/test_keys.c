/* Keys: which texts are taken, and that a pair that does not match is not. */
#include "proto/bus/keys.h"
#include "tests/support/c/bus_pair.h"

#include <zmq.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct rig {
    struct bus_keyring ring;
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    bus_keyring_init(&rig->ring);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    mem_free(state);
    return 0;
}

static void assert_refused(const char *role, const char *secret, const char *line,
                           const char *why_part)
{
    const char *why = NULL;
    assert_null(keys_new(role, secret, line, &why));
    assert_non_null(why);
    if (strstr(why, why_part) == NULL) {
        fail_msg("refused because \"%s\", not because of \"%s\"", why, why_part);
    }
}

static void test_good_keys(void **state)
{
    const struct rig *rig = *state;
    const char *secret = bus_keyring_secret(&rig->ring, "roomsvc");
    AUTO(keys_free) struct keys *keys = bus_keyring_keys(&rig->ring, "roomsvc");
    assert_string_equal(keys_role(keys), "roomsvc");
    assert_string_equal(keys_secret(keys), secret);
    const char *gateway = keys_find_public(keys, "gateway");
    assert_int_equal(strlen(gateway), KEY_Z85_BYTES);
    assert_string_equal(keys_find_role(keys, gateway), "gateway");
    assert_null(keys_find_public(keys, "nobody"));
    assert_null(keys_find_role(keys, secret));
    assert_string_equal(keys_intern_role(keys, "authsvc"), "authsvc");
    assert_null(keys_intern_role(keys, "auth"));
}

static void test_secret_that_is_no_key(void **state)
{
    const struct rig *rig = *state;
    const char *line = rig->ring.public_keys;
    const char *secret = bus_keyring_secret(&rig->ring, "gateway");
    assert_refused("gateway", "", line, "secret key: not 40");
    AUTO(mem_free) char *shorter = mem_strdup(secret);
    shorter[KEY_Z85_BYTES - 1] = '\0';
    assert_refused("gateway", shorter, line, "secret key: not 40");
    AUTO(mem_free) char *longer = mem_printf("%s00000", secret);
    assert_refused("gateway", longer, line, "secret key: not 40");
    AUTO(mem_free) char *alien = mem_strdup(secret);
    alien[7] = '"'; /* not in the alphabet */
    assert_refused("gateway", alien, line, "secret key: not 40");
    AUTO(mem_free) char *too_big = mem_strdup(secret);
    memset(too_big, '#', 5); /* five of the highest digit: more than 32 bits */
    assert_refused("gateway", too_big, line, "secret key: not 40");
}

static void test_pair_that_does_not_match(void **state)
{
    const struct rig *rig = *state;
    const char *secret = bus_keyring_secret(&rig->ring, "gateway");
    assert_refused("authsvc", secret, rig->ring.public_keys, "does not belong");
    assert_refused("nobody", secret, rig->ring.public_keys, "missing");
}

static void test_lines_that_are_no_list(void **state)
{
    const struct rig *rig = *state;
    const char *secret = bus_keyring_secret(&rig->ring, "gateway");
    const char *line = rig->ring.public_keys;
    AUTO(mem_free) char *trailing = mem_printf("%s,", line);
    AUTO(mem_free) char *leading = mem_printf(",%s", line);
    AUTO(mem_free) char *spaced = mem_printf(" %s", line);
    AUTO(mem_free) char *no_key = mem_printf("%s,another=", line);
    AUTO(mem_free) char *no_role = mem_printf("=%s", strchr(line, '=') + 1);
    AUTO(mem_free) char *twice = mem_printf("%s,%s", line, line);
    AUTO(mem_free) char *one_key = mem_printf("%s,another%.41s", line, strchr(line, '='));
    AUTO(mem_free) char *long_role = mem_printf("%s,%033d%.41s", line, 0, strchr(line, '='));
    assert_refused("gateway", secret, "", "expected role=key");
    assert_refused("gateway", secret, trailing, "expected role=key");
    assert_refused("gateway", secret, leading, "expected role=key");
    assert_refused("gateway", secret, spaced, "not a role name");
    assert_refused("gateway", secret, no_role, "not a role name");
    assert_refused("gateway", secret, long_role, "not a role name");
    assert_refused("gateway", secret, no_key, "not 40 characters");
    assert_refused("gateway", secret, twice, "twice");
    assert_refused("gateway", secret, one_key, "twice");
}

static void test_too_many_roles(void **state)
{
    const struct rig *rig = *state;
    char *line = mem_strdup(rig->ring.public_keys);
    for (int i = 0; i < 13; i++) {
        char public_z85[KEY_Z85_BYTES + 1];
        char secret[KEY_Z85_BYTES + 1];
        assert_int_equal(zmq_curve_keypair(public_z85, secret), 0);
        char *longer = mem_printf("%s,role%d=%s", line, i, public_z85);
        mem_free(&line);
        line = longer;
    }
    assert_refused("gateway", bus_keyring_secret(&rig->ring, "gateway"), line, "too many");
    mem_free(&line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_keys),
        TEST(test_secret_that_is_no_key),
        TEST(test_pair_that_does_not_match),
        TEST(test_lines_that_are_no_list),
        TEST(test_too_many_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
