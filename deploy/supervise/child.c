#include "deploy/supervise/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "deploy/supervise/check.h"
#include "deploy/supervise/logfile.h"
#include "deploy/supervise/restart_delay.h"
#include "deploy/supervise/spawn.h"
#include "deploy/supervise/textfile.h"

#define CHECK_PAUSE_MIN_MS 10
#define CHECK_PAUSE_MAX_MS 250
#define CHECK_PAUSE_LATE_MS 1000 /* once it was ready and came back without being so */
#define WHY_BYTES 500

struct child {
    struct loop *loop;
    const struct clock *clock;
    const struct entry *entry;
    const int *listen_fds;
    child_event_fn *fn;
    void *arg;
    enum child_state state;
    struct spawned spawned;
    bool pid_is_told; /* the pid file has it */
    struct logfile *log;
    struct restart_delay restart_delay;
    unsigned restarts;
    bool was_ready;     /* once */
    bool is_retired;    /* is not started again */
    bool is_restarting; /* is being stopped to be started at once */
    uint64_t since_mono_ms;
    uint64_t since_unix_ms;
    uint64_t ready_mono_ms; /* since when it has been ready */
    struct check *check;    /* that is under way */
    size_t checks_passed;
    uint64_t check_pause_ms;
    uint64_t check_timer;
    uint64_t start_timer; /* the next start, after a crash */
    uint64_t kill_timer;
    char why[WHY_BYTES]; /* what the last check said */
};

static void on_child_ended(void *arg, uint32_t events);
static void on_start_timer(void *arg);
static void check_next(void *arg);

const char *child_state_name(enum child_state state)
{
    static const char *const names[] = {"idle",    "starting", "ready",
                                        "waiting", "stopping", "ended"};
    return names[state];
}

static void child_tell(struct child *child, enum child_event event, const char *line)
{
    child->fn(child->arg, child, event, line);
}

static void stop_checks(struct child *child)
{
    clock_cancel(child->clock, child->check_timer);
    child->check_timer = 0;
    check_free(&child->check);
}

static double seconds_since_start(const struct child *child)
{
    return (double)(clock_mono_ms(child->clock) - child->since_mono_ms) / 1000.0;
}

static void become_ready(struct child *child)
{
    child->state = CHILD_READY;
    child->was_ready = true;
    child->ready_mono_ms = clock_mono_ms(child->clock);
    const struct entry *entry = child->entry;
    AUTO(mem_free)
    char *line = mem_printf("%-13s %s%s%s (%.1f s)", entry->name, entry->is_step ? "done" : "ready",
                            entry->shows ? " " : "", entry->shows ? entry->shows : "",
                            seconds_since_start(child));
    child_tell(child, CHILD_BECAME_READY, line);
}

/* The first start did not work out: nothing more comes from this child. */
static void child_fail(struct child *child, const char *what)
{
    child->is_retired = true;
    AUTO(mem_free) char *line = child_complain(child, what);
    child_tell(child, CHILD_FAILED, line);
}

static void on_child_late(struct child *child)
{
    AUTO(mem_free)
    char *what = mem_printf("was not ready within %.0f s (%s)",
                            (double)child->entry->ready_within_ms / 1000.0, child->why);
    stop_checks(child);
    child_fail(child, what);
}

static void on_checked(void *arg, bool ok, const char *why)
{
    struct child *child = arg;
    AUTO(mem_free) char *kept = mem_strdup(why); /* why may live in the check */
    check_free(&child->check);
    if (ok) {
        child->checks_passed++;
        check_next(child);
        return;
    }
    str_copy(child->why, WHY_BYTES, (struct str){kept, strnlen(kept, WHY_BYTES - 1)});
    uint64_t ran_ms = clock_mono_ms(child->clock) - child->since_mono_ms;
    if (ran_ms >= child->entry->ready_within_ms && !child->was_ready) {
        on_child_late(child);
        return;
    }
    uint64_t most =
        ran_ms >= child->entry->ready_within_ms ? CHECK_PAUSE_LATE_MS : CHECK_PAUSE_MAX_MS;
    child->check_timer = clock_after(child->clock, child->check_pause_ms, check_next, child);
    child->check_pause_ms *= 2;
    if (child->check_pause_ms > most) {
        child->check_pause_ms = most;
    }
}

