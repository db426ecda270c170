/* A worker against peers that hold a valid key and misbehave. */
#include "tests/support/c/log_capture.h"
#include "tests/support/c/raw_caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FLOOD 100000
#define TIMEOUT_MS 8000

static int setup(void **state)
{
    return raw_caller_setup(state, 0);
}

/* A good request with one byte changed. Of the envelope the first items are one byte each: array
 * header, major, minor, message number. */
enum { MAJOR_AT = 1, MINOR_AT = 2, MESSAGE_AT = 3 };
static void send_changed(struct raw_caller *raw, size_t at, char value)
{
    bus_raw_request(raw->frame, 1, 1);
    struct str good = frame_bytes(raw->frame);
    AUTO(mem_free) char *bytes = mem_alloc(good.bytes);
    memcpy(bytes, good.data, good.bytes);
    bytes[at] = value;
    raw_caller_send(raw, bytes, good.bytes);
}

static void test_garbage(void **state)
{
    struct raw_caller *raw = *state;
    uint64_t seed = 88172645463325252; /* xorshift: the same garbage in every run */
    for (size_t i = 0; i < 1000; i++) {
        uint8_t noise[100];
        for (size_t k = 0; k < sizeof(noise); k++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            noise[k] = (uint8_t)seed;
        }
        noise[0] = 0xc1; /* the one byte that msgpack never uses: all of it is malformed */
        raw_caller_send(raw, noise, 1 + i % sizeof(noise));
    }
    raw_caller_assert_refused(raw, "malformed", 1000);
    raw_caller_assert_served(raw);
    assert_in_range(log_capture_count("bus frame refused"), 1, 5); /* not a thousand lines */
}

static void test_truncated_at_every_length(void **state)
{
    struct raw_caller *raw = *state;
    bus_raw_request(raw->frame, 1, 1);
    struct str good = frame_bytes(raw->frame);
    for (size_t bytes = 0; bytes < good.bytes; bytes++) {
        raw_caller_send(raw, good.data, bytes);
    }
    raw_caller_assert_refused(raw, "malformed", good.bytes);
    raw_caller_assert_served(raw);
    assert_int_equal(raw->server.seen, 1);
}

static void test_trailing_bytes(void **state)
{
    struct raw_caller *raw = *state;
    bus_raw_request(raw->frame, 1, 1);
    struct str good = frame_bytes(raw->frame);
    AUTO(mem_free) char *longer = mem_alloc(good.bytes + 1);
    memcpy(longer, good.data, good.bytes);
    raw_caller_send(raw, longer, good.bytes + 1);
    raw_caller_assert_refused(raw, "malformed", 1);
    raw_caller_assert_served(raw);
}

static void test_other_versions(void **state)
{
    struct raw_caller *raw = *state;
    send_changed(raw, MAJOR_AT, 2);
    raw_caller_assert_refused(raw, "version", 1);
    send_changed(raw, MINOR_AT, 9); /* a newer minor is understood */
    raw_caller_assert_answered(raw, ERR_OK, MSG_session_check_reply);
    raw_caller_assert_served(raw);
}

/* In a rolling restart: what a caller cannot read it would wait for until its deadline. */
static void test_a_caller_of_before_gets_the_refusal_that_it_knows(void **state)
{
    struct raw_caller *raw = *state;
    raw->server.mode = SERVE_FAIL;
    raw->server.failure = ERR_STANDBY;
    send_changed(raw, MINOR_AT, 1);
    raw_caller_assert_answered(raw, ERR_DRAINING, MSG_session_check_reply);
    send_changed(raw, MINOR_AT, 2);
    raw_caller_assert_answered(raw, ERR_STANDBY, MSG_session_check_reply);
    raw->server.failure = ERR_UNAVAILABLE; /* no refusal: known since the first version */
    send_changed(raw, MINOR_AT, 1);
    raw_caller_assert_answered(raw, ERR_UNAVAILABLE, MSG_session_check_reply);
    raw->server.mode = SERVE_ANSWER;
    raw_caller_assert_served(raw);
}

