/* What one address may try at the doors of rooms: come in, guess codes, PINs and invitations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define ROOM "/v1/rooms/abc-defg-hij"
#define JOIN ROOM "/participants"
#define OTHER_JOIN "/v1/rooms/klm-nopq-rst/participants"
#define NAMED "{\"name\":\"Dave\"}"

static void let_in(struct api_fixture *f, bool is_made)
{
    const struct msg reply = {
        .id = MSG_participant_join_reply,
        .participant_join_reply = {.participant = {.id = 9,
                                                   .name = STR_LIT("Dave"),
                                                   .role = ROOM_PARTICIPANT,
                                                   .state = PARTICIPANT_JOINED,
                                                   .guest = true,
                                                   .joined_unix_ms = 1700000000000},
                                   .room_id = 77,
                                   .made = is_made}};
    mock_bus_answer(asked(f, MSG_participant_join), ERR_OK, &reply);
}

static bool was_limited(struct api_fixture *f, const char *labels)
{
    const struct metric *metric =
        metrics_counter(f->metrics, "lynks_gateway_limited_joins_total", "", labels);
    return metric_value(metric) > 0;
}

static int try_to_join(struct api_fixture *f, const struct sent *sent, enum err err)
{
    struct ask *ask = send_as(f, sent);
    if (ask->status == 0) {
        if (err == ERR_OK) {
            let_in(f, /* is_made= */ sent->token == NULL && sent->key == NULL);
        } else {
            fail_call(f, MSG_participant_join, err);
        }
    }
    const int status = ask->status;
    ask_free(&ask);
    return status;
}

/* Who comes back, and who comes again, counts for nothing. */
static void so_many_come_from_one_address(void **state)
{
    static const struct sent join = {"POST", JOIN, NULL, NAMED, NULL};
    static const struct sent back = {"POST", JOIN, PARTICIPANT_TOKEN, "{}", NULL};
    static const struct sent again = {"POST", JOIN, NULL, NAMED, KEY};
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(try_to_join(f, &back, ERR_OK), 201);
        assert_int_equal(try_to_join(f, &again, ERR_OK), 201);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(try_to_join(f, &join, ERR_OK), 201);
    }
    assert_false(was_limited(f, "limit=\"join\""));
    assert_int_equal(try_to_join(f, &join, ERR_DEADLINE), 504);
    assert_int_equal(try_to_join(f, &join, ERR_OK), 429);
    assert_true(was_limited(f, "limit=\"join\""));
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(try_to_join(f, &join, ERR_OK), 201);
    assert_int_equal(try_to_join(f, &join, ERR_OK), 429);
}

/* A refusal counts as a join does, so that nobody asks the database for ever. */
static void so_many_are_refused(void **state)
{
    static const struct sent join = {"POST", JOIN, NULL, NAMED, NULL};
    static const struct sent back = {"POST", JOIN, PARTICIPANT_TOKEN, "{}", NULL};
    static const enum err refusals[] = {ERR_ROOM_FULL, ERR_ROOM_LOCKED, ERR_WRONG_PIN,
                                        ERR_MUST_WAIT};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        assert_int_equal(try_to_join(f, &join, refusals[i]), err_http_status(refusals[i]));
    }
    assert_int_equal(try_to_join(f, &back, ERR_REMOVED), 403);
    assert_false(was_limited(f, "limit=\"join\""));
    assert_int_equal(try_to_join(f, &join, ERR_ROOM_FULL), 429);
    assert_int_equal(try_to_join(f, &back, ERR_REMOVED), 429);
    assert_true(was_limited(f, "limit=\"join\""));
}

/* Also where the limit is a service's, which says nothing of when. */
static void who_is_limited_is_told_when_to_come_again(void **state)
{
    struct api_fixture *f = *state;
    char value[16];
    struct ask *ask = send_as(f, &(struct sent){"POST", JOIN, NULL, NAMED, NULL});
    fail_call(f, MSG_participant_join, ERR_RATE_LIMITED);
    assert_problem(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "1");
    ask_free(&ask);
}

