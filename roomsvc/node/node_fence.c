#include "roomsvc/node/node_fence.h"

#include <assert.h>

#include "proto/base/log.h"
#include "proto/base/lru.h"
#include "roomsvc/store/room.h"

/* A node's name; what it does not fill is 0. */
struct name {
    char bytes[NODE_NAME_BYTES_MAX];
};

struct fenced {
    uint64_t epoch;
    uint64_t learnt;  /* when the epoch was last made higher; as node_fence_now */
    bool has_refused; /* something, and believed nothing since */
};

struct node_fence {
    struct node_fence_parts parts;
    struct lru *nodes; /* struct name -> struct fenced */
    uint64_t learnt;   /* how often an epoch was made higher */
    size_t refusing;   /* nodes that have refused something */
    struct metric *stale;
    struct log_gate gate;
};

static void tell_readiness(const struct node_fence *fence)
{
    if (fence->parts.health != NULL) {
        health_set(fence->parts.health, "bridge-lease", fence->refusing == 0,
                   "a bridge answers under an older lease than is known");
    }
}

struct node_fence *node_fence_new(const struct node_fence_parts *parts)
{
    struct node_fence *fence = mem_alloc(sizeof(*fence));
    *fence = (struct node_fence){.parts = *parts};
    fence->nodes = lru_new(sizeof(struct name), sizeof(struct fenced), NODE_FENCE_NODES_MAX);
    fence->stale =
        metrics_counter(parts->metrics, "lynks_rooms_stale_answers_total",
                        "Answers of a bridge that had lost its lease; asked for again.", NULL);
    tell_readiness(fence);
    return fence;
}

void node_fence_free(struct node_fence **fence)
{
    if (*fence != NULL) {
        lru_free(&(*fence)->nodes);
        mem_free(fence);
    }
}

static struct name name_of(struct str node)
{
    struct name name = {{0}};
    assert(node.bytes >= 1 && node.bytes <= sizeof(name.bytes)); /* the schema bounds it */
    memcpy(name.bytes, node.data, node.bytes);
    return name;
}

static void set_refused(struct node_fence *fence, struct fenced *fenced, bool has_refused)
{
    if (fenced->has_refused != has_refused) {
        fenced->has_refused = has_refused;
        fence->refusing = has_refused ? fence->refusing + 1 : fence->refusing - 1;
        tell_readiness(fence);
    }
}

static struct fenced *fenced_of(struct node_fence *fence, struct str node)
{
    const struct name name = name_of(node);
    struct fenced *fenced = lru_find(fence->nodes, &name);
    if (fenced != NULL) {
        return fenced;
    }
    if (lru_is_full(fence->nodes)) {
        const void *key;
        set_refused(fence, lru_oldest(fence->nodes, &key), false);
    }
    bool added;
    return lru_put(fence->nodes, &name, &added);
}

static void raise_epoch(struct node_fence *fence, struct fenced *fenced, uint64_t epoch)
{
    if (epoch > fenced->epoch) {
        fenced->epoch = epoch;
        fenced->learnt = ++fence->learnt;
    }
}

static void believe(struct node_fence *fence, struct fenced *fenced, uint64_t epoch)
{
    raise_epoch(fence, fenced, epoch);
    set_refused(fence, fenced, false);
}

static bool is_stale(const struct fenced *fenced, uint64_t epoch)
{
    return epoch != 0 && epoch < fenced->epoch;
}

bool node_fence_admit(struct node_fence *fence, struct str node, uint64_t epoch)
{
    struct fenced *fenced = fenced_of(fence, node);
    if (!is_stale(fenced, epoch)) {
        believe(fence, fenced, epoch);
        return true;
    }
    metric_inc(fence->stale);
    set_refused(fence, fenced, true);
    log_warn_limited(&fence->gate, clock_mono_ms(fence->parts.clock),
                     "a bridge's answer is refused: its lease is older than one that is known",
                     LOG_STR("node", node), LOG_U64("epoch", epoch),
                     LOG_U64("known_epoch", fenced->epoch));
    return false;
}

void node_fence_hear(struct node_fence *fence, struct str node, uint64_t epoch)
{
    struct fenced *fenced = fenced_of(fence, node);
    if (epoch != 0 && !is_stale(fenced, epoch)) {
        believe(fence, fenced, epoch);
    }
}

bool node_fence_is_current(const struct node_fence *fence, struct str node, uint64_t epoch)
{
    const struct name name = name_of(node);
    const struct fenced *fenced = lru_peek(fence->nodes, &name);
    return fenced == NULL || !is_stale(fenced, epoch);
}

uint64_t node_fence_now(const struct node_fence *fence)
{
    return fence->learnt;
}

void node_fence_judge(struct node_fence *fence, struct str node, uint64_t epoch, uint64_t asked)
{
    struct fenced *fenced = fenced_of(fence, node);
    raise_epoch(fence, fenced, epoch);
    if (epoch < fenced->epoch && fenced->learnt <= asked) {
        log_warn("the database has gone back to an older lease: was a dump restored?",
                 LOG_STR("node", node), LOG_U64("epoch", epoch),
                 LOG_U64("known_epoch", fenced->epoch));
        fenced->epoch = epoch;
    }
}
