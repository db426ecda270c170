/* The resolver's thread: a look-up that hangs holds nobody up. */
#include "proto/bus/resolver.h"
#include "tests/support/c/log_capture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WAIT_MS 5000

/* A look-up that ends when the test says so. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_entered, is_open, is_left;
};

static struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void gate_set(bool *flag)
{
    pthread_mutex_lock(&gate.lock);
    *flag = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void gate_wait(const bool *flag)
{
    pthread_mutex_lock(&gate.lock);
    while (!*flag) {
        pthread_cond_wait(&gate.changed, &gate.lock);
    }
    pthread_mutex_unlock(&gate.lock);
}

static const char *hang(void *arg, const char *name, struct resolve_set *ret_set)
{
    (void)arg;
    (void)name;
    gate_set(&gate.is_entered);
    gate_wait(&gate.is_open);
    resolve_set_add(ret_set, "10.0.0.9");
    gate_set(&gate.is_left);
    return NULL;
}

static void count(void *arg, const struct resolve_set *set)
{
    size_t *told = arg;
    *told = set->count;
}

static void test_numeric_addresses_need_no_look_up(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    AUTO(resolver_free)
    struct resolver *resolver =
        resolver_new(loop, &(struct resolver_config){.lookup = hang}); /* would hang */
    size_t told = 0;
    assert_int_equal(resolver_watch(resolver, "10.0.0.1:1,10.0.0.2:1,10.0.0.1:1", count, &told),
                     ERR_OK);
    assert_int_equal(told, 2);
    assert_int_equal(resolver_watch(resolver, "10.0.0.1:1,", count, &told), ERR_BAD_REQUEST);
    resolver_free(&resolver);
    loop_free(&loop);
}

static void test_look_up_that_hangs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct resolver *resolver = resolver_new(loop, &(struct resolver_config){.lookup = hang});
    size_t told = 0;
    assert_int_equal(resolver_watch(resolver, "10.0.0.1:1,name:1", count, &told), ERR_OK);
    assert_int_equal(told, 1); /* what is known without it */
    gate_wait(&gate.is_entered);
    resolver_free(&resolver); /* does not wait */
    loop_free(&loop);
    assert_int_equal(told, 1);
    gate_set(&gate.is_open);
    gate_wait(&gate.is_left);
}

struct script {
    unsigned asked;
};

static const char *fail_now_and_then(void *arg, const char *name, struct resolve_set *ret_set)
{
    struct script *script = arg;
    (void)name;
    unsigned turn = script->asked++; /* the resolver's one thread only */
    if (turn % 2 == 1) {
        return "no such name";
    }
    struct resolve_set set = {.count = 0};
    resolve_set_add(&set, turn == 0 ? "10.0.0.1" : "10.0.0.2");
    *ret_set = set;
    return NULL;
}

struct seen {
    size_t changes;
    char last[RESOLVE_TEXT_BYTES];
};

static void see(void *arg, const struct resolve_set *set)
{
    struct seen *seen = arg;
    seen->changes++;
    assert_int_equal(set->count, 1);
    (void)str_copy(seen->last, sizeof(seen->last), str_of(set->items[0]));
}

static bool has_changed_twice(void *arg)
{
    const struct seen *seen = arg;
    return seen->changes >= 2;
}

static void test_names_are_looked_up_again(void **state)
{
    (void)state;
    log_capture_expect("host name not resolved");
    struct loop *loop = loop_new();
    struct script script = {0};
    struct seen seen = {0};
    struct resolver *resolver = resolver_new(
        loop, &(struct resolver_config){
                  .interval_ms = 10, .lookup = fail_now_and_then, .lookup_arg = &script});
    assert_int_equal(resolver_watch(resolver, "name:5701", see, &seen), ERR_OK);
    assert_int_equal(seen.changes, 0);
    assert_true(loop_run_until(loop, has_changed_twice, &seen, WAIT_MS));
    assert_string_equal(seen.last, "tcp://10.0.0.2:5701");
    resolver_free(&resolver);
    loop_free(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_capture_setup, log_capture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numeric_addresses_need_no_look_up),
        TEST(test_look_up_that_hangs),
        TEST(test_names_are_looked_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
