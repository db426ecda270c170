/* What rooms cost, asked over HTTP at a gateway that runs: lynks-bench-rooms COMMAND PORT ...
 *
 *   join PORT CONNECTIONS SECONDS        guests come into the rooms of standard input ("CODE" or
 *                                        "CODE MEMBER VALUE" a line, as of the body), each
 *                                        connection with one request out
 *   guess PORT ADDRESSES RATE SECONDS    the same RATE times a second from so few addresses, with
 *                                        a member that lets in nobody
 *   deliver PORT SEATS STREAMS RATE SECONDS   SEATS lines "ROOM PARTICIPANT TOKEN" on standard
 *                                        input; each has STREAMS streams; names are changed, RATE a
 *                                        second, or for 0 one when all have read of the one before
 *   replay PORT EVENTS TIMES             one such line, and then a Last-Event-ID; EVENTS are read
 *   hold PORT SEATS STREAMS              opens so many streams, says "OPEN", and holds them until
 *                                        standard input ends
 *
 * Prints what it found as one line of JSON, times in milliseconds. One thread, one epoll. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/base.h"
#include "proto/base/clock.h"

#define BUFFER_BYTES (128 * 1024) /* a snapshot of many, and its head */
#define TEXT_BYTES 128
#define AT_A_TIME 64 /* streams that are being opened */
#define PATIENCE_US 30000000
#define COMMANDS_MAX 1000000
#define COMMAND_CONNECTIONS 64
#define DOORS_MAX 100000
#define GUESSERS_FROM 0xff0000 /* clients of these numbers guess */

struct seat {
    char room[TEXT_BYTES], participant[TEXT_BYTES], token[TEXT_BYTES];
    size_t streams; /* of its room: who hears of its commands */
};

/* A room, and what one comes into it with. */
struct door {
    char code[TEXT_BYTES];
    char *body;
};

struct conn {
    int fd;
    bool is_stream, is_open; /* a stream with its snapshot */
    size_t seat;
    char *text; /* what was read and not used; of a stream allocated while there is some */
    size_t bytes;
    uint64_t began_us; /* of the request that is out; 0: none is */
    size_t command;
    size_t events;
};

struct command {
    uint64_t sent_us, answered_us;
    size_t heard; /* by so many streams */
};

struct bench {
    int epoll_fd;
    uint16_t port;
    char mark[TEXT_BYTES]; /* before the number of a command, in the name that it gives */
    struct seat *seats;
    size_t seat_count;
    struct door *doors;
    size_t door_count;
    bool is_guessing; /* refusals are what is to come */
    struct conn *streams;
    size_t stream_count, open;
    struct conn commands[COMMAND_CONNECTIONS];
    struct command *sent;
    size_t sent_count, answered, bad, limited;
    float *delays_ms; /* from an answer to the event, of each stream that read it */
    size_t delay_count, delay_room;
    float *last_ms; /* from the answer to the last stream, of each command that all have read */
    size_t last_count;
    float *asked_ms; /* how long answers took */
    size_t events;   /* read in all */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "lynks-bench-rooms: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int compare(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return a < b ? -1 : a > b;
}

static double at(float *sorted, size_t count, double part)
{
    const size_t index = (size_t)((double)count * part);
    return count == 0 ? 0 : (double)sorted[index < count ? index : count - 1];
}

static float ms_between(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (float)(to_us - from_us) / 1000 : 0;
}

/* ---- connections ---- */

static void dial(struct bench *bench, struct conn *conn)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(bench->port)};
    const int yes = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        die("a connection");
    }
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if (epoll_ctl(bench->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        die("epoll");
    }
}

static void send_text(const struct conn *conn, const char *text)
{
    if (send(conn->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) {
        die("a request");
    }
}

/* HTTP/1.0, so that the events come without the lines of chunks between them. */
static void ask_for_stream(struct bench *bench, struct conn *conn, const char *last_id)
{
    const struct seat *seat = &bench->seats[conn->seat];
    AUTO(mem_free)
    char *request =
        mem_printf("GET /v1/rooms/%s/events HTTP/1.0\r\nHost: 127.0.0.1\r\n"
                   "Accept: text/event-stream\r\nAuthorization: Bearer %s\r\n%s%s%s\r\n",
                   seat->room, seat->token, last_id != NULL ? "Last-Event-ID: " : "",
                   last_id != NULL ? last_id : "", last_id != NULL ? "\r\n" : "");
    conn->is_stream = true;
    dial(bench, conn);
    send_text(conn, request);
}

/* As of this client, behind a front: what is counted by address is as of many. */
static void send_request(struct conn *conn, size_t client, const char *method, const char *path,
                         const char *token, const char *body)
{
    AUTO(mem_free)
    char *request =
        mem_printf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s"
                   "X-Forwarded-For: 10.%zu.%zu.%zu\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   method, path, token != NULL ? "Authorization: Bearer " : "",
                   token != NULL ? token : "", token != NULL ? "\r\n" : "", client >> 16 & 255,
                   client >> 8 & 255, client & 255, strlen(body), body);
    conn->began_us = system_mono_us();
    send_text(conn, request);
}

