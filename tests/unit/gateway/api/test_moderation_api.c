/* The lobby, who is made mute, bans and the chat: what is asked of roomsvc, and what clients are
 * told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define ROOM "/v1/rooms/77"
#define DAVE ROOM "/participants/9"
#define BANS ROOM "/bans"
#define MESSAGES ROOM "/messages"

/* ---- the lobby ---- */

static void who_waits_is_let_in_or_not(void **state)
{
    static const struct {
        struct sent sent;
        bool admits, all;
        size_t count;
    } rows[] = {
        {{"POST", DAVE "/admit", TOKEN, NULL, NULL}, true, false, 1},
        {{"POST", DAVE "/deny", PARTICIPANT_TOKEN, NULL, NULL}, false, false, 1},
        {{"POST", ROOM "/admit-all", TOKEN, "{\"participants\":[\"9\",\"12\"]}", NULL},
         true,
         true,
         2},
        {{"POST", ROOM "/admit-all", PARTICIPANT_TOKEN, "{\"participants\":[\"9\"]}", NULL},
         true,
         true,
         1},
        {{"POST", ROOM "/admit-all", TOKEN, "{\"participants\":[]}", NULL}, true, true, 0},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        const struct msg_lobby_decide *decide = &asked(f, MSG_lobby_decide)->request.lobby_decide;
        assert_true(str_eq(decide->room, STR_LIT("77")) && decide->idempotency_key.bytes == 16);
        assert_true(decide->admits == rows[i].admits && decide->all == rows[i].all);
        assert_int_equal(decide->has_asker, strcmp(rows[i].sent.token, TOKEN) != 0);
        assert_true(decide->has_origin);
        assert_int_equal(decide->participants.count, rows[i].count);
        assert_true(rows[i].count < 1 || decide->participants.items[0] == 9);
        assert_true(rows[i].count < 2 || decide->participants.items[1] == 12);
        mock_bus_answer(asked(f, MSG_lobby_decide), ERR_OK,
                        &(struct msg){.id = MSG_lobby_decide_reply});
        assert_int_equal(ask->status, 204);
        ask_free(&ask);
    }
}

/* As many as may wait are admitted at once, and no more. */
static void all_who_may_wait_fit(void **state)
{
    struct api_fixture *f = *state;
    struct strbuf body = {0};
    strbuf_add_z(&body, "{\"participants\":[\"9007199254740991\"");
    for (size_t i = 1; i < WAITING_MAX; i++) {
        strbuf_add_z(&body, ",\"9007199254740991\"");
    }
    AUTO(mem_free) char *fits = mem_printf("%.*s]}", (int)body.bytes, body.data);
    AUTO(mem_free) char *more = mem_printf("%.*s,\"1\"]}", (int)body.bytes, body.data);
    strbuf_fini(&body);
    struct ask *ask = send_as(f, &(struct sent){"POST", ROOM "/admit-all", TOKEN, fits, NULL});
    const struct u64_list *ids = &asked(f, MSG_lobby_decide)->request.lobby_decide.participants;
    assert_int_equal(ids->count, WAITING_MAX);
    assert_int_equal(ids->items[WAITING_MAX - 1], 9007199254740991);
    fail_call(f, MSG_lobby_decide, ERR_ROOM_FULL);
    assert_problem(ask, 409, "room_full");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", ROOM "/admit-all", TOKEN, more, NULL});
    assert_problem(ask, 422, "wrong_member");
    ask_free(&ask);
}

/* ---- who is mute ---- */

