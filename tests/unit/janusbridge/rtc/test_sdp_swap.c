/* Two offers, Janus' and a client's, and the answers that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/rtc/sdp_swap.h"
#include "tests/unit/janusbridge/rtc/sdp_fixtures.h"

#define MID_4 "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
#define CLIENT_ICE                                                                                 \
    "a=ice-ufrag:clnt\na=ice-pwd:clientclientclientclient\na=setup:actpass\n"                      \
    "a=fingerprint:sha-256 "                                                                       \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE" \
    ":FF\n"
#define CANDIDATES                                                                                 \
    "a=candidate:1 1 udp 2113937151 192.168.1.7 50000 typ host\n"                                  \
    "a=candidate:2 1 udp 1677729535 9.9.9.9 50000 typ srflx raddr 192.168.1.7 rport 50000\n"
#define HEAD(bundle) "v=0\no=- 7 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE " bundle "\n"
#define AUDIO(mid)                                                                                 \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 9\nc=IN IP4 0.0.0.0\na=recvonly\na=rtcp-mux\na=mid:" mid      \
    "\n" MID_4 CLIENT_ICE "a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n"                \
    "a=rtpmap:9 G722/8000\n"
#define VIDEO(mid)                                                                                 \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 107 108\nc=IN IP4 0.0.0.0\na=recvonly\na=rtcp-mux\na=mid:" mid \
    "\n" MID_4 CLIENT_ICE "a=rtpmap:96 VP8/90000\na=rtpmap:107 H264/90000\n"                       \
    "a=rtcp-fb:107 goog-remb\na=rtcp-fb:107 nack pli\n"                                            \
    "a=fmtp:107 packetization-mode=1;profile-level-id=42001f\n"                                    \
    "a=rtpmap:108 rtx/90000\na=fmtp:108 apt=107\n"
/* It takes what janus_offer sends: Opus in 111, H264 in 107. */
static const char wish[] = HEAD("0 1") AUDIO("0") CANDIDATES VIDEO("1");

struct swapped {
    struct strbuf to_janus, to_client;
    const char *why;
};

static struct swapped swap_with(const char *janus, const char *client,
                                enum sdp_candidates candidates)
{
    struct swapped swapped = {0};
    swapped.why =
        sdp_swap(str_of(janus), str_of(client), candidates, &swapped.to_janus, &swapped.to_client);
    if (swapped.why == NULL) {
        strbuf_add(&swapped.to_janus, (struct str){.data = "", .bytes = 1});
        strbuf_add(&swapped.to_client, (struct str){.data = "", .bytes = 1});
    }
    return swapped;
}

static struct swapped swap(const char *client)
{
    return swap_with(janus_offer, client, SDP_NO_CANDIDATES);
}

static void swapped_fini(struct swapped *swapped)
{
    strbuf_fini(&swapped->to_janus);
    strbuf_fini(&swapped->to_client);
}

static void assert_has(const struct strbuf *text, const char *lines)
{
    AUTO(mem_free) char *with_cr = sdp_with_cr(lines);
    if (strstr(text->data, with_cr) == NULL) {
        fail_msg("no %sin\n%s", lines, text->data);
    }
}

static void assert_lacks(const struct strbuf *text, const char *word)
{
    if (strstr(text->data, word) != NULL) {
        fail_msg("%s in\n%s", word, text->data);
    }
}

static void refused_for(const char *client, const char *why)
{
    struct swapped swapped = swap(client);
    assert_non_null(swapped.why);
    assert_string_equal(swapped.why, why);
    assert_int_equal(swapped.to_client.bytes, 0);
    swapped_fini(&swapped);
}

static void each_gets_an_answer_made_of_the_offer_of_the_other(void **state)
{
    (void)state;
    struct swapped swapped = swap(wish);
    assert_null(swapped.why);
    const struct strbuf *janus = &swapped.to_janus, *client = &swapped.to_client;
    assert_has(client, "a=group:BUNDLE 0 1\n"
                       "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=mid:0\na=sendonly\n"
                       "a=ice-ufrag:ZvCI\na=ice-pwd:lrR7CfrSQF+o/QdjtfkfLv\n");
    assert_has(client, "m=video 9 UDP/TLS/RTP/SAVPF 107 108\n");
    assert_has(client,
               "a=fingerprint:sha-256 C4:BD:42:03:E6:A9:6D:1C:39:E4:DE:43:90:C2:55:D1:03:26:97:4A:"
               "4D:33:2B:C8:2F:AB:28:4D:41:9A:7E:33\na=setup:passive\n");
    assert_has(client, "a=rtcp-fb:107 nack pli\n");
    assert_has(client, "a=fmtp:107 profile-level-id=42e01f;packetization-mode=1\n");
    assert_has(client, "a=ssrc-group:FID 1932656503 3268172660\n");
    assert_has(client, "a=candidate:1 1 udp 2015363327 192.0.2.2 43406 typ host\n");
    assert_has(client, "a=end-of-candidates\n");
    assert_has(client, MID_4);
    assert_lacks(client, "goog-remb");
    assert_has(janus, "a=group:BUNDLE 0 1\n"
                      "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=mid:0\na=recvonly\n"
                      "a=ice-ufrag:clnt\na=ice-pwd:clientclientclientclient\n");
    assert_has(janus, "a=setup:active\n");
    assert_lacks(janus, "a=ssrc");
    assert_lacks(janus, "candidate");
    swapped_fini(&swapped);
}

