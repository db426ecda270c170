/* Entity tags (RFC 9110, 8.8.3): a name of a version of what is at a path. */
#ifndef LYNKS_GATEWAY_HTTP_ETAG_H
#define LYNKS_GATEWAY_HTTP_ETAG_H

#include "proto/base/base.h"

#define ETAG_BYTES 35 /* two quotes, 32 hex digits, a NUL */

/* The strong tag of these bytes. */
void etag_of(struct str bytes, char ret_etag[ETAG_BYTES]);

/* Does If-None-Match name the tag, or any (*)? Weak tags count as strong ones, as RFC 9110, 13.1.2
 * has it. header may be NULL: false. */
bool etag_is_in(const char *header, const char *etag);

#endif
