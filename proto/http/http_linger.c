#include "proto/http/http_linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct closing {
    struct http_linger *linger;
    int fd; /* -1: free */
    size_t bytes;
    uint64_t timer;
};

struct http_linger {
    struct loop *loop;
    size_t count;
    struct closing closing[HTTP_LINGER_MAX];
};

struct http_linger *http_linger_new(struct loop *loop)
{
    struct http_linger *linger = mem_alloc(sizeof(*linger));
    linger->loop = loop;
    for (size_t i = 0; i < HTTP_LINGER_MAX; i++) {
        linger->closing[i] = (struct closing){.linger = linger, .fd = -1};
    }
    return linger;
}

static void end(void *arg)
{
    struct closing *closing = arg;
    loop_fd_remove(closing->linger->loop, closing->fd);
    clock_cancel(loop_clock(closing->linger->loop), closing->timer);
    close(closing->fd);
    closing->fd = -1;
    closing->linger->count--;
}

void http_linger_free(struct http_linger **linger)
{
    if (*linger == NULL) {
        return;
    }
    for (size_t i = 0; i < HTTP_LINGER_MAX; i++) {
        if ((*linger)->closing[i].fd >= 0) {
            end(&(*linger)->closing[i]);
        }
    }
    mem_free(linger);
}

static void on_lingering_readable(void *arg, uint32_t events)
{
    struct closing *closing = arg;
    char bin[16384];
    (void)events;
    ssize_t n = recv(closing->fd, bin, sizeof(bin), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    closing->bytes += n > 0 ? (size_t)n : 0;
    if (n <= 0 || closing->bytes > HTTP_LINGER_BYTES_MAX) {
        end(closing);
    }
}

void http_linger_add(struct http_linger *linger, int fd)
{
    size_t i = 0;
    while (i < HTTP_LINGER_MAX && linger->closing[i].fd >= 0) {
        i++;
    }
    int copy = i < HTTP_LINGER_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy < 0) {
        return;
    }
    struct closing *closing = &linger->closing[i];
    closing->fd = copy;
    closing->bytes = 0;
    closing->timer = clock_after(loop_clock(linger->loop), HTTP_LINGER_MS, end, closing);
    loop_fd_add(linger->loop, copy, EPOLLIN, on_lingering_readable, closing);
    linger->count++;
}
