#include "proto/base/log_writer.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* Positions are counted in bytes from the beginning, and are never turned back. */
struct log_writer {
    struct log_writer_config config;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* the thread: there is something to do */
    pthread_cond_t ended; /* log_writer_free: is_ended */
    char *ring;
    uint64_t put;     /* where the next line goes */
    uint64_t taken;   /* what is before it is being written, or was */
    uint64_t dropped; /* lines, in all */
    uint64_t told;    /* how many of them were said to be */
    uint64_t gap_at;  /* where the line belongs that tells of the others */
    bool has_failed;  /* the last write */
    bool is_ending;
    bool is_ended;
    bool is_abandoned; /* nobody waits for the thread any more: it frees all itself */
};

static bool has_gap(const struct log_writer *writer)
{
    return writer->dropped > writer->told;
}

/* Under the lock. */
static void writer_drop(struct log_writer *writer, uint64_t lines)
{
    if (!has_gap(writer)) {
        writer->gap_at = writer->put;
    }
    writer->dropped += lines;
    if (writer->config.dropped != NULL) {
        metric_add(writer->config.dropped, lines);
    }
}

static void copy_in(struct log_writer *writer, struct str line)
{
    const size_t at = (size_t)(writer->put % writer->config.bytes_max);
    const size_t room = writer->config.bytes_max - at;
    const size_t first = line.bytes < room ? line.bytes : room;
    memcpy(writer->ring + at, line.data, first);
    memcpy(writer->ring, line.data + first, line.bytes - first);
    writer->put += line.bytes;
}

void log_writer_put(struct log_writer *writer, struct str line)
{
    assert(line.bytes <= LOG_LINE_BYTES_MAX);
    pthread_mutex_lock(&writer->lock);
    const bool was_empty = writer->put == writer->taken;
    if (writer->put - writer->taken + line.bytes > writer->config.bytes_max) {
        writer_drop(writer, 1);
    } else {
        copy_in(writer, line);
    }
    pthread_mutex_unlock(&writer->lock);
    if (was_empty) {
        pthread_cond_signal(&writer->wake);
    }
}

/* Whole lines, as many as one write takes, up to the gap. Under the lock, with something there. */
static size_t take_lines(struct log_writer *writer, char *chunk, uint64_t *ret_lines)
{
    uint64_t end = has_gap(writer) && writer->gap_at > writer->taken ? writer->gap_at : writer->put;
    if (end - writer->taken > PIPE_BUF) {
        end = writer->taken + PIPE_BUF;
    }
    size_t bytes = 0;
    *ret_lines = 0;
    for (size_t i = 0; writer->taken + i < end; i++) {
        chunk[i] = writer->ring[(writer->taken + i) % writer->config.bytes_max];
        if (chunk[i] == '\n') {
            bytes = i + 1;
            (*ret_lines)++;
        }
    }
    writer->taken += bytes;
    if (writer->taken == writer->put) { /* from the front again: the rest of it stays untouched */
        writer->put = writer->taken = writer->gap_at = 0;
    }
    return bytes;
}

/* Without the lock: this is where a thread may hang. */
static bool write_whole(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t written = write(fd, text, bytes);
        if (written > 0) {
            text += written;
            bytes -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) { /* somebody else made it non-blocking */
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            (void)poll(&wait, 1, -1);
        } else if (written == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* The line that tells of the gap. Under the lock, but for the writing. */
static void write_gap(struct log_writer *writer)
{
    char text[LOG_LINE_BYTES_MAX];
    const uint64_t dropped = writer->dropped;
    const size_t bytes = writer->config.tell(dropped - writer->told, text);
    pthread_mutex_unlock(&writer->lock);
    const bool ok = write_whole(writer->config.fd, text, bytes);
    pthread_mutex_lock(&writer->lock);
    writer->has_failed = !ok;
    if (ok) {
        writer->told = dropped;
    }
    writer->gap_at = writer->put; /* of what was dropped since, or to try again */
}

static void write_lines(struct log_writer *writer)
{
    char chunk[PIPE_BUF];
    uint64_t lines;
    const size_t bytes = take_lines(writer, chunk, &lines);
    pthread_mutex_unlock(&writer->lock);
    const bool ok = write_whole(writer->config.fd, chunk, bytes);
    pthread_mutex_lock(&writer->lock);
    writer->has_failed = !ok;
    if (!ok) {
        writer_drop(writer, lines);
    }
}

/* A gap is told where it is; at the end of all that waits not again and again while writing fails.
 */
static bool is_at_gap(const struct log_writer *writer)
{
    return has_gap(writer) && writer->gap_at == writer->taken &&
           !(writer->has_failed && writer->put == writer->taken);
}

static void writer_release(struct log_writer *writer)
{
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->wake);
    pthread_cond_destroy(&writer->ended);
    mem_free(&writer->ring);
    mem_free(&writer);
}

static void *run_writer(void *arg)
{
    struct log_writer *writer = arg;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        if (is_at_gap(writer)) {
            write_gap(writer);
        } else if (writer->put != writer->taken) {
            write_lines(writer);
        } else if (writer->is_ending) {
            break;
        } else {
            pthread_cond_wait(&writer->wake, &writer->lock);
        }
    }
    writer->is_ended = true;
    const bool is_abandoned = writer->is_abandoned;
    pthread_cond_signal(&writer->ended);
    pthread_mutex_unlock(&writer->lock);
    if (is_abandoned) {
        writer_release(writer);
    }
    return NULL;
}

struct log_writer *log_writer_new(const struct log_writer_config *config)
{
    struct log_writer *writer = mem_alloc(sizeof(*writer));
    writer->config = *config;
    writer->ring = mem_alloc(config->bytes_max); /* pages that are not used stay the kernel's */
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->wake, NULL);
    pthread_cond_init(&writer->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool ok = pthread_create(&writer->thread, NULL, run_writer, writer) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        writer_release(writer);
        return NULL;
    }
    pthread_setname_np(writer->thread, "log");
    return writer;
}

static struct timespec from_now(uint64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    const uint64_t ns = (uint64_t)at.tv_nsec + ms % 1000 * 1000000;
    at.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    return at;
}

bool log_writer_free(struct log_writer **writer_ref, uint64_t flush_ms)
{
    struct log_writer *writer = *writer_ref;
    *writer_ref = NULL;
    if (writer == NULL) {
        return true;
    }
    const struct timespec end = from_now(flush_ms);
    pthread_mutex_lock(&writer->lock);
    writer->is_ending = true;
    pthread_cond_signal(&writer->wake);
    int rc = 0;
    while (!writer->is_ended && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&writer->ended, &writer->lock, &end);
    }
    if (!writer->is_ended) {
        writer->is_abandoned = true;
        writer->config.dropped = NULL;
        pthread_detach(writer->thread);
        pthread_mutex_unlock(&writer->lock);
        return false;
    }
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    writer_release(writer);
    return true;
}
