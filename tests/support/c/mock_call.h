/* A call as a worker would hand it to a handler, and what the handler answered. */
#ifndef LYNKS_TESTS_SUPPORT_C_MOCK_CALL_H
#define LYNKS_TESTS_SUPPORT_C_MOCK_CALL_H

#include "proto/bus/call.h"

struct mock_call {
    struct call call;
    unsigned answers; /* mock_call_fini fails the test unless there was exactly one */
    enum err err;
    struct msg reply; /* strings and lists are copied; valid until mock_call_fini */
    struct arena *arena;
    struct frame *frame;
};

/* The deadline is 4 s from now, the principal user 1, session 1, the request id "test". */
void mock_call_init(struct mock_call *mock, const struct clock *clock, const struct msg *request);
/* In the test or its teardown, when whoever could answer has ended: the test fails unless the call
 * was answered exactly once, however it ended. One that was never made (zeroes) may be given. */
void mock_call_fini(struct mock_call *mock);

#endif
