#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/gateway/api/api_fixture.h"

static struct ask *get(struct api_fixture *f, const char *path, const char *if_none_match)
{
    struct ask *ask = ask_new("GET", path, NULL, STR_NONE);
    ask_set_header(ask, "If-None-Match", if_none_match);
    api_handle(f->api, &ask->request);
    return ask;
}

static void test_info(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = get(f, "/v1/info", NULL);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"name\":\"lynks\",\"version\":\"" LYNKS_VERSION
                                   "\",\"features\":[\"original\"]}");
    ask_free(&ask);
    f->config.cors_origins = "*";
    api_fixture_restart(f);
    ask = get(f, "/v1/info", NULL);
    assert_non_null(strstr(ask->body, "\"features\":[\"original\",\"cors\"]"));
    ask_free(&ask);
    f->config.registration.is_open = true;
    api_fixture_restart(f);
    ask = get(f, "/v1/info", NULL);
    assert_non_null(strstr(ask->body, "\"features\":[\"original\",\"cors\",\"registration\"]"));
    ask_free(&ask);
    assert_int_equal(f->bus.count, 0);
}

/* Parameters of a query, objects within lists, times, and a success that is not 200. */
static void assert_parts_are_described(const json_t *paths)
{
    const char *name = NULL, *in = NULL, *type = NULL, *format = NULL;
    int least = 0, most = 0;
    const json_t *sessions = json_object_get(paths, "/v1/sessions");
    json_t *get = json_object_get(sessions, "get");
    assert_int_equal(json_unpack(get, "{s:[{s:s,s:s,s:{s:s,s:i,s:i}}]}", "parameters", "name",
                                 &name, "in", &in, "schema", "type", &type, "minimum", &least,
                                 "maximum", &most),
                     0);
    assert_string_equal(name, "limit");
    assert_string_equal(in, "query");
    assert_string_equal(type, "integer");
    assert_int_equal(least, 1);
    assert_int_equal(most, 100);
    assert_int_equal(json_unpack(get, "{s:{s:{s:{s:{s:{s:{s:{s:{s:{s:{s:s,s:s}}}}}}}}}}}",
                                 "responses", "200", "content", "application/json", "schema",
                                 "properties", "items", "items", "properties", "created_at", "type",
                                 &type, "format", &format),
                     0);
    assert_string_equal(type, "string");
    assert_string_equal(format, "date-time");
    const json_t *answers = json_object_get(json_object_get(sessions, "delete"), "responses");
    assert_non_null(json_object_get(answers, "204"));
    assert_null(json_object_get(answers, "200"));
    assert_null(json_object_get(json_object_get(answers, "204"), "content"));
    answers = json_object_get(json_object_get(sessions, "post"), "responses");
    assert_non_null(json_object_get(answers, "201"));
    get = json_object_get(json_object_get(paths, "/v1/events"), "get");
    assert_int_equal(json_unpack(get, "{s:{s:{s:{s:{s:{s:s}}}}}}", "responses", "200", "content",
                                 "text/event-stream", "schema", "type", &type),
                     0);
    assert_string_equal(type, "string");
    assert_non_null(json_object_get(json_object_get(get, "responses"), "307"));
}

