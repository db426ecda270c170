/* A process that runs lynks-hash, as its owner sees it: started when it is first asked, and again
 * when it is gone. It does one thing at a time.
 *
 * Lives on the loop. */
#ifndef LYNKS_AUTHSVC_HASH_HASH_PROCESS_H
#define LYNKS_AUTHSVC_HASH_HASH_PROCESS_H

#include "authsvc/hash/message/hash_message.h"
#include "proto/base/metrics.h"
#include "proto/loop/loop.h"

struct hash_process_config {
    const char *program;   /* path of lynks-hash; borrowed */
    int niceness;          /* 0..19 */
    uint64_t patience_ms;  /* for one answer */
    struct metric *losses; /* counts processes that ended, or were ended, unasked; borrowed */
};

struct hash_process;

/* Starts nothing yet. config is borrowed. */
struct hash_process *hash_process_new(struct loop *loop, const struct hash_process_config *config);
/* Ends the process, and what it does: its fn is not called. */
void hash_process_free(struct hash_process **process);

/* answer: NULL unless err is ERR_OK; borrowed until fn returns, which may ask again. */
typedef void hash_answer_fn(void *arg, enum err err, const struct hash_answer *answer);

/* Only while nothing is asked. request is copied. What a process does not live to answer is asked
 * once more of a new one. fn is called once, perhaps before this returns: ERR_UNAVAILABLE if there
 * is no answer (no process can be started, two have ended, or one was silent for too long). */
void hash_process_ask(struct hash_process *process, const struct hash_request *request,
                      hash_answer_fn *fn, void *arg);

#endif