/* What has come, ended by NUL. False: the connection is over. */
static bool read_more(struct conn *conn)
{
    if (conn->text == NULL) {
        conn->text = mem_alloc(BUFFER_BYTES);
        conn->bytes = 0;
    }
    const ssize_t n =
        recv(conn->fd, conn->text + conn->bytes, BUFFER_BYTES - 1 - conn->bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        return true;
    }
    conn->bytes += n > 0 ? (size_t)n : 0;
    conn->text[conn->bytes] = '\0';
    return n > 0 && conn->bytes < BUFFER_BYTES - 1;
}

static void drop_text(struct conn *conn, size_t bytes)
{
    conn->bytes -= bytes;
    memmove(conn->text, conn->text + bytes, conn->bytes + 1);
    if (conn->bytes == 0 && conn->is_stream) {
        mem_free(&conn->text);
    }
}

/* ---- what streams say ---- */

static void note_delay(struct bench *bench, float ms)
{
    if (bench->delay_count == bench->delay_room) {
        bench->delay_room = bench->delay_room == 0 ? 1024 : 2 * bench->delay_room;
        bench->delays_ms =
            mem_realloc_array(bench->delays_ms, bench->delay_room, sizeof(*bench->delays_ms));
    }
    bench->delays_ms[bench->delay_count++] = ms;
}

static void on_command_heard(struct bench *bench, size_t number, uint64_t now_us)
{
    struct command *command = &bench->sent[number];
    command->heard++;
    note_delay(bench, command->answered_us == 0 ? 0 : ms_between(command->answered_us, now_us));
}

static void on_block(struct bench *bench, struct conn *conn, const char *block, uint64_t now_us)
{
    const bool is_snapshot = strstr(block, "event: snapshot") != NULL;
    const char *mark = strstr(block, bench->mark);
    if (is_snapshot && !conn->is_open) {
        conn->is_open = true;
        bench->open++;
    } else if (!is_snapshot && strncmp(block, "event:", 6) == 0) {
        conn->events++;
        bench->events++;
        const size_t number =
            mark == NULL ? SIZE_MAX : strtoul(mark + strlen(bench->mark), NULL, 10);
        if (number < bench->sent_count) {
            on_command_heard(bench, number, now_us);
        }
    }
}

static void on_stream(struct bench *bench, struct conn *conn)
{
    const uint64_t now_us = system_mono_us();
    if (!read_more(conn)) {
        (void)fprintf(stderr, "%.300s\n", conn->text);
        die("a stream has ended");
    }
    char *block = conn->text;
    for (char *end; (end = strstr(block, "\n\n")) != NULL; block = end + 2) {
        *end = '\0';
        const char *body = strstr(block, "\r\n\r\n");
        on_block(bench, conn, body == NULL ? block : body + 4, now_us);
    }
    drop_text(conn, (size_t)(block - conn->text));
}

/* ---- answers ---- */

static bool is_as_asked(const struct bench *bench, int status)
{
    return bench->is_guessing ? status == 403 || status == 404 || status == 429 : status < 300;
}

/* Takes one whole answer away; its status, or 0: there is none yet. */
static int take_answer(struct bench *bench, struct conn *conn)
{
    const char *body = strstr(conn->text, "\r\n\r\n");
    const char *length = strcasestr(conn->text, "\r\nContent-Length:");
    if (body == NULL) {
        return 0;
    }
    const size_t bytes = (size_t)(body + 4 - conn->text) +
                         (length != NULL && length < body ? strtoul(length + 17, NULL, 10) : 0);
    if (conn->bytes < bytes) {
        return 0;
    }
    const int status = (int)strtol(conn->text + strlen("HTTP/1.1 "), NULL, 10);
    bench->limited += status == 429;
    if (!is_as_asked(bench, status) && bench->bad++ == 0) {
        (void)fprintf(stderr, "the first bad answer: %.*s\n", (int)bytes, conn->text);
    }
    drop_text(conn, bytes);
    return status;
}

