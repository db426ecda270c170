/* Connections for media: who may have one, what becomes of it, and that a bridge that has lost its
 * node changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/integration/db/rtc_fixture.h"

#define AUDIO_VIDEO (MEDIA_AUDIO | MEDIA_VIDEO)

static const struct msg_rtc_track screen[] = {{.mid = STR_LIT("0"), .source = MEDIA_SCREEN}};
static const struct msg_rtc_track camera[] = {{.mid = STR_LIT("0"), .source = MEDIA_AUDIO},
                                              {.mid = STR_LIT("1"), .source = MEDIA_VIDEO}};

static enum err open_of(char letter, enum rtc_kind kind, struct str token)
{
    struct rtc_outcome_told told;
    const struct msg open = rtc_opening(letter, kind, token);
    return rtc_run(&open, &told);
}

/* ---- rtc_open ---- */

static void who_is_in_gets_one_of_each_kind(void **state)
{
    uint64_t id = 0;
    (void)state;
    const struct str token = rtc_comes("Eve", &id);
    struct msg publish = rtc_opening('p', RTC_PUBLISH, token);
    publish.rtc_open.tracks = (struct msg_rtc_track_list){.items = camera, .count = 2};
    publish.rtc_open.room = str_of(meeting.code);
    const struct rtc_outcome_told told = rtc_do(publish);
    assert_int_equal(told.outcome.participant_id, id);
    assert_in_range(told.outcome.feed, 1, ROOM_ID_MAX);
    assert_int_equal(strlen(told.outcome.secret), ROOM_SECRET_BYTES);
    assert_int_equal(strlen(told.outcome.janus_pin), ROOM_SECRET_BYTES);
    assert_string_not_equal(told.outcome.janus_pin, told.outcome.secret);
    assert_false(told.outcome.has_replaced);
    assert_int_equal(told.written, 0);
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    value_is("SELECT GROUP_CONCAT(CONCAT_WS(' ', c.connection, c.kind, c.room_id = r.room_id,"
             " p.name, c.node, c.epoch, c.version, c.janus_handle, c.is_up, c.published)"
             " ORDER BY c.kind) FROM rtc_connections c JOIN participants p USING (participant_id)"
             " JOIN rooms r ON r.code IS NOT NULL",
             "pppppppppppppppp 1 1 Eve default 3 0 7 0 0,wwwwwwwwwwwwwwww 2 1 Eve default 3 0 7 0 "
             "0");
    value_is("SELECT COUNT(DISTINCT feed) FROM rtc_connections", "2");
}

static void what_comes_again_is_answered_alike(void **state)
{
    struct rtc_outcome_told late;
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    const struct msg open = rtc_opening('p', RTC_PUBLISH, token);
    struct msg anew = open;
    anew.rtc_open.janus_handle = 8; /* after the bridge that was at it has died */
    const struct rtc_outcome_told first = rtc_do(open);
    (void)rtc_do(rtc_updating('p', 1, AUDIO_VIDEO, 0));
    const struct rtc_outcome_told again = rtc_do(open);
    assert_int_equal(again.outcome.feed, first.outcome.feed);
    assert_string_equal(again.outcome.secret, first.outcome.secret);
    assert_int_equal(again.types[0], EVENT_TRACK_PUBLISHED); /* told again */
    value_is("SELECT CONCAT(version, ' ', published) FROM rtc_connections", "1 3");
    const struct rtc_outcome_told other = rtc_do(anew);
    assert_int_not_equal(other.outcome.feed, first.outcome.feed);
    assert_false(other.outcome.has_replaced);
    assert_int_equal(other.types[0], EVENT_TRACK_UNPUBLISHED);
    assert_int_equal(rtc_run(&open, &late), ERR_NOT_FOUND); /* its handle is used up */
    value_is("SELECT CONCAT(janus_handle, ' ', version) FROM rtc_connections", "8 0");
    (void)rtc_do(rtc_ending('p'));
    assert_int_equal(rtc_run(&anew, &late), ERR_NOT_FOUND);
    value_is("SELECT COUNT(*) FROM rtc_connections", "0");
}

