/* Offers of publishers: which are taken, and what each of them is refused for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/rtc/sdp_text.h"
#include "tests/unit/janusbridge/rtc/sdp_fixtures.h"

static const char *why_not(const char *offer, struct msg_rtc_track_list tracks, const char *before)
{
    const char *why = NULL;
    const enum err err = sdp_check_offer(str_of(offer), &tracks, str_of(before), &why);
    assert_int_equal(err, why == NULL ? ERR_OK : ERR_BAD_SDP);
    return why;
}

static void assert_taken(const char *offer, struct msg_rtc_track_list tracks)
{
    AUTO(mem_free) char *with_cr = sdp_with_cr(offer);
    assert_null(why_not(offer, tracks, NULL));
    assert_null(why_not(with_cr, tracks, NULL));
}

static void assert_refused(const char *offer, struct msg_rtc_track_list tracks, const char *why)
{
    const char *said = why_not(offer, tracks, NULL);
    if (said == NULL || strcmp(said, why) != 0) {
        fail_msg("%s, and not %s:\n%s", said == NULL ? "taken" : said, why, offer);
    }
}

static void test_offers_of_clients(void **state)
{
    (void)state;
    static const struct msg_rtc_track named[] = {
        {.mid = {"audio", 5}, .source = MEDIA_AUDIO},
        {.mid = {"video", 5}, .source = MEDIA_SCREEN},
    };
    assert_taken(chromium_offer, some_tracks(2));
    assert_taken(chromium_later_offer, some_tracks(2));
    assert_taken(firefox_offer, some_tracks(3));
    assert_taken(libdatachannel_offer, (struct msg_rtc_track_list){.items = named, .count = 2});
    assert_taken(least_offer, some_tracks(1));
}

static void test_lines_may_end_without_and_stand_apart(void **state)
{
    (void)state;
    const size_t bytes = strlen(least_offer);
    AUTO(mem_free) char *cut = mem_printf("%.*s", (int)bytes - 1, least_offer);
    assert_taken(cut, some_tracks(1));
    AUTO(mem_free) char *apart = sdp_with(least_offer, "s=-\n", "s=-\n\n\n");
    assert_taken(apart, some_tracks(1));
}

static void assert_found(const char *offer, const struct msg_rtc_track *expected, size_t count)
{
    struct msg_rtc_track found[SDP_FOUND_MAX];
    assert_int_equal(sdp_find_tracks(str_of(offer), found), count);
    for (size_t i = 0; i < count; i++) {
        assert_true(str_eq(found[i].mid, expected[i].mid));
        assert_int_equal(found[i].source, expected[i].source);
    }
}

/* Of a client that does not say what it sends: the first of each kind that it sends, and no more
 * is taken. */
static void test_what_an_offer_sends_is_found(void **state)
{
    static const struct msg_rtc_track named[] = {{{"audio", 5}, MEDIA_AUDIO},
                                                 {{"video", 5}, MEDIA_VIDEO}};
    static const struct msg_rtc_track numbered[] = {{{"0", 1}, MEDIA_AUDIO},
                                                    {{"1", 1}, MEDIA_VIDEO}};
    (void)state;
    assert_found(chromium_offer, numbered, 2);
    assert_found(chromium_later_offer, numbered, 2);
    assert_found(libdatachannel_offer, named, 2);
    assert_found(least_offer, numbered, 1);
    assert_found("v=0\n", NULL, 0);
    AUTO(mem_free) char *got = sdp_with(least_offer, "a=sendonly\n", "a=recvonly\n");
    assert_found(got, NULL, 0);
    AUTO(mem_free) char *both = sdp_with(least_offer, "a=sendonly\n", "a=sendrecv\n");
    assert_found(both, numbered, 1);
    struct msg_rtc_track found[SDP_FOUND_MAX]; /* of two videos one */
    const struct msg_rtc_track_list list = {found, sdp_find_tracks(str_of(firefox_offer), found)};
    assert_found(firefox_offer, numbered, 2);
    assert_refused(firefox_offer, list, "a part that is not inactive, and has no source");
}

