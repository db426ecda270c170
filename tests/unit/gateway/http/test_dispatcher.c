/* The way of a request through rows of the test's own, in the dialect of /v1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/http/json_body.h"
#include "tests/unit/gateway/http/dispatcher_fixture.h"

struct fixture {
    struct dispatcher_fixture http;
    unsigned handled; /* how often a handler ran; the resource's self */
    unsigned freed;
};

/* ---- rows ---- */

static const struct member thing_body[] = {
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = 8},
    {.name = "size", .type = MEMBER_NUMBER, .min = 2, .max = 9, .is_optional = true},
    {.name = "lobby", .type = MEMBER_BOOL, .is_optional = true},
    {.name = NULL},
};

static void answer_thing(struct exchange *exchange)
{
    struct fixture *f = exchange->self;
    struct json_out out;
    f->handled++;
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    json_out_key(&out, "thing");
    json_out_str(&out, exchange_parameter(exchange, "thing"));
    json_out_key(&out, "part");
    json_out_str(&out, exchange_parameter(exchange, "part"));
    json_out_member_u64(&out, "user", exchange->context.principal.user_id);
    json_out_close(&out, "}");
    exchange_respond_json(exchange);
}

static void note_freed(void *state)
{
    struct fixture **f = state;
    (*f)->freed++;
    free(state);
}

static void answer_later(struct exchange *exchange)
{
    struct fixture **f = exchange_attach(exchange, sizeof(struct fixture *), note_freed);
    *f = exchange->self;
    exchange_fail(exchange, ERR_CONFLICT);
}

static const struct member room_body[] = {
    {.name = "room_id", .type = MEMBER_NUMBER, .min = 1, .max = 100}, {.name = NULL}};

static void write_room(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    (void)reply;
    json_out_member_u64(out, "room", json_body_u64(exchange->body, "room_id"));
}

static const struct route_ask ask_room = {.message = MSG_room_participants, .write = write_room};

/* Takes text, and answers with what the service has. */
static enum err prepare_text(struct exchange *exchange, struct msg *msg)
{
    (void)msg;
    return str_eq(exchange->request->body, STR_LIT("bad")) ? ERR_BAD_SDP : ERR_OK;
}

static struct str name_of_reply(const struct msg *reply)
{
    return reply->user_get_reply.user.username;
}

static const struct route_ask ask_text = {
    .message = MSG_user_get, .prepare = prepare_text, .text = name_of_reply};

static const struct route text_row = {
    .method = "PUT",
    .template = "/v1/texts",
    .name = "tell",
    .who = ROUTE_USER,
    .text_type = "text/x-in",
    .answer = {.media_type = "text/x-out", .empty_doc = "Nothing to say."},
    .ask = &ask_text};

static const struct route rows[] = {
    {.method = "GET",
     .template = "/v1/things/{thing}/parts/{part}",
     .name = "show",
     .handle = answer_thing},
    {.method = "DELETE",
     .template = "/v1/things/{thing}/parts/{part}",
     .name = "remove",
     .who = ROUTE_USER,
     .handle = answer_thing},
    {.method = "POST",
     .template = "/v1/things",
     .name = "make",
     .who = ROUTE_USER,
     .body = thing_body,
     .handle = answer_thing},
    {.method = "PATCH",
     .template = "/v1/things",
     .name = "touch",
     .body = (const struct member[]){{.name = NULL}},
     .body_may_be_empty = true,
     .handle = answer_later},
    {.method = "PUT",
     .template = "/v1/texts",
     .name = "put",
     .who = ROUTE_USER,
     .body = thing_body,
     .body_bytes_max = 100000,
     .by_text = &text_row,
     .handle = answer_thing},
    {.method = "GET",
     .template = "/v1/things/events",
     .name = "follow",
     .is_stream = true,
     .handle = answer_thing},
    {.method = "POST",
     .template = "/v1/rooms",
     .name = "room",
     .body = room_body,
     .ask = &ask_room},
};

/* ---- fixture ---- */

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    dispatcher_fixture_init(&f->http, rows, ARRAY_LEN(rows), f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    const int result = dispatcher_fixture_fini(&f->http);
    free(f);
    return result;
}

static struct ask *send(struct fixture *f, struct ask *ask)
{
    return dispatcher_fixture_send(&f->http, ask);
}