static void a_connections_name_is_one_participants(void **state)
{
    (void)state;
    const struct str eve = rtc_comes("Eve", NULL);
    const struct str bob = rtc_comes("Bob", NULL);
    assert_int_equal(open_of('p', RTC_PUBLISH, eve), ERR_OK);
    struct rtc_outcome_told told;
    struct msg his = rtc_opening('p', RTC_PUBLISH, bob);
    his.rtc_open.janus_handle = 8;
    assert_int_equal(rtc_run(&his, &told), ERR_CONFLICT);
    value_is("SELECT janus_handle FROM rtc_connections", "7");
}

static void another_one_of_the_kind_ends_the_one_before(void **state)
{
    (void)state;
    uint64_t id = 0;
    const struct str token = rtc_comes("Eve", &id);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    (void)rtc_do(rtc_updating('p', 1, AUDIO_VIDEO, MEDIA_VIDEO));
    const struct msg next = rtc_opening('q', RTC_PUBLISH, token);
    for (unsigned i = 0; i < 2; i++) { /* the answer may be lost */
        const struct rtc_outcome_told told = rtc_do(next);
        assert_true(told.outcome.has_replaced);
        assert_memory_equal(told.outcome.replaced, rtc_id('p').data, 16);
        assert_int_equal(told.written, 1);
        assert_int_equal(told.types[0], EVENT_TRACK_UNPUBLISHED);
        assert_int_equal(told.sources[0], AUDIO_VIDEO);
        assert_int_equal(told.whom.id, id);
        assert_int_equal(told.whom.published, 0);
        assert_int_equal(told.whom.lost, 0);
    }
    value_is("SELECT GROUP_CONCAT(LEFT(connection, 1) ORDER BY kind) FROM rtc_connections", "q,w");
    value_is("SELECT CONCAT(published, lost) FROM participants", "00");
    struct rtc_outcome_told told;
    const struct msg late = rtc_updating('p', 2, AUDIO_VIDEO, 0);
    assert_int_equal(rtc_run(&late, &told), ERR_NOT_FOUND);
}

