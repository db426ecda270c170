/* The process in which passwords are hashed, one at a time: the program itself, started again.
 *
 * A process and not a thread, because Linux divides processor time between sessions (autogroups) or
 * control groups first, and heeds niceness only within one: hashing threads in authsvc's own group
 * use up the group's share, however nice they are, and its loop, which checks sessions, then waits
 * for tens of milliseconds (tests/bench/PROFILE.md). As a session of its own the process is what it
 * is meant to be: the last to be served. */
#ifndef LYNKS_AUTHSVC_HASH_HASH_WORKER_H
#define LYNKS_AUTHSVC_HASH_HASH_WORKER_H

#include "proto/crypto/password.h"

#define HASH_WORKER_ARGUMENT "--hash-worker" /* then its niceness */
#define HASH_WORKER_FD 3                     /* its end of a SOCK_SEQPACKET pair */
#define HASH_PASSWORD_BYTES_MAX 1024         /* of messages.def */

enum hash_task { HASH_VERIFY, HASH_VERIFY_UNKNOWN, HASH_MAKE };

/* One message each way; both ends are the same program. */
struct hash_request {
    struct password_params params;
    enum hash_task task;
    char stored[PASSWORD_STORED_BYTES]; /* HASH_VERIFY */
    size_t password_bytes;
    char password[HASH_PASSWORD_BYTES_MAX];
};

struct hash_answer {
    enum err err;
    bool needs_rehash;                  /* HASH_VERIFY */
    char stored[PASSWORD_STORED_BYTES]; /* HASH_MAKE */
};

/* For main, before anything else: was the program started as a worker? */
bool hash_worker_is_asked(int argc, char **argv);
/* Answers until the other end is closed. Gives the exit code. */
int hash_worker_run(char **argv);

#endif
