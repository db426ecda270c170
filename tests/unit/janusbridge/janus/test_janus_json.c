/* Janus' JSON: what is taken, what is refused, and that nothing of ours breaks out of its string.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/janus/janus_message.h"
#include "janusbridge/janus/janus_poll.h"

static bool is_json(const char *text)
{
    AUTO(janus_document_free)
    struct janus_document *document = janus_document_parse(str_of(text));
    return document != NULL;
}

static bool is_message(const char *text)
{
    AUTO(janus_document_free)
    struct janus_document *document = janus_document_parse(str_of(text));
    struct janus_message message;
    return document != NULL && janus_document_get(document, 0, &message);
}

/* count times open, then close as often. */
static char *nested(size_t count, char open, char close)
{
    char *text = mem_alloc(2 * count + 1);
    memset(text, open, count);
    memset(text + count, close, count);
    return text;
}

static void test_what_is_no_document(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "nul",
                                        "{\"a\":1}x",
                                        "{\"a\":1}{\"a\":1}",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":\"\xff\"}",
                                        "{\"a\":\"\\u0000\"}",
                                        "{\"a\":\"",
                                        "[1,]",
                                        "<html></html>",
                                        "\xef\xbb\xbf{}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (is_json(texts[i])) {
            fail_msg("taken: %s", texts[i]);
        }
    }
    struct janus_document *with_nul = janus_document_parse(STR_LIT("{\"a\":1\0}"));
    assert_null(with_nul);
    assert_true(is_json("{}"));
    assert_true(is_json("[{},{}]"));
    assert_true(is_json("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[{{\"}"));
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    AUTO(mem_free) char *deep = nested(16, '[', ']');
    assert_true(is_json(deep));
    AUTO(mem_free) char *deeper = nested(17, '[', ']');
    assert_false(is_json(deeper));
    AUTO(mem_free) char *deepest = nested(100000, '[', ']');
    assert_false(is_json(deepest));
}

/* Text in strings does not count; what follows them does, however they end. */
static void test_strings_hide_no_depth(void **state)
{
    static const char *const strings[] = {"\"\"",          "\"a\"",  "\"\\\\\"", "\"\\\"\"",
                                          "\"a\\\\\\\"\"", "\"[[\"", "\"]]\""};
    (void)state;
    AUTO(mem_free) char *deep = nested(JANUS_DEPTH_MAX - 1, '[', ']');
    AUTO(mem_free) char *deeper = nested(JANUS_DEPTH_MAX, '[', ']');
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        AUTO(mem_free) char *taken = mem_printf("{\"a\":%s,\"b\":%s}", strings[i], deep);
        AUTO(mem_free) char *refused = mem_printf("{\"a\":%s,\"b\":%s}", strings[i], deeper);
        if (!is_json(taken) || is_json(refused)) {
            fail_msg("after %s", strings[i]);
        }
    }
}

static char *many(const char *item, size_t count)
{
    const size_t bytes = strlen(item);
    char *text = mem_alloc(count * (bytes + 1) + 2);
    char *end = text;
    *end++ = '[';
    for (size_t i = 0; i < count; i++) {
        memcpy(end, item, bytes);
        end += bytes;
        *end++ = i + 1 < count ? ',' : ']';
    }
    return text;
}

static void test_counts_are_bounded(void **state)
{
    (void)state;
    AUTO(mem_free) char *batch = many("{}", JANUS_BATCH_MAX);
    assert_true(is_json(batch));
    AUTO(mem_free) char *more = many("{}", JANUS_BATCH_MAX + 1);
    assert_false(is_json(more));
    AUTO(mem_free) char *numbers = many("1", 200000);
    AUTO(mem_free) char *object = mem_printf("{\"a\":%s}", numbers);
    assert_false(is_json(object));
}

static void test_what_is_no_message(void **state)
{
    static const char *const texts[] = {
        "null",
        "7",
        "\"x\"",
        "[7]",
        "[[]]",
        "{}",
        "{\"janus\":7}",
        "{\"janus\":null}",
        "{\"janus\":\"ack\",\"transaction\":7}",
        "{\"janus\":\"ack\",\"session_id\":\"1\"}",
        "{\"janus\":\"ack\",\"session_id\":0}",
        "{\"janus\":\"ack\",\"session_id\":-1}",
        "{\"janus\":\"ack\",\"session_id\":1.5}",
        "{\"janus\":\"ack\",\"sender\":[]}",
        "{\"janus\":\"success\",\"data\":7}",
        "{\"janus\":\"success\",\"data\":{\"id\":\"1\"}}",
        "{\"janus\":\"success\",\"data\":{\"id\":1e30}}",
        "{\"janus\":\"error\"}",
        "{\"janus\":\"error\",\"error\":[]}",
        "{\"janus\":\"error\",\"error\":{\"code\":\"458\"}}",
        "{\"janus\":\"success\",\"plugindata\":7}",
        "{\"janus\":\"success\",\"plugindata\":{}}",
        "{\"janus\":\"success\",\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\"}}",
        "{\"janus\":\"success\",\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\",\"data\":7}}",
        "{\"janus\":\"success\",\"plugindata\":{\"plugin\":\"janus.plugin.echotest\",\"data\":{}}}",
        ("{\"janus\":\"success\",\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\","
         "\"data\":{\"error_code\":-1}}}")};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (is_message(texts[i])) {
            fail_msg("taken: %s", texts[i]);
        }
    }
    assert_true(is_message("{\"janus\":\"ack\",\"unknown\":{\"a\":[1,null]}}"));
}