static void who_is_not_in_gets_none(void **state)
{
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    const struct str nobody = {.data = "the hash of no participant token", .bytes = 32};
    assert_int_equal(open_of('a', RTC_WATCH, nobody), ERR_UNAUTHORIZED);
    const struct str gone = rtc_comes("Gone", &id);
    const struct room_asker self = {.token_hash = gone};
    const struct msg leave = removing(id);
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
    assert_int_equal(open_of('a', RTC_WATCH, gone), ERR_NOT_JOINED);
    const struct str thrown = rtc_comes("Thrown", &id);
    const struct msg remove = removing(id);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(open_of('a', RTC_WATCH, thrown), ERR_REMOVED);
    set_options((struct msg_room_options){.has_lobby = true, .lobby = true});
    const struct msg waits = joining("Waits");
    id = come(&waits, &meeting.nobody, PARTICIPANT_WAITING);
    const struct str waiting = asker_of(&waits).token_hash;
    assert_int_equal(open_of('a', RTC_WATCH, waiting), ERR_MUST_WAIT);
    const struct msg deny = {.id = MSG_lobby_decide,
                             .lobby_decide = {.idempotency_key = fresh_key(),
                                              .room = str_of(meeting.room),
                                              .participants = {.items = &id, .count = 1}}};
    assert_int_equal(meeting_run(&deny, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(open_of('a', RTC_WATCH, waiting), ERR_DENIED);
    value_is("SELECT COUNT(*) FROM rtc_connections", "0");
}

static void only_in_the_room_and_on_the_node_where_he_is(void **state)
{
    struct rtc_outcome_told told;
    (void)state;
    struct msg open = rtc_opening('a', RTC_WATCH, rtc_comes("", NULL));
    open.rtc_open.room = STR_LIT("4711");
    assert_int_equal(rtc_run(&open, &told), ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "INSERT INTO rooms (room_id, secret, publishers_max, owner_id,"
                         " created_unix_ms) VALUES (4711, 'secret', 20, 1, 1)");
    assert_int_equal(rtc_run(&open, &told), ERR_NO_SUCH_ROOM);
    open.rtc_open.room = STR_LIT("no room at all");
    assert_int_equal(rtc_run(&open, &told), ERR_NO_SUCH_ROOM);
    open.rtc_open.room = str_of(meeting.room);
    open.rtc_open.node = STR_LIT("another");
    assert_int_equal(rtc_run(&open, &told), ERR_NOT_MINE);
    open.rtc_open.node = STR_LIT("default");
    assert_int_equal(rtc_run(&open, &told), ERR_OK);
}

static struct str viewer_comes(void)
{
    struct outcome outcome;
    const struct msg invite = inviting(ROOM_VIEWER, 0);
    assert_int_equal(meeting_run(&invite, &meeting.carol, &outcome), ERR_OK);
    struct msg join = joining("Viewer");
    join.participant_join.invitation_hash = (struct str){.data = invitation_secret, .bytes = 32};
    (void)come(&join, &meeting.nobody, PARTICIPANT_JOINED);
    return asker_of(&join).token_hash;
}

static void who_only_views_sends_nothing(void **state)
{
    (void)state;
    const struct str viewer = viewer_comes();
    assert_int_equal(open_of('p', RTC_PUBLISH, viewer), ERR_FORBIDDEN);
    assert_int_equal(open_of('w', RTC_WATCH, viewer), ERR_OK);
}

static void screens_are_shared_where_the_room_lets_one(void **state)
{
    struct rtc_outcome_told told;
    (void)state;
    const struct str eve = rtc_comes("Eve", NULL);
    struct msg open = rtc_opening('p', RTC_PUBLISH, eve);
    open.rtc_open.tracks = (struct msg_rtc_track_list){.items = screen, .count = 1};
    assert_int_equal(rtc_do(open).outcome.muted, 0);
    set_options((struct msg_room_options){.has_screen_share = true, .screen_share = false});
    assert_int_equal(rtc_run(&open, &told), ERR_SCREEN_OFF); /* again, and now not any more */
    open.rtc_open.tracks = (struct msg_rtc_track_list){.items = camera, .count = 2};
    assert_int_equal(rtc_do(open).outcome.muted, MEDIA_SCREEN); /* it is not passed on either */
    open = rtc_opening('q', RTC_PUBLISH, rtc_comes("", NULL));
    open.rtc_open.tracks = (struct msg_rtc_track_list){.items = screen, .count = 1};
    assert_int_equal(rtc_do(open).outcome.muted, 0); /* who leads meetings always may */
}

static void as_many_publish_as_may(void **state)
{
    struct rtc_outcome_told one;
    struct rtc_outcome_told other;
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    set_options((struct msg_room_options){.has_publishers_max = true, .publishers_max = 2});
    const struct str ann = rtc_comes("Ann", &id);
    const struct str bob = rtc_comes("Bob", NULL);
    const struct str eve = rtc_comes("Eve", NULL);
    assert_int_equal(open_of('a', RTC_PUBLISH, ann), ERR_OK);
    assert_int_equal(open_of('w', RTC_WATCH, ann), ERR_OK);
    const struct msg bobs = rtc_opening('b', RTC_PUBLISH, bob);
    const struct msg eves = rtc_opening('e', RTC_PUBLISH, eve);
    assert_int_equal(rtc_begin(&bobs, &one), ERR_OK);
    assert_int_equal(rtc_begin(&eves, &other), ERR_OK);
    rtc_wait(&one);
    rtc_wait(&other);
    assert_true((one.err == ERR_OK) != (other.err == ERR_OK));
    assert_int_equal(one.err == ERR_OK ? other.err : one.err, ERR_ROOM_FULL);
    assert_int_equal(open_of('v', RTC_WATCH, eve), ERR_OK);
    assert_int_equal(open_of('c', RTC_PUBLISH, ann), ERR_OK); /* instead of the one he has */
    /* Of who is out there is one still, until the bridge has ended it. */
    const struct room_asker self = {.token_hash = ann};
    const struct msg leave = removing(id);
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
    const struct msg *full = one.err == ERR_OK ? &eves : &bobs;
    struct rtc_outcome_told told;
    assert_int_equal(rtc_run(full, &told), ERR_OK);
    value_is("SELECT COUNT(*) FROM rtc_connections WHERE kind = 1", "3");
    const struct msg back = joining("Ann");
    (void)come(&back, &self, PARTICIPANT_JOINED);
    assert_int_equal(open_of('d', RTC_PUBLISH, ann), ERR_ROOM_FULL);
}

/* ---- rtc_update and rtc_end ---- */

static void tells(const struct msg *update, const char *expected)
{
    static const char *const names[] = {[EVENT_TRACK_PUBLISHED] = "published",
                                        [EVENT_TRACK_LOST] = "lost",
                                        [EVENT_TRACK_UNPUBLISHED] = "unpublished"};
    AUTO(mem_free) char *text = mem_printf("%s", "");
    const struct rtc_outcome_told told = rtc_do(*update);
    for (size_t i = 0; i < told.written; i++) {
        char *longer = mem_printf("%s%s%s %" PRIu64, text, i > 0 ? ", " : "", names[told.types[i]],
                                  told.sources[i]);
        mem_free(&text);
        text = longer;
    }
    assert_string_equal(text, expected);
    if (told.written > 0) {
        assert_int_equal(told.whom.published, update->rtc_update.published);
        assert_int_equal(told.whom.lost, update->rtc_update.lost & update->rtc_update.published);
    }
}

static void what_he_sends_is_told_when_it_changes(void **state)
{
    static const struct {
        uint64_t published, lost;
        const char *told;
    } levels[] = {
        {0, 0, ""},
        {3, 0, "published 3"},
        {3, 0, ""},
        {3, 2, "lost 2"},
        {7, 2, "published 4"},
        {7, 7, "lost 5"},
        {7, 3, "published 4"},
        {5, 5, "unpublished 2, lost 4"},
        {3, 3, "unpublished 4, lost 2"},
        {3, 4, "published 3"}, /* what he does not send is not lost */
        {6, 0, "unpublished 1, published 4"},
        {0, 7, "unpublished 6"},
    };
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        const struct msg update = rtc_updating('p', i + 1, levels[i].published, levels[i].lost);
        tells(&update, levels[i].told);
        AUTO(mem_free)
        char *expected = mem_printf("%" PRIu64 " %" PRIu64, levels[i].published,
                                    levels[i].lost & levels[i].published);
        value_is("SELECT CONCAT(published, ' ', lost) FROM participants", expected);
        value_is("SELECT CONCAT(published, ' ', lost) FROM rtc_connections", expected);
    }
    value_is("SELECT COUNT(*) = (SELECT seq FROM rooms) FROM room_events", "1");
}

static void what_comes_late_undoes_nothing(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    const struct msg first = rtc_updating('p', 4, 3, 0);
    const struct msg late = rtc_updating('p', 3, 0, 0);
    struct msg next = rtc_updating('p', 1, 3, 3);
    tells(&first, "published 3");
    tells(&late, "");
    value_is("SELECT CONCAT(version, ' ', published) FROM rtc_connections", "4 3");
    tells(&first, "published 3"); /* who has told it may have died */
    value_is("SELECT COUNT(*) FROM room_events",
             "3"); /* it was changed, he has joined, and sends */
    must_run(fixture.db, "UPDATE nodes SET epoch = 4");
    next.rtc_update.epoch = 4;
    tells(&next, "lost 3");
    value_is("SELECT CONCAT_WS(' ', epoch, version, lost) FROM rtc_connections", "4 1 3");
    /* A dump was restored: the numbers of epochs go on from what it knows. */
    must_run(fixture.db, "UPDATE nodes SET epoch = 2");
    next.rtc_update.epoch = 2;
    next.rtc_update.lost = 0;
    tells(&next, "published 3");
}

static void of_one_that_watches_nothing_is_told(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    const struct msg update = rtc_updating('w', 1, 3, 1);
    tells(&update, "");
    value_is("SELECT CONCAT_WS(' ', is_up, published, lost, seq) FROM rtc_connections", "1 0 0 1");
    value_is("SELECT CONCAT(published, lost) FROM participants", "00");
    assert_int_equal(rtc_do(rtc_ending('w')).written, 0);
    value_is("SELECT COUNT(*) FROM rtc_connections", "0");
}

static void what_is_over_is_not_sent(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_updating('p', 1, 3, 1));
    const struct rtc_outcome_told told = rtc_do(rtc_ending('p'));
    assert_int_equal(told.written, 1);
    assert_int_equal(told.types[0], EVENT_TRACK_UNPUBLISHED);
    assert_int_equal(told.sources[0], 3);
    value_is("SELECT CONCAT(published, lost) FROM participants", "00");
    value_is("SELECT COUNT(*) FROM rtc_connections", "0");
    assert_int_equal(rtc_do(rtc_ending('p')).written, 0);
    struct rtc_outcome_told late;
    const struct msg update = rtc_updating('p', 2, 3, 0);
    assert_int_equal(rtc_run(&update, &late), ERR_NOT_FOUND);
    struct msg elsewhere = rtc_ending('q');
    (void)rtc_do(rtc_opening('q', RTC_PUBLISH, token));
    elsewhere.rtc_end.node = STR_LIT("another");
    (void)rtc_do(elsewhere);
    value_is("SELECT COUNT(*) FROM rtc_connections", "1");
}

