/* The head of one HTTP/1 request, read from bytes that are not taken yet: the request line and the
 * fields, as far as they have come. What libmicrohttpd would refuse in its own words, or read in
 * another way than its sender meant it, is found here first. A request that stays with us must be
 * strictly well-formed in addition (http_head_is_strict). */
#ifndef LYNKS_PROTO_HTTP_HTTP_HEAD_H
#define LYNKS_PROTO_HTTP_HTTP_HEAD_H

#include "proto/base/err.h"
#include "proto/http/http_target.h"

/* Views into the bytes that were read. */
struct http_head {
    struct str method, version; /* empty until the request line is there and in order */
    struct str target;          /* likewise; as it was sent */
    struct http_target parts;   /* of target */
    struct str fields;          /* whole lines after it, without the empty line at the end */
    size_t bytes;               /* of the whole head with that line; 0: it is not all there */
    size_t field_count;
};

/* ERR_OK: in order so far; whole if ret_head->bytes > 0. All lines end with CR LF, none is folded,
 * and none has a control character. Otherwise the status to refuse it with: BAD_REQUEST,
 * HTTP_VERSION. In either case *ret_head holds what is there. */
enum err http_head_read(struct str bytes, struct http_head *ret_head);

/* Of a whole head that is in order: its method is a token, its path begins with a slash, no blank
 * is in its target, the framing and Host are sound, and no body follows. */
bool http_head_is_strict(const struct http_head *head);

/* The same on its own, with NUL-ended strings: one allocation, freed with mem_free. */
struct http_head_field {
    const char *name, *value;
};
struct http_head_copy {
    const char *method, *path;
    const char *authority; /* of an absolute target; NULL: none */
    const char *query;     /* NULL: none */
    const char *version;
    size_t field_count;
    struct http_head_field fields[];
};
struct http_head_copy *http_head_copy(const struct http_head *head);
/* The first of this name, whatever its case; NULL if there is none. */
const char *http_head_copy_find(const struct http_head_copy *copy, const char *name);

#endif
