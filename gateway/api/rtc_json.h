/* Participants' connections for media, as clients see them in paths, bodies and answers. Their ids
 * are 32 hex digits. */
#ifndef LYNKS_GATEWAY_API_RTC_JSON_H
#define LYNKS_GATEWAY_API_RTC_JSON_H

#include "gateway/http/exchange.h"
#include "proto/schema/rtc_id.h"

#define RTC_ID_HEX 32
/* Media types. */
#define RTC_SDP_TYPE "application/sdp"                      /* RFC 8866, section 8.1 */
#define RTC_FRAGMENT_TYPE "application/trickle-ice-sdpfrag" /* RFC 8840, section 9 */
/* What carries an SDP: one of RTC_SDP_BYTES, whose line ends are escaped, and what is beside it. */
#define RTC_BODY_BYTES_MAX 196608

/* A row of a body or an answer. */
#define RTC_CONNECTION_MEMBER                                                                      \
    {                                                                                              \
        .name = "connection", .type = MEMBER_STRING, .min = RTC_ID_HEX, .max = RTC_ID_HEX,         \
        .doc = "For /v1/rtc/{connection}."                                                         \
    }
#define RTC_SDP_MEMBER(doc_)                                                                       \
    {                                                                                              \
        .name = "sdp", .type = MEMBER_STRING, .min = 1, .max = RTC_SDP_BYTES, .doc = (doc_)        \
    }
#define RTC_SEQ_MEMBER(min_, doc_)                                                                 \
    {                                                                                              \
        .name = "seq", .type = MEMBER_NUMBER, .min = (min_), .max = INT64_MAX, .doc = (doc_)       \
    }

extern const struct member rtc_members[];        /* of the answer that shows one */
extern const struct member rtc_stream_members[]; /* of a part of an SDP */

/* The one that /v1/rtc/{connection} names. ERR_NOT_FOUND: there can be none. */
enum err rtc_id_read(const struct exchange *exchange, uint8_t ret_id[RTC_ID_BYTES]);
/* The id of one that is to be made: the same when the request comes again (repeat_key.h); nobody
 * guesses it. */
void rtc_id_draw(const struct exchange *exchange, enum rtc_protocol protocol,
                 uint8_t ret_id[RTC_ID_BYTES]);
/* Its path, for Location. */
void rtc_locate(const uint8_t id[RTC_ID_BYTES], char ret_path[LOCATION_BYTES]);
/* Is it text as SDP and its fragments have it, which are printable ASCII, and any? */
bool rtc_is_sdp_text(struct str text);
struct str rtc_id_str(const uint8_t id[RTC_ID_BYTES]); /* for a message; borrowed */

/* Into an object that is open already. */
void rtc_json_write(const uint8_t id[RTC_ID_BYTES], const struct msg_rtc_get_reply *connection,
                    struct json_out *out);
void rtc_json_write_id(const char *name, struct str id, struct json_out *out);
void rtc_stream_json_write(const struct msg_rtc_stream *stream, struct json_out *out);

#endif
