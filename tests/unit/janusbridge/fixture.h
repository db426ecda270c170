/* A session over the mock transport and the fake clock. */
#ifndef LYNKS_TESTS_UNIT_JANUSBRIDGE_FIXTURE_H
#define LYNKS_TESTS_UNIT_JANUSBRIDGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "janusbridge/janus/janus_session.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/unit/janusbridge/mock_transport.h"

/* What the fixture's Janus says. */
#define CREATED(id) "{\"janus\":\"success\",\"transaction\":\"$T\",\"data\":{\"id\":" #id "}}"
#define ACK "{\"janus\":\"ack\",\"transaction\":\"$T\"}"
#define KEEPALIVES "[{\"janus\":\"keepalive\"}]"
#define CORE_ERROR(code)                                                                           \
    "{\"janus\":\"error\",\"transaction\":\"$T\",\"error\":{\"code\":" #code ",\"reason\":\"x\"}}"
#define PLUGIN(data)                                                                               \
    "{\"janus\":\"success\",\"session_id\":11,\"transaction\":\"$T\",\"sender\":22,"               \
    "\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\",\"data\":" data "}}"
#define PLUGIN_ERROR(code)                                                                         \
    PLUGIN("{\"videoroom\":\"event\",\"error_code\":" #code ",\"error\":\"x\"}")
#define INFO(timeout)                                                                              \
    "{\"janus\":\"server_info\",\"transaction\":\"$T\",\"version_string\":\"1.1.2\","              \
    "\"session-timeout\":" #timeout "}"

#define GUARDED(has_secret, has_tokens)                                                            \
    "{\"janus\":\"server_info\",\"transaction\":\"$T\",\"api_secret\":" #has_secret                \
    ",\"auth_token\":" #has_tokens "}"
#define EDITED(room) PLUGIN("{\"videoroom\":\"edited\",\"room\":" #room "}")

#define CONTROL_TIMEOUT_MS 1500
#define KEEPALIVE_MS 5000
#define BACKOFF_MAX_MS 1000
#define CALLS_MAX 8
#define PARALLEL_MAX 4

struct fixture {
    struct fake_clock *clock;
    struct mock_transport janus;
    struct metrics *metrics;
    struct health *health;
    struct janus_session *session;
    uint64_t lived_ms;
};

/* For cmocka; also catch the log. The session is started, nothing answered yet. */
int fixture_setup(void **state);
int fixture_setup_with_secret(void **state); /* api_secret: s"e&c */
int fixture_teardown(void **state);

void fixture_init(struct fixture *f, const char *api_secret);
void fixture_fini(struct fixture *f);

/* Answers what is open until the session is ready: session 11, handle 22, session timeout 60 s. */
void fixture_bring_up(struct fixture *f);
/* Time passes; keepalives and polls that come are answered well. */
void fixture_live(struct fixture *f, uint64_t ms);
/* Refuses every connection for so long; gives how often it was tried. */
size_t fixture_refuse(struct fixture *f, uint64_t ms);
/* Breaks keepalives until the link counts as lost. */
void fixture_lose_link(struct fixture *f);
/* Answers what a session is resumed by: it is still there, and takes its decoy. */
void fixture_resume(struct fixture *f);
void fixture_answer(struct fixture *f, const char *request, const char *answer);
/* Puts messages (a JSON array) into the open poll. */
void fixture_event(struct fixture *f, const char *messages);
uint64_t fixture_counter(struct fixture *f, const char *name, const char *labels);

#endif
