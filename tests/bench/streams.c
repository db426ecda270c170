/* What event streams cost: lynks-bench-streams [STREAMS]
 *
 * A child serves HTTP as the gateway does: a route that is answered in the next turn of the loop,
 * as whatever waits for the bus is, and a route of event streams. The parent measures the rate of
 * the former over 64 connections without streams and beside 10,000 of them, in turn; the child's
 * memory for each stream; how long one event to 1,000 readers holds up the child's loop, and the
 * last of them; and after how long the child has seen that 100 readers have left. Prints what it
 * found as one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/http/httpd.h"

#define STREAMS 10000
#define READERS 1000
#define LEAVERS 100
#define CONNECTIONS 64
#define ROUNDS 5
#define ROUND_MS 1500
#define EVENT_BYTES 300

/* ---- the server ---- */

struct server {
    struct loop *loop;
    struct httpd *httpd;
    struct http_stream *streams[2 * STREAMS];
    size_t count;
    uint64_t turned_us, longest_us; /* between two ticks */
    uint64_t all_gone_us;
};

struct place { /* of a stream in the table */
    struct server *server;
    size_t index;
};

static void on_stream_room(void *arg, struct http_stream *stream)
{
    struct place *place = arg;
    place->server->streams[place->index] = stream;
}

static void on_stream_gone(void *arg)
{
    struct place *place = arg;
    place->server->streams[place->index] = NULL;
    place->server->all_gone_us = system_mono_us();
    free(place);
}

static const struct http_producer producer = {.on_room = on_stream_room, .on_gone = on_stream_gone};

static uint64_t processor_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The loop is held up for as long as it works between two timers of a millisecond. In processor
 * time: what else the machine does is not its doing. */
static void tick(void *arg)
{
    struct server *server = arg;
    uint64_t now_us = processor_us();
    uint64_t gap_us = now_us - server->turned_us;
    server->longest_us = gap_us > server->longest_us ? gap_us : server->longest_us;
    server->turned_us = now_us;
    (void)clock_after(loop_clock(server->loop), 1, tick, server);
}

static uint64_t resident_kib(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%*u %lu", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void publish(struct server *server)
{
    char event[EVENT_BYTES];
    size_t sent = 0;
    memset(event, 'e', sizeof(event));
    struct http_chunk *chunk = http_chunk_new((struct str){.data = event, .bytes = sizeof(event)});
    server->longest_us = 0;
    for (size_t i = 0; i < server->count && sent < READERS; i++) {
        sent += server->streams[i] != NULL && http_stream_send(server->streams[i], chunk);
    }
    http_chunk_unref(&chunk);
}

static void respond(struct httpd_request *request, const char *text)
{
    struct http_response *response = http_response_new(200);
    http_response_set_body(response, "text/plain", str_of(text));
    httpd_respond(request, &response);
}

static void answer_later(void *arg)
{
    respond(arg, "{\"room_id\":123456,\"publishers\":[1111,2222,3333]}");
}

static void on_request(void *arg, struct httpd_request *request, enum err error)
{
    struct server *server = arg;
    char text[128];
    if (error != ERR_OK || strcmp(httpd_path(request), "/list") == 0) {
        loop_post(server->loop, answer_later, request);
    } else if (strcmp(httpd_path(request), "/events") == 0) {
        struct place *place = mem_alloc(sizeof(*place));
        *place = (struct place){.server = server, .index = server->count++ % (2 * STREAMS)};
        struct http_response *response = http_response_new(200);
        http_response_set_stream(response, "text/event-stream", &producer, place);
        httpd_respond(request, &response);
    } else {
        if (strcmp(httpd_path(request), "/publish") == 0) {
            publish(server);
        }
        (void)snprintf(text, sizeof(text), "%zu %" PRIu64 " %" PRIu64 " %" PRIu64,
                       httpd_open_streams(server->httpd), resident_kib(), server->longest_us,
                       server->all_gone_us);
        respond(request, text);
    }
}

static bool wants_stream(void *arg, struct str method, struct str path)
{
    (void)arg;
    (void)method;
    return str_eq(path, STR_LIT("/events"));
}

static void serve(int port_fd)
{
    static const struct httpd_config config = {
        .name = "bench",
        .host = "127.0.0.1",
        .header_bytes_max = 8192,
        .connections_max = 3 * STREAMS,
        .request_timeout_ms = 60000,
        .idle_timeout_ms = 600000,
        .wants_stream = wants_stream,
        .streams_max = 2 * STREAMS,
        .stall_timeout_ms = 30000,
    };
    struct server *server = mem_alloc(sizeof(*server));
    struct metrics *metrics = metrics_new();
    const char *why = "";
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    server->loop = loop_new();
    server->httpd = httpd_new(server->loop, metrics, &config, on_request, server, &why);
    uint16_t port = server->httpd == NULL ? 0 : httpd_port(server->httpd);
    if (port == 0 || write(port_fd, &port, sizeof(port)) != sizeof(port)) {
        (void)fprintf(stderr, "no server: %s\n", why);
        _exit(1);
    }
    server->turned_us = processor_us();
    tick(server);
    loop_run(server->loop);
}

/* ---- the clients ---- */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int dial(uint16_t port, const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        send(fd, request, strlen(request), 0) < 0) {
        die("a connection");
    }
    return fd;
}

