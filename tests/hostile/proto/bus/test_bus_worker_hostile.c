/* A worker against peers that hold a valid key and misbehave. */
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FLOOD 100000
#define TIMEOUT_MS 8000

struct rig {
    struct bus_pair pair;
    struct bus_server server;
    struct bus_asked asked;
    struct frame *frame;
    struct arena *arena;
    zsock_t *peer;
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    log_capture_expect("bus frame refused");
    bus_pair_init(&rig->pair);
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    rig->frame = frame_new();
    rig->arena = arena_new();
    rig->peer = bus_raw_caller(&rig->server);
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    zsock_destroy(&rig->peer);
    bus_client_free(&rig->pair.client);
    bus_server_fini(&rig->server);
    bus_pair_fini(&rig->pair);
    frame_free(&rig->frame);
    arena_free(&rig->arena);
    mem_free(state);
    return log_capture_teardown(state);
}

static void send_bytes(struct rig *rig, const void *data, size_t bytes)
{
    bus_raw_send(&rig->pair, rig->peer, (struct str){data, bytes});
}

static void assert_refused(struct rig *rig, const char *reason, uint64_t times)
{
    AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", reason);
    assert_true(bus_raw_counted(&rig->pair, RAW_FRAMES, labels, times));
    assert_int_equal(bus_pair_metric(&rig->pair, RAW_FRAMES, labels), times);
}

/* A good call on the same connection is answered, and it is the first thing that is. */
static void assert_still_serves(struct rig *rig)
{
    static const uint64_t correlation_id = 4242;
    struct bus_raw_reply reply;
    bus_raw_request(rig->frame, correlation_id, 77);
    bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
    assert_true(bus_raw_receive(&rig->pair, rig->peer, rig->arena, &reply));
    assert_int_equal(reply.envelope.correlation_id, correlation_id);
    assert_int_equal(reply.envelope.status, ERR_OK);
    assert_int_equal(reply.msg.session_check_reply.user_id, 77);
    assert_int_equal(bus_worker_in_hand(rig->server.worker), 0);
}

/* A good request with one byte changed. Of the envelope the first items are one byte each: array
 * header, major, minor, message number. */
enum { MAJOR_AT = 1, MINOR_AT = 2, MESSAGE_AT = 3 };
static void send_changed(struct rig *rig, size_t at, char value)
{
    bus_raw_request(rig->frame, 1, 1);
    struct str good = frame_bytes(rig->frame);
    AUTO(mem_free) char *bytes = mem_alloc(good.bytes);
    memcpy(bytes, good.data, good.bytes);
    bytes[at] = value;
    send_bytes(rig, bytes, good.bytes);
}

static void assert_answered(struct rig *rig, enum err err, enum msg_id id)
{
    struct bus_raw_reply reply;
    assert_true(bus_raw_receive(&rig->pair, rig->peer, rig->arena, &reply));
    assert_int_equal(reply.envelope.status, err);
    assert_int_equal(reply.msg.id, id);
}

static void test_garbage(void **state)
{
    struct rig *rig = *state;
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
        send_bytes(rig, noise, 1 + i % sizeof(noise));
    }
    assert_refused(rig, "malformed", 1000);
    assert_still_serves(rig);
    assert_in_range(log_capture_count("bus frame refused"), 1, 5); /* not a thousand lines */
}

static void test_truncated_at_every_length(void **state)
{
    struct rig *rig = *state;
    bus_raw_request(rig->frame, 1, 1);
    struct str good = frame_bytes(rig->frame);
    for (size_t bytes = 0; bytes < good.bytes; bytes++) {
        send_bytes(rig, good.data, bytes);
    }
    assert_refused(rig, "malformed", good.bytes);
    assert_still_serves(rig);
    assert_int_equal(rig->server.seen, 1);
}

static void test_trailing_bytes(void **state)
{
    struct rig *rig = *state;
    bus_raw_request(rig->frame, 1, 1);
    struct str good = frame_bytes(rig->frame);
    AUTO(mem_free) char *longer = mem_alloc(good.bytes + 1);
    memcpy(longer, good.data, good.bytes);
    send_bytes(rig, longer, good.bytes + 1);
    assert_refused(rig, "malformed", 1);
    assert_still_serves(rig);
}

