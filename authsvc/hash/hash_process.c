#include "authsvc/hash/hash_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/log.h"

#define TRIES 2

struct hash_process {
    const struct hash_process_config *config;
    pid_t pid; /* 0: none */
    int fd;
};

struct hash_process *hash_process_new(const struct hash_process_config *config)
{
    struct hash_process *process = mem_alloc(sizeof(*process));
    process->config = config;
    process->fd = -1;
    return process;
}

static void stop(struct hash_process *process)
{
    if (process->pid == 0) {
        return;
    }
    close(process->fd);
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    process->pid = 0;
}

void hash_process_free(struct hash_process **process_ref)
{
    if (*process_ref != NULL) {
        stop(*process_ref);
        mem_free(process_ref);
    }
}

/* In a session of its own, with no signal blocked, no descriptor but its own and those for
 * messages, and no environment: it needs none of the settings, among which are secrets. Gives an
 * errno. */
static int spawn(pid_t *ret_pid, int fd, const struct hash_process_config *config)
{
    char number[12];
    (void)snprintf(number, sizeof(number), "%d", config->niceness);
    char name[] = "lynks-hash";
    char *const argv[] = {name, number, NULL};
    char *const environment[] = {NULL};
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
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn_file_actions_adddup2(&actions, fd, HASH_WORKER_FD);
    if (error == 0) {
        error = posix_spawn_file_actions_addclosefrom_np(&actions, HASH_WORKER_FD + 1);
    }
    if (error == 0) {
        error = posix_spawn(ret_pid, config->program, &actions, &attributes, argv, environment);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static bool start(struct hash_process *process)
{
    int ends[2];
    if (process->pid != 0) {
        return true;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        log_error("hash worker not started", LOG_Z("error", strerror(errno)));
        return false;
    }
    pid_t pid;
    int error = spawn(&pid, ends[1], process->config);
    close(ends[1]);
    if (error != 0) {
        log_error("hash worker not started", LOG_Z("error", strerror(error)),
                  LOG_Z("program", process->config->program));
        close(ends[0]);
        return false;
    }
    process->pid = pid;
    process->fd = ends[0];
    return true;
}

enum outcome { ANSWERED, GONE, SILENT };

static enum outcome ask_once(struct hash_process *process, const struct hash_request *request,
                             struct hash_answer *ret_answer)
{
    if (!hash_message_send(process->fd, request, sizeof(*request))) {
        return GONE;
    }
    struct pollfd poll_fd = {.fd = process->fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&poll_fd, 1, (int)process->config->patience_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        return SILENT;
    }
    return hash_message_receive(process->fd, ret_answer, sizeof(*ret_answer)) ? ANSWERED : GONE;
}

enum err hash_process_ask(struct hash_process *process, const struct hash_request *request,
                          struct hash_answer *ret_answer)
{
    for (int i = 0; i < TRIES && start(process); i++) {
        enum outcome outcome = ask_once(process, request, ret_answer);
        if (outcome == ANSWERED) {
            return ERR_OK;
        }
        log_warn("hash worker lost", LOG_U64("pid", process->pid),
                 LOG_Z("why", outcome == SILENT ? "no answer" : "ended"));
        metric_inc(process->config->losses);
        stop(process);
        if (outcome == SILENT) {
            break;
        }
    }
    return ERR_UNAVAILABLE;
}
