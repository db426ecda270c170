#include "roomsvc/node/node_fence.h"

struct node_fence {
    uint64_t highest;
    struct metric *stale;
};

struct node_fence *node_fence_new(struct metrics *metrics)
{
    struct node_fence *fence = mem_alloc(sizeof(*fence));
    fence->stale =
        metrics_counter(metrics, "lynks_rooms_stale_answers_total",
                        "Answers of a bridge that had lost its lease; asked for again.", NULL);
    return fence;
}

void node_fence_free(struct node_fence **fence)
{
    mem_free(fence);
}

void node_fence_learn(struct node_fence *fence, uint64_t epoch)
{
    if (epoch > fence->highest) {
        fence->highest = epoch;
    }
}

bool node_fence_is_current(const struct node_fence *fence, uint64_t epoch)
{
    return epoch == 0 || epoch >= fence->highest;
}

bool node_fence_admit(struct node_fence *fence, uint64_t epoch)
{
    if (!node_fence_is_current(fence, epoch)) {
        metric_inc(fence->stale);
        return false;
    }
    node_fence_learn(fence, epoch);
    return true;
}