static void what_is_mute_in_janus_is_as_the_bridge_says(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    struct msg update = rtc_updating('p', 1, 3, 0);
    update.rtc_update.has_muted = true;
    update.rtc_update.muted = 1;
    (void)rtc_do(update);
    value_is("SELECT muted FROM rtc_connections", "1");
    (void)rtc_do(rtc_updating('p', 2, 3, 0));
    value_is("SELECT muted FROM rtc_connections", "1");
    update.rtc_update.version = 3;
    update.rtc_update.muted = 0;
    (void)rtc_do(update);
    value_is("SELECT muted FROM rtc_connections", "0");
}

/* Who comes back sends nothing, whatever is said of what he had before. */
static void who_has_left_sends_nothing(void **state)
{
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    const struct str token = rtc_comes("Eve", &id);
    const struct room_asker self = {.token_hash = token};
    const struct msg leave = removing(id);
    const struct msg back = joining("Eve");
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_updating('p', 1, 3, 0));
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
    value_is("SELECT CONCAT(published, lost) FROM participants", "00");
    const struct msg gone = rtc_updating('p', 2, 7, 1);
    tells(&gone, "");
    value_is("SELECT CONCAT(published, lost) FROM participants", "00");
    (void)come(&back, &self, PARTICIPANT_JOINED);
    const struct msg late = rtc_updating('p', 3, 3, 0);
    tells(&late, "");
    value_is("SELECT CONCAT(published, lost) FROM participants", "00");
    (void)rtc_do(rtc_opening('q', RTC_PUBLISH, token));
    const struct msg anew = rtc_updating('q', 1, 1, 0);
    tells(&anew, "published 1");
    value_is("SELECT CONCAT(published, lost) FROM participants", "10");
}

