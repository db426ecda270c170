/* /v1/rooms and their members: what is asked of roomsvc, what clients are told, how often they may
 * ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define CAROL 41

static const struct msg_room room = {.id = 77,
                                     .code = STR_LIT("abcdefghij"),
                                     .name = STR_LIT("Tea <T>"),
                                     .access = ROOM_MEMBERS,
                                     .lobby = true,
                                     .participants_max = 9,
                                     .publishers_max = 3,
                                     .unmute = ROOM_UNMUTE_MODERATORS,
                                     .empty_timeout_s = 60,
                                     .owner_id = CAROL,
                                     .owner_name = STR_LIT("Carol"),
                                     .has_role = true,
                                     .role = ROOM_OWNER,
                                     .created_unix_ms = 1700000000000,
                                     .version = 4};

/* Asks as carol. */
static struct ask *ask_as_carol(struct api_fixture *f, const char *method, const char *path,
                                const char *if_match, const char *body)
{
    struct ask *ask = ask_new(method, path, TOKEN, str_of(body));
    ask_set_header(ask, "Content-Type", body == NULL ? NULL : "application/json");
    if (if_match != NULL) {
        ask_set_header(ask, "If-Match", if_match);
    }
    api_handle(f->api, &ask->request);
    if (mock_bus_pending(&f->bus, MSG_session_check) != NULL) {
        answer_session(f, CAROL);
    }
    return ask;
}

static void assert_told(struct ask *ask, const char *name, const char *expected)
{
    char value[128];
    const char *found = ask_header(ask, name, value, sizeof(value));
    assert_non_null(found);
    assert_string_equal(found, expected);
}

static void a_room_is_asked_for_and_shown(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        ask_as_carol(f, "POST", "/v1/rooms", NULL,
                     "{\"name\":\"Tea <T>\",\"access\":\"members\",\"lobby\":true,\"pin\":\"0042\","
                     "\"expires_at\":\"2031-01-02T03:04:05.678Z\",\"unmute\":\"moderators\"}");
    struct mock_bus_call *call = asked(f, MSG_room_add);
    const struct msg_room_options *options = &call->request.room_add.options;
    assert_true(str_eq(options->name, STR_LIT("Tea <T>")) && options->has_name);
    assert_true(options->has_access && options->access == ROOM_MEMBERS);
    assert_true(options->has_lobby && options->lobby && !options->has_locked);
    assert_true(options->has_pin && str_eq(options->pin, STR_LIT("0042")));
    assert_true(options->has_expires_at && options->expires_at == 1925089445678);
    assert_true(options->has_unmute && options->unmute == ROOM_UNMUTE_MODERATORS);
    assert_int_equal(call->request.room_add.idempotency_key.bytes, 16);
    mock_bus_answer(call, ERR_OK,
                    &(struct msg){.id = MSG_room_add_reply, .room_add_reply = {.room = room}});
    assert_int_equal(ask->status, 201);
    assert_told(ask, "Location", "/v1/rooms/77");
    assert_told(ask, "ETag", "\"4\"");
    assert_string_equal(
        ask->body,
        "{\"id\":\"77\",\"code\":\"abc-defg-hij\",\"url\":\"http://127.0.0.1:60000/abc-defg-hij\","
        "\"name\":\"Tea <T>\",\"access\":\"members\",\"guests_wait\":false,\"lobby\":true,"
        "\"locked\":false,\"has_pin\":false,\"participants_max\":9,\"publishers_max\":3,"
        "\"chat\":false,\"screen_share\":false,\"mute_on_entry\":false,\"unmute\":\"moderators\","
        "\"empty_timeout_s\":60,\"owner\":{\"id\":\"41\",\"display_name\":\"Carol\"},"
        "\"role\":\"owner\",\"created_at\":\"2023-11-14T22:13:20.000Z\"}");
    ask_free(&ask);
}

/* It shows what one is in the room, which no version tells. */
static void a_room_is_never_unchanged(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_new("GET", "/v1/rooms/77", TOKEN, STR_NONE);
    ask_set_header(ask, "If-None-Match", "\"4\"");
    api_handle(f->api, &ask->request);
    answer_session(f, CAROL);
    mock_bus_answer(asked(f, MSG_room_get), ERR_OK,
                    &(struct msg){.id = MSG_room_get_reply, .room_get_reply = {.room = room}});
    assert_int_equal(ask->status, 200);
    assert_told(ask, "ETag", "\"4\"");
    ask_free(&ask);
}

