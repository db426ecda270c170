/* What a room is like, and how that is changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/rules/room_options.h"

#define NOW 1700000000000

static struct managed_room room_now(void)
{
    struct managed_room room = room_options_default(20);
    room.now_unix_ms = NOW;
    (void)str_copy(room.name, sizeof(room.name), STR_LIT("Tea"));
    return room;
}

static void a_room_is_safe_where_nothing_is_said(void **state)
{
    const struct managed_room room = room_options_default(20);
    (void)state;
    assert_int_equal(room.access, ROOM_OPEN);
    assert_int_equal(room.guests_wait, 1);
    assert_int_equal(room.publishers_max, 20);
    assert_int_equal(room.has_pin, 0);
    assert_int_equal(room.expires_unix_ms, 0);
}

static void what_is_absent_stays(void **state)
{
    const struct msg_room_options nothing = {.access = ROOM_INVITED, .lobby = true};
    const struct managed_room before = room_now();
    struct managed_room room = before;
    (void)state;
    assert_int_equal(room_options_apply(&nothing, 20, &room), ERR_OK);
    assert_memory_equal(&room, &before, sizeof(room));
    assert_false(room_options_differ(&before, &room));
}

/* One option each: it is taken over, and seen to differ. */
static void each_option_is_taken_over(void **state)
{
#define OPTION(m, value)                                                                           \
    {                                                                                              \
        .has_##m = true, .m = (value)                                                              \
    }
    static const struct msg_room_options rows[] = {OPTION(access, ROOM_MEMBERS),
                                                   OPTION(guests_wait, false),
                                                   OPTION(lobby, true),
                                                   OPTION(locked, true),
                                                   OPTION(participants_max, 7),
                                                   OPTION(publishers_max, 3),
                                                   OPTION(chat, false),
                                                   OPTION(screen_share, false),
                                                   OPTION(mute_on_entry, true),
                                                   OPTION(unmute, ROOM_UNMUTE_MODERATORS),
                                                   OPTION(expires_at, NOW + 1),
                                                   OPTION(empty_timeout_s, 60),
                                                   OPTION(name, STR_LIT("Cocoa")),
                                                   OPTION(bitrate, MEDIA_BITRATE_MIN)};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct managed_room before = room_now();
        struct managed_room room = before;
        assert_int_equal(room_options_apply(&rows[i], 20, &room), ERR_OK);
        assert_true(room_options_differ(&before, &room));
        assert_int_equal(room_options_only_guard(&rows[i]), i == 2 || i == 3);
    }
}

static void what_cannot_be_changes_nothing(void **state)
{
    static const struct msg_room_options rows[] = {
        OPTION(name, STR_LIT("a\xe2\x80\xae"
                             "b")),
        OPTION(name, STR_LIT("")),
        OPTION(pin, STR_LIT("123")),
        OPTION(pin, STR_LIT("12345x")),
        OPTION(publishers_max, 21),
        OPTION(bitrate, MEDIA_BITRATE_MIN - 1),
        OPTION(expires_at, NOW),
        {.has_lobby = true, .lobby = true, .has_pin = true, .pin = STR_LIT("1")},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct managed_room before = room_now();
        struct managed_room room = before;
        assert_int_equal(room_options_apply(&rows[i], 20, &room), ERR_WRONG_MEMBER);
        assert_memory_equal(&room, &before, sizeof(room));
    }
}

static void pins_come_and_go(void **state)
{
    const struct msg_room_options with = OPTION(pin, STR_LIT("0042"));
    const struct msg_room_options without = OPTION(pin, STR_LIT(""));
    struct managed_room room = room_now();
    unsigned char one[ROOM_PIN_BYTES];
    unsigned char other[ROOM_PIN_BYTES];
    (void)state;
    assert_int_equal(room_options_apply(&with, 20, &room), ERR_OK);
    assert_int_equal(room.has_pin, 1);
    assert_int_equal(room_options_apply(&without, 20, &room), ERR_OK);
    assert_int_equal(room.has_pin, 0);
    assert_false(room_options_only_guard(&with));
    room_pin_make(STR_LIT("0042"), one);
    room_pin_make(STR_LIT("0042"), other);
    assert_memory_not_equal(one, other, sizeof(one)); /* salted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_is_safe_where_nothing_is_said),
        cmocka_unit_test(what_is_absent_stays),
        cmocka_unit_test(each_option_is_taken_over),
        cmocka_unit_test(what_cannot_be_changes_nothing),
        cmocka_unit_test(pins_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