static void on_answer(struct bench *bench, struct conn *conn)
{
    if (!read_more(conn)) {
        die("a connection has ended");
    }
    const int status = take_answer(bench, conn);
    if (status != 0) {
        const uint64_t now_us = system_mono_us();
        bench->sent[conn->command].answered_us = now_us;
        bench->asked_ms[bench->answered++] = ms_between(conn->began_us, now_us);
        conn->began_us = 0;
    }
}

static void turn(struct bench *bench, int wait_ms)
{
    struct epoll_event events[256];
    const int count = epoll_wait(bench->epoll_fd, events, ARRAY_LEN(events), wait_ms);
    for (int i = 0; i < count; i++) {
        struct conn *conn = events[i].data.ptr;
        if (conn->is_stream) {
            on_stream(bench, conn);
        } else {
            on_answer(bench, conn);
        }
    }
}

static struct conn *free_connection(struct bench *bench)
{
    for (size_t i = 0; i < COMMAND_CONNECTIONS; i++) {
        struct conn *conn = &bench->commands[i];
        if (conn->began_us == 0) {
            if (conn->fd == 0) {
                dial(bench, conn);
            }
            return conn;
        }
    }
    return NULL;
}

static struct conn *begin_command(struct bench *bench)
{
    struct conn *conn = bench->sent_count < COMMANDS_MAX ? free_connection(bench) : NULL;
    if (conn != NULL) {
        conn->command = bench->sent_count++;
        bench->sent[conn->command] = (struct command){.sent_us = system_mono_us()};
    }
    return conn;
}

/* ---- the commands ---- */

static void read_line(char *ret, size_t bytes)
{
    if (fgets(ret, (int)bytes, stdin) == NULL) {
        die("standard input is too short");
    }
    ret[strcspn(ret, "\n")] = '\0';
}

static void read_seats(struct bench *bench, size_t count)
{
    bench->seats = mem_alloc(count * sizeof(*bench->seats));
    bench->seat_count = count;
    for (size_t i = 0; i < count; i++) {
        struct seat *seat = &bench->seats[i];
        char line[3 * TEXT_BYTES];
        read_line(line, sizeof(line));
        if (sscanf(line, "%127s %127s %127s", seat->room, seat->participant, seat->token) != 3) {
            die(line);
        }
    }
}

static void open_streams(struct bench *bench, size_t each)
{
    const uint64_t until_us = system_mono_us() + 4 * PATIENCE_US;
    bench->stream_count = bench->seat_count * each;
    bench->streams = mem_alloc(bench->stream_count * sizeof(*bench->streams));
    for (size_t i = 0; i < bench->stream_count; i++) {
        bench->streams[i].seat = i % bench->seat_count;
        ask_for_stream(bench, &bench->streams[i], NULL);
        while (i + 1 - bench->open >= AT_A_TIME ||
               (i + 1 == bench->stream_count && bench->open <= i)) {
            turn(bench, 1000);
            if (system_mono_us() > until_us) {
                die("streams do not open");
            }
        }
    }
    for (size_t i = 0; i < bench->seat_count; i++) {
        for (size_t k = 0; k < bench->seat_count; k++) {
            if (strcmp(bench->seats[i].room, bench->seats[k].room) == 0) {
                bench->seats[i].streams += each;
            }
        }
    }
}

static void read_doors(struct bench *bench)
{
    char line[3 * TEXT_BYTES];
    bench->doors = mem_alloc(DOORS_MAX * sizeof(*bench->doors));
    while (bench->door_count < DOORS_MAX && fgets(line, sizeof(line), stdin) != NULL) {
        struct door *door = &bench->doors[bench->door_count++];
        char member[TEXT_BYTES], value[TEXT_BYTES];
        const int count = sscanf(line, "%127s %127s %127s", door->code, member, value);
        if (count == 1) {
            door->body = mem_printf("{\"name\":\"somebody\"}");
        } else if (count == 3) {
            door->body = mem_printf("{\"name\":\"somebody\",\"%s\":\"%s\"}", member, value);
        } else {
            die(line);
        }
    }
    if (bench->door_count == 0) {
        die("no rooms");
    }
}

