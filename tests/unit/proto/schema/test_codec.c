/* The codec against the schema: for every row of the table, what goes through and what is refused.
 */
#include "proto/schema/codec.h"
#include "proto/schema/codec_check.h"

#include "tests/unit/proto/schema/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct envelope usual = {.correlation_id = 7,
                                      .remaining_ms = 4000,
                                      .expiry_unix_ms = 1700000000000,
                                      .request_id = {.data = "req-1", .bytes = 5}};

struct fixture {
    struct frame *frame;
    struct arena *arena;
    struct wire *wire;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));
    *fixture = (struct fixture){.frame = frame_new(), .arena = arena_new(), .wire = wire_new()};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    frame_free(&fixture->frame);
    arena_free(&fixture->arena);
    wire_free(&fixture->wire);
    mem_free(&fixture);
    return 0;
}

static void assert_round_trip(struct fixture *fixture, const struct msg *sent)
{
    assert_int_equal(codec_encode(fixture->frame, &usual, sent), ERR_OK);
    struct envelope envelope;
    struct msg received;
    assert_int_equal(
        codec_decode(fixture->arena, frame_bytes(fixture->frame), &envelope, &received), CODEC_OK);
    assert_true(wire_equal(sent, &received));
    assert_int_equal(envelope.correlation_id, usual.correlation_id);
    assert_int_equal(envelope.status, ERR_OK);
}

static void every_message_goes_through_at_its_bounds(void **state)
{
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        struct msg msg;
        wire_fill(&msg, type, /* is_max= */ false);
        assert_round_trip(*state, &msg);
        wire_fill(&msg, type, /* is_max= */ true);
        assert_round_trip(*state, &msg);
    }
}

/* The body of type in which field has amount; the other fields have their least value, absent
 * optional ones stay away, and with amount UINT64_MAX field stays away too. */
#define AWAY UINT64_MAX
static void write_with(struct wire *wire, const struct msg_type *type,
                       const struct msg_field *field, uint64_t amount)
{
    wire_envelope(wire, type->id, 0);
    size_t count = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct msg_field *each = &type->fields[i];
        count += each == field ? amount != AWAY : each->required;
    }
    wire_map(wire, count);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct msg_field *each = &type->fields[i];
        if (each == field ? amount != AWAY : each->required) {
            wire_field(wire, each, each == field ? amount : wire_least(each));
        }
    }
}

static void the_wire_form_is_the_one_written_by_hand(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        struct msg msg;
        wire_fill(&msg, type, /* is_max= */ false);
        write_with(fixture->wire, type, NULL, 0);
        assert_int_equal(codec_encode(fixture->frame, &usual, &msg), ERR_OK);
        assert_true(str_eq(frame_bytes(fixture->frame), wire_str(fixture->wire)));
        assert_int_equal(wire_fault(wire_str(fixture->wire)), CODEC_OK);
    }
}

static void a_missing_field_is_refused_if_required(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            write_with(fixture->wire, type, &type->fields[i], AWAY);
            assert_int_equal(wire_fault(wire_str(fixture->wire)),
                             type->fields[i].required ? CODEC_BODY : CODEC_OK);
        }
    }
}

static void an_absent_optional_field_reads_as_empty(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = msg_type_find(MSG_bridge_create);
    write_with(fixture->wire, type, &type->fields[2], AWAY);
    struct envelope envelope;
    struct msg msg;
    memset(&msg, 0xff, sizeof(msg));
    assert_int_equal(codec_decode(fixture->arena, wire_str(fixture->wire), &envelope, &msg),
                     CODEC_OK);
    assert_int_equal(msg.bridge_create.description.bytes, 0);
    assert_int_equal(msg.bridge_create.secret.bytes, 16);
    assert_int_equal(msg.bridge_create.publishers_max, 1);
}

