/* The log of one process: what it writes to stdout and stderr comes through a pipe into a file,
 * which is bounded: past LOGFILE_MAX_BYTES it becomes <file>.1 and a fresh one is begun. What
 * cannot be written (a full disk) is lost; how much, the file says as soon as it can be written
 * again. */
#ifndef LYNKS_DEPLOY_SUPERVISE_LOGFILE_H
#define LYNKS_DEPLOY_SUPERVISE_LOGFILE_H

#include "proto/loop/loop.h"

#define LOGFILE_MAX_BYTES ((size_t)10 * 1024 * 1024)

struct logfile;

/* path NULL: what comes is read and dropped. NULL, errno set, if it cannot be opened. */
struct logfile *logfile_new(struct loop *loop, const char *path, size_t max_bytes);
void logfile_free(struct logfile **log);

int logfile_pipe(const struct logfile *log); /* the end to write to; stays the log's */
void logfile_append(struct logfile *log, struct str text);
/* Goes on in a file of the log's path: after the one that it had was renamed or removed. */
void logfile_reopen(struct logfile *log);
/* Takes in what the pipe holds now: all of it, after the writer has ended. */
void logfile_drain(struct logfile *log);
/* The last line that came since logfile_begin, "" if none; borrowed until the next call. */
const char *logfile_last_line(const struct logfile *log);
void logfile_begin(struct logfile *log); /* a new run begins */

#endif