/* addresses: of all who come; 0: each has one of his own. */
static bool come_in(struct bench *bench, size_t addresses)
{
    struct conn *conn = begin_command(bench);
    if (conn == NULL) {
        return false;
    }
    const size_t number = conn->command;
    const struct door *door = &bench->doors[number % bench->door_count];
    AUTO(mem_free) char *path = mem_printf("/v1/rooms/%s/participants", door->code);
    send_request(conn, addresses == 0 ? number : GUESSERS_FROM + number % addresses, "POST", path,
                 NULL, door->body);
    return true;
}

static void print_joins(struct bench *bench, size_t connections, uint64_t took_us)
{
    qsort(bench->asked_ms, bench->answered, sizeof(float), compare);
    printf("{\"connections\": %zu, \"rooms\": %zu, \"rate\": %.1f, \"p50\": %.3f, \"p99\": %.3f, "
           "\"limited\": %zu, \"bad\": %zu}\n",
           connections, bench->door_count,
           (double)(bench->answered - bench->bad) * 1e6 / (double)took_us,
           at(bench->asked_ms, bench->answered, 0.5), at(bench->asked_ms, bench->answered, 0.99),
           bench->limited, bench->bad);
}

static void run_join(struct bench *bench, size_t connections, uint64_t seconds)
{
    const uint64_t began_us = system_mono_us(), until_us = began_us + seconds * 1000000;
    uint64_t now_us = began_us;
    for (; now_us < until_us; now_us = system_mono_us()) {
        while (bench->sent_count - bench->answered < connections &&
               come_in(bench, /* addresses= */ 0)) {
        }
        turn(bench, 100);
    }
    print_joins(bench, connections, now_us - began_us);
}

static void run_guess(struct bench *bench, size_t addresses, uint64_t rate, uint64_t seconds)
{
    const uint64_t began_us = system_mono_us(), until_us = began_us + seconds * 1000000;
    uint64_t now_us = began_us;
    bench->is_guessing = true;
    for (; now_us < until_us; now_us = system_mono_us()) {
        const uint64_t due = (now_us - began_us) * rate / 1000000;
        while (bench->sent_count < due && come_in(bench, addresses)) {
        }
        turn(bench, 1);
    }
    print_joins(bench, COMMAND_CONNECTIONS, now_us - began_us);
}

static bool rename_somebody(struct bench *bench)
{
    struct conn *conn = begin_command(bench);
    if (conn == NULL) {
        return false;
    }
    const struct seat *seat = &bench->seats[conn->command % bench->seat_count];
    AUTO(mem_free)
    char *path = mem_printf("/v1/rooms/%s/participants/%s", seat->room, seat->participant);
    AUTO(mem_free) char *body = mem_printf("{\"name\":\"%s%zu\"}", bench->mark, conn->command);
    send_request(conn, conn->command, "PATCH", path, seat->token, body);
    return true;
}

static bool all_heard(const struct bench *bench)
{
    size_t wanted = 0;
    for (size_t i = 0; i < bench->sent_count; i++) {
        wanted += bench->seats[i % bench->seat_count].streams;
    }
    return bench->answered == bench->sent_count && bench->delay_count >= wanted;
}

/* One after the other, each once all have read of the one before. */
static void deliver_in_turn(struct bench *bench, uint64_t until_us)
{
    while (system_mono_us() < until_us) {
        const size_t wanted = bench->seats[bench->sent_count % bench->seat_count].streams;
        const size_t number = bench->sent_count;
        const uint64_t patience_us = system_mono_us() + PATIENCE_US;
        (void)rename_somebody(bench);
        while (bench->sent[number].heard < wanted || bench->sent[number].answered_us == 0) {
            turn(bench, 1000);
            if (system_mono_us() > patience_us) {
                die("an event is not heard");
            }
        }
        bench->last_ms[bench->last_count++] =
            ms_between(bench->sent[number].answered_us, system_mono_us());
    }
}

static void deliver_at_rate(struct bench *bench, uint64_t rate, uint64_t until_us)
{
    const uint64_t began_us = system_mono_us();
    for (uint64_t now_us; (now_us = system_mono_us()) < until_us;) {
        const uint64_t due = (now_us - began_us) * rate / 1000000;
        while (bench->sent_count < due && rename_somebody(bench)) {
        }
        turn(bench, 1);
    }
    const uint64_t patience_us = system_mono_us() + PATIENCE_US;
    while (!all_heard(bench) && system_mono_us() < patience_us) {
        turn(bench, 100);
    }
}