static void test_two_gigabyte_array_header(void **state)
{
    struct raw_caller *raw = *state;
    static const uint8_t header[] = {0xdd, 0x7f, 0xff, 0xff, 0xff};
    static const uint8_t map[] = {0xdf, 0xff, 0xff, 0xff, 0xff};
    raw_caller_send(raw, header, sizeof(header));
    raw_caller_send(raw, map, sizeof(map));
    raw_caller_assert_refused(raw, "malformed", 2);
    raw_caller_assert_served(raw);
}

#define UNUSED_MESSAGE 59

static void test_messages_that_are_not_served_here(void **state)
{
    struct raw_caller *raw = *state;
    assert_null(msg_type_find(UNUSED_MESSAGE));
    send_changed(raw, MESSAGE_AT, UNUSED_MESSAGE);
    raw_caller_assert_answered(raw, ERR_PROTOCOL, MSG_NONE);
    const struct msg others[] = {
        {.id = MSG_room_participants, .room_participants = {.room_id = 1}},
        {.id = MSG_login_reply, .login_reply = {.user_id = 1}},
        {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        const struct envelope envelope = {
            .correlation_id = 5, .remaining_ms = 1000, .expiry_unix_ms = INT64_MAX};
        assert_int_equal(codec_encode(raw->frame, &envelope, &others[i]), ERR_OK);
        bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
        raw_caller_assert_answered(raw, ERR_PROTOCOL, MSG_NONE);
    }
    raw_caller_assert_refused(raw, "unknown", 1 + ARRAY_LEN(others));
    raw_caller_assert_served(raw);
}

static void test_failed_reply_as_a_request(void **state)
{
    struct raw_caller *raw = *state;
    const struct msg reply = {.id = MSG_session_check_reply};
    const struct envelope envelope = {.correlation_id = 5,
                                      .remaining_ms = 1000,
                                      .expiry_unix_ms = INT64_MAX,
                                      .status = ERR_INTERNAL};
    assert_int_equal(codec_encode(raw->frame, &envelope, &reply), ERR_OK);
    bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
    raw_caller_assert_refused(raw, "envelope", 1);
    raw_caller_assert_served(raw); /* and it was not answered */
}

/* The token hash is the last 32 bytes, after its type and length: a length of 31 leaves one over,
 * and another type of the same length is not what the schema says. */
static void test_body_against_the_schema(void **state)
{
    struct raw_caller *raw = *state;
    bus_raw_request(raw->frame, 1, 1);
    size_t type_at = frame_bytes(raw->frame).bytes - 34;
    send_changed(raw, type_at, (char)0xd9); /* str instead of bin */
    raw_caller_assert_answered(raw, ERR_BAD_REQUEST, MSG_session_check_reply);
    raw_caller_assert_refused(raw, "body", 1);
    raw_caller_assert_served(raw);
}

static void test_expired_calls_are_dropped(void **state)
{
    struct raw_caller *raw = *state;
    const char hash[32] = {0};
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {hash, sizeof(hash)}}};
    const struct envelope expired[] = {
        {.correlation_id = 1, .remaining_ms = 0, .expiry_unix_ms = INT64_MAX},
        {.correlation_id = 2, .remaining_ms = 0, .expiry_unix_ms = 1}};
    for (size_t i = 0; i < ARRAY_LEN(expired); i++) {
        assert_int_equal(codec_encode(raw->frame, &expired[i], &request), ERR_OK);
        bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
    }
    assert_true(bus_raw_counted(&raw->pair, "lynks_bus_expired_total", NULL, ARRAY_LEN(expired)));
    assert_int_equal(raw->server.seen, 0);
    raw_caller_assert_served(raw);
}

/* Of a peer whose wall clock is far ahead of ours, far behind, or not set at all. */
static void test_the_clocks_of_peers_decide_nothing(void **state)
{
    struct raw_caller *raw = *state;
    const char hash[32] = {1};
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {hash, sizeof(hash)}}};
    static const uint64_t expiries[] = {0, 1, 1000, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(expiries); i++) {
        const struct envelope envelope = {
            .correlation_id = 1, .remaining_ms = 1000, .expiry_unix_ms = expiries[i]};
        assert_int_equal(codec_encode(raw->frame, &envelope, &request), ERR_OK);
        bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
        raw_caller_assert_answered(raw, ERR_OK, MSG_session_check_reply);
        const uint64_t now_ms = clock_mono_ms(loop_clock(raw->pair.loop));
        assert_in_range(raw->server.last_deadline_ms, now_ms, now_ms + 1000);
    }
}

