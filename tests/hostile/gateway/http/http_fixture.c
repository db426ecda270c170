#include "tests/hostile/gateway/http/http_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/c/config_defaults.h"

struct held {
    struct http_fixture *fixture;
    struct held *next;
    enum msg_id asked;
    bus_reply_fn *fn;
    void *arg;
};

static const uint64_t publishers[] = {1111, 2222};

static void answer(void *arg)
{
    struct held *held = arg;
    struct msg reply = {.id = msg_type_find(held->asked)->reply};
    switch (held->asked) {
    case MSG_session_check:
        reply.session_check_reply.user_id = 1;
        break;
    case MSG_room_participants:
        reply.room_participants_reply.publishers =
            (struct u64_list){.items = publishers, .count = ARRAY_LEN(publishers)};
        break;
    case MSG_room_create:
        reply.room_create_reply.room_id = 123456;
        break;
    default:
        reply.login_reply.user_id = 1;
        break;
    }
    held->fn(held->arg, ERR_OK, &reply);
    free(held);
}

static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    struct http_fixture *f = self;
    struct held *held = mem_alloc(sizeof(*held));
    (void)context;
    *held = (struct held){.fixture = f, .asked = request->id, .fn = fn, .arg = arg};
    f->calls++;
    if (request->id == MSG_room_create) {
        memcpy(f->key, request->room_create.idempotency_key.data, sizeof(f->key));
    }
    if (f->hold) {
        held->next = f->held;
        f->held = held;
    } else {
        loop_post(f->loop, answer, held);
    }
    return ERR_OK;
}

static const struct bus_ops bus_ops = {call};

void http_fixture_release(struct http_fixture *f)
{
    f->hold = false;
    while (f->held != NULL) {
        struct held *held = f->held;
        f->held = held->next;
        answer(held);
    }
}

struct http_client *http_fixture_connect(struct http_fixture *f, const char *from)
{
    return http_client_new(f->loop, gateway_port(f->gateway), from);
}

void http_fixture_restart(struct http_fixture *f)
{
    const struct gateway_parts parts = {.loop = f->loop, .metrics = f->metrics, .bus = &f->bus};
    http_client_free(&f->client);
    gateway_free(&f->gateway);
    f->gateway = gateway_new(&parts, &f->config);
    assert_non_null(f->gateway);
    f->client = http_fixture_connect(f, NULL);
}

int http_fixture_setup(void **state)
{
    static char token_key[] = TOKEN_KEY;
    struct http_fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    log_init("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->bus = (struct bus){.ops = &bus_ops, .self = f};
    config_set_defaults(&f->defaults, gateway_options);
    f->config = f->defaults;
    f->config.http_port = 0;
    f->config.token_key = token_key;
    f->config.body_bytes_max = BODY_MAX;
    f->config.body_bytes_total_max = 64 * BODY_MAX;
    f->config.header_bytes_max = 8192;
    f->config.connections_max = 12000;
    f->config.connections_per_address_max = 1024;
    f->config.request_timeout_ms = 3 * WAIT_MS;
    f->config.idle_timeout_ms = 3 * WAIT_MS;
    f->config.request_budget_ms = 4000;
    f->config.login_name_burst = 10;
    f->config.login_name_per_minute = 10;
    f->config.create_burst = 1000;
    f->config.create_per_minute = 60000;
    http_fixture_restart(f);
    *state = f;
    return 0;
}

int http_fixture_setup_brief(void **state)
{
    (void)http_fixture_setup(state);
    struct http_fixture *f = *state;
    f->config.request_timeout_ms = REQUEST_TIMEOUT_MS;
    f->config.idle_timeout_ms = IDLE_TIMEOUT_MS;
    http_fixture_restart(f);
    return 0;
}

int http_fixture_teardown(void **state)
{
    struct http_fixture *f = *state;
    http_client_free(&f->client);
    http_fixture_release(f);
    turn_for(f, 0);
    gateway_free(&f->gateway);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    config_free(&f->defaults, gateway_options);
    free(f);
    return log_capture_teardown(NULL);
}

/* ---- what tests see ---- */

void send_anew(struct http_fixture *f, struct str request)
{
    http_client_free(&f->client);
    f->client = http_fixture_connect(f, NULL);
    http_client_send(f->client, request);
}

void assert_serves(struct http_fixture *f)
{
    struct http_client *client = http_fixture_connect(f, "127.0.0.200");
    http_client_send(client, STR_LIT(LIST));
    assert_true(http_client_await(client, 1, WAIT_MS));
    assert_int_equal(http_client_status(client, 0), 200);
    assert_true(
        str_eq(http_client_body(client, 0), STR_LIT("{\"action\":\"success\",\"room_id\":123456,"
                                                    "\"publishers\":[1111,2222]}")));
    http_client_free(&client);
}

struct wanted {
    struct http_fixture *f;
    size_t connections;
};

static bool has_connections(void *arg)
{
    const struct wanted *wanted = arg;
    return gateway_open_connections(wanted->f->gateway) == wanted->connections;
}

void assert_connections(struct http_fixture *f, size_t count)
{
    struct wanted wanted = {.f = f, .connections = count};
    if (!loop_run_until(f->loop, has_connections, &wanted, 2 * WAIT_MS)) {
        fail_msg("%zu connections, not %zu", gateway_open_connections(f->gateway), count);
    }
}

void assert_closed_with(struct http_fixture *f, int status)
{
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), status);
    assert_int_equal(http_client_status(f->client, 1), 0);
    if (status == 0) {
        assert_int_equal(http_client_received(f->client).bytes, 0);
    }
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void turn_for(struct http_fixture *f, uint64_t ms)
{
    (void)loop_run_until(f->loop, never, NULL, ms);
}

uint64_t now_ms(struct http_fixture *f)
{
    return clock_mono_ms(loop_clock(f->loop));
}

size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

size_t resident_kib(void)
{
    char line[256];
    size_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = (size_t)strtoull(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    return kib;
}
