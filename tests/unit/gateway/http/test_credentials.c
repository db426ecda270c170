/* Who asks: what a request may come with, for each kind of route, and what is known of it then. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/http/repeat_key.h"
#include "tests/unit/gateway/http/dispatcher_fixture.h"

#define KEY "8e03978e-40d5-43dd-bc93-6894a57f9324"

struct fixture {
    struct dispatcher_fixture http;
    /* What answer_who was told. */
    bool has_asker, key_is_given;
    uint8_t asker[32], key[REPEAT_KEY_BYTES];
};

/* ---- rows ---- */

/* What a handler gets to know of who asks: as the message would have it, and its key. */
static void answer_who(struct exchange *exchange)
{
    struct fixture *f = exchange->self;
    struct msg_asker asker = {.token_hash = STR_LIT("")};
    struct json_out out;
    f->has_asker = exchange_asker(exchange, &asker);
    memset(f->asker, 0, sizeof(f->asker));
    memcpy(f->asker, asker.token_hash.data, asker.token_hash.bytes);
    f->key_is_given = repeat_key_is_given(exchange);
    repeat_key_make(exchange, f->key);
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    json_out_member_u64(&out, "user", exchange->context.principal.user_id);
    json_out_key(&out, "token");
    json_out_str(&out, auth_token(exchange));
    json_out_close(&out, "}");
    exchange_respond_json(exchange);
}

static enum err prepare_end(struct exchange *exchange, struct msg *msg)
{
    msg->meeting_end.idempotency_key = repeat_key_attach(exchange);
    msg->meeting_end.room = exchange_parameter(exchange, "door");
    msg->meeting_end.has_asker = exchange_asker(exchange, &msg->meeting_end.asker);
    return ERR_OK;
}

static const struct route_ask ask_end = {.message = MSG_meeting_end, .prepare = prepare_end};

