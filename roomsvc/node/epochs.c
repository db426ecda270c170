#include "roomsvc/node/epochs.h"

struct epochs {
    uint64_t highest;
    struct metric *stale;
};

struct epochs *epochs_new(struct metrics *metrics)
{
    struct epochs *epochs = mem_alloc(sizeof(*epochs));
    epochs->stale =
        metrics_counter(metrics, "lynks_rooms_stale_answers_total",
                        "Answers of a bridge that had lost its lease; asked for again.", NULL);
    return epochs;
}

void epochs_free(struct epochs **epochs)
{
    mem_free(epochs);
}

void epochs_learn(struct epochs *epochs, uint64_t epoch)
{
    if (epoch > epochs->highest) {
        epochs->highest = epoch;
    }
}

bool epochs_admit(struct epochs *epochs, uint64_t epoch)
{
    if (epoch != 0 && epoch < epochs->highest) {
        metric_inc(epochs->stale);
        return false;
    }
    epochs_learn(epochs, epoch);
    return true;
}
