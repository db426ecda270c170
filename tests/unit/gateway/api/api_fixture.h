/* The API with a mocked bus, a clock that the test moves, and no socket. */
#ifndef LYNKS_TESTS_UNIT_GATEWAY_API_API_FIXTURE_H
#define LYNKS_TESTS_UNIT_GATEWAY_API_API_FIXTURE_H

#include "gateway/api/api.h"
#include "gateway/api/room_events_json.h"
#include "gateway/api/rtc_hint_json.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"
#include "tests/unit/gateway/http/asked.h"

#define BUDGET_MS 4000
#define STREAMS_MAX 8
#define STREAMS_PER_USER_MAX 3
#define VISITS_PER_PARTICIPANT_MAX 2
#define VISITS_PER_ADDRESS_MAX 4

/* The id of a connection for media, in hex and as it is. */
#define CONNECTION_HEX "00112233445566778899aabbccddeeff"
extern const uint8_t connection_bytes[16];

struct api_fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct health *health;
    struct mock_bus bus;
    struct session_follow *sessions;
    struct room_encoder encoder;
    struct news_watch *news;
    struct room_follow *rooms;
    struct bus reports; /* of presence: all is well with them */
    bus_reply_fn *reported;
    void *reported_arg;
    struct presence *presence;
    struct user_meetings *meetings;
    struct rtc_hints *hints;
    struct api *api;
    struct api_config config;
    char path[128]; /* of the last request that had a query (send_as) */
};

int api_fixture_setup(void **state);
int api_fixture_teardown(void **state);
/* Makes the API anew from f->config. */
void api_fixture_restart(struct api_fixture *f);

/* A POST with this body. */
struct ask *ask_send(struct api_fixture *f, const char *path, const char *authorization,
                     const char *body);

#define CAROL_ID 41
#define KEY "8e03978e-40d5-43dd-bc93-6894a57f9324"

/* A request: token may be NULL, and TOKEN is carol's; so may body and key. path may have a query.
 */
struct sent {
    const char *method, *path, *token, *body, *key;
};
struct ask *send_as(struct api_fixture *f, const struct sent *sent);

/* The pending call of this kind. */
struct mock_bus_call *asked(struct api_fixture *f, enum msg_id message);

void assert_hash_of(struct str hash, const char *token); /* SHA-256 */

/* Answers the pending call of this kind with success. */
void answer_session(struct api_fixture *f, uint64_t user_id);
void answer_login(struct api_fixture *f);
void answer_create(struct api_fixture *f, uint64_t room_id); /* it was there */
void answer_added(struct api_fixture *f, uint64_t room_id);  /* it was not */
void answer_list(struct api_fixture *f, const uint64_t *publishers, size_t count);
/* Answers it with err. */
void fail_call(struct api_fixture *f, enum msg_id id, enum err err);

#endif
