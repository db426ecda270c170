/* The one loop of a process: a czmq zloop that carries ZeroMQ sockets, file descriptors and timers.
 *
 * Everything here is called from the loop's own thread, but for loop_post. File descriptors and
 * sockets live in one epoll set of ours, of which zloop polls the one descriptor: changing what is
 * watched costs a system call, not a rebuild of zloop's poll set, and sockets that have nothing to
 * say cost nothing, where zloop asks each of them at every turn. Timers are a heap of ours behind
 * one zloop timer, for the same reason: there is one for every call in flight. */
#ifndef LYNKS_PROTO_LOOP_LOOP_H
#define LYNKS_PROTO_LOOP_LOOP_H

#include "proto/base/list.h"
#include "proto/base/clock.h"
#include "proto/base/err.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop **loop); /* whatever is still registered is dropped */

const struct clock *loop_clock(struct loop *loop); /* lives as long as the loop */

/* events: EPOLLIN, EPOLLOUT; level-triggered. EPOLLERR and EPOLLHUP come unasked. fn may remove its
 * own or any other descriptor. The descriptor stays the caller's; remove it before closing it. */
typedef void loop_fd_fn(void *arg, uint32_t events);
void loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void loop_fd_modify(struct loop *loop, int fd, uint32_t events);
void loop_fd_remove(struct loop *loop, int fd); /* unknown ones are ignored */

/* socket: a zsock_t. fn takes at most LOOP_BATCH messages each time; true: there may be more (then
 * the socket is still there). */
#define LOOP_BATCH 64
typedef bool loop_socket_fn(void *arg);
void loop_socket_add(struct loop *loop, void *zsock, loop_socket_fn *fn, void *arg);
void loop_socket_remove(struct loop *loop, void *zsock);
/* Whoever does anything but receive with a socket that was added says so: libzmq may have noticed
 * messages by the way, of which nothing tells any more. */
void loop_socket_used(struct loop *loop, const void *zsock);

/* Something to be done when all events of a turn have been handled, before the loop waits: what
 * many of them want is then done once, for all of them together. */
struct loop_late {
    struct list_link link;
    timer_fn *fn;
    void *arg;
};
void loop_late_init(struct loop_late *late, timer_fn *fn, void *arg);
void loop_late_add(struct loop *loop, struct loop_late *late); /* once, however often it is asked */
void loop_late_remove(struct loop_late *late);                 /* harmless if it is not added */

/* Calls fn (arg) on the loop as soon as it turns. The one function for other threads. */
void loop_post(struct loop *loop, timer_fn *fn, void *arg);
/* Takes back what was posted with this fn and arg and has not been called: for whoever frees arg.
 * From the loop's thread. */
void loop_unpost(struct loop *loop, timer_fn *fn, const void *arg);

void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* also from a handler */

/* Turns the loop until predicate (arg) is true; false if that took more than timeout_ms. For tests
 * and for draining. The predicate is asked after each event. */
typedef bool loop_predicate(void *arg);
bool loop_run_until(struct loop *loop, loop_predicate *predicate, void *arg, uint64_t timeout_ms);

#endif
