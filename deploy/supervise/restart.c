#include "deploy/supervise/restart.h"

struct restart {
    const struct clock *clock;
    struct child **children;
    size_t count;
    size_t at; /* the one that is being restarted */
    uint64_t since_ms;
    uint64_t timer;
    restart_fn *fn;
    void *arg;
};

static void stop_timer(struct restart *restart)
{
    clock_cancel(restart->clock, restart->timer);
    restart->timer = 0;
}

static void restart_fail(struct restart *restart, const char *what)
{
    stop_timer(restart);
    AUTO(mem_free) char *line = child_complain(restart->children[restart->at], what);
    restart->fn(restart->arg, RESTART_FAILED, line);
}

static void on_restart_late(void *arg)
{
    struct restart *restart = arg;
    const struct child *child = restart->children[restart->at];
    AUTO(mem_free)
    char *what = mem_printf("was not ready again within %.0f s (%s)",
                            (double)child_entry(child)->ready_within_ms / 1000.0, child_why(child));
    restart_fail(restart, what);
}

static void begin_one(struct restart *restart)
{
    struct child *child = restart->children[restart->at];
    restart->since_ms = clock_mono_ms(restart->clock);
    restart->timer =
        clock_after(restart->clock, child_entry(child)->stop_within_ms, on_restart_late, restart);
    child_restart(child);
}

/* The time to end is over, the time to become ready begins. */
static void on_child_started(struct restart *restart, const struct child *child)
{
    stop_timer(restart);
    restart->timer =
        clock_after(restart->clock, child_entry(child)->ready_within_ms, on_restart_late, restart);
}

static void on_child_ready(struct restart *restart, const struct child *child)
{
    stop_timer(restart);
    uint64_t took_ms = clock_mono_ms(restart->clock) - restart->since_ms;
    AUTO(mem_free)
    char *line =
        mem_printf("%-13s restarted (%.1f s)", child_entry(child)->name, (double)took_ms / 1000.0);
    restart->fn(restart->arg, RESTART_LINE, line);
    restart->at++;
    if (restart->at < restart->count) {
        begin_one(restart);
    } else {
        restart->fn(restart->arg, RESTART_DONE, "");
    }
}

void restart_on_child(struct restart *restart, const struct child *child, enum child_event event)
{
    if (child != restart->children[restart->at]) {
        return;
    }
    switch (event) {
    case CHILD_STARTED:
        on_child_started(restart, child);
        break;
    case CHILD_BECAME_READY:
        on_child_ready(restart, child);
        break;
    case CHILD_CRASHED:
    case CHILD_FAILED:
    case CHILD_STOPPED:
        restart_fail(restart, "did not come back");
        break;
    }
}

struct restart *restart_new(struct loop *loop, struct child *const *children, size_t count,
                            restart_fn *fn, void *arg)
{
    struct restart *restart = mem_alloc(sizeof(*restart));
    *restart = (struct restart){.clock = loop_clock(loop), .count = count, .fn = fn, .arg = arg};
    restart->children = mem_alloc(count * sizeof(struct child *));
    memcpy(restart->children, children, count * sizeof(struct child *));
    return restart;
}

void restart_free(struct restart **restart)
{
    if (!*restart) {
        return;
    }
    stop_timer(*restart);
    mem_free(&(*restart)->children);
    mem_free(restart);
}

void restart_begin(struct restart *restart)
{
    begin_one(restart);
}
