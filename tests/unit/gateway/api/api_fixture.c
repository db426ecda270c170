#include "tests/unit/gateway/api/api_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

void api_fixture_restart(struct api_fixture *f)
{
    const struct api_parts parts = {
        .clock = fake_clock_clock(f->clock), .bus = &f->bus.bus, .metrics = f->metrics};
    api_free(&f->api);
    f->api = api_new(&parts, &f->config);
}

int api_fixture_setup(void **state)
{
    struct api_fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_bus_init(&f->bus);
    f->config = (struct api_config){
        .budget_ms = BUDGET_MS,
        .cors_origins = "",
        .original = {.login_address_burst = 20,
                     .login_address_per_minute = 60,
                     .login_name_burst = 3,
                     .login_name_per_minute = 6,
                     .login_table_max = 1024},
    };
    api_fixture_restart(f);
    *state = f;
    return 0;
}

int api_fixture_teardown(void **state)
{
    struct api_fixture *f = *state;
    api_free(&f->api);
    mock_bus_fini(&f->bus);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(NULL);
}

static const char *header(struct request *request, const char *name)
{
    const struct ask *ask = CONTAINER_OF(request, struct ask, request);
    const struct {
        const char *name, *value;
    } fields[] = {{"Authorization", ask->authorization},
                  {"Origin", ask->origin},
                  {"Access-Control-Request-Method", ask->preflight_method}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return fields[i].value;
        }
    }
    return NULL;
}

static void add_header(void *arg, const char *name, const char *value)
{
    struct ask *ask = arg;
    size_t used = strlen(ask->headers);
    (void)snprintf(ask->headers + used, sizeof(ask->headers) - used, "%s: %s\n", name, value);
}

static void finish(struct request *request, struct http_response **response)
{
    struct ask *ask = CONTAINER_OF(request, struct ask, request);
    ask->answers++;
    ask->status = http_response_status(*response);
    ask->close = http_response_is_closing(*response);
    ask->body = str_dup(http_response_body(*response));
    http_response_each_header(*response, add_header, ask);
    if (http_response_body(*response).bytes > 0) {
        assert_string_equal(http_response_header(*response, "Content-Type"), "application/json");
    }
    http_response_free(response);
}

static const struct request_ops ops = {.header = header, .finish = finish};

struct ask *ask_new(const char *method, const char *path, const char *authorization,
                    struct str body)
{
    struct ask *ask = mem_alloc(sizeof(*ask));
    ask->authorization = authorization;
    ask->request = (struct request){.ops = &ops,
                                    .method = method,
                                    .path = path,
                                    .body = body,
                                    .client = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
    return ask;
}

struct ask *ask_send(struct api_fixture *f, const char *path, const char *authorization,
                     const char *body)
{
    struct ask *ask = ask_new("POST", path, authorization, str_of(body));
    api_handle(f->api, &ask->request);
    return ask;
}

void ask_free(struct ask **ask)
{
    assert_int_equal((*ask)->answers, 1);
    free((*ask)->body);
    mem_free(ask);
}

const char *ask_header(struct ask *ask, const char *name, char *buffer, size_t bytes)
{
    size_t name_bytes = strlen(name);
    for (const char *line = ask->headers; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, name_bytes) == 0 && line[name_bytes] == ':') {
            size_t value_bytes = strcspn(line + name_bytes + 2, "\n");
            (void)str_copy(buffer, bytes,
                           (struct str){.data = line + name_bytes + 2, .bytes = value_bytes});
            return buffer;
        }
    }
    return NULL;
}

void assert_failed(struct ask *ask, int status, const char *code)
{
    char id[64];
    char expected[512];
    assert_int_equal(ask->answers, 1);
    assert_int_equal(ask->status, status);
    assert_non_null(ask_header(ask, "X-Request-Id", id, sizeof(id)));
    assert_int_equal(strlen(id), 16);
    (void)snprintf(expected, sizeof(expected),
                   "{\"action\":\"failed\",\"error\":{\"code\":\"%s\",\"message\":\"", code);
    assert_memory_equal(ask->body, expected, strlen(expected));
    (void)snprintf(expected, sizeof(expected), "\"},\"request_id\":\"%s\"}", id);
    assert_string_equal(strstr(ask->body, "\"},"), expected);
}

static void answer(struct api_fixture *f, enum msg_id asked, const struct msg *reply)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, asked);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, reply);
}

void answer_session(struct api_fixture *f, uint64_t user_id)
{
    const struct msg reply = {.id = MSG_session_check_reply,
                              .session_check_reply = {.user_id = user_id, .expires_unix_ms = 1}};
    answer(f, MSG_session_check, &reply);
}

void answer_login(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_login_reply,
                              .login_reply = {.user_id = 7, .expires_unix_ms = 1}};
    answer(f, MSG_login, &reply);
}

void answer_create(struct api_fixture *f, uint64_t room_id)
{
    const struct msg reply = {.id = MSG_room_create_reply,
                              .room_create_reply = {.room_id = room_id}};
    answer(f, MSG_room_create, &reply);
}

void answer_list(struct api_fixture *f, const uint64_t *publishers, size_t count)
{
    const struct msg reply = {
        .id = MSG_room_participants_reply,
        .room_participants_reply = {.publishers = {.items = publishers, .count = count}}};
    answer(f, MSG_room_participants, &reply);
}

void fail_call(struct api_fixture *f, enum msg_id id, enum err err)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, id);
    assert_non_null(call);
    mock_bus_answer(call, err, NULL);
}
