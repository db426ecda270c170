/* The ops listener of a process: /healthz (the loop turns, and who connects gets in), /readyz (what
 * it depends on works, each dependency named), /metrics (Prometheus text). */
#ifndef LYNKS_PROTO_PROCESS_OPS_H
#define LYNKS_PROTO_PROCESS_OPS_H

#include "proto/base/health.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"

struct ops;

struct ops_config {
    const char *host;
    uint16_t port; /* 0 picks a free one */
};

/* NULL and *ret_why (static) if the port cannot be bound. metrics and health are borrowed. */
struct ops *ops_new(struct loop *loop, struct metrics *metrics, struct health *health,
                    const struct ops_config *config, const char **ret_why);
void ops_free(struct ops **ops);

/* Something that /healthz tells of in addition: 503 unless is_well. name is a literal. At most 4.
 */
struct ops_check {
    const char *name;
    bool (*is_well)(void *arg);
    void *arg;
};
void ops_add_check(struct ops *ops, struct ops_check check);

uint16_t ops_port(const struct ops *ops);
void ops_set_draining(struct ops *ops); /* /readyz says not ready from now on */

#endif
