/* The envelope: versions, types and bounds of its items, failed replies. */
#include "proto/schema/codec.h"
#include "proto/schema/codec_check.h"

#include "tests/unit/proto/schema/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TEN "aaaaaaaaaa"
#define SIXTY_FOUR TEN TEN TEN TEN TEN TEN "aaaa"

static const struct msg info = {.id = MSG_bridge_info};

static void every_item_goes_through(void **state)
{
    (void)state;
    AUTO(frame_free) struct frame *frame = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    const struct envelope sent = {.correlation_id = UINT64_MAX,
                                  .remaining_ms = INT64_MAX,
                                  .expiry_unix_ms = INT64_MAX,
                                  .request_id = STR_LIT(SIXTY_FOUR),
                                  .principal = {.kind = PRINCIPAL_STREAM_KEY,
                                                .role = ROLE_ADMIN,
                                                .user_id = UINT64_MAX,
                                                .session_id = UINT64_MAX - 1,
                                                .participant_id = UINT64_MAX - 2,
                                                .stream_key_id = UINT64_MAX - 3}};
    assert_int_equal(codec_encode(frame, &sent, &info), ERR_OK);
    struct envelope received;
    struct msg msg;
    assert_int_equal(codec_decode(arena, frame_bytes(frame), &received, &msg), CODEC_OK);
    assert_int_equal(msg.id, MSG_bridge_info);
    assert_true(received.correlation_id == UINT64_MAX);
    assert_true(received.remaining_ms == INT64_MAX);
    assert_true(received.expiry_unix_ms == INT64_MAX);
    assert_true(str_eq(received.request_id, sent.request_id));
    assert_memory_equal(&received.principal, &sent.principal, sizeof(sent.principal));
    assert_int_equal(received.status, ERR_OK);
}

static void nobody_and_no_request_id_go_through(void **state)
{
    (void)state;
    AUTO(frame_free) struct frame *frame = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    const struct envelope sent = {
        .principal = {.kind = PRINCIPAL_NONE, .user_id = 4, .session_id = 5}};
    assert_int_equal(codec_encode(frame, &sent, &info), ERR_OK);
    struct envelope received;
    memset(&received, 0xff, sizeof(received));
    struct msg msg;
    assert_int_equal(codec_decode(arena, frame_bytes(frame), &received, &msg), CODEC_OK);
    assert_int_equal(received.request_id.bytes, 0);
    assert_int_equal(received.principal.user_id, 0);
    assert_int_equal(received.principal.session_id, 0);
    assert_int_equal(received.principal.kind, PRINCIPAL_NONE);
    assert_int_equal(received.principal.role, 0);
}

static void encode_refuses_an_envelope_that_decode_would(void **state)
{
    (void)state;
    AUTO(frame_free) struct frame *frame = frame_new();
    static const struct envelope bad[] = {
        {.remaining_ms = UINT64_C(1) << 63},
        {.expiry_unix_ms = UINT64_C(1) << 63},
        {.request_id = {.data = "a b", .bytes = 3}},
        {.request_id = {.data = "a\n", .bytes = 2}},
        {.request_id = {.data = "a\x7f", .bytes = 2}},
        {.request_id = {.data = "\xc3\xa4", .bytes = 2}},
        {.request_id = {.data = SIXTY_FOUR "a", .bytes = 65}},
        {.status = ERR_INTERNAL},   /* a request does not fail */
        {.status = (enum err)9999}, /* no such error */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(codec_encode(frame, &bad[i], &info), ERR_BAD_REQUEST);
        assert_int_equal(frame_bytes(frame).bytes, 0);
    }
    const struct envelope good = {.correlation_id = 1};
    const struct msg none = {.id = MSG_NONE};
    const struct msg unknown = {.id = (enum msg_id)9999};
    assert_int_equal(codec_encode(frame, &good, &none), ERR_BAD_REQUEST);
    assert_int_equal(codec_encode(frame, &good, &unknown), ERR_BAD_REQUEST);
    assert_int_equal(msg_validate(&none), ERR_BAD_REQUEST);
}

