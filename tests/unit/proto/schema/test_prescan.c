/* The first look at a frame: every head byte, and everything that lies about its size. */
#include "proto/schema/prescan.h"

#include "tests/unit/proto/schema/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Sound from a block that ends where the data ends; ASan sees a byte read too far. */
static bool is_sound(const char *data, size_t bytes)
{
    AUTO(mem_free) char *copy = mem_alloc(bytes == 0 ? 1 : bytes);
    memcpy(copy, data, bytes);
    return prescan_is_sound((struct str){.data = copy, .bytes = bytes});
}

#define IS_SOUND(literal) is_sound((literal), sizeof(literal) - 1)

/* Each head byte from 0xc0 on that is followed by something: how many bytes after it make it whole,
 * when all of them are 0 (so counts and lengths are 0). */
static const unsigned char bytes_after_head[] = {
    [0xc4 - 0xc0] = 1,  [0xc5 - 0xc0] = 2, [0xc6 - 0xc0] = 4, [0xc7 - 0xc0] = 2, [0xc8 - 0xc0] = 3,
    [0xc9 - 0xc0] = 5,  [0xca - 0xc0] = 4, [0xcb - 0xc0] = 8, [0xcc - 0xc0] = 1, [0xcd - 0xc0] = 2,
    [0xce - 0xc0] = 4,  [0xcf - 0xc0] = 8, [0xd0 - 0xc0] = 1, [0xd1 - 0xc0] = 2, [0xd2 - 0xc0] = 4,
    [0xd3 - 0xc0] = 8,  [0xd4 - 0xc0] = 2, [0xd5 - 0xc0] = 3, [0xd6 - 0xc0] = 5, [0xd7 - 0xc0] = 9,
    [0xd8 - 0xc0] = 17, [0xd9 - 0xc0] = 1, [0xda - 0xc0] = 2, [0xdb - 0xc0] = 4, [0xdc - 0xc0] = 2,
    [0xdd - 0xc0] = 4,  [0xde - 0xc0] = 2, [0xdf - 0xc0] = 4,
};

static size_t bytes_after(unsigned head)
{
    if (head >= 0x80 && head <= 0x8f) {
        return 2 * (size_t)(head & 0x0f);
    }
    if (head >= 0x90 && head <= 0x9f) {
        return head & 0x0f;
    }
    if (head >= 0xa0 && head <= 0xbf) {
        return head & 0x1f;
    }
    return head >= 0xc0 && head <= 0xdf ? bytes_after_head[head - 0xc0] : 0;
}

static void every_head_byte_takes_exactly_its_bytes(void **state)
{
    (void)state;
    for (unsigned head = 0; head <= 0xff; head++) {
        const char data[64] = {(char)head};
        for (size_t bytes = 1; bytes < sizeof(data); bytes++) {
            const bool expected = head != 0xc1 && bytes == 1 + bytes_after(head);
            if (is_sound(data, bytes) != expected) {
                fail_msg("head %02x with %zu bytes", head, bytes);
            }
        }
    }
}

static void nothing_is_not_sound(void **state)
{
    (void)state;
    assert_false(is_sound("", 0));
    assert_false(prescan_is_sound(STR_NONE));
}

static void a_count_larger_than_the_rest_is_a_lie(void **state)
{
    (void)state;
    assert_false(IS_SOUND("\xdd\x7f\xff\xff\xff")); /* msgpack-c allocates 2 GiB for this one */
    assert_false(IS_SOUND("\xdd\xff\xff\xff\xff"));
    assert_false(IS_SOUND("\xdf\xff\xff\xff\xff"));
    assert_false(IS_SOUND("\xdf\x80\x00\x00\x00")); /* twice that is 2^32: must not wrap to 0 */
    assert_false(IS_SOUND("\xdc\x00\x02\x01"));
    assert_true(IS_SOUND("\xdc\x00\x02\x01\x01"));
    assert_false(IS_SOUND("\xde\x00\x01\x01"));
    assert_true(IS_SOUND("\xde\x00\x01\x01\x01"));
    assert_false(IS_SOUND("\xc6\xff\xff\xff\xff"));
    assert_false(IS_SOUND("\xc9\xff\xff\xff\xff\x01"));
    assert_false(IS_SOUND("\xdb\xff\xff\xff\xff"));
    assert_true(IS_SOUND("\xd9\x02hi"));
    assert_true(IS_SOUND("\xc7\x01\x05z"));
}

static void bytes_after_the_object_are_refused(void **state)
{
    (void)state;
    assert_true(IS_SOUND("\x92\x01\x02"));
    assert_false(IS_SOUND("\x92\x01\x02\x03"));
    assert_false(IS_SOUND("\x92\x01"));
    assert_false(IS_SOUND("\x90\x90"));
}

/* levels arrays in each other, the innermost holding a 0. */
static bool is_sound_nested(size_t levels, unsigned char container)
{
    AUTO(mem_free) char *data = mem_alloc(2 * levels + 1);
    const size_t step = container == 0x91 ? 1 : 2; /* a map has a key (0) before its value */
    for (size_t i = 0; i < levels; i++) {
        data[i * step] = (char)container;
    }
    return prescan_is_sound((struct str){.data = data, .bytes = levels * step + 1});
}

static void depth_is_bounded(void **state)
{
    (void)state;
    assert_true(is_sound_nested(PRESCAN_DEPTH_MAX, 0x91));
    assert_false(is_sound_nested(PRESCAN_DEPTH_MAX + 1, 0x91));
    assert_true(is_sound_nested(PRESCAN_DEPTH_MAX, 0x81));
    assert_false(is_sound_nested(PRESCAN_DEPTH_MAX + 1, 0x81));
    assert_false(is_sound_nested(100000, 0x91));
    assert_false(is_sound_nested(100000, 0x81));
}

static void containers_close_in_order(void **state)
{
    (void)state;
    assert_true(IS_SOUND("\x93\x92\x01\x02\x81\x01\x90\xc0"));
    assert_false(IS_SOUND("\x93\x92\x01\x02\x81\x01\x90"));
    assert_false(IS_SOUND("\x93\x92\x01\x02\x81\x01\x90\xc0\xc0"));
}

/* An array of count zeroes, and the array is an object too. */
static bool is_sound_flat(size_t count)
{
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_array(wire, count);
    for (size_t i = 0; i < count; i++) {
        wire_uint(wire, 0);
    }
    return prescan_is_sound(wire_str(wire));
}

static void objects_are_bounded_in_all(void **state)
{
    (void)state;
    assert_true(is_sound_flat(PRESCAN_ITEMS_MAX - 1));
    assert_false(is_sound_flat(PRESCAN_ITEMS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_byte_takes_exactly_its_bytes),
        cmocka_unit_test(nothing_is_not_sound),
        cmocka_unit_test(a_count_larger_than_the_rest_is_a_lie),
        cmocka_unit_test(bytes_after_the_object_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(containers_close_in_order),
        cmocka_unit_test(objects_are_bounded_in_all),
    };
    return cmocka_run_group_tests_name("prescan", tests, NULL, NULL);
}
