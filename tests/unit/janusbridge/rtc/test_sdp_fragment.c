/* Fragments of SDP: what clients send, and what Janus says of a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/rtc/sdp_fragment.h"
#include "tests/unit/janusbridge/rtc/sdp_fixtures.h"

#define CREDENTIALS "a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n"
#define CANDIDATE "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\n"

static const char whole[] =
    "a=group:BUNDLE 0 1\na=ice-options:trickle ice2\n" CREDENTIALS
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\n" CANDIDATE
    "a=candidate:2 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active ufrag EsAw\n"
    "m=video 9 RTP/AVP 0\na=mid:1\n" CANDIDATE "a=end-of-candidates\n";

static const char *why_not_fragment(const char *text)
{
    struct sdp_fragment fragment;
    const char *why = NULL;
    const enum err err = sdp_fragment_read(str_of(text), &fragment, &why);
    assert_int_equal(err, why == NULL ? ERR_OK : ERR_BAD_SDP);
    return why;
}

static void test_a_whole_fragment(void **state)
{
    struct sdp_fragment fragment;
    const char *why = NULL;
    (void)state;
    AUTO(mem_free) char *with_cr = sdp_with_cr(whole);
    assert_int_equal(sdp_fragment_read(str_of(with_cr), &fragment, &why), ERR_OK);
    assert_true(str_eq(fragment.ice.ufrag, STR_LIT("EsAw")));
    assert_true(str_eq(fragment.ice.pwd, STR_LIT("P2uYro0UCOQ4zxjKXaWCBui1")));
    assert_true(fragment.is_end);
    assert_int_equal(fragment.candidate_count, 3);
    assert_true(str_eq(fragment.candidates[0].mid, STR_LIT("0")));
    assert_true(str_eq(fragment.candidates[1].mid, STR_LIT("0")));
    assert_true(str_eq(fragment.candidates[2].mid, STR_LIT("1")));
    assert_true(str_eq(fragment.candidates[2].text,
                       STR_LIT("1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0")));
}

static void test_small_fragments(void **state)
{
    struct sdp_fragment fragment;
    const char *why = NULL;
    (void)state;
    assert_null(why_not_fragment(CREDENTIALS));
    assert_int_equal(
        sdp_fragment_read(STR_LIT("m=audio 9 RTP/AVP 0\na=mid:0\n" CANDIDATE), &fragment, &why),
        ERR_OK);
    assert_int_equal(fragment.ice.ufrag.bytes, 0);
    assert_int_equal(fragment.candidate_count, 1);
    assert_false(fragment.is_end);
    assert_int_equal(sdp_fragment_read(STR_LIT("a=end-of-candidates"), &fragment, &why), ERR_OK);
    assert_true(fragment.is_end);
    /* an empty candidate of Firefox */
    assert_int_equal(sdp_fragment_read(STR_LIT("m=audio 9 RTP/AVP 0\na=mid:0\n" CANDIDATE "a=\n"),
                                       &fragment, &why),
                     ERR_OK);
    assert_int_equal(fragment.candidate_count, 1);
    assert_true(fragment.is_end);
    /* credentials of the part */
    assert_int_equal(sdp_fragment_read(STR_LIT("m=audio 9 RTP/AVP 0\n" CREDENTIALS "a=mid:0\n"),
                                       &fragment, &why),
                     ERR_OK);
    assert_true(str_eq(fragment.ice.ufrag, STR_LIT("EsAw")));
}

