#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "gateway/http/json_body.h"
#include "proto/base/strbuf.h"

static const struct member login_members[] = {
    {.name = "username", .type = MEMBER_STRING, .min = 1, .max = 200},
    {.name = "password", .type = MEMBER_STRING, .min = 1, .max = 1024},
    {.name = NULL}};
static const struct member list_members[] = {
    {.name = "room_id", .type = MEMBER_NUMBER, .min = 1, .max = ROOM_ID_MAX}, {.name = NULL}};

/* Literals may hold NULs. */
#define REFUSED(literal) assert_null(json_body_parse(STR_LIT(literal)))

static void test_refuses_what_is_not_an_object(void **state)
{
    (void)state;
    REFUSED("");
    REFUSED(" ");
    REFUSED("null");
    REFUSED("1");
    REFUSED("\"x\"");
    REFUSED("[]");
    REFUSED("[{}]");
    REFUSED("{");
    REFUSED("{}x");
    REFUSED("{}{}");
    REFUSED("{}\0");
    REFUSED("{\"a\":1\0}");
    REFUSED("{\"a\":true\0}");
    REFUSED("{'a':1}");
    REFUSED("{\"a\":1,}");
    REFUSED("{\"a\":1,\"a\":1}");
    REFUSED("{\"x\":{\"a\":1,\"a\":1}}");
    REFUSED("{\"a\":\"\xff\"}");
    REFUSED("{\"a\":\"\xc0\x80\"}");
    REFUSED("{\"a\":\"\xed\xa0\x80\"}");
    REFUSED("{\"a\":\"\\ud800\"}");
    REFUSED("{\"a\":\"\\u0000\"}");
    REFUSED("{\"a\\u0000b\":1}");
    REFUSED("{\"a\":\"x\0y\"}");
    REFUSED("{\"a\":1e999}");
    REFUSED("{\"a\":99999999999999999999}");
    REFUSED("{\"a\":01}");
    REFUSED("{\"a\":NaN}");
    REFUSED("\xef\xbb\xbf");
    REFUSED("\xef\xbb{}");
    REFUSED("\xef\xbb\xbf\xef\xbb\xbf{}");
    REFUSED("\xff\xfe{\0}\0");
}

static void test_refuses_depth(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    struct str body = {.bytes = 5 + 2 * DEPTH + 1};
    AUTO(mem_free) char *text = mem_alloc(body.bytes);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', DEPTH);
    memset(text + 5 + DEPTH, ']', DEPTH);
    text[body.bytes - 1] = '}';
    body.data = text;
    assert_null(json_body_parse(body));
    body.bytes = 5 + DEPTH;
    assert_null(json_body_parse(body));
}

static bool fills(struct str body, enum msg_id id, const struct member *members,
                  struct msg *ret_msg)
{
    struct member_fault faults[MEMBER_FAULTS_MAX];
    *ret_msg = (struct msg){.id = id};
    struct json_t *json = json_body_parse(body);
    assert_non_null(json);
    bool filled = json_body_check(json, members, /* unknown_is_fault= */ false, faults) == 0;
    if (filled) {
        json_body_fill(json, members, ret_msg, NULL);
    }
    json_body_free(&json);
    return filled;
}

static void test_room_ids(void **state)
{
    static const struct {
        const char *value;
        uint64_t room_id; /* 0: refused */
    } rows[] = {
        {"1", 1},
        {"123456", 123456},
        {"9007199254740991", 9007199254740991},
        {"9007199254740992", 0},
        {"9223372036854775807", 0},
        {"0", 0},
        {"-0", 0},
        {"-1", 0},
        {"1.0", 0},
        {"1.5", 0},
        {"1e3", 0},
        {"\"1\"", 0},
        {"null", 0},
        {"true", 0},
        {"[1]", 0},
        {"{}", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free)
        char *body = mem_printf("{\"x\":[{}],\"room_id\":%s,\"y\":null}", rows[i].value);
        struct msg msg;
        bool filled = fills(str_of(body), MSG_room_participants, list_members, &msg);
        assert_int_equal(filled, rows[i].room_id > 0);
        if (filled) {
            assert_int_equal(msg.room_participants.room_id, rows[i].room_id);
        }
    }
    struct msg msg;
    assert_false(fills(STR_LIT("{}"), MSG_room_participants, list_members, &msg));
    assert_false(fills(STR_LIT("{\"Room_id\":1}"), MSG_room_participants, list_members, &msg));
}

