/* The rows that the API is made of. An endpoint is a row, and a handler where one message on the
 * bus is not all there is to it. Everything that can be said about a request before its handler
 * runs, and the API's document, follow from the rows. */
#ifndef LYNKS_GATEWAY_HTTP_ROUTE_H
#define LYNKS_GATEWAY_HTTP_ROUTE_H

#include "gateway/http/member.h"
#include "gateway/http/request.h"
#include "proto/base/strbuf.h"
#include "proto/schema/msg.h"

struct exchange; /* exchange.h */
struct json_out; /* json_out.h */
struct stats;    /* stats.h */

#define ROUTE_ERRORS_MAX 20
#define LOCATION_BYTES 128

enum route_who {
    ROUTE_ANYBODY,     /* what he comes with is not looked at */
    ROUTE_USER,        /* somebody who has logged in */
    ROUTE_ADMIN,       /* likewise, and he may manage everybody; else forbidden */
    ROUTE_PARTICIPANT, /* somebody in a room, with his participant's token */
    /* Likewise, or a program with a stream key: key_use says what for. */
    ROUTE_PARTICIPANT_OR_STREAM_KEY,
    ROUTE_USER_OR_PARTICIPANT, /* either of them */
    /* A user, or somebody who comes with nothing; what he comes with must be good. */
    ROUTE_USER_OR_NOBODY,
    ROUTE_USER_PARTICIPANT_OR_NOBODY, /* likewise, or a participant */
};

/* What a request may come with. */
struct route_takes {
    const char *name; /* in the API's document */
    bool nothing;     /* no token at all */
    bool session;     /* the token of a session */
    bool participant; /* the token of a participant */
    bool stream_key;  /* a stream key */
};

/* In what way a resource talks to its clients. */
enum dialect {
    DIALECT_ORIGINAL, /* the three endpoints as they always were: errors of their own shape, any
                         Host, any media type, unknown members ignored, no answer to OPTIONS but for
                         CORS */
    DIALECT_V1,       /* design.md, section 5: problem documents, strict */
};

struct route_answer {
    int status;                   /* of a success; 0: 200; 204: it has no body */
    const char *media_type;       /* NULL: application/json */
    const struct member *members; /* of the JSON; NULL: something else, as doc says */
    const char *doc;
    const char *pending_doc; /* it may also be 202, with the same members: then what was asked for
                                is still to come, as this says; NULL: never */
    int other_status;        /* it may also have this one, with the same headers and media type, as
                                other_doc says; NULL: never */
    const char *other_doc;
    const char *empty_doc; /* of a text: it may also be 204, as this says; NULL: it never is */
    /* It may also have no body and this status, as this says; then nothing else of what stands here
     * is true. NULL: never. */
    int bare_status;
    const char *bare_doc;
    const char *accept_patch; /* its Accept-Patch (RFC 5789, 3.1); NULL: none */
    /* It carries an ETag; a GET is answered 304 if If-None-Match names that. */
    bool has_etag;
    bool is_of_asker;  /* it shows more than the version says, of who asks: a GET is never 304 */
    bool sets_cookie;  /* it may carry a Set-Cookie */
    bool has_links;    /* it may carry Link fields with ICE servers (RFC 9725, 4.6) */
    bool has_location; /* it says where what was made is (RFC 9110, 10.2.2) */
};

/* The common handler, for ask.c: one message goes out on the bus, one reply comes in and is the
 * answer. */
struct route_ask {
    enum msg_id message;
    /* The field of message whose record has the members of the body; NULL: message itself has. */
    const char *record;
    /* Fills in what the body does not give, before anything is sent; may refuse. What it needs
     * later it attaches to the exchange. NULL: nothing to do. */
    enum err (*prepare)(struct exchange *exchange, struct msg *msg);
    /* Sees how it ended, good or bad, once prepare has let it go, and says what the client is told;
     * reply is NULL unless err is ERR_OK. NULL: nothing to do. */
    enum err (*settle)(struct exchange *exchange, enum err err, const struct msg *reply);
    /* The row only reads, and answers everybody who may ask alike: it may be asked at the same time
     * as who asks is checked (ask.h). Says in msg that it is, so that it does not count as a use;
     * or false: not this time. Such a row has no prepare, and no version; settle is called for what
     * was not asked ahead only, write also before it is known who asks. NULL: never. */
    bool (*ahead)(const struct exchange *exchange, struct msg *msg);
    /* Writes the members of a success, one JSON object, which is open already. NULL: the answer has
     * no body. */
    void (*write)(const struct exchange *exchange, const struct msg *reply, struct json_out *out);
    /* Instead of write: a success that is text, of the answer's media type, borrowed from reply. An
     * empty one is 204. There if the row's answer has a media type. */
    struct str (*text)(const struct msg *reply);
    /* The version of what the answer shows: its ETag, where it has a body. There if the row's
     * answer has one. */
    uint64_t (*version)(const struct msg *reply);
    /* The path of what was made. There if the row's answer has a Location. */
    void (*locate)(const struct exchange *exchange, const struct msg *reply,
                   char ret_path[LOCATION_BYTES]);
    /* Adds Link fields (exchange_link). There if the row's answer has some. */
    void (*link)(struct exchange *exchange, const struct msg *reply);
    /* Is what was asked for still to come? There if the row's answer has a pending_doc. */
    bool (*is_pending)(const struct msg *reply);
    /* Is a success of this request one without a body? There if the row's answer has a bare_doc. */
    bool (*is_bare)(const struct exchange *exchange);
};