static void assert_bound(struct fixture *fixture, const struct msg_type *type,
                         const struct msg_field *field, uint64_t amount, bool is_good)
{
    write_with(fixture->wire, type, field, amount);
    if (wire_fault(wire_str(fixture->wire)) != (is_good ? CODEC_OK : CODEC_BODY)) {
        fail_msg("%s.%s with %" PRIu64, type->name, field->name, amount);
    }
}

static void a_value_past_a_bound_is_refused(void **state)
{
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            const struct msg_field *field = &type->fields[i];
            assert_bound(*state, type, field, wire_least(field), true);
            assert_bound(*state, type, field, wire_most(field), true);
            if (field->type == FIELD_ENUM || field->type == FIELD_RECORD) {
                continue; /* test_codec_records.c */
            }
            if (field->min > 0) {
                assert_bound(*state, type, field, field->min - 1, false);
            }
            if (field->type != FIELD_BOOL && field->max < UINT64_MAX) {
                assert_bound(*state, type, field, field->max + 1, false);
            }
        }
    }
}

/* The place of a field that wire_fill has set is changed to one past its bounds. */
static void put_past(struct msg *msg, const struct msg_field *field, bool is_max)
{
    void *place = msg_field_at(msg, field);
    const uint64_t amount = is_max ? wire_most(field) + 1 : field->min - 1;
    if (field->type == FIELD_ENUM) {
        memcpy(place, &(uint32_t){(uint32_t)amount}, sizeof(uint32_t));
    } else if (field->type == FIELD_RECORDS) {
        memcpy((char *)place + offsetof(struct u64_list, count), &amount, sizeof(amount));
    } else if (field->type == FIELD_U64) {
        *(uint64_t *)place = amount;
    } else if (field->type == FIELD_U64_LIST) {
        ((struct u64_list *)place)->count = amount;
    } else {
        ((struct str *)place)->bytes = amount;
    }
}

static void encode_refuses_what_decode_would(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            const struct msg_field *field = &type->fields[i];
            struct msg msg;
            wire_fill(&msg, type, /* is_max= */ true);
            if (field->type == FIELD_BOOL || field->type == FIELD_RECORD) {
                continue;
            }
            put_past(&msg, field, /* is_max= */ true);
            assert_int_equal(msg_validate(&msg), ERR_BAD_REQUEST);
            assert_int_equal(codec_encode(fixture->frame, &usual, &msg), ERR_BAD_REQUEST);
            assert_int_equal(frame_bytes(fixture->frame).bytes, 0);
            if (field->min > 0) {
                put_past(&msg, field, /* is_max= */ false);
                const bool is_absent = field->presence == MSG_IMPLICIT && field->min == 1;
                assert_int_equal(msg_validate(&msg), is_absent ? ERR_OK : ERR_BAD_REQUEST);
            }
        }
    }
}

/* One value of each kind that msgpack has, and the field type that it is right for. */
static const struct {
    struct str bytes;
    int right_for; /* the field type; -1: for none */
} kinds[] = {
    {STR_LIT("\xc0"), -1},                                 /* nil */
    {STR_LIT("\xc3"), FIELD_BOOL},                         /* true */
    {STR_LIT("\x01"), FIELD_U64},                          /* fixint */
    {STR_LIT("\xff"), -1},                                 /* -1 */
    {STR_LIT("\xd3\xff\xff\xff\xff\xff\xff\xff\xfe"), -1}, /* -2 in 64 bits */
    {STR_LIT("\xca\x3f\x80\x00\x00"), -1},                 /* 1.0 */
    {STR_LIT("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), -1}, /* 1.0 in 64 bits */
    {STR_LIT("\xb0"
             "aaaaaaaaaaaaaaaa"),
     FIELD_STR},
    {STR_LIT("\xc4\x20"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
     FIELD_BIN},
    {STR_LIT("\x91\x01"), FIELD_U64_LIST},
    {STR_LIT("\x81\x01\x01"), -1}, /* map */
    {STR_LIT("\xd4\x01\x01"), -1}, /* fixext */
};

/* A body of type in which field has these bytes. */
static void write_bytes(struct wire *wire, const struct msg_type *type,
                        const struct msg_field *field, struct str bytes)
{
    wire_envelope(wire, type->id, 0);
    wire_map(wire, type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        if (&type->fields[i] == field) {
            wire_uint(wire, field->tag);
            wire_raw(wire, bytes.data, bytes.bytes);
        } else {
            wire_field(wire, &type->fields[i], wire_least(&type->fields[i]));
        }
    }
}

static void a_value_of_another_type_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
                const struct msg_field *field = &type->fields[i];
                if (kinds[k].right_for == (int)field->type || field->type == FIELD_ENUM) {
                    continue; /* enums: test_codec_records.c */
                }
                write_bytes(fixture->wire, type, &type->fields[i], kinds[k].bytes);
                assert_int_equal(wire_fault(wire_str(fixture->wire)), CODEC_BODY);
            }
        }
    }
}

