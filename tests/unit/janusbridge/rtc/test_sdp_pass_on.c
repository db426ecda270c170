/* What Janus gets of what was taken, and other credentials for ICE in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/rtc/sdp_candidate.h"
#include "tests/unit/janusbridge/rtc/sdp_fixtures.h"

static char *passed_on(const char *text, enum sdp_candidates candidates)
{
    AUTO(strbuf_fini) struct strbuf dest = {0};
    sdp_pass_on(str_of(text), candidates, &dest);
    return str_dup(strbuf_str(&dest));
}

static size_t lines_of(const char *text, const char *start)
{
    size_t count = 0;
    for (const char *at = strstr(text, start); at != NULL; at = strstr(at + 1, start)) {
        count += at == text || at[-1] == '\n';
    }
    return count;
}

static void test_candidates_are_not_passed_on(void **state)
{
    static const char *const offers[] = {chromium_offer, firefox_offer, libdatachannel_offer,
                                         chromium_answer, least_offer};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
        AUTO(mem_free) char *text = passed_on(offers[i], SDP_NO_CANDIDATES);
        assert_null(strstr(text, "candidate"));
        /* all else of what Janus knows is there still */
        static const char *const kept[] = {"v=",
                                           "o=",
                                           "s=",
                                           "t=",
                                           "c=",
                                           "m=",
                                           "a=mid:",
                                           "a=ssrc",
                                           "a=group:",
                                           "a=ice-",
                                           "a=fingerprint:",
                                           "a=setup:",
                                           "a=rtpmap:",
                                           "a=fmtp:",
                                           "a=extmap:",
                                           "a=rid:",
                                           "a=msid:",
                                           "a=sendonly",
                                           "a=recvonly"};
        for (size_t k = 0; k < ARRAY_LEN(kept); k++) {
            assert_int_equal(lines_of(text, kept[k]), lines_of(offers[i], kept[k]));
        }
    }
    AUTO(mem_free) char *shouted = sdp_with(chromium_offer, "a=candidate:", "a=CANDIDATE:");
    AUTO(mem_free) char *text = passed_on(shouted, SDP_NO_CANDIDATES);
    assert_null(strcasestr(text, "candidate"));
}

/* aiortc draws credentials for each part: those of the first count, as all go its way. */
static void test_credentials_of_other_parts_are_not_passed_on(void **state)
{
    static const struct msg_rtc_track named[] = {{{"audio", 5}, MEDIA_AUDIO},
                                                 {{"video", 5}, MEDIA_VIDEO}};
    static const struct msg_rtc_track_list tracks = {.items = named, .count = 2};
    static const char end[] = "level-asymmetry-allowed=1\na=setup:actpass\na=ice-ufrag:04va\n"
                              "a=ice-pwd:Jch/0P8W9x7ybUZuXWIWWk\n";
    static const char other[] = "level-asymmetry-allowed=1\na=setup:actpass\na=ice-ufrag:Othr\n"
                                "a=ice-pwd:Othr0P8W9x7ybUZuXWIWWk\n";
    static const char unsound[] = "level-asymmetry-allowed=1\na=setup:actpass\na=ice-ufrag:Oth\n"
                                  "a=ice-pwd:Othr0P8W9x7ybUZuXWIWWk\n";
    const char *why = NULL;
    (void)state;
    AUTO(mem_free) char *offer = sdp_with(libdatachannel_offer, end, other);
    AUTO(mem_free) char *bad = sdp_with(libdatachannel_offer, end, unsound);
    assert_int_equal(sdp_check_offer(str_of(offer), &tracks, STR_NONE, &why), ERR_OK);
    AUTO(mem_free) char *text = passed_on(offer, SDP_NO_CANDIDATES);
    assert_null(strstr(text, "Othr"));
    assert_int_equal(lines_of(text, "a=ice-ufrag:04va"), 1);
    assert_int_equal(lines_of(text, "a=ice-pwd:"), 1);
    assert_int_equal(sdp_check_offer(str_of(bad), &tracks, STR_NONE, &why), ERR_BAD_SDP);
    assert_string_equal(why, "not one sound ice-ufrag");
}

static void test_only_public_candidates_are_passed_on(void **state)
{
    (void)state;
    AUTO(mem_free) char *text = passed_on(chromium_offer, SDP_PUBLIC_CANDIDATES);
    assert_int_equal(lines_of(text, "a=candidate:"), 2);
    assert_int_equal(lines_of(text, "a=candidate:842163049 1 udp 1677729535 93.184.216.34 "), 2);
    AUTO(mem_free) char *none = passed_on(libdatachannel_offer, SDP_PUBLIC_CANDIDATES);
    assert_null(strstr(none, "candidate"));
}