static void test_other_versions(void **state)
{
    struct rig *rig = *state;
    send_changed(rig, MAJOR_AT, 2);
    assert_refused(rig, "version", 1);
    send_changed(rig, MINOR_AT, 9); /* a newer minor is understood */
    assert_answered(rig, ERR_OK, MSG_session_check_reply);
    assert_still_serves(rig);
}

/* In a rolling restart: what a caller cannot read it would wait for until its deadline. */
static void test_a_caller_of_before_gets_the_refusal_that_it_knows(void **state)
{
    struct rig *rig = *state;
    rig->server.mode = SERVE_FAIL;
    rig->server.failure = ERR_STANDBY;
    send_changed(rig, MINOR_AT, 1);
    assert_answered(rig, ERR_DRAINING, MSG_session_check_reply);
    send_changed(rig, MINOR_AT, 2);
    assert_answered(rig, ERR_STANDBY, MSG_session_check_reply);
    rig->server.failure = ERR_UNAVAILABLE; /* no refusal: known since the first version */
    send_changed(rig, MINOR_AT, 1);
    assert_answered(rig, ERR_UNAVAILABLE, MSG_session_check_reply);
    rig->server.mode = SERVE_ANSWER;
    assert_still_serves(rig);
}

static void test_two_gigabyte_array_header(void **state)
{
    struct rig *rig = *state;
    static const uint8_t header[] = {0xdd, 0x7f, 0xff, 0xff, 0xff};
    static const uint8_t map[] = {0xdf, 0xff, 0xff, 0xff, 0xff};
    send_bytes(rig, header, sizeof(header));
    send_bytes(rig, map, sizeof(map));
    assert_refused(rig, "malformed", 2);
    assert_still_serves(rig);
}

static void test_messages_that_are_not_served_here(void **state)
{
    struct rig *rig = *state;
    send_changed(rig, MESSAGE_AT, 0x7f); /* nobody's */
    assert_answered(rig, ERR_PROTOCOL, MSG_NONE);
    const struct msg others[] = {
        {.id = MSG_room_participants, .room_participants = {.room_id = 1}},
        {.id = MSG_login_reply, .login_reply = {.user_id = 1}},
        {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        const struct envelope envelope = {
            .correlation_id = 5, .remaining_ms = 1000, .expiry_unix_ms = INT64_MAX};
        assert_int_equal(codec_encode(rig->frame, &envelope, &others[i]), ERR_OK);
        bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
        assert_answered(rig, ERR_PROTOCOL, MSG_NONE);
    }
    assert_refused(rig, "unknown", 1 + ARRAY_LEN(others));
    assert_still_serves(rig);
}

static void test_failed_reply_as_a_request(void **state)
{
    struct rig *rig = *state;
    const struct msg reply = {.id = MSG_session_check_reply};
    const struct envelope envelope = {.correlation_id = 5,
                                      .remaining_ms = 1000,
                                      .expiry_unix_ms = INT64_MAX,
                                      .status = ERR_INTERNAL};
    assert_int_equal(codec_encode(rig->frame, &envelope, &reply), ERR_OK);
    bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
    assert_refused(rig, "envelope", 1);
    assert_still_serves(rig); /* and it was not answered */
}

/* The token hash is the last 32 bytes, after its type and length: a length of 31 leaves one over,
 * and another type of the same length is not what the schema says. */
static void test_body_against_the_schema(void **state)
{
    struct rig *rig = *state;
    bus_raw_request(rig->frame, 1, 1);
    size_t type_at = frame_bytes(rig->frame).bytes - 34;
    send_changed(rig, type_at, (char)0xd9); /* str instead of bin */
    assert_answered(rig, ERR_BAD_REQUEST, MSG_session_check_reply);
    assert_refused(rig, "body", 1);
    assert_still_serves(rig);
}

static void test_expired_calls_are_dropped(void **state)
{
    struct rig *rig = *state;
    const char hash[32] = {0};
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {hash, sizeof(hash)}}};
    const struct envelope expired[] = {
        {.correlation_id = 1, .remaining_ms = 1000, .expiry_unix_ms = 1},
        {.correlation_id = 2, .remaining_ms = 0, .expiry_unix_ms = INT64_MAX},
        {.correlation_id = 3, .remaining_ms = INT64_MAX, .expiry_unix_ms = 0}};
    for (size_t i = 0; i < ARRAY_LEN(expired); i++) {
        assert_int_equal(codec_encode(rig->frame, &expired[i], &request), ERR_OK);
        bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
    }
    assert_true(bus_raw_counted(&rig->pair, "lynks_bus_expired_total", NULL, ARRAY_LEN(expired)));
    assert_int_equal(rig->server.seen, 0);
    assert_still_serves(rig);
}

