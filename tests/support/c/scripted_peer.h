/* An HTTP server on the test's own loop that can misbehave in every way that TCP allows. */
#ifndef LYNKS_TESTS_SUPPORT_C_SCRIPTED_PEER_H
#define LYNKS_TESTS_SUPPORT_C_SCRIPTED_PEER_H

#include "proto/loop/loop.h"

enum peer_fault {
    PEER_WELL,
    PEER_SILENT,          /* takes the request and says nothing */
    PEER_CLOSE,           /* closes without an answer */
    PEER_RESET,           /* likewise, by RST */
    PEER_HALF_CLOSE,      /* half of the answer, then closes */
    PEER_HALF_SILENT,     /* half of the answer, then nothing */
    PEER_DRIP,            /* a byte every 20 ms */
    PEER_NOT_HTTP,        /* something else */
    PEER_LENGTH_LONG,     /* Content-Length larger than the body, then nothing */
    PEER_LENGTH_SHORT,    /* smaller than the body */
    PEER_LENGTH_HUGE,     /* 10^18, then nothing */
    PEER_HUGE,            /* a body of 20 MB */
    PEER_ENDLESS_CHUNKS,  /* a body without an end */
    PEER_ENDLESS_HEADERS, /* headers without an end */
    PEER_TWICE,           /* the answer and then once more */
    PEER_STATUS_500,      /* the right body under a wrong status */
    PEER_HTML,            /* an error page of some proxy, with 200 */
    PEER_REDIRECT,        /* to elsewhere */
    PEER_DEEP,            /* JSON 100,000 levels deep */
    PEER_EMPTY,           /* 200 and no body */
    PEER_FAULT_COUNT
};

struct peer;
struct peer_connection;

/* A whole request came. Answered with peer_reply, now or later, or never. body is NUL-terminated;
 * all borrowed until fn returns. */
typedef void peer_fn(void *arg, struct peer_connection *connection, const char *method,
                     const char *path, const char *body);
/* The connection is gone; it must not be used any more. */
typedef void peer_gone_fn(void *arg, struct peer_connection *connection);

struct peer *peer_new(struct loop *loop, peer_fn *fn, peer_gone_fn *gone, void *arg);
void peer_free(struct peer **peer);

uint16_t peer_port(const struct peer *peer);
void peer_stop(struct peer *peer);  /* refuses connections, and cuts those that are there */
void peer_start(struct peer *peer); /* on the same port again */

void peer_cut_idle(struct peer *peer); /* closes connections without a request under way */

void peer_reply(struct peer_connection *connection, enum peer_fault fault, int status,
                const char *body);

size_t peer_connections(const struct peer *peer); /* open now */
size_t peer_accepted(const struct peer *peer);    /* in all */

#endif
