/* Answers: of watchers to Janus, and of Janus to publishers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/janusbridge/rtc/sdp_fixtures.h"

static const char *why_not_answer(const char *answer, const char *offer)
{
    const char *why = NULL;
    const enum err err = sdp_check_answer(str_of(answer), str_of(offer), &why);
    assert_int_equal(err, why == NULL ? ERR_OK : ERR_BAD_SDP);
    return why;
}

static void test_answers_of_clients(void **state)
{
    (void)state;
    assert_null(why_not_answer(chromium_answer, janus_offer));
    AUTO(mem_free) char *with_cr = sdp_with_cr(chromium_answer);
    assert_null(why_not_answer(with_cr, janus_offer));
}

static void test_changes_of_an_answer(void **state)
{
    static const struct {
        const char *old, *new, *why; /* NULL: it is taken */
    } rows[] = {
        {"a=recvonly", "a=inactive", NULL},
        {"a=recvonly", "a=sendrecv", "a part that sends"},
        {"a=recvonly", "a=sendonly", "a part that sends"},
        {"a=recvonly\n", "", "a part that sends"},
        {"a=rtpmap:111 opus/48000/2", "a=rtpmap:111 rtx/90000",
         "a part without a codec that rooms take"},
        {"a=mid:0", "a=mid:2", "a part that is not in the group of BUNDLE"},
        {"m=audio", "m=application", "a part that is neither audio nor video"},
        {"m=audio 51127", "m=audio 0", "a first part that is rejected"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *answer = sdp_with(chromium_answer, rows[i].old, rows[i].new);
        const char *why = why_not_answer(answer, janus_offer);
        if (why == NULL || rows[i].why == NULL) {
            assert_ptr_equal(why, rows[i].why);
        } else {
            assert_string_equal(why, rows[i].why);
        }
    }
}

/* The second part of an answer, to which the first has all that is needed to connect. */
static void test_a_part_may_be_rejected(void **state)
{
    (void)state;
    AUTO(mem_free) char *rejected = sdp_with(chromium_answer, "m=video 9", "m=video 0");
    assert_string_equal(why_not_answer(rejected, janus_offer),
                        "a group of BUNDLE with others than the parts");
    AUTO(mem_free) char *unbundled = sdp_with(rejected, "BUNDLE 0 1", "BUNDLE 0");
    assert_null(why_not_answer(unbundled, janus_offer));
    AUTO(mem_free) char *nameless = sdp_with(unbundled, "a=mid:1\n", "");
    assert_null(why_not_answer(nameless, janus_offer));
}

static void test_an_answer_answers(void **state)
{
    (void)state;
    assert_null(why_not_answer(least_answer, least_offer));
    AUTO(mem_free) char *asking = sdp_with(least_answer, "a=setup:active", "a=setup:actpass");
    assert_string_equal(why_not_answer(asking, least_offer), "a setup that answers nothing");
    AUTO(mem_free) char *passive = sdp_with(least_answer, "a=setup:active", "a=setup:passive");
    assert_null(why_not_answer(passive, least_offer));
    AUTO(mem_free)
    char *layers = sdp_with(chromium_answer, "a=rtpmap:107", "a=rid:h send\na=rtpmap:107");
    assert_string_equal(why_not_answer(layers, janus_offer), "layers in an answer");
}

static void test_an_answer_has_the_parts_of_the_offer(void **state)
{
    (void)state;
    assert_string_equal(why_not_answer(least_answer, janus_offer), "other parts than before");
    assert_string_equal(why_not_answer(chromium_answer, least_offer), "more parts than the offer");
    AUTO(mem_free) char *other_kind = sdp_with(janus_offer, "m=video", "m=audio");
    assert_string_equal(why_not_answer(chromium_answer, other_kind), "other parts than before");
    AUTO(mem_free) char *other_mid = sdp_with(janus_offer, "a=mid:1", "a=mid:2");
    assert_string_equal(why_not_answer(chromium_answer, other_mid), "other parts than before");
}

