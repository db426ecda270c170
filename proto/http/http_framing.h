/* The framing of one HTTP/1.1 request, and whom it is for, checked on its header fields before its
 * body is trusted. Whatever two programs in a row could read in two ways is refused (RFC 9112,
 * sections 3.2 and 6; request smuggling). */
#ifndef LYNKS_PROTO_HTTP_HTTP_FRAMING_H
#define LYNKS_PROTO_HTTP_HTTP_FRAMING_H

#include "proto/base/base.h"

bool http_is_token(struct str s);    /* RFC 9110, section 5.6.2 */
bool http_has_control(struct str s); /* a control character that is no tab: section 5.5 */

struct http_framing {
    bool broken;
    bool chunked;
    bool has_length;
    bool has_host;
    bool has_bad_host;      /* two of them, or one that is no host */
    struct str length_text; /* borrowed */
    uint64_t length;
};

/* One header field. A name that is not a token (so also one with a space before the colon), a
 * Content-Length that is not all digits or differs from an earlier one, and any Transfer-Encoding
 * but a single "chunked" break it. */
void http_framing_add(struct http_framing *framing, struct str name, struct str value);

/* After all fields: may this request be read on? version: "HTTP/1.1". */
bool http_framing_is_sound(const struct http_framing *framing, const char *version);

/* Likewise: is there one Host, or none in HTTP/1.0? */
bool http_framing_names_host(const struct http_framing *framing, const char *version);

#endif
