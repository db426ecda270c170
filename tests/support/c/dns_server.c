#include "tests/support/c/dns_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 1035, section 4.1 */
#define HEADER_BYTES 12
#define TYPE_A 1
#define ANSWER_BYTES 16
#define REPLY_ROOM (512 + DNS_ADDRESSES_MAX * ANSWER_BYTES)

static size_t count_addresses(const struct dns_server *server)
{
    size_t count = 0;
    while (count < DNS_ADDRESSES_MAX && server->addresses[count] != NULL) {
        count++;
    }
    return count;
}

static void append_answers(const struct dns_server *server, size_t count, uint8_t *end)
{
    /* The name is the question's, type A, class IN, not to be kept, four bytes. */
    static const uint8_t record[ANSWER_BYTES - 4] = {
        0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4};
    for (size_t i = 0; i < count; i++, end += ANSWER_BYTES) {
        memcpy(end, record, sizeof(record));
        int rc = inet_pton(AF_INET, server->addresses[i], end + sizeof(record));
        assert(rc == 1);
    }
}

static void on_question(void *arg, uint32_t events)
{
    struct dns_server *server = arg;
    uint8_t message[REPLY_ROOM];
    struct sockaddr_in peer;
    socklen_t peer_bytes = sizeof(peer);
    (void)events;
    ssize_t received = recvfrom(server->fd, message, 512, 0, (struct sockaddr *)&peer, &peer_bytes);
    if (received < HEADER_BYTES) {
        return;
    }
    const uint8_t *name = message + HEADER_BYTES;
    size_t name_bytes = strnlen((const char *)name, (size_t)received - HEADER_BYTES) + 1;
    size_t bytes = HEADER_BYTES + name_bytes + 4; /* with type and class */
    assert(bytes <= (size_t)received);
    if (name[0] >= 6 && strncasecmp((const char *)name + 1, "silent", 6) == 0) {
        server->ignored++;
        return;
    }
    bool is_v4 = name[name_bytes + 1] == TYPE_A;
    size_t count = count_addresses(server);
    server->answered += is_v4;
    message[2] = 0x81;                    /* a reply, recursion desired */
    message[3] = count > 0 ? 0x80 : 0x83; /* recursion available; no such name */
    memset(message + 6, 0, 6);            /* records: no answers, nor anything else */
    message[7] = is_v4 ? (uint8_t)count : 0;
    if (is_v4) {
        append_answers(server, count, message + bytes);
        bytes += count * ANSWER_BYTES;
    }
    (void)sendto(server->fd, message, bytes, 0, (const struct sockaddr *)&peer, peer_bytes);
}

void dns_server_init(struct dns_server *server, struct loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    *server = (struct dns_server){.loop = loop};
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = bind(server->fd, (const struct sockaddr *)&address, bytes);
    assert(rc == 0);
    rc = getsockname(server->fd, (struct sockaddr *)&address, &bytes);
    assert(rc == 0);
    (void)snprintf(server->endpoint, sizeof(server->endpoint), "127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    loop_fd_add(loop, server->fd, EPOLLIN, on_question, server);
}

void dns_server_fini(struct dns_server *server)
{
    loop_fd_remove(server->loop, server->fd);
    close(server->fd);
}
