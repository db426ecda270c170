#include "proto/loop/loop_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Rounds of what was put off and of sockets that have more, before descriptors get theirs. */
#define SETTLE_ROUNDS 4

struct socket_watch {
    struct loop *loop;
    void *zsock;
    int fd;
    struct list_link due; /* in the loop's due ones, or none */
    loop_socket_fn *fn;
    void *arg;
    struct socket_watch *next;
};

/* A socket's descriptor (ZMQ_FD) tells of news, not of a state: after it, and after anything else
 * was done with the socket, it must be emptied, or nothing tells of what is left. */
static void make_due(struct socket_watch *watch)
{
    list_remove(&watch->due);
    list_add(&watch->loop->due, &watch->due);
}

static void on_news(void *arg, uint32_t events)
{
    (void)events;
    make_due(arg);
}

/* A share of each that is due. What has more is due again at the end of the list. */
static int take_due(struct loop *loop)
{
    struct list_link last;
    list_init(&last);
    list_add(&loop->due, &last);
    int rc = 0;
    while (rc == 0 && loop->due.next != &last) {
        struct socket_watch *watch = CONTAINER_OF(loop->due.next, struct socket_watch, due);
        list_remove(&watch->due);
        if (watch->fn(watch->arg)) {
            make_due(watch);
        }
        rc = loop_after_event(loop);
    }
    list_remove(&last);
    return rc;
}

static struct socket_watch **socket_place(struct loop *loop, const void *zsock)
{
    struct socket_watch **place = &loop->sockets;
    while (*place != NULL && (*place)->zsock != zsock) {
        place = &(*place)->next;
    }
    return place;
}

void loop_socket_used(struct loop *loop, const void *zsock)
{
    struct socket_watch *watch = *socket_place(loop, zsock);
    assert(watch != NULL);
    make_due(watch);
}

void loop_socket_add(struct loop *loop, void *zsock, loop_socket_fn *fn, void *arg)
{
    struct socket_watch *watch = mem_alloc(sizeof(*watch));
    *watch = (struct socket_watch){
        .loop = loop, .zsock = zsock, .fn = fn, .arg = arg, .next = loop->sockets};
    loop->sockets = watch;
    list_init(&watch->due);
    size_t bytes = sizeof(watch->fd);
    int rc = zmq_getsockopt(zsock_resolve(zsock), ZMQ_FD, &watch->fd, &bytes);
    assert(rc == 0);
    (void)rc;
    loop_fd_add(loop, watch->fd, EPOLLIN, on_news, watch);
    make_due(watch); /* what came before is told by nobody any more */
}

void loop_socket_remove(struct loop *loop, void *zsock)
{
    struct socket_watch **place = socket_place(loop, zsock);
    struct socket_watch *watch = *place;
    if (watch != NULL) {
        *place = watch->next;
        list_remove(&watch->due);
        loop_fd_remove(loop, watch->fd);
        free(watch);
    }
}

/* ---- the end of a turn ---- */

void loop_late_init(struct loop_late *late, timer_fn *fn, void *arg)
{
    *late = (struct loop_late){.fn = fn, .arg = arg};
    list_init(&late->link);
}

void loop_late_add(struct loop *loop, struct loop_late *late)
{
    if (list_is_empty(&late->link)) {
        list_add(&loop->late, &late->link);
    }
}

void loop_late_remove(struct loop_late *late)
{
    list_remove(&late->link);
}

void loop_do_late(struct loop *loop)
{
    while (!list_is_empty(&loop->late)) {
        struct loop_late *late = CONTAINER_OF(loop->late.next, struct loop_late, link);
        list_remove(&late->link);
        late->fn(late->arg);
    }
}

static void come_back(void *arg)
{
    struct loop *loop = arg;
    loop->due_timer = 0;
}

int loop_settle(struct loop *loop)
{
    int rc = 0;
    for (int i = 0; i < SETTLE_ROUNDS && rc == 0; i++) {
        rc = take_due(loop);
        loop_do_late(loop);
        if (list_is_empty(&loop->due)) {
            return rc != 0 ? rc : loop_after_event(loop);
        }
    }
    if (loop->due_timer == 0) {
        loop->due_timer = clock_after(&loop->clock, 0, come_back, loop);
    }
    return rc != 0 ? rc : loop_after_event(loop);
}

void loop_drop_sockets(struct loop *loop)
{
    while (!list_is_empty(&loop->late)) {
        list_remove(loop->late.next);
    }
    while (loop->sockets != NULL) {
        loop_socket_remove(loop, loop->sockets->zsock);
    }
}
