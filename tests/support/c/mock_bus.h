/* A bus without sockets: it remembers what was called, and the test gives the answers. */
#ifndef LYNKS_TESTS_SUPPORT_C_MOCK_BUS_H
#define LYNKS_TESTS_SUPPORT_C_MOCK_BUS_H

#include "proto/bus/bus.h"

#define MOCK_BUS_CALLS_MAX 64

struct mock_bus_call {
    struct msg request;          /* copied */
    struct call_context context; /* its request_id is not kept */
    bus_reply_fn *fn;
    void *arg;
    bool answered;
    struct arena *arena;
    struct frame *frame;
};

struct mock_bus {
    struct bus bus;
    enum err refuse; /* not ERR_OK: mock calls are refused with it */
    struct mock_bus_call calls[MOCK_BUS_CALLS_MAX];
    size_t count; /* calls made so far, answered ones too */
};

void mock_bus_init(struct mock_bus *mock);
void mock_bus_fini(struct mock_bus *mock);

/* The oldest call of this kind that has no answer yet; NULL if there is none. */
struct mock_bus_call *mock_bus_pending(struct mock_bus *mock, enum msg_id id);
/* Answers it. reply is NULL unless err is ERR_OK. */
void mock_bus_answer(struct mock_bus_call *call, enum err err, const struct msg *reply);

#endif
