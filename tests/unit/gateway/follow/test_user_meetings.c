/* In which of their rooms somebody is, for users who watch: asked for, told, and asked for again
 * whenever something may have been missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/follow/user_meetings.h"
#include "proto/bus/publishers.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"

#define WATCHERS 40
#define ONE "tcp://127.0.0.1:1"
#define OTHER "tcp://127.0.0.1:2"

struct watcher {
    struct meetings_watch watch;
    unsigned told, failed, hints;
    size_t rooms;
    bool is_all;
    uint64_t last_room;
    enum room_news_kind last_hint;
    bool releases; /* when it is told */
};

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct mock_bus bus;
    struct news_watch *news;
    struct user_meetings *meetings;
    struct watcher watchers[WATCHERS];
} t;

static void on_told(void *arg, const struct user_meetings_told *told)
{
    struct watcher *watcher = arg;
    if (told == NULL) {
        watcher->failed++;
    } else {
        watcher->told++;
        watcher->rooms = told->count;
        watcher->is_all = told->is_all;
    }
    if (watcher->releases) {
        user_meetings_release(&watcher->watch);
    }
}

static void on_hint(void *arg, enum room_news_kind hint, const struct msg_room_head *room)
{
    struct watcher *watcher = arg;
    watcher->hints++;
    watcher->last_hint = hint;
    watcher->last_room = room->room_id;
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_capture_setup(NULL);
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    mock_bus_init(&t.bus);
    t.news = news_watch_new(fake_clock_clock(t.clock));
    t.meetings =
        user_meetings_new(fake_clock_clock(t.clock), &t.bus.bus, t.metrics, t.news, WATCHERS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < WATCHERS; i++) {
        user_meetings_release(&t.watchers[i].watch);
    }
    for (struct mock_bus_call *call; (call = mock_bus_pending(&t.bus, MSG_meeting_page)) != NULL;) {
        mock_bus_answer(call, ERR_UNAVAILABLE, NULL);
    }
    user_meetings_free(&t.meetings);
    news_watch_free(&t.news);
    assert_int_equal(fake_clock_timers(t.clock), 0);
    mock_bus_fini(&t.bus);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    return log_capture_teardown(NULL);
}

static struct watcher *watches(size_t i, uint64_t user_id, enum role role)
{
    struct watcher *watcher = &t.watchers[i];
    watcher->watch.principal = (struct principal){
        .kind = PRINCIPAL_USER, .role = role, .user_id = user_id, .session_id = 1};
    watcher->watch.on_told = on_told;
    watcher->watch.on_hint = on_hint;
    watcher->watch.arg = watcher;
    assert_true(user_meetings_watch(t.meetings, &watcher->watch));
    return watcher;
}

/* So many rooms, from this one on. */
static void answer(uint64_t first, size_t count)
{
    static struct msg_room_head rooms[JOURNAL_HEADS];
    struct mock_bus_call *call = mock_bus_pending(&t.bus, MSG_meeting_page);
    assert_non_null(call);
    for (size_t i = 0; i < count; i++) {
        rooms[i] = (struct msg_room_head){.room_id = first + i, .seq = 1};
    }
    const struct msg reply = {.id = MSG_meeting_page_reply,
                              .meeting_page_reply = {.rooms = {.items = rooms, .count = count}}};
    mock_bus_answer(call, ERR_OK, &reply);
}

static void hear(const char *endpoint, enum room_news_kind what, uint64_t user_id, bool is_next)
{
    const struct msg msg = {
        .id = MSG_room_news,
        .room_news = {.what = what,
                      .has_room_id = what != ROOM_NEWS_LIVES,
                      .room_id = 7,
                      .seq = 3,
                      .users = {.items = &user_id, .count = user_id != 0 ? 1 : 0}}};
    user_meetings_hear(t.meetings, &msg);
    news_watch_hear(t.news, endpoint, is_next);
}

static bool is_asked(void)
{
    return mock_bus_pending(&t.bus, MSG_meeting_page) != NULL;
}