static void test_a_byte_order_mark(void **state)
{
    struct msg msg;
    (void)state;
    assert_true(
        fills(STR_LIT("\xef\xbb\xbf {\"room_id\":7}"), MSG_room_participants, list_members, &msg));
    assert_int_equal(msg.room_participants.room_id, 7);
}

static bool fills_login(size_t name_bytes, size_t password_bytes)
{
    AUTO(mem_free)
    char *body = mem_printf("{\"username\":\"%0*d\",\"password\":\"%0*d\"}", (int)name_bytes, 0,
                            (int)password_bytes, 0);
    struct msg msg;
    return fills(str_of(body), MSG_login, login_members, &msg);
}

static void test_login_lengths(void **state)
{
    (void)state;
    struct msg msg;
    assert_true(fills_login(1, 1));
    assert_true(fills_login(200, 1024));
    assert_false(fills_login(201, 1));
    assert_false(fills_login(1, 1025));
    assert_false(
        fills(STR_LIT("{\"username\":\"\",\"password\":\"x\"}"), MSG_login, login_members, &msg));
    assert_false(
        fills(STR_LIT("{\"username\":\"x\",\"password\":\"\"}"), MSG_login, login_members, &msg));
    assert_false(fills(STR_LIT("{\"username\":\"x\"}"), MSG_login, login_members, &msg));
    assert_false(
        fills(STR_LIT("{\"username\":\"x\",\"password\":5}"), MSG_login, login_members, &msg));
    /* Bytes count, not characters. */
    AUTO(mem_free)
    char *wide = mem_printf("{\"username\":\"%0*d\xc3\xa4\",\"password\":\"x\"}", 199, 0);
    assert_false(fills(str_of(wide), MSG_login, login_members, &msg));
}

static void test_strings_are_read(void **state)
{
    (void)state;
    struct msg msg = {.id = MSG_login};
    struct json_t *json =
        json_body_parse(STR_LIT("{\"password\":\"p\\u00e4 \\\"\",\"username\":\"J\xc3\xbcrgen\"}"));
    json_body_fill(json, login_members, &msg, NULL);
    assert_true(str_eq(msg.login.username, STR_LIT("J\xc3\xbcrgen")));
    assert_true(str_eq(msg.login.password, STR_LIT("p\xc3\xa4 \"")));
    json_body_free(&json);
    assert_null(json);
}

/* What may be absent from a message is there when the body has it. */
static void test_an_optional_field_is_told_from_an_absent_one(void **state)
{
    static const struct member members[] = {
        {.name = "room_id", .type = MEMBER_NUMBER, .min = 1, .max = ROOM_ID_MAX},
        {.name = "publisher",
         .type = MEMBER_NUMBER,
         .min = 0,
         .max = INT64_MAX,
         .is_optional = true},
        {.name = NULL}};
    struct msg msg;
    (void)state;
    assert_true(fills(STR_LIT("{\"room_id\":7}"), MSG_bridge_event, members, &msg));
    assert_true(msg.bridge_event.has_room_id);
    assert_int_equal(msg.bridge_event.room_id, 7);
    assert_false(msg.bridge_event.has_publisher);
}

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct member list_rows[] = {
    {.name = "colours",
     .type = MEMBER_WORDS,
     .is_optional = true,
     .min = 1,
     .max = 2,
     .words = colours},
    {.name = "ids", .type = MEMBER_IDS, .is_optional = true, .max = 2},
    {.name = NULL}};

