/* Session descriptions of strangers: whatever they say, what is taken is small enough for Janus to
 * write it again, and is taken again as it is passed on. The input is tried as an offer with some
 * sources, as an answer to itself, and as Janus' answer.
 *
 * Aims at: janusbridge/rtc/sdp.c janusbridge/rtc/sdp_read.c janusbridge/rtc/sdp_attributes.c
 * Aims at: janusbridge/rtc/sdp_text.c janusbridge/rtc/sdp_candidate.c
 * Links: janusbridge_rtc
 * Dictionary: sdp.dict */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "janusbridge/rtc/sdp.h"
#include "janusbridge/rtc/sdp_fragment.h"

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
    return 0;
}