static void check_next(void *arg)
{
    struct child *child = arg;
    child->check_timer = 0;
    if (child->checks_passed == child->entry->check_count) {
        become_ready(child);
    } else {
        child->check = check_new(child->loop, child->entry,
                                 &child->entry->checks[child->checks_passed], on_checked, child);
    }
}

static void begin_checks(struct child *child)
{
    child->checks_passed = 0;
    child->check_pause_ms = CHECK_PAUSE_MIN_MS;
    str_copy(child->why, WHY_BYTES, str_of("no answer"));
    /* From the loop: who starts a child is not called back in the middle of it. */
    child->check_timer = clock_after(child->clock, 0, check_next, child);
}

static void wait_for_start(struct child *child, uint64_t delay_ms)
{
    child->state = CHILD_WAITING;
    child->start_timer = clock_after(child->clock, delay_ms, on_start_timer, child);
}

static void child_run(struct child *child)
{
    child->since_mono_ms = clock_mono_ms(child->clock);
    child->since_unix_ms = clock_unix_ms(child->clock);
    logfile_begin(child->log);
    if (!spawn_entry(child->entry, child->listen_fds, logfile_pipe(child->log), &child->spawned)) {
        /* Out of processes or memory: a state of the machine that may pass. */
        wait_for_start(child, restart_delay_next(&child->restart_delay, 0));
        return;
    }
    child->state = CHILD_STARTING;
    loop_fd_add(child->loop, child->spawned.pidfd, EPOLLIN, on_child_ended, child);
    child->pid_is_told = false;
    child_tell_pid(child);
    if (!child->entry->is_step) {
        begin_checks(child);
    }
    child_tell(child, CHILD_STARTED, "");
}

static void on_start_timer(void *arg)
{
    struct child *child = arg;
    child->start_timer = 0;
    child->restarts++;
    child_run(child);
}

/* As asked for, not after a crash: without a pause. */
static void start_anew(struct child *child)
{
    child->is_restarting = false;
    restart_delay_init(&child->restart_delay);
    child->restarts++;
    child_run(child);
}

static char *describe_end(int status)
{
    if (WIFSIGNALED(status)) {
        return mem_printf("was ended by signal %d (%s)", WTERMSIG(status),
                          sigabbrev_np(WTERMSIG(status)));
    }
    return mem_printf("ended with exit code %d", WEXITSTATUS(status));
}

static void on_crash(struct child *child, const char *end, bool was_up)
{
    uint64_t ready_ms = was_up ? clock_mono_ms(child->clock) - child->ready_mono_ms : 0;
    uint64_t delay_ms = restart_delay_next(&child->restart_delay, ready_ms);
    wait_for_start(child, delay_ms);
    AUTO(mem_free)
    char *line =
        mem_printf("%-13s %s; starts again in %" PRIu64 " ms", child->entry->name, end, delay_ms);
    child_tell(child, CHILD_CRASHED, line);
}

static void on_step_end(struct child *child, int status, const char *end)
{
    child->is_retired = true;
    if (status == 0) {
        become_ready(child);
    } else {
        child_fail(child, end);
    }
}

static void on_child_ended(void *arg, uint32_t events)
{
    (void)events;
    struct child *child = arg;
    bool was_stopping = child->state == CHILD_STOPPING;
    bool was_up = child->state == CHILD_READY;
    loop_fd_remove(child->loop, child->spawned.pidfd);
    AUTO(mem_free) char *end = NULL;
    int status = spawn_reap(&child->spawned);
    end = describe_end(status);
    logfile_drain(child->log);
    textfile_remove(child->entry->pid_file);
    stop_checks(child);
    clock_cancel(child->clock, child->kill_timer);
    child->kill_timer = 0;
    child->state = CHILD_ENDED;
    if (child->is_restarting && !child->is_retired) {
        start_anew(child);
    } else if (was_stopping) {
        child_tell(child, CHILD_STOPPED, "");
    } else if (child->is_retired) {
        return;
    } else if (child->entry->is_step) {
        on_step_end(child, status, end);
    } else if (!child->was_ready) {
        child_fail(child, end);
    } else {
        on_crash(child, end, was_up);
    }
}