static void test_what_janus_does_not_know_is_not_passed_on(void **state)
{
    (void)state;
    AUTO(mem_free)
    char *text = sdp_with(least_offer, "a=mid:0\n", "a=mid:0\na=x\na=xextmap:-1 urn:x\ni=what\n");
    AUTO(mem_free)
    char *with_session = sdp_with(text, "s=-\n", "s=-\na=sendrecv\na=mid:0\nb=AS:1\n");
    AUTO(mem_free) char *passed = passed_on(with_session, SDP_NO_CANDIDATES);
    AUTO(mem_free) char *expected = sdp_with_cr(least_offer);
    assert_string_equal(passed, expected);
}

static void test_lines_end_with_cr_lf(void **state)
{
    (void)state;
    AUTO(mem_free) char *with_cr = sdp_with_cr(least_offer);
    AUTO(mem_free) char *of_lf = passed_on(least_offer, SDP_NO_CANDIDATES);
    AUTO(mem_free) char *of_cr = passed_on(with_cr, SDP_NO_CANDIDATES);
    assert_string_equal(of_lf, with_cr);
    assert_string_equal(of_cr, with_cr);
}

/* A line is left out, or comes twice, or all ends in the middle: what is taken then is taken again
 * as it is passed on, and what is passed on of that is the same. */
static void check_offer_again(const char *offer)
{
    const struct msg_rtc_track_list tracks = some_tracks(2);
    const char *why = NULL;
    if (sdp_check_offer(str_of(offer), &tracks, STR_NONE, &why) != ERR_OK) {
        assert_non_null(why);
        return;
    }
    AUTO(mem_free) char *once = passed_on(offer, SDP_NO_CANDIDATES);
    AUTO(mem_free) char *twice = passed_on(once, SDP_NO_CANDIDATES);
    assert_string_equal(once, twice);
    assert_int_equal(sdp_check_offer(str_of(once), &tracks, STR_NONE, &why), ERR_OK);
    assert_int_equal(sdp_check_offer(str_of(once), &tracks, str_of(offer), &why), ERR_OK);
}

static void test_whatever_is_taken_is_taken_again(void **state)
{
    (void)state;
    for (size_t i = 0;; i++) {
        AUTO(mem_free) char *without = sdp_without_line(chromium_offer, i);
        if (without == NULL) {
            break;
        }
        check_offer_again(without);
    }
    for (size_t bytes = 0; bytes <= strlen(chromium_offer); bytes++) {
        AUTO(mem_free) char *cut = mem_printf("%.*s", (int)bytes, chromium_offer);
        check_offer_again(cut);
    }
    for (const char *at = chromium_offer; *at != '\0'; at += strcspn(at, "\n") + 1) {
        const size_t line_bytes = strcspn(at, "\n") + 1;
        AUTO(mem_free)
        char *twice = mem_printf("%.*s%.*s%s", (int)(at - chromium_offer), chromium_offer,
                                 (int)line_bytes, at, at);
        check_offer_again(twice);
    }
}

/* ---- ICE ---- */

static void test_credentials(void **state)
{
    struct sdp_ice ice;
    (void)state;
    assert_true(sdp_ice(str_of(chromium_offer), &ice));
    assert_true(str_eq(ice.ufrag, STR_LIT("XakR")));
    assert_true(str_eq(ice.pwd, STR_LIT("2JR319RaeZdtgp/1CeBunguk")));
    struct sdp_ice of_janus;
    assert_true(sdp_ice(str_of(janus_answer), &of_janus));
    assert_false(sdp_ice_is_same(&ice, &of_janus));
    assert_true(sdp_ice_is_same(&ice, &ice));
    assert_false(sdp_ice(STR_LIT("a=ice-ufrag:XakR\r\n"), &ice));
    assert_false(sdp_ice(STR_LIT("a=ice-pwd:2JR319RaeZdtgp/1CeBunguk\r\na=ice-ufrag"), &ice));
    assert_false(sdp_ice(STR_NONE, &ice));
}

static void test_a_restart_changes_the_credentials_alone(void **state)
{
    const struct sdp_ice other = {.ufrag = STR_LIT("other+"),
                                  .pwd = STR_LIT("another/password/of/24+b")};
    const struct msg_rtc_track_list tracks = some_tracks(2);
    const char *why = NULL;
    struct sdp_ice now;
    (void)state;
    AUTO(mem_free) char *stored = passed_on(chromium_offer, SDP_NO_CANDIDATES);
    AUTO(strbuf_fini) struct strbuf dest = {0};
    sdp_replace_ice(str_of(stored), &other, &dest);
    assert_true(sdp_ice(strbuf_str(&dest), &now));
    assert_true(sdp_ice_is_same(&now, &other));
    assert_int_equal(sdp_check_offer(strbuf_str(&dest), &tracks, str_of(stored), &why), ERR_OK);
    /* and back again */
    struct sdp_ice first;
    assert_true(sdp_ice(str_of(stored), &first));
    AUTO(strbuf_fini) struct strbuf back = {0};
    sdp_replace_ice(strbuf_str(&dest), &first, &back);
    assert_true(str_eq(strbuf_str(&back), str_of(stored)));
}

