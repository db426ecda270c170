/* A peer on the bus of a running stack, for tests.
 *
 *   bus-peer call KEYS ROLE ADDRESS           calls authsvc as ROLE; reads commands, answers each
 *   bus-peer send KEYS ROLE SERVICE ENDPOINT KIND COUNT      sends what nobody should (raw.h)
 *   bus-peer reset PORT COUNT                 TCP connections that are reset
 *   bus-peer relay KEYS SERVICE FROM TO PERCENT   passes what SERVICE publishes at FROM on at TO,
 * as a gateway, and spoils some of it (relay.h)
 *
 * KEYS: the folder of lynks-keygen. ROLE "none": without CURVE; "stranger": with a key of its own.
 * Commands of call, a line each: "check HASH", "login USER PASSWORD HASH", "revoke HASH",
 * "revoke-user ID", "role-of HASH"; as an admin "role ID NUMBER", "disable ID 0|1", "remove ID
 * HASH"; as the user "password ID CURRENT NEW HASH". HASH is 64 hex digits, whose first half is the
 * key of a command that has one.
 * Answers: "OK number" (the user's id, how many were revoked, the role's number, or the user's
 * version) or "ERR code". */
#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "proto/bus/bus_client.h"
#include "tests/support/bus-peer/raw.h"
#include "tests/support/bus-peer/relay.h"

#define LINE_BYTES_MAX 1024
#define TIMEOUT_MS 4000
#define PASSWORD_TIMEOUT_MS 30000 /* two hashes, perhaps twice */
#define HASH_BYTES 32
#define KEY_BYTES 16 /* of a command: the first of the hash */
#define IN_FLIGHT_MAX 16

struct peer {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct keys *keys;
    struct bus_client *client;
    struct bus bus;
};

static bool read_line(const char *folder, const char *file, char *ret, size_t bytes)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", folder, file);
    FILE *in = fopen(path, "re");
    bool ok = in != NULL && fgets(ret, (int)bytes, in) != NULL;
    if (in != NULL) {
        (void)fclose(in);
    }
    if (ok) {
        ret[strcspn(ret, "\n")] = '\0';
    } else {
        (void)fprintf(stderr, "bus-peer: cannot read %s\n", path);
    }
    return ok;
}

static struct keys *read_keys(const char *folder, const char *role)
{
    char secret[128];
    char public_keys[LINE_BYTES_MAX];
    const char *why = NULL;
    AUTO(mem_free) char *file = mem_printf("%s.secret", role);
    if (!read_line(folder, file, secret, sizeof(secret)) ||
        !read_line(folder, "public", public_keys, sizeof(public_keys))) {
        return NULL;
    }
    struct keys *keys = keys_new(role, secret, public_keys, &why);
    if (keys == NULL) {
        (void)fprintf(stderr, "bus-peer: %s\n", why);
    }
    return keys;
}

/* ---- calls ---- */

struct command {
    struct msg request;
    struct principal principal;
    bool wants_role;
    char texts[2][256];
    unsigned char hash[HASH_BYTES];
};

struct outcome {
    const struct command *command;
    bool is_done;
    enum err err;
    uint64_t number;
};

static void on_reply(void *arg, enum err err, const struct msg *reply)
{
    struct outcome *outcome = arg;
    outcome->is_done = true;
    outcome->err = err;
    if (err != ERR_OK) {
        return;
    }
    switch (reply->id) {
    case MSG_session_revoke_reply:
        outcome->number = reply->session_revoke_reply.revoked;
        break;
    case MSG_user_change_reply:
        outcome->number = reply->user_change_reply.user.version;
        break;
    case MSG_user_password_reply:
        outcome->number = reply->user_password_reply.revoked;
        break;
    case MSG_user_remove_reply:
        outcome->number = reply->user_remove_reply.revoked;
        break;
    case MSG_login_reply:
        outcome->number = reply->login_reply.user_id;
        break;
    default:
        outcome->number = outcome->command->wants_role ? (uint64_t)reply->session_check_reply.role
                                                       : reply->session_check_reply.user_id;
        break;
    }
}

static bool is_done(void *arg)
{
    const struct outcome *outcome = arg;
    return outcome->is_done;
}

