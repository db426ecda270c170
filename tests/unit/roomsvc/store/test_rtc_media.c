/* What a connection sends and gets, as the database keeps it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/rtc_media.h"

static void what_is_kept_is_read(void **state)
{
    static const struct msg_rtc_track tracks[] = {{.mid = STR_LIT("0"), .source = MEDIA_AUDIO},
                                                  {.mid = STR_LIT("v"), .source = MEDIA_SCREEN}};
    static const struct msg_rtc_stream streams[] = {{.mid = STR_LIT("1"),
                                                     .participant = 4711,
                                                     .has_source = true,
                                                     .source = MEDIA_VIDEO,
                                                     .feed = ROOM_ID_MAX,
                                                     .feed_mid = STR_LIT("v")},
                                                    {.mid = STR_LIT("2")}};
    const struct rtc_media media = {.tracks = {.items = tracks, .count = 2},
                                    .streams = {.items = streams, .count = 2},
                                    .is_offered = true};
    struct arena *arena = arena_new();
    struct db_large_blob blob;
    struct rtc_media read;
    (void)state;
    assert_int_equal(rtc_media_encode(&media, &blob), ERR_OK);
    assert_true(rtc_media_decode(arena, &blob, &read));
    assert_int_equal(read.tracks.count, 2);
    assert_true(str_eq(read.tracks.items[1].mid, STR_LIT("v")));
    assert_int_equal(read.tracks.items[1].source, MEDIA_SCREEN);
    assert_int_equal(read.streams.count, 2);
    assert_int_equal(read.streams.items[0].participant, 4711);
    assert_int_equal(read.streams.items[0].feed, ROOM_ID_MAX);
    assert_true(str_eq(read.streams.items[0].feed_mid, STR_LIT("v")));
    assert_false(read.streams.items[1].has_source);
    assert_true(read.is_offered);
    arena_free(&arena);
}

static void nothing_is_kept_too(void **state)
{
    const struct rtc_media nothing = {.tracks = {.count = 0}};
    struct arena *arena = arena_new();
    struct db_large_blob blob;
    struct rtc_media read = {.tracks = {.count = 1}};
    (void)state;
    assert_int_equal(rtc_media_encode(&nothing, &blob), ERR_OK);
    assert_true(rtc_media_decode(arena, &blob, &read));
    assert_int_equal(read.tracks.count + read.streams.count, 0);
    arena_free(&arena);
}

static void as_much_as_there_may_be_fits(void **state)
{
    static struct msg_rtc_track tracks[RTC_TRACKS_MAX];
    static struct msg_rtc_stream streams[RTC_STREAMS_MAX];
    static char mid[RTC_MID_BYTES];
    const struct str longest = {.data = mid, .bytes = sizeof(mid)};
    struct db_large_blob blob;
    (void)state;
    memset(mid, 'm', sizeof(mid));
    for (size_t i = 0; i < RTC_TRACKS_MAX; i++) {
        tracks[i] = (struct msg_rtc_track){.mid = longest, .source = MEDIA_SCREEN};
    }
    for (size_t i = 0; i < RTC_STREAMS_MAX; i++) {
        streams[i] = (struct msg_rtc_stream){.mid = longest,
                                             .participant = PARTICIPANT_ID_MAX,
                                             .has_source = true,
                                             .source = MEDIA_SCREEN,
                                             .feed = ROOM_ID_MAX,
                                             .feed_mid = longest};
    }
    const struct rtc_media media = {.tracks = {.items = tracks, .count = RTC_TRACKS_MAX},
                                    .streams = {.items = streams, .count = RTC_STREAMS_MAX}};
    assert_int_equal(rtc_media_encode(&media, &blob), ERR_OK);
}

static void what_nobody_has_written_is_not_read(void **state)
{
    const struct rtc_media nothing = {.tracks = {.count = 0}};
    struct arena *arena = arena_new();
    struct db_large_blob blob;
    struct rtc_media read;
    (void)state;
    assert_int_equal(rtc_media_encode(&nothing, &blob), ERR_OK);
    blob.data[0] = 0xc1;
    assert_false(rtc_media_decode(arena, &blob, &read));
    blob.bytes = 0;
    assert_false(rtc_media_decode(arena, &blob, &read));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_read),
        cmocka_unit_test(nothing_is_kept_too),
        cmocka_unit_test(as_much_as_there_may_be_fits),
        cmocka_unit_test(what_nobody_has_written_is_not_read),
    };
    return cmocka_run_group_tests_name("rtc media", tests, NULL, NULL);
}