struct figures {
    size_t streams;
    uint64_t resident_kib, longest_us, all_gone_us;
};

static struct figures ask(uint16_t port, const char *path)
{
    char text[1024] = "";
    struct figures figures = {0};
    AUTO(mem_free)
    char *request = mem_printf("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    int fd = dial(port, request);
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
    const char *body = n <= 0 ? NULL : strstr(text, "\r\n\r\n");
    if (body == NULL ||
        sscanf(body, "%zu %" SCNu64 " %" SCNu64 " %" SCNu64, &figures.streams,
               &figures.resident_kib, &figures.longest_us, &figures.all_gone_us) != 4) {
        die("figures");
    }
    close(fd);
    return figures;
}

/* Requests per second over CONNECTIONS, each with one request out at a time. */
static double measure_rate(uint16_t port)
{
    static const char request[] = "GET /list HTTP/1.1\r\nHost: x\r\n\r\n";
    struct epoll_event events[CONNECTIONS];
    int fds[CONNECTIONS];
    char bin[4096];
    uint64_t answers = 0;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = dial(port, request);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event);
    }
    uint64_t began_us = system_mono_us(), now_us = began_us;
    for (; now_us - began_us < ROUND_MS * 1000; now_us = system_mono_us()) {
        int count = epoll_wait(epoll_fd, events, CONNECTIONS, 1000);
        for (int i = 0; i < count; i++) {
            if (recv(events[i].data.fd, bin, sizeof(bin), 0) <= 0 ||
                send(events[i].data.fd, request, sizeof(request) - 1, 0) < 0) {
                die("a request");
            }
            answers++;
        }
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        close(fds[i]);
    }
    close(epoll_fd);
    return (double)answers * 1e6 / (double)(now_us - began_us);
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), compare);
    return values[count / 2];
}

static void await_streams(uint16_t port, size_t count)
{
    uint64_t until_us = system_mono_us() + 60000000;
    while (ask(port, "/figures").streams != count) {
        if (system_mono_us() > until_us) {
            die("streams");
        }
        (void)poll(NULL, 0, 10);
    }
}

static void open_streams(uint16_t port, int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fds[i] = dial(port, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    await_streams(port, count);
}

/* Until the last reader has it, whichever that is. */
static double publish_and_read(uint16_t port, const int *fds)
{
    char bin[4096];
    uint64_t began_us = system_mono_us();
    (void)ask(port, "/publish");
    for (size_t i = 0; i < READERS; i++) {
        size_t bytes = 0;
        while (bytes < EVENT_BYTES) {
            ssize_t n = recv(fds[i], bin, sizeof(bin), 0);
            if (n <= 0) {
                die("an event");
            }
            bytes += (size_t)n;
        }
    }
    return (double)(system_mono_us() - began_us) / 1000;
}

static void drop_heads(const int *fds, size_t count)
{
    char bin[4096];
    for (size_t i = 0; i < count; i++) {
        while (recv(fds[i], bin, sizeof(bin), MSG_DONTWAIT) > 0) {
        }
    }
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : STREAMS;
    int *fds = mem_alloc((count + 1) * sizeof(int));
    double without[ROUNDS], beside[ROUNDS], held[ROUNDS], last[ROUNDS], left[ROUNDS];
    struct rlimit limit;
    uint16_t port = 0;
    int pipe_fds[2];
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (count < READERS || count > STREAMS || pipe(pipe_fds) != 0) {
        die("lynks-bench-streams [STREAMS], 1000 to 10000");
    }
    pid_t pid = fork();
    if (pid == 0) {
        serve(pipe_fds[1]);
    }
    if (read(pipe_fds[0], &port, sizeof(port)) != sizeof(port)) {
        die("the server");
    }
    (void)measure_rate(port);
    uint64_t before_kib = ask(port, "/figures").resident_kib, stream_bytes = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        without[round] = measure_rate(port);
        open_streams(port, fds, count);
        if (round == 0) {
            stream_bytes = (ask(port, "/figures").resident_kib - before_kib) * 1024 / count;
        }
        beside[round] = measure_rate(port);
        drop_heads(fds, count);
        last[round] = publish_and_read(port, fds);
        held[round] = (double)ask(port, "/figures").longest_us / 1000;
        uint64_t left_us = system_mono_us();
        for (size_t i = 0; i < LEAVERS; i++) {
            close(fds[i]);
        }
        await_streams(port, count - LEAVERS);
        left[round] = (double)(ask(port, "/figures").all_gone_us - left_us) / 1000;
        for (size_t i = LEAVERS; i < count; i++) {
            close(fds[i]);
        }
        await_streams(port, 0);
    }
    printf("{\"connections\": %d, \"rate\": %.0f, \"streams\": %zu, \"rate_beside\": %.0f, "
           "\"bytes_each\": %" PRIu64 ", \"readers\": %d, \"held_ms\": %.2f, \"last_ms\": %.2f, "
           "\"leavers\": %d, \"left_ms\": %.2f}\n",
           CONNECTIONS, median(without, ROUNDS), count, median(beside, ROUNDS), stream_bytes,
           READERS, median(held, ROUNDS), median(last, ROUNDS), LEAVERS, median(left, ROUNDS));
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    free(fds);
    return 0;
}