/* ---- candidates ---- */

static void test_what_is_a_candidate(void **state)
{
    static const char *const taken[] = {
        "1 1 udp 2113937151 192.0.2.1 54321 typ host",
        "Ab+/9 256 TCP 4294967295 2001:db8::1 65535 typ prflx tcptype active generation 0",
        "1 1 UDP 1 1f0e4d2a-ab12.local 0 typ relay raddr 0.0.0.0 rport 0",
    };
    static const char *const refused[] = {
        "",
        "1",
        "1 1 udp 2113937151 192.0.2.1 54321",
        "1 1 udp 2113937151 192.0.2.1 54321 type host",
        "1 1 udp 2113937151 192.0.2.1 54321 typ",
        "1 1 udp 2113937151 192.0.2.1 54321 typ other",
        "1 1 udp 2113937151 192.0.2.1 54321 typ host generation",
        "1 1 udp 2113937151 192.0.2.1 54321 typ host  generation 0",
        "1 1 udp 2113937151 192.0.2.1 65536 typ host",
        "1 1 udp 4294967296 192.0.2.1 54321 typ host",
        "1 257 udp 1 192.0.2.1 54321 typ host",
        "1 -1 udp 1 192.0.2.1 54321 typ host",
        "1 1 u/p 1 192.0.2.1 54321 typ host",
        "1 1 udp 1 192_0.2.1 54321 typ host",
        "1- 1 udp 1 192.0.2.1 54321 typ host",
        "1  1 udp 1 192.0.2.1 54321 typ host",
        "123456789012345678901234567890123 1 udp 1 192.0.2.1 54321 typ host",
        "1 1 udp 1 a1234567890123456789012345678901234567890123456789012345678901234 9 typ host",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        assert_true(sdp_is_candidate(str_of(taken[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (sdp_is_candidate(str_of(refused[i]))) {
            fail_msg("taken: %s", refused[i]);
        }
    }
}

static bool is_public(const char *transport, const char *address)
{
    AUTO(mem_free) char *text = mem_printf("1 1 %s 1 %s 9 typ host", transport, address);
    assert_true(sdp_is_candidate(str_of(text)));
    return sdp_candidate_is_public(str_of(text));
}

static void test_what_is_public(void **state)
{
    static const char *const public[] = {
        "1.1.1.1",         "9.255.255.255", "11.0.0.0",       "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0",     "169.253.0.1",    "172.15.255.255", "172.32.0.0",
        "192.0.1.0",       "192.169.0.0",   "198.17.255.255", "198.20.0.0",     "223.255.255.255",
        "2000::1",         "2001:200::1",   "2001:db7::1",    "2003::1",        "2606:4700::1111",
    };
    static const char *const others[] = {
        "0.0.0.0",     "10.0.0.1",       "100.64.0.1",     "100.127.255.255", "127.0.0.1",
        "169.254.1.1", "172.16.0.1",     "172.31.255.255", "192.0.0.1",       "192.0.2.1",
        "192.88.99.1", "192.168.0.1",    "198.18.0.1",     "198.19.255.255",  "198.51.100.1",
        "203.0.113.1", "224.0.0.1",      "240.0.0.1",      "255.255.255.255", "::1",
        "::",          "fe80::1",        "fc00::1",        "fd00::1",         "ff02::1",
        "2001::1",     "2001:1ff::1",    "2001:db8::1",    "2002:a00:1::",    "3fff::1",
        "64:ff9b::1",  "::ffff:1.1.1.1", "example.org",    "1.1.1",           "a.local",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(public); i++) {
        if (!is_public("udp", public[i]) || !is_public("UDP", public[i])) {
            fail_msg("not public: %s", public[i]);
        }
        assert_false(is_public("tcp", public[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (is_public("udp", others[i])) {
            fail_msg("public: %s", others[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidates_are_not_passed_on),
        cmocka_unit_test(test_credentials_of_other_parts_are_not_passed_on),
        cmocka_unit_test(test_only_public_candidates_are_passed_on),
        cmocka_unit_test(test_what_janus_does_not_know_is_not_passed_on),
        cmocka_unit_test(test_lines_end_with_cr_lf),
        cmocka_unit_test(test_whatever_is_taken_is_taken_again),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_a_restart_changes_the_credentials_alone),
        cmocka_unit_test(test_what_is_a_candidate),
        cmocka_unit_test(test_what_is_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
