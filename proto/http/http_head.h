/* The head of one HTTP/1 request, read from bytes that are not taken yet: the request line and the
 * fields, as far as they have come. It lets pass what libmicrohttpd takes, and what that would
 * refuse in its own words is found here first. A request that stays with us must be strictly
 * well-formed in addition (http_head_is_strict). */
#ifndef LYNKS_PROTO_HTTP_HTTP_HEAD_H
#define LYNKS_PROTO_HTTP_HTTP_HEAD_H

#include "proto/base/err.h"

/* Views into the bytes that were read. */
struct http_head {
    struct str method, target, version; /* empty until the request line is there and in order */
    struct str fields; /* whole lines after it, without the empty line at the end */
    size_t bytes;      /* of the whole head with that line; 0: it is not all there */
    size_t field_count;
};

/* ERR_OK: in order so far; whole if ret_head->bytes > 0. Otherwise the status to refuse it with:
 * BAD_REQUEST, HTTP_VERSION. In either case *ret_head holds what is there. */
enum err http_head_read(struct str bytes, struct http_head *ret_head);

/* Of a whole head: lines end with CR LF, the target and all values are without control characters,
 * no field is folded, the framing is sound, and no body follows. */
bool http_head_is_strict(const struct http_head *head);

/* The target up to its "?", and what follows that; data is NULL if there is none. */
struct str http_head_path(const struct http_head *head);
struct str http_head_query(const struct http_head *head);

/* The same on its own, with NUL-ended strings: one allocation, freed with mem_free. */
struct http_head_field {
    const char *name, *value;
};
struct http_head_copy {
    const char *method, *path;
    const char *query; /* NULL: none */
    const char *version;
    size_t field_count;
    struct http_head_field fields[];
};
struct http_head_copy *http_head_copy(const struct http_head *head);
/* The first of this name, whatever its case; NULL if there is none. */
const char *http_head_copy_find(const struct http_head_copy *copy, const char *name);

#endif