static void test_lists(void **state)
{
    static const struct {
        const char *body;
        enum member_fault_kind kind; /* MEMBER_MISSING: it is good */
    } rows[] = {
        {"{}", MEMBER_MISSING},
        {"{\"colours\":[\"blue\"]}", MEMBER_MISSING},
        {"{\"colours\":[\"blue\",\"red\"]}", MEMBER_MISSING},
        {"{\"colours\":[]}", MEMBER_OUTSIDE},
        {"{\"colours\":[\"red\",\"red\"]}", MEMBER_OUTSIDE},
        {"{\"colours\":[\"red\",\"green\",\"blue\"]}", MEMBER_OUTSIDE},
        {"{\"colours\":[\"Red\"]}", MEMBER_OUTSIDE},
        {"{\"colours\":[\"\"]}", MEMBER_OUTSIDE},
        {"{\"colours\":\"red\"}", MEMBER_MISTYPED},
        {"{\"colours\":{\"red\":1}}", MEMBER_MISTYPED},
        {"{\"colours\":null}", MEMBER_MISTYPED},
        {"{\"colours\":[null]}", MEMBER_MISTYPED},
        {"{\"colours\":[\"red\",[\"blue\"]]}", MEMBER_MISTYPED},
        {"{\"ids\":[]}", MEMBER_MISSING},
        {"{\"ids\":[\"7\",\"9007199254740991\"]}", MEMBER_MISSING},
        {"{\"ids\":[\"7\",\"8\",\"9\"]}", MEMBER_OUTSIDE},
        {"{\"ids\":[\"0\"]}", MEMBER_OUTSIDE},
        {"{\"ids\":[\"9007199254740992\"]}", MEMBER_OUTSIDE},
        {"{\"ids\":[\"x\"]}", MEMBER_OUTSIDE},
        {"{\"ids\":[\"\"]}", MEMBER_OUTSIDE},
        {"{\"ids\":[7]}", MEMBER_MISTYPED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct member_fault faults[MEMBER_FAULTS_MAX];
        struct json_t *json = json_body_parse(str_of(rows[i].body));
        const size_t count = json_body_check(json, list_rows, /* unknown_is_fault= */ true, faults);
        if (count != (rows[i].kind != MEMBER_MISSING) ||
            (count > 0 && faults[0].kind != rows[i].kind)) {
            fail_msg("%s", rows[i].body);
        }
        json_body_free(&json);
    }
}

static void test_what_lists_hold(void **state)
{
    uint64_t ids[2];
    (void)state;
    struct json_t *json = json_body_parse(
        STR_LIT("{\"colours\":[\"blue\",\"red\"],\"ids\":[\"7\",\"9007199254740991\"]}"));
    assert_true(json_body_has(json, "colours") && !json_body_has(json, "sizes"));
    assert_int_equal(json_body_words(json, "colours", colours), 5);
    assert_int_equal(json_body_words(json, "sizes", colours), 0);
    assert_int_equal(json_body_ids(json, "ids", ids), 2);
    assert_true(ids[0] == 7 && ids[1] == 9007199254740991);
    assert_int_equal(json_body_ids(json, "sizes", ids), 0);
    json_body_free(&json);
}

/* ---- names of the client's, and lists of objects ---- */

static const struct member thing_members[] = {
    {.name = "id", .type = MEMBER_ID},
    {.name = "colour", .type = MEMBER_WORD, .words = colours},
    {.name = "size", .type = MEMBER_NUMBER, .is_optional = true, .max = 2},
    {.name = "lit", .type = MEMBER_BOOL, .is_optional = true},
    {.name = NULL}};

static const struct member nested_rows[] = {{.name = "painted",
                                             .type = MEMBER_WORD_MAP,
                                             .is_optional = true,
                                             .min = 1,
                                             .max = 2,
                                             .name_max = 4,
                                             .words = colours},
                                            {.name = "things",
                                             .type = MEMBER_OBJECTS,
                                             .is_optional = true,
                                             .min = 1,
                                             .max = 2,
                                             .members = thing_members},
                                            {.name = NULL}};

static void test_names_of_the_clients(void **state)
{
    static const struct {
        const char *body;
        enum member_fault_kind kind; /* MEMBER_MISSING: it is good */
    } rows[] = {
        {"{}", MEMBER_MISSING},
        {"{\"painted\":{\"0\":\"red\"}}", MEMBER_MISSING},
        {"{\"painted\":{\"0\":\"red\",\"wall\":\"red\"}}", MEMBER_MISSING},
        {"{\"painted\":{}}", MEMBER_OUTSIDE},
        {"{\"painted\":{\"0\":\"red\",\"1\":\"red\",\"2\":\"red\"}}", MEMBER_OUTSIDE},
        {"{\"painted\":{\"\":\"red\"}}", MEMBER_OUTSIDE},
        {"{\"painted\":{\"walls\":\"red\"}}", MEMBER_OUTSIDE},
        {"{\"painted\":{\"0\":\"pink\"}}", MEMBER_OUTSIDE},
        {"{\"painted\":{\"0\":\"\"}}", MEMBER_OUTSIDE},
        {"{\"painted\":{\"0\":\"red\",\"1\":7}}", MEMBER_MISTYPED},
        {"{\"painted\":{\"0\":null}}", MEMBER_MISTYPED},
        {"{\"painted\":{\"0\":{\"0\":\"red\"}}}", MEMBER_MISTYPED},
        {"{\"painted\":[\"red\"]}", MEMBER_MISTYPED},
        {"{\"painted\":\"red\"}", MEMBER_MISTYPED},
        {"{\"painted\":null}", MEMBER_MISTYPED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct member_fault faults[MEMBER_FAULTS_MAX];
        struct json_t *json = json_body_parse(str_of(rows[i].body));
        const size_t count =
            json_body_check(json, nested_rows, /* unknown_is_fault= */ true, faults);
        if (count != (rows[i].kind != MEMBER_MISSING) ||
            (count > 0 && faults[0].kind != rows[i].kind)) {
            fail_msg("%s", rows[i].body);
        }
        json_body_free(&json);
    }
}

#define GOOD_THING "{\"id\":\"7\",\"colour\":\"red\"}"

static void test_lists_of_objects(void **state)
{
    static const struct {
        const char *body;
        enum member_fault_kind kind; /* MEMBER_MISSING, and no name: it is good */
        const char *name;            /* "": the item itself; "things": the list */
        size_t item;
    } rows[] = {
        {"{\"things\":[" GOOD_THING "]}", MEMBER_MISSING, NULL, 0},
        {"{\"things\":[" GOOD_THING ",{\"id\":\"9007199254740991\",\"colour\":\"blue\","
         "\"size\":2,\"lit\":true}]}",
         MEMBER_MISSING, NULL, 0},
        {"{\"things\":[]}", MEMBER_OUTSIDE, "things", 0},
        {"{\"things\":[" GOOD_THING "," GOOD_THING "," GOOD_THING "]}", MEMBER_OUTSIDE, "things",
         0},
        {"{\"things\":{}}", MEMBER_MISTYPED, "things", 0},
        {"{\"things\":null}", MEMBER_MISTYPED, "things", 0},
        {"{\"things\":\"7\"}", MEMBER_MISTYPED, "things", 0},
        {"{\"things\":[" GOOD_THING ",7]}", MEMBER_MISTYPED, "", 1},
        {"{\"things\":[[" GOOD_THING "]]}", MEMBER_MISTYPED, "", 0},
        {"{\"things\":[null]}", MEMBER_MISTYPED, "", 0},
        {"{\"things\":[" GOOD_THING ",{\"id\":\"7\"}]}", MEMBER_MISSING, "colour", 1},
        {"{\"things\":[{\"id\":\"7\",\"colour\":\"pink\"}]}", MEMBER_OUTSIDE, "colour", 0},
        {"{\"things\":[{\"id\":7,\"colour\":\"red\"}]}", MEMBER_MISTYPED, "id", 0},
        {"{\"things\":[{\"id\":\"x\",\"colour\":\"red\"}]}", MEMBER_OUTSIDE, "id", 0},
        {"{\"things\":[{\"id\":\"0\",\"colour\":\"red\"}]}", MEMBER_OUTSIDE, "id", 0},
        {"{\"things\":[{\"id\":\"9007199254740992\",\"colour\":\"red\"}]}", MEMBER_OUTSIDE, "id",
         0},
        {"{\"things\":[{\"id\":\"7\",\"colour\":\"red\",\"size\":3}]}", MEMBER_OUTSIDE, "size", 0},
        {"{\"things\":[{\"id\":\"7\",\"colour\":\"red\",\"lit\":1}]}", MEMBER_MISTYPED, "lit", 0},
        {"{\"things\":[{\"id\":\"7\",\"colour\":\"red\",\"shape\":1}]}", MEMBER_UNKNOWN, "shape",
         0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct member_fault faults[MEMBER_FAULTS_MAX];
        struct json_t *json = json_body_parse(str_of(rows[i].body));
        const size_t count =
            json_body_check(json, nested_rows, /* unknown_is_fault= */ true, faults);
        const bool is_good = rows[i].name == NULL;
        const bool is_of_list = !is_good && strcmp(rows[i].name, "things") == 0;
        const bool is_told =
            count == 1 && faults[0].kind == rows[i].kind && faults[0].item == rows[i].item &&
            (faults[0].list != NULL) == !is_of_list &&
            strcmp(faults[0].name == NULL ? "" : faults[0].name, is_good ? "" : rows[i].name) == 0;
        if (is_good ? count != 0 : !is_told) {
            fail_msg("%s", rows[i].body);
        }
        json_body_free(&json);
    }
}

/* However many there are, of as many items as there may be. */
static void test_as_many_faults_as_fit(void **state)
{
    static const struct member many[] = {
        {.name = "things", .type = MEMBER_OBJECTS, .max = 1000, .members = thing_members},
        {.name = NULL}};
    struct member_fault faults[MEMBER_FAULTS_MAX];
    struct strbuf body = {0};
    (void)state;
    strbuf_add_z(&body, "{\"things\":[{\"x\":1}");
    for (size_t i = 0; i < 2000; i++) {
        strbuf_add_z(&body, ",{\"x\":1}");
    }
    strbuf_add_z(&body, "]}");
    struct json_t *json = json_body_parse(strbuf_str(&body));
    assert_int_equal(json_body_check(json, many, /* unknown_is_fault= */ true, faults),
                     MEMBER_FAULTS_MAX);
    assert_true(faults[0].kind == MEMBER_OUTSIDE && faults[0].list == NULL);
    assert_true(faults[1].kind == MEMBER_MISSING && faults[1].item == 0);
    assert_true(faults[15].list == many && faults[15].item == 4);
    json_body_free(&json);
    strbuf_fini(&body);
}

static void test_what_objects_hold(void **state)
{
    struct json_body_word words[2];
    (void)state;
    struct json_t *json = json_body_parse(
        STR_LIT("{\"painted\":{\"a\":\"blue\",\"wall\":\"red\"},\"things\":[" GOOD_THING
                ",{\"id\":\"8\",\"colour\":\"blue\",\"size\":1,\"lit\":true}]}"));
    assert_int_equal(json_body_word_map(json, "painted", colours, words), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(str_eq(words[i].name, STR_LIT("a")) ? words[i].word == 2 : words[i].word == 0);
    }
    assert_false(str_eq(words[0].name, words[1].name));
    assert_int_equal(json_body_word_map(json, "none", colours, words), 0);
    assert_int_equal(json_body_count(json, "things"), 2);
    const struct json_t *second = json_body_item(json, "things", 1);
    assert_int_equal(json_body_id(second, "id"), 8);
    assert_int_equal(json_body_word(second, "colour", colours), 2);
    assert_true(json_body_u64(second, "size") == 1 && json_body_bool(second, "lit"));
    assert_false(json_body_has(json_body_item(json, "things", 0), "size"));
    assert_int_equal(json_body_count(json, "none"), 0);
    json_body_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_what_lists_hold),
        cmocka_unit_test(test_names_of_the_clients),
        cmocka_unit_test(test_lists_of_objects),
        cmocka_unit_test(test_as_many_faults_as_fit),
        cmocka_unit_test(test_what_objects_hold),
        cmocka_unit_test(test_refuses_what_is_not_an_object),
        cmocka_unit_test(test_refuses_depth),
        cmocka_unit_test(test_a_byte_order_mark),
        cmocka_unit_test(test_room_ids),
        cmocka_unit_test(test_an_optional_field_is_told_from_an_absent_one),
        cmocka_unit_test(test_login_lengths),
        cmocka_unit_test(test_strings_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
