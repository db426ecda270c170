/* The body of a client's request through the whole API, up to the message on the bus and back: the
 * first byte picks the route, the token and how the services answer, the rest is the body. With a #
 * before the body, the byte behind it picks another route, the cookie and a key; with a + likewise,
 * a route of rooms, and a participant's token; with a * a route of connections for media, for which
 * that token is a must, and whether the body is text.
 *
 * Aims at: gateway/http/json_body.c gateway/http/dispatcher.c gateway/http/exchange.c
 * Links: gateway_api
 * Dictionary: http_body.dict */
#include <sodium.h>
#include <stdlib.h>

#include "gateway/api/api.h"
#include "proto/schema/codec.h"
#include "proto/schema/codec_check.h"
#include "proto/base/log.h"
#include "tests/support/c/test_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The calls that wait for an answer, the oldest first: there is one request at a time, which asks
 * two things at a time at most. */
static struct {
    enum msg_id asked;
    bus_reply_fn *fn;
    void *arg;
} out[2];
static size_t out_count;
static enum err refuse;
static unsigned answers;
static uint64_t now_ms = 1000000;

/* The first byte of the input, which says what comes beside the body; and the one behind a #, +
 * or *. */
static uint8_t choice, more;
static bool is_of_rooms, is_of_media;

/* What the API sends must be within the schema, whatever came in. */
static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    (void)self;
    (void)context;
    if (msg_validate(request) != ERR_OK) {
        abort();
    }
    if (refuse != ERR_OK) {
        return refuse;
    }
    if (out_count == ARRAY_LEN(out)) {
        abort();
    }
    out[out_count].asked = request->id;
    out[out_count].fn = fn;
    out[out_count++].arg = arg;
    return ERR_OK;
}

/* Of rooms, and of who is in them: as roomsvc answers. */
static void fill_room_reply(struct msg *reply)
{
    static const struct msg_room room = {.id = 7,
                                         .code = STR_LIT("abcdefghij"),
                                         .name = STR_LIT("Tea"),
                                         .access = ROOM_OPEN,
                                         .participants_max = 2,
                                         .publishers_max = 2,
                                         .unmute = ROOM_UNMUTE_SELF,
                                         .empty_timeout_s = 60};
    static const struct msg_member member = {
        .user_id = 8, .display_name = STR_LIT("Dave"), .role = ROOM_VIEWER};
    static const struct msg_participant participant = {
        .id = 9, .name = STR_LIT("Dave"), .role = ROOM_OWNER, .state = PARTICIPANT_JOINED};
    if (reply->id == MSG_room_add_reply) {
        reply->room_add_reply.room = room;
    } else if (reply->id == MSG_room_change_reply) {
        reply->room_change_reply.room = room;
    } else if (reply->id == MSG_room_hand_over_reply) {
        reply->room_hand_over_reply.room = room;
    } else if (reply->id == MSG_member_set_reply) {
        reply->member_set_reply.member = member;
    } else if (reply->id == MSG_participant_join_reply) {
        reply->participant_join_reply.participant = participant;
        reply->participant_join_reply.room_id = 7;
    } else if (reply->id == MSG_participant_change_reply) {
        reply->participant_change_reply.participant = participant;
    }
}

/* Of connections for media: as bridges answer. */
static void fill_media_reply(struct msg *reply)
{
    static const struct str id = STR_LIT("0123456789abcdef");
    static const struct str sdp = STR_LIT("v=0");
    if (reply->id == MSG_rtc_publish_reply) {
        reply->rtc_publish_reply = (struct msg_rtc_publish_reply){.sdp = sdp, .seq = 1};
    } else if (reply->id == MSG_rtc_offer_reply) {
        reply->rtc_offer_reply = (struct msg_rtc_offer_reply){.sdp = sdp, .seq = 2};
    } else if (reply->id == MSG_rtc_watch_reply) {
        reply->rtc_watch_reply.connection = id;
    } else if (reply->id == MSG_rtc_trickle_reply) {
        reply->rtc_trickle_reply.fragment = (choice & 16) != 0 ? sdp : STR_NONE;
    } else if (reply->id == MSG_rtc_get_reply) {
        reply->rtc_get_reply = (struct msg_rtc_get_reply){
            .kind = RTC_PUBLISH, .state = RTC_UP, .room_id = 7, .participant = 9};
    }
}

