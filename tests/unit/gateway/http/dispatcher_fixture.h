/* A dispatcher with rows of the test's own in the dialect of /v1, a mocked bus, a clock that the
 * test moves, and no socket. */
#ifndef LYNKS_TESTS_UNIT_GATEWAY_HTTP_DISPATCHER_FIXTURE_H
#define LYNKS_TESTS_UNIT_GATEWAY_HTTP_DISPATCHER_FIXTURE_H

#include "gateway/http/auth.h"
#include "gateway/http/dispatcher.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"
#include "tests/unit/gateway/http/asked.h"

/* It takes Host: meet.example.org and localhost; of each address three tokens of nobody. */
struct dispatcher_fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct mock_bus bus;
    struct auth *auth;
    const struct files *files; /* set before the rest, or NULL; served with the policy "policy" */
    struct resource resource;
    struct dispatcher *dispatcher;
};

/* The rows are borrowed; self is that of their handlers. */
void dispatcher_fixture_init(struct dispatcher_fixture *f, const struct route *rows, size_t count,
                             void *self);
/* Gives what a teardown gives. */
int dispatcher_fixture_fini(struct dispatcher_fixture *f);

/* Hands it over, and gives it back. */
struct ask *dispatcher_fixture_send(struct dispatcher_fixture *f, struct ask *ask);
/* Answers the pending check of a session: it is this user's. */
void dispatcher_fixture_answer_session(struct dispatcher_fixture *f, uint64_t user_id);

#endif