static void so_many_pins_are_tried(void **state)
{
    static const struct sent pin = {"POST", JOIN, NULL, "{\"name\":\"D\",\"pin\":\"0042\"}", NULL};
    static const struct sent none = {"POST", JOIN, NULL, NAMED, NULL};
    struct api_fixture *f = *state;
    struct ask *asks[4];
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(try_to_join(f, &pin, ERR_ROOM_LOCKED), 423);
        assert_int_equal(try_to_join(f, &none, ERR_WRONG_PIN), 403);
    }
    /* However many come at a time. */
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_as(f, &pin);
        assert_int_equal(asks[i]->status, i < 3 ? 0 : 429);
    }
    fail_call(f, MSG_participant_join, ERR_WRONG_PIN);
    let_in(f, /* is_made= */ true);
    fail_call(f, MSG_participant_join, ERR_WRONG_PIN);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        ask_free(&asks[i]);
    }
    assert_int_equal(try_to_join(f, &pin, ERR_WRONG_PIN), 403);
    assert_false(was_limited(f, "limit=\"join\""));
    assert_int_equal(try_to_join(f, &pin, ERR_OK), 429);
    assert_true(was_limited(f, "limit=\"pin\""));
    assert_int_equal(try_to_join(f, &none, ERR_OK), 201);
}

/* A school has one address: who guesses at one room there keeps nobody out of another. */
static void pins_of_one_room_are_guessed(void **state)
{
    static const struct sent here = {"POST", JOIN, NULL, "{\"name\":\"D\",\"pin\":\"0042\"}", NULL};
    static const struct sent undashed = {"POST", "/v1/rooms/abcdefghij/participants", NULL,
                                         "{\"name\":\"D\",\"pin\":\"0042\"}", NULL};
    static const struct sent there = {"POST", OTHER_JOIN, NULL, "{\"name\":\"D\",\"pin\":\"0042\"}",
                                      NULL};
    struct api_fixture *f = *state;
    char value[16];
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(try_to_join(f, i == 1 ? &undashed : &here, ERR_WRONG_PIN), 403);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(try_to_join(f, i % 2 == 0 ? &here : &undashed, ERR_OK), 429);
    }
    struct ask *ask = send_as(f, &here);
    assert_problem(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
    assert_int_equal(try_to_join(f, &there, ERR_OK), 201);
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(try_to_join(f, &here, ERR_OK), 201);
}

/* What is refused at a room counts no further: nobody is kept out everywhere by who tries on. */
static void pins_of_many_rooms_are_guessed(void **state)
{
    static const char pin[] = "{\"name\":\"D\",\"pin\":\"0042\"}";
    static const struct sent none = {"POST", OTHER_JOIN, NULL, NAMED, NULL};
    struct api_fixture *f = *state;
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (int i = 0; i < 5; i++) {
        const struct sent at_one = {"POST", i < 3 ? JOIN : OTHER_JOIN, NULL, pin, NULL};
        assert_int_equal(try_to_join(f, &at_one, ERR_WRONG_PIN), 403);
    }
    const struct sent at_third = {"POST", "/v1/rooms/77/participants", NULL, pin, NULL};
    assert_int_equal(try_to_join(f, &at_third, ERR_OK), 429);
    assert_int_equal(try_to_join(f, &none, ERR_OK), 201);
}

static int name_room(struct api_fixture *f, const struct sent *sent, enum msg_id message,
                     enum err err)
{
    struct ask *ask = send_as(f, sent);
    if (ask->status == 0) {
        fail_call(f, message, err);
    }
    const int status = ask->status;
    ask_free(&ask);
    return status;
}

/* Over all routes that name a room, whoever asks; by ids nobody finds a way in, and who is in a
 * room goes on. */
static void codes_are_guessed_so_often(void **state)
{
    static const struct sent guess = {"POST", JOIN, NULL, NAMED, NULL};
    static const struct sent as_carol = {"GET", ROOM, TOKEN, NULL, NULL};
    static const struct sent by_id = {"GET", "/v1/rooms/77", TOKEN, NULL, NULL};
    static const struct sent inside = {"GET", JOIN, PARTICIPANT_TOKEN, NULL, NULL};
    struct api_fixture *f = *state;
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(name_room(f, &by_id, MSG_room_get, ERR_NO_SUCH_ROOM), 404);
        assert_int_equal(name_room(f, &inside, MSG_participant_page, ERR_NO_SUCH_ROOM), 404);
        assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_GONE), 410);
    }
    assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_NO_SUCH_ROOM), 404);
    assert_int_equal(name_room(f, &as_carol, MSG_room_get, ERR_NO_SUCH_ROOM), 404);
    assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_NO_SUCH_ROOM), 404);
    assert_false(was_limited(f, "limit=\"code\""));
    assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_NO_SUCH_ROOM), 404);
    assert_int_equal(name_room(f, &as_carol, MSG_room_get, ERR_NO_SUCH_ROOM), 429);
    assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_NO_SUCH_ROOM), 429);
    assert_true(was_limited(f, "limit=\"code\""));
    assert_int_equal(name_room(f, &inside, MSG_participant_page, ERR_FORBIDDEN), 403);
    assert_int_equal(name_room(f, &by_id, MSG_room_get, ERR_GONE), 410);
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(name_room(f, &as_carol, MSG_room_get, ERR_GONE), 410);
}