static void who_is_made_mute_is_named_or_all_are(void **state)
{
    static const struct {
        struct sent sent;
        uint64_t participant, sources;
    } rows[] = {
        {{"POST", DAVE "/mute", TOKEN, "{\"sources\":[\"audio\"]}", NULL}, 9, MEDIA_AUDIO},
        {{"POST", DAVE "/mute", PARTICIPANT_TOKEN, "{\"sources\":[\"screen\",\"video\"]}", NULL},
         9,
         MEDIA_SCREEN | MEDIA_VIDEO},
        {{"POST", ROOM "/mute-all", TOKEN, "{\"sources\":[\"audio\",\"video\",\"screen\"]}", NULL},
         0,
         MEDIA_AUDIO | MEDIA_VIDEO | MEDIA_SCREEN},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        const struct msg_participant_mute *mute =
            &asked(f, MSG_participant_mute)->request.participant_mute;
        assert_true(str_eq(mute->room, STR_LIT("77")) && mute->idempotency_key.bytes == 16);
        assert_true(mute->participant == rows[i].participant && mute->sources == rows[i].sources);
        assert_int_equal(mute->has_asker, strcmp(rows[i].sent.token, TOKEN) != 0);
        assert_true(mute->has_origin);
        mock_bus_answer(asked(f, MSG_participant_mute), ERR_OK,
                        &(struct msg){.id = MSG_participant_mute_reply});
        assert_int_equal(ask->status, 204);
        ask_free(&ask);
    }
}

/* ---- bans ---- */

static const struct msg_ban by_all = {.id = 3,
                                      .name = STR_LIT("Dave"),
                                      .user_id = 42,
                                      .invitation_id = 10,
                                      .device = true,
                                      .note = STR_LIT("Rude"),
                                      .expires_unix_ms = 1700000001000,
                                      .created_unix_ms = 1700000000000};
#define BY_ALL                                                                                     \
    "{\"id\":\"3\",\"name\":\"Dave\",\"by\":[\"user\",\"invitation\",\"device\"],\"user\":\"42\"," \
    "\"invitation\":\"10\",\"note\":\"Rude\",\"expires_at\":\"2023-11-14T22:13:21.000Z\","         \
    "\"created_at\":\"2023-11-14T22:13:20.000Z\"}"
static const struct msg_ban by_device = {
    .id = 4, .name = STR_LIT("Erin"), .device = true, .created_unix_ms = 1700000000000};
#define BY_DEVICE                                                                                  \
    "{\"id\":\"4\",\"name\":\"Erin\",\"by\":[\"device\"],\"expires_at\":null,"                     \
    "\"created_at\":\"2023-11-14T22:13:20.000Z\"}"

static void somebody_is_banned(void **state)
{
    struct api_fixture *f = *state;
    char location[LOCATION_BYTES];
    struct ask *ask = send_as(
        f, &(struct sent){"POST", BANS, TOKEN,
                          "{\"participant\":\"9\",\"by\":[\"device\",\"user\",\"invitation\"],"
                          "\"note\":\"Rude\",\"expires_at\":\"2023-11-14T22:13:21Z\"}",
                          KEY});
    const struct msg_ban_add *add = &asked(f, MSG_ban_add)->request.ban_add;
    assert_true(str_eq(add->room, STR_LIT("77")) && add->participant == 9);
    assert_true(add->user && add->invitation && add->device);
    assert_true(str_eq(add->note, STR_LIT("Rude")) && add->expires_at == 1700000001000);
    assert_true(add->idempotency_key.bytes == 16 && add->body_hash.bytes == 16);
    assert_true(add->has_origin && !add->has_asker);
    mock_bus_answer(asked(f, MSG_ban_add), ERR_OK,
                    &(struct msg){.id = MSG_ban_add_reply, .ban_add_reply = {.ban = by_all}});
    assert_int_equal(ask->status, 201);
    assert_string_equal(ask->body, BY_ALL);
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), BANS "/3");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", BANS, PARTICIPANT_TOKEN,
                                    "{\"participant\":\"9\",\"by\":[\"invitation\"]}", NULL});
    add = &asked(f, MSG_ban_add)->request.ban_add;
    assert_true(add->invitation && !add->user && !add->device && add->has_asker);
    assert_true(add->note.bytes == 0 && add->expires_at == 0 && add->body_hash.bytes == 0);
    fail_call(f, MSG_ban_add, ERR_FORBIDDEN);
    assert_problem(ask, 403, "forbidden");
    ask_free(&ask);
}

