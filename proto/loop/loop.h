/* The one loop of a process, on libuv: descriptors, timers, signals, work that other threads hand
 * in, and what is put off to the end of a turn.
 *
 * A turn: timers that are due; the end of the turn, in which all that was put off is done; waiting
 * for descriptors, not at all if there is anything left to do; what the descriptors, the signals
 * and the other threads have to say. So nothing that was put off waits for the next event.
 *
 * Everything here is called from the loop's own thread, but for loop_post. A socket of ZeroMQ is on
 * the loop through bus_reader (proto/bus/bus_reader.h), a child process through loop_child. */
#ifndef LYNKS_PROTO_LOOP_LOOP_H
#define LYNKS_PROTO_LOOP_LOOP_H

#include "proto/base/clock.h"
#include "proto/base/err.h"
#include "proto/base/list.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop **loop); /* whatever is still registered is dropped */

const struct clock *loop_clock(struct loop *loop); /* lives as long as the loop */

/* events: EPOLLIN, EPOLLOUT, EPOLLRDHUP; level-triggered. fn is told those of them that have
 * happened. An error comes unasked, as EPOLLERR together with EPOLLIN and EPOLLOUT as far as they
 * were asked for, and a hang-up as all that was asked for: reading and writing then tell the rest.
 * Without any events nothing comes. The descriptor becomes non-blocking. fn may remove its own or
 * any other descriptor. The descriptor stays the caller's; remove it before closing it. */
typedef void loop_fd_fn(void *arg, uint32_t events);
void loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void loop_fd_modify(struct loop *loop, int fd, uint32_t events);
void loop_fd_remove(struct loop *loop, int fd); /* unknown ones are ignored */

/* Calls fn (arg) on the loop whenever the process gets this signal (SIGTERM, SIGHUP, SIGCHLD, ...).
 * The signal must not be blocked in the loop's thread; other threads had better block all, as those
 * of pool.h do, so that their system calls are not interrupted. A program that forks by itself
 * blocks all signals until the child has reset their handlers. */
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *loop, int number, timer_fn *fn, void *arg);
void loop_signal_free(struct loop_signal **signal); /* after the last one it does its default */

/* Something to be done when all events of a turn have been handled, before the loop waits: what
 * many of them want is then done once, for all of them together. */
struct loop_late {
    struct list_link link;
    timer_fn *fn;
    void *arg;
};
void loop_late_init(struct loop_late *late, timer_fn *fn, void *arg);
void loop_late_add(struct loop *loop, struct loop_late *late); /* once, however often it is asked */
/* The same at the end of the next turn, which comes at once: for who has had his share of this one
 * and has more to do. */
void loop_late_add_next(struct loop *loop, struct loop_late *late);
void loop_late_remove(struct loop_late *late); /* harmless if it is not added */

/* What one client of the loop takes in one turn, of messages or whatever it has, before others have
 * had their turn. */
#define LOOP_BATCH 64

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
