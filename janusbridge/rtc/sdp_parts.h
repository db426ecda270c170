/* What is in a session description: its parts, and what they have in common. All views are borrowed
 * from its text. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_PARTS_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_PARTS_H

#include "proto/schema/msg.h"

#define SDP_RIDS_MAX 3 /* layers of a video */

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

/* An m-line with what follows it. */
struct sdp_part {
    struct str mid; /* empty: none */
    enum sdp_direction direction;
    bool is_video; /* else audio */
    bool is_off;   /* its port is 0: it is rejected, or was stopped */
    bool has_mux;  /* RTP and RTCP through one port */
    size_t rids;
};

struct sdp {
    struct str ufrag, pwd, fingerprint, setup; /* the same in all parts */
    struct str bundle;                         /* the mids that go over one transport */
    size_t part_count;
    struct sdp_part parts[RTC_STREAMS_MAX];
};

#endif