struct child *child_new(struct loop *loop, const struct entry *entry, const int *listen_fds,
                        child_event_fn *fn, void *arg)
{
    AUTO(child_free) struct child *child = mem_alloc(sizeof(*child));
    *child = (struct child){.loop = loop,
                            .clock = loop_clock(loop),
                            .entry = entry,
                            .listen_fds = listen_fds,
                            .fn = fn,
                            .arg = arg};
    restart_delay_init(&child->restart_delay);
    child->log = logfile_new(loop, entry->log_file, LOGFILE_MAX_BYTES);
    if (!child->log) {
        return NULL;
    }
    /* One that an earlier supervisor left behind, which was killed. */
    textfile_remove(entry->pid_file);
    return STEAL(child);
}

void child_free(struct child **child)
{
    struct child *c = *child;
    if (!c) {
        return;
    }
    stop_checks(c);
    clock_cancel(c->clock, c->start_timer);
    clock_cancel(c->clock, c->kill_timer);
    if (c->spawned.pid) {
        loop_fd_remove(c->loop, c->spawned.pidfd);
        kill(c->spawned.pid, SIGKILL);
        spawn_reap(&c->spawned);
        textfile_remove(c->entry->pid_file);
    }
    logfile_free(&c->log);
    mem_free(child);
}

void child_start(struct child *child)
{
    child_run(child);
}

void child_kill(struct child *child)
{
    if (child->spawned.pid) {
        kill(child->spawned.pid, SIGKILL);
    }
}

static void on_kill_timer(void *arg)
{
    struct child *child = arg;
    child->kill_timer = 0;
    child_kill(child);
}

void child_retire(struct child *child)
{
    child->is_retired = true;
    clock_cancel(child->clock, child->start_timer);
    child->start_timer = 0;
    if (child->state == CHILD_WAITING) {
        child->state = CHILD_ENDED;
    }
}

static void terminate(struct child *child)
{
    stop_checks(child);
    clock_cancel(child->clock, child->kill_timer);
    child->state = CHILD_STOPPING;
    kill(child->spawned.pid, SIGTERM);
    child->kill_timer =
        clock_after(child->clock, child->entry->stop_within_ms, on_kill_timer, child);
}

bool child_stop(struct child *child)
{
    child_retire(child);
    if (!child->spawned.pid) {
        return false;
    }
    terminate(child);
    return true;
}

void child_restart(struct child *child)
{
    if (child->spawned.pid) {
        child->is_restarting = true;
        terminate(child);
        return;
    }
    clock_cancel(child->clock, child->start_timer);
    child->start_timer = 0;
    start_anew(child);
}

bool child_tell_pid(struct child *child)
{
    if (child->spawned.pid && !child->pid_is_told) {
        child->pid_is_told = textfile_write_pid(child->entry->pid_file, child->spawned.pid);
        return child->pid_is_told;
    }
    return true;
}

void child_reopen_log(struct child *child)
{
    logfile_reopen(child->log);
}

const struct entry *child_entry(const struct child *child)
{
    return child->entry;
}

enum child_state child_state(const struct child *child)
{
    return child->state;
}

pid_t child_pid(const struct child *child)
{
    return child->spawned.pid;
}

unsigned child_restarts(const struct child *child)
{
    return child->restarts;
}

uint64_t child_since_unix_ms(const struct child *child)
{
    return child->since_unix_ms;
}

const char *child_why(const struct child *child)
{
    return child->why;
}

char *child_complain(const struct child *child, const char *what)
{
    const char *last = logfile_last_line(child->log);
    const char *log_file = child->entry->log_file;
    return mem_printf("%s %s%s%s%s%s", child->entry->name, what, *last ? ": " : "", last,
                      log_file ? "; see " : "", log_file ? log_file : "");
}