static void whoever_is_out_sends_nothing(void **state)
{
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    const struct str eve = rtc_comes("Eve", &id);
    const struct str bob = rtc_comes("Bob", NULL);
    (void)rtc_do(rtc_opening('e', RTC_PUBLISH, eve));
    (void)rtc_do(rtc_opening('b', RTC_PUBLISH, bob));
    (void)rtc_do(rtc_updating('e', 1, 3, 1));
    (void)rtc_do(rtc_updating('b', 1, 3, 1));
    const struct msg remove = removing(id);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.published, 0);
    value_is("SELECT GROUP_CONCAT(published ORDER BY name) FROM participants", "3,0");
    const struct msg end = {
        .id = MSG_meeting_end,
        .meeting_end = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    assert_int_equal(meeting_run(&end, &meeting.carol, &outcome), ERR_OK);
    value_is("SELECT GROUP_CONCAT(published + lost ORDER BY name) FROM participants", "0,0");
    const struct msg late = rtc_updating('b', 2, 7, 0);
    tells(&late, "");
    must_run(fixture.db, "DELETE FROM rooms"); /* and who was in it */
    const struct msg later = rtc_updating('b', 3, 3, 0);
    tells(&later, "");
    assert_int_equal(rtc_do(rtc_ending('b')).written, 0);
    value_is("SELECT COUNT(*) FROM rtc_connections", "1");
}

