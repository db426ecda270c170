/* Entity tags (RFC 9110, 8.8.3): a name of a version of what is at a path. */
#ifndef LYNKS_GATEWAY_HTTP_ETAG_H
#define LYNKS_GATEWAY_HTTP_ETAG_H

#include "proto/base/err.h"

#define ETAG_BYTES 35 /* two quotes, 32 hex digits, a NUL */

/* The strong tag of these bytes. */
void etag_of(struct str bytes, char ret_etag[ETAG_BYTES]);

/* Does If-None-Match name the tag, or any (*)? Weak tags count as strong ones, as RFC 9110, 13.1.2
 * has it. header may be NULL: false. */
bool etag_is_in(const char *header, const char *etag);

/* The strong tag of a version: its number. What has it is changed by whoever names it. */
void etag_of_version(uint64_t version, char ret_etag[ETAG_BYTES]);

/* Which version a request may change. */
struct etag_match {
    bool is_any; /* whatever there is */
    uint64_t version;
};

/* Reads If-Match (RFC 9110, 13.1.1); of several versions the highest, as they only grow. Weak tags
 * match nothing. ERR_MATCH_REQUIRED: header is NULL, or no list of tags; ERR_STALE: no tag in it
 * names a version. */
enum err etag_read_match(const char *header, struct etag_match *ret_match);

#endif
