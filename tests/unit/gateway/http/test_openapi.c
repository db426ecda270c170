/* What the API's document says of a row: each property of it is there, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "gateway/http/openapi.h"

static void handle(struct exchange *exchange)
{
    (void)exchange;
}

static const struct member body[] = {
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = 20, .doc = "A name."},
    {.name = "note", .type = MEMBER_STRING, .is_optional = true, .doc = ""},
    {.name = "count", .type = MEMBER_NUMBER, .max = 5},
    {.name = "level", .type = MEMBER_NUMBER, .min = 2, .max = 9},
    {.name = "flag", .type = MEMBER_BOOL},
    {.name = NULL},
};

static const char *const colours[] = {"red", "green", NULL};

static const struct member list_body[] = {
    {.name = "colours",
     .type = MEMBER_WORDS,
     .is_local = true,
     .min = 1,
     .max = 2,
     .words = colours},
    {.name = "ids", .type = MEMBER_IDS, .is_local = true, .max = 50},
    {.name = NULL},
};

static const struct member item_members[] = {
    {.name = "who", .type = MEMBER_ID, .doc = "Whose."},
    {.name = "size", .type = MEMBER_NUMBER, .is_optional = true, .max = 2},
    {.name = NULL},
};

static const struct member nested_body[] = {
    {.name = "painted",
     .type = MEMBER_WORD_MAP,
     .is_local = true,
     .min = 1,
     .max = 8,
     .name_max = 32,
     .words = colours},
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .is_local = true,
     .min = 1,
     .max = 80,
     .members = item_members},
    {.name = NULL},
};

static struct str no_text(const struct msg *reply)
{
    (void)reply;
    return STR_NONE;
}

static const struct route_ask ask_text = {.message = MSG_user_get, .text = no_text};

static const struct route text_row = {
    .method = "PATCH",
    .template = "/v1/nests",
    .name = "tellNests",
    .text_type = "application/x-in",
    .answer = {.media_type = "application/x-out", .doc = "Text.", .empty_doc = "Nothing to say."},
    .errors = {ERR_BAD_SDP},
    .ask = &ask_text};

static const struct member nullable_answer[] = {
    {.name = "uses_max", .type = MEMBER_NUMBER, .is_nullable = true, .max = 5},
    {.name = "until", .type = MEMBER_TIME, .is_nullable = true},
    {.name = NULL},
};

static const struct member answer[] = {
    {.name = "action", .type = MEMBER_STRING, .constant = "success", .max = 7},
    {.name = "ids", .type = MEMBER_NUMBERS, .max = 3},
    {.name = "words", .type = MEMBER_STRINGS},
    {.name = NULL},
};

static const struct member patch_body[] = {
    {.name = "display_name",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .is_nullable = true,
     .min = 1,
     .max = 64},
    {.name = NULL},
};

static void write_nothing(const struct exchange *exchange, const struct msg *reply,
                          struct json_out *out)
{
    (void)exchange;
    (void)reply;
    (void)out;
}

static uint64_t no_version(const struct msg *reply)
{
    (void)reply;
    return 1;
}

static void locate_nothing(const struct exchange *exchange, const struct msg *reply,
                           char ret_path[LOCATION_BYTES])
{
    (void)exchange;
    (void)reply;
    ret_path[0] = '\0';
}

static bool is_never(const struct msg *reply)
{
    (void)reply;
    return false;
}

static const struct route_ask ask_lists = {.message = MSG_user_get,
                                           .is_pending = is_never,
                                           .locate = locate_nothing,
                                           .write = write_nothing};

static const struct route_ask ask_patch = {
    .message = MSG_user_change, .version = no_version, .write = write_nothing};

static const struct route v1_rows[] = {
    {.method = "PATCH",
     .template = "/v1/things/{thing}",
     .name = "changeThing",
     .doc = "Changes one.",
     .who = ROUTE_USER,
     .has_if_match = true,
     .body = patch_body,
     .answer = {.members = answer, .doc = "It is so.", .has_etag = true},
     .ask = &ask_patch},
    {.method = "POST",
     .template = "/v1/things/{thing}",
     .name = "makeThing",
     .doc = "Makes one.",
     .who = ROUTE_USER,
     .takes_key = true,
     .body = body,
     .answer = {.members = answer, .doc = "It is there."},
     .handle = handle},
    {.method = "DELETE",
     .template = "/v1/things/{thing}",
     .name = "endThing",
     .doc = "Ends one.",
     .who = ROUTE_USER,
     .answer = {.status = 204, .doc = "It is gone.", .sets_cookie = true},
     .handle = handle},
    {.method = "GET",
     .template = "/v1/things/{thing}",
     .name = "seeThing",
     .doc = "Shows one.",
     .who = ROUTE_PARTICIPANT,
     .answer = {.members = answer, .doc = "The thing."},
     .handle = handle},
    {.method = "PUT",
     .template = "/v1/things/{thing}",
     .name = "setThing",
     .doc = "Sets one.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204, .doc = "It is set."},
     .handle = handle},
    {.method = "POST",
     .template = "/v1/things",
     .name = "joinThings",
     .doc = "Joins them.",
     .who = ROUTE_USER_PARTICIPANT_OR_NOBODY,
     .answer = {.status = 204, .doc = "It is so."},
     .handle = handle},
    {.method = "POST",
     .template = "/v1/lists",
     .name = "makeLists",
     .doc = "Makes them.",
     .who = ROUTE_USER_OR_NOBODY,
     .body = list_body,
     .answer = {.status = 201,
                .members = nullable_answer,
                .doc = "They are there.",
                .pending_doc = "They will be.",
                .has_location = true},
     .ask = &ask_lists},
    {.method = "PATCH",
     .template = "/v1/nests",
     .name = "changeNests",
     .doc = "Changes them.",
     .body = nested_body,
     .by_text = &text_row,
     .answer = {.members = nullable_answer, .doc = "They are so."},
     .errors = {ERR_CONFLICT},
     .handle = handle},
    {.method = "GET",
     .template = "/v1/page",
     .name = "getPage",
     .doc = "Shows one.",
     .answer = {.media_type = "text/html", .doc = "A page.", .has_etag = true},
     .handle = handle},
};

static const struct route original_rows[] = {
    {.method = "POST",
     .template = "/make",
     .name = "make",
     .doc = "Makes one.",
     .body_may_be_empty = true,
     .body = body,
     .answer = {.doc = "Anything."},
     .handle = handle},
};

static int setup(void **state)
{
    static const struct resource resources[] = {
        {.dialect = DIALECT_V1, .routes = v1_rows, .count = ARRAY_LEN(v1_rows)},
        {.dialect = DIALECT_ORIGINAL, .routes = original_rows, .count = ARRAY_LEN(original_rows)}};
    char *why = NULL;
    struct routes *routes = routes_new(resources, ARRAY_LEN(resources), &why);
    if (routes == NULL) {
        fail_msg("%s", why);
    }
    const struct public_url url = public_url_default("meet.example.org", "127.0.0.1", 60000);
    struct strbuf text = {0};
    struct json_out out;
    json_out_init(&out, &text);
    openapi_write(routes, &url, &out);
    json_t *document = json_loadb(text.data, text.bytes, JSON_REJECT_DUPLICATES, NULL);
    strbuf_fini(&text);
    routes_free(&routes);
    *state = document;
    return document != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    json_decref(*state);
    return 0;
}

/* What is found step by step, one member each, is this JSON. */
#define EXPECT(root, json, ...)                                                                    \
    expect((root), (json), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void expect(const json_t *root, const char *expected, const char *const *path)
{
    for (; *path != NULL; path++) {
        root = json_object_get(root, *path);
        if (root == NULL) {
            fail_msg("no %s", *path);
        }
    }
    json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    if (!json_equal(root, wanted)) {
        char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
        print_error("%s instead of %s\n", text, expected);
        free(text);
        fail();
    }
    json_decref(wanted);
}

static const json_t *operation(const json_t *document, const char *path, const char *method)
{
    return json_object_get(json_object_get(json_object_get(document, "paths"), path), method);
}

static void a_body_is_described_member_by_member(void **state)
{
    const json_t *make = operation(*state, "/v1/things/{thing}", "post");
    EXPECT(make, "\"makeThing\"", "operationId");
    EXPECT(make, "\"Makes one.\"", "summary");
    EXPECT(make, "[{\"session\":[]},{\"cookie\":[]}]", "security");
    EXPECT(make,
           "{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
           "\"properties\":{"
           "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":20,"
           "\"description\":\"A name.\"},"
           "\"note\":{\"type\":\"string\"},"
           "\"count\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":5},"
           "\"level\":{\"type\":\"integer\",\"minimum\":2,\"maximum\":9},"
           "\"flag\":{\"type\":\"boolean\"}},"
           "\"required\":[\"name\",\"count\",\"level\",\"flag\"],"
           "\"additionalProperties\":false}}}}",
           "requestBody");
}