static struct janus_message get(struct janus_document **document, const char *text)
{
    struct janus_message message;
    *document = janus_document_parse(str_of(text));
    assert_non_null(*document);
    assert_true(janus_document_get(*document, 0, &message));
    return message;
}

static void test_the_members_of_a_message(void **state)
{
    (void)state;
    AUTO(janus_document_free) struct janus_document *document = NULL;
    const struct janus_message message =
        get(&document, "{\"janus\":\"event\",\"transaction\":\"abc\",\"session_id\":11,"
                       "\"sender\":9007199254740991,\"plugindata\":{\"plugin\":"
                       "\"janus.plugin.videoroom\",\"data\":{\"error_code\":426}}}");
    assert_int_equal(message.kind, JANUS_EVENT);
    assert_true(str_eq(message.transaction, STR_LIT("abc")));
    assert_int_equal(message.session_id, 11);
    assert_int_equal(message.sender, 9007199254740991);
    assert_int_equal(message.fault, JANUS_FAULT_NO_ROOM);
    assert_int_equal(message.code, 426);
    assert_non_null(message.data);
}

static void test_the_kinds(void **state)
{
    static const struct {
        const char *name;
        enum janus_kind kind;
    } rows[] = {{"success", JANUS_SUCCESS},     {"ack", JANUS_ACK},
                {"event", JANUS_EVENT},         {"timeout", JANUS_TIMEOUT},
                {"keepalive", JANUS_KEEPALIVE}, {"detached", JANUS_DETACHED},
                {"server_info", JANUS_INFO},    {"webrtcup", JANUS_WEBRTCUP},
                {"media", JANUS_MEDIA},         {"hangup", JANUS_HANGUP},
                {"slowlink", JANUS_OTHER},      {"", JANUS_OTHER}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(janus_document_free) struct janus_document *document = NULL;
        AUTO(mem_free) char *text = mem_printf("{\"janus\":\"%s\"}", rows[i].name);
        assert_int_equal(get(&document, text).kind, rows[i].kind);
    }
}

static void test_the_faults(void **state)
{
    static const struct {
        int code;
        enum janus_fault fault;
    } rows[] = {{403, JANUS_FAULT_SECRET},  {405, JANUS_FAULT_PLUGIN}, {460, JANUS_FAULT_PLUGIN},
                {458, JANUS_FAULT_SESSION}, {459, JANUS_FAULT_HANDLE}, {472, JANUS_FAULT_DRAINING},
                {499, JANUS_FAULT_OTHER}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(janus_document_free) struct janus_document *document = NULL;
        AUTO(mem_free)
        char *text = mem_printf("{\"janus\":\"error\",\"error\":{\"code\":%d}}", rows[i].code);
        assert_int_equal(get(&document, text).fault, rows[i].fault);
    }
}

/* Where we joined without getting a feed id, our own feed could not be told from others. */
static void test_who_has_joined_has_a_feed_id(void **state)
{
    static const struct {
        const char *id;
        const char *kind;
        enum err err;
        unsigned room_id;
    } rows[] = {{"\"id\":42,", "joined", ERR_OK, 1234},
                {"", "joined", ERR_PROTOCOL, 1234},
                {"\"id\":0,", "joined", ERR_PROTOCOL, 1234},
                {"\"id\":-1,", "joined", ERR_PROTOCOL, 1234},
                {"\"id\":\"42\",", "joined", ERR_PROTOCOL, 1234},
                {"\"id\":42,", "joined", ERR_PROTOCOL, 1235},
                {"\"id\":42,", "event", ERR_PROTOCOL, 1234}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free)
        char *text = mem_printf("{\"janus\":\"event\",\"plugindata\":{\"plugin\":"
                                "\"janus.plugin.videoroom\",\"data\":{\"videoroom\":\"%s\","
                                "\"room\":%u,%s\"publishers\":[]}}}",
                                rows[i].kind, rows[i].room_id, rows[i].id);
        AUTO(janus_document_free)
        struct janus_document *document = janus_document_parse(str_of(text));
        struct janus_message message;
        assert_non_null(document);
        assert_true(janus_document_get(document, 0, &message));
        uint64_t feed_id = 7, ids[PUBLISHERS_MAX];
        size_t count = 1;
        assert_int_equal(janus_message_joined(&message, 1234, &feed_id, ids, &count), rows[i].err);
        assert_int_equal(feed_id, rows[i].err == ERR_OK ? 42 : 7);
    }
}