static void the_door_is_shut_without_a_version(void **state)
{
    static const struct {
        const char *if_match, *body;
        int status; /* 0: roomsvc is asked */
        bool has_version;
    } rows[] = {{NULL, "{\"locked\":true}", 0, false},
                {NULL, "{\"locked\":true,\"lobby\":false}", 0, false},
                {NULL, "{\"locked\":true,\"chat\":false}", 428, false},
                {NULL, "{\"chat\":false}", 428, false},
                {"\"4\"", "{\"locked\":true}", 0, true},
                {"*", "{\"chat\":false}", 0, false},
                {"\"4\"", "{\"name\":null}", 422, false}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_as_carol(f, "PATCH", "/v1/rooms/77", rows[i].if_match, rows[i].body);
        assert_int_equal(ask->status, rows[i].status);
        if (rows[i].status == 0) {
            struct mock_bus_call *call = asked(f, MSG_room_change);
            assert_int_equal(call->request.room_change.has_version, rows[i].has_version);
            assert_true(str_eq(call->request.room_change.room, STR_LIT("77")));
            mock_bus_answer(call, ERR_GONE, NULL);
            assert_int_equal(ask->status, 410);
        }
        ask_free(&ask);
    }
}

static void users_are_named_as_they_are(void **state)
{
    static const struct {
        const char *path, *user; /* NULL: there can be none */
    } rows[] = {{"/v1/rooms/77/members/12", "12"},
                {"/v1/rooms/77/members/Zo%c3%ab%20%2F", "Zo\xc3\xab /"},
                {"/v1/rooms/77/members/%ff", NULL},
                {"/v1/rooms/77/members/%00", NULL}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_as_carol(f, "PUT", rows[i].path, NULL, "{\"role\":\"moderator\"}");
        if (rows[i].user == NULL) {
            assert_int_equal(ask->status, 404);
        } else {
            struct mock_bus_call *call = asked(f, MSG_member_set);
            assert_true(str_eq(call->request.member_set.user, str_of(rows[i].user)));
            assert_int_equal(call->request.member_set.role, ROOM_MODERATOR);
            mock_bus_answer(call, ERR_FORBIDDEN, NULL);
            assert_int_equal(ask->status, 403);
        }
        ask_free(&ask);
    }
}

static int make_one(struct api_fixture *f, enum err err)
{
    struct ask *ask = ask_as_carol(f, "POST", "/v1/rooms", NULL, "{\"name\":\"Tea\"}");
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_room_add);
    const struct msg reply = {.id = MSG_room_add_reply, .room_add_reply = {.room = room}};
    if (call != NULL) {
        mock_bus_answer(call, err, err == ERR_OK ? &reply : NULL);
    }
    const int status = ask->status;
    ask_free(&ask);
    return status;
}

/* Three at once, six in a minute; what was refused counts for nothing, what may have been done
 * does. */
static void rooms_are_made_so_often(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(make_one(f, ERR_ROOMS_FULL), 409);
    }
    assert_int_equal(make_one(f, ERR_OK), 201);
    assert_int_equal(make_one(f, ERR_OK), 201);
    assert_int_equal(make_one(f, ERR_UNAVAILABLE), 503);
    assert_int_equal(make_one(f, ERR_OK), 429);
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(make_one(f, ERR_OK), 201);
}

/* Whoever it is that he names, and whatever comes of it. */
static void others_are_named_so_often(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } rows[] = {{"PUT", "/v1/rooms/77/members/12", "{\"role\":\"viewer\"}"},
                {"GET", "/v1/rooms/77/members/12", NULL},
                {"PUT", "/v1/rooms/77/owner", "{\"user\":\"12\"}"},
                {"DELETE", "/v1/rooms/77/members/12", NULL}};
    static const enum msg_id messages[] = {MSG_member_set, MSG_member_page, MSG_room_hand_over};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_as_carol(f, rows[i].method, rows[i].path, NULL, rows[i].body);
        if (i < ARRAY_LEN(messages)) {
            mock_bus_answer(asked(f, messages[i]), ERR_NO_SUCH_USER, NULL);
            assert_int_equal(ask->status, 422);
        } else {
            assert_int_equal(ask->status, 429);
            assert_told(ask, "Retry-After", "10");
        }
        ask_free(&ask);
    }
}

#define ROOMS_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        ROOMS_TEST(a_room_is_asked_for_and_shown),
        ROOMS_TEST(a_room_is_never_unchanged),
        ROOMS_TEST(the_door_is_shut_without_a_version),
        ROOMS_TEST(users_are_named_as_they_are),
        ROOMS_TEST(rooms_are_made_so_often),
        ROOMS_TEST(others_are_named_so_often),
    };
    return cmocka_run_group_tests_name("rooms_api", tests, NULL, NULL);
}