static void lists_and_nulls_are_described(void **state)
{
    const json_t *make = operation(*state, "/v1/lists", "post");
    const json_t *content = json_object_get(json_object_get(make, "requestBody"), "content");
    EXPECT(content,
           "{\"colours\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"red\","
           "\"green\"]},\"minItems\":1,\"maxItems\":2,\"uniqueItems\":true},"
           "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":0,"
           "\"maxItems\":50}}",
           "application/json", "schema", "properties");
    EXPECT(make,
           "{\"uses_max\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":5},"
           "\"until\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}}",
           "responses", "201", "content", "application/json", "schema", "properties");
}

#define NESTED_PROPERTIES                                                                          \
    "{\"painted\":{\"type\":\"object\",\"propertyNames\":{\"minLength\":1,\"maxLength\":32},"      \
    "\"additionalProperties\":{\"type\":\"string\",\"enum\":[\"red\",\"green\"]},"                 \
    "\"minProperties\":1,\"maxProperties\":8},"                                                    \
    "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"                \
    "\"who\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,18}$\",\"description\":\"Whose.\"},"      \
    "\"size\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":2}},\"required\":[\"who\"],"         \
    "\"additionalProperties\":false},\"minItems\":1,\"maxItems\":80}}"

static void objects_in_a_body_are_described(void **state)
{
    const json_t *change = operation(*state, "/v1/nests", "patch");
    const json_t *content = json_object_get(json_object_get(change, "requestBody"), "content");
    EXPECT(content, NESTED_PROPERTIES, "application/json", "schema", "properties");
    EXPECT(content, NESTED_PROPERTIES, "application/merge-patch+json", "schema", "properties");
}

