/* A client of WHEP makes an offer, and so does Janus, which knows no other way to send. Where the
 * two fit, each of them is given an answer that is made of the other's offer. Pure; nothing is
 * kept. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_SWAP_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_SWAP_H

#include "janusbridge/rtc/sdp.h"

/* client: an offer as it came. janus: Janus' own. Adds to ret_to_janus the answer that Janus gets,
 * and to ret_to_client that of the client: it has the client's parts, and Janus' candidates. A part
 * for which Janus has nothing is rejected, unless it is the first.
 *
 * NULL, or why they do not fit (static); then what was added is of no use: the client's offer is
 * none that sdp_read.h takes, it does not take all that Janus offers in the payload types of Janus,
 * which sends in no others (1.1.2), or it wants to be what connects by DTLS. */
const char *sdp_swap(struct str janus, struct str client, enum sdp_candidates candidates,
                     struct strbuf *ret_to_janus, struct strbuf *ret_to_client);

#endif
