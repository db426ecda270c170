#include "proto/loop/loop_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3

struct loop_child {
    struct loop *loop;
    pid_t pid; /* 0: it has ended, or there never was one */
    int pidfd; /* readable when it has ended; -1: none */
    loop_child_ended_fn *fn;
    void *arg;
};

static int reap(struct loop_child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    child->pid = 0;
    return status;
}

static void on_pidfd_ready(void *arg, uint32_t events)
{
    struct loop_child *child = arg;
    (void)events;
    loop_fd_remove(child->loop, child->pidfd);
    close(child->pidfd);
    child->pidfd = -1;
    int status = reap(child);
    child->fn(child->arg, status);
}

/* The copies are above all targets, so that none is overwritten before it is placed. */
static int place_child_fds(posix_spawn_file_actions_t *actions, const int *copies, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = posix_spawn_file_actions_adddup2(actions, copies[i], FIRST_FD + (int)i);
    }
    return error != 0 ? error
                      : posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FD + (int)count);
}

static int start_child(const struct loop_child_config *config, const int *copies, pid_t *ret_pid)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  (config->own_session ? POSIX_SPAWN_SETSID : 0)));
    int error = place_child_fds(&actions, copies, config->fd_count);
    if (error == 0) {
        /* posix_spawn takes them without const for C89's sake and does not change them. */
        error = posix_spawn(
            ret_pid, config->program, &actions, &attributes, (char *const *)(uintptr_t)config->argv,
            config->environ != NULL ? (char *const *)(uintptr_t)config->environ : environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int copy_and_start(const struct loop_child_config *config, pid_t *ret_pid)
{
    int copies[LOOP_CHILD_FDS_MAX] = {0};
    size_t count = 0;
    int error = 0;
    while (count < config->fd_count && error == 0) {
        copies[count] = fcntl(config->fds[count], F_DUPFD_CLOEXEC, FIRST_FD + LOOP_CHILD_FDS_MAX);
        error = copies[count] < 0 ? errno : 0;
        count += error == 0;
    }
    if (error == 0) {
        error = start_child(config, copies, ret_pid);
    }
    while (count > 0) {
        close(copies[--count]);
    }
    return error;
}

struct loop_child *loop_child_new(struct loop *loop, const struct loop_child_config *config,
                                  loop_child_ended_fn *fn, void *arg, int *ret_error)
{
    assert(config->fd_count <= LOOP_CHILD_FDS_MAX);
    AUTO(loop_child_free) struct loop_child *child = mem_alloc(sizeof(*child));
    *child = (struct loop_child){.loop = loop, .pidfd = -1, .fn = fn, .arg = arg};
    int error = copy_and_start(config, &child->pid);
    if (error != 0) {
        child->pid = 0;
        *ret_error = error;
        return NULL;
    }
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0); /* close-on-exec by itself */
    if (child->pidfd < 0) {
        *ret_error = errno;
        return NULL;
    }
    loop_fd_add(loop, child->pidfd, EPOLLIN, on_pidfd_ready, child);
    return STEAL(child);
}

void loop_child_free(struct loop_child **child)
{
    struct loop_child *self = *child;
    if (self == NULL) {
        return;
    }
    if (self->pidfd >= 0) {
        loop_fd_remove(self->loop, self->pidfd);
        close(self->pidfd);
    }
    if (self->pid != 0) {
        kill(self->pid, SIGKILL);
        (void)reap(self);
    }
    mem_free(child);
}

pid_t loop_child_pid(const struct loop_child *child)
{
    return child->pid;
}