static struct ask *send_json(struct fixture *f, const char *path, const char *token,
                             const char *body)
{
    struct ask *ask = ask_new("POST", path, token, str_of(body));
    ask_set_header(ask, "Content-Type", "application/json");
    return send(f, ask);
}

/* ---- tests ---- */

static void test_parameters(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, ask_new("GET", "/v1/things/a-1/parts/b.2", NULL, STR_NONE));
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"thing\":\"a-1\",\"part\":\"b.2\",\"user\":0}");
    ask_free(&ask);
}

static void test_who_may(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, ask_new("DELETE", "/v1/things/a/parts/b", NULL, STR_NONE));
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
    ask = send(f, ask_new("DELETE", "/v1/things/a/parts/b", "Bearer " TOKEN, STR_NONE));
    mock_bus_answer(mock_bus_pending(&f->http.bus, MSG_session_check), ERR_UNAUTHORIZED, NULL);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
    assert_int_equal(f->handled, 0);
    ask = send(f, ask_new("DELETE", "/v1/things/a/parts/b", "Bearer " TOKEN, STR_NONE));
    dispatcher_fixture_answer_session(&f->http, 42);
    assert_string_equal(ask->body, "{\"thing\":\"a\",\"part\":\"b\",\"user\":42}");
    ask_free(&ask);
}

/* Host before path before method before token before media type before body. */
static void test_order_of_checks(void **state)
{
    static const struct {
        const char *host, *method, *path, *token, *media_type, *body;
        int status;
        const char *code;
    } table[] = {
        {"evil.example", "PUT", "/v1/nothing", NULL, NULL, "x", 421, "wrong_host"},
        {NULL, "PUT", "/v1/things", NULL, NULL, "x", 421, "wrong_host"},
        {"meet.example.org", "PUT", "/v1/nothing", NULL, NULL, "x", 404, "not_found"},
        {"localhost", "PUT", "/v1", NULL, NULL, "x", 404, "not_found"},
        {"localhost", "PUT", "/v1/things", NULL, NULL, "x", 405, "method_not_allowed"},
        {"localhost", "HEAD", "/v1/things/events", NULL, NULL, "", 405, "method_not_allowed"},
        {"localhost", "POST", "/v1/things", NULL, NULL, "x", 401, "unauthorized"},
        {"localhost", "POST", "/v1/things", TOKEN, NULL, "{}", 415, "media_type"},
        {"localhost", "POST", "/v1/things", TOKEN, "text/plain", "{}", 415, "media_type"},
        {"localhost", "POST", "/v1/things", TOKEN, "application/json", "x", 400, "bad_request"},
        {"localhost", "POST", "/v1/things", TOKEN, "application/json", "", 400, "bad_request"},
        {"localhost", "POST", "/v1/things", TOKEN, "application/json", "{}", 422, "wrong_member"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask =
            ask_new(table[i].method, table[i].path, table[i].token, str_of(table[i].body));
        ask_set_header(ask, "Host", table[i].host);
        ask_set_header(ask, "Content-Type", table[i].media_type);
        assert_problem(send(f, ask), table[i].status, table[i].code);
        ask_free(&ask);
    }
    assert_int_equal(f->http.bus.count + f->handled, 0);
}

/* A path that is not under /v1 keeps the original shape of errors, whatever its Host. */
static void test_paths_of_nobody(void **state)
{
    static const char *const paths[] = {"/", "/v1x", "/V1/things", "*", ""};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct ask *ask = ask_new("GET", paths[i], NULL, STR_NONE);
        ask_set_header(ask, "Host", "evil.example");
        assert_failed(send(f, ask), 404, "not_found");
        ask_free(&ask);
    }
}

