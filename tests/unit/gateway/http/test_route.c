#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/http/route.h"

static void handle(struct exchange *exchange)
{
    (void)exchange;
}

static void write_nothing(const struct exchange *exchange, const struct msg *reply,
                          struct json_out *out)
{
    (void)exchange;
    (void)reply;
    (void)out;
}

#define ROW(method_, template_, name_)                                                             \
    {                                                                                              \
        .method = (method_), .template = (template_), .name = (name_), .handle = handle            \
    }

/* NULL: the rows are good. */
static char *why_refused(const struct resource *resources, size_t count)
{
    char *why = NULL;
    struct routes *routes = routes_new(resources, count, &why);
    assert_int_equal(routes == NULL, why != NULL);
    routes_free(&routes);
    return why;
}

static void assert_refused(const struct route *rows, size_t count, const char *expected)
{
    const struct resource resource = {.routes = rows, .count = count};
    AUTO(mem_free) char *why = why_refused(&resource, 1);
    assert_non_null(why);
    assert_string_equal(why, expected);
}

static void test_bad_templates(void **state)
{
    static const struct {
        const char *template, *why;
    } rows[] = {
        {"", "the template does not begin with a slash, or has too many segments"},
        {"v1", "the template does not begin with a slash, or has too many segments"},
        {"/1/2/3/4/5/6/7/8/9",
         "the template does not begin with a slash, or has too many segments"},
        {"/", "the template has a bad segment"},
        {"/a/", "the template has a bad segment"},
        {"/a b", "the template has a bad segment"},
        {"/{}", "the template has a bad segment"},
        {"/{a", "the template has a bad segment"},
        {"/a{b}", "the template has a bad segment"},
        {"/{a}/{a}", "the template has a parameter twice"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct route row = ROW("GET", rows[i].template, "a");
        AUTO(mem_free) char *why = mem_printf("GET %s (a): %s", rows[i].template, rows[i].why);
        assert_refused(&row, 1, why);
    }
}

static void test_rows_that_are_there_twice(void **state)
{
    (void)state;
    const struct route same[] = {ROW("GET", "/a", "a"), ROW("GET", "/a", "b")};
    assert_refused(same, 2, "GET /a (b): the row is there twice");
    const struct route names[] = {ROW("GET", "/a", "a"), ROW("GET", "/b", "a")};
    assert_refused(names, 2, "GET /b (a): another row has its name");
    const struct route parameters[] = {ROW("GET", "/a/{b}", "a"), ROW("PUT", "/a/{c}", "b")};
    assert_refused(
        parameters, 2,
        "PUT /a/{c} (b): another row has this path under another name, or in another resource");
    const struct resource apart[] = {{.routes = &same[0], .count = 1},
                                     {.routes = &parameters[0], .count = 1},
                                     {.routes = &same[1], .count = 1}};
    AUTO(mem_free) char *why = why_refused(apart, ARRAY_LEN(apart));
    assert_non_null(why);
}

static void test_rows_that_make_no_sense(void **state)
{
    static const struct member body[] = {{.name = "x", .type = MEMBER_BOOL}, {.name = NULL}};
    (void)state;
    struct route row = ROW("FETCH", "/a", "a");
    assert_refused(&row, 1, "FETCH /a (a): there is no such method");
    row = (struct route)ROW("HEAD", "/a", "a");
    assert_refused(&row, 1, "HEAD /a (a): there is no such method");
    row = (struct route)ROW("GET", "/a", "a");
    row.handle = NULL;
    assert_refused(&row, 1, "GET /a (a): the row has no handler, or two");
    row = (struct route)ROW("GET", "/a", "a");
    row.body = body;
    assert_refused(&row, 1, "GET /a (a): GET takes no body, and only GET is a stream");
    row = (struct route)ROW("POST", "/a", "a");
    row.is_stream = true;
    assert_refused(&row, 1, "POST /a (a): GET takes no body, and only GET is a stream");
    row = (struct route)ROW("PATCH", "/a", "a");
    row.has_if_match = true;
    assert_refused(&row, 1,
                   "PATCH /a (a): GET changes no version, and a handler of its own does not know "
                   "which");
    row = (struct route)ROW("GET", "/a", "a");
    row.with_user = true;
    assert_refused(&row, 1, "GET /a (a): the row wants to know who is no user");
    row.who = ROUTE_USER_OR_PARTICIPANT;
    assert_refused(&row, 1, "GET /a (a): the row wants to know who is no user");
    row = (struct route)ROW("PUT", "/a", "a");
    row.takes_key = true;
    assert_refused(&row, 1, "PUT /a (a): only a POST takes a key");
    static const struct route_ask ask = {.message = MSG_user_get, .write = write_nothing};
    row = (struct route){.method = "GET", .template = "/a", .name = "a", .ask = &ask};
    row.has_if_match = true;
    assert_refused(&row, 1,
                   "GET /a (a): GET changes no version, and a handler of its own does not know "
                   "which");
    row.has_if_match = false;
    row.answer.has_etag = true;
    assert_refused(&row, 1,
                   "GET /a (a): the answer has a version and no ETag, or the other way round");
    row.answer.has_etag = false;
    row.answer.pending_doc = "It is still to come.";
    assert_refused(&row, 1,
                   "GET /a (a): the answer may be 202 and nothing tells when, or the other way "
                   "round");
}

static void test_members_of_a_body(void **state)
{
    static const char *const words[] = {"up", NULL};
    static const struct member no_members[] = {{.name = NULL}};
    static const struct member with_list[] = {
        {.name = "y", .type = MEMBER_IDS, .is_local = true, .max = 1}, {.name = NULL}};
    static const struct member reversed[] = {
        {.name = "y", .type = MEMBER_NUMBER, .min = 2, .max = 1}, {.name = NULL}};
    static const struct {
        struct member members[3];
        const char *why;
    } rows[] = {
        {{{.name = "x", .type = MEMBER_NUMBER, .min = 2, .max = 1}},
         "a member's bounds are reversed"},
        {{{.name = "x", .type = MEMBER_NUMBERS}}, "a member is of a type that no body has"},
        {{{.name = "x", .type = MEMBER_STRING, .constant = "y"}},
         "a member is of a type that no body has"},
        {{{.name = "x", .type = MEMBER_BOOL}, {.name = "x", .type = MEMBER_BOOL}},
         "a member is there twice"},
        {{{.name = "x", .type = MEMBER_OBJECT}}, "a member is of a type that no body has"},
        {{{.name = "x", .type = MEMBER_IDS, .max = 1}},
         "a member that only a handler reads goes into the message"},
        {{{.name = "x", .type = MEMBER_WORDS, .max = 1, .is_local = true}},
         "a member that is a word has no words, or another one has"},
        {{{.name = "x", .type = MEMBER_BOOL, .members = no_members}},
         "a member that is an object has no members, or another one has"},
        {{{.name = "x", .type = MEMBER_ID}},
         "a member that only a handler reads goes into the message"},
        {{{.name = "x", .type = MEMBER_WORD_MAP, .max = 1, .name_max = 1, .is_local = true}},
         "a member that is a word has no words, or another one has"},
        {{{.name = "x", .type = MEMBER_WORD_MAP, .max = 1, .is_local = true, .words = words}},
         "a member has names without a bound, or a bound without names"},
        {{{.name = "x", .type = MEMBER_BOOL, .name_max = 1}},
         "a member has names without a bound, or a bound without names"},
        {{{.name = "x", .type = MEMBER_OBJECTS, .max = 1, .members = no_members}},
         "a member that only a handler reads goes into the message"},
        {{{.name = "x", .type = MEMBER_OBJECTS, .max = 1, .is_local = true, .members = with_list}},
         "an object in a list of the body has a member of a type that none has"},
        {{{.name = "x", .type = MEMBER_OBJECTS, .max = 1, .is_local = true, .members = reversed}},
         "a member's bounds are reversed"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route row = ROW("POST", "/a", "a");
        row.body = rows[i].members;
        AUTO(mem_free) char *why = mem_printf("POST /a (a): %s", rows[i].why);
        assert_refused(&row, 1, why);
    }
}

/* What a body gives to a message must be a field of it, and no wider. */
static void test_members_against_the_message(void **state)
{
    static const struct {
        struct member members[2];
        const char *why;
    } rows[] = {
        {{{.name = "room", .type = MEMBER_NUMBER, .min = 1, .max = 2}},
         "a member is no field of the message"},
        {{{.name = "room_id", .type = MEMBER_STRING, .min = 1, .max = 2}},
         "a member does not fit into the message's field"},
        {{{.name = "room_id", .type = MEMBER_NUMBER, .min = 0, .max = 2}},
         "a member does not fit into the message's field"},
        {{{.name = "room_id", .type = MEMBER_NUMBER, .min = 1, .max = ROOM_ID_MAX + 1}},
         "a member does not fit into the message's field"},
        {{{.name = "room_id", .type = MEMBER_NUMBER, .is_optional = true, .min = 1, .max = 2}},
         "a member must not be optional"},
    };
    static const struct route_ask ask = {.message = MSG_room_participants, .write = write_nothing};
    static const struct route_ask reply = {.message = MSG_login_reply, .write = write_nothing};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct route row = {
            .method = "POST", .template = "/a", .name = "a", .body = rows[i].members, .ask = &ask};
        AUTO(mem_free) char *why = mem_printf("POST /a (a): %s", rows[i].why);
        assert_refused(&row, 1, why);
    }
    const struct route row = {.method = "POST", .template = "/a", .name = "a", .ask = &reply};
    assert_refused(&row, 1,
                   "POST /a (a): the row asks no request of the bus, or does not write an answer");
}

static void test_words_against_the_messages_enum(void **state)
{
    static const char *const good[] = {"admin", "member", NULL};
    static const char *const bad[] = {"admin", "king", NULL};
    static const struct member members[][2] = {
        {{.name = "role", .type = MEMBER_WORD, .is_optional = true, .words = good}},
        {{.name = "role", .type = MEMBER_WORD, .is_optional = true, .words = bad}},
        {{.name = "role", .type = MEMBER_WORD, .is_optional = true}},
        {{.name = "display_name", .type = MEMBER_WORD, .is_optional = true, .words = good}},
    };
    static const char *const whys[] = {NULL, "a word is no value of the message's enum",
                                       "a member that is a word has no words, or another one has",
                                       "a member does not fit into the message's field"};
    static const struct route_ask ask = {.message = MSG_user_change, .write = write_nothing};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct route row = {.method = "PATCH",
                                  .template = "/a",
                                  .name = "a",
                                  .who = ROUTE_USER,
                                  .body = members[i],
                                  .answer = {.members = members[0]},
                                  .ask = &ask};
        AUTO(mem_free) char *why = NULL;
        const struct resource resource = {.routes = &row, .count = 1};
        struct routes *routes = routes_new(&resource, 1, &why);
        assert_int_equal(routes != NULL, whys[i] == NULL);
        if (whys[i] != NULL) {
            assert_non_null(strstr(why, whys[i]));
        }
        routes_free(&routes);
    }
}

