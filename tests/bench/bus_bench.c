/* What a call costs, without any business logic: CPU time and context switches of each process.
 *
 *   bus_bench hop OUTSTANDING SECONDS      caller -> janusbridge
 *   bus_bench relay OUTSTANDING SECONDS    caller -> roomsvc -> janusbridge
 *   bus_bench gateway CONNECTIONS SECONDS  wrk -> gateway -> authsvc, roomsvc -> janusbridge
 *
 * The services are stand-ins that answer at once, in processes of their own, over loopback TCP with
 * CURVE; the gateway is the real one. Figures are comparable on a busy machine too, because they
 * are of the processes' own time; compare builds by turns. */
#include "gateway/gateway.h"
#include "proto/base/log.h"
#include "tests/support/c/config_defaults.h"
#include "tests/support/c/test_token.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define ADDRESS_BYTES 64
#define CALLS_MAX 20000
#define BUDGET_MS 4000
#define PARTS_MAX 5

enum bench_role { GATEWAY, AUTHSVC, ROOMSVC, JANUSBRIDGE, ROLES };
static const char *const names[ROLES] = {"gateway", "authsvc", "roomsvc", "janusbridge"};
static const char *const callers[] = {"gateway", "roomsvc", NULL};

struct ring {
    char public_keys[512];
    char secrets[ROLES][KEY_Z85_BYTES + 1];
};

/* One process: a stand-in, the caller, the gateway or wrk. */
struct part {
    const char *name;
    pid_t pid;
    int told; /* reads what it says: its address, or how many calls it made */
};

static struct ring ring;
static struct part parts[PARTS_MAX];
static size_t part_count;