static void call(struct peer *peer, const struct command *command)
{
    struct outcome outcome = {.command = command};
    const uint64_t timeout_ms =
        command->request.id == MSG_user_password ? PASSWORD_TIMEOUT_MS : TIMEOUT_MS;
    const struct call_context context = {.request_id = STR_LIT("bus-peer"),
                                         .principal = command->principal,
                                         .deadline_ms =
                                             clock_mono_ms(loop_clock(peer->loop)) + timeout_ms};
    enum err err = bus_call(&peer->bus, &command->request, &context, on_reply, &outcome);
    if (err == ERR_OK) {
        (void)loop_run_until(peer->loop, is_done, &outcome, 2 * timeout_ms);
        err = outcome.is_done ? outcome.err : ERR_INTERNAL;
    }
    if (err == ERR_OK) {
        printf("OK %" PRIu64 "\n", outcome.number);
    } else {
        printf("ERR %s\n", err_code(err));
    }
    (void)fflush(stdout);
}

static struct principal user_of(uint64_t id, enum role role)
{
    return (struct principal){.kind = PRINCIPAL_USER, .role = role, .user_id = id, .session_id = 1};
}

/* What an admin changes of others. */
static bool parse_change(const char *line, struct command *ret)
{
    uint64_t id;
    uint64_t value;
    const bool is_role = sscanf(line, "role %" SCNu64 " %" SCNu64, &id, &value) == 2;
    if (!is_role && sscanf(line, "disable %" SCNu64 " %" SCNu64, &id, &value) != 2) {
        return false;
    }
    randombytes_buf(ret->hash, sizeof(ret->hash));
    ret->principal = user_of(INT64_MAX, ROLE_ADMIN);
    ret->request = (struct msg){
        .id = MSG_user_change,
        .user_change = {.user_id = id,
                        .idempotency_key = {.data = (const char *)ret->hash, .bytes = KEY_BYTES},
                        .has_role = is_role,
                        .role = is_role ? (enum role)value : ROLE_MEMBER,
                        .has_disabled = !is_role,
                        .disabled = !is_role && value != 0}};
    return true;
}

/* false: the line is none of the commands. */
static bool parse(const char *line, struct command *ret)
{
    char hex[2 * HASH_BYTES + 1] = "";
    uint64_t id;
    *ret = (struct command){.request = {.id = MSG_NONE}};
    const struct str token = {.data = (const char *)ret->hash, .bytes = HASH_BYTES};
    if (parse_change(line, ret)) {
        return true;
    }
    if (sscanf(line, "revoke-user %" SCNu64, &id) == 1) {
        ret->request = (struct msg){.id = MSG_session_revoke, .session_revoke = {.user_id = id}};
        return true;
    }
    ret->wants_role = strncmp(line, "role-of ", 8) == 0;
    if (sscanf(line, "check %64s", hex) == 1 || sscanf(line, "role-of %64s", hex) == 1) {
        ret->request =
            (struct msg){.id = MSG_session_check, .session_check = {.token_hash = token}};
    } else if (sscanf(line, "login %255s %255s %64s", ret->texts[0], ret->texts[1], hex) == 3) {
        ret->request = (struct msg){.id = MSG_login,
                                    .login = {.username = str_of(ret->texts[0]),
                                              .password = str_of(ret->texts[1]),
                                              .token_hash = token}};
    } else if (sscanf(line, "password %" SCNu64 " %255s %255s %64s", &id, ret->texts[0],
                      ret->texts[1], hex) == 4) {
        ret->principal = user_of(id, ROLE_MEMBER);
        ret->request = (struct msg){
            .id = MSG_user_password,
            .user_password = {.user_id = id,
                              .idempotency_key = {.data = token.data, .bytes = KEY_BYTES},
                              .current_password = str_of(ret->texts[0]),
                              .new_password = str_of(ret->texts[1])}};
    } else if (sscanf(line, "remove %" SCNu64 " %64s", &id, hex) == 2) {
        ret->principal = user_of(INT64_MAX, ROLE_ADMIN);
        ret->request = (struct msg){
            .id = MSG_user_remove,
            .user_remove = {.user_id = id,
                            .idempotency_key = {.data = token.data, .bytes = KEY_BYTES}}};
    } else if (sscanf(line, "revoke %64s", hex) == 1) {
        ret->request =
            (struct msg){.id = MSG_session_revoke, .session_revoke = {.token_hash = token}};
    }
    size_t bytes = 0;
    return ret->request.id != MSG_NONE &&
           sodium_hex2bin(ret->hash, HASH_BYTES, hex, strlen(hex), NULL, &bytes, NULL) == 0 &&
           bytes == HASH_BYTES;
}

