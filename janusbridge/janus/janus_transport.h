/* How requests reach Janus: an interface, implemented by janus_http.c and by the tests' mock. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_TRANSPORT_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_TRANSPORT_H

#include "proto/base/err.h"

struct janus_request {
    const char
        *path;  /* after the base URL: "", "/<session>", "/<session>/<handle>", with its query */
    char *body; /* NULL: GET, else POST; send takes ownership */
    uint64_t timeout_ms; /* in all; > 0 */
    bool is_poll;        /* meant to wait: its time says nothing about Janus */
};

struct janus_answer {
    /* ERR_OK: an HTTP answer came, whatever its status. ERR_UNAVAILABLE: no connection, or it
     * broke. ERR_DEADLINE: it took too long. ERR_PROTOCOL: not HTTP, or no end of what is not
     * JSON. */
    enum err err;
    int status;
    struct str body; /* with status 200: what the sieve kept; borrowed until the callback returns */
    const char *why; /* of an error, for the log; static */
    /* The request was sent twice, since its connection ended without an answer: one may have been
     * on its way. Of polls only. */
    bool was_repeated;
};

typedef void janus_answer_fn(void *arg, const struct janus_answer *answer);

struct janus_transfer; /* a request under way; gone once its fn was called or it was cancelled */

struct janus_transport_ops {
    /* fn (arg) is called exactly once, later, never from inside send, unless the transfer is
     * cancelled. */
    struct janus_transfer *(*send)(void *self, const struct janus_request *request,
                                   janus_answer_fn *fn, void *arg);
    /* The connection, if there is one, is closed. */
    void (*cancel)(void *self, struct janus_transfer *transfer);
};

struct janus_transport {
    const struct janus_transport_ops *ops;
    void *self;
};

#endif
