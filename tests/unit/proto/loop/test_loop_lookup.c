/* Host names are looked up on the loop; a name server that is silent holds nobody up. */
#include "proto/loop/loop_lookup.h"
#include "tests/support/c/dns_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WAIT_MS 5000

struct fixture {
    struct loop *loop;
    struct dns_server server;
};

struct told {
    unsigned times;
    bool failed;
    size_t count;
    char first[LOOP_ADDRESS_BYTES];
    struct loop_lookup *lookup; /* freed when it is told, if set */
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    *state = f;
    f->loop = loop_new();
    dns_server_init(&f->server, f->loop);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dns_server_fini(&f->server);
    loop_free(&f->loop);
    mem_free(state);
    return 0;
}

static void on_told(void *arg, const char *failure, const struct loop_address *addresses,
                    size_t count)
{
    struct told *told = arg;
    told->times++;
    told->failed = failure != NULL;
    told->count = count;
    if (count > 0) {
        (void)str_copy(told->first, sizeof(told->first), str_of(addresses[0].text));
    }
    loop_lookup_free(&told->lookup);
}

static bool is_told(void *arg)
{
    return ((struct told *)arg)->times > 0;
}

static bool has_ignored(void *arg)
{
    return ((struct dns_server *)arg)->ignored > 0;
}

static void ask(struct fixture *f, const char *name, struct told *told)
{
    told->lookup = loop_lookup_new(f->loop, name, f->server.endpoint, on_told, told);
    assert_int_equal(told->times, 0); /* later, even if it is known at once */
}

static void a_name_has_all_its_addresses(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    f->server.addresses[0] = "10.1.2.3";
    f->server.addresses[1] = "10.1.2.4";
    ask(f, "name.test", &told);
    assert_true(loop_run_until(f->loop, is_told, &told, WAIT_MS));
    assert_false(told.failed);
    assert_int_equal(told.count, 2);
    assert_string_equal(told.first, "10.1.2.3");
}

static void a_name_that_is_unknown_fails(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    ask(f, "name.test", &told);
    assert_true(loop_run_until(f->loop, is_told, &told, WAIT_MS));
    assert_true(told.failed);
    assert_int_equal(told.count, 0);
}

static void the_hosts_file_comes_first(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    f->server.addresses[0] = "10.1.2.3";
    ask(f, "localhost", &told);
    assert_true(loop_run_until(f->loop, is_told, &told, WAIT_MS));
    assert_false(told.failed);
    assert_int_equal(f->server.answered, 0);
}

static void a_silent_server_holds_up_neither_others_nor_the_end(void **state)
{
    struct fixture *f = *state;
    struct told silent[20] = {0};
    struct told told = {0};
    f->server.addresses[0] = "10.1.2.3";
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        ask(f, "silent.test", &silent[i]);
    }
    ask(f, "name.test", &told);
    assert_true(loop_run_until(f->loop, is_told, &told, WAIT_MS));
    assert_true(loop_run_until(f->loop, has_ignored, &f->server, WAIT_MS));
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        assert_int_equal(silent[i].times, 0);
        loop_lookup_free(&silent[i].lookup);
    }
    assert_false(loop_run_until(f->loop, is_told, &silent[0], 10));
}

static void a_silent_server_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    ask(f, "silent.test", &told);
    assert_true(loop_run_until(f->loop, is_told, &told, /* timeout_ms= */ 20000));
    assert_true(told.failed);
    assert_true(f->server.ignored >= 2); /* it is asked again */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_all_its_addresses),
        TEST(a_name_that_is_unknown_fails),
        TEST(the_hosts_file_comes_first),
        TEST(a_silent_server_holds_up_neither_others_nor_the_end),
        TEST(a_silent_server_is_given_up),
    };
    return cmocka_run_group_tests_name("loop look-ups", tests, NULL, NULL);
}