static void test_info(void **state)
{
    static const struct {
        const char *text, *version;
        uint64_t timeout_s;
    } rows[] = {
        {"{\"janus\":\"server_info\",\"version_string\":\"1.1.2\",\"session-timeout\":60}", "1.1.2",
         60},
        {"{\"janus\":\"server_info\",\"session-timeout\":0}", "", 0},
        {"{\"janus\":\"server_info\",\"version_string\":7,\"session-timeout\":\"x\"}", "", 0},
        {"{\"janus\":\"server_info\",\"version_string\":\"0123456789\"}", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(janus_document_free) struct janus_document *document = NULL;
        const struct janus_message message = get(&document, rows[i].text);
        char version[10];
        uint64_t timeout_s = 1;
        janus_message_info(&message, version, sizeof(version), &timeout_s);
        assert_string_equal(version, rows[i].version);
        assert_int_equal(timeout_s, rows[i].timeout_s);
    }
}

static void test_requests_are_escaped(void **state)
{
    (void)state;
    const struct msg_bridge_create room = {.room_id = ROOM_ID_MAX,
                                           .secret = STR_LIT("\"},{\"x\":\"\\\n\x01"),
                                           .description = STR_LIT("d\xc3\xa9j\xc3\xa0 \"vu\""),
                                           .publishers_max = 3};
    AUTO(mem_free) char *create = janus_json_create(&room, "k\"ey");
    AUTO(mem_free) char *destroy = janus_json_destroy(ROOM_ID_MAX, room.secret);
    AUTO(mem_free) char *auth = janus_json_auth("a\"b\\");
    AUTO(mem_free) char *message = janus_json_message("0123", auth, create, NULL);
    assert_true(is_json(create));
    assert_true(is_json(destroy));
    assert_true(is_json(message));
    assert_non_null(strstr(create, "9007199254740991"));
    assert_non_null(strstr(message, "\"apisecret\":\"a\\\"b\\\\\""));
    AUTO(mem_free) char *plain = janus_json_create(&room, "");
    assert_null(strstr(plain, "admin_key"));
}

/* Who joins in Janus needs it, so that nobody gets in past us. */
static void test_a_room_has_its_pin(void **state)
{
    (void)state;
    const struct msg_bridge_create room = {
        .room_id = 7, .secret = STR_LIT("s"), .pin = STR_LIT("p\"in"), .publishers_max = 3};
    AUTO(mem_free) char *create = janus_json_create(&room, "");
    assert_non_null(strstr(create, "\"pin\":\"p\\\"in\""));
    AUTO(mem_free) char *claim = janus_json_claim(7, room.secret, room.pin);
    assert_non_null(strstr(claim, "\"new_pin\":\"p\\\"in\""));
    AUTO(mem_free) char *observe = janus_json_observe(7, room.pin);
    assert_non_null(strstr(observe, "\"pin\":\"p\\\"in\""));
    AUTO(mem_free) char *open = janus_json_claim(7, room.secret, STR_NONE);
    assert_null(strstr(open, "pin"));
}

/* In rooms that are entered through Lynks alone. What others join is as the original made it. */
static void test_what_goes_through_a_room(void **state)
{
    (void)state;
    struct msg_bridge_create room = {
        .room_id = 7, .secret = STR_LIT("s"), .pin = STR_LIT("pin"), .publishers_max = 3};
    AUTO(mem_free) char *create = janus_json_create(&room, "");
    assert_non_null(strstr(create, "\"videocodec\":\"vp8,h264\""));
    assert_non_null(strstr(create, "\"opus_fec\":true"));
    assert_non_null(strstr(create, "\"opus_dtx\":true"));
    assert_null(strstr(create, "bitrate")); /* each who publishes is told */
    room.pin = STR_NONE;
    AUTO(mem_free) char *direct = janus_json_create(&room, "");
    assert_null(strstr(direct, "codec"));
    assert_null(strstr(direct, "opus"));
}

static void test_the_secret_in_a_query(void **state)
{
    (void)state;
    AUTO(mem_free) char *none = janus_poll_auth("");
    assert_string_equal(none, "");
    AUTO(mem_free) char *some = janus_poll_auth("aZ9 &=%\xc3\xa9");
    assert_string_equal(some, "&apisecret=aZ9%20%26%3D%25%C3%A9");
    AUTO(mem_free) char *broken = janus_json_auth("\xff");
    assert_string_equal(broken, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_document),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_strings_hide_no_depth),
        cmocka_unit_test(test_counts_are_bounded),
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_the_members_of_a_message),
        cmocka_unit_test(test_the_kinds),
        cmocka_unit_test(test_the_faults),
        cmocka_unit_test(test_who_has_joined_has_a_feed_id),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_requests_are_escaped),
        cmocka_unit_test(test_a_room_has_its_pin),
        cmocka_unit_test(test_what_goes_through_a_room),
        cmocka_unit_test(test_the_secret_in_a_query),
    };
    return cmocka_run_group_tests_name("janus_json", tests, NULL, NULL);
}
