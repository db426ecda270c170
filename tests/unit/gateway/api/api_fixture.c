#include "tests/unit/gateway/api/api_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sodium.h>

void api_fixture_restart(struct api_fixture *f)
{
    const struct api_parts parts = {.clock = fake_clock_clock(f->clock),
                                    .bus = &f->bus.bus,
                                    .metrics = f->metrics,
                                    .health = f->health,
                                    .sessions = f->sessions,
                                    .rooms = f->rooms,
                                    .presence = f->presence,
                                    .meetings = f->meetings,
                                    .hints = f->hints};
    api_free(&f->api);
    f->api = api_new(&parts, &f->config);
}

static void answer_report(void *arg)
{
    struct api_fixture *f = arg;
    const struct msg reply = {.id = MSG_presence_report_reply};
    bus_reply_fn *fn = STEAL(f->reported);
    if (fn != NULL) {
        fn(f->reported_arg, ERR_OK, &reply);
    }
}

static enum err take_report(void *self, const struct msg *request,
                            const struct call_context *context, bus_reply_fn *fn, void *arg)
{
    struct api_fixture *f = self;
    (void)context;
    assert_int_equal(request->id, MSG_presence_report);
    f->reported = fn;
    f->reported_arg = arg;
    clock_after(fake_clock_clock(f->clock), 1, answer_report, f);
    return ERR_OK;
}

static void follow_rooms(struct api_fixture *f)
{
    static const struct bus_ops reports = {take_report};
    f->encoder = room_events_encoder("http://127.0.0.1:60000");
    f->news = news_watch_new(fake_clock_clock(f->clock));
    f->rooms = room_follow_new(
        &(struct room_follow_parts){.clock = fake_clock_clock(f->clock),
                                    .bus = &f->bus.bus,
                                    .metrics = f->metrics,
                                    .encoder = &f->encoder,
                                    .watch = f->news},
        &(struct room_follow_config){.rooms_max = STREAMS_MAX, .tail_bytes_max = 1000000});
    f->reports = (struct bus){.ops = &reports, .self = f};
    f->presence = presence_new(fake_clock_clock(f->clock), &f->reports, f->metrics);
    f->meetings = user_meetings_new(fake_clock_clock(f->clock), &f->bus.bus, f->metrics, f->news,
                                    STREAMS_MAX);
    f->hints = rtc_hints_new(f->metrics, 2 * (size_t)STREAMS_MAX, rtc_hint_event);
}

const uint8_t connection_bytes[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

int api_fixture_setup(void **state)
{
    struct api_fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->health = health_new();
    mock_bus_init(&f->bus);
    const struct session_follow_parts follow = {
        .clock = fake_clock_clock(f->clock), .bus = &f->bus.bus, .metrics = f->metrics};
    f->sessions = session_follow_new(&follow, STREAMS_MAX);
    follow_rooms(f);
    f->config = (struct api_config){
        .budget_ms = BUDGET_MS,
        .cors_origins = "",
        .auth = {.token_key = TOKEN_KEY,
                 .unknown_burst = 20,
                 .unknown_per_minute = 60,
                 .unknown_table_max = 64,
                 .good_tokens_max = 64},
        .turn_urls = "",
        .turn_secret = "",
        .turn_credentials_s = 60,
        .url = public_url_default("", "127.0.0.1", 60000),
        .sign_ins = {.address_burst = 20,
                     .address_per_minute = 60,
                     .name_burst = 3,
                     .name_per_minute = 6,
                     .table_max = 1024},
        .registration = {.burst = 1, .per_minute = 1, .table_max = 64},
        .streams_max = STREAMS_MAX,
        .streams_per_user_max = STREAMS_PER_USER_MAX,
        .room_visits = {.visits_max = STREAMS_MAX,
                        .per_participant_max = VISITS_PER_PARTICIPANT_MAX,
                        .per_address_max = VISITS_PER_ADDRESS_MAX},
        .creates = {.burst = 3, .per_minute = 6},
        .names = {.burst = 3, .per_minute = 6},
        .room_limits = {.joins = {.burst = 5, .per_minute = 6},
                        .codes = {.burst = 4, .per_minute = 6},
                        .secrets_of_room = {.burst = 3, .per_minute = 6},
                        .secrets = {.burst = 5, .per_minute = 6},
                        .table_max = 64},
    };
    api_fixture_restart(f);
    *state = f;
    return 0;
}

/* What was asked about rooms, and nobody has answered. */
static void end_questions(struct api_fixture *f)
{
    static const enum msg_id ids[] = {MSG_room_state, MSG_journal_read, MSG_journal_heads,
                                      MSG_meeting_page};
    f->bus.refuse = ERR_UNAVAILABLE;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        while (mock_bus_pending(&f->bus, ids[i]) != NULL) {
            fail_call(f, ids[i], ERR_UNAVAILABLE);
        }
    }
}

