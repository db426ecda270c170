/* A request without a socket, and the answer to it. */
#ifndef LYNKS_TESTS_UNIT_GATEWAY_HTTP_ASKED_H
#define LYNKS_TESTS_UNIT_GATEWAY_HTTP_ASKED_H

#include "gateway/http/request.h"
#include "tests/support/c/test_token.h"

#define ASKED_FIELDS_MAX 8

struct ask {
    struct request request;
    struct {
        const char *name, *value;
    } fields[ASKED_FIELDS_MAX]; /* of the request's header */
    size_t field_count;
    unsigned answers;
    int status;
    bool close;
    bool is_on_used_connection; /* set by the test: no stream may begin there */
    /* Of an answer that is a stream; a test that takes it over sets it to NULL. */
    const struct http_producer *producer;
    void *producer_arg;
    char *body;
    char headers[4096]; /* "Name: value\n" each */
};

/* From 127.0.0.1, with Host: localhost. authorization may be NULL. The ask is given up with
 * ask_free, which sees that it was answered once. */
struct ask *ask_new(const char *method, const char *path, const char *authorization,
                    struct str body);
void ask_free(struct ask **ask);

/* One more header field of the request, or another value of one; NULL: it is not there. */
void ask_set_header(struct ask *ask, const char *name, const char *value);

/* Of the answer; NULL if there is none. */
const char *ask_header(struct ask *ask, const char *name, char *buffer, size_t bytes);

/* The answer is an error of the original API with this status and code, its request id the one in
 * the header. */
void assert_failed(struct ask *ask, int status, const char *code);
/* Likewise, a problem document. */
void assert_problem(struct ask *ask, int status, const char *code);

#endif