/* 200 characters, whatever they are. */
static void a_note_is_so_long(void **state)
{
    struct api_fixture *f = *state;
    char note[801] = "";
    for (size_t i = 0; i < 200; i++) {
        memcpy(note + 4 * i, "\xf0\x9f\x8d\xb5", 4);
    }
    AUTO(mem_free)
    char *fits = mem_printf("{\"participant\":\"9\",\"by\":[\"user\"],\"note\":\"%.800s\"}", note);
    AUTO(mem_free)
    char *more = mem_printf("{\"participant\":\"9\",\"by\":[\"user\"],\"note\":\"%0201d\"}", 7);
    struct ask *ask = send_as(f, &(struct sent){"POST", BANS, TOKEN, fits, NULL});
    assert_int_equal(asked(f, MSG_ban_add)->request.ban_add.note.bytes, 800);
    fail_call(f, MSG_ban_add, ERR_CONFLICT);
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", BANS, TOKEN, more, NULL});
    assert_problem(ask, 422, "wrong_member");
    ask_free(&ask);
}

static void bans_are_seen_and_lifted(void **state)
{
    const struct msg_ban both[] = {by_all, by_device};
    struct api_fixture *f = *state;
    struct ask *ask = send_as(
        f, &(struct sent){"GET", BANS "?limit=2&page_token=0000000000000002", TOKEN, NULL, NULL});
    const struct msg_ban_page *page = &asked(f, MSG_ban_page)->request.ban_page;
    assert_true(page->limit == 2 && page->after_id == 2 && page->ban == 0);
    struct msg reply = {.id = MSG_ban_page_reply,
                        .ban_page_reply = {.bans = {.items = both, .count = 2}}};
    mock_bus_answer(asked(f, MSG_ban_page), ERR_OK, &reply);
    assert_string_equal(ask->body, "{\"items\":[" BY_ALL "," BY_DEVICE
                                   "],\"next_page_token\":\"0000000000000004\"}");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"GET", BANS "/4", PARTICIPANT_TOKEN, NULL, NULL});
    page = &asked(f, MSG_ban_page)->request.ban_page;
    assert_true(page->limit == 1 && page->ban == 4 && page->has_asker);
    reply.ban_page_reply.bans = (struct msg_ban_list){.items = &by_device, .count = 1};
    mock_bus_answer(asked(f, MSG_ban_page), ERR_OK, &reply);
    assert_string_equal(ask->body, BY_DEVICE);
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"DELETE", BANS "/4", TOKEN, NULL, NULL});
    const struct msg_ban_lift *lift = &asked(f, MSG_ban_lift)->request.ban_lift;
    assert_true(lift->ban == 4 && lift->idempotency_key.bytes == 16 && lift->has_origin);
    mock_bus_answer(asked(f, MSG_ban_lift), ERR_OK, &(struct msg){.id = MSG_ban_lift_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    log_capture_expect("request failed");
    ask = send_as(f, &(struct sent){"GET", BANS "/4", TOKEN, NULL, NULL});
    reply.ban_page_reply.bans.count = 0;
    mock_bus_answer(asked(f, MSG_ban_page), ERR_OK, &reply);
    assert_problem(ask, 502, "protocol");
    ask_free(&ask);
}

/* ---- the chat ---- */

static const struct msg_chat_message hello = {.id = 5,
                                              .seq = 41,
                                              .text = STR_LIT("\"Hello\"\n<b>"),
                                              .from_id = 9,
                                              .from_name = STR_LIT("Dave"),
                                              .time_unix_ms = 1700000000000};
#define HELLO                                                                                      \
    "{\"id\":\"5\",\"seq\":41,\"text\":\"\\\"Hello\\\"\\u000a<b>\",\"from\":{\"id\":\"9\","        \
    "\"name\":\"Dave\"},"
#define AT "\"time\":\"2023-11-14T22:13:20.000Z\"}"

static void answer_message(struct api_fixture *f, const struct msg_chat_message *message)
{
    const struct msg reply = {.id = MSG_message_send_reply,
                              .message_send_reply = {.message = *message}};
    mock_bus_answer(asked(f, MSG_message_send), ERR_OK, &reply);
}

static void who_is_in_writes(void **state)
{
    struct api_fixture *f = *state;
    struct msg_chat_message to_one = hello;
    to_one.to_id = 12;
    struct ask *ask = send_as(
        f, &(struct sent){"POST", MESSAGES, PARTICIPANT_TOKEN, "{\"text\":\"Hello\\n\"}", NULL});
    const struct msg_message_send *send = &asked(f, MSG_message_send)->request.message_send;
    assert_true(str_eq(send->room, STR_LIT("77")) && str_eq(send->text, STR_LIT("Hello\n")));
    assert_true(send->to == 0 && send->idempotency_key.bytes == 16 && send->body_hash.bytes == 0);
    assert_hash_of(send->asker.token_hash, PARTICIPANT_TOKEN);
    answer_message(f, &hello);
    assert_int_equal(ask->status, 201);
    assert_string_equal(ask->body, HELLO AT);
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", MESSAGES, PARTICIPANT_TOKEN,
                                    "{\"text\":\"Hello\",\"to\":\"12\"}", KEY});
    send = &asked(f, MSG_message_send)->request.message_send;
    assert_true(send->to == 12 && send->body_hash.bytes == 16);
    answer_message(f, &to_one);
    assert_string_equal(ask->body, HELLO "\"to\":\"12\"," AT);
    ask_free(&ask);
}