int api_fixture_teardown(void **state)
{
    struct api_fixture *f = *state;
    api_free(&f->api);
    session_follow_free(&f->sessions);
    end_questions(f);
    room_follow_free(&f->rooms);
    user_meetings_free(&f->meetings);
    rtc_hints_free(&f->hints);
    news_watch_free(&f->news);
    answer_report(f);
    presence_free(&f->presence);
    mock_bus_fini(&f->bus);
    metrics_free(&f->metrics);
    health_free(&f->health);
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(NULL);
}

struct ask *ask_send(struct api_fixture *f, const char *path, const char *authorization,
                     const char *body)
{
    struct ask *ask = ask_new("POST", path, authorization, str_of(body));
    api_handle(f->api, &ask->request);
    return ask;
}

struct ask *send_as(struct api_fixture *f, const struct sent *sent)
{
    const char *query = strchr(sent->path, '?');
    struct ask *ask = ask_new(sent->method, sent->path, sent->token, str_of(sent->body));
    if (query != NULL) {
        const struct str path = {.data = sent->path, .bytes = (size_t)(query - sent->path)};
        assert_true(str_copy(f->path, sizeof(f->path), path));
        ask->request.path = f->path;
        ask->request.query = query + 1;
    }
    ask_set_header(ask, "Content-Type", sent->body == NULL ? NULL : "application/json");
    ask_set_header(ask, "Idempotency-Key", sent->key);
    api_handle(f->api, &ask->request);
    if (mock_bus_pending(&f->bus, MSG_session_check) != NULL) {
        answer_session(f, CAROL_ID);
    }
    return ask;
}

struct mock_bus_call *asked(struct api_fixture *f, enum msg_id message)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, message);
    assert_non_null(call);
    return call;
}

void assert_hash_of(struct str hash, const char *token)
{
    uint8_t expected[32];
    crypto_hash_sha256(expected, (const unsigned char *)token, strlen(token));
    assert_int_equal(hash.bytes, sizeof(expected));
    assert_memory_equal(hash.data, expected, sizeof(expected));
}

static void answer(struct api_fixture *f, enum msg_id asked, const struct msg *reply)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, asked);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, reply);
}

void answer_session(struct api_fixture *f, uint64_t user_id)
{
    const struct msg reply = {.id = MSG_session_check_reply,
                              .session_check_reply = {.user_id = user_id, .expires_unix_ms = 1}};
    answer(f, MSG_session_check, &reply);
}

void answer_login(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_login_reply,
                              .login_reply = {.user_id = 7, .expires_unix_ms = 1}};
    answer(f, MSG_login, &reply);
}

void answer_create(struct api_fixture *f, uint64_t room_id)
{
    const struct msg reply = {.id = MSG_room_create_reply,
                              .room_create_reply = {.room_id = room_id}};
    answer(f, MSG_room_create, &reply);
}

void answer_added(struct api_fixture *f, uint64_t room_id)
{
    const struct msg reply = {.id = MSG_room_create_reply,
                              .room_create_reply = {.room_id = room_id, .added = true}};
    answer(f, MSG_room_create, &reply);
}

void answer_list(struct api_fixture *f, const uint64_t *publishers, size_t count)
{
    const struct msg reply = {
        .id = MSG_room_participants_reply,
        .room_participants_reply = {.publishers = {.items = publishers, .count = count}}};
    answer(f, MSG_room_participants, &reply);
}

void fail_call(struct api_fixture *f, enum msg_id id, enum err err)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, id);
    assert_non_null(call);
    mock_bus_answer(call, err, NULL);
}
