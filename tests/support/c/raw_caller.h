/* A caller by hand with a valid key, and a server of session_check that it may try to break. One
 * for each test: setup and teardown are for cmocka's. Refused frames may be logged. */
#ifndef LYNKS_TESTS_SUPPORT_C_RAW_CALLER_H
#define LYNKS_TESTS_SUPPORT_C_RAW_CALLER_H

#include "tests/support/c/bus_raw.h"

struct raw_caller {
    struct bus_pair pair;
    struct bus_server server;
    struct bus_asked asked; /* of an honest client, for who opens one */
    struct frame *frame;
    struct arena *arena;
    zsock_t *peer;
};

int raw_caller_setup(void **state, size_t in_hand_max); /* of the server; 0: its default */
int raw_caller_teardown(void **state);

void raw_caller_send(struct raw_caller *raw, const void *data, size_t bytes);
/* So many frames were refused for this reason, and no more. */
void raw_caller_assert_refused(struct raw_caller *raw, const char *reason, uint64_t times);
/* A good call on the same connection is answered, and it is the first thing that is. */
void raw_caller_assert_served(struct raw_caller *raw);
/* The next answer is this one. */
void raw_caller_assert_answered(struct raw_caller *raw, enum err err, enum msg_id id);

#endif