/* 4,096 bytes, also where each comes as an escape: the body has room for them by default. */
static void a_message_is_so_long(void **state)
{
    struct api_fixture *f = *state;
    struct strbuf body = {0};
    strbuf_add_z(&body, "{\"text\":\"");
    for (size_t i = 0; i < MESSAGE_BYTES_MAX; i++) {
        strbuf_add_z(&body, "\\u000a");
    }
    AUTO(mem_free) char *fits = mem_printf("%.*s\"}", (int)body.bytes, body.data);
    AUTO(mem_free) char *more = mem_printf("%.*sx\"}", (int)body.bytes, body.data);
    strbuf_fini(&body);
    struct ask *ask = send_as(f, &(struct sent){"POST", MESSAGES, PARTICIPANT_TOKEN, fits, NULL});
    assert_int_equal(asked(f, MSG_message_send)->request.message_send.text.bytes,
                     MESSAGE_BYTES_MAX);
    fail_call(f, MSG_message_send, ERR_RATE_LIMITED);
    assert_problem(ask, 429, "rate_limited");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", MESSAGES, PARTICIPANT_TOKEN, more, NULL});
    assert_problem(ask, 422, "wrong_member");
    ask_free(&ask);
}

static void what_was_written_is_read(void **state)
{
    static const struct {
        const char *path;
        bool has_after;
        uint64_t after, limit;
        size_t count;
        bool is_last;
        const char *body;
    } rows[] = {
        {MESSAGES, false, 0, 25, 1, false, "{\"items\":[" HELLO AT "],\"more\":true}"},
        {MESSAGES "?after=0", true, 0, 25, 0, true, "{\"items\":[],\"more\":false}"},
        {MESSAGES "?limit=2&after=9223372036854775807", true, INT64_MAX, 2, 2, true,
         "{\"items\":[" HELLO AT "," HELLO AT "],\"more\":false}"},
    };
    const struct msg_chat_message two[] = {hello, hello};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask =
            send_as(f, &(struct sent){"GET", rows[i].path, PARTICIPANT_TOKEN, NULL, NULL});
        const struct msg_message_page *page = &asked(f, MSG_message_page)->request.message_page;
        assert_true(str_eq(page->room, STR_LIT("77")) && page->limit == rows[i].limit);
        assert_true(page->has_after_seq == rows[i].has_after && page->after_seq == rows[i].after);
        assert_hash_of(page->asker.token_hash, PARTICIPANT_TOKEN);
        mock_bus_answer(
            asked(f, MSG_message_page), ERR_OK,
            &(struct msg){.id = MSG_message_page_reply,
                          .message_page_reply = {.messages = {.items = two, .count = rows[i].count},
                                                 .is_last = rows[i].is_last}});
        assert_int_equal(ask->status, 200);
        assert_string_equal(ask->body, rows[i].body);
        ask_free(&ask);
    }
}

/* ---- what cannot be ---- */

