/* Lists that are asked for while it is still checked who asks: every order in which the two can
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define LIST "{\"room_id\":123456}"
#define OTHER "{\"room_id\":7}"
#define LISTED(feed) "{\"action\":\"success\",\"room_id\":123456,\"publishers\":[" feed "]}"
#define LISTED_MS 2000 /* of a list in its turn, for which others are asked ahead */

static struct ask *send_list(struct api_fixture *f, const char *body)
{
    return ask_send(f, "/list_participants", TOKEN, body);
}

static void answer_feed(struct api_fixture *f, uint64_t feed)
{
    answer_list(f, &feed, 1);
}

/* What has been called since the last time. */
static size_t calls_made(struct api_fixture *f)
{
    static size_t seen;
    size_t made = f->bus.count < seen ? f->bus.count : f->bus.count - seen;
    seen = f->bus.count;
    return made;
}

static struct mock_bus_call *listing(struct api_fixture *f)
{
    return mock_bus_pending(&f->bus, MSG_room_participants);
}

static void assert_ahead(struct api_fixture *f)
{
    const struct mock_bus_call *call = listing(f);
    assert_non_null(call);
    assert_true(call->request.room_participants.ahead);
    assert_int_equal(call->request.room_participants.room_id, 123456);
    assert_int_equal(call->context.principal.kind, PRINCIPAL_NONE);
    assert_non_null(mock_bus_pending(&f->bus, MSG_session_check));
}

/* The room has been listed in its turn, so that what follows is asked ahead. */
static int setup(void **state)
{
    int failed = api_fixture_setup(state);
    struct api_fixture *f = *state;
    struct ask *ask = send_list(f, LIST);
    assert_null(listing(f));
    answer_session(f, 42);
    const struct mock_bus_call *call = listing(f);
    assert_false(call->request.room_participants.ahead);
    assert_int_equal(call->context.principal.user_id, 42);
    answer_feed(f, 1);
    assert_string_equal(ask->body, LISTED("1"));
    ask_free(&ask);
    (void)calls_made(f);
    return failed;
}

/* ---- both go well ---- */

static void test_answer_first(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_list(f, LIST);
    assert_ahead(f);
    answer_feed(f, 2);
    assert_int_equal(ask->answers, 0);
    answer_session(f, 42);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, LISTED("2"));
    assert_int_equal(calls_made(f), 2);
    ask_free(&ask);
}

static void test_check_first(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_list(f, LIST);
    assert_ahead(f);
    answer_session(f, 42);
    assert_int_equal(ask->answers, 0);
    answer_feed(f, 2);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, LISTED("2"));
    assert_int_equal(calls_made(f), 2);
    ask_free(&ask);
}

/* Answers wait for their own checks, and come to those who asked. */
static void test_several_at_a_time(void **state)
{
    struct api_fixture *f = *state;
    struct ask *first = send_list(f, LIST), *second = send_list(f, LIST);
    answer_feed(f, 1);
    answer_feed(f, 2);
    fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
    answer_session(f, 42);
    assert_failed(first, 401, "unauthorized");
    assert_string_equal(second->body, LISTED("2"));
    ask_free(&first);
    ask_free(&second);
}

/* ---- the session does not hold ---- */

static void test_check_fails_first(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_list(f, LIST);
    assert_ahead(f);
    fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
    assert_failed(ask, 401, "unauthorized");
    answer_feed(f, 2);
    ask_free(&ask);
}

/* Whether there is such a room is not for nobody to know. */
static void test_check_fails_last(void **state)
{
    static const enum err errors[] = {ERR_OK, ERR_NO_SUCH_ROOM, ERR_UNAVAILABLE, ERR_DEADLINE};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct ask *ask = send_list(f, LIST);
        assert_ahead(f);
        if (errors[i] == ERR_OK) {
            answer_feed(f, 2);
        } else {
            fail_call(f, MSG_room_participants, errors[i]);
        }
        assert_int_equal(ask->answers, 0);
        fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
        assert_failed(ask, 401, "unauthorized");
        ask_free(&ask);
    }
}

/* ---- the answer fails ---- */

static const struct {
    enum err err;
    int status;
    const char *code;
} failures[] = {
    {ERR_NO_SUCH_ROOM, 404, "no_such_room"},
    {ERR_UNAVAILABLE, 503, "unavailable"},
    {ERR_OVERLOADED, 503, "overloaded"},
    {ERR_DEADLINE, 504, "deadline"},
};

static void test_answer_fails_first(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        struct ask *ask = send_list(f, LIST);
        fail_call(f, MSG_room_participants, failures[i].err);
        assert_int_equal(ask->answers, 0);
        answer_session(f, 42);
        assert_failed(ask, failures[i].status, failures[i].code);
        ask_free(&ask);
    }
}

static void test_answer_fails_last(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        struct ask *ask = send_list(f, LIST);
        answer_session(f, 42);
        fail_call(f, MSG_room_participants, failures[i].err);
        assert_failed(ask, failures[i].status, failures[i].code);
        ask_free(&ask);
    }
}

static void test_answer_of_another_kind(void **state)
{
    static const struct msg another = {.id = MSG_login_reply, .login_reply = {.user_id = 1}};
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (int i = 0; i < 2; i++) {
        struct ask *ask = send_list(f, LIST);
        if (i == 0) {
            answer_session(f, 42);
        }
        mock_bus_answer(listing(f), ERR_OK, &another);
        if (i == 1) {
            answer_session(f, 42);
        }
        assert_failed(ask, 502, "protocol");
        ask_free(&ask);
    }
}