static void a_list_holds_unsigned_integers_only(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = msg_type_find(MSG_bridge_participants_reply);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        wire_envelope(fixture->wire, type->id, 0);
        WIRE_RAW(fixture->wire, "\x81\x01\x92\x05");
        wire_raw(fixture->wire, kinds[k].bytes.data, kinds[k].bytes.bytes);
        assert_int_equal(wire_fault(wire_str(fixture->wire)),
                         kinds[k].right_for == FIELD_U64 ? CODEC_OK : CODEC_BODY);
    }
}

static void an_integer_may_have_any_form_that_holds_it(void **state)
{
    struct fixture *fixture = *state;
    static const struct str forms[] = {
        STR_LIT("\x05"),
        STR_LIT("\xcc\x05"),
        STR_LIT("\xcd\x00\x05"),
        STR_LIT("\xce\x00\x00\x00\x05"),
        STR_LIT("\xcf\x00\x00\x00\x00\x00\x00\x00\x05"),
        STR_LIT("\xd0\x05"),
        STR_LIT("\xd3\x00\x00\x00\x00\x00\x00\x00\x05"),
    };
    const struct msg_type *type = msg_type_find(MSG_bridge_exists);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        write_bytes(fixture->wire, type, &type->fields[0], forms[i]);
        struct envelope envelope;
        struct msg msg;
        assert_int_equal(codec_decode(fixture->arena, wire_str(fixture->wire), &envelope, &msg),
                         CODEC_OK);
        assert_int_equal(msg.bridge_exists.room_id, 5);
    }
}

static void a_tag_twice_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            wire_envelope(fixture->wire, type->id, 0);
            wire_map(fixture->wire, type->field_count + 1);
            for (size_t j = 0; j < type->field_count; j++) {
                wire_field(fixture->wire, &type->fields[j], wire_least(&type->fields[j]));
            }
            wire_field(fixture->wire, &type->fields[i], wire_least(&type->fields[i]));
            assert_int_equal(wire_fault(wire_str(fixture->wire)), CODEC_BODY);
        }
    }
}

static void an_unknown_tag_is_ignored_whatever_it_holds(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t tags[] = {
        0,         MSG_TAG_LIMIT - 1, MSG_TAG_LIMIT, 1 + MSG_TAG_LIMIT, 1 + (UINT64_C(1) << 32),
        UINT64_MAX};
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t k = 0; k < ARRAY_LEN(tags) * ARRAY_LEN(kinds); k++) {
            const struct str bytes = kinds[k / ARRAY_LEN(tags)].bytes;
            wire_envelope(fixture->wire, type->id, 0);
            wire_map(fixture->wire, type->field_count + 1);
            wire_uint(fixture->wire, tags[k % ARRAY_LEN(tags)]);
            wire_raw(fixture->wire, bytes.data, bytes.bytes);
            for (size_t j = 0; j < type->field_count; j++) {
                wire_field(fixture->wire, &type->fields[j], wire_least(&type->fields[j]));
            }
            assert_int_equal(wire_fault(wire_str(fixture->wire)), CODEC_OK);
        }
    }
}

