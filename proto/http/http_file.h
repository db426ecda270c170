/* A file as the answer to GET or HEAD: what it is called in this state (ETag), since when it is so
 * (Last-Modified), whether the client has it already (conditional requests), a part of it (one
 * range), and a compressed one beside it, if the client takes that (RFC 9110, sections 8, 12 to
 * 14).
 *
 * Of several ranges none is sent, but the whole. The compressed file has the name of the other and
 * ".gz"; one that is older than the other is out of date and left alone. */
#ifndef LYNKS_PROTO_HTTP_HTTP_FILE_H
#define LYNKS_PROTO_HTTP_HTTP_FILE_H

#include "proto/http/httpd.h"

/* path: of the file system, chosen by the owner; symbolic links are followed. 200, 206, 304, 412 or
 * 416; NULL if there is no regular file there, or it cannot be read. The owner may add fields, as
 * Cache-Control. */
struct http_response *http_file_response(const struct httpd_request *request, const char *path,
                                         const char *content_type);

/* ---- its parts ---- */

/* Accept-Encoding (NULL: absent): may gzip be sent? */
bool http_accepts_gzip(const char *accept_encoding);

/* A list of entity tags, as in If-None-Match: is etag in it, or is it "*"? is_weak: tags that are
 * marked as weak count. */
bool http_etag_matches(const char *list, const char *etag, bool is_weak);

/* Range: bytes=... of something of so many bytes. */
enum http_range {
    HTTP_RANGE_NONE,          /* the whole is to be sent */
    HTTP_RANGE_ONE,           /* from *ret_first, so many bytes, at least one */
    HTTP_RANGE_UNSATISFIABLE, /* 416 */
};
enum http_range http_range_read(const char *range, uint64_t bytes, uint64_t *ret_first,
                                uint64_t *ret_bytes);

/* The three forms of a date; false if it is none. */
bool http_date_read(const char *date, time_t *ret_time);

#endif
