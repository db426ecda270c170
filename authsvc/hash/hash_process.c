#include "authsvc/hash/hash_process.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/loop/loop_child.h"

#define TRIES 2

enum hash_process_state {
    HASH_PROCESS_NONE,  /* there is no process */
    HASH_PROCESS_IDLE,  /* it runs, and waits for a request */
    HASH_PROCESS_ASKED, /* it runs, and owes an answer */
};

struct hash_process {
    struct loop *loop;
    const struct hash_process_config *config;
    enum hash_process_state state;
    struct loop_child *child; /* NULL, and fd -1: HASH_PROCESS_NONE */
    int fd;
    /* What is asked, until it is answered. */
    struct hash_request request;
    unsigned tries_left;
    uint64_t patience_timer;
    hash_answer_fn *fn;
    void *arg;
};

static void hash_process_become(struct hash_process *process, enum hash_process_state state)
{
    static const char *const names[] = {"none", "idle", "asked"};
    log_debug("hash worker", LOG_Z("state", names[state]), LOG_Z("was", names[process->state]),
              LOG_U64("pid", process->child != NULL ? loop_child_pid(process->child) : 0));
    process->state = state;
}

struct hash_process *hash_process_new(struct loop *loop, const struct hash_process_config *config)
{
    struct hash_process *process = mem_alloc(sizeof(*process));
    *process = (struct hash_process){.loop = loop, .config = config, .fd = -1};
    return process;
}

static void end_process(struct hash_process *process)
{
    clock_cancel(loop_clock(process->loop), process->patience_timer);
    process->patience_timer = 0;
    if (process->fd >= 0) {
        loop_fd_remove(process->loop, process->fd);
        close(process->fd);
        process->fd = -1;
    }
    loop_child_free(&process->child);
    hash_process_become(process, HASH_PROCESS_NONE);
}

void hash_process_free(struct hash_process **process)
{
    if (*process != NULL) {
        end_process(*process);
        sodium_memzero(&(*process)->request, sizeof((*process)->request));
        mem_free(process);
    }
}

static void finish_asking(struct hash_process *process, enum err err,
                          const struct hash_answer *answer)
{
    sodium_memzero(&process->request, sizeof(process->request));
    process->fn(process->arg, err, answer);
}

static void send_hash_request(struct hash_process *process);

static void on_process_lost(struct hash_process *process, const char *why, bool may_try_again)
{
    const bool was_asked = process->state == HASH_PROCESS_ASKED;
    log_warn("hash worker lost", LOG_Z("why", why));
    metric_inc(process->config->losses);
    end_process(process);
    if (was_asked && may_try_again && process->tries_left > 0) {
        send_hash_request(process);
    } else if (was_asked) {
        finish_asking(process, ERR_UNAVAILABLE, NULL);
    }
}

static void on_process_ended(void *arg, int status)
{
    (void)status;
    on_process_lost(arg, "ended", true);
}

static void on_process_silent(void *arg)
{
    struct hash_process *process = arg;
    process->patience_timer = 0;
    on_process_lost(process, "no answer", false);
}

static void on_process_says(void *arg, uint32_t events)
{
    struct hash_process *process = arg;
    struct hash_answer answer;
    (void)events;
    if (!hash_message_receive(process->fd, &answer, sizeof(answer)) ||
        process->state != HASH_PROCESS_ASKED) {
        on_process_lost(process, "ended", true);
        return;
    }
    clock_cancel(loop_clock(process->loop), process->patience_timer);
    process->patience_timer = 0;
    hash_process_become(process, HASH_PROCESS_IDLE);
    finish_asking(process, ERR_OK, &answer);
    sodium_memzero(&answer, sizeof(answer));
}

/* In a session of its own, with no environment: it needs none of the settings, among which are
 * secrets. */
static bool start_process(struct hash_process *process)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        log_error("hash worker not started", LOG_Z("error", strerror(errno)));
        return false;
    }
    char niceness[12];
    (void)snprintf(niceness, sizeof(niceness), "%d", process->config->niceness);
    const char *const argv[] = {"lynks-hash", niceness, NULL};
    const char *const environment[] = {NULL};
    _Static_assert(HASH_WORKER_FD == 3, "the first of the child's fds");
    const struct loop_child_config child = {.program = process->config->program,
                                            .argv = argv,
                                            .environ = environment,
                                            .fds = {ends[1]},
                                            .fd_count = 1,
                                            .own_session = true};
    int error = 0;
    process->child = loop_child_new(process->loop, &child, on_process_ended, process, &error);
    close(ends[1]);
    if (process->child == NULL) {
        log_error("hash worker not started", LOG_Z("error", strerror(error)),
                  LOG_Z("program", process->config->program));
        close(ends[0]);
        return false;
    }
    process->fd = ends[0];
    loop_fd_add(process->loop, process->fd, EPOLLIN, on_process_says, process);
    hash_process_become(process, HASH_PROCESS_IDLE);
    return true;
}

static void send_hash_request(struct hash_process *process)
{
    process->tries_left--;
    if (process->state == HASH_PROCESS_NONE && !start_process(process)) {
        finish_asking(process, ERR_UNAVAILABLE, NULL);
        return;
    }
    hash_process_become(process, HASH_PROCESS_ASKED);
    process->patience_timer = clock_after(loop_clock(process->loop), process->config->patience_ms,
                                          on_process_silent, process);
    /* There is always room for it: nothing else is on its way. */
    if (!hash_message_send(process->fd, &process->request, sizeof(process->request))) {
        on_process_lost(process, "ended", true);
    }
}

void hash_process_ask(struct hash_process *process, const struct hash_request *request,
                      hash_answer_fn *fn, void *arg)
{
    process->request = *request;
    process->tries_left = TRIES;
    process->fn = fn;
    process->arg = arg;
    send_hash_request(process);
}
