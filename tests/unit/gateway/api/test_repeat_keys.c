/* Idempotency-Key: which keys are taken, and what of a request makes the key of its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define BODY "{\"username\":\"carol\",\"password\":\"open it now\"}"
#define OTHER_BODY "{\"username\":\"dora\",\"password\":\"open it now\"}"
#define LONGEST                                                                                    \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What came with a request, and what was asked for it. */
struct asked {
    const char *key; /* Idempotency-Key */
    const char *proxy_id;
    const char *body;
    uint64_t user_id;
    char message_key[16];
    char body_hash[16];
    size_t body_hash_bytes;
};

static struct ask *begin(const char *method, const char *path, const char *body, const char *key)
{
    struct ask *ask = ask_new(method, path, TOKEN, str_of(body));
    ask_set_header(ask, "Content-Type", "application/json");
    ask_set_header(ask, "Idempotency-Key", key);
    ask_set_header(ask, "If-Match", strcmp(method, "PATCH") == 0 ? "*" : NULL);
    return ask;
}

static void answer_as(struct api_fixture *f, uint64_t user_id, enum role role)
{
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {
            .user_id = user_id, .expires_unix_ms = 1, .role = role, .has_role = true}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_check), ERR_OK, &reply);
}

/* As an admin, to the bus. */
static void add_user(struct api_fixture *f, struct asked *asked)
{
    struct ask *ask =
        begin("POST", "/v1/users", asked->body == NULL ? BODY : asked->body, asked->key);
    ask->request.proxy_id = str_of(asked->proxy_id);
    api_handle(f->api, &ask->request);
    answer_as(f, asked->user_id == 0 ? 1 : asked->user_id, ROLE_ADMIN);
    const struct msg_user_add *add = &mock_bus_pending(&f->bus, MSG_user_add)->request.user_add;
    assert_int_equal(add->idempotency_key.bytes, sizeof(asked->message_key));
    memcpy(asked->message_key, add->idempotency_key.data, sizeof(asked->message_key));
    asked->body_hash_bytes = add->body_hash.bytes;
    if (add->body_hash.bytes > 0) {
        assert_int_equal(add->body_hash.bytes, sizeof(asked->body_hash));
        memcpy(asked->body_hash, add->body_hash.data, sizeof(asked->body_hash));
    }
    fail_call(f, MSG_user_add, ERR_CONFLICT);
    ask_free(&ask);
}

static bool have_one_key(const struct asked *a, const struct asked *b)
{
    return memcmp(a->message_key, b->message_key, sizeof(a->message_key)) == 0;
}

static bool have_one_hash(const struct asked *a, const struct asked *b)
{
    return memcmp(a->body_hash, b->body_hash, sizeof(a->body_hash)) == 0;
}

static void test_what_makes_the_key(void **state)
{
    struct api_fixture *f = *state;
    struct asked first = {.key = KEY};
    add_user(f, &first);
    assert_int_equal(first.body_hash_bytes, 16);
    struct asked rows[] = {
        {.key = KEY},
        {.key = "\"" KEY "\""},
        {.key = KEY, .proxy_id = "drawn by a proxy"},
        {.key = KEY, .body = OTHER_BODY},
        {.key = "another", .proxy_id = KEY},
        {.key = KEY, .user_id = 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        add_user(f, &rows[i]);
        assert_int_equal(have_one_key(&rows[i], &first), i < 4);
        assert_int_equal(have_one_hash(&rows[i], &first), i != 3);
    }
    /* Another gateway; and one that draws with another key. */
    api_fixture_restart(f);
    struct asked again = {.key = KEY};
    add_user(f, &again);
    assert_true(have_one_key(&again, &first) && have_one_hash(&again, &first));
    f->config.auth.token_key = "another-key-of-tests-of-32-characters," TOKEN_KEY;
    api_fixture_restart(f);
    add_user(f, &again);
    assert_true(have_one_key(&again, &first) && !have_one_hash(&again, &first));
}

static void test_without_the_header_the_proxys_id_counts(void **state)
{
    struct api_fixture *f = *state;
    struct asked rows[] = {
        {.proxy_id = KEY}, {.proxy_id = KEY}, {.body = BODY}, {.body = BODY}, {.key = KEY}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        add_user(f, &rows[i]);
        assert_int_equal(rows[i].body_hash_bytes, i == 4 ? 16 : 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(have_one_key(&rows[i], &rows[j]), i == 1);
        }
    }
}

static const struct {
    const char *key;
    bool is_good, is_good_of_nobody;
} keys[] = {
    {NULL, true, true},
    {KEY, true, true},
    {"\"" KEY "\"", true, true},
    {LONGEST, true, true},
    {"\"" LONGEST "\"", true, true},
    {"0123456789abcdefghijkl", true, true},
    {"0123456789abcdefghijk", true, false},
    {"\"0123456789abcdefghijk\"", true, false},
    {"x", true, false},
    {"!#$%&'()*+,-./:;<=>?@[]^_`{|}~", true, true},
    {"", false, false},
    {"\"\"", false, false},
    {"\"", false, false},
    {LONGEST "x", false, false},
    {"\"" KEY, false, false},
    {KEY "\"", false, false},
    {KEY " " KEY, false, false},
    {"\"" KEY "\";a=1", false, false},
    {KEY "\\" KEY, false, false},
    {KEY "\t", false, false},
    {KEY "\x7f", false, false},
    {KEY "\xc3\xa9", false, false},
};

static void assert_taken(struct api_fixture *f, struct ask *ask, enum msg_id id, bool is_taken)
{
    assert_int_equal(mock_bus_pending(&f->bus, id) != NULL, is_taken);
    if (is_taken) {
        fail_call(f, id, ERR_CONFLICT);
        assert_problem(ask, 409, "conflict");
    } else {
        assert_problem(ask, 400, "bad_key");
    }
    ask_free(&ask);
}

static void test_keys_that_are_none(void **state)
{
    struct api_fixture *f = *state;
    f->config.registration = (struct registration_config){
        .is_open = true, .burst = 100, .per_minute = 1, .table_max = 64};
    api_fixture_restart(f);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        mock_bus_fini(&f->bus);
        mock_bus_init(&f->bus);
        struct ask *ask = begin("POST", "/v1/users", BODY, keys[i].key);
        api_handle(f->api, &ask->request);
        answer_as(f, 1, ROLE_ADMIN);
        assert_taken(f, ask, MSG_user_add, keys[i].is_good);
        ask = begin("POST", "/v1/registration", BODY, keys[i].key);
        api_handle(f->api, &ask->request);
        assert_taken(f, ask, MSG_user_register, keys[i].is_good_of_nobody);
    }
}

