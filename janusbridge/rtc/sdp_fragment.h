/* Fragments of SDP by which one side of a connection tells the other its candidates, or other
 * credentials (RFC 8840, application/trickle-ice-sdpfrag). Pure functions over borrowed text. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_FRAGMENT_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_FRAGMENT_H

#include "janusbridge/rtc/sdp.h"
#include "janusbridge/rtc/sdp_text.h"

struct sdp_fragment_candidate {
    struct str mid;  /* of the part that it is for */
    struct str text; /* what follows "candidate:" */
};

struct sdp_fragment {
    struct sdp_ice ice; /* both of it, or none */
    size_t candidate_count;
    struct sdp_fragment_candidate candidates[SDP_CANDIDATES_MAX];
    bool is_end; /* there will be no more candidates */
};

/* Reads a client's fragment, of at most RTC_SDP_BYTES and RTC_STREAMS_MAX parts. ERR_BAD_SDP, and
 * in ret_why what is wrong with it (static), for whatever does not belong into one. */
enum err sdp_fragment_read(struct str text, struct sdp_fragment *ret_fragment,
                           const char **ret_why);

/* Adds to dest the fragment that answers a restart: credentials and candidates of Janus' answer,
 * which are those of its first part, as all are bundled. ERR_PROTOCOL: it has none. */
enum err sdp_fragment_write(struct str answer, struct strbuf *dest);

#endif
