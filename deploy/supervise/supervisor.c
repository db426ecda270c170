#include "deploy/supervise/supervisor.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "deploy/supervise/child.h"
#include "deploy/supervise/logfile.h"
#include "deploy/supervise/ports.h"
#include "deploy/supervise/status.h"
#include "deploy/supervise/textfile.h"

#define STATUS_RETRY_MS 1000 /* the disk may be full */

struct supervisor {
    struct loop *loop;
    const struct table *table;
    supervisor_fn *fn;
    void *arg;
    struct ports *ports;
    struct logfile *log;
    struct child *children[TABLE_ENTRIES_MAX];
    size_t count;
    size_t started;        /* children 0 to started - 1 have been */
    uint64_t status_timer; /* the next attempt to write the status */
    bool is_ready;
    bool is_stopping;
    struct restart *restart; /* that is under way */
    restart_fn *restart_fn;
    void *restart_arg;
};

static void write_log(struct supervisor *supervisor, const char *line)
{
    char when[32];
    time_t now = (time_t)(clock_unix_ms(loop_clock(supervisor->loop)) / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    AUTO(mem_free) char *text = mem_printf("%s %s\n", when, line);
    logfile_append(supervisor->log, str_of(text));
}

static void supervisor_tell(struct supervisor *supervisor, enum supervisor_event event,
                            const char *line)
{
    if (*line) {
        write_log(supervisor, line);
    }
    supervisor->fn(supervisor->arg, event, line);
}

/* Until it succeeds, with the process ids, so that nobody is told for good what was true once. */
static void write_status(void *arg)
{
    struct supervisor *supervisor = arg;
    const struct clock *clock = loop_clock(supervisor->loop);
    clock_cancel(clock, supervisor->status_timer);
    supervisor->status_timer = 0;
    bool ok = status_write(supervisor->table->status_file, supervisor->children, supervisor->count);
    for (size_t i = 0; i < supervisor->count; i++) {
        ok = child_tell_pid(supervisor->children[i]) && ok;
    }
    if (!ok) {
        supervisor->status_timer = clock_after(clock, STATUS_RETRY_MS, write_status, supervisor);
    }
}

static void supervisor_on_restart(void *arg, enum restart_event event, const char *line)
{
    struct supervisor *supervisor = arg;
    if (event == RESTART_FAILED) {
        AUTO(mem_free) char *text = mem_printf("  restart: %s", line);
        supervisor_tell(supervisor, SUPERVISOR_LINE, text);
    }
    if (event != RESTART_LINE) {
        restart_free(&supervisor->restart);
    }
    supervisor->restart_fn(supervisor->restart_arg, event, line);
}

/* Adds the rolling ones of this name (NULL: any) that are not chosen yet. */
static bool choose_services(const struct supervisor *supervisor, const char *name, bool *chosen)
{
    bool found = false;
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct entry *entry = child_entry(supervisor->children[i]);
        if (entry->is_rolling && (!name || !strcmp(entry->name, name))) {
            found = chosen[i] = true;
        }
    }
    return found;
}

static bool choose_named(const struct supervisor *supervisor, const char *const *names,
                         size_t count, bool *chosen, char **ret_why)
{
    for (size_t i = 0; i < count; i++) {
        if (!choose_services(supervisor, names[i], chosen)) {
            *ret_why = mem_printf("there is no service %s", names[i]);
            return false;
        }
    }
    if (!count && !choose_services(supervisor, NULL, chosen)) {
        *ret_why = mem_strdup("there is no service to restart");
        return false;
    }
    return true;
}

bool supervisor_restart(struct supervisor *supervisor, const char *const *names, size_t count,
                        restart_fn *fn, void *arg, char **ret_why)
{
    bool chosen[TABLE_ENTRIES_MAX] = {false};
    if (!supervisor->is_ready || supervisor->is_stopping || supervisor->restart) {
        *ret_why = mem_strdup(supervisor->is_stopping ? "everything is being stopped"
                              : supervisor->restart   ? "a restart is under way already"
                                                      : "not everything has been started yet");
        return false;
    }
    if (!choose_named(supervisor, names, count, chosen, ret_why)) {
        return false;
    }
    struct child *children[TABLE_ENTRIES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < supervisor->count; i++) {
        if (chosen[i]) {
            children[n++] = supervisor->children[i];
        }
    }
    supervisor->restart_fn = fn;
    supervisor->restart_arg = arg;
    supervisor->restart =
        restart_new(supervisor->loop, children, n, supervisor_on_restart, supervisor);
    restart_begin(supervisor->restart);
    write_status(supervisor);
    return true;
}

/* The next one that runs, from the end; when none is left, all is done. */
static void stop_next(struct supervisor *supervisor)
{
    for (size_t i = supervisor->started; i-- > 0;) {
        struct child *child = supervisor->children[i];
        if (child_state(child) == CHILD_STOPPING || child_stop(child)) {
            return;
        }
    }
    supervisor_tell(supervisor, SUPERVISOR_DONE, "");
}

