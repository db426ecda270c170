/* A child process on the loop: started, told of when it has ended, ended.
 *
 *     struct loop_child *child = loop_child_new(loop, &config, on_ended, self, &error);
 *     ... on_ended (self, status): the child is reaped; loop_child_free, perhaps start another
 *
 * libuv has processes too (uv_process); these are posix_spawn and a pidfd instead, because a child
 * of ours must not inherit what some library left open, and because nothing here shares a handler
 * of SIGCHLD with anybody. A program that forks by itself watches its child's pidfd likewise:
 * loop_fd_add (loop, pidfd, EPOLLIN, ...), then waitpid. */
#ifndef LYNKS_PROTO_LOOP_LOOP_CHILD_H
#define LYNKS_PROTO_LOOP_LOOP_CHILD_H

#include <sys/types.h>

#include "proto/loop/loop.h"

#define LOOP_CHILD_FDS_MAX 8

/* All is borrowed until loop_child_new returns. */
struct loop_child_config {
    const char *program;         /* a path; "/proc/self/exe": this one */
    const char *const *argv;     /* NULL-terminated */
    const char *const *environ;  /* NULL-terminated; NULL: ours */
    int fds[LOOP_CHILD_FDS_MAX]; /* become its descriptors 3, 4, ...; it has no others but 0, 1, 2
                                  */
    size_t fd_count;
    bool own_session; /* no signal of our terminal or process group reaches it */
};

/* status: waitpid's, for WIFEXITED and its like. It has been reaped. fn may free the child. */
typedef void loop_child_ended_fn(void *arg, int status);

struct loop_child;

/* Starts it with no signal blocked and all at their defaults. NULL and *ret_error (an errno) if it
 * cannot be started. */
struct loop_child *loop_child_new(struct loop *loop, const struct loop_child_config *config,
                                  loop_child_ended_fn *fn, void *arg, int *ret_error);
/* One that still runs is killed and reaped; fn is not called for it. */
void loop_child_free(struct loop_child **child);

pid_t loop_child_pid(const struct loop_child *child); /* 0 once it has ended */

#endif
