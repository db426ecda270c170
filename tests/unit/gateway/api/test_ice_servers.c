/* TURN servers: who is told of them, alone and in the answer to coming in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define ROOM "/v1/rooms/abc-defg-hij"
#define SERVERS ROOM "/ice-servers"
#define URLS "turn:192.0.2.7:3478?transport=udp,turn:192.0.2.7:3478?transport=tcp"
#define NAMED                                                                                      \
    "\"ice_servers\":[{\"urls\":[\"turn:192.0.2.7:3478?transport=udp\","                           \
    "\"turn:192.0.2.7:3478?transport=tcp\"],\"username\":\"1700000060:9\",\"credential\":\""
#define NONE "\"ice_servers\":[]"

static int set_up_with_turn(void **state)
{
    const int made = api_fixture_setup(state);
    struct api_fixture *f = *state;
    f->config.turn_urls = URLS;
    f->config.turn_secret = "a secret of 25 bytes here";
    api_fixture_restart(f);
    return made;
}

static struct ask *ask_for_servers(struct api_fixture *f)
{
    return send_as(f, &(struct sent){"GET", SERVERS, PARTICIPANT_TOKEN, NULL, NULL});
}

static void answer_who(struct api_fixture *f, enum participant_state is)
{
    mock_bus_answer(asked(f, MSG_stream_open), ERR_OK,
                    &(struct msg){.id = MSG_stream_open_reply,
                                  .stream_open_reply = {.room_id = 77,
                                                        .participant = {.id = 9,
                                                                        .name = STR_LIT("Dave"),
                                                                        .role = ROOM_PARTICIPANT,
                                                                        .state = is},
                                                        .generation = 1}});
}

static struct ask *come_in(struct api_fixture *f, enum participant_state is)
{
    struct ask *ask =
        send_as(f, &(struct sent){"POST", ROOM "/participants", NULL, "{\"name\":\"Dave\"}", NULL});
    mock_bus_answer(
        asked(f, MSG_participant_join), ERR_OK,
        &(struct msg){.id = MSG_participant_join_reply,
                      .participant_join_reply = {.participant = {.id = 9,
                                                                 .name = STR_LIT("Dave"),
                                                                 .role = ROOM_PARTICIPANT,
                                                                 .state = is},
                                                 .room_id = 77,
                                                 .made = true}});
    return ask;
}

static void who_is_in_is_told_of_servers(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_for_servers(f);
    const struct msg_stream_open *open = &asked(f, MSG_stream_open)->request.stream_open;
    char value[64];
    assert_true(str_eq(open->room, STR_LIT("abc-defg-hij")));
    assert_hash_of(open->asker.token_hash, PARTICIPANT_TOKEN);
    answer_who(f, PARTICIPANT_JOINED);
    assert_int_equal(ask->status, 200);
    assert_memory_equal(ask->body, "{" NAMED, strlen("{" NAMED));
    assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-store");
    ask_free(&ask);
    ask = come_in(f, PARTICIPANT_JOINED);
    assert_int_equal(ask->status, 201);
    assert_non_null(strstr(ask->body, NAMED));
    ask_free(&ask);
}

static void who_waits_or_is_out_is_not(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_for_servers(f);
    answer_who(f, PARTICIPANT_WAITING);
    assert_problem(ask, 403, "must_wait");
    ask_free(&ask);
    ask = come_in(f, PARTICIPANT_WAITING);
    assert_int_equal(ask->status, 202);
    assert_non_null(strstr(ask->body, NONE));
    ask_free(&ask);
    ask = ask_for_servers(f);
    fail_call(f, MSG_stream_open, ERR_REMOVED);
    assert_problem(ask, 403, "removed");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"GET", SERVERS, NULL, NULL, NULL});
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
}

static void without_turn_there_are_none(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_for_servers(f);
    answer_who(f, PARTICIPANT_JOINED);
    assert_string_equal(ask->body, "{" NONE "}");
    ask_free(&ask);
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_in_is_told_of_servers, set_up_with_turn,
                                        api_fixture_teardown),
        cmocka_unit_test_setup_teardown(who_waits_or_is_out_is_not, set_up_with_turn,
                                        api_fixture_teardown),
        cmocka_unit_test_setup_teardown(without_turn_there_are_none, api_fixture_setup,
                                        api_fixture_teardown),
    };
    return cmocka_run_group_tests_name("ice_servers", tests, NULL, NULL);
}