/* Of the least offer: old becomes new. */
static const struct {
    const char *old, *new, *why; /* NULL: it is taken */
} changes[] = {
    /* the lines before the first part */
    {"v=0", "v=1", "no v=0 as the first line"},
    {"v=0\n", "a=x\nv=0\n", "no v=0 as the first line"},
    {"v=0\n", "", "no sound o= as the second line"},
    {"o=- 1 1 IN IP4 127.0.0.1\ns=-\n", "s=-\no=- 1 1 IN IP4 127.0.0.1\n",
     "no s= as the third line"},
    {"s=-\n", "", "no v=, o=, s= and t="},
    {"s=-\n", "s=-\ns=-\n", "no s= as the third line"},
    {"t=0 0\n", "", "no v=, o=, s= and t="},
    {"t=0 0\n", "t=0 0\nt=0 0\n", "not one sound t="},
    {"t=0 0", "t=0", "not one sound t="},
    {"t=0 0", "t=0 0 0", "not one sound t="},
    {"t=0 0", "t=0 x", "not one sound t="},
    {"o=- 1 1", "o=- 1", "no sound o= as the second line"},
    {"o=- 1 1", "o=- x 1", "no sound o= as the second line"},
    {"o=- 1 1", "o=- 18446744073709551616 1", "no sound o= as the second line"},
    {"o=- 1 1", "o=- 18446744073709551615 1", NULL},
    {"o=- 1 1 IN IP4", "o=- 1 1 IN IP5", "no sound o= as the second line"},
    {"o=- 1 1 IN IP4 127.0.0.1", "o=- 1 1 IN IP6 ::1", NULL},
    {"o=- 1 1 IN IP4 127.0.0.1", "o=- 1 1 IN IP4", "no sound o= as the second line"},
    {"t=0 0\n", "t=0 0\nc=IN IP4 0.0.0.0\ni=x\nb=AS:1\na=unknown\n", NULL},
    {"t=0 0\n", "t=0 0\nc=IN IP4 0.0.0.0\nc=IN IP4 0.0.0.0\n", "a wrong c="},
    {"t=0 0\n", "t=0 0\nc=IN IP4\n", "a wrong c="},
    {"t=0 0\n", "t=0 0\nx=1\n", "a line that does not belong there"},
    {"a=mid:0\n", "a=mid:0\nt=0 0\n", "a line that does not belong there"},
    {"a=mid:0\n", "a=mid:0\nv=0\n", "a line that does not belong there"},
    {"a=mid:0\n", "a=mid:0\ni=what\nc=IN IP6 ::\n", NULL},
    /* lines */
    {"s=-", "s=", "a line without a value"},
    {"s=-", "s", "a line that does not begin with a letter and ="},
    {"s=-", "S=-", "a line that does not begin with a letter and ="},
    {"s=-", "=-", "a line that does not begin with a letter and ="},
    {"s=-", " s=-", "a line that does not begin with a letter and ="},
    {"s=-", "s=\t", "a character that is no printable ASCII"},
    {"s=-", "s=\x7f", "a character that is no printable ASCII"},
    {"s=-", "s=\xc3\xa9", "a character that is no printable ASCII"},
    {"s=-", "s=a\rb", "a character that is no printable ASCII"},
    {"s=-", "s=-\r\r", "a character that is no printable ASCII"},
    {"a=mid:0", "a=mid:", "a line without a value"},
    {"a=mid:0", "a=:0", "an attribute whose name is none"},
    {"a=mid:0", "a= mid:0", "an attribute whose name is none"},
    /* parts */
    {"m=audio", "m=application", "a part that is neither audio nor video"},
    {"m=audio", "m=Audio", "a part that is neither audio nor video"},
    {"m=audio 9", "m=audio", "a wrong m="},
    {"m=audio 9", "m=audio 65536", "a wrong m="},
    {"m=audio 9", "m=audio 9/2", "a wrong m="},
    {"m=audio 9", "m=audio -1", "a wrong m="},
    {"m=audio 9", "m=audio  9", "a wrong m="},
    {"m=audio 9", "m=audio 0", "a first part that is rejected"},
    {"UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "a wrong m="},
    {"SAVPF 111", "SAVPF", "a wrong m="},
    {"SAVPF 111", "SAVPF 128", "a wrong m="},
    {"SAVPF 111", "SAVPF 111 111", "a wrong m="},
    {"SAVPF 111", "SAVPF 111 x", "a wrong m="},
    {"SAVPF 111", "SAVPF 111 ", NULL},
    {"SAVPF 111", "SAVPF 112", "a part without a codec that rooms take"},
    {"a=mid:0\n", "", "a part without a mid"},
    {"a=mid:0\n", "a=mid:0\na=mid:0\n", "not one sound mid in a part"},
    {"a=mid:0", "a=mid:0 1", "not one sound mid in a part"},
    {"a=mid:0", "a=mid:aaaaaaaaaaaaaaaaa", "not one sound mid in a part"},
    {"a=mid:0", "a=mid", "an attribute without what belongs behind it, or with what does not"},
    {"a=mid:0", "a=MID:0", NULL},
    {"a=mid:0\n", "a=mid:0\nb=AS:64\nb=TIAS:64000\n", NULL},
    {"a=mid:0\n", "a=mid:0\nb=AS\n", "a wrong b="},
    {"a=mid:0\n", "a=mid:0\nb=AS:x\n", "a wrong b="},
    {"a=mid:0\n", "a=mid:0\nb=:1\n", "a wrong b="},
    /* the one transport */
    {"a=group:BUNDLE 0\n", "", "a part that is not in the group of BUNDLE"},
    {"a=group:BUNDLE 0", "a=group:BUNDLE 1", "a part that is not in the group of BUNDLE"},
    {"a=group:BUNDLE 0", "a=group:BUNDLE 0 1", "a group of BUNDLE with others than the parts"},
    {"a=group:BUNDLE 0", "a=group:BUNDLE 0 0", "a group of BUNDLE with others than the parts"},
    {"a=group:BUNDLE 0", "a=group:BUNDLE", "not one group of BUNDLE"},
    {"a=group:BUNDLE 0", "a=group:BUNDLE 0\na=group:BUNDLE 0", "not one group of BUNDLE"},
    {"a=group:BUNDLE 0", "a=group: BUNDLE 0", "a wrong group"},
    {"a=ice-ufrag:abcd\n", "", "no ice-ufrag"},
    {"a=ice-ufrag:abcd", "a=ice-ufrag:abc", "not one sound ice-ufrag"},
    {"a=ice-ufrag:abcd", "a=ice-ufrag:ab d", "not one sound ice-ufrag"},
    {"a=ice-ufrag:abcd", "a=ice-ufrag:abcd\na=ice-ufrag:abcd", NULL},
    {"a=ice-ufrag:abcd", "a=ice-ufrag:abcd\na=Ice-Ufrag:abce", "not one sound ice-ufrag"},
    {"t=0 0\n", "t=0 0\na=ice-ufrag:abce\n", "not one sound ice-ufrag"},
    {"a=ice-pwd:abcdefghijklmnopqrstuv\n", "", "no ice-pwd"},
    {"a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:abcdefghijklmnopqrstu",
     "not one sound ice-pwd"},
    {"a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:abcdefghijklmnopqrst-v",
     "not one sound ice-pwd"},
    {"sha-256 C4", "sha-1 C4", "not one sound fingerprint of sha-256"},
    {"sha-256 C4", "sha-256", "not one sound fingerprint of sha-256"},
    {"sha-256 C4", "sha-256 C", "not one sound fingerprint of sha-256"},
    {"sha-256 C4:", "sha-256 C40", "not one sound fingerprint of sha-256"},
    {"sha-256 C4", "sha-256 G4", "not one sound fingerprint of sha-256"},
    {"sha-256 C4", "sha-512 C4", "no fingerprint"},
    {"a=fingerprint:", "a=fingerprint:sha-512 00:11\na=fingerprint:", NULL},
    {"a=fingerprint:", "a=fingerprint: ", "not one sound fingerprint of sha-256"},
    {"a=setup:actpass\n", "", "no setup"},
    {"a=setup:actpass", "a=setup:holdconn", "not one sound setup"},
    {"a=setup:actpass", "a=setup:active", NULL},
    {"a=setup:actpass", "a=setup:actpass\na=setup:active", "not one sound setup"},
    {"a=rtcp-mux\n", "", "no rtcp-mux"},
    {"a=rtcp-mux", "a=rtcp-mux:1",
     "an attribute without what belongs behind it, or with what does not"},
    /* directions */
    {"a=sendonly\n", "", NULL},
    {"a=sendonly", "a=sendrecv", NULL},
    {"a=sendonly", "a=recvonly", "a source whose part does not send"},
    {"a=sendonly", "a=inactive", "a source whose part does not send"},
    {"a=sendonly\n", "a=sendonly\na=inactive\n", "two directions of one part"},
    {"a=sendonly", "a=sendonly:1",
     "an attribute without what belongs behind it, or with what does not"},
    /* codecs */
    {"a=rtpmap:111 opus/48000/2\n", "", "a part without a codec that rooms take"},
    {"opus/48000/2", "opus/48000", "a part without a codec that rooms take"},
    {"opus/48000/2", "Opus/48000/2", "a part without a codec that rooms take"},
    {"opus/48000/2", "OPUS/48000/2", NULL},
    {"opus/48000/2", "VP8/90000", "a part without a codec that rooms take"},
    {"opus/48000/2", "opus/48000/2 x", "a wrong rtpmap"},
    {"a=rtpmap:111", "a=rtpmap:128", "a wrong rtpmap"},
    {"a=rtpmap:111", "a=rtpmap:-1", "a wrong rtpmap"},
    {"a=mid:0\n", "a=mid:0\na=rtpmap:111 rtx/90000\n", "a part without a codec that rooms take"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:111 apt=110\n", "a part without a codec that rooms take"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:111 x=red/90000\n", "a codec in an attribute that is no rtpmap"},
    {"a=mid:0\n", "a=mid:0\na=msid:111 ulpfec/90000\n",
     "a codec in an attribute that is no rtpmap"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:111 \n", "a wrong fmtp"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:x a=b\n", "a wrong fmtp"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:111 minptime=10; useinbandfec=1\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=fmtp:96 profile-level-id=42e01f\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=fmtp:96 a=b;profile-level-id=42E01F;c=d\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=fmtp:96 profile-level-id=42e01g\n", "a wrong profile-level-id"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:96 profile-level-id=42e01f0\n", "a wrong profile-level-id"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:96 a;profile-level-id=\n", "a wrong profile-level-id"},
    {"a=mid:0\n", "a=mid:0\na=fmtp:96 xprofile-level-id=42e01f\n", "a wrong profile-level-id"},
    {"a=mid:0\n", "a=mid:0\na=rtcp-fb:111 nack\na=rtcp-fb:* nack pli\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=rtcp-fb:111\n", "a wrong rtcp-fb"},
    {"a=mid:0\n", "a=mid:0\na=rtcp-fb:128 nack\n", "a wrong rtcp-fb"},
    {"a=mid:0\n", "a=mid:0\na=extmap:-1 urn:ietf:params:rtp-hdrext:sdes:mid\n", "a wrong extmap"},
    {"a=mid:0\n", "a=mid:0\na=extmap:0 urn:x\n", "a wrong extmap"},
    {"a=mid:0\n", "a=mid:0\na=extmap:256 urn:x\n", "a wrong extmap"},
    {"a=mid:0\n", "a=mid:0\na=extmap:1\n", "a wrong extmap"},
    {"a=mid:0\n", "a=mid:0\na=extmap:1/ urn:x\n", "a wrong extmap"},
    {"a=mid:0\n", "a=mid:0\na=extmap:255/sendrecv urn:x\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=ssrc:4294967295 cname:x\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=ssrc:4294967296 cname:x\n", "a wrong ssrc"},
    {"a=mid:0\n", "a=mid:0\na=ssrc:1\n", "a wrong ssrc"},
    {"a=mid:0\n", "a=mid:0\na=ssrc-group:SIM 1 2 3\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=ssrc-group:SIM 1 2 3 4\n", "a wrong ssrc-group"},
    {"a=mid:0\n", "a=mid:0\na=ssrc-group:FID\n", "a wrong ssrc-group"},
    {"a=mid:0\n", "a=mid:0\na=ssrc-group:FID x\n", "a wrong ssrc-group"},
    {"a=mid:0\n", "a=mid:0\na=rid:h send\n", "too many layers"},
    {"a=mid:0\n", "a=mid:0\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\n", NULL},
    {"a=mid:0\n", "a=mid:0\na=candidate:1 1 udp 1 192.0.2.1 9\n", "a wrong candidate"},
};

static void test_changes_of_an_offer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        AUTO(mem_free) char *offer = sdp_with(least_offer, changes[i].old, changes[i].new);
        if (changes[i].why == NULL) {
            assert_taken(offer, some_tracks(1));
        } else {
            assert_refused(offer, some_tracks(1), changes[i].why);
        }
    }
}