static void test_changes_of_a_fragment(void **state)
{
    static const struct {
        const char *old, *new, *why;
    } rows[] = {
        {"a=ice-ufrag:EsAw\n", "", "one of ice-ufrag and ice-pwd without the other"},
        {"a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n", "",
         "one of ice-ufrag and ice-pwd without the other"},
        {"a=ice-ufrag:EsAw", "a=ice-ufrag:Es", "not one sound ice-ufrag"},
        {"a=mid:1", "a=mid:1\na=ice-ufrag:EsAx", "not one sound ice-ufrag"},
        {"a=mid:1", "a=mid:1\na=ice-ufrag:EsAw", NULL},
        {"P2uYro0UCOQ4zxjKXaWCBui1", "P2uYro0UCOQ4zxjKXaWC-ui1", "not one sound ice-pwd"},
        {"a=mid:1", "a=mid:1\na=mid:1", "not one sound mid in a part"},
        {"a=mid:1", "a=mid:aaaaaaaaaaaaaaaaa", "not one sound mid in a part"},
        {"a=group:BUNDLE 0 1", "a=mid:0", "not one sound mid in a part"},
        {"a=mid:0\n", "", "a candidate without a mid before it"},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\n", "", "a candidate without a mid before it"},
        {"m=audio 9", "m=audio 65536", "a wrong m=, or too many"},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 0", "m=audio 9 UDP/TLS/RTP/SAVPF", "a wrong m=, or too many"},
        {"m=audio 9", "m= 9", "a wrong m=, or too many"},
        {"a=candidate:1 1 udp", "a=candidate:1 udp", "a wrong candidate"},
        {"a=candidate:1 ", "a=candidate ", "an attribute whose name is none"},
        {"a=end-of-candidates", "a=end-of-candidates:1",
         "a line that does not belong into a fragment"},
        {"a=end-of-candidates", "a=sendrecv", "a line that does not belong into a fragment"},
        {"a=end-of-candidates", "c=IN IP4 0.0.0.0", "a line that does not belong into a fragment"},
        {"a=end-of-candidates", "v=0", "a line that does not belong into a fragment"},
        {"a=end-of-candidates", "x", "a line that does not begin with a letter and ="},
        {"a=end-of-candidates", "a=\x01", "a character that is no printable ASCII"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = sdp_with(whole, rows[i].old, rows[i].new);
        const char *why = why_not_fragment(text);
        if (why == NULL || rows[i].why == NULL) {
            assert_ptr_equal(why, rows[i].why);
        } else {
            assert_string_equal(why, rows[i].why);
        }
    }
    assert_string_equal(why_not_fragment(""), "nothing in it");
    assert_string_equal(why_not_fragment("a=ice-options:trickle\n"), "nothing in it");
}

static void test_fragments_are_bounded(void **state)
{
    (void)state;
    AUTO(mem_free) char *few = sdp_repeated(CANDIDATE, SDP_CANDIDATES_MAX);
    AUTO(mem_free) char *good = mem_printf("m=audio 9 RTP/AVP 0\na=mid:0\n%s", few);
    assert_null(why_not_fragment(good));
    AUTO(mem_free) char *more = mem_printf("%s%s", good, CANDIDATE);
    assert_string_equal(why_not_fragment(more), "too many candidates");
    AUTO(mem_free) char *parts = sdp_repeated("m=audio 9 RTP/AVP 0\n", RTC_STREAMS_MAX + 1);
    assert_string_equal(why_not_fragment(parts), "a wrong m=, or too many");
    assert_null(why_not_fragment(parts + strlen("m=audio 9 RTP/AVP 0\n")));
    AUTO(mem_free) char *end = sdp_repeated("a=end-of-candidates\n", RTC_SDP_BYTES / 20);
    assert_null(why_not_fragment(end));
    AUTO(mem_free) char *longer = mem_printf("%sa=end-of-candidates\n", end);
    assert_string_equal(why_not_fragment(longer), "too many bytes");
}

static void test_what_janus_says_of_a_restart(void **state)
{
    (void)state;
    AUTO(strbuf_fini) struct strbuf dest = {0};
    assert_int_equal(sdp_fragment_write(str_of(janus_answer), &dest), ERR_OK);
    AUTO(mem_free) char *text = str_dup(strbuf_str(&dest));
    assert_string_equal(text, "a=ice-ufrag:ZvCI\r\na=ice-pwd:lrR7CfrSQF+o/QdjtfkfLv\r\n"
                              "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
                              "a=candidate:1 1 udp 2015363327 192.0.2.2 43406 typ host\r\n"
                              "a=candidate:2 1 udp 2015363839 198.51.100.7 43406 typ host\r\n"
                              "a=end-of-candidates\r\n");
    assert_null(why_not_fragment(text));
}

static void test_an_answer_without_credentials(void **state)
{
    (void)state;
    AUTO(strbuf_fini) struct strbuf dest = {0};
    assert_int_equal(sdp_fragment_write(STR_NONE, &dest), ERR_PROTOCOL);
    assert_int_equal(sdp_fragment_write(STR_LIT(CREDENTIALS), &dest), ERR_PROTOCOL);
    assert_int_equal(sdp_fragment_write(STR_LIT("m=audio 9\na=mid:0\n"), &dest), ERR_PROTOCOL);
    assert_int_equal(dest.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_fragment),
        cmocka_unit_test(test_small_fragments),
        cmocka_unit_test(test_changes_of_a_fragment),
        cmocka_unit_test(test_fragments_are_bounded),
        cmocka_unit_test(test_what_janus_says_of_a_restart),
        cmocka_unit_test(test_an_answer_without_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
