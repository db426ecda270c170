/* Starts the program of one table entry: the only file that forks and executes. */
#ifndef LYNKS_DEPLOY_SUPERVISE_SPAWN_H
#define LYNKS_DEPLOY_SUPERVISE_SPAWN_H

#include <sys/resource.h>
#include <sys/types.h>

#include "deploy/supervise/table.h"

/* As many descriptors as a child may have open unless it asks for more itself. libwebsockets
 * (Janus) keeps a table of that size, and takes a limit over 10 million for a mistake: it serves
 * few then. */
#define SPAWN_FILES_MAX ((rlim_t)65536)

struct spawned {
    pid_t pid;
    int pidfd; /* readable once it has ended; the caller's to close */
};

/* The child has its own session (a terminal's Ctrl-C does not reach it) and dies with the
 * supervisor, even one that is killed. Its environment is the entry's, PATH, the locale, the time
 * zone and the options of sanitizers; its stdin is /dev/null, its stdout and stderr are log_fd.
 * listen_fds, of the entry's "listen", are handed over as descriptors 3 and so on, as systemd does.
 * A program that cannot be run says so in log_fd and ends with 127. false, errno set, if there is
 * no child. */
bool spawn_entry(const struct entry *entry, const int *listen_fds, int log_fd,
                 struct spawned *ret_spawned);
/* /bin/sh -c command likewise, as the entry's user and with its environment. */
bool spawn_command(const struct entry *entry, const char *command, struct spawned *ret_spawned);

/* The soft limit of descriptors that a child gets where so many are allowed: more than a login
 * gives, which is 1,024 as a rule, because it may serve a crowd. */
rlim_t spawn_file_limit(rlim_t hard);

/* Reaps a child whose pidfd is readable, with whatever is left of its process group, and closes the
 * pidfd. Returns the status of waitpid. */
int spawn_reap(struct spawned *spawned);

#endif
