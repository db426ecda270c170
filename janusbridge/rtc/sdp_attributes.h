/* Attributes of session descriptions: which ones Janus reads, with the check of each. A part of
 * sdp_read.c, which gives them one by one; nothing else calls this. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_ATTRIBUTES_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_ATTRIBUTES_H

#include "janusbridge/rtc/sdp_parts.h"
#include "janusbridge/rtc/sdp_text.h"

#define SDP_PAYLOAD_TYPE_MAX 127

/* Of a payload type of the part that is read. */
#define SDP_FORMAT_LISTED 1 /* in the m-line */
#define SDP_FORMAT_ROOM 2   /* a codec that rooms take */
#define SDP_FORMAT_REPAIR 4 /* Janus takes it out, as it repairs others */

/* How far a description is read. */
struct sdp_reader {
    struct sdp *sdp;
    size_t parts_max;
    struct sdp_part *part; /* NULL before the first one */
    size_t lines, session_lines, heads, part_lines, part_bytes, candidates;
    bool has_time, has_address, has_direction, is_port_0, is_bundle_only;
    uint8_t formats[SDP_PAYLOAD_TYPE_MAX + 1]; /* by payload type: what there is of SDP_FORMAT_* */
};

/* Takes the payload type that is the next word. */
bool sdp_payload_type_take(struct str *rest, uint64_t *ret_type);
/* Reads one line that is an attribute; gives NULL, or what is wrong with it. */
const char *sdp_attribute_read(struct sdp_reader *reader, const struct sdp_line *line);
/* Is Janus to get it? */
bool sdp_attribute_passes(const struct sdp_line *line, bool is_in_part);

#endif