static void check(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "bus_bench: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static void make_keys(void)
{
    size_t used = 0;
    for (size_t i = 0; i < ROLES; i++) {
        char public_z85[KEY_Z85_BYTES + 1];
        check(zmq_curve_keypair(public_z85, ring.secrets[i]) == 0, "no key pair");
        used += (size_t)snprintf(ring.public_keys + used, sizeof(ring.public_keys) - used,
                                 "%s%s=%s", i == 0 ? "" : ",", names[i], public_z85);
    }
}

/* ---- what every process has ---- */

struct process {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct keys *keys;
    struct zap *zap;
    struct bus_client *client;
    struct bus bus;
    struct msg answer; /* of a stand-in; 0: it relays */
    int tell;
    bool is_far; /* the caller asks roomsvc */
    size_t outstanding;
    uint64_t count, end_ms;
};

static void process_init(struct process *process, enum bench_role role, int tell)
{
    const char *why = "";
    log_init(names[role], LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    *process =
        (struct process){.loop = loop_new(),
                         .metrics = metrics_new(),
                         .health = health_new(),
                         .keys = keys_new(names[role], ring.secrets[role], ring.public_keys, &why),
                         .tell = tell};
    check(process->keys != NULL, why);
    process->zap = zap_new(process->loop, process->metrics, process->keys);
}

static struct bus_parts bus_parts_of(const struct process *process)
{
    return (struct bus_parts){.loop = process->loop,
                              .metrics = process->metrics,
                              .health = process->health,
                              .keys = process->keys,
                              .zap = process->zap};
}

static void connect_to(struct process *process, enum service_id service, const char *address)
{
    const struct bus_parts bus_parts = bus_parts_of(process);
    const struct bus_client_config config = {.in_flight_max = CALLS_MAX,
                                             .in_flight_endpoint_max = CALLS_MAX};
    if (process->client == NULL) {
        process->client = bus_client_new(&bus_parts, &config);
        process->bus = bus_client_bus(process->client);
    }
    check(bus_client_add_service(process->client, service, address) == ERR_OK, "no address");
}

static bool is_ready(void *arg)
{
    return health_is_ready(((struct process *)arg)->health);
}

/* ---- stand-ins ---- */

static void on_relayed(void *arg, enum err err, const struct msg *reply)
{
    if (err != ERR_OK) {
        call_fail(arg, err);
        return;
    }
    const struct msg own = {
        .id = MSG_room_participants_reply,
        .room_participants_reply = {.publishers = reply->bridge_participants_reply.publishers}};
    call_reply(arg, &own);
}

static void on_call(void *service, struct call *call)
{
    struct process *process = service;
    if (process->answer.id != MSG_NONE) {
        call_reply(call, &process->answer);
        return;
    }
    const struct msg request = {
        .id = MSG_bridge_participants,
        .bridge_participants = {.room_id = call->request.room_participants.room_id}};
    enum err err = bus_call(&process->bus, &request, &call->context, on_relayed, call);
    if (err != ERR_OK) {
        call_fail(call, err);
    }
}

static const struct call_handler handlers[] = {{MSG_session_check, on_call},
                                               {MSG_room_participants, on_call},
                                               {MSG_bridge_participants, on_call},
                                               {0}};

static void serve(struct process *process)
{
    const struct bus_parts bus_parts = bus_parts_of(process);
    const struct bus_worker_config config = {
        .bind = "tcp://127.0.0.1:*", .in_hand_max = CALLS_MAX, .allowed_roles = callers};
    struct bus_worker *worker = bus_worker_new(&bus_parts, &config, handlers, process);
    check(worker != NULL, "cannot bind");
    char address[ADDRESS_BYTES] = "";
    (void)str_copy(address, sizeof(address),
                   str_of(bus_worker_endpoint(worker) + strlen("tcp://")));
    check(write(process->tell, address, sizeof(address)) == sizeof(address), "cannot tell");
    loop_run(process->loop);
}

/* ---- the caller ---- */

static void ask(struct process *process);

static void on_answer(void *arg, enum err err, const struct msg *reply)
{
    struct process *process = arg;
    check(err == ERR_OK && reply != NULL, "a call failed");
    process->count++;
    if (clock_mono_ms(loop_clock(process->loop)) < process->end_ms) {
        ask(process);
    } else if (--process->outstanding == 0) {
        loop_stop(process->loop);
    }
}

static void ask(struct process *process)
{
    const struct msg to_room = {.id = MSG_room_participants, .room_participants = {.room_id = 1}};
    const struct msg to_bridge = {.id = MSG_bridge_participants,
                                  .bridge_participants = {.room_id = 1}};
    const struct call_context context = {
        .request_id = STR_LIT("0123456789abcdef"),
        .principal = {.kind = PRINCIPAL_USER, .user_id = 7, .session_id = 8},
        .deadline_ms = clock_mono_ms(loop_clock(process->loop)) + BUDGET_MS};
    enum err err = bus_call(&process->bus, process->is_far ? &to_room : &to_bridge, &context,
                            on_answer, process);
    check(err == ERR_OK, "cannot call");
}

static void call_for(struct process *process, size_t outstanding, unsigned seconds)
{
    check(loop_run_until(process->loop, is_ready, process, BUDGET_MS), "not connected");
    process->end_ms = clock_mono_ms(loop_clock(process->loop)) + seconds * 1000;
    process->outstanding = outstanding;
    for (size_t i = 0; i < outstanding; i++) {
        ask(process);
    }
    loop_run(process->loop);
    check(write(process->tell, &process->count, sizeof(process->count)) > 0, "cannot tell");
}

/* ---- the gateway ---- */

static void serve_clients(struct process *process)
{
    const struct gateway_parts gateway_parts = {
        .loop = process->loop, .metrics = process->metrics, .bus = &process->bus};
    char token_key[] = TOKEN_KEY;
    struct gateway_config config = {0};
    config_set_defaults(&config, gateway_options);
    config.http_port = 0;
    config.token_key = token_key;
    config.connections_max = CALLS_MAX;
    config.connections_per_address_max = CALLS_MAX;
    config.request_budget_ms = BUDGET_MS;
    struct gateway *gateway = gateway_new(&gateway_parts, &config);
    check(gateway != NULL && loop_run_until(process->loop, is_ready, process, BUDGET_MS),
          "no gateway");
    char port[ADDRESS_BYTES] = "";
    (void)snprintf(port, sizeof(port), "%u", (unsigned)gateway_port(gateway));
    check(write(process->tell, port, sizeof(port)) == sizeof(port), "cannot tell");
    loop_run(process->loop);
}

static void run_wrk(const char *port, const char *connections, const char *seconds)
{
    AUTO(mem_free) char *url = mem_printf("http://127.0.0.1:%s/list_participants", port);
    AUTO(mem_free) char *duration = mem_printf("%ss", seconds);
    const char *threads = atol(connections) > 1 ? "-t2" : "-t1";
    (void)execlp("wrk", "wrk", threads, "-c", connections, "-d", duration, "--latency", "-s",
                 BENCH_SCRIPT, url, NULL);
    check(false, "no wrk");
}

/* ---- the processes ---- */

/* In the child: its end of the pipe; in the parent -1. */
static int begin(const char *name)
{
    int ends[2];
    check(part_count < PARTS_MAX && pipe(ends) == 0, "no pipe");
    struct part *part = &parts[part_count++];
    *part = (struct part){.name = name, .pid = fork(), .told = ends[0]};
    check(part->pid >= 0, "no process");
    if (part->pid > 0) {
        close(ends[1]);
        return -1;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return ends[1];
}

static void hear(void *place, size_t bytes)
{
    check(read(parts[part_count - 1].told, place, bytes) > 0, "a process has ended");
}

/* next: the bridge's address if it relays; else it answers. */
static void start_service(enum bench_role role, enum msg_id reply, const char *next,
                          char *ret_address)
{
    static const uint64_t publishers[] = {1234567890123, 2345678901234, 3456789012345};
    int tell = begin(names[role]);
    if (tell >= 0) {
        struct process process;
        process_init(&process, role, tell);
        process.answer.id = reply;
        if (next != NULL) {
            connect_to(&process, SERVICE_JANUSBRIDGE, next);
            check(loop_run_until(process.loop, is_ready, &process, BUDGET_MS), "no bridge");
        } else if (reply == MSG_session_check_reply) {
            process.answer.session_check_reply.user_id = 7;
            process.answer.session_check_reply.expires_unix_ms = 1;
        } else {
            process.answer.bridge_participants_reply.publishers =
                (struct u64_list){publishers, ARRAY_LEN(publishers)};
        }
        serve(&process);
    }
    hear(ret_address, ADDRESS_BYTES);
}

static uint64_t run_caller(const char *address, bool is_far, const char *const *argv)
{
    uint64_t count = 0;
    int tell = begin("caller");
    if (tell >= 0) {
        struct process process;
        process_init(&process, GATEWAY, tell);
        process.is_far = is_far;
        connect_to(&process, is_far ? SERVICE_ROOMSVC : SERVICE_JANUSBRIDGE, address);
        call_for(&process, (size_t)atol(argv[2]), (unsigned)atol(argv[3]));
        _exit(EXIT_SUCCESS);
    }
    hear(&count, sizeof(count));
    return count;
}

static void start_gateway(const char *authsvc, const char *roomsvc, char *ret_port)
{
    int tell = begin("gateway");
    if (tell >= 0) {
        struct process process;
        process_init(&process, GATEWAY, tell);
        connect_to(&process, SERVICE_AUTHSVC, authsvc);
        connect_to(&process, SERVICE_ROOMSVC, roomsvc);
        serve_clients(&process);
    }
    hear(ret_port, ADDRESS_BYTES);
}

/* What wrk says goes through, and tells how many requests it made. */
static uint64_t load(const char *port, const char *const *argv)
{
    int tell = begin("wrk");
    if (tell >= 0) {
        (void)dup2(tell, STDOUT_FILENO);
        run_wrk(port, argv[2], argv[3]);
    }
    uint64_t count = 0;
    char line[256];
    FILE *out = fdopen(parts[part_count - 1].told, "r");
    while (out != NULL && fgets(line, sizeof(line), out) != NULL) {
        const char *requests = strstr(line, " requests in ");
        count = requests != NULL ? strtoull(line, NULL, 10) : count;
        if (requests != NULL || strstr(line, "50%") != NULL || strstr(line, "99%") != NULL ||
            strstr(line, "Non-2xx") != NULL) {
            (void)fputs(line, stdout);
        }
    }
    return count;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void report(uint64_t count, double seconds)
{
    double all_us = 0;
    (void)printf("%.0f/s", (double)count / seconds);
    for (size_t i = 0; i < part_count; i++) {
        struct rusage usage;
        (void)kill(parts[i].pid, SIGTERM);
        check(wait4(parts[i].pid, NULL, 0, &usage) > 0, "cannot wait");
        double user_us = seconds_of(usage.ru_utime) * 1e6 / (double)count;
        double system_us = seconds_of(usage.ru_stime) * 1e6 / (double)count;
        all_us += user_us + system_us;
        (void)printf(" | %s %.1f us (%.1f user), %.2f switches", parts[i].name, user_us + system_us,
                     user_us, (double)(usage.ru_nvcsw + usage.ru_nivcsw) / (double)count);
    }
    (void)printf(" | all %.1f us\n", all_us);
}

int main(int argc, const char *const *argv)
{
    char bridge[ADDRESS_BYTES];
    char rooms[ADDRESS_BYTES];
    char sessions[ADDRESS_BYTES];
    char port[ADDRESS_BYTES];
    check(argc == 4 && atol(argv[2]) > 0 && atol(argv[3]) > 0,
          "hop|relay|gateway OUTSTANDING SECONDS");
    check(sodium_init() >= 0, "no libsodium");
    bool is_far = strcmp(argv[1], "hop") != 0;
    make_keys();
    start_service(JANUSBRIDGE, MSG_bridge_participants_reply, NULL, bridge);
    if (is_far) {
        start_service(ROOMSVC, MSG_NONE, bridge, rooms);
    }
    uint64_t count;
    if (strcmp(argv[1], "gateway") == 0) {
        start_service(AUTHSVC, MSG_session_check_reply, NULL, sessions);
        start_gateway(sessions, rooms, port);
        count = load(port, argv);
    } else {
        count = run_caller(is_far ? rooms : bridge, is_far, argv);
    }
    check(count > 0, "no calls");
    report(count, strtod(argv[3], NULL));
    return EXIT_SUCCESS;
}