static struct str text_of(const struct msg *reply)
{
    (void)reply;
    return STR_NONE;
}

static const struct member one_member[] = {{.name = "x", .type = MEMBER_BOOL}, {.name = NULL}};
static const struct route_ask ask_text = {.message = MSG_user_get, .text = text_of};
static const struct route text_row = {.method = "PATCH",
                                      .template = "/a",
                                      .name = "text",
                                      .text_type = "text/x",
                                      .answer = {.media_type = "text/y", .empty_doc = "None."},
                                      .ask = &ask_text};

/* A row for text stands beside one for JSON, for the same path, method and people. */
static void test_rows_for_text(void **state)
{
    static const struct route_ask both = {
        .message = MSG_user_get, .text = text_of, .write = write_nothing};
    const struct route json_row = {.method = "PATCH",
                                   .template = "/a",
                                   .name = "json",
                                   .body = one_member,
                                   .by_text = &text_row,
                                   .handle = handle};
    const struct resource resource = {.routes = &json_row, .count = 1};
    (void)state;
    assert_null(why_refused(&resource, 1));
    const struct resource text_alone = {.routes = &text_row, .count = 1};
    assert_null(why_refused(&text_alone, 1));
    static const char other[] =
        "PATCH /a (json): the row for text is of another path or method, or for others";
    static const char reads[] =
        "PATCH /a (json): the row for text does not read text, or there is no other";
    static const char answers[] =
        "PATCH /a (json): the answer is text without a media type, or the other way round";
    struct route text = text_row;
    struct route json = json_row;
    const struct resource changed = {.routes = &json, .count = 1};
    json.by_text = &text;
    text.template = "/b";
    assert_refused(&json, 1, other);
    text = text_row;
    text.method = "PUT";
    assert_refused(&json, 1, other);
    text = text_row;
    text.who = ROUTE_USER;
    assert_refused(&json, 1, other);
    text = text_row;
    text.text_type = NULL;
    assert_refused(&json, 1, reads);
    text = text_row;
    text.body = one_member;
    assert_refused(&json, 1, "PATCH /a (json): the row takes JSON and text");
    text = text_row;
    text.answer.status = 202;
    assert_refused(&json, 1, "PATCH /a (json): the row for text has another status");
    text = text_row;
    text.answer.media_type = NULL;
    assert_refused(&json, 1, answers);
    text = text_row;
    text.answer.empty_doc = NULL;
    assert_null(why_refused(&changed, 1));
    text = text_row;
    text.answer.bare_doc = "Nothing.";
    assert_refused(&json, 1,
                   "PATCH /a (json): the answer may have no body and nothing tells when, or the "
                   "other way round");
    text = text_row;
    text.ask = &both;
    assert_refused(&json, 1,
                   "PATCH /a (json): the row asks no request of the bus, or does not write an "
                   "answer");
    text = text_row;
    json.body = NULL;
    assert_refused(&json, 1, reads);
}

