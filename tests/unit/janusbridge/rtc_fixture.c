#include "tests/unit/janusbridge/rtc_fixture.h"

#define TRANSPORT                                                                                  \
    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:Ufr4\r\na=ice-pwd:0123456789abcdefghijklmn\r\n"               \
    "a=fingerprint:sha-256 "                                                                       \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"   \
    "EE:FF\r\n"
#define HEAD(mids) "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE " mids "\r\n"
#define AUDIO(direction, setup)                                                                    \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" TRANSPORT "a=setup:" setup "\r\na=mid:0\r\na=" direction \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
#define VIDEO(direction, setup)                                                                    \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT "a=setup:" setup "\r\na=mid:1\r\na=" direction  \
    "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"

const char rtc_offer_sdp[] = HEAD("0 1") AUDIO("sendonly", "actpass") VIDEO("sendonly", "actpass");
const char rtc_later_offer_sdp[] =
    HEAD("0 1") AUDIO("sendonly", "actpass") VIDEO("inactive", "actpass");
const char rtc_janus_answer_sdp[] =
    HEAD("0 1") AUDIO("recvonly", "active") VIDEO("recvonly", "active");
const char rtc_janus_offer_sdp[] = HEAD("0") AUDIO("sendonly", "actpass");
const char rtc_answer_sdp[] = HEAD("0") AUDIO("recvonly", "active");

static void hear_hint(void *arg, const struct msg *msg)
{
    struct rtc_fixture *r = arg;
    r->hints[msg->rtc_hint.what]++;
    r->last_hint = msg->rtc_hint;
    r->last_hint.node = r->last_hint.connection = STR_NONE;
    r->last_hint.stream = (struct msg_rtc_stream){0};
}

static int set_up(void **state)
{
    struct rtc_fixture *r = mem_alloc(sizeof(*r));
    *state = r;
    log_capture_setup(NULL);
    fixture_init(&r->f, "");
    mock_bus_init(&r->bus);
    const struct janus_handles_parts handles = {.session = r->f.session,
                                                .metrics = r->f.metrics,
                                                .handles_max = 16,
                                                .timeout_ms = CONTROL_TIMEOUT_MS};
    r->handles = janus_handles_new(&handles);
    const struct rtc_parts parts = {.session = r->f.session,
                                    .handles = r->handles,
                                    .clock = fake_clock_clock(r->f.clock),
                                    .metrics = r->f.metrics,
                                    .bus = &r->bus.bus,
                                    .hints = {.tell = hear_hint, .arg = r},
                                    .health = r->f.health};
    const struct rtc_config config = {
        .node = "node1", .connections_max = RTC_CONNECTIONS_MAX, .bitrate = 1500000};
    r->rtc = rtc_new(&parts, &config);
    return 0;
}

int rtc_setup_not_ready(void **state)
{
    return set_up(state);
}

int rtc_setup(void **state)
{
    (void)set_up(state);
    struct rtc_fixture *r = *state;
    fixture_bring_up(&r->f);
    rtc_roomsvc(r, MSG_rtc_page, ERR_OK, (struct msg){.id = MSG_rtc_page_reply});
    return 0;
}

int rtc_teardown(void **state)
{
    struct rtc_fixture *r = *state;
    r->bus.refuse = ERR_UNAVAILABLE;
    for (size_t i = 0; i < r->bus.count; i++) {
        if (!r->bus.calls[i].answered) {
            mock_bus_answer(&r->bus.calls[i], ERR_UNAVAILABLE, NULL);
        }
    }
    janus_session_free(&r->f.session);
    rtc_free(&r->rtc);
    janus_handles_free(&r->handles);
    fixture_fini(&r->f);
    mock_bus_fini(&r->bus);
    for (size_t i = 0; i < r->count; i++) {
        mock_call_fini(&r->calls[i]);
    }
    mem_free(&r);
    return log_capture_teardown(NULL);
}

/* ---- as a gateway ---- */