static bool connect_peer(struct peer *peer, const char *folder, const char *role,
                         const char *address)
{
    *peer = (struct peer){.loop = loop_new(),
                          .metrics = metrics_new(),
                          .health = health_new(),
                          .keys = read_keys(folder, role)};
    if (peer->keys == NULL) {
        return false;
    }
    const struct bus_parts parts = {
        .loop = peer->loop, .metrics = peer->metrics, .health = peer->health, .keys = peer->keys};
    const struct bus_client_config config = {.in_flight_max = IN_FLIGHT_MAX,
                                             .in_flight_endpoint_max = IN_FLIGHT_MAX};
    peer->client = bus_client_new(&parts, &config);
    peer->bus = bus_client_bus(peer->client);
    assert(peer->bus.ops != NULL);
    return bus_client_add_service(peer->client, SERVICE_AUTHSVC, address) == ERR_OK;
}

static int run_calls(const char *folder, const char *role, const char *address)
{
    struct peer peer;
    char line[LINE_BYTES_MAX];
    bool ok = connect_peer(&peer, folder, role, address);
    while (ok && fgets(line, sizeof(line), stdin) != NULL) {
        struct command command;
        if (!parse(line, &command)) {
            (void)fprintf(stderr, "bus-peer: no such command: %s", line);
            ok = false;
        } else {
            call(&peer, &command);
        }
    }
    bus_client_free(&peer.client);
    keys_free(&peer.keys);
    health_free(&peer.health);
    metrics_free(&peer.metrics);
    loop_free(&peer.loop);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- what nobody should send ---- */

static int run_send(char **argv)
{
    const char *role = argv[1];
    bool is_none = strcmp(role, "none") == 0;
    bool is_stranger = strcmp(role, "stranger") == 0;
    struct keys *keys = read_keys(argv[0], is_none || is_stranger ? "gateway" : role);
    if (keys == NULL) {
        return EXIT_FAILURE;
    }
    char public_z85[KEY_Z85_BYTES + 1];
    char secret[KEY_Z85_BYTES + 1];
    (void)zmq_curve_keypair(public_z85, secret);
    const char *server = keys_find_public(keys, argv[2]);
    const char *own = is_none ? NULL : is_stranger ? secret : keys_secret(keys);
    int code = server == NULL ? EXIT_FAILURE
                              : raw_send(argv[3], own, server, argv[4], strtoul(argv[5], NULL, 10));
    keys_free(&keys);
    return code;
}

static int run_relay(char **argv)
{
    struct keys *listener = read_keys(argv[0], "gateway");
    struct keys *publisher = read_keys(argv[0], argv[1]);
    int code = EXIT_FAILURE;
    if (listener != NULL && publisher != NULL) {
        const struct relay_keys keys = {.listener_secret = keys_secret(listener),
                                        .publisher_secret = keys_secret(publisher),
                                        .publisher_public = keys_find_public(listener, argv[1])};
        code = relay_run(&keys, argv[2], argv[3], strtoul(argv[4], NULL, 10));
    }
    keys_free(&listener);
    keys_free(&publisher);
    return code;
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        return EXIT_FAILURE;
    }
    if (argc == 5 && strcmp(argv[1], "call") == 0) {
        return run_calls(argv[2], argv[3], argv[4]);
    }
    if (argc == 8 && strcmp(argv[1], "send") == 0) {
        return run_send(argv + 2);
    }
    if (argc == 4 && strcmp(argv[1], "reset") == 0) {
        return raw_reset(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    }
    if (argc == 7 && strcmp(argv[1], "relay") == 0) {
        return run_relay(argv + 2);
    }
    (void)fprintf(stderr, "bus-peer: wrong arguments\n");
    return 2;
}