static void test_members_that_are_wrong(void **state)
{
    static const struct {
        const char *body, *errors;
    } table[] = {
        {"{}", "[{\"pointer\":\"/name\",\"detail\":\"is required\"}]"},
        {"{\"name\":5}", "[{\"pointer\":\"/name\",\"detail\":\"must be a string\"}]"},
        {"{\"name\":null}", "[{\"pointer\":\"/name\",\"detail\":\"must be a string\"}]"},
        {"{\"name\":\"\"}", "[{\"pointer\":\"/name\",\"detail\":\"must have 1 to 8 bytes\"}]"},
        {"{\"name\":\"123456789\"}",
         "[{\"pointer\":\"/name\",\"detail\":\"must have 1 to 8 bytes\"}]"},
        {"{\"name\":\"x\",\"size\":1}",
         "[{\"pointer\":\"/size\",\"detail\":\"must be from 2 to 9\"}]"},
        {"{\"name\":\"x\",\"size\":2.5}",
         "[{\"pointer\":\"/size\",\"detail\":\"must be a whole number\"}]"},
        {"{\"name\":\"x\",\"lobby\":1}",
         "[{\"pointer\":\"/lobby\",\"detail\":\"must be true or false\"}]"},
        {"{\"name\":\"x\",\"loby\":true}",
         "[{\"pointer\":\"/loby\",\"detail\":\"is not known here\"}]"},
        {"{\"name\":\"x\",\"a/b~\\\"c\":1}",
         "[{\"pointer\":\"/a~1b~0\\\"c\",\"detail\":\"is not known here\"}]"},
        {"{\"size\":0,\"x\":1}", "[{\"pointer\":\"/name\",\"detail\":\"is required\"},"
                                 "{\"pointer\":\"/size\",\"detail\":\"must be from 2 to 9\"},"
                                 "{\"pointer\":\"/x\",\"detail\":\"is not known here\"}]"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = send_json(f, "/v1/things", TOKEN, table[i].body);
        assert_problem(ask, 422, "wrong_member");
        const char *errors = strstr(ask->body, "\"errors\":");
        assert_non_null(errors);
        AUTO(mem_free) char *expected = mem_printf("\"errors\":%s}", table[i].errors);
        assert_string_equal(errors, expected);
        ask_free(&ask);
    }
    assert_int_equal(f->http.bus.count, 0);
}

static void test_as_many_faults_as_are_told(void **state)
{
    struct fixture *f = *state;
    char body[4096] = "{";
    size_t used = 1;
    for (int i = 0; i < 2 * MEMBER_FAULTS_MAX; i++) {
        used += (size_t)snprintf(body + used, sizeof(body) - used, "\"x%d\":1,", i);
    }
    (void)snprintf(body + used, sizeof(body) - used, "\"name\":\"n\"}");
    struct ask *ask = send_json(f, "/v1/things", TOKEN, body);
    assert_problem(ask, 422, "wrong_member");
    size_t count = 0;
    for (const char *at = ask->body; (at = strstr(at, "pointer")) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, MEMBER_FAULTS_MAX);
    ask_free(&ask);
}

static void test_a_good_body(void **state)
{
    static const char *const bodies[] = {"{\"name\":\"12345678\"}",
                                         "{\"name\":\"x\",\"size\":9,\"lobby\":false}"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct ask *ask = send_json(f, "/v1/things", TOKEN, bodies[i]);
        dispatcher_fixture_answer_session(&f->http, 1);
        assert_int_equal(ask->status, 200);
        ask_free(&ask);
    }
}

/* An empty body where one may be, whatever Content-Type says; what a handler attached is freed. */
static void test_no_body(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, ask_new("PATCH", "/v1/things", NULL, STR_NONE));
    assert_problem(ask, 409, "conflict");
    assert_int_equal(f->freed, 1);
    ask_free(&ask);
    ask = send(f, ask_new("PATCH", "/v1/things", NULL, STR_LIT("{}")));
    assert_problem(ask, 415, "media_type");
    ask_free(&ask);
}

/* A body in another coding than its own is refused before it is read, and it is said what is taken.
 */
static void test_compressed_bodies(void **state)
{
    static const struct {
        const char *coding, *body;
        int status;
    } table[] = {
        {"gzip", "\x1f\x8b", 415},    {"br", "{\"name\":\"x\"}", 415},
        {"identity, gzip", "x", 415}, {"Identity", "{\"name\":5}", 422},
        {"", "{\"name\":5}", 422},    {NULL, "{\"name\":5}", 422},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char value[32];
        struct ask *ask = ask_new("POST", "/v1/things", TOKEN, str_of(table[i].body));
        ask_set_header(ask, "Content-Type", "application/json");
        ask_set_header(ask, "Content-Encoding", table[i].coding);
        bool is_refused = table[i].status == 415;
        assert_problem(send(f, ask), table[i].status,
                       is_refused ? "content_coding" : "wrong_member");
        const char *accepted = ask_header(ask, "Accept-Encoding", value, sizeof(value));
        assert_int_equal(accepted != NULL, is_refused);
        assert_true(accepted == NULL || strcmp(accepted, "identity") == 0);
        ask_free(&ask);
    }
    /* Nothing is compressed where nothing is. */
    struct ask *ask = ask_new("PATCH", "/v1/things", NULL, STR_NONE);
    ask_set_header(ask, "Content-Encoding", "gzip");
    assert_problem(send(f, ask), 409, "conflict");
    ask_free(&ask);
}