static void run_deliver(struct bench *bench, size_t streams, uint64_t rate, uint64_t seconds)
{
    open_streams(bench, streams);
    const uint64_t began_us = system_mono_us();
    if (rate == 0) {
        deliver_in_turn(bench, began_us + seconds * 1000000);
    } else {
        deliver_at_rate(bench, rate, began_us + seconds * 1000000);
    }
    const bool is_whole = all_heard(bench);
    qsort(bench->delays_ms, bench->delay_count, sizeof(float), compare);
    qsort(bench->last_ms, bench->last_count, sizeof(float), compare);
    qsort(bench->asked_ms, bench->answered, sizeof(float), compare);
    printf("{\"streams\": %zu, \"commands\": %zu, \"rate\": %.1f, \"bad\": %zu, \"whole\": %s, "
           "\"p50\": %.3f, \"p99\": %.3f, \"last_p50\": %.3f, \"last_p99\": %.3f, "
           "\"answer_p50\": %.3f, \"answer_p99\": %.3f}\n",
           bench->stream_count, bench->answered,
           (double)(bench->answered - bench->bad) / (double)seconds, bench->bad,
           is_whole ? "true" : "false", at(bench->delays_ms, bench->delay_count, 0.5),
           at(bench->delays_ms, bench->delay_count, 0.99),
           at(bench->last_ms, bench->last_count, 0.5), at(bench->last_ms, bench->last_count, 0.99),
           at(bench->asked_ms, bench->answered, 0.5), at(bench->asked_ms, bench->answered, 0.99));
}

static void run_replay(struct bench *bench, size_t events, size_t times)
{
    char id[TEXT_BYTES];
    float *taken_ms = mem_alloc(times * sizeof(*taken_ms));
    read_line(id, sizeof(id));
    for (size_t i = 0; i < times; i++) {
        struct conn conn = {.seat = 0};
        const uint64_t began_us = system_mono_us();
        ask_for_stream(bench, &conn, id);
        while (conn.events < events) {
            turn(bench, 1000);
            if (system_mono_us() > began_us + PATIENCE_US || conn.is_open) {
                die("a replay");
            }
        }
        taken_ms[i] = ms_between(began_us, system_mono_us());
        close(conn.fd);
        mem_free(&conn.text);
    }
    const float first_ms = taken_ms[0];
    qsort(taken_ms, times, sizeof(float), compare);
    printf("{\"events\": %zu, \"first\": %.3f, \"p50\": %.3f}\n", events, (double)first_ms,
           at(taken_ms, times, 0.5));
    free(taken_ms);
}

static void run_hold(struct bench *bench, size_t streams)
{
    char line[TEXT_BYTES];
    open_streams(bench, streams);
    printf("OPEN\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
    }
    printf("{\"streams\": %zu}\n", bench->stream_count);
}

static uint64_t number_of(char **argv, int index)
{
    return strtoul(argv[index], NULL, 10);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    struct bench *bench = mem_alloc(sizeof(*bench));
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    bench->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    /* Names of another run are other ones: what changes nothing is no event. */
    (void)snprintf(bench->mark, sizeof(bench->mark), "bench-%d-", (int)getpid());
    bench->port = argc > 2 ? (uint16_t)number_of(argv, 2) : 0;
    bench->sent = mem_alloc(COMMANDS_MAX * sizeof(*bench->sent));
    bench->asked_ms = mem_alloc(COMMANDS_MAX * sizeof(float));
    bench->last_ms = mem_alloc(COMMANDS_MAX * sizeof(float));
    if (argc == 5 && strcmp(argv[1], "join") == 0) {
        read_doors(bench);
        run_join(bench, number_of(argv, 3), number_of(argv, 4));
    } else if (argc == 6 && strcmp(argv[1], "guess") == 0) {
        read_doors(bench);
        run_guess(bench, number_of(argv, 3), number_of(argv, 4), number_of(argv, 5));
    } else if (argc == 7 && strcmp(argv[1], "deliver") == 0) {
        read_seats(bench, number_of(argv, 3));
        run_deliver(bench, number_of(argv, 4), number_of(argv, 5), number_of(argv, 6));
    } else if (argc == 5 && strcmp(argv[1], "replay") == 0) {
        read_seats(bench, 1);
        run_replay(bench, number_of(argv, 3), number_of(argv, 4));
    } else if (argc == 5 && strcmp(argv[1], "hold") == 0) {
        read_seats(bench, number_of(argv, 3));
        run_hold(bench, number_of(argv, 4));
    } else {
        (void)fprintf(stderr, "lynks-bench-rooms join|guess|deliver|replay|hold PORT ...\n");
        return 2;
    }
    return 0;
}