/* A packet would say "0" of what is in the client's "1". */
static void other_mids_and_another_order_are_kept_apart(void **state)
{
    static const char client[] = HEAD("0 1") VIDEO("0") AUDIO("1");
    (void)state;
    struct swapped swapped = swap(client);
    assert_null(swapped.why);
    assert_true(strstr(swapped.to_client.data, "m=video") <
                strstr(swapped.to_client.data, "m=audio"));
    assert_true(strstr(swapped.to_janus.data, "m=audio") <
                strstr(swapped.to_janus.data, "m=video"));
    assert_has(&swapped.to_client, "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=mid:1\n");
    assert_has(&swapped.to_janus, "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=mid:0\n");
    assert_lacks(&swapped.to_client, "sdes:mid");
    assert_lacks(&swapped.to_janus, "sdes:mid");
    swapped_fini(&swapped);
}

/* Ids of extensions and types that only one of the two has are left out. */
static void only_what_both_know_is_agreed(void **state)
{
    (void)state;
    AUTO(mem_free) char *other_id = sdp_with(wish, "a=extmap:4 ", "a=extmap:5 ");
    AUTO(mem_free) char *no_rtx = sdp_with(other_id, "a=rtpmap:108 rtx/90000\n", "");
    struct swapped swapped = swap(no_rtx);
    assert_null(swapped.why);
    assert_has(&swapped.to_client, "m=video 9 UDP/TLS/RTP/SAVPF 107\n");
    assert_lacks(&swapped.to_client, "apt=107");
    assert_lacks(&swapped.to_client, "extmap:5");
    swapped_fini(&swapped);
}

static void a_part_for_which_nothing_is_sent_is_rejected(void **state)
{
    static const char client[] = HEAD("0 1 v") AUDIO("0") VIDEO("1") VIDEO("v");
    (void)state;
    struct swapped swapped = swap(client);
    assert_null(swapped.why);
    assert_has(&swapped.to_client, "a=group:BUNDLE 0 1\n");
    assert_has(&swapped.to_client,
               "m=video 0 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=inactive\na=mid:v\n");
    assert_lacks(&swapped.to_janus, "m=video 0");
    swapped_fini(&swapped);
}

static void public_candidates_go_to_janus_where_they_may(void **state)
{
    (void)state;
    struct swapped swapped = swap_with(janus_offer, wish, SDP_PUBLIC_CANDIDATES);
    assert_null(swapped.why);
    assert_has(&swapped.to_janus, "a=candidate:2 1 udp 1677729535 9.9.9.9 50000 typ srflx raddr "
                                  "192.168.1.7 rport 50000\n");
    assert_lacks(&swapped.to_janus, "a=candidate:1 ");
    swapped_fini(&swapped);
}

static void what_does_not_fit_is_not_answered(void **state)
{
    static const char types[] = "other payload types than those of Janus";
    (void)state;
    const struct {
        const char *old, *new, *why;
    } rows[] = {
        {"a=rtpmap:111 opus", "a=rtpmap:111 OPUS", types},
        {"SAVPF 111 9\n", "SAVPF 9 112\n", "a part without a codec that rooms take"},
        {"a=rtpmap:107 H264", "a=rtpmap:107 VP8", types},
        {"packetization-mode=1", "packetization-mode=0", types},
        {"a=recvonly", "a=inactive", "no part for what is sent"},
        {"a=setup:actpass", "a=setup:passive", "not one sound setup"},
        {"a=ice-ufrag:clnt", "a=ice-ufrag:c", "not one sound ice-ufrag"},
        {"m=audio", "m=text", "a part that is neither audio nor video"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *client = sdp_with(wish, rows[i].old, rows[i].new);
        refused_for(client, rows[i].why);
    }
    static const char off_first[] = HEAD("x 0 1") AUDIO("x") AUDIO("0") VIDEO("1");
    AUTO(mem_free) char *idle_first = sdp_with(off_first, "a=recvonly", "a=inactive");
    refused_for(idle_first, "a first part for which nothing is sent");
    static const char audio_only[] = HEAD("0") AUDIO("0");
    refused_for(audio_only, "no part for what is sent");
    refused_for("", "no part");
    AUTO(mem_free) char *least = sdp_with(least_offer, "sendonly", "recvonly");
    AUTO(mem_free) char *passive = sdp_with(least, "actpass", "passive");
    refused_for(passive, "it waits for DTLS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_an_answer_made_of_the_offer_of_the_other),
        cmocka_unit_test(other_mids_and_another_order_are_kept_apart),
        cmocka_unit_test(only_what_both_know_is_agreed),
        cmocka_unit_test(a_part_for_which_nothing_is_sent_is_rejected),
        cmocka_unit_test(public_candidates_go_to_janus_where_they_may),
        cmocka_unit_test(what_does_not_fit_is_not_answered),
    };
    return cmocka_run_group_tests_name("sdp_swap", tests, NULL, NULL);
}
