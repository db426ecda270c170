/* The real bus on one loop: a caller and any number of servers over loopback TCP with CURVE. */
#ifndef LYNKS_TESTS_SUPPORT_C_BUS_PAIR_H
#define LYNKS_TESTS_SUPPORT_C_BUS_PAIR_H

#include "proto/bus/bus_client.h"
#include "proto/bus/bus_worker.h"

#define BUS_ROLES 4

/* A fresh key pair for each role. */
struct bus_keyring {
    char public_keys[512]; /* "role=Z85,..." */
    char secrets[BUS_ROLES][KEY_Z85_BYTES + 1];
};
void bus_keyring_init(struct bus_keyring *ring);
const char *bus_keyring_secret(const struct bus_keyring *ring, const char *role);
struct keys *bus_keyring_keys(const struct bus_keyring *ring, const char *role);

/* What one process has, for both sides at once. */
struct bus_pair {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health; /* the caller's */
    struct bus_keyring ring;
    struct keys *caller_keys;  /* gateway */
    struct keys *service_keys; /* authsvc, unless it is one whose calls go by load or by home */
    enum service_id service;
    struct zap *zap;
    struct bus_client *client; /* the gateway's; NULL until bus_pair_open_client */
    struct bus bus;
};

void bus_pair_init(struct bus_pair *pair);
/* With servers of room_participants, as roomsvc: those calls go by load, not by key. */
void bus_pair_init_by_load(struct bus_pair *pair);
/* With servers of bridge_participants, as janusbridge: those calls have a home. */
void bus_pair_init_by_home(struct bus_pair *pair);
void bus_pair_fini(struct bus_pair *pair); /* after the servers were stopped */
/* Makes the client. Bounds of 0 mean 20,000. */
void bus_pair_open_client(struct bus_pair *pair, const struct bus_client_config *config);
/* The counter of this name and these labels, or 0. */
uint64_t bus_pair_metric(struct bus_pair *pair, const char *name, const char *labels);
/* Turns the loop for as long as one call may take; false if predicate did not come true. */
bool bus_pair_until(struct bus_pair *pair, loop_predicate *predicate, void *arg);
bool bus_pair_is_ready(void *pair); /* predicate: authsvc is ready in health */

/* A server of session_check and login, as authsvc, of room_participants, as roomsvc, or of
 * bridge_participants, as janusbridge. Answers with the user id that bus_ask put into the request.
 */
enum bus_server_mode { SERVE_ANSWER, SERVE_KEEP, SERVE_FAIL };
struct bus_server {
    struct bus_pair *pair;
    struct bus_worker *worker;        /* NULL: stopped */
    char bind[64];                    /* "tcp://127.0.0.1:port" from the first start on */
    const char *const *allowed_roles; /* NULL: gateway */
    size_t in_hand_max;
    enum bus_server_mode mode;
    enum err failure;   /* of SERVE_FAIL */
    const char *node;   /* calls of other homes are answered not_mine; NULL: all are served */
    size_t strayed;     /* such answers; these calls are not in seen */
    struct call **kept; /* of SERVE_KEEP, in the order in which they came */
    size_t kept_count, kept_room;
    size_t seen;
    uint64_t last_deadline_ms;
    struct principal last_principal;
    char last_request_id[REQUEST_ID_BYTES_MAX + 1];
    const char *last_role;
};
void bus_server_start(struct bus_server *server, struct bus_pair *pair, const char *host);
/* Again on the same port, with nothing kept. */
void bus_server_restart(struct bus_server *server);
void bus_server_stop(struct bus_server *server); /* harmless if stopped; kept calls are dropped */
void bus_server_fini(struct bus_server *server);
const char *bus_server_address(const struct bus_server *server); /* "127.0.0.1:5701" */
void bus_server_answer(struct bus_server *server, size_t kept);  /* answers one that is kept */

/* One call and what came of it. By load it is a room_participants, else a session_check. */
struct bus_asked {
    uint64_t user_id; /* asked for */
    unsigned answers;
    enum err err;
    uint64_t answered_user_id;
};
enum err bus_ask(struct bus_pair *pair, struct bus_asked *asked, uint64_t user_id,
                 uint64_t timeout_ms);
/* The same with a bridge_participants whose home is node; empty: none. */
enum err bus_ask_at(struct bus_pair *pair, struct bus_asked *asked, const char *node,
                    uint64_t user_id, uint64_t timeout_ms);
/* The same with a login, which is costly. Its token hash is a session_check's of that user id. */
enum err bus_ask_login(struct bus_pair *pair, struct bus_asked *asked, uint64_t user_id,
                       uint64_t timeout_ms);
bool bus_asked_is_done(void *asked);                    /* predicate */
bool bus_asked_is_right(const struct bus_asked *asked); /* answered once, with its own user id */

bool bus_asked_are_done(const struct bus_asked *asked, size_t count);
/* Each is answered and right, within the time that one call may take, and no other is in flight. */
void bus_pair_assert_right(struct bus_pair *pair, const struct bus_asked *asked, size_t count);

#endif
