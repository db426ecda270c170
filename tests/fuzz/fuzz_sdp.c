/* Session descriptions of strangers: whatever they say, what is taken is small enough for Janus to
 * write it again, and is taken again as it is passed on. The input is tried as an offer with some
 * sources, as an answer to itself, as Janus' answer, and as the offer of who watches beside one of
 * Janus.
 *
 * Aims at: janusbridge/rtc/sdp.c janusbridge/rtc/sdp_read.c janusbridge/rtc/sdp_attributes.c
 * Aims at: janusbridge/rtc/sdp_text.c janusbridge/rtc/sdp_candidate.c janusbridge/rtc/sdp_swap.c
 * Links: janusbridge_rtc
 * Dictionary: sdp.dict */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "janusbridge/rtc/sdp.h"
#include "janusbridge/rtc/sdp_fragment.h"
#include "janusbridge/rtc/sdp_swap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void must(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

/* The bounds of Janus' buffers (sdp_read.h). */
static void must_be_small(struct str sdp)
{
    struct sdp_line line;
    size_t bytes = 0, bytes_max = 1024 + 2 * 2000; /* with the two lists that it leaves out */
    while (sdp_line_take(&sdp, &line)) {
        if (line.letter == 'm') {
            bytes = 0;
            bytes_max = 8192 - 64;
        }
        bytes += line.text.bytes + 2;
        must(bytes < bytes_max, "more than Janus writes");
        must(line.letter == 'm' ? line.text.bytes <= 200 : line.text.bytes <= 2000,
             "a line that Janus cuts");
        must(line.text.data[line.text.bytes] == '\r', "a line that does not end with CR LF");
        must(!sdp_is_attribute(&line, "candidate"), "a candidate that is passed on");
    }
}

static void try_restart(struct str passed, const struct msg_rtc_track_list *tracks)
{
    const struct sdp_ice other = {.ufrag = STR_LIT("other"),
                                  .pwd = STR_LIT("another/password/of/24+b")};
    struct sdp_ice ice;
    const char *why;
    struct strbuf restart = {0};
    must(sdp_ice(passed, &ice), "taken without credentials");
    sdp_replace_ice(passed, &other, &restart);
    must(sdp_ice(strbuf_str(&restart), &ice) && sdp_ice_is_same(&ice, &other),
         "a restart with the old credentials");
    /* Longer ones may be too much; nothing else may be wrong. */
    if (sdp_check_offer(strbuf_str(&restart), tracks, passed, &why) != ERR_OK) {
        must(strstr(why, "too ") != NULL, "a restart that is no offer");
    }
    strbuf_fini(&restart);
}

static void try_offer(struct str text, const struct msg_rtc_track_list *tracks)
{
    const char *why = NULL;
    if (sdp_check_offer(text, tracks, STR_NONE, &why) != ERR_OK) {
        must(why != NULL, "refused for nothing");
        return;
    }
    struct strbuf passed = {0}, again = {0}, with_public = {0};
    sdp_pass_on(text, SDP_NO_CANDIDATES, &passed);
    sdp_pass_on(strbuf_str(&passed), SDP_NO_CANDIDATES, &again);
    sdp_pass_on(text, SDP_PUBLIC_CANDIDATES, &with_public);
    must(str_eq(strbuf_str(&passed), strbuf_str(&again)), "passed on otherwise than before");
    must_be_small(strbuf_str(&passed));
    must(with_public.bytes >= passed.bytes, "public candidates instead of something else");
    must(passed.bytes > RTC_SDP_BYTES ||
             sdp_check_offer(strbuf_str(&passed), tracks, text, &why) == ERR_OK,
         "passed on, and not taken again");
    try_restart(strbuf_str(&passed), tracks);
    strbuf_fini(&passed);
    strbuf_fini(&again);
    strbuf_fini(&with_public);
}

static void try_answer(struct str text, const struct msg_rtc_track_list *tracks)
{
    const char *why = NULL;
    struct strbuf passed = {0}, fragment = {0};
    if (sdp_check_answer(text, text, &why) == ERR_OK) {
        sdp_pass_on(text, SDP_NO_CANDIDATES, &passed);
        must_be_small(strbuf_str(&passed));
    } else {
        must(why != NULL, "refused for nothing");
    }
    (void)sdp_check_jsep_answer(text, tracks, &why);
    (void)sdp_fragment_write(text, &fragment);
    must(fragment.bytes <= text.bytes + 128, "a fragment larger than what it is of");
    strbuf_fini(&passed);
    strbuf_fini(&fragment);
}

/* As Janus offers sound and picture. */
#define OF_JANUS                                                                                   \
    "c=IN IP4 192.0.2.2\r\na=sendonly\r\na=rtcp-mux\r\na=ice-ufrag:ZvCI\r\n"                       \
    "a=ice-pwd:lrR7CfrSQF+o/QdjtfkfLv\r\na=setup:actpass\r\n"                                      \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
static const char of_janus[] =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "a=fingerprint:sha-256 C4:BD:42:03:E6:A9:6D:1C:39:E4:DE:43:90:C2:55:D1:03:26:97:4A:4D:33:2B:C8:"
    "2F:AB:28:4D:41:9A:7E:33\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" OF_JANUS "a=rtpmap:111 opus/48000/2\r\n"
    "a=candidate:1 1 udp 2015363327 192.0.2.2 43406 typ host\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\n" OF_JANUS "a=rtpmap:96 VP8/90000\r\n"
    "a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc:1 "
    "cname:janus\r\n";

/* Janus gets no more than of an answer that was made by the client. */
static void try_swap(struct str janus, struct str client)
{
    const char *why = NULL;
    struct strbuf to_janus = {0}, to_client = {0};
    if (sdp_swap(janus, client, SDP_NO_CANDIDATES, &to_janus, &to_client) == NULL) {
        must_be_small(strbuf_str(&to_janus));
        must(sdp_check_answer(strbuf_str(&to_janus), janus, &why) == ERR_OK, "no answer to Janus");
        must(to_client.bytes > 0, "no answer to the client");
    }
    strbuf_fini(&to_janus);
    strbuf_fini(&to_client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct msg_rtc_track numbers[] = {
        {{"0", 1}, MEDIA_AUDIO}, {{"1", 1}, MEDIA_VIDEO}, {{"2", 1}, MEDIA_SCREEN}};
    static const struct msg_rtc_track names[] = {{{"audio", 5}, MEDIA_AUDIO},
                                                 {{"video", 5}, MEDIA_VIDEO}};
    const struct msg_rtc_track_list lists[] = {
        {numbers, 0}, {numbers, 1}, {numbers, 2}, {numbers, 3}, {names, 2}};
    const struct str text = {.data = (const char *)data, .bytes = bytes};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        try_offer(text, &lists[i]);
    }
    struct msg_rtc_track found[SDP_FOUND_MAX];
    const struct msg_rtc_track_list by_itself = {found, sdp_find_tracks(text, found)};
    must(by_itself.count <= SDP_FOUND_MAX, "more than there is room for");
    try_offer(text, &by_itself);
    try_answer(text, &lists[2]);
    try_swap(str_of(of_janus), text);
    try_swap(text, text);
    return 0;
}