/* One operation, of which both rows tell what they take, answer and refuse. */
static void a_body_of_text_is_described_beside_json(void **state)
{
    const json_t *change = operation(*state, "/v1/nests", "patch");
    const json_t *taken = json_object_get(json_object_get(change, "requestBody"), "content");
    assert_int_equal(json_object_size(taken), 3);
    EXPECT(taken, "{\"schema\":{\"type\":\"string\"}}", "application/x-in");
    const json_t *responses = json_object_get(change, "responses");
    const json_t *content = json_object_get(json_object_get(responses, "200"), "content");
    assert_int_equal(json_object_size(content), 2);
    EXPECT(content, "{\"schema\":{\"type\":\"string\"}}", "application/x-out");
    EXPECT(content, "\"object\"", "application/json", "schema", "type");
    EXPECT(responses, "{\"description\":\"Nothing to say.\"}", "204");
    assert_non_null(json_object_get(responses, "409"));
    assert_non_null(json_object_get(responses, "422"));
    EXPECT(change, "\"changeNests\"", "operationId");
}

/* What is still to come is told as what is there. */
static void an_answer_may_come_later(void **state)
{
    const json_t *responses = json_object_get(operation(*state, "/v1/lists", "post"), "responses");
    EXPECT(responses, "\"They are there.\"", "201", "description");
    EXPECT(responses, "\"They will be.\"", "202", "description");
    assert_true(json_equal(json_object_get(json_object_get(responses, "201"), "content"),
                           json_object_get(json_object_get(responses, "202"), "content")));
    assert_true(json_equal(json_object_get(json_object_get(responses, "201"), "headers"),
                           json_object_get(json_object_get(responses, "202"), "headers")));
}