/* Answers the first or the last one. */
static void answer(enum err err, bool first)
{
    static const uint64_t publishers[] = {1, 2};
    const size_t place = first ? 0 : out_count - 1;
    bus_reply_fn *fn = out[place].fn;
    void *arg = out[place].arg;
    struct msg reply = {.id = msg_type_find(out[place].asked)->reply};
    if (reply.id == MSG_room_participants_reply) {
        reply.room_participants_reply.publishers =
            (struct u64_list){.items = publishers, .count = ARRAY_LEN(publishers)};
    } else if (reply.id == MSG_session_check_reply) {
        reply.session_check_reply.user_id = 1;
        reply.session_check_reply.role = ROLE_ADMIN; /* who gets furthest */
        reply.session_check_reply.has_role = true;
    }
    fill_room_reply(&reply);
    fill_media_reply(&reply);
    out_count--;
    out[place] = out[out_count];
    fn(arg, err, err == ERR_OK ? &reply : NULL);
}

static void finish(struct request *request, struct http_response **response)
{
    int status = http_response_status(*response);
    (void)request;
    http_response_free(response);
    if (status < 200 || status > 504) {
        abort();
    }
    answers++;
}

static const char *header(struct request *request, const char *name)
{
    (void)request;
    if (strcmp(name, "Authorization") == 0 && (choice & 8) != 0) {
        return is_of_media || (is_of_rooms && (more & 64) != 0) ? "Bearer " PARTICIPANT_TOKEN
                                                                : "Bearer " TOKEN;
    }
    if (strcmp(name, "Cookie") == 0 && (more & 16) != 0) {
        return "lynks-60000=" TOKEN;
    }
    if (strcmp(name, "Idempotency-Key") == 0 && (more & 32) != 0) {
        return "8e03978e-40d5-43dd-bc93-6894a57f9324";
    }
    if (strcmp(name, "Origin") == 0 && (choice & 16) != 0) {
        return (more & 64) != 0 ? "http://localhost:60000" : "https://a.example";
    }
    if (strcmp(name, "Host") == 0) {
        return (choice & 96) != 96 ? "localhost" : NULL;
    }
    if (strcmp(name, "Content-Type") == 0) {
        return is_of_media && (more & 64) != 0 ? "application/trickle-ice-sdpfrag"
                                               : "application/json";
    }
    if (strcmp(name, "If-Match") == 0) {
        return "*";
    }
    return strcmp(name, "Access-Control-Request-Method") == 0 ? "POST" : NULL;
}

static const struct request_ops request_ops = {.header = header, .finish = finish};

static uint64_t mono_ms(void *self)
{
    (void)self;
    return now_ms++;
}

static const struct clock_ops clock_ops = {.mono_ms = mono_ms, .unix_ms = mono_ms};
static const struct clock clock_of_test = {.ops = &clock_ops};
static const struct bus_ops bus_ops = {call};
static const struct bus bus = {.ops = &bus_ops};

