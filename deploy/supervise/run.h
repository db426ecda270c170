/* lynks-supervise for the user: signals in, lines out. */
#ifndef LYNKS_DEPLOY_SUPERVISE_RUN_H
#define LYNKS_DEPLOY_SUPERVISE_RUN_H

#include "deploy/supervise/table.h"
#include "proto/base/exit_code.h"

/* NULL, and why on stderr, if the file cannot be read or a line is wrong. */
struct table *run_read_table(const char *path);

/* Supervises the table until a signal (SIGINT, SIGTERM) or a failed start has stopped everything; a
 * second signal kills. SIGHUP begins the logs' files anew, or with a terminal, which is then gone,
 * stops everything. SIGUSR1 takes a request (control.h). report_fd: where
 * detach_report tells how the start went; -1: in the foreground. Returns the exit code: 0 if all
 * was ready once. */
int run_table(const struct table *table, int report_fd);

#endif