/* The common handler: the body's member goes into the message, the reply is the answer. */
static void test_one_message(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send_json(f, "/v1/rooms", NULL, "{\"room_id\":7}");
    struct mock_bus_call *call = mock_bus_pending(&f->http.bus, MSG_room_participants);
    assert_non_null(call);
    assert_int_equal(call->request.room_participants.room_id, 7);
    const struct msg reply = {.id = MSG_room_participants_reply};
    mock_bus_answer(call, ERR_OK, &reply);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"room\":7}");
    ask_free(&ask);
    ask = send_json(f, "/v1/rooms", NULL, "{\"room_id\":7}");
    mock_bus_answer(mock_bus_pending(&f->http.bus, MSG_room_participants), ERR_NO_SUCH_ROOM, NULL);
    assert_problem(ask, 404, "no_such_room");
    ask_free(&ask);
}

/* What is no JSON goes to the row beside it, as it is, and comes back as it is. */
static void test_text(void **state)
{
    static const struct {
        const char *media_type, *coding, *body, *told;
        int status;
        const char *code;
    } table[] = {
        {"text/x-in", NULL, "a=b", "answer", 200, NULL},
        {"TEXT/X-in; charset=utf-8", NULL, "a=b", "answer", 200, NULL},
        {"text/x-in", NULL, "a=b", "", 204, NULL},
        {"text/x-in", NULL, "bad", NULL, 422, "bad_sdp"},
        {"text/x-in", "gzip", "a=b", NULL, 415, "content_coding"},
        {"text/x-out", NULL, "a=b", NULL, 415, "media_type"},
        {"application/merge-patch+json", NULL, "{\"name\":\"x\"}", NULL, 415, "media_type"},
        {NULL, NULL, "a=b", NULL, 415, "media_type"},
        {"application/json", NULL, "a=b", NULL, 400, "bad_request"},
        {"application/json", NULL, "{\"name\":\"x\"}", NULL, 200, NULL},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char value[32];
        struct ask *ask = ask_new("PUT", "/v1/texts", TOKEN, str_of(table[i].body));
        ask_set_header(ask, "Content-Type", table[i].media_type);
        ask_set_header(ask, "Content-Encoding", table[i].coding);
        (void)send(f, ask);
        if (mock_bus_pending(&f->http.bus, MSG_session_check) != NULL) {
            dispatcher_fixture_answer_session(&f->http, 7);
        }
        if (table[i].told != NULL) {
            const struct msg reply = {
                .id = MSG_user_get_reply,
                .user_get_reply = {.user = {.username = str_of(table[i].told)}}};
            mock_bus_answer(mock_bus_pending(&f->http.bus, MSG_user_get), ERR_OK, &reply);
        }
        if (table[i].code != NULL) {
            assert_problem(ask, table[i].status, table[i].code);
        } else {
            assert_int_equal(ask->status, table[i].status);
        }
        if (table[i].told != NULL && table[i].status == 200) {
            assert_string_equal(ask->body, "answer");
            assert_string_equal(ask_header(ask, "Content-Type", value, sizeof(value)),
                                "text/x-out");
            assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-store");
        }
        ask_free(&ask);
    }
}

/* It is known before the body is there how large it may be. */
static void test_larger_bodies(void **state)
{
    static const struct {
        const char *method, *path;
        size_t bytes;
    } table[] = {
        {"PUT", "/v1/texts", 100000},
        {"POST", "/v1/texts", 0},
        {"put", "/v1/texts", 0},
        {"PROPPATCH", "/v1/texts", 0},
        {"PUT", "/v1/texts/", 0},
        {"PUT", "/v1/nothing", 0},
        {"PUT", "", 0},
        {"PUT", "*", 0},
    };
    const struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        assert_int_equal(dispatcher_body_bytes_max(f->http.dispatcher, str_of(table[i].method),
                                                   str_of(table[i].path)),
                         table[i].bytes);
    }
}