/* Another bridge had it; what an answer may never be is seen all the same. */
static void test_an_answer_to_an_offer_that_is_not_known(void **state)
{
    (void)state;
    assert_null(why_not_answer(chromium_answer, ""));
    assert_null(why_not_answer(least_answer, ""));
    AUTO(mem_free) char *sending = sdp_with(chromium_answer, "a=recvonly", "a=sendrecv");
    assert_string_equal(why_not_answer(sending, ""), "a part that sends");
}

/* An answer or an offer of so many parts. Caller frees. */
static char *of_parts(const char *least, size_t count)
{
    AUTO(mem_free)
    char *parts = sdp_repeated("m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:p#\na=recvonly\n"
                               "a=rtpmap:96 VP8/90000\n",
                               count - 1);
    AUTO(mem_free) char *mids = sdp_repeated(" p#", count - 1);
    AUTO(mem_free) char *group = mem_printf("a=group:BUNDLE 0%s\n", mids);
    AUTO(mem_free) char *text = sdp_with(least, "a=group:BUNDLE 0\n", group);
    return mem_printf("%s%s", text, parts);
}

static void test_as_many_parts_as_a_watcher_has(void **state)
{
    (void)state;
    AUTO(mem_free) char *answer = of_parts(least_answer, RTC_STREAMS_MAX);
    AUTO(mem_free) char *offer = of_parts(least_offer, RTC_STREAMS_MAX);
    assert_null(why_not_answer(answer, offer));
    AUTO(mem_free) char *more = of_parts(least_answer, RTC_STREAMS_MAX + 1);
    AUTO(mem_free) char *more_offered = of_parts(least_offer, RTC_STREAMS_MAX + 1);
    assert_string_equal(why_not_answer(more, more_offered), "too many parts");
}

/* ---- of Janus ---- */

static enum err check_jsep(const char *answer, size_t tracks)
{
    const char *why = NULL;
    const struct msg_rtc_track_list list = some_tracks(tracks);
    const enum err err = sdp_check_jsep_answer(str_of(answer), &list, &why);
    if (err != ERR_OK) {
        assert_string_equal(why, "a part that Janus does not take");
    }
    return err;
}

static void test_what_janus_takes(void **state)
{
    static const struct {
        const char *old, *new;
        enum err err;
    } rows[] = {
        {"m=audio 9", "m=audio 0", ERR_BAD_SDP},
        {"m=video 9", "m=video 0", ERR_BAD_SDP},
        {"m=video 9", "m=video", ERR_BAD_SDP},
        {"a=recvonly", "a=inactive", ERR_BAD_SDP},
        {"a=recvonly", "a=sendonly", ERR_BAD_SDP},
        {"a=recvonly", "a=sendrecv", ERR_OK},
        {"a=recvonly\n", "", ERR_OK},
        {"a=mid:1", "a=mid:x", ERR_BAD_SDP},
    };
    (void)state;
    assert_int_equal(check_jsep(janus_answer, 2), ERR_OK);
    assert_int_equal(check_jsep(janus_answer, 0), ERR_OK);
    assert_int_equal(check_jsep(janus_answer, 3), ERR_BAD_SDP);
    assert_int_equal(check_jsep("", 1), ERR_BAD_SDP);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *answer = sdp_with(janus_answer, rows[i].old, rows[i].new);
        assert_int_equal(check_jsep(answer, 2), rows[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_of_clients),
        cmocka_unit_test(test_changes_of_an_answer),
        cmocka_unit_test(test_a_part_may_be_rejected),
        cmocka_unit_test(test_an_answer_answers),
        cmocka_unit_test(test_an_answer_has_the_parts_of_the_offer),
        cmocka_unit_test(test_an_answer_to_an_offer_that_is_not_known),
        cmocka_unit_test(test_as_many_parts_as_a_watcher_has),
        cmocka_unit_test(test_what_janus_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
