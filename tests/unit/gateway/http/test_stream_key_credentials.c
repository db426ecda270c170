/* Who comes with a stream key: where it is taken, what is asked of roomsvc before the handler, and
 * who he is then. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/http/dispatcher_fixture.h"

#define STREAM "/v1/rooms/77/stream"
#define LINE "/v1/lines/1"

struct fixture {
    struct dispatcher_fixture http;
    unsigned handled;
    uint8_t asker[32]; /* of the last one */
};

/* ---- rows ---- */

static void answer_stream(struct exchange *exchange)
{
    struct fixture *f = exchange->self;
    struct msg_asker asker;
    assert_true(exchange_asker(exchange, &asker));
    memcpy(f->asker, asker.token_hash.data, sizeof(f->asker));
    f->handled++;
    exchange_respond_empty(exchange);
}

static const struct route rows[] = {
    {.method = "POST",
     .template = "/v1/rooms/{room}/stream",
     .name = "send",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .key_use = STREAM_PUBLISH,
     .answer = {.status = 204},
     .handle = answer_stream},
    {.method = "PUT",
     .template = "/v1/rooms/{room}/stream",
     .name = "look",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .key_use = STREAM_WATCH,
     .answer = {.status = 204},
     .handle = answer_stream},
    {.method = "GET",
     .template = "/v1/rooms/{room}/stream",
     .name = "list",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204},
     .handle = answer_stream},
    {.method = "DELETE",
     .template = "/v1/lines/{line}",
     .name = "cut",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .answer = {.status = 204},
     .handle = answer_stream},
};

/* ---- fixture ---- */

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    dispatcher_fixture_init(&f->http, rows, ARRAY_LEN(rows), f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    const int result = dispatcher_fixture_fini(&f->http);
    free(f);
    return result;
}

static struct ask *send(struct fixture *f, const char *method, const char *path, const char *token)
{
    return dispatcher_fixture_send(&f->http, ask_new(method, path, token, STR_NONE));
}

static const struct msg_stream_enter *asked_to_enter(struct fixture *f)
{
    struct mock_bus_call *call = mock_bus_pending(&f->http.bus, MSG_stream_enter);
    assert_non_null(call);
    return &call->request.stream_enter;
}

static void answer_enter(struct fixture *f, enum err err)
{
    const struct msg reply = {.id = MSG_stream_enter_reply,
                              .stream_enter_reply = {.participant = {.id = 5,
                                                                     .name = STR_LIT("Door"),
                                                                     .role = ROOM_PARTICIPANT,
                                                                     .state = PARTICIPANT_JOINED,
                                                                     .stream = true}}};
    mock_bus_answer(mock_bus_pending(&f->http.bus, MSG_stream_enter), err,
                    err == ERR_OK ? &reply : NULL);
}

static void assert_is_hash_of_key(const void *hash)
{
    uint8_t expected[32];
    crypto_hash_sha256(expected, (const unsigned char *)STREAM_KEY, strlen(STREAM_KEY));
    assert_memory_equal(hash, expected, sizeof(expected));
}

/* ---- tests ---- */

static void who_has_a_key_comes_in_before_anything_is_done(void **state)
{
    static const struct {
        const char *method, *token;
        enum stream_use use;
    } table[] = {{"POST", STREAM_KEY, STREAM_PUBLISH},
                 {"POST", "Bearer " STREAM_KEY, STREAM_PUBLISH},
                 {"POST", "bearer " STREAM_KEY, STREAM_PUBLISH},
                 {"PUT", STREAM_KEY, STREAM_WATCH}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = send(f, table[i].method, STREAM, table[i].token);
        const struct msg_stream_enter *enter = asked_to_enter(f);
        assert_true(str_eq(enter->room, STR_LIT("77")) && enter->use == table[i].use);
        assert_int_equal(enter->address.bytes, ADDRESS_BYTES);
        assert_is_hash_of_key(enter->key_hash.data);
        assert_int_equal(f->handled, i);
        answer_enter(f, ERR_OK);
        assert_int_equal(f->handled, i + 1);
        assert_int_equal(ask->status, 204);
        assert_is_hash_of_key(f->asker);
        ask_free(&ask);
    }
}