static const char *const paths[] = {
    "/login",
    "/create",
    "/list_participants",
    "/v1/info",
    "/v1/openapi.json",
    "/v1/sessions",
    "/v1/sessions/current",
    "/v1/sessions/{session}",
    "/v1/registration",
    "/v1/events",
    "/v1/users",
    "/v1/users/{user}",
    "/v1/users/me",
    "/v1/users/me/password",
    "/v1/users/{user}/password",
    "/v1/users/{user}/sessions",
    "/v1/users/{user}/sessions/{session}",
    "/v1/rooms",
    "/v1/rooms/{room}",
    "/v1/rooms/{room}/owner",
    "/v1/rooms/{room}/members",
    "/v1/rooms/{room}/members/{user}",
    "/v1/rooms/{room}/participants",
    "/v1/rooms/{room}/participants/{participant}",
    "/v1/rooms/{room}/participants/{participant}/admit",
    "/v1/rooms/{room}/participants/{participant}/deny",
    "/v1/rooms/{room}/participants/{participant}/mute",
    "/v1/rooms/{room}/admit-all",
    "/v1/rooms/{room}/mute-all",
    "/v1/rooms/{room}/invitations",
    "/v1/rooms/{room}/invitations/{invitation}",
    "/v1/rooms/{room}/bans",
    "/v1/rooms/{room}/bans/{ban}",
    "/v1/rooms/{room}/messages",
    "/v1/rooms/{room}/stream-keys",
    "/v1/rooms/{room}/stream-keys/{key}",
    "/v1/join-info",
    "/v1/rooms/{room}/end",
    "/v1/rooms/{room}/events",
    "/v1/rooms/{room}/ice-servers",
    "/v1/rooms/{room}/publish",
    "/v1/rooms/{room}/whip",
    "/v1/rooms/{room}/whep/{participant}",
    "/v1/rooms/{room}/watch",
    "/v1/rooms/{room}/watch/offer",
    "/v1/rooms/{room}/watch/answer",
    "/v1/rtc/{connection}",
    "/v1/rtc/{connection}/offer",
    "/v1/rtc/{connection}/restart",
    "/v1/stats",
    "/problems/{code}",
};

static void test_document(void **state)
{
    struct api_fixture *f = *state;
    char etag[64];
    char value[64];
    struct ask *ask = get(f, "/v1/openapi.json", NULL);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask_header(ask, "Content-Type", value, sizeof(value)), "application/json");
    assert_non_null(ask_header(ask, "ETag", etag, sizeof(etag)));
    assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-cache");
    json_t *json = json_loads(ask->body, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "openapi")), "3.1.0");
    const json_t *described = json_object_get(json, "paths");
    assert_int_equal(json_object_size(described), ARRAY_LEN(paths));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        assert_non_null(json_object_get(described, paths[i]));
    }
    const json_t *server = json_array_get(json_object_get(json, "servers"), 0);
    assert_string_equal(json_string_value(json_object_get(server, "url")),
                        "http://127.0.0.1:60000");
    assert_parts_are_described(described);
    json_decref(json);
    ask_free(&ask);
    ask = get(f, "/v1/openapi.json", etag);
    assert_int_equal(ask->status, 304);
    assert_string_equal(ask->body, "");
    assert_string_equal(ask_header(ask, "ETag", value, sizeof(value)), etag);
    assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-cache");
    ask_free(&ask);
    ask = get(f, "/v1/openapi.json", "\"another\"");
    assert_int_equal(ask->status, 200);
    ask_free(&ask);
}

static void test_document_changes_with_the_address(void **state)
{
    struct api_fixture *f = *state;
    char etags[2][64];
    struct ask *ask = get(f, "/v1/openapi.json", NULL);
    assert_non_null(ask_header(ask, "ETag", etags[0], sizeof(etags[0])));
    ask_free(&ask);
    f->config.url = public_url_default("meet.example.org", "127.0.0.1", 60000);
    api_fixture_restart(f);
    ask = get(f, "/v1/openapi.json", etags[0]);
    assert_int_equal(ask->status, 200);
    assert_non_null(ask_header(ask, "ETag", etags[1], sizeof(etags[1])));
    assert_string_not_equal(etags[0], etags[1]);
    assert_non_null(strstr(ask->body, "\"https://meet.example.org\""));
    ask_free(&ask);
}

static void test_pages_of_problems(void **state)
{
    struct api_fixture *f = *state;
    char value[64];
    struct ask *ask = get(f, "/problems/no_such_room", NULL);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask_header(ask, "Content-Type", value, sizeof(value)),
                        "text/html; charset=utf-8");
    assert_string_equal(ask_header(ask, "Content-Security-Policy", value, sizeof(value)),
                        "default-src 'none'");
    assert_non_null(strstr(ask->body, "<h1>No such room</h1>"));
    ask_free(&ask);
    ask = get(f, "/problems/nothing", NULL);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
}

#define INFO_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INFO_TEST(test_info),
        INFO_TEST(test_document),
        INFO_TEST(test_document_changes_with_the_address),
        INFO_TEST(test_pages_of_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
