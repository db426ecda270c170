/* Writes the log's lines from a thread of its own, so that whoever logs never waits for the reader
 * of a pipe or for a disk. What waits is bounded: a line that finds no room is dropped and counted,
 * and in its place stands, as soon as the descriptor takes something again, a line that says how
 * many were dropped. */
#ifndef LYNKS_PROTO_BASE_LOG_WRITER_H
#define LYNKS_PROTO_BASE_LOG_WRITER_H

#include "proto/base/metrics.h"

/* The longest line, with its newline: so each is in one write, and one write to a pipe that others
 * write to as well is whole (PIPE_BUF). */
#define LOG_LINE_BYTES_MAX 2048

/* Puts the line that tells of dropped ones, with its newline, into text (LOG_LINE_BYTES_MAX bytes);
 * returns its length. Called from the thread. */
typedef size_t log_writer_tell_fn(uint64_t dropped, char *text);

struct log_writer_config {
    int fd;           /* stays the caller's, and is left as it is: others may share it */
    size_t bytes_max; /* that may wait; at least LOG_LINE_BYTES_MAX */
    log_writer_tell_fn *tell;
    struct metric *dropped; /* a counter; NULL: none */
};

struct log_writer;

/* NULL if there is no thread to be had. Call it where no signal is waited for: the thread blocks
 * all of them. */
struct log_writer *log_writer_new(const struct log_writer_config *config);
/* Hands over a line with its newline; never waits for the descriptor. From any thread. */
void log_writer_put(struct log_writer *writer, struct str line);
/* Waits, for flush_ms at most, until all is written; nobody may put any more. true: it is, and the
 * thread has ended. false: the thread hangs in a write; it is left to itself, and lets go of the
 * counter now, of all else when the write is over. */
bool log_writer_free(struct log_writer **writer, uint64_t flush_ms);

#endif
