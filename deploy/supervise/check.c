#include "deploy/supervise/check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "deploy/supervise/spawn.h"

#define ANSWER_BYTES 1024

struct check {
    struct loop *loop;
    const struct check_spec *spec;
    check_fn *fn;
    void *arg;
    uint64_t timer;
    const char *why; /* told if there is no answer in time; a literal */
    int fd;          /* of the connection; -1: none */
    bool is_sent;    /* the request of an HTTP check */
    struct spawned command;
    size_t answer_bytes;
    char answer[ANSWER_BYTES];
};

static void check_release(struct check *check)
{
    clock_cancel(loop_clock(check->loop), check->timer);
    if (check->fd >= 0) {
        loop_fd_remove(check->loop, check->fd);
        close(check->fd);
        check->fd = -1;
    }
    if (check->command.pid) {
        loop_fd_remove(check->loop, check->command.pidfd);
        kill(check->command.pid, SIGKILL);
        spawn_reap(&check->command);
    }
}

static void check_finish(struct check *check, bool ok, const char *why)
{
    check_release(check);
    check->fn(check->arg, ok, why); /* may free it */
}

static void on_check_timeout(void *arg)
{
    struct check *check = arg;
    check_finish(check, false, check->why);
}

/* The status is known once the head's first line is there; the body says what is missing. */
static void check_judge(struct check *check)
{
    int status = 0;
    if (sscanf(check->answer, "HTTP/1.%*c %d", &status) != 1) {
        check_finish(check, false, "no HTTP answer");
        return;
    }
    char *body = strstr(check->answer, "\r\n\r\n");
    body = body ? body + 4 : check->answer + check->answer_bytes;
    body[strcspn(body, "\r\n")] = '\0';
    AUTO(mem_free) char *why = mem_printf("status %d%s%s", status, *body ? " " : "", body);
    check_finish(check, status == 200, status == 200 ? "" : why);
}

static void read_answer(struct check *check)
{
    size_t room = ANSWER_BYTES - 1 - check->answer_bytes;
    ssize_t n = room ? recv(check->fd, check->answer + check->answer_bytes, room, 0) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0) {
        check->answer_bytes += (size_t)n;
        check->answer[check->answer_bytes] = '\0';
        return;
    }
    check_judge(check);
}

static void send_check_request(struct check *check)
{
    AUTO(mem_free)
    char *request = mem_printf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                               check->spec->text, check->spec->endpoint.host);
    size_t bytes = strlen(request);
    check->is_sent = true;
    if (send(check->fd, request, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
        check_finish(check, false, "the connection was closed");
    } else {
        loop_fd_modify(check->loop, check->fd, EPOLLIN);
    }
}

static void on_check_connection(void *arg, uint32_t events)
{
    (void)events;
    struct check *check = arg;
    if (check->is_sent) {
        read_answer(check);
        return;
    }
    int why = 0;
    socklen_t bytes = sizeof(why);
    getsockopt(check->fd, SOL_SOCKET, SO_ERROR, &why, &bytes);
    if (why) {
        check_finish(check, false, strerror(why));
    } else if (check->spec->type == CHECK_TCP) {
        check_finish(check, true, "");
    } else {
        send_check_request(check);
    }
}

static void on_command_end(void *arg, uint32_t events)
{
    (void)events;
    struct check *check = arg;
    loop_fd_remove(check->loop, check->command.pidfd);
    bool ok = spawn_reap(&check->command) == 0;
    check_finish(check, ok, ok ? "" : "the command failed");
}

static bool begin_command(struct check *check, const struct entry *entry)
{
    if (!spawn_command(entry, check->spec->text, &check->command)) {
        return false;
    }
    loop_fd_add(check->loop, check->command.pidfd, EPOLLIN, on_command_end, check);
    return true;
}

static bool begin_connection(struct check *check)
{
    const struct endpoint *to = &check->spec->endpoint;
    check->fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (check->fd < 0) {
        return false;
    }
    int result = connect(check->fd, (const struct sockaddr *)&to->address, to->address_bytes);
    if (result != 0 && errno != EINPROGRESS) {
        return false;
    }
    loop_fd_add(check->loop, check->fd, EPOLLOUT, on_check_connection, check);
    return true;
}

struct check *check_new(struct loop *loop, const struct entry *entry, const struct check_spec *spec,
                        check_fn *fn, void *arg)
{
    struct check *check = mem_alloc(sizeof(*check));
    *check = (struct check){
        .loop = loop, .spec = spec, .fn = fn, .arg = arg, .fd = -1, .why = "no answer"};
    bool ok = spec->type == CHECK_COMMAND ? begin_command(check, entry) : begin_connection(check);
    if (!ok) {
        check->why = strerrordesc_np(errno);
    }
    /* What fails at once is told at once, but from the loop like every answer. */
    check->timer =
        clock_after(loop_clock(loop), ok ? CHECK_TIMEOUT_MS : 0, on_check_timeout, check);
    return check;
}

void check_free(struct check **check)
{
    if (!*check) {
        return;
    }
    check_release(*check);
    mem_free(check);
}