static void parameters_belong_to_the_path(void **state)
{
    const json_t *paths = json_object_get(*state, "paths");
    AUTO(mem_free)
    char *parameter = mem_printf("[{\"name\":\"thing\",\"in\":\"path\",\"required\":true,"
                                 "\"schema\":{\"type\":\"string\",\"maxLength\":%d,"
                                 "\"pattern\":\"^[A-Za-z0-9._~-]+$\"}}]",
                                 REQUEST_PARAMETER_BYTES_MAX);
    EXPECT(paths, parameter, "/v1/things/{thing}", "parameters");
}

static void answers_are_open_to_more_members(void **state)
{
    const json_t *make = operation(*state, "/v1/things/{thing}", "post");
    EXPECT(make,
           "{\"description\":\"It is there.\",\"content\":{\"application/json\":{\"schema\":{"
           "\"type\":\"object\",\"properties\":{"
           "\"action\":{\"type\":\"string\",\"const\":\"success\"},"
           "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"maxItems\":3},"
           "\"words\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},"
           "\"required\":[\"action\",\"ids\",\"words\"]}}}}",
           "responses", "200");
}

static void other_answers_have_their_type(void **state)
{
    const json_t *page = operation(*state, "/v1/page", "get");
    EXPECT(page, "[]", "security");
    EXPECT(page,
           "{\"description\":\"A page.\",\"headers\":{\"ETag\":{\"$ref\":"
           "\"#/components/headers/ETag\"}},\"content\":{\"text/html\":{\"schema\":"
           "{\"type\":\"string\"}}}}",
           "responses", "200");
    EXPECT(page, "{\"description\":\"What If-None-Match names is still so.\"}", "responses", "304");
    assert_null(json_object_get(page, "requestBody"));
    const json_t *make = operation(*state, "/make", "post");
    EXPECT(make,
           "{\"description\":\"Anything.\",\"content\":{\"application/json\":{\"schema\":"
           "{\"type\":\"object\"}}}}",
           "responses", "200");
    assert_null(json_object_get(json_object_get(make, "responses"), "304"));
    EXPECT(make, "false", "requestBody", "required");
    assert_null(json_object_get(
        json_object_get(
            json_object_get(json_object_get(json_object_get(make, "requestBody"), "content"),
                            "application/json"),
            "schema"),
        "additionalProperties"));
}

/* Each in the shape of its dialect, with the codes that stand behind its status. */
static void failures_are_told_by_status(void **state)
{
    const json_t *v1 = operation(*state, "/v1/things/{thing}", "post");
    const json_t *original = operation(*state, "/make", "post");
    EXPECT(v1,
           "{\"allOf\":[{\"$ref\":\"#/components/schemas/Problem\"},{\"properties\":{\"code\":"
           "{\"enum\":[\"unauthorized\"]}}}]}",
           "responses", "401", "content", "application/problem+json", "schema");
    EXPECT(original,
           "{\"allOf\":[{\"$ref\":\"#/components/schemas/OriginalError\"},{\"properties\":"
           "{\"error\":{\"properties\":{\"code\":{\"enum\":[\"bad_request\"]}}}}}]}",
           "responses", "400", "content", "application/json", "schema");
    assert_null(json_object_get(json_object_get(original, "responses"), "401"));
    AUTO(mem_free) char *text = mem_printf("\"%s\"", err_text(ERR_UNAUTHORIZED));
    EXPECT(v1, text, "responses", "401", "description");
}

static void a_patch_says_what_it_changes(void **state)
{
#define PATCH_SCHEMA                                                                               \
    "{\"schema\":{\"type\":\"object\",\"properties\":{\"display_name\":{\"type\":"                 \
    "[\"string\",\"null\"],\"minLength\":1,\"maxLength\":64}},\"required\":[],"                    \
    "\"additionalProperties\":false}}"
    const json_t *patch = operation(*state, "/v1/things/{thing}", "patch");
    EXPECT(patch, "[{\"$ref\":\"#/components/parameters/IfMatch\"}]", "parameters");
    EXPECT(patch,
           "{\"application/json\":" PATCH_SCHEMA ",\"application/merge-patch+json\":" PATCH_SCHEMA
           "}",
           "requestBody", "content");
    EXPECT(patch, "{\"ETag\":{\"$ref\":\"#/components/headers/ETag\"}}", "responses", "200",
           "headers");
    assert_null(json_object_get(json_object_get(patch, "responses"), "304"));
    assert_non_null(json_object_get(json_object_get(patch, "responses"), "412"));
    assert_non_null(json_object_get(json_object_get(patch, "responses"), "428"));
    EXPECT(*state,
           "{\"name\":\"If-Match\",\"in\":\"header\",\"required\":true,\"description\":"
           "\"The ETag of what was read; * for whatever there is now.\","
           "\"schema\":{\"type\":\"string\"}}",
           "components", "parameters", "IfMatch");
}

