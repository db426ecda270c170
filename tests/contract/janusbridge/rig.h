/* The whole bridge but for its bus, on a real loop with real HTTP, before a scripted or a real
 * Janus. */
#ifndef LYNKS_TESTS_CONTRACT_JANUSBRIDGE_RIG_H
#define LYNKS_TESTS_CONTRACT_JANUSBRIDGE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "janusbridge/rooms/bridge.h"
#include "janusbridge/janus/janus_http.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/support/c/scripted_janus.h"

#define RIG_ROOM 1234
#define RIG_CALLS_MAX 8192  /* that a test may make */
#define RIG_CALLERS_MAX 512 /* that may wait at a time */
#define RIG_CONNECTIONS 8
#define RIG_CALL_MS 10000     /* deadline of a call */
#define RIG_PATIENCE_MS 20000 /* what is expected has happened by then, on the slowest machine */
#define RIG_DOUBT_MS 5000     /* a control request may take so long on a slow machine */

struct rig_config {
    const char *url;
    const char *ca_file;
    const char *api_secret;
    const char *admin_key;
    const char *name_servers; /* NULL: the system's */
    bool has_trial;           /* the health tells whether rooms can be made */
    uint64_t keepalive_ms;
    uint64_t control_timeout_ms;
};

struct rig {
    struct scripted_janus *janus; /* NULL before a real one */
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct janus_http *http;
    struct janus_transport transport;
    struct janus_session *session;
    struct bridge *bridge;
    struct mock_call *calls;
    size_t call_count;
    uint64_t call_ms; /* deadline of the next calls */
};

/* For cmocka; they catch the log too. The scripted Janus is there, the bridge set off. */
int rig_setup(void **state);
int rig_setup_before_janus(void **state); /* it refuses connections */
/* Likewise, for a Janus that leaves control requests without an answer: how long they wait. */
int rig_setup_in_doubt(void **state, uint64_t control_timeout_ms);
int rig_teardown(void **state);

/* The parts behind them, for other Januses. */
void rig_init(struct rig *rig, const struct rig_config *config);
void rig_fini(struct rig *rig);
/* A rig whose loop is there and nothing else. */
struct rig *rig_new(void);
void rig_free(struct rig **rig); /* fails the test if a call was not answered exactly once */

/* Turns the loop. */
bool rig_wait_ready(struct rig *rig, uint64_t ms);
bool rig_wait_not_ready(struct rig *rig, uint64_t ms);
bool rig_wait_answer(struct rig *rig, const struct mock_call *call, uint64_t ms);
bool rig_wait_all(struct rig *rig, uint64_t ms); /* every call has its answer */
void rig_run(struct rig *rig, uint64_t ms);

/* Makes a call; its answer may be there at once. */
struct mock_call *rig_call(struct rig *rig, struct msg request);
struct mock_call *rig_create(struct rig *rig, uint64_t room_id);
struct mock_call *rig_destroy(struct rig *rig, uint64_t room_id);
struct mock_call *rig_exists(struct rig *rig, uint64_t room_id);
struct mock_call *rig_list(struct rig *rig, uint64_t room_id);
/* Waits for the answer; gives its error. */
enum err rig_answer(struct rig *rig, const struct mock_call *call);

uint64_t rig_counter(struct rig *rig, const char *name, const char *labels);
uint64_t rig_now_ms(const struct rig *rig);

#endif