struct route {
    const char *method;   /* GET also answers HEAD, unless the answer is a stream */
    const char *template; /* "/v1/rooms/{room}" */
    const char *name;     /* of the operation, in the API's document; unique */
    const char *doc;      /* one sentence */
    enum route_who who;
    bool takes_key;    /* Idempotency-Key: it makes something, once for each (repeat_key.h) */
    bool has_if_match; /* If-Match must say which version it changes: exchange->match */
    bool is_stream;    /* the answer goes on */
    /* Of a stream: who accepts JSON gets one answer with these members instead. NULL: nobody. */
    const struct member *poll;
    /* The handler wants to know who the user is: exchange->user tells it, if authsvc does. An ask
     * of user_get, which is about oneself then, is answered by it. */
    bool with_user;
    bool body_may_be_empty; /* then it stands for {} */
    /* Who has a stream key comes into the room that the path names before the handler is called,
     * for this; 0: he is in it, or nothing of it is needed. */
    enum stream_use key_use;
    /* What may be changed without If-Match: a body of only these members; ended by NULL. NULL:
     * nothing. */
    const char *const *free_of_match;
    /* Of the parameters in the query, for the API's document; the handler reads them. Ended by a
     * row without a name; NULL: none. */
    const struct member *query;
    const struct member *body; /* ended by a row without a name; NULL: a body is not looked at */
    size_t body_bytes_max;     /* so many, where LYNKS_HTTP_BODY_MAX_BYTES says fewer */
    /* The row for bodies of another media type: of this path and method, too, and in no resource.
     * It may have the next one. NULL: there is none. */
    const struct route *by_text;
    /* Of a row whose bodies are no JSON: their media type; prepare or the handler reads them. */
    const char *text_type;
    struct route_answer answer;
    /* What can go wrong beyond what follows from the row; ended by ERR_OK, or full. */
    enum err errors[ROUTE_ERRORS_MAX];
    /* One of the two. */
    void (*handle)(struct exchange *exchange);
    const struct route_ask *ask;
};

/* Stands before all rows of an API. */
struct route_guard {
    /* Before a row's handler is called, when it is known who asks. ERR_OK, or it is refused. */
    enum err (*admit)(void *arg, struct exchange *exchange);
    /* How a request that a row is for has ended, whatever way it went; ERR_OK: well. */
    void (*note)(void *arg, const struct exchange *exchange, enum err err);
    void *arg;
};

/* The routes that share a handler's state. */
struct resource {
    enum dialect dialect;
    const struct route *routes;
    size_t count;
    void *self; /* exchange->self of their handlers */
    /* Pages of all origins may use them, whatever LYNKS_CORS_ORIGINS says: what they take is shown
     * by who has it, and comes in no cookie. */
    bool is_for_all_pages;
};

#define ROUTE_METHODS_MAX 5
#define ROUTE_METHOD_BYTES 8 /* of a method, with its NUL */

/* All routes of one template. */
struct route_path {
    const char *template;
    struct str segments[REQUEST_SEGMENTS_MAX]; /* {name} is a parameter */
    size_t segment_count;
    const struct resource *resource;
    const struct route *routes[ROUTE_METHODS_MAX];
    size_t count;
    struct stats *stats; /* the dispatcher's */
};

struct routes;

/* Checks all rows. NULL: one is wrong, and *ret_why says which and how (the caller frees it). The
 * resources and their rows are borrowed. */
struct routes *routes_new(const struct resource *resources, size_t count, char **ret_why);
void routes_free(struct routes **routes);

/* All paths, in the order in which they are tried. */
struct route_path *routes_paths(const struct routes *routes, size_t *ret_count);

/* The path that fits the request's segments (request_split); NULL if there is none. Where two fit,
 * the one with a fixed segment in the first place where they differ. */
const struct route_path *routes_find(const struct routes *routes, const struct request *request);
/* The row for a method, HEAD included; NULL if there is none. */
const struct route *route_path_find(const struct route_path *path, const char *method);
/* It, or the row for bodies of the request's media type. */
const struct route *route_for_body(const struct route *route, struct request *request);
/* "POST", or "GET, HEAD, OPTIONS". */
void route_path_write_allow(const struct route_path *path, struct strbuf *text);
/* The media types but JSON that a method of it takes: "text/x, text/y"; nothing: none. */
void route_path_write_types(const struct route_path *path, const char *method, struct strbuf *text);

/* For those that may; a token that is not taken is as good as a bad one. Static. */
const struct route_takes *route_takes(const struct route *route);

/* Is it one that goes on, or what the row's poll says? */
bool route_is_polled(const struct route *route, struct request *request);

/* Is its path under /v1? That of a page about a problem is not. */
bool route_is_under_v1(const struct route *route);

#define ROUTE_FAILURES_MAX 48

/* All that can go wrong with a row, each once. */
struct route_failures {
    enum err errors[ROUTE_FAILURES_MAX];
    size_t count;
};

/* What follows from the row, and what it says itself, or the row for text beside it. */
void route_find_failures(const struct route *route, enum dialect dialect,
                         struct route_failures *ret_failures);

/* Is there a {name} in this place of a template? */
bool route_segment_is_parameter(struct str segment);

#endif
