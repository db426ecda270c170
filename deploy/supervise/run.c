#include "deploy/supervise/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "deploy/supervise/control.h"
#include "deploy/supervise/detach.h"
#include "deploy/supervise/supervisor.h"
#include "proto/loop/loop.h"

#define RUN_SIGNALS 4

struct run {
    const struct table *table;
    struct loop *loop;
    struct supervisor *supervisor;
    struct control *control;
    struct loop_signal *signals[RUN_SIGNALS];
    int report_fd;
    int exit_code;
    bool has_terminal;
};

static void report_start(struct run *run)
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

static void run_on_event(void *arg, enum supervisor_event event, const char *line)
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
        report_start(run);
        break;
    case SUPERVISOR_DONE:
        loop_stop(run->loop);
        break;
    }
}

static void on_restart_signal(void *arg)
{
    const struct run *run = arg;
    control_take(run->control);
}

static void on_stop_signal(void *arg)
{
    const struct run *run = arg;
    printf("%s: stopping\n", run->table->title);
    fflush(stdout);
    supervisor_stop(run->supervisor);
}

/* A terminal that is closed takes along what runs in its foreground; without one, as always in the
 * background, this is how the logs' files are changed. */
static void on_hangup_signal(void *arg)
{
    const struct run *run = arg;
    if (run->has_terminal) {
        on_stop_signal(arg);
    } else {
        supervisor_reopen_logs(run->supervisor);
    }
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* detach_fork has blocked them: what came since then is told now. */
static void take_signals(struct run *run)
{
    static const struct {
        int number;
        timer_fn *fn;
    } handlers[RUN_SIGNALS] = {{SIGUSR1, on_restart_signal},
                               {SIGINT, on_stop_signal},
                               {SIGTERM, on_stop_signal},
                               {SIGHUP, on_hangup_signal}};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < RUN_SIGNALS; i++) {
        run->signals[i] = loop_signal_new(run->loop, handlers[i].number, handlers[i].fn, run);
        sigaddset(&set, handlers[i].number);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    /* A terminal or pipe that is gone must not end what is supervised. */
    signal(SIGPIPE, SIG_IGN);
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

    run.has_terminal = has_terminal();
    keep_fds_to_oneself();
    run.loop = loop = loop_new();
    run.supervisor = supervisor = supervisor_new(loop, table, run_on_event, &run, &why);
    if (supervisor) {
        control = control_new(supervisor, table->request_file);
        run.control = control;
        take_signals(&run);
        supervisor_start(supervisor);
        loop_run(loop);
        for (size_t i = 0; i < RUN_SIGNALS; i++) {
            loop_signal_free(&run.signals[i]);
        }
        supervisor_free(&supervisor);
    } else {
        fprintf(stderr, "%s: %s\n", table->title, why);
        run.exit_code = EXIT_FAILED;
    }
    report_start(&run); /* if it ended before it was ready */
    return run.exit_code;
}
