#include "tests/support/c/http_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVED_MAX (4 * 1024 * 1024)

struct http_client {
    struct loop *loop;
    int fd;
    bool closed;
    bool was_reset;
    bool reading;
    char *out; /* not sent yet */
    size_t out_bytes;
    char *in;
    size_t in_bytes, in_room;
    size_t awaited;
};

static void watch(struct http_client *client)
{
    if (!client->closed) {
        loop_fd_modify(client->loop, client->fd,
                       (client->reading ? (uint32_t)EPOLLIN : 0) |
                           (client->out_bytes > 0 ? (uint32_t)EPOLLOUT : 0));
    }
}

static void close_client(struct http_client *client)
{
    if (!client->closed) {
        client->closed = true;
        loop_fd_remove(client->loop, client->fd);
        close(client->fd);
    }
}

static void flush(struct http_client *client)
{
    while (client->out_bytes > 0) {
        ssize_t n = send(client->fd, client->out, client->out_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                client->was_reset = true;
                client->out_bytes = 0; /* what the server has answered is still read */
            }
            break;
        }
        client->out_bytes -= (size_t)n;
        memmove(client->out, client->out + n, client->out_bytes);
    }
    watch(client);
}

static void receive(struct http_client *client)
{
    char chunk[65536];
    ssize_t n = recv(client->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        client->was_reset = client->was_reset || n < 0;
        close_client(client);
        return;
    }
    size_t needed = client->in_bytes + (size_t)n;
    assert(needed < RECEIVED_MAX);
    if (needed > client->in_room) {
        client->in_room = 2 * needed;
        client->in = mem_realloc_array(client->in, client->in_room, 1);
    }
    memcpy(client->in + client->in_bytes, chunk, (size_t)n);
    client->in_bytes = needed;
}

static void on_events(void *arg, uint32_t events)
{
    struct http_client *client = arg;
    if (client->reading && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        receive(client);
    }
    if (!client->closed && (events & EPOLLOUT) != 0) {
        flush(client);
    }
}

struct http_client *http_client_new(struct loop *loop, uint16_t port, const char *from)
{
    struct http_client *client = mem_alloc(sizeof(*client));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->loop = loop;
    client->reading = true;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(client->fd >= 0);
    if (from != NULL) {
        struct sockaddr_in own = {.sin_family = AF_INET};
        int parsed = inet_pton(AF_INET, from, &own.sin_addr);
        int bound = bind(client->fd, (struct sockaddr *)&own, sizeof(own));
        assert(parsed == 1 && bound == 0);
        (void)parsed;
        (void)bound;
    }
    /* On loopback this ends at once: the kernel answers for the listening socket. */
    int connected = connect(client->fd, (struct sockaddr *)&to, sizeof(to));
    assert(connected == 0);
    (void)connected;
    loop_fd_add(loop, client->fd, EPOLLIN, on_events, client);
    return client;
}

void http_client_free(struct http_client **client)
{
    if (*client != NULL) {
        close_client(*client);
        free((*client)->out);
        free((*client)->in);
        mem_free(client);
    }
}

void http_client_send(struct http_client *client, struct str data)
{
    if (client->closed || data.bytes == 0) {
        return;
    }
    client->out = mem_realloc_array(client->out, client->out_bytes + data.bytes, 1);
    memcpy(client->out + client->out_bytes, data.data, data.bytes);
    client->out_bytes += data.bytes;
    flush(client);
}

void http_client_sendf(struct http_client *client, const char *format, ...)
{
    AUTO(mem_free) char *text = NULL;
    va_list args;
    va_start(args, format);
    int bytes = vasprintf(&text, format, args);
    va_end(args);
    assert(bytes >= 0);
    http_client_send(client, (struct str){.data = text, .bytes = (size_t)bytes});
}

size_t http_client_unsent(const struct http_client *client)
{
    return client->out_bytes;
}

void http_client_shutdown(struct http_client *client)
{
    (void)shutdown(client->fd, SHUT_WR);
}

