/* Stream keys: what is asked of roomsvc, what clients are told, and that a key is told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define KEYS "/v1/rooms/abc-defg-hij/stream-keys"
#define BODY "{\"label\":\"Door\",\"use\":\"publish\"}"

static const struct msg_stream_key door = {.id = 9,
                                           .use = STREAM_PUBLISH,
                                           .label = STR_LIT("Door"),
                                           .user_name = STR_LIT("Carol"),
                                           .created_unix_ms = 1700000000000};
#define DOOR                                                                                       \
    "\"id\":\"9\",\"use\":\"publish\",\"label\":\"Door\",\"made_by\":\"Carol\","                   \
    "\"url\":\"http://127.0.0.1:60000/v1/rooms/77/whip\",\"receives\":false,"                      \
    "\"expires_at\":null,\"created_at\":\"2023-11-14T22:13:20.000Z\"}"

static const struct msg_stream_key wall = {.id = 10,
                                           .use = STREAM_WATCH,
                                           .label = STR_LIT("Wall"),
                                           .expires_unix_ms = 1700000002000,
                                           .created_unix_ms = 1700000000000,
                                           .participant = 5,
                                           .receives = true};
#define WALL                                                                                       \
    "\"id\":\"10\",\"use\":\"watch\",\"label\":\"Wall\",\"participant\":\"5\","                    \
    "\"receives\":true,\"expires_at\":\"2023-11-14T22:13:22.000Z\","                               \
    "\"created_at\":\"2023-11-14T22:13:20.000Z\"}"

static void answer_key(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_stream_key_add_reply,
                              .stream_key_add_reply = {.stream_key = door, .room_id = 77}};
    mock_bus_answer(asked(f, MSG_stream_key_add), ERR_OK, &reply);
}

static void read_key(const struct ask *ask, char ret_key[TOKEN_PREFIXED_BYTES + 1])
{
    static const char before[] = "{\"key\":\"";
    assert_memory_equal(ask->body, before, strlen(before));
    assert_true(str_copy(ret_key, TOKEN_PREFIXED_BYTES + 1,
                         (struct str){ask->body + strlen(before), TOKEN_PREFIXED_BYTES}));
}

static void who_makes_one_is_told_it_and_where_to_send_to(void **state)
{
    struct api_fixture *f = *state;
    char key[TOKEN_PREFIXED_BYTES + 1], location[LOCATION_BYTES], hash[32];
    struct ask *ask = send_as(f, &(struct sent){"POST", KEYS, TOKEN, BODY, NULL});
    const struct msg_stream_key_add *add = &asked(f, MSG_stream_key_add)->request.stream_key_add;
    assert_int_equal(asked(f, MSG_stream_key_add)->context.principal.user_id, CAROL_ID);
    assert_true(str_eq(add->room, STR_LIT("abc-defg-hij")) && add->use == STREAM_PUBLISH);
    assert_true(str_eq(add->label, STR_LIT("Door")) && add->expires_at == 0 && add->has_origin);
    memcpy(hash, add->secret_hash.data, sizeof(hash));
    answer_key(f);
    assert_int_equal(ask->status, 201);
    read_key(ask, key);
    assert_memory_equal(key, "ls_", 3);
    assert_hash_of((struct str){hash, sizeof(hash)}, key);
    AUTO(mem_free) char *body = mem_printf("{\"key\":\"%s\"," DOOR, key);
    assert_string_equal(ask->body, body);
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), KEYS "/9");
    ask_free(&ask);
}

static void a_repeat_is_told_the_same_key(void **state)
{
    static const struct {
        struct sent sent;
        bool is_the_same; /* as the first one's */
    } rows[] = {
        {{"POST", KEYS, TOKEN, BODY, KEY}, true},
        {{"POST", KEYS, TOKEN, BODY, KEY}, true},
        {{"POST", "/v1/rooms/78/stream-keys", TOKEN, BODY, KEY}, false},
        {{"POST", KEYS, TOKEN, BODY, NULL}, false},
    };
    struct api_fixture *f = *state;
    char first[TOKEN_PREFIXED_BYTES + 1], key[TOKEN_PREFIXED_BYTES + 1];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        answer_key(f);
        read_key(ask, i == 0 ? first : key);
        if (i > 0) {
            assert_int_equal(strcmp(first, key) == 0, rows[i].is_the_same);
        }
        ask_free(&ask);
        api_fixture_restart(f);
    }
}

