/* Stream keys: what they are good for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "roomsvc/rules/participant.h"
#include "roomsvc/rules/stream_key.h"

static void a_key_is_good_for_its_use_until_its_time_is_up(void **state)
{
    static const struct {
        uint64_t expires_unix_ms;
        enum stream_use use, wanted;
        enum err err;
    } table[] = {
        {0, STREAM_PUBLISH, STREAM_PUBLISH, ERR_OK},
        {0, STREAM_WATCH, STREAM_WATCH, ERR_OK},
        {0, STREAM_PUBLISH, STREAM_WATCH, ERR_FORBIDDEN},
        {0, STREAM_WATCH, STREAM_PUBLISH, ERR_FORBIDDEN},
        {1001, STREAM_PUBLISH, STREAM_PUBLISH, ERR_OK},
        {1000, STREAM_PUBLISH, STREAM_PUBLISH, ERR_UNAUTHORIZED},
        {1000, STREAM_PUBLISH, STREAM_WATCH, ERR_UNAUTHORIZED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct stream_key key = {
            .id = 1, .use = table[i].use, .expires_unix_ms = table[i].expires_unix_ms};
        assert_int_equal(stream_key_is_good(&key, table[i].wanted, 1000), table[i].err);
    }
}

static void its_participant_may_no_more_than_it(void **state)
{
    (void)state;
    assert_int_equal(stream_key_role(STREAM_PUBLISH), ROOM_PARTICIPANT);
    assert_int_equal(stream_key_role(STREAM_WATCH), ROOM_VIEWER);
}

/* Invited, of no other standing, and before a room that lets nobody in at once. */
static struct join_case coming(enum stream_use use)
{
    return (struct join_case){.is_guest = true,
                              .is_stream = true,
                              .is_invited = true,
                              .invited_role = stream_key_role(use),
                              .access = ROOM_INVITED,
                              .has_lobby = true,
                              .has_pin = true,
                              .guests_wait = true,
                              .joined_max = 5,
                              .address_max = 5,
                              .user_max = 5};
}

static void a_stream_does_not_wait_but_respects_lock_ban_and_limits(void **state)
{
    enum participant_state came;
    struct join_case join = coming(STREAM_PUBLISH);
    (void)state;
    assert_int_equal(participant_may_join(&join, &came), ERR_OK);
    assert_int_equal(came, PARTICIPANT_JOINED);
    join.is_locked = true;
    assert_int_equal(participant_may_join(&join, &came), ERR_ROOM_LOCKED);
    join.is_locked = false;
    join.is_banned = true;
    assert_int_equal(participant_may_join(&join, &came), ERR_BANNED);
    join.is_banned = false;
    join.joined = 5;
    assert_int_equal(participant_may_join(&join, &came), ERR_ROOM_FULL);
    join.joined = 4;
    join.of_address = 5;
    assert_int_equal(participant_may_join(&join, &came), ERR_RATE_LIMITED);
}

static void what_is_told_of_a_key(void **state)
{
    const struct stream_key key = {.id = 3,
                                   .use = STREAM_WATCH,
                                   .label = "Wall",
                                   .user_name = "Carol",
                                   .expires_unix_ms = 7,
                                   .created_unix_ms = 5,
                                   .participant_id = 9,
                                   .receives = 1};
    (void)state;
    const struct msg_stream_key record = stream_key_record(&key);
    assert_true(record.id == 3 && record.use == STREAM_WATCH && record.receives);
    assert_true(record.expires_unix_ms == 7 && record.created_unix_ms == 5);
    assert_int_equal(record.participant, 9);
    assert_true(str_eq(record.label, STR_LIT("Wall")));
    assert_true(str_eq(record.user_name, STR_LIT("Carol")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_good_for_its_use_until_its_time_is_up),
        cmocka_unit_test(its_participant_may_no_more_than_it),
        cmocka_unit_test(a_stream_does_not_wait_but_respects_lock_ban_and_limits),
        cmocka_unit_test(what_is_told_of_a_key),
    };
    return cmocka_run_group_tests_name("stream keys", tests, NULL, NULL);
}
