/* A service by hand, and a client of it: what the service answers is the test's business. One for
 * each test: its setup and teardown are cmocka's. */
#ifndef LYNKS_TESTS_SUPPORT_C_RAW_SERVICE_H
#define LYNKS_TESTS_SUPPORT_C_RAW_SERVICE_H

#include "tests/support/c/bus_raw.h"

#define RAW_SERVICE_MS 8000 /* long enough for an answer */
#define RAW_SERVICE_CALLS 8

struct raw_service;
typedef void raw_reply_fn(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id);

struct raw_service {
    struct bus_pair pair;
    struct bus_asked asked[RAW_SERVICE_CALLS];
    struct frame *frame;
    struct arena *arena;
    char endpoint[256];
    zsock_t *service;
    struct bus_reader *reader; /* the service's */
    raw_reply_fn *reply;       /* for each call that comes; NULL: silent */
    size_t seen, messages;     /* calls, and the messages they came in */
    uint64_t first_remaining_ms, last_remaining_ms;
};

int raw_service_setup(void **state);
int raw_service_teardown(void **state);

/* Binds it and waits until the client is connected. */
void raw_service_start(struct raw_service *raw, raw_reply_fn *reply);
void raw_service_stop(struct raw_service *raw);
/* The client's service is at this address, host:port, whoever is there. */
void raw_service_connect(struct raw_service *raw, const char *address);

/* From a raw_reply_fn: any bytes, a reply of any kind, or the right one. */
void raw_service_send(struct raw_service *raw, zmq_msg_t *route, struct str data);
void raw_service_answer(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id,
                        enum err status, const struct msg *reply);
void raw_service_answer_well(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id);

/* What comes of one call. */
enum err raw_service_outcome(struct raw_service *raw, uint64_t timeout_ms);
void raw_service_assert_works(struct raw_service *raw);
uint64_t raw_service_late(struct raw_service *raw); /* replies that came too late */

#endif