struct str rtc_id(unsigned who, enum rtc_kind kind)
{
    static uint8_t ids[4][3][16];
    memset(ids[who][kind], (int)(16 * kind + who), sizeof(ids[who][kind]));
    return (struct str){(const char *)ids[who][kind], sizeof(ids[who][kind])};
}

struct str rtc_token(unsigned who)
{
    static uint8_t tokens[4][32];
    memset(tokens[who], (int)who, sizeof(tokens[who]));
    return (struct str){(const char *)tokens[who], sizeof(tokens[who])};
}

struct mock_call *rtc_call(struct rtc_fixture *r, struct msg request)
{
    assert_true(r->count < RTC_CALLS);
    struct mock_call *call = &r->calls[r->count++];
    mock_call_init(call, fake_clock_clock(r->f.clock), &request);
    for (const struct call_handler *h = rtc_handlers; h->request != MSG_NONE; h++) {
        if (h->request == request.id) {
            h->fn(r->rtc, &call->call);
            if (mock_bus_pending(&r->bus, MSG_rtc_where) != NULL) {
                rtc_roomsvc(
                    r, MSG_rtc_where, ERR_OK,
                    (struct msg){.id = MSG_rtc_where_reply, .rtc_where_reply = {.node = r->where}});
            }
            return call;
        }
    }
    fail_msg("no handler");
    return NULL;
}

struct mock_call *rtc_ask_publish(struct rtc_fixture *r, unsigned who)
{
    return rtc_ask_publish_keyed(r, who, STR_NONE);
}

struct mock_call *rtc_ask_publish_keyed(struct rtc_fixture *r, unsigned who, struct str body)
{
    const struct msg_rtc_track tracks[] = {{.mid = STR_LIT("0"), .source = MEDIA_AUDIO},
                                           {.mid = STR_LIT("1"), .source = MEDIA_VIDEO}};
    return rtc_call(r, (struct msg){.id = MSG_rtc_publish,
                                    .rtc_publish = {.connection = rtc_id(who, RTC_PUBLISH),
                                                    .room = STR_LIT("abcdefghij"),
                                                    .asker = {.token_hash = rtc_token(who)},
                                                    .sdp = str_of(rtc_offer_sdp),
                                                    .tracks = {tracks, ARRAY_LEN(tracks)},
                                                    .body_hash = body}});
}

struct mock_call *rtc_ask_watch(struct rtc_fixture *r, unsigned who, unsigned whom)
{
    const struct msg_rtc_wish wish = {.participant = whom, .source = MEDIA_AUDIO};
    return rtc_call(r, (struct msg){.id = MSG_rtc_watch,
                                    .rtc_watch = {.connection = rtc_id(who, RTC_WATCH),
                                                  .room = STR_LIT("abcdefghij"),
                                                  .asker = {.token_hash = rtc_token(who)},
                                                  .wanted = {&wish, whom != 0 ? 1 : 0}}});
}

struct mock_call *rtc_ask_answer(struct rtc_fixture *r, unsigned who, uint64_t seq)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_answer,
                                    .rtc_answer = {.room = STR_LIT("abcdefghij"),
                                                   .asker = {.token_hash = rtc_token(who)},
                                                   .seq = seq,
                                                   .sdp = str_of(rtc_answer_sdp)}});
}

struct mock_call *rtc_ask_close(struct rtc_fixture *r, unsigned who, enum rtc_kind kind)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_close,
                                    .rtc_close = {.connection = rtc_id(who, kind),
                                                  .asker = {.token_hash = rtc_token(who)}}});
}

struct mock_call *rtc_ask_state(struct rtc_fixture *r, unsigned who, enum rtc_kind kind)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_get,
                                    .rtc_get = {.connection = rtc_id(who, kind),
                                                .asker = {.token_hash = rtc_token(who)}}});
}

/* ---- as roomsvc ---- */