static void read_register_key(struct api_fixture *f, const char *body, const char *key,
                              char ret_key[16])
{
    struct ask *ask = begin("POST", "/v1/registration", body, key);
    api_handle(f->api, &ask->request);
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_register);
    assert_non_null(call);
    memcpy(ret_key, call->request.user_register.idempotency_key.data, 16);
    fail_call(f, MSG_user_register, ERR_CONFLICT);
    ask_free(&ask);
}

/* Whoever knows somebody's key, but not his password, learns nothing by it. */
static void test_of_nobody_the_body_is_a_part_of_the_key(void **state)
{
    struct api_fixture *f = *state;
    char first[16], again[16], other[16];
    f->config.registration = (struct registration_config){
        .is_open = true, .burst = 100, .per_minute = 1, .table_max = 64};
    api_fixture_restart(f);
    read_register_key(f, BODY, KEY, first);
    read_register_key(f, BODY, "\"" KEY "\"", again);
    read_register_key(f, OTHER_BODY, KEY, other);
    assert_memory_equal(first, again, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
}

/* Rights come first; a route that makes nothing does not look at the header. */
static void test_who_may_not_is_told_that(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin("POST", "/v1/users", BODY, "");
    api_handle(f->api, &ask->request);
    answer_as(f, 1, ROLE_MEMBER);
    assert_problem(ask, 403, "forbidden");
    ask_free(&ask);
    ask = begin("POST", "/v1/users", BODY, "");
    api_handle(f->api, &ask->request);
    fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
    ask = begin("POST", "/v1/sessions", BODY, "");
    api_handle(f->api, &ask->request);
    fail_call(f, MSG_session_open, ERR_BAD_CREDENTIALS);
    assert_problem(ask, 401, "sign_in_refused");
    ask_free(&ask);
    ask = begin("PATCH", "/v1/users/me", "{}", "");
    api_handle(f->api, &ask->request);
    answer_as(f, 1, ROLE_MEMBER);
    fail_call(f, MSG_user_change, ERR_STALE);
    assert_problem(ask, 412, "stale");
    ask_free(&ask);
}

static void test_rooms_take_a_key_too(void **state)
{
    static const char *const room_keys[] = {NULL, KEY};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(room_keys); i++) {
        struct ask *ask = begin("POST", "/v1/rooms", "{\"name\":\"Tea\"}", room_keys[i]);
        api_handle(f->api, &ask->request);
        answer_as(f, 1, ROLE_MEMBER);
        const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_room_add);
        assert_non_null(call);
        assert_int_equal(call->request.room_add.body_hash.bytes, room_keys[i] == NULL ? 0 : 16);
        fail_call(f, MSG_room_add, ERR_KEY_REUSED);
        assert_problem(ask, 422, "key_reused");
        ask_free(&ask);
    }
}

static void test_what_authsvc_finds_is_told(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *code, *retry_after;
    } rows[] = {{ERR_KEY_REUSED, 422, "key_reused", NULL}, {ERR_IN_FLIGHT, 409, "in_flight", "1"}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin("POST", "/v1/users", BODY, KEY);
        char value[16];
        api_handle(f->api, &ask->request);
        answer_as(f, 1, ROLE_ADMIN);
        fail_call(f, MSG_user_add, rows[i].err);
        assert_problem(ask, rows[i].status, rows[i].code);
        const char *retry_after = ask_header(ask, "Retry-After", value, sizeof(value));
        assert_int_equal(retry_after != NULL, rows[i].retry_after != NULL);
        if (retry_after != NULL) {
            assert_string_equal(retry_after, rows[i].retry_after);
        }
        ask_free(&ask);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_makes_the_key),         TEST(test_without_the_header_the_proxys_id_counts),
        TEST(test_keys_that_are_none),         TEST(test_of_nobody_the_body_is_a_part_of_the_key),
        TEST(test_who_may_not_is_told_that),   TEST(test_rooms_take_a_key_too),
        TEST(test_what_authsvc_finds_is_told),
    };
    return cmocka_run_group_tests_name("repeat_keys", tests, NULL, NULL);
}