/* A request with this Content-Type. */
struct typed {
    struct request request;
    const char *type;
};

static const char *type_of(struct request *request, const char *name)
{
    return strcmp(name, "Content-Type") == 0 ? CONTAINER_OF(request, struct typed, request)->type
                                             : NULL;
}

static const struct request_ops typed_ops = {.header = type_of};

/* Of several rows for text it is the one of the media type that comes. */
static void test_one_of_several_rows_for_text(void **state)
{
    struct route last = text_row;
    struct route first = text_row;
    struct route json = {.method = "PATCH",
                         .template = "/a",
                         .name = "json",
                         .body = one_member,
                         .by_text = &first,
                         .handle = handle};
    const struct resource resource = {.routes = &json, .count = 1};
    struct strbuf types = {0};
    char *why = NULL;
    (void)state;
    first.by_text = &last;
    last.text_type = "text/z";
    struct routes *routes = routes_new(&resource, 1, &why);
    size_t count;
    assert_non_null(routes);
    route_path_write_types(routes_paths(routes, &count), "PATCH", &types);
    assert_true(str_eq(strbuf_str(&types), STR_LIT("text/x, text/z")));
    strbuf_clear(&types);
    route_path_write_types(routes_paths(routes, &count), "POST", &types);
    assert_int_equal(types.bytes, 0);
    strbuf_fini(&types);
    routes_free(&routes);
    static const struct {
        const char *type;
        int row;
    } rows[] = {{"text/x", 1}, {"Text/Z; charset=utf-8", 2}, {"text/y", 0}, {NULL, 0}};
    const struct route *const found[] = {&json, &first, &last};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct typed typed = {.request = {.ops = &typed_ops}, .type = rows[i].type};
        assert_ptr_equal(route_for_body(&json, &typed.request), found[rows[i].row]);
    }
    last.answer.media_type = NULL;
    assert_refused(&json, 1,
                   "PATCH /a (json): the answer is text without a media type, or the other way "
                   "round");
}

