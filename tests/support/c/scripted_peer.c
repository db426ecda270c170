#include "tests/support/c/scripted_peer.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 65536
#define HUGE_BYTES (20 * 1024 * 1024)
#define BLOCK_BYTES 4096
#define FOR_EVER SIZE_MAX
#define END_OF_CHUNKS "\r\n0\r\n\r\n"
#define DRIP_MS 20

struct peer_connection {
    struct peer *peer;
    int fd;
    char in[REQUEST_BYTES_MAX + 1];
    size_t in_bytes;
    char *out;
    size_t out_bytes, out_sent;
    char *block;       /* repeated after out */
    size_t block_left; /* bytes of all repetitions; FOR_EVER: they do not end */
    bool drips;
    bool close_after;
    bool is_asked; /* a request has no answer yet */
    uint64_t timer;
    struct peer_connection *next;
};

struct peer {
    struct loop *loop;
    const struct clock *clock;
    peer_fn *fn;
    peer_gone_fn *gone;
    void *arg;
    int listen_fd; /* -1: stopped */
    uint16_t port;
    struct peer_connection *connections;
    size_t count, accepted;
};

/* ---- connections ---- */

static void end(struct peer_connection *connection, bool reset)
{
    struct peer *peer = connection->peer;
    struct peer_connection **at = &peer->connections;
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
    peer->count--;
    peer->gone(peer->arg, connection);
    clock_cancel(peer->clock, connection->timer);
    loop_fd_remove(peer->loop, connection->fd);
    if (reset) {
        const struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    close(connection->fd);
    mem_free(&connection->out);
    mem_free(&connection->block);
    mem_free(&connection);
}

static void pump(struct peer_connection *connection);

static void on_drip(void *arg)
{
    struct peer_connection *connection = arg;
    connection->timer = 0;
    pump(connection);
}

/* Sends from out; gives false if the connection ended. */
static bool send_some(struct peer_connection *connection, const char *data, size_t bytes,
                      size_t *ret_sent)
{
    ssize_t sent = send(connection->fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
        end(connection, false);
        return false;
    }
    *ret_sent = sent > 0 ? (size_t)sent : 0;
    return true;
}

static void set_out(struct peer_connection *connection, char *text)
{
    mem_free(&connection->out);
    connection->out = text;
    connection->out_bytes = strlen(text);
    connection->out_sent = 0;
}

/* Likewise, from the block. One that ends is followed by the end of the chunks. */
static bool send_block(struct peer_connection *connection)
{
    const size_t bytes = strlen(connection->block);
    size_t sent = 0;
    if (!send_some(connection, connection->block,
                   bytes < connection->block_left ? bytes : connection->block_left, &sent)) {
        return false;
    }
    connection->block_left -= connection->block_left == FOR_EVER ? 0 : sent;
    if (connection->block_left == 0) {
        mem_free(&connection->block);
        set_out(connection, mem_strdup(END_OF_CHUNKS));
    }
    return true;
}

static void pump(struct peer_connection *connection)
{
    struct peer *peer = connection->peer;
    size_t left = connection->out_bytes - connection->out_sent;
    size_t sent = 0;
    if (left > 0) {
        if (!send_some(connection, connection->out + connection->out_sent,
                       connection->drips ? 1 : left, &sent)) {
            return;
        }
        connection->out_sent += sent;
    } else if (connection->block != NULL && !send_block(connection)) {
        return;
    }
    left = connection->out_bytes - connection->out_sent;
    if (left == 0 && connection->close_after) {
        end(connection, false);
        return;
    }
    const bool more = left > 0 || connection->block != NULL;
    if (connection->drips && more) {
        connection->timer = clock_after(peer->clock, DRIP_MS, on_drip, connection);
    }
    loop_fd_modify(peer->loop, connection->fd,
                   more && !connection->drips ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* ---- requests ---- */

/* Gives the length of the whole request at the front of in, 0 if it is not there yet. */
static size_t request_bytes(const struct peer_connection *connection, size_t *ret_header)
{
    const char *end_of_header = strstr(connection->in, "\r\n\r\n");
    if (end_of_header == NULL) {
        return 0;
    }
    *ret_header = (size_t)(end_of_header - connection->in) + 4;
    const char *length = strcasestr(connection->in, "\r\ncontent-length:");
    size_t body = 0;
    if (length != NULL && length < end_of_header) {
        body = strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
    }
    return *ret_header + body <= connection->in_bytes ? *ret_header + body : 0;
}

static void take_request(struct peer_connection *connection)
{
    struct peer *peer = connection->peer;
    size_t header = 0;
    const size_t whole = request_bytes(connection, &header);
    if (whole == 0) {
        return;
    }
    char method[8] = "";
    char path[1024] = "";
    AUTO(mem_free)
    char *body = str_dup((struct str){connection->in + header, whole - header});
    int fields = sscanf(connection->in, "%7s %1023s", method, path);
    assert(fields == 2);
    connection->in_bytes -= whole;
    memmove(connection->in, connection->in + whole, connection->in_bytes + 1);
    connection->is_asked = true;
    peer->fn(peer->arg, connection, method, path, body);
}

static void on_connection(void *arg, uint32_t events)
{
    struct peer_connection *connection = arg;
    if (events & EPOLLOUT) {
        pump(connection);
        return;
    }
    ssize_t got = recv(connection->fd, connection->in + connection->in_bytes,
                       REQUEST_BYTES_MAX - connection->in_bytes, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            end(connection, false);
        }
        return;
    }
    connection->in_bytes += (size_t)got;
    connection->in[connection->in_bytes] = '\0';
    take_request(connection);
}

static void on_accept(void *arg, uint32_t events)
{
    struct peer *peer = arg;
    (void)events;
    int fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    struct peer_connection *connection = mem_alloc(sizeof(*connection));
    connection->peer = peer;
    connection->fd = fd;
    connection->next = peer->connections;
    peer->connections = connection;
    peer->count++;
    peer->accepted++;
    loop_fd_add(peer->loop, fd, EPOLLIN, on_connection, connection);
}

/* ---- answers ---- */

/* As Janus answers: chunked. */
#define WELL "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

static char *well(int status, const char *body)
{
    return mem_printf(WELL "%zx\r\n%s" END_OF_CHUNKS, status, strlen(body), body);
}

static char *with_length(size_t bytes, const char *body)
{
    return mem_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", bytes, body);
}

static char *repeated(char c, size_t bytes)
{
    char *text = mem_alloc(bytes + 1);
    memset(text, c, bytes);
    return text;
}

static char *answer(enum peer_fault fault, int status, const char *body)
{
    AUTO(mem_free) char *whole = well(status, body);
    AUTO(mem_free) char *filler = NULL;
    switch (fault) {
    case PEER_HALF_CLOSE:
    case PEER_HALF_SILENT:
        return str_dup((struct str){whole, strlen(whole) - strlen(body) / 2 - 7});
    case PEER_NOT_HTTP:
        return mem_strdup("\x16\x03\x01 220 mail.example ESMTP ready\r\n");
    case PEER_LENGTH_LONG:
        return with_length(strlen(body) + 100, body);
    case PEER_LENGTH_SHORT:
        return with_length(strlen(body) / 2, body);
    case PEER_LENGTH_HUGE:
        return with_length(1000000000000000000, body);
    case PEER_HUGE:
        return mem_printf(WELL "%x\r\n", status, HUGE_BYTES);
    case PEER_ENDLESS_CHUNKS:
        return mem_strdup("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    case PEER_ENDLESS_HEADERS:
        return mem_strdup("HTTP/1.1 200 OK\r\n");
    case PEER_TWICE:
        return mem_printf("%s%s", whole, whole);
    case PEER_STATUS_500:
        return well(500, body);
    case PEER_HTML:
        return well(200, "<!DOCTYPE html><html><body>Bad gateway</body></html>");
    case PEER_REDIRECT:
        return mem_strdup("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n"
                          "Content-Length: 0\r\n\r\n");
    case PEER_DEEP:
        filler = repeated('[', 100000);
        return well(200, filler);
    case PEER_EMPTY:
        return well(200, "");
    default:
        return STEAL(whole);
    }
}

/* What comes again and again after the answer; NULL: nothing. 20 MB are not made at once: on a busy
 * machine that alone would keep the loop, and Janus' other answers with it, for seconds. */
static char *block_of(enum peer_fault fault)
{
    if (fault == PEER_HUGE) {
        return repeated(' ', BLOCK_BYTES);
    }
    AUTO(mem_free) char *filler = repeated('x', BLOCK_BYTES);
    return fault == PEER_ENDLESS_CHUNKS    ? mem_printf("%x\r\n%s\r\n", BLOCK_BYTES, filler)
           : fault == PEER_ENDLESS_HEADERS ? mem_printf("X-Filler: %.100s\r\n", filler)
                                           : NULL;
}

void peer_reply(struct peer_connection *connection, enum peer_fault fault, int status,
                const char *body)
{
    if (fault == PEER_SILENT) {
        return;
    }
    if (fault == PEER_CLOSE || fault == PEER_RESET) {
        end(connection, fault == PEER_RESET);
        return;
    }
    connection->is_asked = false;
    set_out(connection, answer(fault, status, body));
    mem_free(&connection->block);
    connection->block = block_of(fault);
    connection->block_left = fault == PEER_HUGE ? HUGE_BYTES : FOR_EVER;
    connection->drips = fault == PEER_DRIP;
    connection->close_after = fault == PEER_HALF_CLOSE || fault == PEER_NOT_HTTP;
    pump(connection);
}

/* ---- life ---- */

void peer_start(struct peer *peer)
{
    const int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(peer->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    assert(peer->listen_fd < 0);
    peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(peer->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(peer->listen_fd, (const struct sockaddr *)&address, bytes) != 0 ||
        listen(peer->listen_fd, 128) != 0 ||
        getsockname(peer->listen_fd, (struct sockaddr *)&address, &bytes) != 0) {
        perror("scripted peer");
        abort();
    }
    peer->port = ntohs(address.sin_port);
    loop_fd_add(peer->loop, peer->listen_fd, EPOLLIN, on_accept, peer);
}

void peer_stop(struct peer *peer)
{
    if (peer->listen_fd >= 0) {
        loop_fd_remove(peer->loop, peer->listen_fd);
        close(peer->listen_fd);
        peer->listen_fd = -1;
    }
    while (peer->connections != NULL) {
        end(peer->connections, true);
    }
}

void peer_cut_idle(struct peer *peer)
{
    for (struct peer_connection *at = peer->connections, *next; at != NULL; at = next) {
        next = at->next;
        if (!at->is_asked) {
            end(at, false);
        }
    }
}

struct peer *peer_new(struct loop *loop, peer_fn *fn, peer_gone_fn *gone, void *arg)
{
    struct peer *peer = mem_alloc(sizeof(*peer));
    *peer = (struct peer){.loop = loop,
                          .clock = loop_clock(loop),
                          .fn = fn,
                          .gone = gone,
                          .arg = arg,
                          .listen_fd = -1};
    peer_start(peer);
    return peer;
}

void peer_free(struct peer **peer_ref)
{
    if (*peer_ref != NULL) {
        peer_stop(*peer_ref);
        mem_free(peer_ref);
    }
}

uint16_t peer_port(const struct peer *peer)
{
    return peer->port;
}

size_t peer_connections(const struct peer *peer)
{
    return peer->count;
}

size_t peer_accepted(const struct peer *peer)
{
    return peer->accepted;
}
