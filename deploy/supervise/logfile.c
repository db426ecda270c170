#include "deploy/supervise/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 400
#define READ_BYTES 65536
#define READS_MAX 64 /* of one drain: a process may write faster than a disk takes it */

struct logfile {
    struct loop *loop;
    char *path;
    size_t max_bytes;
    size_t bytes; /* in the file now */
    int fd;       /* -1: none, it is tried again with the next text */
    int read_end;
    int write_end;
    size_t lost_bytes; /* that could not be written since the last that could */
    int lost_errno;    /* why */
    bool is_in_line;   /* the file does not end with a newline */
    size_t line_bytes; /* of line */
    bool line_ended;   /* the next byte begins a new one */
    char line[LINE_BYTES];
};

/* In place of the one that is open, which stays if this one cannot be opened. */
static bool open_file(struct logfile *log)
{
    int fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
        return false;
    }
    if (log->fd >= 0) {
        close(log->fd);
    }
    struct stat stat;
    log->fd = fd;
    log->bytes = fstat(fd, &stat) == 0 ? (size_t)stat.st_size : 0;
    log->is_in_line = false;
    return true;
}

static void rotate(struct logfile *log)
{
    AUTO(mem_free) char *old = mem_printf("%s.1", log->path);
    close(log->fd);
    log->fd = -1;
    rename(log->path, old);
    open_file(log);
}

/* Returns how much the file took; errno says why not all. */
static size_t logfile_write(struct logfile *log, struct str text)
{
    ssize_t n = write(log->fd, text.data, text.bytes);
    if (n <= 0) {
        return 0;
    }
    size_t written = (size_t)n;
    log->bytes += written;
    log->is_in_line = text.data[written - 1] != '\n';
    errno = ENOSPC; /* nothing else cuts a write to a file */
    return written;
}

/* What was lost is told where it would have been. */
static bool tell_lost(struct logfile *log)
{
    if (!log->lost_bytes) {
        return true;
    }
    AUTO(mem_free)
    char *note =
        mem_printf("%slynks-supervise: %zu bytes of this log were lost: %s\n",
                   log->is_in_line ? "\n" : "", log->lost_bytes, strerrordesc_np(log->lost_errno));
    if (logfile_write(log, str_of(note)) < strlen(note)) {
        return false;
    }
    log->lost_bytes = 0;
    return true;
}

static void keep_line(struct logfile *log, struct str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (c == '\n') {
            log->line_ended = true;
            continue;
        }
        if (log->line_ended) {
            log->line_bytes = 0;
        }
        log->line_ended = false;
        if (log->line_bytes < LINE_BYTES - 1) {
            log->line[log->line_bytes++] = c;
        }
    }
    log->line[log->line_bytes] = '\0';
}

void logfile_append(struct logfile *log, struct str text)
{
    keep_line(log, text);
    if (!log->path) {
        return;
    }
    if (log->fd >= 0 && log->bytes && log->bytes + text.bytes > log->max_bytes) {
        rotate(log);
    }
    size_t written = 0;
    if ((log->fd >= 0 || open_file(log)) && tell_lost(log)) {
        written = logfile_write(log, text);
    }
    if (written < text.bytes) { /* a full disk must not stop what is supervised */
        log->lost_bytes += text.bytes - written;
        log->lost_errno = errno;
    }
}

void logfile_reopen(struct logfile *log)
{
    if (log->path) {
        open_file(log);
    }
}

static bool logfile_take(struct logfile *log)
{
    char buffer[READ_BYTES];
    ssize_t n = read(log->read_end, buffer, sizeof(buffer));
    if (n <= 0) {
        return false;
    }
    logfile_append(log, (struct str){.data = buffer, .bytes = (size_t)n});
    return true;
}

static void on_log_readable(void *arg, uint32_t events)
{
    (void)events;
    logfile_take(arg);
}

void logfile_drain(struct logfile *log)
{
    for (int i = 0; i < READS_MAX && logfile_take(log); i++) {
        continue;
    }
}

struct logfile *logfile_new(struct loop *loop, const char *path, size_t max_bytes)
{
    AUTO(logfile_free) struct logfile *log = mem_alloc(sizeof(*log));
    log->fd = log->read_end = log->write_end = -1;
    log->max_bytes = max_bytes;
    log->path = mem_strdup(path);
    int ends[2];
    if ((path && !open_file(log)) || pipe2(ends, O_CLOEXEC) != 0) {
        return NULL;
    }
    log->read_end = ends[0];
    log->write_end = ends[1];
    /* Only our end: the other is the process' stdout, which it expects to block. */
    fcntl(log->read_end, F_SETFL, O_NONBLOCK);
    log->loop = loop;
    loop_fd_add(loop, log->read_end, EPOLLIN, on_log_readable, log);
    return STEAL(log);
}

void logfile_free(struct logfile **log)
{
    if (!*log) {
        return;
    }
    if ((*log)->loop) {
        loop_fd_remove((*log)->loop, (*log)->read_end);
    }
    const int fds[] = {(*log)->fd, (*log)->read_end, (*log)->write_end};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    mem_free(&(*log)->path);
    mem_free(log);
}

int logfile_pipe(const struct logfile *log)
{
    return log->write_end;
}

const char *logfile_last_line(const struct logfile *log)
{
    return log->line;
}

void logfile_begin(struct logfile *log)
{
    log->line_bytes = 0;
    log->line_ended = false;
    log->line[0] = '\0';
}