/* What stands at a place of the envelope, and what becomes of it. */
static const struct {
    size_t place;
    struct str bytes;
    enum codec_fault fault;
} rows[] = {
    {WIRE_MAJOR, STR_LIT("\x00"), CODEC_VERSION},
    {WIRE_MAJOR, STR_LIT("\x02"), CODEC_VERSION},
    {WIRE_MAJOR, STR_LIT("\xcf\x00\x00\x00\x01\x00\x00\x00\x01"), CODEC_VERSION},
    {WIRE_MAJOR, STR_LIT("\xff"), CODEC_ENVELOPE},
    {WIRE_MAJOR,
     STR_LIT("\xa1"
             "1"),
     CODEC_ENVELOPE},
    {WIRE_MAJOR, STR_LIT("\xc0"), CODEC_ENVELOPE},
    {WIRE_MINOR, STR_LIT("\x63"), CODEC_OK},
    {WIRE_MINOR, STR_LIT("\xff"), CODEC_ENVELOPE},
    {WIRE_MESSAGE, STR_LIT("\x00"), CODEC_UNKNOWN},
    {WIRE_MESSAGE, STR_LIT("\xcd\xff\xff"), CODEC_UNKNOWN},
    {WIRE_MESSAGE, STR_LIT("\xcf\x00\x00\x00\x01\x00\x00\x00\x29"), CODEC_UNKNOWN},
    {WIRE_MESSAGE, STR_LIT("\xa1)"), CODEC_ENVELOPE},
    {WIRE_CORRELATION_ID, STR_LIT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), CODEC_OK},
    {WIRE_CORRELATION_ID, STR_LIT("\xff"), CODEC_ENVELOPE},
    {WIRE_CORRELATION_ID, STR_LIT("\xc0"), CODEC_ENVELOPE},
    {WIRE_REMAINING_MS, STR_LIT("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), CODEC_OK},
    {WIRE_REMAINING_MS, STR_LIT("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), CODEC_ENVELOPE},
    {WIRE_REMAINING_MS, STR_LIT("\xca\x3f\x80\x00\x00"), CODEC_ENVELOPE},
    {WIRE_REMAINING_MS, STR_LIT("\xff"), CODEC_ENVELOPE},
    {WIRE_EXPIRY_UNIX_MS, STR_LIT("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), CODEC_OK},
    {WIRE_EXPIRY_UNIX_MS, STR_LIT("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), CODEC_ENVELOPE},
    {WIRE_EXPIRY_UNIX_MS, STR_LIT("\xff"), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xa0"), CODEC_OK},
    {WIRE_REQUEST_ID, STR_LIT("\xd9\x40" SIXTY_FOUR), CODEC_OK},
    {WIRE_REQUEST_ID, STR_LIT("\xd9\x41" SIXTY_FOUR "a"), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xa2!~"), CODEC_OK},
    {WIRE_REQUEST_ID, STR_LIT("\xa2  "), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xa1\x7f"), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xa1\x00"), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xa2\xc3\xa4"), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xc4\x01z"), CODEC_ENVELOPE},
    {WIRE_REQUEST_ID, STR_LIT("\xc0"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\xc0"), CODEC_OK},
    {WIRE_PRINCIPAL, STR_LIT("\x93\x01\x00\x00"), CODEC_OK}, /* as 1.1 sends a user */
    {WIRE_PRINCIPAL, STR_LIT("\x94\x01\x00\x00\x01"), CODEC_OK},
    {WIRE_PRINCIPAL, STR_LIT("\x94\x01\x00\x00\xc0"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x96\x01\x02\x02\x01\x00\x00"), CODEC_OK}, /* an admin */
    {WIRE_PRINCIPAL, STR_LIT("\x97\x01\x02\x02\x01\x00\x00\xc0"), CODEC_OK},
    {WIRE_PRINCIPAL, STR_LIT("\x96\x00\x00\x00\x02\x09\x00"), CODEC_OK}, /* a participant */
    {WIRE_PRINCIPAL, STR_LIT("\x96\x00\x00\x00\x02\x00\x00"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x96\x00\x00\x00\x04\x00\x00"), CODEC_OK},       /* admin tool */
    {WIRE_PRINCIPAL, STR_LIT("\x96\x01\x00\x00\x05\x00\x00"), CODEC_ENVELOPE}, /* no such kind */
    {WIRE_PRINCIPAL, STR_LIT("\x96\x01\x00\x00\x00\x00\x00"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x96\x01\x00\x03\x01\x00\x00"), CODEC_ENVELOPE}, /* no such role */
    {WIRE_PRINCIPAL, STR_LIT("\x93\x00\x01\x01"), CODEC_ENVELOPE},             /* nobody is nil */
    {WIRE_PRINCIPAL, STR_LIT("\x92\x01\x01"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x90"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x93\xff\x01\x01"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x93\x01\xff\x01"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x93\x01\x01\xc0"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x01"), CODEC_ENVELOPE},
    {WIRE_PRINCIPAL, STR_LIT("\x80"), CODEC_ENVELOPE},
    {WIRE_STATUS, STR_LIT("\x00"), CODEC_OK},
    {WIRE_STATUS, STR_LIT("\x01"), CODEC_ENVELOPE}, /* bridge_info is a request */
    {WIRE_STATUS, STR_LIT("\xcd\xff\xff"), CODEC_ENVELOPE},
    {WIRE_STATUS, STR_LIT("\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), CODEC_ENVELOPE},
    {WIRE_STATUS, STR_LIT("\xff"), CODEC_ENVELOPE},
    {WIRE_STATUS, STR_LIT("\xc0"), CODEC_ENVELOPE},
};

static void every_item_has_its_type_and_bounds(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        wire_envelope_with(wire, rows[i].place, rows[i].bytes);
        if (wire_fault(wire_str(wire)) != rows[i].fault) {
            fail_msg("row %zu: %s", i, codec_fault_name(wire_fault(wire_str(wire))));
        }
    }
}

/* count items of an envelope of bridge_info; past its end, numbers. */
static void write_items(struct wire *wire, size_t count)
{
    AUTO(wire_free) struct wire *whole = wire_new();
    static const size_t bytes_of[] = {1, 1, 1, 1, 3, 9, 6, 1, 1, 1};
    wire_envelope_with(whole, SIZE_MAX, STR_NONE);
    wire->bytes = 0;
    wire_array(wire, count);
    size_t bytes = 0;
    for (size_t i = 0; i < count && i < ENVELOPE_ITEMS; i++) {
        bytes += bytes_of[i];
    }
    wire_raw(wire, whole->data + 1, bytes);
    for (size_t i = ENVELOPE_ITEMS; i < count; i++) {
        wire_uint(wire, i);
    }
}

static void too_few_items_are_refused_and_more_ignored(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    for (size_t count = 0; count <= 40; count++) {
        write_items(wire, count);
        assert_int_equal(wire_fault(wire_str(wire)),
                         count < ENVELOPE_ITEMS ? CODEC_ENVELOPE : CODEC_OK);
    }
}

static void another_major_is_refused_whatever_its_shape(void **state)
{
    (void)state;
    assert_int_equal(wire_fault(STR_LIT("\x91\x02")), CODEC_VERSION);
    assert_int_equal(wire_fault(STR_LIT("\x92\x02\x81\x01\x01")), CODEC_VERSION);
}

static void what_is_no_array_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wire_fault(STR_LIT("\x01")), CODEC_ENVELOPE);
    assert_int_equal(wire_fault(STR_LIT("\xc0")), CODEC_ENVELOPE);
    assert_int_equal(wire_fault(STR_LIT("\x81\x01\x01")), CODEC_ENVELOPE);
    assert_int_equal(wire_fault(STR_LIT("\x90")), CODEC_ENVELOPE);
    assert_int_equal(wire_fault(STR_LIT("\xa3"
                                        "GET")),
                     CODEC_ENVELOPE);
}

static void a_failed_reply_has_a_status_and_no_body(void **state)
{
    (void)state;
    AUTO(frame_free) struct frame *frame = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    static const enum err errors[] = {
#define ERR(name, number, http, retryable, refusal, code, text) ERR_##name,
#include "proto/base/errors.def"
#undef ERR
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        /* The reply's body is not looked at: an empty login_reply would not be valid. */
        const struct envelope sent = {.correlation_id = 9, .status = errors[i]};
        const struct msg reply = {.id = i % 2 == 0 ? MSG_login_reply : MSG_NONE};
        assert_int_equal(codec_encode(frame, &sent, &reply), ERR_OK);
        struct envelope received;
        struct msg msg;
        assert_int_equal(codec_decode(arena, frame_bytes(frame), &received, &msg), CODEC_OK);
        assert_int_equal(received.status, errors[i]);
        assert_int_equal(received.correlation_id, 9);
        assert_int_equal(msg.id, reply.id);
    }
}

static void a_failed_reply_with_a_body_is_refused(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_envelope(wire, MSG_bridge_exists_reply, ERR_INTERNAL);
    WIRE_RAW(wire, "\xc0");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_OK);
    wire_envelope(wire, MSG_bridge_exists_reply, ERR_INTERNAL);
    WIRE_RAW(wire, "\x81\x01\xc3");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_BODY);
    wire_envelope(wire, MSG_bridge_exists_reply, ERR_OK);
    WIRE_RAW(wire, "\xc0");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_BODY);
}

static void the_envelope_of_a_refused_message_can_be_answered(void **state)
{
    (void)state;
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(wire_free) struct wire *wire = wire_new();
    struct envelope envelope;
    struct msg msg;
    wire_envelope(wire, 9999, 0);
    WIRE_RAW(wire, "\x80");
    assert_int_equal(codec_decode(arena, wire_str(wire), &envelope, &msg), CODEC_UNKNOWN);
    assert_int_equal(envelope.correlation_id, 7);
    assert_int_equal(envelope.remaining_ms, 4000);
    assert_int_equal(msg.id, MSG_NONE);
    wire_envelope(wire, MSG_login, 0);
    WIRE_RAW(wire, "\x80");
    memset(&envelope, 0, sizeof(envelope));
    assert_int_equal(codec_decode(arena, wire_str(wire), &envelope, &msg), CODEC_BODY);
    assert_int_equal(envelope.correlation_id, 7);
    assert_true(str_eq(envelope.request_id, STR_LIT("req-1")));
    assert_int_equal(msg.id, MSG_login);
    /* A newer peer's reply that failed is unknown, not malformed. */
    wire_envelope(wire, 9999, ERR_INTERNAL);
    WIRE_RAW(wire, "\xc0");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_UNKNOWN);
}

static void a_refused_envelope_leaves_the_outputs_alone(void **state)
{
    (void)state;
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(wire_free) struct wire *wire = wire_new();
    struct envelope envelope = {.correlation_id = 77};
    struct msg msg = {.id = MSG_login};
    wire_envelope_with(wire, WIRE_STATUS, STR_LIT("\xc0"));
    assert_int_equal(codec_decode(arena, wire_str(wire), &envelope, &msg), CODEC_ENVELOPE);
    assert_int_equal(envelope.correlation_id, 77);
    assert_int_equal(msg.id, MSG_login);
}

static void every_fault_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum codec_fault i = CODEC_OK; i < CODEC_FAULT_COUNT; i++) {
        for (enum codec_fault j = CODEC_OK; j < i; j++) {
            assert_string_not_equal(codec_fault_name(i), codec_fault_name(j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_goes_through),
        cmocka_unit_test(nobody_and_no_request_id_go_through),
        cmocka_unit_test(encode_refuses_an_envelope_that_decode_would),
        cmocka_unit_test(every_item_has_its_type_and_bounds),
        cmocka_unit_test(too_few_items_are_refused_and_more_ignored),
        cmocka_unit_test(another_major_is_refused_whatever_its_shape),
        cmocka_unit_test(what_is_no_array_is_refused),
        cmocka_unit_test(a_failed_reply_has_a_status_and_no_body),
        cmocka_unit_test(a_failed_reply_with_a_body_is_refused),
        cmocka_unit_test(the_envelope_of_a_refused_message_can_be_answered),
        cmocka_unit_test(a_refused_envelope_leaves_the_outputs_alone),
        cmocka_unit_test(every_fault_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("codec envelope", tests, NULL, NULL);
}