/* However many come at a time: what names a room counts no more once that is known. */
static void codes_are_guessed_at_a_time(void **state)
{
    static const struct sent guess = {"POST", JOIN, NULL, NAMED, NULL};
    struct api_fixture *f = *state;
    struct ask *asks[6];
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_as(f, &guess);
        if (i < 4) {
            assert_int_equal(asks[i]->status, 0);
        } else {
            assert_problem(asks[i], 429, "rate_limited");
        }
    }
    assert_true(was_limited(f, "limit=\"code\""));
    fail_call(f, MSG_participant_join, ERR_NO_SUCH_ROOM);
    fail_call(f, MSG_participant_join, ERR_ROOM_FULL);
    fail_call(f, MSG_participant_join, ERR_NO_SUCH_ROOM);
    fail_call(f, MSG_participant_join, ERR_NO_SUCH_ROOM);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        ask_free(&asks[i]);
    }
    assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_NO_SUCH_ROOM), 404);
    assert_int_equal(name_room(f, &guess, MSG_participant_join, ERR_NO_SUCH_ROOM), 429);
}

#define WITH(secret) "{\"name\":\"D\",\"invitation\":\"" secret "\"}"

/* One that no gateway has drawn, and one that is none any more; a good one does not count. They are
 * guessed at a room: another one, and who comes without one, goes on. */
static void invitations_are_guessed_so_often(void **state)
{
    static const struct sent ours = {"POST", JOIN, NULL, WITH(INVITATION), NULL};
    static const struct sent foreign = {"POST", JOIN, NULL, WITH(FOREIGN_INVITATION), NULL};
    static const struct sent inside = {"POST", JOIN, PARTICIPANT_TOKEN, WITH(FOREIGN_INVITATION),
                                       NULL};
    static const struct sent there = {"POST", OTHER_JOIN, NULL, WITH(INVITATION), NULL};
    static const struct sent none = {"POST", JOIN, NULL, NAMED, NULL};
    struct api_fixture *f = *state;
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(try_to_join(f, &ours, ERR_INVITATION_USED_UP), 410);
    }
    assert_int_equal(try_to_join(f, &ours, ERR_NO_SUCH_INVITATION), 404);
    assert_int_equal(try_to_join(f, &foreign, ERR_OK), 404);
    assert_int_equal(try_to_join(f, &inside, ERR_OK), 404);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(try_to_join(f, &foreign, ERR_OK), 429);
    }
    struct ask *ask = send_as(f, &ours);
    char value[16];
    assert_problem(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
    assert_true(was_limited(f, "limit=\"invitation\""));
    assert_false(was_limited(f, "limit=\"code\""));
    assert_int_equal(try_to_join(f, &none, ERR_OK), 201);
    assert_int_equal(try_to_join(f, &there, ERR_NO_SUCH_INVITATION), 404);
    assert_int_equal(try_to_join(f, &there, ERR_OK), 201);
    assert_int_equal(try_to_join(f, &there, ERR_NO_SUCH_INVITATION), 404);
    /* So many over all rooms. */
    assert_int_equal(try_to_join(f, &there, ERR_OK), 429);
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(try_to_join(f, &ours, ERR_OK), 201);
}

/* A class that comes at once: a good one is not guessed while it is looked at. */
static void many_come_by_an_invitation_at_once(void **state)
{
    static const struct sent ours = {"POST", JOIN, NULL, WITH(INVITATION), NULL};
    struct api_fixture *f = *state;
    struct ask *asks[4];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_as(f, &ours);
        assert_int_equal(asks[i]->status, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        let_in(f, /* is_made= */ true);
        ask_free(&asks[i]);
    }
}

#define LIMITS_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        LIMITS_TEST(so_many_come_from_one_address),
        LIMITS_TEST(so_many_are_refused),
        LIMITS_TEST(who_is_limited_is_told_when_to_come_again),
        LIMITS_TEST(so_many_pins_are_tried),
        LIMITS_TEST(pins_of_one_room_are_guessed),
        LIMITS_TEST(pins_of_many_rooms_are_guessed),
        LIMITS_TEST(codes_are_guessed_so_often),
        LIMITS_TEST(codes_are_guessed_at_a_time),
        LIMITS_TEST(invitations_are_guessed_so_often),
        LIMITS_TEST(many_come_by_an_invitation_at_once),
    };
    return cmocka_run_group_tests_name("room_limits", tests, NULL, NULL);
}
