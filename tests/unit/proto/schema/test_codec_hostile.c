/* Frames that a peer with a valid key but no manners sends. */
#include "proto/schema/codec.h"
#include "proto/schema/prescan.h"

#include "tests/unit/proto/schema/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct envelope usual = {
    .correlation_id = 7,
    .remaining_ms = 4000,
    .expiry_unix_ms = 1700000000000,
    .request_id = {.data = "req-1", .bytes = 5},
    .principal = {.kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 1, .session_id = 2}};

static void a_header_that_asks_for_gigabytes_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wire_fault(STR_LIT("\xdd\x7f\xff\xff\xff")), CODEC_MALFORMED);
    assert_int_equal(wire_fault(STR_LIT("\xdf\x7f\xff\xff\xff")), CODEC_MALFORMED);
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_envelope(wire, MSG_bridge_participants_reply, 0);
    WIRE_RAW(wire, "\x81\x01\xdd\x7f\xff\xff\xff\x01");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_MALFORMED);
}

static void a_hundred_thousand_levels_are_refused(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_envelope(wire, MSG_bridge_info, 0);
    WIRE_RAW(wire, "\x81\x63");
    for (size_t i = 0; i < 100000; i++) {
        WIRE_RAW(wire, "\x91");
    }
    WIRE_RAW(wire, "\x01");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_MALFORMED);
}

/* An unknown field as large as a frame may be is ignored; one byte more and the frame is refused.
 */
static void the_frame_is_bounded(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    static const char zeroes[FRAME_BYTES_MAX];
    for (size_t more = 0; more <= 1; more++) {
        wire_envelope(wire, MSG_bridge_info, 0);
        WIRE_RAW(wire, "\x81\x63");
        const size_t head_bytes = 5; /* bin 32 */
        const size_t left = FRAME_BYTES_MAX - wire->bytes - head_bytes + more;
        wire_binary(wire, (struct str){.data = zeroes, .bytes = left});
        assert_int_equal(wire->bytes, FRAME_BYTES_MAX + more);
        assert_int_equal(wire_fault(wire_str(wire)), more == 0 ? CODEC_OK : CODEC_TOO_LARGE);
    }
}

static void an_empty_frame_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wire_fault(STR_NONE), CODEC_MALFORMED);
    assert_int_equal(wire_fault(STR_LIT("")), CODEC_MALFORMED);
}

/* Everywhere near its ends; in between of a long one at so many places that it takes no longer. */
static size_t next_cut(size_t bytes, size_t whole)
{
    const size_t near_end = 100;
    const size_t stride = whole / 300 | 1;
    return bytes + (bytes < near_end || bytes + stride + near_end > whole ? 1 : stride);
}

static void a_frame_cut_anywhere_is_refused(void **state)
{
    (void)state;
    AUTO(frame_free) struct frame *frame = frame_new();
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        struct msg msg;
        wire_fill(&msg, type, /* is_max= */ true);
        assert_int_equal(codec_encode(frame, &usual, &msg), ERR_OK);
        const struct str whole = frame_bytes(frame);
        for (size_t bytes = 0; bytes < whole.bytes; bytes = next_cut(bytes, whole.bytes)) {
            assert_int_equal(wire_fault((struct str){.data = whole.data, .bytes = bytes}),
                             CODEC_MALFORMED);
        }
    }
}

static void bytes_after_the_envelope_are_refused(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_envelope_with(wire, SIZE_MAX, STR_NONE);
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_OK);
    WIRE_RAW(wire, "\xc0");
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_MALFORMED);
}

static void more_objects_than_a_frame_may_have_are_refused(void **state)
{
    (void)state;
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_envelope(wire, MSG_bridge_info, 0);
    WIRE_RAW(wire, "\x81\x63");
    wire_array(wire, PRESCAN_ITEMS_MAX);
    for (size_t i = 0; i < PRESCAN_ITEMS_MAX; i++) {
        wire_uint(wire, 0);
    }
    assert_int_equal(wire_fault(wire_str(wire)), CODEC_MALFORMED);
}

/* What is taken must be valid, and the same again when it is sent on. */
static bool is_consistent(struct arena *arena, struct frame *frame, struct str data)
{
    struct envelope envelope;
    struct msg msg;
    const enum codec_fault fault = codec_decode(arena, data, &envelope, &msg);
    if (fault != CODEC_OK) {
        return fault > CODEC_OK && fault < CODEC_FAULT_COUNT;
    }
    AUTO(arena_free) struct arena *again = arena_new();
    struct envelope envelope_again;
    struct msg msg_again;
    return codec_encode(frame, &envelope, &msg) == ERR_OK &&
           codec_decode(again, frame_bytes(frame), &envelope_again, &msg_again) == CODEC_OK &&
           wire_equal(&msg, &msg_again) &&
           envelope.correlation_id == envelope_again.correlation_id &&
           envelope.status == envelope_again.status &&
           str_eq(envelope.request_id, envelope_again.request_id) &&
           envelope.principal.user_id == envelope_again.principal.user_id;
}

static void no_single_byte_change_does_harm(void **state)
{
    (void)state;
    AUTO(frame_free) struct frame *frame = frame_new();
    AUTO(frame_free) struct frame *scratch = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        struct msg msg;
        wire_fill(&msg, type, /* is_max= */ false);
        assert_int_equal(codec_encode(frame, &usual, &msg), ERR_OK);
        const size_t bytes = frame_bytes(frame).bytes;
        AUTO(mem_free) char *copy = mem_alloc(bytes);
        memcpy(copy, frame_bytes(frame).data, bytes);
        for (size_t at = 0; at < bytes; at++) {
            const char original = copy[at];
            for (int change = 1; change <= 0xff; change++) {
                copy[at] = (char)(original ^ change);
                assert_true(
                    is_consistent(arena, scratch, (struct str){.data = copy, .bytes = bytes}));
            }
            copy[at] = original;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_that_asks_for_gigabytes_is_refused),
        cmocka_unit_test(a_hundred_thousand_levels_are_refused),
        cmocka_unit_test(the_frame_is_bounded),
        cmocka_unit_test(an_empty_frame_is_refused),
        cmocka_unit_test(a_frame_cut_anywhere_is_refused),
        cmocka_unit_test(bytes_after_the_envelope_are_refused),
        cmocka_unit_test(more_objects_than_a_frame_may_have_are_refused),
        cmocka_unit_test(no_single_byte_change_does_harm),
    };
    return cmocka_run_group_tests_name("codec hostile", tests, NULL, NULL);
}