static void what_is_none_is_refused(void **state)
{
    static const struct {
        struct sent sent;
        int status;
        const char *code, *detail;
    } rows[] = {
        {{"POST", ROOM "/participants/x/admit", TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"POST", ROOM "/participants/0/deny", TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"POST", DAVE "/admit", NULL, NULL, NULL}, 401, "unauthorized", ""},
        {{"POST", ROOM "/admit-all", TOKEN, "{}", NULL}, 422, "wrong_member", "/participants"},
        {{"POST", ROOM "/admit-all", TOKEN, "{\"participants\":[9]}", NULL},
         422,
         "wrong_member",
         "must be a list of strings"},
        {{"POST", ROOM "/admit-all", TOKEN, "{\"participants\":[\"x\"]}", NULL},
         422,
         "wrong_member",
         "must have 0 to 50 ids"},
        {{"POST", DAVE "/mute", TOKEN, "{\"sources\":[]}", NULL}, 422, "wrong_member", "/sources"},
        {{"POST", DAVE "/mute", TOKEN, "{\"sources\":[\"sound\"]}", NULL},
         422,
         "wrong_member",
         "/sources"},
        {{"POST", ROOM "/mute-all", TOKEN, "{}", NULL}, 422, "wrong_member", "/sources"},
        {{"POST", ROOM "/participants/x/mute", TOKEN, "{\"sources\":[\"audio\"]}", NULL},
         404,
         "not_found",
         ""},
        {{"POST", BANS, TOKEN, "{\"participant\":\"9\",\"by\":[]}", NULL},
         422,
         "wrong_member",
         "/by"},
        {{"POST", BANS, TOKEN, "{\"participant\":\"9\",\"by\":[\"address\"]}", NULL},
         422,
         "wrong_member",
         "/by"},
        {{"POST", BANS, TOKEN, "{\"participant\":9,\"by\":[\"user\"]}", NULL},
         422,
         "wrong_member",
         "/participant"},
        {{"POST", BANS, TOKEN, "{\"participant\":\"x\",\"by\":[\"user\"]}", NULL},
         404,
         "not_found",
         ""},
        {{"DELETE", BANS "/x", TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"POST", MESSAGES, TOKEN, "{\"text\":\"x\"}", NULL}, 401, "unauthorized", ""},
        {{"GET", MESSAGES, TOKEN, NULL, NULL}, 401, "unauthorized", ""},
        {{"POST", MESSAGES, PARTICIPANT_TOKEN, "{\"text\":\"\"}", NULL},
         422,
         "wrong_member",
         "/text"},
        {{"POST", MESSAGES, PARTICIPANT_TOKEN, "{\"text\":\"x\",\"to\":\"me\"}", NULL},
         404,
         "not_found",
         ""},
        {{"GET", MESSAGES "?limit=26", PARTICIPANT_TOKEN, NULL, NULL}, 400, "bad_request", ""},
        {{"GET", MESSAGES "?limit=0", PARTICIPANT_TOKEN, NULL, NULL}, 400, "bad_request", ""},
        {{"GET", MESSAGES "?after=", PARTICIPANT_TOKEN, NULL, NULL}, 400, "bad_request", ""},
        {{"GET", MESSAGES "?after=9223372036854775808", PARTICIPANT_TOKEN, NULL, NULL},
         400,
         "bad_request",
         ""},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        assert_problem(ask, rows[i].status, rows[i].code);
        assert_non_null(strstr(ask->body, rows[i].detail));
        ask_free(&ask);
    }
}

#define MODERATION_TEST(fn)                                                                        \
    cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        MODERATION_TEST(who_waits_is_let_in_or_not),
        MODERATION_TEST(all_who_may_wait_fit),
        MODERATION_TEST(who_is_made_mute_is_named_or_all_are),
        MODERATION_TEST(somebody_is_banned),
        MODERATION_TEST(a_note_is_so_long),
        MODERATION_TEST(bans_are_seen_and_lifted),
        MODERATION_TEST(who_is_in_writes),
        MODERATION_TEST(a_message_is_so_long),
        MODERATION_TEST(what_was_written_is_read),
        MODERATION_TEST(what_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("moderation_api", tests, NULL, NULL);
}
