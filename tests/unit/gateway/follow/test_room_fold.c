/* How a room is after its events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/follow/room_fold.h"

static int setup(void **state)
{
    *state = room_fold_new();
    return 0;
}

static int teardown(void **state)
{
    struct room_fold *fold = *state;
    room_fold_free(&fold);
    return 0;
}

/* Texts are gone after the call: the fold keeps copies. */
static void apply(struct room_fold *fold, enum room_event_type type, uint64_t id, const char *name)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%s", name);
    const bool is_out = type == EVENT_PARTICIPANT_LEFT || type == EVENT_PARTICIPANT_REMOVED;
    const struct msg_room_event event = {
        .seq = 1,
        .type = type,
        .audience = AUDIENCE_ALL,
        .has_participant = id != 0,
        .participant = {.id = id,
                        .name = str_of(text),
                        .role = ROOM_VIEWER,
                        .state = is_out ? PARTICIPANT_LEFT : PARTICIPANT_JOINED}};
    room_fold_apply(fold, &event);
    memset(text, 'x', sizeof(text));
}

static void assert_people(const struct room_fold *fold, const char *expected)
{
    char text[64] = "";
    for (size_t i = 0; i < room_fold_count(fold); i++) {
        const struct msg_participant *one = room_fold_at(fold, i);
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%" PRIu64 "%.*s ", one->id,
                       (int)one->name.bytes, one->name.data);
        assert_ptr_equal(room_fold_find(fold, one->id), one);
    }
    assert_string_equal(text, expected);
}

static void who_comes_and_goes(void **state)
{
    struct room_fold *fold = *state;
    assert_null(room_fold_room(fold));
    assert_null(room_fold_find(fold, 5));
    apply(fold, EVENT_PARTICIPANT_JOINED, 5, "eve");
    apply(fold, EVENT_PARTICIPANT_JOINED, 2, "bob");
    apply(fold, EVENT_PARTICIPANT_JOINED, 9, "ida");
    assert_people(fold, "2bob 5eve 9ida ");
    apply(fold, EVENT_PARTICIPANT_UPDATED, 5, "eva");
    apply(fold, EVENT_HAND_RAISED, 9, "ida");
    assert_people(fold, "2bob 5eva 9ida ");
    apply(fold, EVENT_PARTICIPANT_LEFT, 2, "bob");
    apply(fold, EVENT_PARTICIPANT_REMOVED, 9, "ida");
    assert_people(fold, "5eva ");
    assert_null(room_fold_find(fold, 2));
    for (uint64_t id = 10; id < 16; id++) {
        apply(fold, EVENT_PARTICIPANT_JOINED, 100 + id, "a");
    }
    assert_int_equal(room_fold_count(fold), 7);
    apply(fold, EVENT_MEETING_ENDED, 0, "");
    assert_people(fold, "");
    apply(fold, EVENT_PARTICIPANT_JOINED, 3, "cy");
    apply(fold, EVENT_ROOM_ENDED, 0, "");
    assert_people(fold, "");
}

/* The state may know already what the events tell. */
static void events_that_are_applied_twice_do_no_harm(void **state)
{
    struct room_fold *fold = *state;
    apply(fold, EVENT_PARTICIPANT_JOINED, 5, "eva");
    for (int i = 0; i < 2; i++) {
        apply(fold, EVENT_PARTICIPANT_JOINED, 2, "bob");
        apply(fold, EVENT_PARTICIPANT_JOINED, 5, "eve");
        apply(fold, EVENT_PARTICIPANT_LEFT, 2, "bob");
        apply(fold, EVENT_PARTICIPANT_UPDATED, 5, "eva");
    }
    assert_people(fold, "5eva ");
    apply(fold, EVENT_PARTICIPANT_LEFT, 77, "who");
    assert_people(fold, "5eva ");
}

static void the_room_is_a_copy_without_what_is_not_everybodys(void **state)
{
    struct room_fold *fold = *state;
    char name[] = "Stand-up";
    struct msg_room_event event = {
        .type = EVENT_ROOM_UPDATED,
        .has_room = true,
        .room = {
            .id = 4, .name = {name, 8}, .node = STR_LIT("j1"), .has_role = true, .version = 2}};
    room_fold_apply(fold, &event);
    memset(name, 'x', sizeof(name));
    const struct msg_room *room = room_fold_room(fold);
    assert_true(str_eq(room->name, STR_LIT("Stand-up")));
    assert_int_equal(room->node.bytes, 0);
    assert_false(room->has_role);
    event.room.name = STR_LIT("Sprint");
    event.room.version = 3;
    room_fold_apply(fold, &event);
    assert_int_equal(room_fold_room(fold)->version, 3);
    assert_true(str_eq(room_fold_room(fold)->name, STR_LIT("Sprint")));
    room_fold_clear(fold);
    assert_null(room_fold_room(fold));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_comes_and_goes),
        T(events_that_are_applied_twice_do_no_harm),
        T(the_room_is_a_copy_without_what_is_not_everybodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
