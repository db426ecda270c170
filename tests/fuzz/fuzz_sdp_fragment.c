/* Fragments of SDP from strangers. Where the input is a description, too, the fragment that is made
 * of it is one that is read again.
 *
 * Aims at: janusbridge/rtc/sdp_fragment.c
 * Links: janusbridge_rtc
 * Dictionary: sdp.dict */
#include <stdio.h>
#include <stdlib.h>

#include "janusbridge/rtc/sdp_candidate.h"
#include "janusbridge/rtc/sdp_fragment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void must(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

static void check_fragment(const struct sdp_fragment *fragment)
{
    must(fragment->candidate_count <= SDP_CANDIDATES_MAX, "too many candidates");
    must((fragment->ice.ufrag.bytes > 0) == (fragment->ice.pwd.bytes > 0), "half of credentials");
    for (size_t i = 0; i < fragment->candidate_count; i++) {
        must(fragment->candidates[i].mid.bytes > 0 &&
                 fragment->candidates[i].mid.bytes <= SDP_MID_BYTES,
             "a candidate for no part");
        must(sdp_is_candidate(fragment->candidates[i].text), "a candidate that is none");
        (void)sdp_candidate_is_public(fragment->candidates[i].text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct str text = {.data = (const char *)data, .bytes = bytes};
    struct sdp_fragment fragment;
    struct strbuf written = {0}, again = {0};
    const char *why = NULL;
    if (sdp_fragment_read(text, &fragment, &why) == ERR_OK) {
        check_fragment(&fragment);
        if (sdp_fragment_write(text, &written) == ERR_OK) {
            must(sdp_fragment_read(strbuf_str(&written), &fragment, &why) == ERR_OK,
                 "written, and not read again");
            check_fragment(&fragment);
        }
    } else {
        must(why != NULL, "refused for nothing");
        if (sdp_fragment_write(text, &written) == ERR_OK) {
            must(sdp_fragment_write(strbuf_str(&written), &again) == ERR_OK &&
                     str_eq(strbuf_str(&written), strbuf_str(&again)),
                 "written otherwise than before");
        }
    }
    strbuf_fini(&written);
    strbuf_fini(&again);
    return 0;
}