static bool go_ahead(const struct exchange *exchange, struct msg *msg)
{
    (void)exchange;
    (void)msg;
    return true;
}

static uint64_t no_version(const struct msg *reply)
{
    (void)reply;
    return 1;
}

static enum err prepare_nothing(struct exchange *exchange, struct msg *msg)
{
    (void)exchange;
    (void)msg;
    return ERR_OK;
}

/* Only what reads may be asked before it is known who asks. */
static void test_rows_that_are_asked_ahead(void **state)
{
    static const struct {
        struct route_ask ask;
        enum route_who who;
        int status;
        bool is_good;
    } rows[] = {
        {{.message = MSG_room_participants, .ahead = go_ahead, .write = write_nothing},
         ROUTE_USER,
         200,
         true},
        {{.message = MSG_room_participants, .ahead = go_ahead, .write = write_nothing},
         ROUTE_ANYBODY,
         200,
         false},
        {{.message = MSG_room_participants,
          .prepare = prepare_nothing,
          .ahead = go_ahead,
          .write = write_nothing},
         ROUTE_USER,
         200,
         false},
        {{.message = MSG_room_participants, .ahead = go_ahead}, ROUTE_USER, 204, false},
        {{.message = MSG_room_create, .ahead = go_ahead, .write = write_nothing},
         ROUTE_USER,
         200,
         false},
        {{.message = MSG_room_participants,
          .ahead = go_ahead,
          .write = write_nothing,
          .version = no_version},
         ROUTE_USER,
         200,
         false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct route row = {
            .method = "POST",
            .template = "/a",
            .name = "a",
            .who = rows[i].who,
            .answer = {.status = rows[i].status, .has_etag = rows[i].ask.version != NULL},
            .ask = &rows[i].ask};
        const struct resource resource = {.routes = &row, .count = 1};
        if (rows[i].is_good) {
            assert_null(why_refused(&resource, 1));
        } else {
            assert_refused(&row, 1,
                           "POST /a (a): the row is asked ahead, but is no read of somebody who is "
                           "checked");
        }
    }
}

/* null empties a field, which therefore may be empty, and absent too. */
static void test_members_that_may_be_null(void **state)
{
    static const struct route_ask ask_user = {.message = MSG_user_change, .write = write_nothing};
    static const struct route_ask ask_invitation = {.message = MSG_invitation_change,
                                                    .write = write_nothing};
    static const struct {
        struct member members[2];
        bool is_good;
        const struct route_ask *ask;
    } rows[] = {
        {{{.name = "max_uses",
           .type = MEMBER_NUMBER,
           .is_nullable = true,
           .is_optional = true,
           .min = 1,
           .max = 5}},
         true,
         &ask_invitation},
        {{{.name = "invitation", .type = MEMBER_NUMBER, .is_nullable = true, .min = 1, .max = 5}},
         false,
         &ask_invitation},
        {{{.name = "display_name",
           .type = MEMBER_LABEL,
           .is_nullable = true,
           .is_optional = true,
           .min = 1,
           .max = 64}},
         true,
         &ask_user},
        {{{.name = "disabled", .type = MEMBER_BOOL, .is_nullable = true, .is_optional = true}},
         false,
         &ask_user},
        {{{.name = "idempotency_key",
           .type = MEMBER_STRING,
           .is_nullable = true,
           .min = 16,
           .max = 16}},
         false,
         &ask_user},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct route row = {.method = "PATCH",
                                  .template = "/a",
                                  .name = "a",
                                  .body = rows[i].members,
                                  .ask = rows[i].ask};
        const struct resource resource = {.routes = &row, .count = 1};
        AUTO(mem_free) char *why = why_refused(&resource, 1);
        assert_int_equal(why == NULL, rows[i].is_good);
    }
}

static const struct route things[] = {
    ROW("GET", "/v1/things", "list"),
    ROW("POST", "/v1/things", "make"),
    ROW("GET", "/v1/{kind}/mine", "mine"),
    ROW("GET", "/v1/things/{thing}", "show"),
    ROW("DELETE", "/v1/things/{thing}", "remove"),
    ROW("GET", "/v1/things/new", "blank"),
    {.method = "GET",
     .template = "/v1/things/{thing}/events",
     .name = "events",
     .is_stream = true,
     .handle = handle},
};

/* The name of the row that a request is for; NULL: no such path; "": no such method. */
static const char *row_for(const struct routes *routes, const char *method, const char *path)
{
    struct request request = {.path = path};
    const struct route_path *found = request_split(&request) ? routes_find(routes, &request) : NULL;
    const struct route *route = found == NULL ? NULL : route_path_find(found, method);
    return found == NULL ? NULL : route == NULL ? "" : route->name;
}

static void test_requests_find_their_row(void **state)
{
    static const struct {
        const char *method, *path, *name;
    } rows[] = {
        {"GET", "/v1/things", "list"},
        {"HEAD", "/v1/things", "list"},
        {"POST", "/v1/things", "make"},
        {"PUT", "/v1/things", ""},
        {"get", "/v1/things", ""},
        {"GET", "/v1/things/5", "show"},
        {"GET", "/v1/things/a-b.c_d~e", "show"},
        {"GET", "/v1/things/new", "blank"},
        {"DELETE", "/v1/things/new", ""},
        {"GET", "/v1/things/mine", "show"},
        {"GET", "/v1/others/mine", "mine"},
        {"GET", "/v1/things/5/events", "events"},
        {"HEAD", "/v1/things/5/events", ""},
        {"GET", "/v1/things/", NULL},
        {"GET", "/v1/things/a%2e", "show"},
        {"GET", "/v1/things/%2F%c3%AB", "show"},
        {"GET", "/v1/things/a%2", NULL},
        {"GET", "/v1/things/a%2g", NULL},
        {"GET", "/v1/things/%", NULL},
        {"GET", "/v1/things/a:b", NULL},
        {"GET", "/v1/things//events", NULL},
        {"GET", "/v1", NULL},
        {"GET", "/", NULL},
    };
    (void)state;
    const struct resource resource = {
        .dialect = DIALECT_V1, .routes = things, .count = ARRAY_LEN(things)};
    char *why = NULL;
    struct routes *routes = routes_new(&resource, 1, &why);
    assert_non_null(routes);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = row_for(routes, rows[i].method, rows[i].path);
        assert_int_equal(name == NULL, rows[i].name == NULL);
        if (name != NULL) {
            assert_string_equal(name, rows[i].name);
        }
    }
    routes_free(&routes);
}

