/* The bridge over a session over the mock transport. */
#ifndef LYNKS_TESTS_UNIT_JANUSBRIDGE_BRIDGE_FIXTURE_H
#define LYNKS_TESTS_UNIT_JANUSBRIDGE_BRIDGE_FIXTURE_H

#include "janusbridge/rooms/bridge.h"
#include "tests/support/c/mock_bus.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/janusbridge/fixture.h"

#define ROOM 1234
#define ROOM_SECRET "0123456789abcdef"
#define LIST(participants)                                                                         \
    PLUGIN("{\"videoroom\":\"participants\",\"room\":1234,\"participants\":[" participants "]}")
#define CALLERS_MAX 7
#define CALLS 64

struct bridge_fixture {
    struct fixture f;
    struct mock_bus bus; /* to roomsvc */
    struct bridge *bridge;
    struct mock_call calls[CALLS];
    size_t count;
};

#define OBSERVERS_MAX 4
#define OBSERVER_IDLE_MS 60000

/* For cmocka: without observers, and with them (and an audit every second). Teardown fails the test
 * if a call was not answered exactly once. */
int bridge_setup(void **state);
int bridge_setup_observing(void **state);
int bridge_setup_with_rooms(void **state); /* one that restores rooms */
int bridge_teardown(void **state);

/* Calls a handler; its answer may be there at once. */
struct mock_call *bridge_call(struct bridge_fixture *b, struct msg request);
struct mock_call *bridge_create(struct bridge_fixture *b);
struct mock_call *bridge_destroy(struct bridge_fixture *b);
struct mock_call *bridge_exists(struct bridge_fixture *b);
struct mock_call *bridge_list_of(struct bridge_fixture *b, uint64_t room_id);
struct mock_call *bridge_list(struct bridge_fixture *b);

/* Requests to Janus so far that hold this. */
size_t bridge_sent(struct bridge_fixture *b, const char *request);

#endif