static struct api *make_api(void)
{
    static struct metrics *metrics; /* stays: the API lives as long as the program */
    metrics = metrics_new();
    const struct api_parts parts = {.clock = &clock_of_test, .bus = &bus, .metrics = metrics};
    const struct api_config config = {
        .budget_ms = 4000,
        .cors_origins = "https://a.example",
        .auth = {.token_key = TOKEN_KEY,
                 .unknown_burst = 1000, /* few are refused: the bodies are what it is about */
                 .unknown_per_minute = 60000,
                 .unknown_table_max = 64,
                 .good_tokens_max = 64},
        .turn_urls = "turn:turn.example.org",
        .turn_secret = TOKEN_KEY,
        .turn_credentials_s = 60,
        .url = public_url_default("", "127.0.0.1", 60000),
        .sign_ins = {.address_burst = 1000,
                     .address_per_minute = 60000,
                     .name_burst = 10,
                     .name_per_minute = 60,
                     .table_max = 64},
        .creates = {.burst = 1000, .per_minute = 60000},
        .names = {.burst = 1000, .per_minute = 60000},
        .room_limits = {.joins = {.burst = 1000, .per_minute = 60000},
                        .codes = {.burst = 1000, .per_minute = 60000},
                        .secrets_of_room = {.burst = 1000, .per_minute = 60000},
                        .secrets = {.burst = 1000, .per_minute = 60000},
                        .table_max = 64},
        .registration = {.is_open = true, .burst = 1000, .per_minute = 60000, .table_max = 64},
        .streams_max = 8,
        .streams_per_user_max = 8,
        .room_visits = {.visits_max = 8, .per_participant_max = 8, .per_address_max = 8}};
    log_init("fuzz", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    return api_new(&parts, &config);
}

struct row {
    const char *method, *path;
};

static const struct row rows[] = {
    {"POST", "/login"},           {"POST", "/create"},         {"POST", "/list_participants"},
    {"POST", "/other"},           {"PATCH", "/v1/users/me"},   {"POST", "/v1/users"},
    {"GET", "/v1/info"},          {"GET", "/v1/openapi.json"}, {"POST", "/v1/sessions"},
    {"POST", "/v1/registration"}, {"POST", "/v1/users"},       {"DELETE", "/v1/sessions/current"},
    {"DELETE", "/v1/sessions"},   {"GET", "/v1/users/me"},     {"PUT", "/v1/users/me/password"},
    {"GET", "/v1/users"},
};
static const struct row room_rows[] = {
    {"POST", "/v1/rooms"},
    {"PATCH", "/v1/rooms/7"},
    {"PUT", "/v1/rooms/7/owner"},
    {"PUT", "/v1/rooms/7/members/8"},
    {"POST", "/v1/rooms/abc-defg-hij/participants"},
    {"PATCH", "/v1/rooms/7/participants/9"},
    {"DELETE", "/v1/rooms/7/participants/9"},
    {"POST", "/v1/rooms/7/end"},
};
static const struct row media_rows[] = {
    {"POST", "/v1/rooms/abc-defg-hij/publish"},
    {"PUT", "/v1/rtc/00112233445566778899aabbccddeeff/offer"},
    {"PATCH", "/v1/rtc/00112233445566778899aabbccddeeff"},
    {"PUT", "/v1/rooms/7/watch"},
    {"PUT", "/v1/rooms/7/watch/answer"},
    {"PATCH", "/v1/rtc/-"},
    {"POST", "/v1/rtc/00112233445566778899aabbccddeeff/restart"},
    {"DELETE", "/v1/rtc/00112233445566778899aabbccddeeff"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct api *api;
    if (api == NULL) {
        api = make_api();
    }
    if (bytes == 0) {
        return 0;
    }
    const bool has_more = bytes > 2 && (data[1] == '#' || data[1] == '+' || data[1] == '*');
    const size_t before = has_more ? 3 : 1;
    choice = data[0];
    more = has_more ? data[2] : 0;
    is_of_rooms = has_more && data[1] == '+';
    is_of_media = has_more && data[1] == '*';
    const size_t row = has_more ? 8 + (more & 7U) : (choice & 3U) + ((choice & 128) != 0 ? 4 : 0);
    struct request request = {
        .ops = &request_ops,
        .method = (choice & 4) == 0 ? "OPTIONS"
                  : is_of_rooms     ? room_rows[more & 7U].method
                  : is_of_media     ? media_rows[more & 7U].method
                                    : rows[row].method,
        .path = is_of_rooms   ? room_rows[more & 7U].path
                : is_of_media ? media_rows[more & 7U].path
                              : rows[row].path,
        .body = {.data = (const char *)data + before, .bytes = bytes - before},
    };
    refuse = (choice & 32) != 0 ? ERR_UNAVAILABLE : ERR_OK;
    answers = 0;
    api_handle(api, &request);
    while (out_count > 0) {
        answer((choice & 64) != 0 ? ERR_UNAUTHORIZED : ERR_OK, (bytes & 1) != 0);
    }
    if (answers != 1) {
        abort();
    }
    return 0;
}