/* The services have nothing to say in time; both calls end at the same deadline, in either order.
 */
static void test_deadline(void **state)
{
    static const enum msg_id orders[][2] = {{MSG_session_check, MSG_room_participants},
                                            {MSG_room_participants, MSG_session_check}};
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct ask *ask = send_list(f, LIST);
        assert_int_equal(listing(f)->context.deadline_ms,
                         mock_bus_pending(&f->bus, MSG_session_check)->context.deadline_ms);
        fail_call(f, orders[i][0], ERR_DEADLINE);
        fail_call(f, orders[i][1], ERR_DEADLINE);
        assert_failed(ask, 504, "deadline");
        ask_free(&ask);
    }
}

static void test_bus_takes_nothing(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    f->bus.refuse = ERR_OVERLOADED;
    struct ask *ask = send_list(f, LIST);
    assert_failed(ask, 503, "overloaded");
    ask_free(&ask);
}

/* ---- the API ends meanwhile ---- */

static void test_api_ends(void **state)
{
    static const struct {
        const char *before, *after; /* c: the check is answered, a: the list */
    } rows[] = {{"", "ca"}, {"", "ac"}, {"c", "a"}, {"a", "c"}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *first = send_list(f, LIST);
        if (listing(f) == NULL) { /* an API that has just begun */
            answer_session(f, 42);
            answer_feed(f, 1);
            ask_free(&first);
            first = send_list(f, LIST);
        }
        assert_ahead(f);
        const char *order[] = {rows[i].before, rows[i].after};
        for (size_t part = 0; part < ARRAY_LEN(order); part++) {
            if (part == 1) {
                api_free(&f->api);
                assert_int_equal(first->status, 503);
            }
            for (const char *c = order[part]; *c != '\0'; c++) {
                if (*c == 'c') {
                    answer_session(f, 42);
                } else {
                    answer_feed(f, 2);
                }
            }
        }
        ask_free(&first);
        api_fixture_restart(f);
    }
}

/* ---- when ---- */

/* It is only as a list in its turn that somebody's asking counts: they come time and again. */
static void test_lists_in_their_turn_come_again(void **state)
{
    struct api_fixture *f = *state;
    for (uint64_t ms = 0; ms < LISTED_MS; ms += LISTED_MS / 4) {
        struct ask *ask = send_list(f, LIST);
        assert_ahead(f);
        answer_feed(f, 2);
        answer_session(f, 42);
        ask_free(&ask);
        fake_clock_advance(f->clock, LISTED_MS / 4);
    }
    for (int i = 0; i < 2; i++) {
        struct ask *ask = send_list(f, LIST);
        assert_null(listing(f));
        answer_session(f, 42);
        assert_false(listing(f)->request.room_participants.ahead);
        if (i == 0) { /* what fails has counted for nothing */
            fail_call(f, MSG_room_participants, ERR_NO_SUCH_ROOM);
        } else {
            answer_feed(f, 2);
        }
        ask_free(&ask);
    }
    struct ask *ask = send_list(f, LIST);
    assert_ahead(f);
    answer_feed(f, 2);
    answer_session(f, 42);
    ask_free(&ask);
}

static void test_only_of_rooms_that_are_in_use(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_list(f, OTHER);
    assert_null(listing(f));
    fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
    ask_free(&ask);
    ask = send_list(f, OTHER);
    assert_null(listing(f));
    answer_session(f, 42);
    answer_feed(f, 2);
    ask_free(&ask);
}

/* What cannot be right is not asked for at all. */
static void test_not_before_the_body_is_right(void **state)
{
    static const char *const bodies[] = {"", "{", "{\"room_id\":\"123456\"}"};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct ask *ask = send_list(f, bodies[i]);
        assert_failed(ask, 400, "bad_request");
        ask_free(&ask);
    }
    struct ask *ask = ask_send(f, "/list_participants", FOREIGN_TOKEN, LIST);
    assert_failed(ask, 401, "unauthorized");
    ask_free(&ask);
    assert_int_equal(calls_made(f), 0);
}

/* The next one to ask may be somebody else. */
static void test_what_is_for_its_asker_is_never_asked_ahead(void **state)
{
    static const char body[] = "{\"room_id\":77}";
    static const struct msg reply = {.id = MSG_room_participants_reply,
                                     .room_participants_reply = {.for_asker = true}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        struct ask *ask = send_list(f, body);
        assert_null(listing(f));
        answer_session(f, 42);
        assert_false(listing(f)->request.room_participants.ahead);
        mock_bus_answer(listing(f), ERR_OK, &reply);
        assert_int_equal(ask->status, 200);
        ask_free(&ask);
    }
    (void)calls_made(f);
}

#define AHEAD_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AHEAD_TEST(test_answer_first),
        AHEAD_TEST(test_check_first),
        AHEAD_TEST(test_several_at_a_time),
        AHEAD_TEST(test_check_fails_first),
        AHEAD_TEST(test_check_fails_last),
        AHEAD_TEST(test_answer_fails_first),
        AHEAD_TEST(test_answer_fails_last),
        AHEAD_TEST(test_answer_of_another_kind),
        AHEAD_TEST(test_deadline),
        AHEAD_TEST(test_bus_takes_nothing),
        AHEAD_TEST(test_api_ends),
        AHEAD_TEST(test_lists_in_their_turn_come_again),
        AHEAD_TEST(test_only_of_rooms_that_are_in_use),
        AHEAD_TEST(test_not_before_the_body_is_right),
        AHEAD_TEST(test_what_is_for_its_asker_is_never_asked_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