/* ---- whether somebody is there ---- */

/* Whether the connection shows that he is there, and, if not, whether since long ago. */
static void is_quiet(const char *expected)
{
    value_is("SELECT IF(quiet_unix_ms = 0, 'shows him', IF(quiet_unix_ms = 5, 'long ago', 'now'))"
             " FROM rtc_connections",
             expected);
}

static void since_when_it_shows_nobody_is_kept(void **state)
{
    (void)state;
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, rtc_comes("Eve", NULL)));
    is_quiet("now");
    must_run(fixture.db, "UPDATE rtc_connections SET quiet_unix_ms = 5");
    (void)rtc_do(rtc_updating('p', 1, 0, 0));
    is_quiet("long ago");
    (void)rtc_do(rtc_updating('p', 2, 3, 1));
    is_quiet("shows him");
    (void)rtc_do(rtc_updating('p', 3, 3, 3));
    is_quiet("now");
    must_run(fixture.db, "UPDATE rtc_connections SET quiet_unix_ms = 5");
    (void)rtc_do(rtc_updating('p', 4, 7, 7));
    is_quiet("long ago");
    (void)rtc_do(rtc_updating('p', 5, 7, 0));
    is_quiet("shows him");
    struct msg down = rtc_updating('p', 6, 7, 0);
    down.rtc_update.is_up = false;
    (void)rtc_do(down);
    is_quiet("now");
}

/* changed_unix_ms of the row of presence that is no gateway's. */
static void was_seen(const char *expected)
{
    value_is("SELECT IF(COUNT(*) = 0, 'never', IF(MAX(changed_unix_ms) > 1000, 'now',"
             " MAX(changed_unix_ms))) FROM presence WHERE gateway = REPEAT(CHAR(0), 16)",
             expected);
}

/* His connection's row is gone then: that he was there until then is known all the same. */
static void when_it_showed_him_last_is_kept(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    must_run(fixture.db, "UPDATE rtc_connections SET quiet_unix_ms = 500");
    (void)rtc_do(rtc_ending('p'));
    was_seen("500");
    (void)rtc_do(rtc_opening('q', RTC_PUBLISH, token));
    must_run(fixture.db, "UPDATE rtc_connections SET quiet_unix_ms = 400");
    (void)rtc_do(rtc_ending('q'));
    was_seen("500");
    (void)rtc_do(rtc_opening('r', RTC_PUBLISH, token));
    (void)rtc_do(rtc_updating('r', 1, 3, 0));
    (void)rtc_do(rtc_ending('r'));
    was_seen("now");
}