void http_client_reset(struct http_client *client)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (!client->closed) {
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        close_client(client);
    }
}

void http_client_read(struct http_client *client, bool on)
{
    client->reading = on;
    watch(client);
}

/* ---- answers ---- */

struct answer {
    struct str head; /* without the empty line */
    struct str body;
};

static struct str header_in(struct str head, const char *name)
{
    const char *end = head.data + head.bytes;
    size_t name_bytes = strlen(name);
    const char *line = memchr(head.data, '\n', head.bytes);
    while (line != NULL && ++line + name_bytes < end) {
        const char *line_end = memchr(line, '\r', (size_t)(end - line));
        line_end = line_end == NULL ? end : line_end;
        if (strncasecmp(line, name, name_bytes) == 0 && line[name_bytes] == ':') {
            const char *value = line + name_bytes + 1;
            while (value < line_end && *value == ' ') {
                value++;
            }
            return (struct str){.data = value, .bytes = (size_t)(line_end - value)};
        }
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return STR_LIT("");
}

/* Takes one answer off rest. */
static bool next_answer(struct str *rest, struct answer *ret_answer)
{
    const char *gap = rest->bytes == 0 ? NULL : memmem(rest->data, rest->bytes, "\r\n\r\n", 4);
    if (gap == NULL) {
        return false;
    }
    struct answer answer = {.head = {.data = rest->data, .bytes = (size_t)(gap - rest->data)}};
    char length[24] = "";
    bool fits = str_copy(length, sizeof(length), header_in(answer.head, "Content-Length"));
    size_t body_bytes = fits ? (size_t)strtoull(length, NULL, 10) : 0;
    size_t before = answer.head.bytes + 4;
    if (rest->bytes - before < body_bytes) {
        return false;
    }
    answer.body = (struct str){.data = gap + 4, .bytes = body_bytes};
    rest->data += before + body_bytes;
    rest->bytes -= before + body_bytes;
    *ret_answer = answer;
    return true;
}

static bool find_answer(const struct http_client *client, size_t index, struct answer *ret_answer)
{
    struct str rest = {.data = client->in, .bytes = client->in_bytes};
    for (size_t i = 0; i <= index; i++) {
        if (!next_answer(&rest, ret_answer)) {
            return false;
        }
    }
    return true;
}

static bool is_awaited(void *arg)
{
    const struct http_client *client = arg;
    struct answer answer;
    return find_answer(client, client->awaited - 1, &answer);
}

bool http_client_await(struct http_client *client, size_t count, uint64_t timeout_ms)
{
    client->awaited = count;
    return loop_run_until(client->loop, is_awaited, client, timeout_ms);
}

static bool is_closed(void *arg)
{
    return ((const struct http_client *)arg)->closed;
}

bool http_client_await_close(struct http_client *client, uint64_t timeout_ms)
{
    return loop_run_until(client->loop, is_closed, client, timeout_ms);
}

bool http_client_is_closed(const struct http_client *client)
{
    return client->closed;
}

bool http_client_was_reset(const struct http_client *client)
{
    return client->was_reset;
}

struct str http_client_received(const struct http_client *client)
{
    return (struct str){.data = client->in, .bytes = client->in_bytes};
}

int http_client_status(const struct http_client *client, size_t index)
{
    struct answer answer;
    if (!find_answer(client, index, &answer) || answer.head.bytes < 12) {
        return 0;
    }
    int status = 0; /* digit by digit: what came ends without a NUL */
    for (const char *digit = answer.head.data + 9; digit < answer.head.data + 12; digit++) {
        status = 10 * status + (*digit - '0');
    }
    return status;
}

struct str http_client_body(const struct http_client *client, size_t index)
{
    struct answer answer;
    return find_answer(client, index, &answer) ? answer.body : STR_NONE;
}

struct str http_client_header(const struct http_client *client, size_t index, const char *name)
{
    struct answer answer;
    return find_answer(client, index, &answer) ? header_in(answer.head, name) : STR_LIT("");
}
