/* One client request as the API sees it, and the duty to answer exactly once, now or later. No
 * socket and no HTTP library in sight, so the API is tested without them. */
#ifndef LYNKS_GATEWAY_HTTP_REQUEST_H
#define LYNKS_GATEWAY_HTTP_REQUEST_H

#include "proto/base/err.h"
#include "proto/http/http_response.h"

#define REQUEST_SEGMENTS_MAX 8
#define REQUEST_PARAMETER_BYTES_MAX 768 /* 64 characters of four bytes, each escaped */
#define REQUEST_MEDIA_TYPE_BYTES 64

struct request;

/* Of whoever made the request: the HTTP server or a test. */
struct request_ops {
    /* The first header field of this name, whatever its case; NULL if there is none. */
    const char *(*header)(struct request *request, const char *name);
    /* May it be answered with a stream? Not on a connection that has had a request before: then
     * again is the answer. Of rows that are streams. */
    bool (*can_stream)(struct request *request);
    struct http_response *(*again)(struct request *request);
    /* Takes the request back, and *response. */
    void (*finish)(struct request *request, struct http_response **response);
};

struct request {
    const struct request_ops *ops;
    /* Borrowed until the answer. */
    const char *method;
    const char *path;  /* as sent, without the query */
    const char *query; /* as sent, without the ?; NULL if there is none */
    struct str body;
    uint8_t client[16];  /* address, proxies seen through */
    struct str proxy_id; /* X-Request-Id of a trusted proxy, the same each time that it sends the
                            request; empty: there is none to be believed */
    enum err error;      /* why the request was refused before it was read; else ERR_OK */
    /* Of path, by request_split. They are as sent: an escaped character is another one. */
    struct str segments[REQUEST_SEGMENTS_MAX];
    size_t segment_count;
};

/* The client's address, as the bus has it. */
static inline struct str request_client(const struct request *request)
{
    return (struct str){.data = (const char *)request->client, .bytes = sizeof(request->client)};
}

static inline const char *request_header(struct request *request, const char *name)
{
    return request->ops->header(request, name);
}

/* "/v1/rooms/5" gives v1, rooms, 5; "/" one empty segment. false: path does not begin with a slash,
 * or has more than REQUEST_SEGMENTS_MAX. */
bool request_split(struct request *request);

/* Has it only characters that stand for themselves (RFC 3986, 2.3: unreserved), and any? */
bool request_segment_is_plain(struct str segment);

/* A segment with its escapes undone (RFC 3986, 2.1) and a NUL at its end. false: an escape is
 * broken or stands for a NUL, or it does not fit into bytes. */
bool request_segment_text(struct str segment, char *ret_text, size_t bytes);

/* Content-Type without its parameters, in lower case; "" if there is none or it is longer. */
void request_media_type(struct request *request, char ret_type[REQUEST_MEDIA_TYPE_BYTES]);

/* May the answer be of this media type, by what Accept says (RFC 9110, 12.5.1)? Without one it may;
 * how much it is wanted is not looked at. */
bool request_accepts(struct request *request, const char *media_type);

/* The first parameter of this name in the query, its escapes (RFC 3986; + is a space) undone, with
 * a NUL at its end. false: there is none, an escape is broken or stands for a NUL, or it does not
 * fit into bytes. */
bool request_query(const struct request *request, const char *name, char *ret_value, size_t bytes);

/* Is there one at all? */
bool request_has_query(const struct request *request, const char *name);

/* One that is a whole number: digits and nothing else. If there is none, *ret stays as it is.
 * false: it is no number from min to max, which is INT64_MAX at most. */
bool request_query_number(const struct request *request, const char *name, uint64_t min,
                          uint64_t max, uint64_t *ret);

#endif
