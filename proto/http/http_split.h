/* Is the head of a request as plain as its sender must have meant it? libmicrohttpd 0.9.75 takes a
 * head apart where it stands: the ends of its lines and the first colon of each become NULs, all
 * else stays. It takes more than it should: of a folded line it appends what follows to the name of
 * the field, a NUL hides the rest of its line or ends the head, a bare LF ends a line, a bare CR is
 * part of a value. So what it says of a head is held against the head's own bytes: they must be
 * what it says and nothing else (RFC 9112, sections 2.2 and 5.2; RFC 9110, section 5.5). The one
 * thing that cannot be seen any more is a NUL right before a bare LF: it looks like CR LF. */
#ifndef LYNKS_PROTO_HTTP_HTTP_SPLIT_H
#define LYNKS_PROTO_HTTP_HTTP_SPLIT_H

#include "proto/http/http_framing.h"

struct http_split {
    const char *head; /* its first byte */
    const char *next; /* where the next field has to stand */
    bool is_plain;    /* so far */
    struct http_framing framing;
};

/* The parts of the request line, where the library has them. target: as long as it was before the
 * library looked for a query in it; STR_NONE: it is not clean. */
void http_split_begin(struct http_split *split, const char *method, struct str target,
                      const char *version);

/* Every field, in the order sent; name and value are where the library has them. */
void http_split_add(struct http_split *split, struct str name, struct str value);

/* After all fields: is that all there is in the head_bytes of the whole head, the empty line at its
 * end included? */
bool http_split_is_plain(const struct http_split *split, size_t head_bytes);

#endif
