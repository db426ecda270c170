/* A client's ICE candidate (RFC 8839, 5.1): where it says that it can be reached. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_CANDIDATE_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_CANDIDATE_H

#include "proto/base/base.h"

/* Is this one? text: what follows "candidate:". */
bool sdp_is_candidate(struct str text);
/* May Janus be told of it, where candidates are passed on at all? Only of UDP at a literal address
 * that is reached over the internet: Janus would send to whatever it says, so it must not name
 * anything in the networks that Janus is in. text: one that is a candidate. */
bool sdp_candidate_is_public(struct str text);

#endif
