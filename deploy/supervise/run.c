#include "deploy/supervise/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "deploy/supervise/control.h"
#include "deploy/supervise/detach.h"
#include "deploy/supervise/supervisor.h"
#include "proto/loop/loop.h"

struct run {
    const struct table *table;
    struct loop *loop;
    struct supervisor *supervisor;
    struct control *control;
    int signal_fd;
    int report_fd;
    int exit_code;
};

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* A terminal or pipe that is gone must not end what is supervised. */
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void report(struct run *run)
{
    if (run->report_fd >= 0) {
        detach_report(run->report_fd, run->exit_code);
    }
    run->report_fd = -1;
}

static void print_banner(const struct run *run)
{
    FILE *file = run->table->banner_file ? fopen(run->table->banner_file, "re") : NULL;
    char line[1024];
    while (file && fgets(line, sizeof(line), file)) {
        fputs(line, stdout);
    }
    if (file) {
        fclose(file);
    }
    fflush(stdout);
}

static void on_event(void *arg, enum supervisor_event event, const char *line)
{
    struct run *run = arg;
    switch (event) {
    case SUPERVISOR_LINE:
        printf("%s\n", line);
        fflush(stdout);
        break;
    case SUPERVISOR_ERROR:
        run->exit_code = EXIT_FAILED;
        fprintf(stderr, "%s: %s\n", run->table->title, line);
        break;
    case SUPERVISOR_READY:
        run->exit_code = EXIT_OK;
        print_banner(run);
        report(run);
        break;
    case SUPERVISOR_DONE:
        loop_stop(run->loop);
        break;
    }
}

static void on_signal(void *arg, uint32_t events)
{
    (void)events;
    struct run *run = arg;
    struct signalfd_siginfo info;
    if (read(run->signal_fd, &info, sizeof(info)) != sizeof(info)) {
        return;
    }
    if (info.ssi_signo == SIGUSR1) {
        control_take(run->control);
        return;
    }
    printf("%s: stopping\n", run->table->title);
    fflush(stdout);
    supervisor_stop(run->supervisor);
}

/* What the caller holds open (deploy/up's lock) is kept, but no supervised process gets it. */
static void keep_fds_to_oneself(void)
{
    if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        return;
    }
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) { /* kernels before 5.11 */
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

struct table *run_read_table(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "lynks-supervise: cannot read %s: %s\n", path, strerror(errno));
        return NULL;
    }
    AUTO(mem_free) char *why = NULL;
    struct table *table = table_read(file, &why);
    fclose(file);
    if (!table) {
        fprintf(stderr, "lynks-supervise: %s: %s\n", path, why);
    }
    return table;
}

int run_table(const struct table *table, int report_fd)
{
    AUTO(mem_free) char *why = NULL;
    AUTO(loop_free) struct loop *loop = NULL;
    AUTO(supervisor_free) struct supervisor *supervisor = NULL;
    AUTO(control_free) struct control *control = NULL;
    struct run run = {.table = table, .report_fd = report_fd, .exit_code = EXIT_INTERRUPTED};

    keep_fds_to_oneself();
    run.signal_fd = open_signals(); /* before the loop: it may start threads */
    run.loop = loop = loop_new();
    run.supervisor = supervisor = supervisor_new(loop, table, on_event, &run, &why);
    if (supervisor) {
        control = control_new(supervisor, table->request_file);
        run.control = control;
        loop_fd_add(loop, run.signal_fd, EPOLLIN, on_signal, &run);
        supervisor_start(supervisor);
        loop_run(loop);
        loop_fd_remove(loop, run.signal_fd);
        supervisor_free(&supervisor);
    } else {
        fprintf(stderr, "%s: %s\n", table->title, why);
        run.exit_code = EXIT_FAILED;
    }
    report(&run); /* if it ended before it was ready */
    close(run.signal_fd);
    return run.exit_code;
}
