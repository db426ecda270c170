#include "tests/unit/gateway/http/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *header(struct request *request, const char *name)
{
    const struct ask *ask = CONTAINER_OF(request, struct ask, request);
    for (size_t i = 0; i < ask->field_count; i++) {
        if (strcmp(ask->fields[i].name, name) == 0) {
            return ask->fields[i].value;
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

static bool can_stream(struct request *request)
{
    const struct ask *ask = CONTAINER_OF(request, struct ask, request);
    return !ask->is_on_used_connection;
}

static struct http_response *again(struct request *request)
{
    struct http_response *response = http_response_new(307);
    (void)http_response_add_header(response, "Location", request->path);
    return response;
}

static void finish(struct request *request, struct http_response **response)
{
    struct ask *ask = CONTAINER_OF(request, struct ask, request);
    ask->answers++;
    ask->status = http_response_status(*response);
    ask->close = http_response_is_closing(*response);
    ask->body = str_dup(http_response_body(*response));
    http_response_each_header(*response, add_header, ask);
    ask->producer = http_response_steal_producer(*response, &ask->producer_arg);
    if (http_response_body(*response).bytes > 0) {
        assert_non_null(http_response_header(*response, "Content-Type"));
    }
    http_response_free(response);
}

static const struct request_ops ops = {
    .header = header, .can_stream = can_stream, .again = again, .finish = finish};

struct ask *ask_new(const char *method, const char *path, const char *authorization,
                    struct str body)
{
    struct ask *ask = mem_alloc(sizeof(*ask));
    ask->request = (struct request){.ops = &ops,
                                    .method = method,
                                    .path = path,
                                    .body = body,
                                    .client = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
    ask_set_header(ask, "Host", "localhost");
    ask_set_header(ask, "Authorization", authorization);
    return ask;
}

void ask_set_header(struct ask *ask, const char *name, const char *value)
{
    size_t i = 0;
    while (i < ask->field_count && strcmp(ask->fields[i].name, name) != 0) {
        i++;
    }
    assert_true(i < ASKED_FIELDS_MAX);
    ask->fields[i].name = name;
    ask->fields[i].value = value;
    ask->field_count += i == ask->field_count;
}

void ask_free(struct ask **ask)
{
    assert_int_equal((*ask)->answers, 1);
    if ((*ask)->producer != NULL) {
        (*ask)->producer->on_gone((*ask)->producer_arg);
    }
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

/* Its request id is the header's. */
static void assert_answer(struct ask *ask, int status, const char *media_type, const char *body)
{
    char id[64];
    char type[64];
    assert_int_equal(ask->answers, 1);
    assert_int_equal(ask->status, status);
    assert_string_equal(ask_header(ask, "Content-Type", type, sizeof(type)), media_type);
    assert_non_null(ask_header(ask, "X-Request-Id", id, sizeof(id)));
    assert_int_equal(strlen(id), 16);
    AUTO(mem_free) char *request_id = mem_printf("\"request_id\":\"%s\"", id);
    assert_non_null(strstr(ask->body, request_id));
    assert_memory_equal(ask->body, body, strlen(body));
}

void assert_failed(struct ask *ask, int status, const char *code)
{
    AUTO(mem_free)
    char *body =
        mem_printf("{\"action\":\"failed\",\"error\":{\"code\":\"%s\",\"message\":\"", code);
    assert_answer(ask, status, "application/json", body);
    /* Nothing but the request id follows the message. */
    const char *end = strstr(ask->body, "\"},");
    assert_non_null(end);
    assert_memory_equal(end, "\"},\"request_id\":\"", 17);
    assert_int_equal(strlen(end), 17 + 16 + 2);
}

void assert_problem(struct ask *ask, int status, const char *code)
{
    AUTO(mem_free) char *body = mem_printf("{\"type\":\"/problems/%s\",\"title\":\"", code);
    AUTO(mem_free) char *status_member = mem_printf("\"status\":%d,\"detail\":\"", status);
    AUTO(mem_free) char *code_member = mem_printf("\",\"code\":\"%s\",", code);
    assert_answer(ask, status, "application/problem+json", body);
    assert_non_null(strstr(ask->body, status_member));
    assert_non_null(strstr(ask->body, code_member));
}