static void test_what_is_no_offer(void **state)
{
    (void)state;
    assert_refused("", some_tracks(0), "no part");
    assert_refused("v=0\n", some_tracks(0), "no part");
    assert_refused("\n\r\n", some_tracks(0), "no part");
    assert_refused("garbage", some_tracks(0), "a line that does not begin with a letter and =");
    const char *why = NULL;
    const struct msg_rtc_track_list tracks = some_tracks(0);
    assert_int_equal(sdp_check_offer(STR_LIT("v=0\0"), &tracks, STR_NONE, &why), ERR_BAD_SDP);
    assert_string_equal(why, "a character that is no printable ASCII");
}

/* ---- layers ---- */

static void test_layers(void **state)
{
    static const struct {
        const char *new, *why;
    } rows[] = {
        {"a=rid:l send pt=96", NULL},
        {"a=rid:l_-9 send", NULL},
        {"a=rid:l recv", "a wrong rid"},
        {"a=rid:l", "a wrong rid"},
        {"a=rid:l+ send", "a wrong rid"},
        {"a=rid:abcdefghijklmnop send", "a wrong rid"},
        {"a=rid:l send\na=rid:xl send", "too many layers"},
        {"a=rid:l send\na=simulcast:recv h", "a wrong simulcast"},
        {"a=rid:l send\na=simulcast:send", "a wrong simulcast"},
        {"a=rid:l send\na=simulcast:send h recv l", "a wrong simulcast"},
        {"a=rid:l send\na=simulcast:send h;m,l", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *offer = sdp_with(chromium_offer, "a=rid:l send", rows[i].new);
        if (rows[i].why == NULL) {
            assert_taken(offer, some_tracks(2));
        } else {
            assert_refused(offer, some_tracks(2), rows[i].why);
        }
    }
}

/* ---- bounds ---- */

static void assert_bound(const char *old, const char *taken, const char *refused, const char *why)
{
    AUTO(mem_free) char *good = sdp_with(least_offer, old, taken);
    assert_taken(good, some_tracks(1));
    AUTO(mem_free) char *bad = sdp_with(least_offer, old, refused);
    assert_refused(bad, some_tracks(1), why);
}

static void test_lines_are_short(void **state)
{
    (void)state;
    AUTO(mem_free) char *most = sdp_filler('x', 500 - 2);
    AUTO(mem_free) char *line = mem_printf("s=-\na=%s", most);
    AUTO(mem_free) char *longer = mem_printf("s=-\na=%sx", most);
    assert_bound("s=-", line, longer, "a line that is too long");
    AUTO(mem_free) char *list = sdp_filler('x', 2000 - strlen("a=msid-semantic:"));
    AUTO(mem_free) char *long_list = mem_printf("s=-\na=msid-semantic:%s", list);
    AUTO(mem_free) char *longer_list = mem_printf("s=-\na=msid-semantic:%sx", list);
    assert_bound("s=-", long_list, longer_list, "a line that is too long");
    AUTO(mem_free)
    char *zeros = sdp_filler('0', 200 - strlen("m=audio  UDP/TLS/RTP/SAVPF 111") - 1);
    AUTO(mem_free) char *media = mem_printf("m=audio %s9", zeros);
    AUTO(mem_free) char *longer_media = mem_printf("m=audio %s09", zeros);
    assert_bound("m=audio 9", media, longer_media, "a line that is too long");
}

/* Janus writes it again into 1,024 bytes. */
static void test_little_stands_before_the_first_part(void **state)
{
    (void)state;
    const char *const rest = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=\r\nt=0 0\r\n";
    AUTO(mem_free) char *name = sdp_filler('x', 498);
    AUTO(mem_free)
    char *options = sdp_filler('x', 900 - strlen(rest) - 498 - strlen("a=ice-options:\r\n"));
    AUTO(mem_free) char *most = mem_printf("s=%s\na=ice-options:%s", name, options);
    AUTO(mem_free) char *more = mem_printf("s=%s\na=ice-options:%sx", name, options);
    assert_bound("s=-", most, more, "too much before the first part");
}

static char *part_with(const char *lines)
{
    return mem_printf("a=mid:0\n%s", lines);
}

/* Janus writes it again into 8,192 bytes. */
static void test_parts_are_short(void **state)
{
    (void)state;
    AUTO(mem_free) char *value = sdp_filler('x', 90);
    AUTO(mem_free) char *line = mem_printf("a=msid:%s\n", value);
    AUTO(mem_free) char *many = sdp_repeated(line, 70);
    AUTO(mem_free) char *more = sdp_repeated(line, 80);
    AUTO(mem_free) char *good = part_with(many);
    AUTO(mem_free) char *bad = part_with(more);
    assert_bound("a=mid:0\n", good, bad, "a part that is too long");
    /* What Janus does not get does not count. */
    AUTO(mem_free) char *unknown_line = mem_printf("a=unknown:%s\n", value);
    AUTO(mem_free) char *unknown = sdp_repeated(unknown_line, 300);
    AUTO(mem_free) char *good_too = part_with(unknown);
    assert_bound("a=mid:0\n", good_too, bad, "a part that is too long");
}

static void test_lines_are_few(void **state)
{
    (void)state;
    AUTO(mem_free) char *few = sdp_repeated("a=ssrc:1 x\n", 390);
    AUTO(mem_free) char *many = sdp_repeated("a=ssrc:1 x\n", 400);
    AUTO(mem_free) char *good = part_with(few);
    AUTO(mem_free) char *bad = part_with(many);
    assert_bound("a=mid:0\n", good, bad, "a part that is too long");
    AUTO(mem_free) char *unknown = sdp_repeated("a=x\n", 3900);
    AUTO(mem_free) char *more_unknown = sdp_repeated("a=x\n", 4000);
    AUTO(mem_free) char *good_too = part_with(unknown);
    AUTO(mem_free) char *bad_too = part_with(more_unknown);
    assert_bound("a=mid:0\n", good_too, bad_too, "too many lines");
}

static void test_the_whole_is_short(void **state)
{
    (void)state;
    AUTO(mem_free) char *line = sdp_filler('x', 400);
    AUTO(mem_free) char *unknown = mem_printf("a=%s\n", line);
    AUTO(mem_free) char *few = sdp_repeated(unknown, 160);
    AUTO(mem_free) char *many = sdp_repeated(unknown, 163);
    AUTO(mem_free) char *good = part_with(few);
    AUTO(mem_free) char *bad = part_with(many);
    assert_bound("a=mid:0\n", good, bad, "too many bytes");
}

static void test_candidates_are_few(void **state)
{
    (void)state;
    static const char line[] = "a=candidate:# 1 udp 1 192.0.2.1 9 typ host\n";
    AUTO(mem_free) char *few = sdp_repeated(line, SDP_CANDIDATES_MAX);
    AUTO(mem_free) char *many = sdp_repeated(line, SDP_CANDIDATES_MAX + 1);
    AUTO(mem_free) char *good = part_with(few);
    AUTO(mem_free) char *bad = part_with(many);
    assert_bound("a=mid:0\n", good, bad, "too many candidates");
}

/* An offer of so many parts; those but the first send nothing. Caller frees. */
static char *offer_of_parts(size_t count)
{
    AUTO(mem_free)
    char *parts = sdp_repeated("m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:p#\na=inactive\n"
                               "a=rtpmap:96 VP8/90000\n",
                               count - 1);
    AUTO(mem_free) char *mids = sdp_repeated(" p#", count - 1);
    AUTO(mem_free) char *group = mem_printf("a=group:BUNDLE 0%s\n", mids);
    AUTO(mem_free) char *offer = sdp_with(least_offer, "a=group:BUNDLE 0\n", group);
    return mem_printf("%s%s", offer, parts);
}

static void test_parts_are_few(void **state)
{
    (void)state;
    AUTO(mem_free) char *most = offer_of_parts(RTC_TRACKS_MAX);
    assert_taken(most, some_tracks(1));
    AUTO(mem_free) char *more = offer_of_parts(RTC_TRACKS_MAX + 1);
    assert_refused(more, some_tracks(1), "too many parts");
}

/* ---- sources ---- */

static void test_sources(void **state)
{
    static const struct {
        struct msg_rtc_track tracks[3];
        const char *why;
    } rows[] = {
        {{{{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_SCREEN}, {{"2", 1}, MEDIA_VIDEO}}, NULL},
        {{{{"0", 1}, MEDIA_VIDEO}, {{"1", 1}, MEDIA_AUDIO}, {{"2", 1}, MEDIA_SCREEN}},
         "a source that is no such media as its part"},
        {{{{"0", 1}, MEDIA_SCREEN}, {{"1", 1}, MEDIA_VIDEO}, {{"2", 1}, MEDIA_SCREEN}},
         "a source that is no such media as its part"},
        {{{{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_AUDIO}, {{"2", 1}, MEDIA_SCREEN}},
         "a source that is no such media as its part"},
        {{{{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_VIDEO}, {{"2", 1}, MEDIA_VIDEO}},
         "two parts of one source"},
        {{{{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_VIDEO}, {{"1", 1}, MEDIA_SCREEN}},
         "a part that is not inactive, and has no source"},
        {{{{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_VIDEO}, {{"3", 1}, MEDIA_SCREEN}},
         "a source without a part"},
        {{{{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_VIDEO}, {{"", 0}, MEDIA_SCREEN}},
         "a source without a part"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct msg_rtc_track_list tracks = {.items = rows[i].tracks, .count = 3};
        if (rows[i].why == NULL) {
            assert_taken(firefox_offer, tracks);
        } else {
            assert_refused(firefox_offer, tracks, rows[i].why);
        }
    }
    assert_refused(firefox_offer, some_tracks(2), "a part that is not inactive, and has no source");
    assert_refused(chromium_later_offer, some_tracks(3), "a source without a part");
}

/* Nothing is sent, for now. */
static void test_an_offer_of_nothing(void **state)
{
    (void)state;
    AUTO(mem_free) char *offer = sdp_with(least_offer, "a=sendonly", "a=inactive");
    assert_taken(offer, some_tracks(0));
    assert_refused(least_offer, some_tracks(0), "a part that is not inactive, and has no source");
}

static void test_one_mid_for_one_part(void **state)
{
    (void)state;
    AUTO(mem_free) char *offer = sdp_with(chromium_offer, "a=mid:1", "a=mid:0");
    assert_refused(offer, some_tracks(1), "two parts of one mid");
}

/* ---- one offer after another ---- */

static void test_later_offers_keep_the_parts(void **state)
{
    static const char fault[] = "other parts than before";
    (void)state;
    assert_null(why_not(chromium_later_offer, some_tracks(2), chromium_offer));
    assert_null(why_not(chromium_later_offer, some_tracks(2), chromium_later_offer));
    assert_null(why_not(firefox_offer, some_tracks(3), chromium_offer));
    /* fewer parts, another mid, another kind */
    assert_string_equal(why_not(chromium_offer, some_tracks(2), chromium_later_offer), fault);
    AUTO(mem_free) char *other_mid = sdp_with(chromium_offer, "a=mid:1", "a=mid:2");
    assert_string_equal(why_not(chromium_offer, some_tracks(2), other_mid), fault);
    AUTO(mem_free) char *other_kind = sdp_with(chromium_offer, "m=video", "m=audio");
    assert_string_equal(why_not(chromium_offer, some_tracks(2), other_kind), fault);
    /* a part that was stopped may have no mid any more */
    AUTO(mem_free) char *without_mid = sdp_with(chromium_later_offer, "a=mid:2\n", "");
    assert_null(why_not(without_mid, some_tracks(2), chromium_later_offer));
    AUTO(mem_free) char *wrong_mid = sdp_with(chromium_later_offer, "a=mid:2\n", "a=mid:3\n");
    assert_string_equal(why_not(wrong_mid, some_tracks(2), chromium_later_offer), fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers_of_clients),
        cmocka_unit_test(test_what_an_offer_sends_is_found),
        cmocka_unit_test(test_lines_may_end_without_and_stand_apart),
        cmocka_unit_test(test_changes_of_an_offer),
        cmocka_unit_test(test_what_is_no_offer),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_lines_are_short),
        cmocka_unit_test(test_little_stands_before_the_first_part),
        cmocka_unit_test(test_parts_are_short),
        cmocka_unit_test(test_lines_are_few),
        cmocka_unit_test(test_the_whole_is_short),
        cmocka_unit_test(test_candidates_are_few),
        cmocka_unit_test(test_parts_are_few),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_an_offer_of_nothing),
        cmocka_unit_test(test_one_mid_for_one_part),
        cmocka_unit_test(test_later_offers_keep_the_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