static const struct route rows[] = {
    {.method = "GET",
     .template = "/v1/doors/{door}",
     .name = "look",
     .who = ROUTE_PARTICIPANT,
     .handle = answer_who},
    {.method = "PUT",
     .template = "/v1/doors/{door}",
     .name = "paint",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .handle = answer_who},
    {.method = "POST",
     .template = "/v1/doors/{door}",
     .name = "knock",
     .who = ROUTE_USER_PARTICIPANT_OR_NOBODY,
     .takes_key = true,
     .handle = answer_who},
    {.method = "DELETE",
     .template = "/v1/doors/{door}",
     .name = "shut",
     .who = ROUTE_PARTICIPANT,
     .answer = {.status = 204},
     .ask = &ask_end},
    {.method = "PATCH",
     .template = "/v1/doors/{door}",
     .name = "lock",
     .who = ROUTE_USER,
     .handle = answer_who},
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

static struct ask *send(struct fixture *f, struct ask *ask)
{
    return dispatcher_fixture_send(&f->http, ask);
}

/* ---- tests ---- */

/* Who may be told: nobody, a user, a participant; what comes and is bad, or not taken, is refused.
 */
static void test_kinds_of_who(void **state)
{
    enum outcome { REFUSED, NOBODY, A_USER, A_PARTICIPANT };
    static const struct {
        const char *token;
        enum outcome looks, paints, knocks;
    } table[] = {
        {NULL, REFUSED, REFUSED, NOBODY},
        {"", REFUSED, REFUSED, REFUSED},
        {"Bearer ", REFUSED, REFUSED, REFUSED},
        {"lp_", REFUSED, REFUSED, REFUSED},
        {FOREIGN_TOKEN, REFUSED, REFUSED, REFUSED},
        {"lp_" TOKEN, REFUSED, REFUSED, REFUSED},
        {PARTICIPANT_DIGITS, REFUSED, REFUSED, REFUSED},
        {"LP_" PARTICIPANT_DIGITS, REFUSED, REFUSED, REFUSED},
        {TOKEN, REFUSED, A_USER, A_USER},
        {PARTICIPANT_TOKEN, A_PARTICIPANT, A_PARTICIPANT, A_PARTICIPANT},
        {"Bearer " PARTICIPANT_TOKEN, A_PARTICIPANT, A_PARTICIPANT, A_PARTICIPANT},
    };
    static const char *const methods[] = {"GET", "PUT", "POST"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 3 * ARRAY_LEN(table); i++) {
        const enum outcome outcomes[] = {table[i / 3].looks, table[i / 3].paints,
                                         table[i / 3].knocks};
        const enum outcome outcome = outcomes[i % 3];
        struct ask *ask =
            send(f, ask_new(methods[i % 3], "/v1/doors/1", table[i / 3].token, STR_NONE));
        if (outcome == A_USER) {
            dispatcher_fixture_answer_session(&f->http, 42);
        }
        if (outcome == REFUSED) {
            assert_problem(ask, 401, "unauthorized");
        } else {
            assert_int_equal(ask->status, 200);
            assert_int_equal(f->has_asker, outcome == A_PARTICIPANT);
            assert_int_equal(strstr(ask->body, "\"user\":42") != NULL, outcome == A_USER);
            assert_int_equal(strstr(ask->body, PARTICIPANT_TOKEN) != NULL,
                             outcome == A_PARTICIPANT);
        }
        ask_free(&ask);
    }
    assert_null(mock_bus_pending(&f->http.bus, MSG_session_check));
    /* Services know the hash of all of it. */
    uint8_t hash[32];
    crypto_hash_sha256(hash, (const unsigned char *)PARTICIPANT_TOKEN, TOKEN_PREFIXED_BYTES);
    assert_memory_equal(f->asker, hash, sizeof(hash));
    /* A user's route takes no participant. */
    struct ask *ask = send(f, ask_new("PATCH", "/v1/doors/1", PARTICIPANT_TOKEN, STR_NONE));
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
}

/* A cookie holds a session, and Authorization wins over it. */
static void test_participants_and_cookies(void **state)
{
    static const struct {
        const char *cookie, *token;
        int status;
    } table[] = {
        {"__Host-lynks=" PARTICIPANT_TOKEN, NULL, 401},
        {"__Host-lynks=" TOKEN, PARTICIPANT_TOKEN, 200},
        {"__Host-lynks=" FOREIGN_TOKEN, PARTICIPANT_TOKEN, 200},
        {"__Host-lynks=" FOREIGN_TOKEN, NULL, 401},
        {"another=" FOREIGN_TOKEN, NULL, 200},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = ask_new("POST", "/v1/doors/1", table[i].token, STR_NONE);
        ask_set_header(ask, "Cookie", table[i].cookie);
        send(f, ask);
        assert_int_equal(ask->status, table[i].status);
        ask_free(&ask);
    }
    struct ask *ask = ask_new("POST", "/v1/doors/1", PARTICIPANT_TOKEN, STR_NONE);
    ask_set_header(ask, "Cookie", "__Host-lynks=" TOKEN);
    ask_set_header(ask, "Origin", "https://a.example");
    assert_problem(send(f, ask), 403, "foreign_page");
    ask_free(&ask);
    assert_null(mock_bus_pending(&f->http.bus, MSG_session_check));
}

/* Somebody at a door. */
struct knock {
    const char *path, *token, *key; /* token, key: may be NULL */
    bool is_proxied;                /* a proxy has given it an id */
    uint8_t address;                /* the last byte of it */
};

/* The key of its message is in f->key. */
static void do_knock(struct fixture *f, const struct knock *knock)
{
    struct ask *ask = ask_new("POST", knock->path, knock->token, STR_NONE);
    ask_set_header(ask, "Idempotency-Key", knock->key);
    ask->request.client[15] = knock->address;
    ask->request.proxy_id = knock->is_proxied ? STR_LIT("drawn by a proxy") : STR_NONE;
    send(f, ask);
    assert_int_equal(ask->status, 200);
    ask_free(&ask);
}

static void test_keys_are_of_who_asks_and_of_the_place(void **state)
{
    static const struct knock knocks[] = {
        {"/v1/doors/1", PARTICIPANT_TOKEN, KEY, false, 1},
        {"/v1/doors/2", PARTICIPANT_TOKEN, KEY, false, 1},
        {"/v1/doors/1", NULL, KEY, false, 1},
        {"/v1/doors/2", NULL, KEY, false, 1},
        {"/v1/doors/1", PARTICIPANT_TOKEN, NULL, true, 1},
        {"/v1/doors/1", NULL, NULL, true, 1},
        {"/v1/doors/1", NULL, NULL, true, 2}, /* who guesses a proxy's id */
    };
    struct fixture *f = *state;
    struct auth_secret other;
    uint8_t made[ARRAY_LEN(knocks)][REPEAT_KEY_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(knocks); i++) {
        do_knock(f, &knocks[i]);
        assert_true(f->key_is_given);
        memcpy(made[i], f->key, sizeof(made[i]));
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(made[i], made[j], sizeof(made[i]));
        }
        do_knock(f, &knocks[i]);
        assert_memory_equal(made[i], f->key, sizeof(made[i]));
    }
    /* The client's own key is good from anywhere; a participant's may be short. */
    do_knock(f, &(struct knock){"/v1/doors/1", NULL, KEY, true, 2});
    assert_memory_equal(made[2], f->key, sizeof(made[2]));
    do_knock(f, &(struct knock){"/v1/doors/1", PARTICIPANT_TOKEN, "k", false, 1});
    auth_draw_secret(f->http.auth, TOKEN_PARTICIPANT, STR_NONE, &other);
    do_knock(f, &(struct knock){"/v1/doors/1", other.text, KEY, false, 1});
    assert_memory_not_equal(made[0], f->key, sizeof(made[0]));
    do_knock(f, &(struct knock){"/v1/doors/1", NULL, NULL, false, 1});
    assert_false(f->key_is_given);
}

static struct ask *shut(struct fixture *f)
{
    struct ask *ask = ask_new("DELETE", "/v1/doors/1", PARTICIPANT_TOKEN, STR_NONE);
    return send(f, ask);
}