static void test_deadline_for_ever_is_bounded(void **state)
{
    struct rig *rig = *state;
    const char hash[32] = {1};
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {hash, sizeof(hash)}}};
    const struct envelope endless = {
        .correlation_id = 1, .remaining_ms = INT64_MAX, .expiry_unix_ms = INT64_MAX};
    assert_int_equal(codec_encode(rig->frame, &endless, &request), ERR_OK);
    bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
    assert_answered(rig, ERR_OK, MSG_session_check_reply);
    uint64_t now_ms = clock_mono_ms(loop_clock(rig->pair.loop));
    assert_in_range(rig->server.last_deadline_ms, now_ms, now_ms + 3600000);
}

static void test_frames_that_are_too_long(void **state)
{
    struct rig *rig = *state;
    AUTO(mem_free) char *big = mem_alloc((size_t)FRAME_BYTES_MAX * 8);
    send_bytes(rig, big, FRAME_BYTES_MAX + 1); /* passes libzmq's bound, not the codec's */
    assert_refused(rig, "too_large", 1);
    assert_still_serves(rig);
    send_bytes(rig, big, (size_t)FRAME_BYTES_MAX * 8); /* cut off before it is read */
    zsock_destroy(&rig->peer);
    rig->peer = bus_raw_caller(&rig->server);
    assert_still_serves(rig);
    assert_refused(rig, "too_large", 1);
}

static void test_messages_of_several_frames(void **state)
{
    struct rig *rig = *state;
    send_bytes(rig, "", 0); /* so that the connection is there */
    bus_raw_request(rig->frame, 1, 1);
    struct str good = frame_bytes(rig->frame);
    void *socket = zsock_resolve(rig->peer);
    assert_int_equal(zmq_send(socket, "", 0, ZMQ_SNDMORE), 0); /* as a REQ socket would */
    assert_int_equal(zmq_send(socket, good.data, good.bytes, 0), good.bytes);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(zmq_send(socket, good.data, good.bytes, ZMQ_SNDMORE), good.bytes);
    }
    assert_int_equal(zmq_send(socket, good.data, good.bytes, 0), good.bytes);
    assert_refused(rig, "malformed", 3);
    assert_int_equal(rig->server.seen, 0);
    assert_still_serves(rig);
}

/* What was recorded is answered again, to whoever sends it, as long as it has not expired: the bus
 * carries nothing that is harmful to repeat, and keyed messages are recognised by their owner. */
static void test_recorded_frames_are_answered_alike(void **state)
{
    struct rig *rig = *state;
    bus_raw_request(rig->frame, 31, 5);
    for (int i = 0; i < 100; i++) {
        bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
    }
    for (int i = 0; i < 100; i++) {
        struct bus_raw_reply reply;
        assert_true(bus_raw_receive(&rig->pair, rig->peer, rig->arena, &reply));
        assert_int_equal(reply.envelope.correlation_id, 31);
        assert_int_equal(reply.msg.session_check_reply.user_id, 5);
    }
    assert_still_serves(rig);
}

struct flood {
    struct rig *rig;
    size_t sent;
};