static void nobody_is_told_a_key_again(void **state)
{
    const struct msg_stream_key both[] = {door, wall};
    struct api_fixture *f = *state;
    struct ask *ask = send_as(
        f, &(struct sent){"GET", KEYS "?limit=2&page_token=0000000000000008", TOKEN, NULL, NULL});
    const struct msg_stream_key_page *page =
        &asked(f, MSG_stream_key_page)->request.stream_key_page;
    assert_true(page->limit == 2 && page->after_id == 8 && page->stream_key == 0);
    struct msg reply = {
        .id = MSG_stream_key_page_reply,
        .stream_key_page_reply = {.stream_keys = {.items = both, .count = 2}, .room_id = 77}};
    mock_bus_answer(asked(f, MSG_stream_key_page), ERR_OK, &reply);
    assert_string_equal(ask->body, "{\"items\":[{" DOOR ",{" WALL
                                   "],\"next_page_token\":\"000000000000000a\"}");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"GET", KEYS "/10", TOKEN, NULL, NULL});
    page = &asked(f, MSG_stream_key_page)->request.stream_key_page;
    assert_true(page->limit == 1 && page->stream_key == 10);
    reply.stream_key_page_reply.stream_keys =
        (struct msg_stream_key_list){.items = &wall, .count = 1};
    mock_bus_answer(asked(f, MSG_stream_key_page), ERR_OK, &reply);
    assert_string_equal(ask->body, "{" WALL);
    ask_free(&ask);
    log_capture_expect("request failed");
    ask = send_as(f, &(struct sent){"GET", KEYS "/10", TOKEN, NULL, NULL});
    reply.stream_key_page_reply.stream_keys.count = 0;
    mock_bus_answer(asked(f, MSG_stream_key_page), ERR_OK, &reply);
    assert_problem(ask, 502, "protocol");
    ask_free(&ask);
}

static void one_is_removed(void **state)
{
    struct api_fixture *f = *state;
    const struct msg reply = {.id = MSG_stream_key_remove_reply};
    struct ask *ask = send_as(f, &(struct sent){"DELETE", KEYS "/9", TOKEN, NULL, NULL});
    const struct msg_stream_key_remove *remove =
        &asked(f, MSG_stream_key_remove)->request.stream_key_remove;
    assert_true(remove->stream_key == 9 && remove->has_origin);
    assert_int_equal(remove->idempotency_key.bytes, 16);
    mock_bus_answer(asked(f, MSG_stream_key_remove), ERR_OK, &reply);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

/* A participant is none by that: who has signed in asks with his session. */
static void only_users_ask(void **state)
{
    static const struct sent rows[] = {{"GET", KEYS, PARTICIPANT_TOKEN, NULL, NULL},
                                       {"POST", KEYS, PARTICIPANT_TOKEN, BODY, NULL},
                                       {"GET", KEYS "/9", STREAM_KEY, NULL, NULL},
                                       {"DELETE", KEYS "/9", STREAM_KEY, NULL, NULL},
                                       {"DELETE", KEYS "/9", NULL, NULL, NULL}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i]);
        assert_problem(ask, 401, "unauthorized");
        ask_free(&ask);
    }
}

/* A stream key is the token of its participant where connections are his. */
static void a_key_ends_what_it_has_made(void **state)
{
    struct api_fixture *f = *state;
    const struct msg reply = {.id = MSG_rtc_close_reply};
    struct ask *ask =
        send_as(f, &(struct sent){"DELETE", "/v1/rtc/000102030405060708090a0b0c0d0e0f", STREAM_KEY,
                                  NULL, NULL});
    assert_hash_of(asked(f, MSG_rtc_close)->request.rtc_close.asker.token_hash, STREAM_KEY);
    mock_bus_answer(asked(f, MSG_rtc_close), ERR_OK, &reply);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

#define STREAM_KEY_TEST(fn)                                                                        \
    cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_KEY_TEST(who_makes_one_is_told_it_and_where_to_send_to),
        STREAM_KEY_TEST(a_repeat_is_told_the_same_key),
        STREAM_KEY_TEST(nobody_is_told_a_key_again),
        STREAM_KEY_TEST(one_is_removed),
        STREAM_KEY_TEST(only_users_ask),
        STREAM_KEY_TEST(a_key_ends_what_it_has_made),
    };
    return cmocka_run_group_tests_name("stream keys", tests, NULL, NULL);
}