static void who_watches_is_told_and_then_hears(void **state)
{
    (void)state;
    hear(ONE, ROOM_NEWS_LIVES, 0, false);
    struct watcher *carol = watches(0, 3, ROLE_MEMBER);
    assert_false(is_asked()); /* not from inside */
    fake_clock_advance(t.clock, 1);
    const struct mock_bus_call *call = mock_bus_pending(&t.bus, MSG_meeting_page);
    assert_int_equal(call->request.meeting_page.user_id, 3);
    assert_int_equal(call->context.principal.user_id, 3);
    answer(5, 2);
    assert_int_equal(carol->told, 1);
    assert_int_equal(carol->rooms, 2);
    assert_true(carol->is_all);
    hear(ONE, ROOM_NEWS_BEGAN, 3, true);
    assert_int_equal(carol->last_hint, ROOM_NEWS_BEGAN);
    assert_int_equal(carol->last_room, 7);
    hear(ONE, ROOM_NEWS_ENDED, 4, true);
    hear(ONE, ROOM_NEWS_EVENT, 3, true);
    assert_int_equal(carol->hints, 1);
    assert_false(is_asked());
}

/* Once for each of their streams, and for a room that is an admin's own, too. */
static void an_admin_hears_of_all(void **state)
{
    (void)state;
    struct watcher *root = watches(0, 1, ROLE_ADMIN);
    struct watcher *twice = watches(1, 1, ROLE_ADMIN);
    struct watcher *carol = watches(2, 3, ROLE_MEMBER);
    fake_clock_advance(t.clock, 1);
    assert_int_equal(mock_bus_pending(&t.bus, MSG_meeting_page)->request.meeting_page.user_id, 0);
    for (int i = 0; i < 3; i++) {
        answer(5, 0);
    }
    hear(ONE, ROOM_NEWS_BEGAN, 3, true);
    hear(ONE, ROOM_NEWS_BEGAN, 1, true);
    assert_int_equal(root->hints, 2);
    assert_int_equal(twice->hints, 2);
    assert_int_equal(carol->hints, 1);
}

static void many_rooms_come_in_pages(void **state)
{
    (void)state;
    struct watcher *root = watches(0, 1, ROLE_ADMIN);
    fake_clock_advance(t.clock, 1);
    answer(1, JOURNAL_HEADS);
    assert_int_equal(root->told, 0);
    assert_int_equal(mock_bus_pending(&t.bus, MSG_meeting_page)->request.meeting_page.after_id,
                     JOURNAL_HEADS);
    answer(JOURNAL_HEADS + 1, 3);
    assert_int_equal(root->rooms, JOURNAL_HEADS + 3);
    news_watch_leave(t.news, ONE);
    for (size_t i = 0; i < USER_MEETINGS_MAX / JOURNAL_HEADS; i++) {
        answer(1 + i * JOURNAL_HEADS, JOURNAL_HEADS);
    }
    assert_int_equal(root->told, 2);
    assert_int_equal(root->rooms, USER_MEETINGS_MAX);
    assert_false(root->is_all);
    assert_false(is_asked());
}

/* A gap, another publisher, one that is gone, one that falls silent. */
static void whatever_may_have_been_missed_is_asked_for(void **state)
{
    (void)state;
    hear(ONE, ROOM_NEWS_LIVES, 0, false);
    struct watcher *carol = watches(0, 3, ROLE_MEMBER);
    fake_clock_advance(t.clock, 1);
    answer(5, 1);
    hear(ONE, ROOM_NEWS_LIVES, 0, false);
    answer(5, 1);
    hear(OTHER, ROOM_NEWS_LIVES, 0, false);
    answer(5, 1);
    news_watch_leave(t.news, OTHER);
    answer(5, 1);
    assert_int_equal(carol->told, 4);
    fake_clock_advance(t.clock, PUBLISHER_SILENT_MS + 200);
    answer(5, 1);
    assert_int_equal(carol->told, 5);
    assert_false(is_asked());
    fake_clock_advance(t.clock, 5000); /* still silent */
    answer(5, 1);
    hear(ONE, ROOM_NEWS_LIVES, 0, true);
    assert_int_equal(carol->told, 6);
}