static void stop_later(void *arg)
{
    struct supervisor *supervisor = arg;
    stop_next(supervisor);
    write_status(supervisor);
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->is_stopping) {
        for (size_t i = 0; i < supervisor->started; i++) {
            child_kill(supervisor->children[i]);
        }
        return;
    }
    supervisor->is_stopping = true;
    if (supervisor->restart) {
        supervisor_on_restart(supervisor, RESTART_FAILED, "everything is being stopped");
    }
    for (size_t i = 0; i < supervisor->started; i++) {
        child_retire(supervisor->children[i]);
    }
    loop_post(supervisor->loop, stop_later, supervisor);
}

static void start_next(struct supervisor *supervisor)
{
    do {
        child_start(supervisor->children[supervisor->started++]);
    } while (supervisor->started < supervisor->count &&
             child_entry(supervisor->children[supervisor->started])->is_together);
}

static bool all_started_are_ready(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->started; i++) {
        const struct child *child = supervisor->children[i];
        enum child_state state = child_state(child);
        /* One that was ready and crashed since is being brought back: no reason to wait for it. */
        if (state == CHILD_STARTING && !child_restarts(child)) {
            return false;
        }
    }
    return true;
}

static void on_became_ready(struct supervisor *supervisor, const char *line)
{
    AUTO(mem_free) char *indented = mem_printf("  %s", line);
    supervisor_tell(supervisor, SUPERVISOR_LINE, indented);
    if (supervisor->is_ready || supervisor->is_stopping || !all_started_are_ready(supervisor)) {
        return;
    }
    if (supervisor->started < supervisor->count) {
        start_next(supervisor);
        return;
    }
    supervisor->is_ready = true;
    supervisor_tell(supervisor, SUPERVISOR_READY, "");
}

static void on_child(void *arg, struct child *child, enum child_event event, const char *line)
{
    struct supervisor *supervisor = arg;
    AUTO(mem_free) char *text = mem_printf("  %s", line);
    switch (event) {
    case CHILD_STARTED:
        break;
    case CHILD_BECAME_READY:
        on_became_ready(supervisor, line);
        break;
    case CHILD_FAILED:
        if (!supervisor->is_stopping) {
            supervisor_tell(supervisor, SUPERVISOR_ERROR, line);
            supervisor_stop(supervisor);
        }
        break;
    case CHILD_CRASHED:
        supervisor_tell(supervisor, SUPERVISOR_LINE, text);
        break;
    case CHILD_STOPPED: {
        AUTO(mem_free) char *stopped = mem_printf("  %-13s stopped", child_entry(child)->name);
        supervisor_tell(supervisor, SUPERVISOR_LINE, stopped);
        stop_next(supervisor);
        break;
    }
    }
    if (supervisor->restart) {
        restart_on_child(supervisor->restart, child, event);
    }
    write_status(supervisor);
}

static bool supervisor_set_up(struct supervisor *supervisor, char **ret_why)
{
    const struct table *table = supervisor->table;
    supervisor->log = logfile_new(supervisor->loop, table->log_file, LOGFILE_MAX_BYTES);
    if (!supervisor->log || !textfile_write_pid(table->pid_file, getpid())) {
        *ret_why = mem_printf("cannot write %s: %s",
                              supervisor->log ? table->pid_file : table->log_file, strerror(errno));
        return false;
    }
    supervisor->ports = ports_claim(table, ret_why);
    if (!supervisor->ports) {
        return false;
    }
    for (size_t i = 0; i < table->entry_count; i++) {
        const struct entry *entry = &table->entries[i];
        struct child *child = child_new(
            supervisor->loop, entry, ports_listeners(supervisor->ports, i), on_child, supervisor);
        if (!child) {
            *ret_why = mem_printf("cannot write %s: %s", entry->log_file, strerror(errno));
            return false;
        }
        supervisor->children[supervisor->count++] = child;
    }
    return true;
}

struct supervisor *supervisor_new(struct loop *loop, const struct table *table, supervisor_fn *fn,
                                  void *arg, char **ret_why)
{
    AUTO(supervisor_free) struct supervisor *supervisor = mem_alloc(sizeof(*supervisor));
    *supervisor = (struct supervisor){.loop = loop, .table = table, .fn = fn, .arg = arg};
    if (!supervisor_set_up(supervisor, ret_why)) {
        return NULL;
    }
    return STEAL(supervisor);
}

void supervisor_free(struct supervisor **supervisor)
{
    struct supervisor *s = *supervisor;
    if (!s) {
        return;
    }
    restart_free(&s->restart);
    clock_cancel(loop_clock(s->loop), s->status_timer);
    while (s->count > 0) {
        child_free(&s->children[--s->count]);
    }
    ports_free(&s->ports);
    logfile_free(&s->log);
    textfile_remove(s->table->status_file);
    textfile_remove(s->table->pid_file);
    mem_free(supervisor);
}

void supervisor_reopen_logs(struct supervisor *supervisor)
{
    logfile_reopen(supervisor->log);
    for (size_t i = 0; i < supervisor->count; i++) {
        child_reopen_log(supervisor->children[i]);
    }
}

void supervisor_start(struct supervisor *supervisor)
{
    start_next(supervisor);
    write_status(supervisor);
}