static void what_it_has_made_is_its_own_without_coming_in_again(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, "DELETE", LINE, STREAM_KEY);
    assert_int_equal(ask->status, 204);
    assert_is_hash_of_key(f->asker);
    assert_null(mock_bus_pending(&f->http.bus, MSG_stream_enter));
    ask_free(&ask);
}

static void a_participant_comes_in_by_no_key(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, "POST", STREAM, PARTICIPANT_TOKEN);
    assert_int_equal(ask->status, 204);
    assert_null(mock_bus_pending(&f->http.bus, MSG_stream_enter));
    ask_free(&ask);
}

static void it_is_taken_nowhere_else_and_only_if_a_gateway_has_drawn_it(void **state)
{
    static const struct {
        const char *method, *token;
    } table[] = {
        {"GET", STREAM_KEY}, {"POST", "ls_" TOKEN}, {"POST", "ls_" PARTICIPANT_DIGITS},
        {"POST", "ls_"},     {"POST", TOKEN},       {"POST", NULL},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = send(f, table[i].method, STREAM, table[i].token);
        assert_problem(ask, 401, "unauthorized");
        ask_free(&ask);
    }
    assert_int_equal(f->handled, 0);
    assert_null(mock_bus_pending(&f->http.bus, MSG_stream_enter));
}

static void why_it_does_not_come_in_is_the_answer(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *code;
    } table[] = {
        {ERR_FORBIDDEN, 403, "forbidden"},
        {ERR_NO_SUCH_ROOM, 404, "no_such_room"},
        {ERR_ROOM_LOCKED, 423, "room_locked"},
        {ERR_ROOM_FULL, 409, "room_full"},
        {ERR_BANNED, 403, "banned"},
        {ERR_GONE, 410, "gone"},
        {ERR_UNAUTHORIZED, 401, "unauthorized"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = send(f, "POST", STREAM, STREAM_KEY);
        answer_enter(f, table[i].err);
        assert_problem(ask, table[i].status, table[i].code);
        ask_free(&ask);
    }
    assert_int_equal(f->handled, 0);
}

/* Keys that are gone are counted as other tokens of nobody are. */
static void keys_that_are_gone_are_limited_by_address(void **state)
{
    struct fixture *f = *state;
    struct ask *ask;
    for (unsigned i = 0; i < 3; i++) {
        ask = send(f, "POST", STREAM, STREAM_KEY);
        answer_enter(f, ERR_UNAUTHORIZED);
        ask_free(&ask);
    }
    ask = send(f, "POST", STREAM, STREAM_KEY);
    assert_problem(ask, 429, "rate_limited");
    ask_free(&ask);
}

static void a_gateway_that_ends_waits_for_nobody(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = send(f, "POST", STREAM, STREAM_KEY);
    dispatcher_free(&f->http.dispatcher);
    answer_enter(f, ERR_OK);
    assert_int_equal(f->handled, 0);
    ask_free(&ask);
}

#define KEY_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_TEST(who_has_a_key_comes_in_before_anything_is_done),
        KEY_TEST(what_it_has_made_is_its_own_without_coming_in_again),
        KEY_TEST(a_participant_comes_in_by_no_key),
        KEY_TEST(it_is_taken_nowhere_else_and_only_if_a_gateway_has_drawn_it),
        KEY_TEST(why_it_does_not_come_in_is_the_answer),
        KEY_TEST(keys_that_are_gone_are_limited_by_address),
        KEY_TEST(a_gateway_that_ends_waits_for_nobody),
    };
    return cmocka_run_group_tests_name("stream keys as credentials", tests, NULL, NULL);
}