static void test_parameters_are_bounded(void **state)
{
    (void)state;
    const struct resource resource = {
        .dialect = DIALECT_V1, .routes = things, .count = ARRAY_LEN(things)};
    char *why = NULL;
    struct routes *routes = routes_new(&resource, 1, &why);
    AUTO(mem_free)
    char *longest = mem_printf("/v1/things/%0*d", REQUEST_PARAMETER_BYTES_MAX, 7);
    AUTO(mem_free) char *longer = mem_printf("%s0", longest);
    assert_string_equal(row_for(routes, "GET", longest), "show");
    assert_null(row_for(routes, "GET", longer));
    routes_free(&routes);
}

static void test_allow(void **state)
{
    static const struct {
        enum dialect dialect;
        const char *path, *allow;
    } rows[] = {
        {DIALECT_V1, "/v1/things", "GET, HEAD, POST, OPTIONS"},
        {DIALECT_V1, "/v1/things/5", "GET, HEAD, DELETE, OPTIONS"},
        {DIALECT_V1, "/v1/things/5/events", "GET, OPTIONS"},
        {DIALECT_ORIGINAL, "/v1/things/5/events", "GET"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct resource resource = {
            .dialect = rows[i].dialect, .routes = things, .count = ARRAY_LEN(things)};
        char *why = NULL;
        struct routes *routes = routes_new(&resource, 1, &why);
        struct request request = {.path = rows[i].path};
        struct strbuf text = {0};
        assert_true(request_split(&request));
        route_path_write_allow(routes_find(routes, &request), &text);
        assert_true(str_eq(strbuf_str(&text), str_of(rows[i].allow)));
        strbuf_fini(&text);
        routes_free(&routes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_templates),
        cmocka_unit_test(test_rows_that_are_there_twice),
        cmocka_unit_test(test_rows_that_make_no_sense),
        cmocka_unit_test(test_members_of_a_body),
        cmocka_unit_test(test_members_against_the_message),
        cmocka_unit_test(test_words_against_the_messages_enum),
        cmocka_unit_test(test_words_against_the_messages_enum),
        cmocka_unit_test(test_rows_for_text),
        cmocka_unit_test(test_one_of_several_rows_for_text),
        cmocka_unit_test(test_rows_that_are_asked_ahead),
        cmocka_unit_test(test_members_that_may_be_null),
        cmocka_unit_test(test_requests_find_their_row),
        cmocka_unit_test(test_parameters_are_bounded),
        cmocka_unit_test(test_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