static void answer_shut(struct fixture *f, struct ask *ask, enum err err, int status)
{
    const struct msg reply = {.id = MSG_meeting_end_reply};
    struct mock_bus_call *call = mock_bus_pending(&f->http.bus, MSG_meeting_end);
    assert_true(call->request.meeting_end.has_asker);
    mock_bus_answer(call, err, err == ERR_OK ? &reply : NULL);
    assert_int_equal(ask->status, status);
    ask_free(&ask);
}

/* Tokens of participants who are gone count as those of ended sessions do. */
static void test_participants_who_are_nobody(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        answer_shut(f, shut(f), ERR_UNAUTHORIZED, 401);
    }
    struct ask *ask = shut(f);
    assert_problem(ask, 429, "rate_limited");
    ask_free(&ask);
    fake_clock_advance(f->http.clock, 10000);
    answer_shut(f, shut(f), ERR_NOT_JOINED, 409); /* says nothing of the token */
    answer_shut(f, shut(f), ERR_OK, 204);
    answer_shut(f, shut(f), ERR_UNAUTHORIZED, 401);
    ask = shut(f);
    assert_problem(ask, 429, "rate_limited");
    ask_free(&ask);
}

/* However many others of his address are nobody, who was in goes on. */
static void test_participants_who_are_known(void **state)
{
    struct fixture *f = *state;
    struct ask *asks[3];
    answer_shut(f, shut(f), ERR_OK, 204);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send(f, ask_new("PATCH", "/v1/doors/1", TOKEN, STR_NONE));
    }
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        mock_bus_answer(mock_bus_pending(&f->http.bus, MSG_session_check), ERR_UNAUTHORIZED, NULL);
        ask_free(&asks[i]);
    }
    answer_shut(f, shut(f), ERR_OK, 204);
}

/* Whoever may come again gets the same one; anybody else gets one that nobody has had. */
static void test_participants_tokens(void **state)
{
    struct fixture *f = *state;
    struct auth_secret drawn, again, derived;
    auth_draw_secret(f->http.auth, TOKEN_PARTICIPANT, STR_NONE, &drawn);
    auth_draw_secret(f->http.auth, TOKEN_PARTICIPANT, STR_NONE, &again);
    assert_string_not_equal(drawn.text, again.text);
    auth_draw_secret(f->http.auth, TOKEN_PARTICIPANT, STR_LIT("seed"), &derived);
    auth_draw_secret(f->http.auth, TOKEN_PARTICIPANT, STR_LIT("seed"), &again);
    assert_memory_equal(&derived, &again, sizeof(derived));
    do_knock(f, &(struct knock){"/v1/doors/1", derived.text, NULL, false, 1});
    assert_memory_equal(f->asker, derived.hash, sizeof(derived.hash));
    do_knock(f, &(struct knock){"/v1/doors/1", drawn.text, NULL, false, 1});
    assert_memory_equal(f->asker, drawn.hash, sizeof(drawn.hash));
}

/* What no gateway has drawn as one is refused here. */
static void test_invitations_secrets(void **state)
{
    static const char *const none[] = {
        "", "li_", "li_" FOREIGN_TOKEN, TOKEN, "li_" TOKEN, PARTICIPANT_TOKEN, FOREIGN_INVITATION};
    struct fixture *f = *state;
    struct auth_secret drawn, again;
    uint8_t hash[AUTH_HASH_BYTES];
    auth_draw_secret(f->http.auth, TOKEN_INVITATION, STR_NONE, &drawn);
    assert_memory_equal(drawn.text, "li_", 3);
    assert_int_equal(auth_read_invitation(f->http.auth, str_of(drawn.text), hash), ERR_OK);
    assert_memory_equal(hash, drawn.hash, sizeof(hash));
    assert_int_equal(auth_read_invitation(f->http.auth, STR_LIT(INVITATION), hash), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_int_equal(auth_read_invitation(f->http.auth, str_of(none[i]), hash),
                         ERR_NO_SUCH_INVITATION);
    }
    auth_draw_secret(f->http.auth, TOKEN_INVITATION, STR_LIT("seed"), &drawn);
    auth_draw_secret(f->http.auth, TOKEN_INVITATION, STR_LIT("seed"), &again);
    assert_memory_equal(&drawn, &again, sizeof(drawn));
    auth_draw_secret(f->http.auth, TOKEN_PARTICIPANT, STR_LIT("seed"), &again);
    assert_memory_not_equal(drawn.text + 3, again.text + 3, 48);
}

#define CREDENTIALS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREDENTIALS_TEST(test_invitations_secrets),
        CREDENTIALS_TEST(test_kinds_of_who),
        CREDENTIALS_TEST(test_participants_and_cookies),
        CREDENTIALS_TEST(test_keys_are_of_who_asks_and_of_the_place),
        CREDENTIALS_TEST(test_participants_tokens),
        CREDENTIALS_TEST(test_participants_who_are_nobody),
        CREDENTIALS_TEST(test_participants_who_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