static void test_deadline_for_ever_is_bounded(void **state)
{
    struct raw_caller *raw = *state;
    const char hash[32] = {1};
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {hash, sizeof(hash)}}};
    const struct envelope endless = {
        .correlation_id = 1, .remaining_ms = INT64_MAX, .expiry_unix_ms = INT64_MAX};
    assert_int_equal(codec_encode(raw->frame, &endless, &request), ERR_OK);
    bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
    raw_caller_assert_answered(raw, ERR_OK, MSG_session_check_reply);
    uint64_t now_ms = clock_mono_ms(loop_clock(raw->pair.loop));
    assert_in_range(raw->server.last_deadline_ms, now_ms, now_ms + 3600000);
}

static void test_frames_that_are_too_long(void **state)
{
    struct raw_caller *raw = *state;
    AUTO(mem_free) char *big = mem_alloc((size_t)FRAME_BYTES_MAX * 8);
    raw_caller_send(raw, big, FRAME_BYTES_MAX + 1); /* passes libzmq's bound, not the codec's */
    raw_caller_assert_refused(raw, "too_large", 1);
    raw_caller_assert_served(raw);
    raw_caller_send(raw, big, (size_t)FRAME_BYTES_MAX * 8); /* cut off before it is read */
    zsock_destroy(&raw->peer);
    raw->peer = bus_raw_caller(&raw->server);
    raw_caller_assert_served(raw);
    raw_caller_assert_refused(raw, "too_large", 1);
}

static void test_messages_of_several_frames(void **state)
{
    struct raw_caller *raw = *state;
    raw_caller_send(raw, "", 0); /* so that the connection is there */
    bus_raw_request(raw->frame, 1, 1);
    struct str good = frame_bytes(raw->frame);
    void *socket = zsock_resolve(raw->peer);
    assert_int_equal(zmq_send(socket, "", 0, ZMQ_SNDMORE), 0); /* as a REQ socket would */
    assert_int_equal(zmq_send(socket, good.data, good.bytes, 0), good.bytes);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(zmq_send(socket, good.data, good.bytes, ZMQ_SNDMORE), good.bytes);
    }
    assert_int_equal(zmq_send(socket, good.data, good.bytes, 0), good.bytes);
    raw_caller_assert_refused(raw, "malformed", 3);
    assert_int_equal(raw->server.seen, 0);
    raw_caller_assert_served(raw);
}

/* What was recorded is answered again, to whoever sends it, as long as it has not expired: the bus
 * carries nothing that is harmful to repeat, and keyed messages are recognised by their owner. */
static void test_recorded_frames_are_answered_alike(void **state)
{
    struct raw_caller *raw = *state;
    bus_raw_request(raw->frame, 31, 5);
    for (int i = 0; i < 100; i++) {
        bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
    }
    for (int i = 0; i < 100; i++) {
        struct bus_raw_reply reply;
        assert_true(bus_raw_receive(&raw->pair, raw->peer, raw->arena, &reply));
        assert_int_equal(reply.envelope.correlation_id, 31);
        assert_int_equal(reply.msg.session_check_reply.user_id, 5);
    }
    raw_caller_assert_served(raw);
}

struct flood {
    struct raw_caller *raw;
    size_t sent;
};

static bool has_flooded(void *arg)
{
    struct flood *flood = arg;
    while (flood->sent < FLOOD &&
           zmq_send(zsock_resolve(flood->raw->peer), "\xc1", 1, ZMQ_DONTWAIT) == 1) {
        flood->sent++;
    }
    return flood->sent == FLOOD;
}

/* Meanwhile another caller is served, and afterwards the memory is what it was. */
static void test_flood_of_tiny_messages(void **state)
{
    struct raw_caller *raw = *state;
    bus_pair_open_client(&raw->pair, &(struct bus_client_config){0});
    enum err err =
        bus_client_add_service(raw->pair.client, SERVICE_AUTHSVC, bus_server_address(&raw->server));
    assert_int_equal(err, ERR_OK);
    raw_caller_assert_served(raw);
    assert_int_equal(bus_ask(&raw->pair, &raw->asked, 9, TIMEOUT_MS), ERR_OK);
    struct flood flood = {.raw = raw};
    while (!has_flooded(&flood)) {
        bus_raw_turn(&raw->pair, 1);
        if (flood.sent > FLOOD / 2 && raw->asked.answers == 0) {
            break;
        }
    }
    assert_true(bus_asked_is_right(&raw->asked));
    raw_caller_assert_refused(raw, "malformed", FLOOD);
    raw_caller_assert_served(raw);
    assert_in_range(log_capture_count("bus frame refused"), 1, 30);
}