static void one_that_watches_shows_who_has_no_stream(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    (void)rtc_do(rtc_updating('w', 1, 0, 0));
    is_quiet("shows him");
    (void)rtc_do(rtc_ending('w'));
    was_seen("now");
    must_run(fixture.db, "DELETE FROM presence");
    must_run(fixture.db, "INSERT INTO presence SELECT participant_id, REPEAT('g', 16), 0, 1, 5"
                         " FROM participants");
    (void)rtc_do(rtc_opening('v', RTC_WATCH, token));
    (void)rtc_do(rtc_updating('v', 1, 0, 0));
    (void)rtc_do(rtc_ending('v'));
    was_seen("never");
}

/* ---- epochs ---- */

static void who_has_lost_the_node_changes_nothing(void **state)
{
    struct rtc_outcome_told told;
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    must_run(fixture.db, "UPDATE nodes SET epoch = 4");
    const struct msg open = rtc_opening('q', RTC_PUBLISH, token);
    const struct msg update = rtc_updating('p', 1, 3, 0);
    const struct msg end = rtc_ending('p');
    assert_int_equal(rtc_run(&open, &told), ERR_STALE);
    assert_int_equal(rtc_run(&update, &told), ERR_STALE);
    assert_int_equal(rtc_run(&end, &told), ERR_STALE);
    value_is("SELECT CONCAT_WS(' ', LEFT(connection, 1), version, published) FROM rtc_connections",
             "p 0 0");
    value_is("SELECT published FROM participants", "0");
    must_run(fixture.db, "DELETE FROM nodes"); /* nobody has a lease of it */
    assert_int_equal(rtc_run(&update, &told), ERR_OK);
}

static bool is_at_the_lease(void *db)
{
    AUTO(mem_free)
    char *there = must_select(db, "SELECT COUNT(*) FROM information_schema.processlist"
                                  " WHERE info LIKE 'SELECT epoch%SHARE MODE'");
    return strcmp(there, "0") != 0;
}

/* Who takes the node sees all that the one before has written, and that one writes no more: the
 * lease is being given to another while it is at it. */
static void who_loses_the_node_in_the_middle_changes_nothing(void **state)
{
    struct rtc_outcome_told told;
    struct db *watcher = db_new(&fixture.config);
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    const struct msg open = rtc_opening('p', RTC_PUBLISH, token);
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    must_run(fixture.db, "UPDATE nodes SET epoch = 4");
    assert_int_equal(rtc_begin(&open, &told), ERR_OK);
    assert_true(loop_run_until(meeting.loop, is_at_the_lease, watcher, WAIT_MS));
    assert_int_equal(db_commit(fixture.db), ERR_OK);
    rtc_wait(&told);
    assert_int_equal(told.err, ERR_STALE);
    value_is("SELECT COUNT(*) FROM rtc_connections", "0");
    db_free(&watcher);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rtc_set_up, rtc_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_in_gets_one_of_each_kind),
        TEST(what_comes_again_is_answered_alike),
        TEST(a_connections_name_is_one_participants),
        TEST(another_one_of_the_kind_ends_the_one_before),
        TEST(who_is_not_in_gets_none),
        TEST(only_in_the_room_and_on_the_node_where_he_is),
        TEST(who_only_views_sends_nothing),
        TEST(screens_are_shared_where_the_room_lets_one),
        TEST(as_many_publish_as_may),
        TEST(what_he_sends_is_told_when_it_changes),
        TEST(what_comes_late_undoes_nothing),
        TEST(of_one_that_watches_nothing_is_told),
        TEST(what_is_over_is_not_sent),
        TEST(what_is_mute_in_janus_is_as_the_bridge_says),
        TEST(who_has_left_sends_nothing),
        TEST(whoever_is_out_sends_nothing),
        TEST(since_when_it_shows_nobody_is_kept),
        TEST(when_it_showed_him_last_is_kept),
        TEST(one_that_watches_shows_who_has_no_stream),
        TEST(who_has_lost_the_node_changes_nothing),
        TEST(who_loses_the_node_in_the_middle_changes_nothing),
    };
    return cmocka_run_group_tests_name("rtc store", tests, server_setup, server_teardown);
}