static void a_key_that_is_no_tag_is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        wire_envelope(fixture->wire, MSG_bridge_info, 0);
        wire_map(fixture->wire, 1);
        wire_raw(fixture->wire, kinds[k].bytes.data, kinds[k].bytes.bytes);
        wire_uint(fixture->wire, 1);
        assert_int_equal(wire_fault(wire_str(fixture->wire)),
                         kinds[k].right_for == FIELD_U64 ? CODEC_OK : CODEC_BODY);
    }
}

/* Text that is not UTF-8 (RFC 3629), and text that is but that we do not take. */
static const struct str bad_texts[] = {
    STR_LIT("\x80"),         /* a continuation alone */
    STR_LIT("\xc3"),         /* cut off */
    STR_LIT("\xe2\x82"),     /* cut off */
    STR_LIT("\xf0\x9f\x98"), /* cut off */
    STR_LIT("\xc3("),        /* no continuation */
    STR_LIT("\xe2\x82("),
    STR_LIT("\xf0\x9f\x98("),
    STR_LIT("\xc0\xaf"), /* overlong '/' */
    STR_LIT("\xc1\xbf"),
    STR_LIT("\xe0\x80\xaf"),
    STR_LIT("\xe0\x9f\xbf"),
    STR_LIT("\xf0\x80\x80\xaf"),
    STR_LIT("\xf0\x8f\xbf\xbf"),
    STR_LIT("\xed\xa0\x80"), /* surrogates */
    STR_LIT("\xed\xbf\xbf"),
    STR_LIT("\xf4\x90\x80\x80"), /* past U+10FFFF */
    STR_LIT("\xf5\x80\x80\x80"),
    STR_LIT("\xf8\x88\x80\x80\x80"),
    STR_LIT("\xfe"),
    STR_LIT("\xff"),
    STR_LIT("\x00"), /* NUL */
};

static const struct str good_texts[] = {
    STR_LIT("\x7f"),
    STR_LIT("\xc2\x80"),
    STR_LIT("\xdf\xbf"),
    STR_LIT("\xe0\xa0\x80"),
    STR_LIT("\xed\x9f\xbf"),
    STR_LIT("\xee\x80\x80"),
    STR_LIT("\xef\xbf\xbf"),
    STR_LIT("\xf0\x90\x80\x80"),
    STR_LIT("\xf4\x8f\xbf\xbf"),
    STR_LIT("\xe2\x82\xac\xf0\x9f\x98\x80"),
};

/* Both ways, padded on both sides to what every STR field takes. */
static void assert_text(struct fixture *fixture, const struct msg_type *type,
                        const struct msg_field *field, struct str text, bool is_good)
{
    char padded[64];
    const int bytes_before = 12;
    const int bytes_after = 12;
    memset(padded, 'a', sizeof(padded));
    memcpy(padded + bytes_before, text.data, text.bytes);
    const struct str value = {.data = padded,
                              .bytes = (size_t)bytes_before + text.bytes + (size_t)bytes_after};
    fixture->wire->bytes = 0;
    AUTO(wire_free) struct wire *bytes = wire_new();
    wire_text(bytes, value);
    write_bytes(fixture->wire, type, field, wire_str(bytes));
    assert_int_equal(wire_fault(wire_str(fixture->wire)), is_good ? CODEC_OK : CODEC_BODY);

    struct msg msg;
    wire_fill(&msg, type, /* is_max= */ false);
    *(struct str *)msg_field_at(&msg, field) = value;
    if (field->presence == MSG_OPTIONAL) {
        *(bool *)((char *)msg_body(&msg) + field->flag) = true;
    }
    assert_int_equal(msg_validate(&msg), is_good ? ERR_OK : ERR_BAD_REQUEST);
}