static void a_row_that_takes_a_key_says_so(void **state)
{
    const json_t *make = operation(*state, "/v1/things/{thing}", "post");
    EXPECT(make, "[{\"$ref\":\"#/components/parameters/IdempotencyKey\"}]", "parameters");
    assert_non_null(json_object_get(json_object_get(make, "responses"), "409"));
    EXPECT(*state, "\"Idempotency-Key\"", "components", "parameters", "IdempotencyKey", "name");
    EXPECT(*state, "\"header\"", "components", "parameters", "IdempotencyKey", "in");
    EXPECT(*state, "false", "components", "parameters", "IdempotencyKey", "required");
}

static void who_signs_in_or_out_may_get_a_cookie(void **state)
{
    const json_t *end = operation(*state, "/v1/things/{thing}", "delete");
    EXPECT(end,
           "{\"description\":\"It is gone.\",\"headers\":{\"Set-Cookie\":{\"$ref\":"
           "\"#/components/headers/Set-Cookie\"}}}",
           "responses", "204");
    EXPECT(*state, "\"__Host-lynks\"", "components", "securitySchemes", "cookie", "name");
    EXPECT(*state, "\"cookie\"", "components", "securitySchemes", "cookie", "in");
    assert_non_null(json_object_get(
        json_object_get(json_object_get(*state, "components"), "headers"), "Set-Cookie"));
    /* A page of another origin is refused under /v1, and by nothing else. */
    assert_non_null(
        json_object_get(json_object_get(operation(*state, "/v1/page", "get"), "responses"), "403"));
    assert_null(
        json_object_get(json_object_get(operation(*state, "/make", "post"), "responses"), "403"));
}

static void who_may_is_told(void **state)
{
    static const struct {
        const char *path, *method, *who, *security;
    } rows[] = {
        {"/v1/page", "get", "\"anybody\"", "[]"},
        {"/v1/things/{thing}", "post", "\"user\"", "[{\"session\":[]},{\"cookie\":[]}]"},
        {"/v1/things/{thing}", "get", "\"participant\"", "[{\"participant\":[]}]"},
        {"/v1/things/{thing}", "put", "\"user_or_participant\"",
         "[{\"session\":[]},{\"cookie\":[]},{\"participant\":[]}]"},
        {"/v1/lists", "post", "\"user_or_nobody\"", "[{},{\"session\":[]},{\"cookie\":[]}]"},
        {"/v1/things", "post", "\"user_participant_or_nobody\"",
         "[{},{\"session\":[]},{\"cookie\":[]},{\"participant\":[]}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *row = operation(*state, rows[i].path, rows[i].method);
        EXPECT(row, rows[i].who, "x-who");
        EXPECT(row, rows[i].security, "security");
    }
    EXPECT(*state, "\"bearer\"", "components", "securitySchemes", "participant", "scheme");
    assert_non_null(json_object_get(
        json_object_get(operation(*state, "/v1/things", "post"), "responses"), "401"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_is_described_member_by_member),
        TEST(lists_and_nulls_are_described),
        TEST(objects_in_a_body_are_described),
        TEST(a_body_of_text_is_described_beside_json),
        TEST(an_answer_may_come_later),
        TEST(parameters_belong_to_the_path),
        TEST(answers_are_open_to_more_members),
        TEST(other_answers_have_their_type),
        TEST(failures_are_told_by_status),
        TEST(a_patch_says_what_it_changes),
        TEST(who_signs_in_or_out_may_get_a_cookie),
        TEST(a_row_that_takes_a_key_says_so),
        TEST(who_may_is_told),
    };
    return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