void rtc_roomsvc(struct rtc_fixture *r, enum msg_id id, enum err err, struct msg reply)
{
    struct mock_bus_call *call = mock_bus_pending(&r->bus, id);
    assert_non_null(call);
    mock_bus_answer(call, err, err == ERR_OK ? &reply : NULL);
}

void rtc_let_in(struct rtc_fixture *r, unsigned who)
{
    rtc_roomsvc(
        r, MSG_rtc_open, ERR_OK,
        (struct msg){.id = MSG_rtc_open_reply,
                     .rtc_open_reply = {.room_id = RTC_ROOM,
                                        .participant = who,
                                        .feed = FEED(who),
                                        .pin = STR_LIT("p1n"),
                                        .bitrate = r->bitrate,
                                        .secret = STR_LIT("0123456789abcdef0123456789abcdef")}});
}

const struct msg_rtc_update *rtc_level(struct rtc_fixture *r, unsigned who, enum rtc_kind kind)
{
    const struct msg_rtc_update *last = NULL;
    rtc_settle(r);
    for (size_t i = 0; i < r->bus.count; i++) {
        const struct msg *request = &r->bus.calls[i].request;
        if (request->id == MSG_rtc_update &&
            str_eq(request->rtc_update.connection, rtc_id(who, kind))) {
            last = &request->rtc_update;
        }
    }
    return last;
}

void rtc_settle(struct rtc_fixture *r)
{
    while (mock_bus_pending(&r->bus, MSG_rtc_update) != NULL) {
        rtc_roomsvc(r, MSG_rtc_update, ERR_OK, (struct msg){.id = MSG_rtc_update_reply});
    }
    while (mock_bus_pending(&r->bus, MSG_rtc_end) != NULL) {
        rtc_roomsvc(r, MSG_rtc_end, ERR_OK, (struct msg){.id = MSG_rtc_end_reply});
    }
    while (mock_bus_pending(&r->bus, MSG_rtc_due) != NULL) {
        rtc_roomsvc(r, MSG_rtc_due, ERR_OK, (struct msg){.id = MSG_rtc_due_reply});
    }
}

size_t rtc_ends(struct rtc_fixture *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->bus.count; i++) {
        count += r->bus.calls[i].request.id == MSG_rtc_end;
    }
    return count;
}

struct msg_rtc_row rtc_row(unsigned who, enum rtc_kind kind, bool is_up)
{
    static const struct msg_rtc_track tracks[] = {{.mid = STR_LIT("0"), .source = MEDIA_AUDIO}};
    static const struct msg_rtc_stream streams[] = {{.mid = STR_LIT("0"),
                                                     .participant = ANN,
                                                     .has_source = true,
                                                     .source = MEDIA_AUDIO,
                                                     .feed = FEED(ANN),
                                                     .feed_mid = STR_LIT("0")}};
    const bool publishes = kind == RTC_PUBLISH;
    return (struct msg_rtc_row){.connection = rtc_id(who, kind),
                                .version = 70,
                                .kind = kind,
                                .room_id = RTC_ROOM,
                                .participant = who,
                                .token_hash = rtc_token(who),
                                .janus_session = 11,
                                .janus_handle =
                                    publishes ? SENDING_HANDLE(who) : WATCHING_HANDLE(who),
                                .feed = FEED(who),
                                .is_up = is_up,
                                .published = publishes && is_up ? MEDIA_AUDIO : 0,
                                .seq = 1,
                                .tracks = {tracks, publishes ? 1 : 0},
                                .streams = {streams, publishes ? 0 : 1},
                                .secret = STR_LIT("0123456789abcdef0123456789abcdef")};
}

/* ---- as Janus ---- */

void rtc_attach(struct rtc_fixture *r, uint64_t handle)
{
    AUTO(mem_free)
    char *answer = mem_printf(
        "{\"janus\":\"success\",\"transaction\":\"$T\",\"data\":{\"id\":%" PRIu64 "}}", handle);
    fixture_answer(&r->f, "\"attach\"", answer);
}