static void text_is_strict_utf8_without_nul(void **state)
{
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            if (type->fields[i].type != FIELD_STR) {
                continue;
            }
            for (size_t k = 0; k < ARRAY_LEN(bad_texts); k++) {
                assert_text(*state, type, &type->fields[i], bad_texts[k], false);
            }
            for (size_t k = 0; k < ARRAY_LEN(good_texts); k++) {
                assert_text(*state, type, &type->fields[i], good_texts[k], true);
            }
        }
    }
}

/* A character cut off by the end of the text itself, where nothing follows. */
static void text_may_not_end_inside_a_character(void **state)
{
    struct fixture *fixture = *state;
    for (size_t cut = 1; cut <= 4; cut++) {
        wire_envelope(fixture->wire, MSG_node_rooms, 0);
        wire_map(fixture->wire, 1);
        wire_uint(fixture->wire, 1);
        wire_text(fixture->wire, (struct str){.data = "\xf0\x9f\x98\x80", .bytes = cut});
        assert_int_equal(wire_fault(wire_str(fixture->wire)), cut == 4 ? CODEC_OK : CODEC_BODY);
    }
}

static void a_body_must_be_a_map(void **state)
{
    struct fixture *fixture = *state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        const unsigned char first = (unsigned char)kinds[k].bytes.data[0];
        const enum codec_fault expected = first == 0xc0   ? CODEC_BODY
                                          : first == 0x81 ? CODEC_OK
                                                          : CODEC_ENVELOPE;
        wire_envelope_with(fixture->wire, WIRE_BODY, kinds[k].bytes);
        assert_int_equal(wire_fault(wire_str(fixture->wire)), expected);
    }
}

static void strings_are_views_into_the_frame(void **state)
{
    struct fixture *fixture = *state;
    struct msg msg = {.id = MSG_login,
                      .login = {.username = STR_LIT("testuser"),
                                .password = STR_LIT("test123"),
                                .token_hash = STR_LIT("0123456789abcdef0123456789abcdef")}};
    assert_int_equal(codec_encode(fixture->frame, &usual, &msg), ERR_OK);
    const struct str frame = frame_bytes(fixture->frame);
    struct envelope envelope;
    struct msg received;
    assert_int_equal(codec_decode(fixture->arena, frame, &envelope, &received), CODEC_OK);
    assert_true(received.login.username.data > frame.data);
    assert_true(received.login.token_hash.data + 32 <= frame.data + frame.bytes);
    assert_true(str_eq(received.login.password, STR_LIT("test123")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_goes_through_at_its_bounds),
        cmocka_unit_test(the_wire_form_is_the_one_written_by_hand),
        cmocka_unit_test(a_missing_field_is_refused_if_required),
        cmocka_unit_test(an_absent_optional_field_reads_as_empty),
        cmocka_unit_test(a_value_past_a_bound_is_refused),
        cmocka_unit_test(encode_refuses_what_decode_would),
        cmocka_unit_test(a_value_of_another_type_is_refused),
        cmocka_unit_test(a_list_holds_unsigned_integers_only),
        cmocka_unit_test(an_integer_may_have_any_form_that_holds_it),
        cmocka_unit_test(a_tag_twice_is_refused),
        cmocka_unit_test(an_unknown_tag_is_ignored_whatever_it_holds),
        cmocka_unit_test(a_key_that_is_no_tag_is_refused),
        cmocka_unit_test(text_is_strict_utf8_without_nul),
        cmocka_unit_test(text_may_not_end_inside_a_character),
        cmocka_unit_test(a_body_must_be_a_map),
        cmocka_unit_test(strings_are_views_into_the_frame),
    };
    return cmocka_run_group_tests_name("codec", tests, set_up, tear_down);
}
