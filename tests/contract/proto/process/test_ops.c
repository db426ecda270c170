/* The ops listener over TCP: /healthz tells what the parts tell of themselves. */
#include "proto/process/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/c/http_client.h"

#define WAIT_MS 20000

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct ops *ops;
    struct http_client *client;
    size_t asked;
    bool is_well;
};

static bool is_part_well(void *arg)
{
    const struct fixture *f = arg;
    return f->is_well;
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *why = "";
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->health = health_new();
    f->ops =
        ops_new(f->loop, f->metrics, f->health, &(struct ops_config){.host = "127.0.0.1"}, &why);
    assert_non_null(f->ops);
    f->client = http_client_new(f->loop, ops_port(f->ops), NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_client_free(&f->client);
    ops_free(&f->ops);
    health_free(&f->health);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    free(f);
    return 0;
}

static void assert_health(struct fixture *f, int status, const char *text)
{
    size_t index = f->asked++;
    http_client_send(f->client, STR_LIT("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, f->asked, WAIT_MS));
    assert_int_equal(http_client_status(f->client, index), status);
    assert_true(str_eq(http_client_body(f->client, index), str_of(text)));
}

static void test_healthz(void **state)
{
    struct fixture *f = *state;
    assert_health(f, 200, "ok\n");
    ops_add_check(f->ops, (struct ops_check){.name = "part", .is_well = is_part_well, .arg = f});
    assert_health(f, 503, "part: not working\n");
    f->is_well = true;
    assert_health(f, 200, "ok\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_healthz, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