/* A caller whose answers pile up on the wire, because it reads next to nothing. */
static void connect_reluctantly(struct raw_caller *raw)
{
    const char *secret = bus_keyring_secret(&raw->pair.ring, "gateway");
    char public_z85[KEY_Z85_BYTES + 1];
    zmq_curve_public(public_z85, secret);
    zsock_destroy(&raw->peer);
    raw->peer = zsock_new(ZMQ_DEALER);
    zsock_set_rcvhwm(raw->peer, 1);
    zsock_set_rcvbuf(raw->peer, 2048);
    zsock_set_immediate(raw->peer, 1);
    zsock_set_curve_serverkey(raw->peer, keys_find_public(raw->pair.service_keys, "authsvc"));
    zsock_set_curve_publickey(raw->peer, public_z85);
    zsock_set_curve_secretkey(raw->peer, secret);
    assert_int_equal(zmq_connect(zsock_resolve(raw->peer), raw->server.bind), 0);
}

static void ask_until_nothing_is_delivered(struct raw_caller *raw)
{
    static const char name[] = "lynks_bus_undelivered_replies_total";
    bus_raw_request(raw->frame, 1, 1);
    for (int i = 0; i < 2000000; i++) {
        bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
        if (i % 1000 == 0 && bus_pair_metric(&raw->pair, name, NULL) > 0) {
            break;
        }
    }
    assert_true(bus_raw_counted(&raw->pair, name, NULL, 1));
}

/* Its answers pile up to a bound and are then dropped. */
static void test_caller_that_does_not_read(void **state)
{
    struct raw_caller *raw = *state;
    connect_reluctantly(raw);
    ask_until_nothing_is_delivered(raw);
    zsock_destroy(&raw->peer); /* resets the connection, with both directions full */
    raw->peer = bus_raw_caller(&raw->server);
    raw_caller_assert_served(raw);
}

/* The worker is closed, and lingers, because of answers that nobody reads; meanwhile more is asked,
 * and then the connection is reset. libzmq would abort at its next heartbeat, had the worker's
 * socket any. */
static void test_caller_that_resets_while_the_worker_lingers(void **state)
{
    struct raw_caller *raw = *state;
    connect_reluctantly(raw);
    ask_until_nothing_is_delivered(raw);
    bus_server_stop(&raw->server);
    bus_raw_request(raw->frame, 1, 1);
    struct str frame = frame_bytes(raw->frame);
    for (int i = 0; i < 1000; i++) {
        (void)zmq_send(zsock_resolve(raw->peer), frame.data, frame.bytes, ZMQ_DONTWAIT);
    }
    bus_raw_turn(&raw->pair, 50); /* until they have arrived */
    zsock_destroy(&raw->peer);
    bus_raw_turn(&raw->pair, 1200); /* longer than the linger: whatever happens has happened */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, raw_caller_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_garbage),
        TEST(test_truncated_at_every_length),
        TEST(test_trailing_bytes),
        TEST(test_other_versions),
        TEST(test_a_caller_of_before_gets_the_refusal_that_it_knows),
        TEST(test_two_gigabyte_array_header),
        TEST(test_messages_that_are_not_served_here),
        TEST(test_failed_reply_as_a_request),
        TEST(test_body_against_the_schema),
        TEST(test_expired_calls_are_dropped),
        TEST(test_the_clocks_of_peers_decide_nothing),
        TEST(test_deadline_for_ever_is_bounded),
        TEST(test_frames_that_are_too_long),
        TEST(test_messages_of_several_frames),
        TEST(test_recorded_frames_are_answered_alike),
        TEST(test_flood_of_tiny_messages),
        TEST(test_caller_that_does_not_read),
        TEST(test_caller_that_resets_while_the_worker_lingers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
