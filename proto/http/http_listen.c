#include "proto/http/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INHERITED_FD 3

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse_address(const char *host, uint16_t port, union address *ret_address)
{
    union address a = {0};
    if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons(port);
        *ret_address = a;
        return sizeof(a.v4);
    }
    if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons(port);
        *ret_address = a;
        return sizeof(a.v6);
    }
    return 0;
}

/* 0 or -1, errno set. */
static int set_up_listener(int fd, const union address *address, socklen_t bytes)
{
    const int on = 1;
    const int off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
        return -1;
    }
    if (address->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) {
        return -1;
    }
    if (bind(fd, &address->any, bytes) != 0) {
        return -1;
    }
    return listen(fd, HTTP_BACKLOG);
}

int http_listen(const char *host, uint16_t port, const char **ret_why)
{
    union address address;
    socklen_t bytes = parse_address(host, port, &address);
    if (bytes == 0) {
        *ret_why = "not a numeric address";
        return -1;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && set_up_listener(fd, &address, bytes) == 0) {
        return fd;
    }
    *ret_why = strerrordesc_np(errno);
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

uint16_t http_listen_port(int fd)
{
    union address address = {0};
    socklen_t bytes = sizeof(address);
    if (getsockname(fd, &address.any, &bytes) != 0) {
        return 0;
    }
    bool is_v6 = address.any.sa_family == AF_INET6;
    return ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port);
}

static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t bytes = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) == 0 && listening == 1;
}

int http_listen_inherited(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    char own_pid[16];
    (void)snprintf(own_pid, sizeof(own_pid), "%d", (int)getpid());
    if (pid == NULL || count == NULL || strcmp(pid, own_pid) != 0) {
        return 0;
    }
    bool one = strcmp(count, "1") == 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (!one || !is_listening(INHERITED_FD)) {
        return -1;
    }
    if (fcntl(INHERITED_FD, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(INHERITED_FD, F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    return INHERITED_FD;
}

int http_listen_accept(int fd, struct sockaddr_storage *ret_from, socklen_t *ret_from_bytes)
{
    *ret_from_bytes = sizeof(*ret_from);
    return accept4(fd, (struct sockaddr *)ret_from, ret_from_bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
