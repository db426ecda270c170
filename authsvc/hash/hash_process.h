/* A process that runs lynks-hash, as its owner sees it: started when it is needed, and again when
 * it is gone. Each belongs to one thread. */
#ifndef LYNKS_AUTHSVC_HASH_HASH_PROCESS_H
#define LYNKS_AUTHSVC_HASH_HASH_PROCESS_H

#include "authsvc/hash/message/hash_message.h"
#include "proto/base/metrics.h"

struct hash_process_config {
    const char *program;   /* path of lynks-hash; borrowed */
    int niceness;          /* 0..19 */
    unsigned patience_ms;  /* for one answer */
    struct metric *losses; /* counts processes that ended, or were ended, unasked; borrowed */
};

struct hash_process;

/* config is borrowed as long as it lives. */
struct hash_process *hash_process_new(const struct hash_process_config *config);
/* Ends the process. */
void hash_process_free(struct hash_process **process);

/* Blocks. A process that died is started again, and asked again, once. ERR_OK: ret_answer is set;
 * ERR_UNAVAILABLE: no process, or none that answers within the patience (it is ended). */
enum err hash_process_ask(struct hash_process *process, const struct hash_request *request,
                          struct hash_answer *ret_answer);

#endif