static void test_options(void **state)
{
    char value[128];
    struct fixture *f = *state;
    struct ask *ask = send(f, ask_new("OPTIONS", "/v1/things", NULL, STR_NONE));
    assert_int_equal(ask->status, 204);
    assert_string_equal(ask_header(ask, "Allow", value, sizeof(value)), "POST, PATCH, OPTIONS");
    assert_null(ask_header(ask, "Access-Control-Allow-Origin", value, sizeof(value)));
    ask_free(&ask);
    ask = ask_new("OPTIONS", "/v1/things/a/parts/b", NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://a.example");
    ask_set_header(ask, "Access-Control-Request-Method", "DELETE");
    send(f, ask);
    assert_int_equal(ask->status, 204);
    assert_string_equal(ask_header(ask, "Access-Control-Allow-Methods", value, sizeof(value)),
                        "GET, HEAD, DELETE, OPTIONS");
    assert_string_equal(ask_header(ask, "Access-Control-Allow-Origin", value, sizeof(value)),
                        "https://a.example");
    ask_free(&ask);
    ask = ask_new("GET", "/v1/nothing", NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://a.example");
    send(f, ask);
    assert_string_equal(ask_header(ask, "Access-Control-Expose-Headers", value, sizeof(value)),
                        "X-Request-Id, Retry-After, ETag, Allow, Location, Link, Accept-Patch, "
                        "Accept-Post");
    ask_free(&ask);
}

static void test_head(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, ask_new("HEAD", "/v1/things/a/parts/b", NULL, STR_NONE));
    assert_int_equal(ask->status, 200);
    assert_int_equal(f->handled, 1);
    ask_free(&ask);
}

static void test_refused_by_the_server(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = ask_new("POST", "/v1/things", NULL, STR_NONE);
    ask->request.error = ERR_TOO_LARGE;
    ask_set_header(ask, "Host", "evil.example");
    assert_problem(send(f, ask), 413, "too_large");
    assert_true(ask->close);
    ask_free(&ask);
}

static void test_counted_by_template(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, ask_new("GET", "/v1/things/a/parts/b", NULL, STR_NONE));
    ask_free(&ask);
    ask = send_json(f, "/v1/things", TOKEN, "{}");
    ask_free(&ask);
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(f->http.metrics, &bytes);
    assert_non_null(strstr(text,
                           "lynks_http_requests_total{path=\"/v1/things/{thing}/parts/{part}\","
                           "status=\"200\"} 1\n"));
    assert_non_null(strstr(text, "{path=\"/v1/things\",status=\"422\"} 1\n"));
}

static void test_bad_rows_end_it(void **state)
{
    static const struct route bad[] = {{.method = "GET", .template = "x", .name = "bad"}};
    const struct resource resource = {.routes = bad, .count = 1};
    struct public_url url = public_url_default("", "127.0.0.1", 1);
    struct fixture *f = *state;
    const struct dispatcher_config config = {.exchanges = {.clock = fake_clock_clock(f->http.clock),
                                                           .bus = &f->http.bus.bus,
                                                           .cors_origins = ""},
                                             .url = &url,
                                             .resources = &resource,
                                             .count = 1};
    log_capture_expect("a row of the routes is wrong");
    assert_null(dispatcher_new(f->http.metrics, &config));
    assert_int_equal(log_capture_count("GET x (bad): the template does not begin with a slash"), 1);
}

#define DISPATCHER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISPATCHER_TEST(test_parameters),
        DISPATCHER_TEST(test_who_may),
        DISPATCHER_TEST(test_order_of_checks),
        DISPATCHER_TEST(test_paths_of_nobody),
        DISPATCHER_TEST(test_members_that_are_wrong),
        DISPATCHER_TEST(test_as_many_faults_as_are_told),
        DISPATCHER_TEST(test_a_good_body),
        DISPATCHER_TEST(test_no_body),
        DISPATCHER_TEST(test_compressed_bodies),
        DISPATCHER_TEST(test_one_message),
        DISPATCHER_TEST(test_text),
        DISPATCHER_TEST(test_larger_bodies),
        DISPATCHER_TEST(test_options),
        DISPATCHER_TEST(test_head),
        DISPATCHER_TEST(test_refused_by_the_server),
        DISPATCHER_TEST(test_counted_by_template),
        DISPATCHER_TEST(test_bad_rows_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
