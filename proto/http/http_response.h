/* An answer on its way to httpd_respond: a status, headers, as many as are wanted up to a bound,
 * and one body.
 *
 * Made by the handler, which gives it away with httpd_respond, or frees it. Everything that is
 * given to it is copied, unless its function says that it takes it. */
#ifndef LYNKS_PROTO_HTTP_HTTP_RESPONSE_H
#define LYNKS_PROTO_HTTP_HTTP_RESPONSE_H

#include <time.h>

#include "proto/base/strbuf.h"
#include "proto/http/http_stream.h"

/* Of all header fields together, each with a byte after its name and one after its value. */
#define HTTP_RESPONSE_FIELD_BYTES_MAX 4096

struct http_response;

/* status: 200 to 599. */
struct http_response *http_response_new(int status);
void http_response_free(struct http_response **response);

/* The field goes out as it is given here; a name may be added more than once. Content-Length,
 * Connection and Date are the server's. false, and the field is left out: name is not a token,
 * value has a control character, which could end the field and begin another, or the fields would
 * be more than HTTP_RESPONSE_FIELD_BYTES_MAX. */
bool http_response_add_header(struct http_response *response, const char *name, const char *value);

/* The body, if there is to be one: exactly one of these functions, once. content_type NULL: none is
 * sent. */
void http_response_set_body(struct http_response *response, const char *content_type,
                            struct str body);
/* Takes *body, which came from malloc, and sets it to NULL. */
void http_response_take_body(struct http_response *response, const char *content_type, char **body,
                             size_t bytes);
/* Borrows body, which is there, unchanged, for as long as the server is. */
void http_response_lend_body(struct http_response *response, const char *content_type,
                             struct str body);

/* Takes *fd, of a regular file, and sets it to -1: bytes of it are sent, from offset on. */
void http_response_set_file(struct http_response *response, const char *content_type, int *fd,
                            uint64_t offset, uint64_t bytes);
/* A stream: producer makes it, with arg as its state, from when the head has been sent. If that
 * never happens, its on_gone is called too. Only a request of which httpd_can_stream is true. */
void http_response_set_stream(struct http_response *response, const char *content_type,
                              const struct http_producer *producer, void *arg);

/* The connection closes after this answer. */
void http_response_close(struct http_response *response);

/* What it is so far; views are valid until it is changed. */
int http_response_status(const struct http_response *response);
bool http_response_is_stream(const struct http_response *response);
bool http_response_is_closing(const struct http_response *response);
struct str http_response_body(const struct http_response *response);
/* The first field of this name, whatever its case; NULL if there is none. */
const char *http_response_header(const struct http_response *response, const char *name);
/* Calls fn for each field, in order. */
typedef void http_response_header_fn(void *arg, const char *name, const char *value);
void http_response_each_header(const struct http_response *response, http_response_header_fn *fn,
                               void *arg);

/* A time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT". */
#define HTTP_DATE_BYTES 40
void http_date(time_t time, char ret_date[HTTP_DATE_BYTES]);

/* ---- for the server ---- */

/* Moves the file out; -1 if the body is none. */
int http_response_steal_file(struct http_response *response, uint64_t *ret_offset,
                             uint64_t *ret_bytes);
/* Moves the producer out; NULL if the body is no stream. */
const struct http_producer *http_response_steal_producer(struct http_response *response,
                                                         void **ret_arg);
/* The status line, Date, the fields, Connection: close, and framing, one more field with its line
 * end, or "". */
void http_response_write_head(const struct http_response *response, const char *framing,
                              struct strbuf *out);
/* The body that was lent; NULL if none was. */
const char *http_response_lent_body(const struct http_response *response, size_t *ret_bytes);
/* Moves the body out (malloc; NULL if there is none); *ret_bytes is its length. Not one that was
 * lent. */
char *http_response_steal_body(struct http_response *response, size_t *ret_bytes);

#endif
