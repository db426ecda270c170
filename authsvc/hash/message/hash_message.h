/* What authsvc (hash_process.c) and lynks-hash (hash_worker.c) say to each other: one message each
 * way over a SOCK_SEQPACKET pair, which keeps messages whole. Both are of one build. */
#ifndef LYNKS_AUTHSVC_HASH_MESSAGE_HASH_MESSAGE_H
#define LYNKS_AUTHSVC_HASH_MESSAGE_HASH_MESSAGE_H

#include "proto/crypto/password.h"

#define HASH_WORKER_FD 3 /* lynks-hash's end of the pair; its argument is its niceness */
#define HASH_PASSWORD_BYTES_MAX 1024 /* of messages.def */

enum hash_task { HASH_VERIFY, HASH_VERIFY_UNKNOWN, HASH_MAKE };

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

/* One whole message, and false if the other end is closed or says anything else. */
bool hash_message_send(int fd, const void *message, size_t bytes);
bool hash_message_receive(int fd, void *ret_message, size_t bytes);

#endif