void rtc_janus(struct rtc_fixture *r, const char *text, uint64_t handle, const char *data,
               const char *type, const char *sdp)
{
    struct janus_transfer *request = mock_transport_get(&r->f.janus, text);
    const char *start = strstr(request->body, "\"transaction\":\"");
    assert_non_null(start);
    AUTO(mem_free) char *transaction = mem_printf("%.16s", start + strlen("\"transaction\":\""));
    AUTO(mem_free) char *jsep = type != NULL ? janus_json_jsep(type, str_of(sdp)) : NULL;
    AUTO(mem_free)
    char *event = mem_printf("[{\"janus\":\"event\",\"session_id\":11,\"sender\":%" PRIu64
                             ",\"transaction\":\"%s\",\"plugindata\":{\"plugin\":"
                             "\"janus.plugin.videoroom\",\"data\":%s}%s%s}]",
                             handle, transaction, data, jsep != NULL ? ",\"jsep\":" : "",
                             jsep != NULL ? jsep : "");
    mock_transport_answer(request, ACK);
    fixture_event(&r->f, event);
}

void rtc_janus_media(struct rtc_fixture *r, uint64_t handle, const char *mid, bool arrives)
{
    AUTO(mem_free)
    char *event = mem_printf("[{\"janus\":\"media\",\"session_id\":11,\"sender\":%" PRIu64
                             ",\"type\":\"audio\",\"mid\":\"%s\",\"receiving\":%s}]",
                             handle, mid, arrives ? "true" : "false");
    fixture_event(&r->f, event);
}

void rtc_janus_tells(struct rtc_fixture *r, uint64_t handle, const char *what)
{
    AUTO(mem_free)
    char *event =
        mem_printf("[{\"janus\":\"%s\",\"session_id\":11,\"sender\":%" PRIu64 ",\"reason\":\"x\"}]",
                   what, handle);
    fixture_event(&r->f, event);
}

void rtc_janus_event(struct rtc_fixture *r, uint64_t handle, const char *data)
{
    AUTO(mem_free)
    char *event =
        mem_printf("[{\"janus\":\"event\",\"session_id\":11,\"sender\":%" PRIu64
                   ",\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\",\"data\":%s}}]",
                   handle, data);
    fixture_event(&r->f, event);
}

/* ---- whole ways ---- */

void rtc_agrees(struct rtc_fixture *r, unsigned who)
{
    const struct mock_call *call = rtc_ask_publish(r, who);
    rtc_attach(r, SENDING_HANDLE(who));
    rtc_let_in(r, who);
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(who),
              "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, ERR_OK);
}

void rtc_publishes(struct rtc_fixture *r, unsigned who)
{
    rtc_agrees(r, who);
    rtc_janus_tells(r, SENDING_HANDLE(who), "webrtcup");
    rtc_janus_media(r, SENDING_HANDLE(who), "0", true);
    rtc_janus_media(r, SENDING_HANDLE(who), "1", true);
    rtc_settle(r);
}

void rtc_watches(struct rtc_fixture *r, unsigned who, unsigned whom)
{
    (void)rtc_ask_watch(r, who, whom);
    rtc_attach(r, WATCHING_HANDLE(who));
    rtc_let_in(r, who);
    AUTO(mem_free)
    char *attached = mem_printf(
        "{\"videoroom\":\"attached\",\"room\":1234,\"streams\":[{\"mid\":\"0\","
        "\"type\":\"audio\",\"active\":true,\"feed_id\":%" PRIu64 ",\"feed_mid\":\"0\"}]}",
        FEED(whom));
    rtc_janus(r, "subscriber", WATCHING_HANDLE(who), attached, "offer", rtc_janus_offer_sdp);
    const struct mock_call *answer = rtc_ask_answer(r, who, 1);
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(who),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
    assert_int_equal(answer->err, ERR_OK);
    rtc_janus_tells(r, WATCHING_HANDLE(who), "webrtcup");
    rtc_settle(r);
}
