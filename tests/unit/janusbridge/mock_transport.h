/* A way to Janus without sockets: it remembers what was sent, and the test gives the answers. */
#ifndef LYNKS_TESTS_UNIT_JANUSBRIDGE_MOCK_TRANSPORT_H
#define LYNKS_TESTS_UNIT_JANUSBRIDGE_MOCK_TRANSPORT_H

#include "janusbridge/janus/janus_transport.h"

#define MOCK_REQUESTS_MAX 1024
#define MOCK_KEPT_BYTES_MAX 65536 /* of each message */

struct janus_transfer {
    char *path;
    char *body; /* "" of a GET */
    uint64_t timeout_ms;
    bool is_poll;
    janus_answer_fn *fn;
    void *arg;
    bool is_open;      /* neither answered nor cancelled */
    bool was_repeated; /* set by the test: the answer says so */
};

struct mock_transport {
    struct janus_transport transport;
    struct janus_transfer sent[MOCK_REQUESTS_MAX];
    size_t count;
};

void mock_transport_init(struct mock_transport *mock);
void mock_transport_fini(struct mock_transport *mock);

/* The oldest open request that holds text in its path or body; fails the test if there is none. */
struct janus_transfer *mock_transport_get(struct mock_transport *mock, const char *text);
size_t mock_transport_open(const struct mock_transport *mock, const char *text); /* how many such */
size_t mock_transport_sent(const struct mock_transport *mock,
                           const char *text); /* answered ones too */

/* Answers with status 200 and what the sieve keeps of text. Each $T in text becomes the request's
 * transaction. */
void mock_transport_answer(struct janus_transfer *transfer, const char *text);
void mock_transport_answer_status(struct janus_transfer *transfer, int status, const char *text);
void mock_transport_break(struct janus_transfer *transfer, enum err err);

#endif
