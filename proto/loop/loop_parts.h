/* The inside of the loop, shared by its files and nobody else: loop.c (life, timers, descriptors,
 * posts) and loop_sockets.c (sockets, and the end of a turn). */
#ifndef LYNKS_PROTO_LOOP_LOOP_PARTS_H
#define LYNKS_PROTO_LOOP_LOOP_PARTS_H

#include "proto/loop/loop.h"

#include <czmq.h>
#include <pthread.h>

#include "proto/loop/timer_heap.h"

struct loop {
    zloop_t *zloop;
    struct clock clock;

    struct timer_heap *timers;
    int zloop_timer; /* -1: none */
    uint64_t zloop_due_ms;

    int epoll_fd;
    zmq_pollitem_t epoll_item;
    struct watch **watches; /* by descriptor */
    size_t watch_room;
    struct watch *dead; /* removed during a batch, freed after it */

    struct socket_watch *sockets;
    struct list_link due; /* those that may have messages of which no descriptor tells */
    struct list_link late;
    uint64_t due_timer;

    int post_fd;
    pthread_mutex_t post_lock;
    struct post *posts, **posts_end;

    bool stopped;
    bool stop_asked; /* loop_stop before loop_run counts */
    loop_predicate *predicate;
    void *predicate_arg;
};

/* loop.c */

/* After whatever may have changed what the loop runs for. Gives zloop's answer: -1 ends it. */
int loop_after_event(struct loop *loop);

/* loop_sockets.c */

/* After the events of a turn: takes from sockets, does what was put off. -1 ends the loop. */
int loop_settle(struct loop *loop);
/* All that was put off, and what is put off meanwhile. */
void loop_do_late(struct loop *loop);
void loop_drop_sockets(struct loop *loop);

#endif
