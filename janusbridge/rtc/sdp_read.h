/* A session description of a client (RFC 8866, 8829), read in one pass, without allocation.
 *
 * Janus 1.1.2 has weak places that strangers must not reach. It writes a part again into 8,192
 * bytes, the lines before the first part into 1,024 and each line into 512, cuts what is longer,
 * takes out payload types that only repair others, and dies of an answer that is no SDP any more
 * then. It is stuck for good at an extmap with a negative id. And it takes what a publisher says of
 * H264 into its offers to all who watch him. So all is bounded, the attributes that Janus reads
 * have a row in a table with their check, and only they are passed on. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_READ_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_READ_H

#include "janusbridge/rtc/sdp_parts.h"
#include "janusbridge/rtc/sdp_text.h"

/* Reads text, of at most RTC_SDP_BYTES with at most parts_max (<= RTC_STREAMS_MAX) parts. Gives
 * NULL, or what is wrong with it (static). What is true of every one that is taken: all parts in
 * use are bundled, each with a mid of its own and a codec that rooms take (Opus, VP8, H264); the
 * first is in use, and has what is needed to connect. */
const char *sdp_read(struct str text, size_t parts_max, struct sdp *ret_sdp);

/* Is Janus to get this line (of text that sdp_read takes)? Candidates are none of it. is_in_part:
 * it comes behind an m-line. */
bool sdp_passes(const struct sdp_line *line, bool is_in_part);

#endif