static bool has_flooded(void *arg)
{
    struct flood *flood = arg;
    while (flood->sent < FLOOD &&
           zmq_send(zsock_resolve(flood->rig->peer), "\xc1", 1, ZMQ_DONTWAIT) == 1) {
        flood->sent++;
    }
    return flood->sent == FLOOD;
}

/* Meanwhile another caller is served, and afterwards the memory is what it was. */
static void test_flood_of_tiny_messages(void **state)
{
    struct rig *rig = *state;
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    enum err err =
        bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, bus_server_address(&rig->server));
    assert_int_equal(err, ERR_OK);
    assert_still_serves(rig);
    assert_int_equal(bus_ask(&rig->pair, &rig->asked, 9, TIMEOUT_MS), ERR_OK);
    struct flood flood = {.rig = rig};
    while (!has_flooded(&flood)) {
        bus_raw_turn(&rig->pair, 1);
        if (flood.sent > FLOOD / 2 && rig->asked.answers == 0) {
            break;
        }
    }
    assert_true(bus_asked_is_right(&rig->asked));
    assert_refused(rig, "malformed", FLOOD);
    assert_still_serves(rig);
    assert_in_range(log_capture_count("bus frame refused"), 1, 30);
}

/* A caller whose answers pile up on the wire, because it reads next to nothing. */
static void connect_reluctantly(struct rig *rig)
{
    const char *secret = bus_keyring_secret(&rig->pair.ring, "gateway");
    char public_z85[KEY_Z85_BYTES + 1];
    zmq_curve_public(public_z85, secret);
    zsock_destroy(&rig->peer);
    rig->peer = zsock_new(ZMQ_DEALER);
    zsock_set_rcvhwm(rig->peer, 1);
    zsock_set_rcvbuf(rig->peer, 2048);
    zsock_set_immediate(rig->peer, 1);
    zsock_set_curve_serverkey(rig->peer, keys_find_public(rig->pair.service_keys, "authsvc"));
    zsock_set_curve_publickey(rig->peer, public_z85);
    zsock_set_curve_secretkey(rig->peer, secret);
    assert_int_equal(zmq_connect(zsock_resolve(rig->peer), rig->server.bind), 0);
}

static void ask_until_nothing_is_delivered(struct rig *rig)
{
    static const char name[] = "lynks_bus_undelivered_replies_total";
    bus_raw_request(rig->frame, 1, 1);
    for (int i = 0; i < 2000000; i++) {
        bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
        if (i % 1000 == 0 && bus_pair_metric(&rig->pair, name, NULL) > 0) {
            break;
        }
    }
    assert_true(bus_raw_counted(&rig->pair, name, NULL, 1));
}

/* Its answers pile up to a bound and are then dropped. */
static void test_caller_that_does_not_read(void **state)
{
    struct rig *rig = *state;
    connect_reluctantly(rig);
    ask_until_nothing_is_delivered(rig);
    zsock_destroy(&rig->peer); /* resets the connection, with both directions full */
    rig->peer = bus_raw_caller(&rig->server);
    assert_still_serves(rig);
}

/* The worker is closed, and lingers, because of answers that nobody reads; meanwhile more is asked,
 * and then the connection is reset. libzmq would abort at its next heartbeat, had the worker's
 * socket any. */
static void test_caller_that_resets_while_the_worker_lingers(void **state)
{
    struct rig *rig = *state;
    connect_reluctantly(rig);
    ask_until_nothing_is_delivered(rig);
    bus_server_stop(&rig->server);
    bus_raw_request(rig->frame, 1, 1);
    struct str frame = frame_bytes(rig->frame);
    for (int i = 0; i < 1000; i++) {
        (void)zmq_send(zsock_resolve(rig->peer), frame.data, frame.bytes, ZMQ_DONTWAIT);
    }
    bus_raw_turn(&rig->pair, 50); /* until they have arrived */
    zsock_destroy(&rig->peer);
    bus_raw_turn(&rig->pair, 1200); /* longer than the linger: whatever happens has happened */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
