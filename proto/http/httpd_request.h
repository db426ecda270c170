/* The requests of one HTTP server, without the HTTP library: their memory, their bodies, who still
 * holds them. A request is held by the server until its connection is done with it, and by the
 * handler until it has answered; it lives as long as either. */
#ifndef LYNKS_PROTO_HTTP_HTTPD_REQUEST_H
#define LYNKS_PROTO_HTTP_HTTPD_REQUEST_H

#include "proto/base/err.h"
#include "proto/base/list.h"
#include "proto/base/metrics.h"
#include "proto/http/http_conns.h"

/* What is read and thrown away of a body that is too large, so that its sender gets the answer. */
#define HTTPD_DISCARD_BYTES_MAX 1048576

struct httpd_requests {
    struct list_link list;    /* of struct httpd_request */
    struct list_link to_park; /* likewise: the handler has got them, to be suspended soon */
    size_t count;
    size_t body_bytes_max, body_bytes_total_max;
    size_t body_bytes; /* held by all of them */
    struct metric *refused_framing, *refused_large, *refused_bodies;
};

struct MHD_Connection;
struct http_head_copy;
struct httpd;
struct http_visitor;
struct MHD_Response;

struct httpd_request {
    struct httpd_requests *all; /* NULL once the server has let go */
    struct list_link link;
    struct httpd *httpd;
    struct MHD_Connection *mhd;   /* NULL: the request is a visitor's */
    struct http_visitor *visitor; /* NULL: it is the library's, or the visitor has gone */
    struct http_head_copy *head;  /* of a visitor */
    struct http_conn *conn;
    uint8_t peer[16];
    const char *method, *path; /* head's, or the library's; NULL until the header is there */
    char *authority;           /* of an absolute target; NULL: none */
    char *query;               /* NULL: none */
    struct str target;         /* in the library's hands; STR_NONE: not clean, or a visitor's */
    char *body;
    size_t body_bytes, body_room;
    size_t body_bytes_max;
    size_t discarded_bytes;
    enum err error;
    bool owed;                     /* the handler has it and has not answered */
    bool parked;                   /* suspended: only a resume gets the answer out */
    bool is_refused_by_library;    /* which would answer it in its own words */
    bool is_chunked;               /* its body */
    struct list_link park_link;    /* in to_park, or in none */
    struct MHD_Response *response; /* the answer, until it is queued */
    unsigned status;
};

/* body_bytes_total_max: of all bodies held at a time; 0: no limit. */
void httpd_requests_init(struct httpd_requests *all, struct metrics *metrics, const char *listener,
                         size_t body_bytes_max, size_t body_bytes_total_max);

struct httpd_request *httpd_request_new(struct httpd_requests *all, struct http_conn *conn);
/* When both have let go of it; detach does it for a handler that has answered. */
void httpd_request_free(struct httpd_request *request);
/* The path, and the authority if there is one, of a target whose query has been cut off; path is a
 * part of target, or a literal. false: the target is broken. */
bool httpd_request_set_path(struct httpd_request *request, const char *target);
/* The server lets go of it. */
void httpd_request_detach(struct httpd_request *request);
void httpd_request_park_later(struct httpd_request *request);
/* Takes one off that list; NULL if it is empty. */
struct httpd_request *httpd_requests_next_to_park(struct httpd_requests *all);
/* Counts it and drops its body. error: TOO_LARGE, OVERLOADED (bodies), or what is wrong with its
 * head. */
void httpd_request_refuse(struct httpd_request *request, enum err error);
/* A piece of the body. false: enough has been thrown away, close the connection. */
bool httpd_request_take_body(struct httpd_request *request, const char *data, size_t bytes);

#endif