/* No replica was ever heard: what begins is not heard either. */
static void where_nobody_publishes_all_are_asked_for(void **state)
{
    (void)state;
    const struct watcher *carol = watches(0, 3, ROLE_MEMBER);
    fake_clock_advance(t.clock, 1);
    answer(5, 1);
    for (unsigned told = 2; told < 5; told++) {
        fake_clock_advance(t.clock, 5200);
        answer(5, 1);
        assert_int_equal(carol->told, told);
        assert_false(is_asked());
    }
}

/* What was told while the question was out may be in the answer, or not. */
static void an_answer_that_is_out_of_date_is_asked_for_again(void **state)
{
    (void)state;
    hear(ONE, ROOM_NEWS_LIVES, 0, false);
    struct watcher *carol = watches(0, 3, ROLE_MEMBER);
    fake_clock_advance(t.clock, 1);
    hear(ONE, ROOM_NEWS_BEGAN, 3, true);
    answer(5, 0);
    assert_int_equal(carol->told, 1);
    assert_false(is_asked());
    for (int i = 0; i < 10; i++) {
        fake_clock_advance(t.clock, 100);
        hear(ONE, ROOM_NEWS_LIVES, 0, true);
    }
    answer(7, 1);
    assert_int_equal(carol->told, 2);
    assert_int_equal(carol->rooms, 1);
}

static void while_roomsvc_is_away_it_is_asked_later_and_later(void **state)
{
    (void)state;
    struct watcher *carol = watches(0, 3, ROLE_MEMBER);
    t.bus.refuse = ERR_UNAVAILABLE;
    fake_clock_advance(t.clock, 1);
    assert_int_equal(carol->failed, 1);
    news_watch_leave(t.news, ONE); /* no faster for this */
    assert_int_equal(carol->failed, 1);
    fake_clock_advance(t.clock, 60000);
    assert_in_range(carol->failed, 5, 20);
    t.bus.refuse = ERR_OK;
    fake_clock_advance(t.clock, 10000);
    answer(5, 1);
    assert_int_equal(carol->told, 1);
}

static void only_some_are_asked_for_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < WATCHERS; i++) {
        watches(i, 1 + i, ROLE_MEMBER);
    }
    fake_clock_advance(t.clock, 1);
    assert_int_equal(t.bus.count, USER_MEETINGS_OUT_MAX);
    answer(5, 0);
    assert_int_equal(t.bus.count, USER_MEETINGS_OUT_MAX + 1);
    struct watcher one_more = {.watch = {.principal = {.user_id = 1000}}};
    assert_false(user_meetings_watch(t.meetings, &one_more.watch));
}

static void who_is_released_is_not_told(void **state)
{
    (void)state;
    struct watcher *carol = watches(0, 3, ROLE_MEMBER);
    struct watcher *dave = watches(1, 4, ROLE_MEMBER);
    fake_clock_advance(t.clock, 1);
    user_meetings_release(&carol->watch);
    dave->releases = true;
    answer(5, 1);
    answer(5, 1);
    assert_int_equal(carol->told, 0);
    assert_int_equal(dave->told, 1);
    hear(ONE, ROOM_NEWS_BEGAN, 4, true);
    assert_int_equal(dave->hints, 0);
    user_meetings_release(&dave->watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_watches_is_told_and_then_hears),
        TEST(an_admin_hears_of_all),
        TEST(many_rooms_come_in_pages),
        TEST(whatever_may_have_been_missed_is_asked_for),
        TEST(where_nobody_publishes_all_are_asked_for),
        TEST(an_answer_that_is_out_of_date_is_asked_for_again),
        TEST(while_roomsvc_is_away_it_is_asked_later_and_later),
        TEST(only_some_are_asked_for_at_a_time),
        TEST(who_is_released_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
