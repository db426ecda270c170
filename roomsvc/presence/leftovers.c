#include "roomsvc/presence/leftovers.h"

#include "proto/base/log.h"

struct leftovers {
    const struct clock *clock;
    struct leftover_store store;
    struct leftover_step step;
    uint64_t timer; /* 0: a step is under way */
    uint64_t kept;  /* events, counted in this round */
    struct log_gate failures;
    struct metric *removed[LEFTOVERS];
    struct metric *failed, *rows;
};

static void sweep_next_leftovers(void *arg);

static void leftovers_go_on_after(struct leftovers *leftovers, uint64_t ms)
{
    leftovers->timer = clock_after(leftovers->clock, ms, sweep_next_leftovers, leftovers);
}

/* Gives whether the round is over. */
static bool begin_next_kind(struct leftovers *leftovers)
{
    if (leftovers->step.what == LEFTOVER_EVENTS) {
        metric_set(leftovers->rows, (int64_t)leftovers->kept);
        leftovers->kept = 0;
    }
    leftovers->step =
        (struct leftover_step){.what = (enum leftover)((leftovers->step.what + 1) % LEFTOVERS)};
    return leftovers->step.what == 0;
}

/* A step that has failed is done again. */
static void leftovers_on_swept(void *arg, enum err err, const struct leftover_swept *swept)
{
    struct leftovers *leftovers = arg;
    if (err != ERR_OK) {
        metric_inc(leftovers->failed);
        log_info_limited(&leftovers->failures, clock_mono_ms(leftovers->clock),
                         "old rows could not be removed", LOG_Z("error", err_code(err)));
        leftovers_go_on_after(leftovers, LEFTOVERS_REST_MS);
        return;
    }
    metric_add(leftovers->removed[leftovers->step.what], swept->removed);
    leftovers->kept += swept->kept;
    leftovers->step.after = swept->after;
    const bool is_round_over = swept->is_over && begin_next_kind(leftovers);
    leftovers_go_on_after(leftovers, is_round_over ? LEFTOVERS_REST_MS : LEFTOVERS_PAUSE_MS);
}

static void sweep_next_leftovers(void *arg)
{
    struct leftovers *leftovers = arg;
    leftovers->timer = 0;
    const enum err err = leftovers->store.ops->sweep(leftovers->store.self, &leftovers->step,
                                                     leftovers_on_swept, leftovers);
    if (err != ERR_OK) {
        leftovers_on_swept(leftovers, err, NULL);
    }
}

struct leftovers *leftovers_new(const struct clock *clock, struct leftover_store store,
                                struct metrics *metrics)
{
    static const char *const labels[LEFTOVERS] = {[LEFTOVER_PARTICIPANTS] = "rows=\"participants\"",
                                                  [LEFTOVER_STREAMS] = "rows=\"streams\"",
                                                  [LEFTOVER_GATEWAYS] =
                                                      "rows=\"streams_of_gateways\"",
                                                  [LEFTOVER_EVENTS] = "rows=\"events\"",
                                                  [LEFTOVER_MESSAGES] = "rows=\"messages\"",
                                                  [LEFTOVER_INVITATIONS] = "rows=\"invitations\"",
                                                  [LEFTOVER_BANS] = "rows=\"bans\"",
                                                  [LEFTOVER_CONNECTIONS] = "rows=\"connections\""};
    struct leftovers *leftovers = mem_alloc(sizeof(*leftovers));
    leftovers->clock = clock;
    leftovers->store = store;
    for (size_t i = 0; i < LEFTOVERS; i++) {
        leftovers->removed[i] = metrics_counter(metrics, "lynks_rooms_swept_rows_total",
                                                "Old rows that were removed.", labels[i]);
    }
    leftovers->failed = metrics_counter(metrics, "lynks_rooms_sweep_failures_total",
                                        "Removals of old rows that failed; tried again.", NULL);
    leftovers->rows =
        metrics_gauge(metrics, "lynks_journal_rows",
                      "Events of all rooms that are kept, as counted in the last minutes.", NULL);
    leftovers_go_on_after(leftovers, LEFTOVERS_REST_MS);
    return leftovers;
}

void leftovers_free(struct leftovers **leftovers)
{
    if (*leftovers != NULL) {
        clock_cancel((*leftovers)->clock, (*leftovers)->timer);
        mem_free(leftovers);
    }
}
