#include "roomsvc/presence/absences.h"

/* A moment by two clocks. */
struct both_clocks {
    uint64_t mono_ms;
    uint64_t unix_ms; /* the database's */
};

struct absences {
    struct take_outs *outs;
    const struct clock *clock;
    struct out_store store;
    const struct presence_reports *reports;
    uint64_t calm_ms;
    uint64_t due_ms;             /* when something was to come last */
    uint64_t shaken_ms;          /* the last time that something here was not well */
    uint64_t asked_ms;           /* when this look began */
    struct both_clocks answered; /* the last time that the database told its; 0: never */
    struct metric *held;
};

/* Something was due at due_ms, and comes now. */
static void absences_see_pause(struct absences *absences)
{
    const uint64_t now_ms = clock_mono_ms(absences->clock);
    if (now_ms > absences->due_ms + ABSENCES_PAUSE_MS) {
        absences->shaken_ms = now_ms;
    }
    absences->due_ms = now_ms;
}

/* Has the database's clock gone on by as much as ours? This answer was given at some time since it
 * was asked for. */
static bool database_has_leapt(const struct absences *absences, const struct both_clocks *now)
{
    const struct both_clocks *before = &absences->answered;
    const uint64_t its_ms = now->unix_ms - before->unix_ms;
    if (before->mono_ms == 0) {
        return false;
    }
    return now->unix_ms < before->unix_ms ||
           its_ms + ABSENCES_LEAP_MS < absences->asked_ms - before->mono_ms ||
           its_ms > now->mono_ms - before->mono_ms + ABSENCES_LEAP_MS;
}

static void absences_on_found(void *arg, const struct out_found *found)
{
    struct absences *absences = arg;
    const struct both_clocks now = {.mono_ms = clock_mono_ms(absences->clock),
                                    .unix_ms = found->now_unix_ms};
    absences_see_pause(absences);
    if (database_has_leapt(absences, &now)) {
        absences->shaken_ms = now.mono_ms;
        log_info("the database's clock has leapt: who is away is looked at later");
    }
    absences->answered = now;
}

static bool absences_may_take(void *arg, struct out_look *look)
{
    struct absences *absences = arg;
    const struct out_store *store = &absences->store;
    const uint64_t now_ms = clock_mono_ms(absences->clock);
    absences_see_pause(absences);
    if (now_ms - absences->shaken_ms < absences->calm_ms ||
        store->ops->steady_ms(store->self) < absences->calm_ms ||
        presence_reports_calm_ms(absences->reports) < absences->calm_ms) {
        metric_inc(absences->held);
        return false;
    }
    look->until_unix_ms =
        absences->answered.unix_ms + (now_ms - absences->answered.mono_ms) + ABSENCES_PAUSE_MS;
    return true;
}

/* Also while nobody may be taken out, because each look tells how the clocks go. */
static void absences_on_begin(void *arg, uint64_t due_ms, struct out_look *look)
{
    struct absences *absences = arg;
    (void)look;
    absences->due_ms = due_ms;
    absences_see_pause(absences);
    absences->asked_ms = absences->due_ms;
}

/* A tenth of the while, within bounds. */
static uint64_t absences_rest_ms(uint64_t away_ms)
{
    const uint64_t rest_ms = away_ms / 10;
    return rest_ms < ABSENCES_LOOK_MIN_MS   ? ABSENCES_LOOK_MIN_MS
           : rest_ms > ABSENCES_LOOK_MAX_MS ? ABSENCES_LOOK_MAX_MS
                                            : rest_ms;
}

struct absences *absences_new(const struct take_outs_parts *parts,
                              const struct presence_reports *reports, uint64_t away_ms)
{
    struct absences *absences = mem_alloc(sizeof(*absences));
    const struct take_outs_kind kind = {
        .reason = "absent",
        .rest_ms = absences_rest_ms(away_ms),
        .look = {.why = OUT_ABSENT, .away_ms = away_ms, .until_unix_ms = INT64_MAX},
        .arg = absences,
        .begin = absences_on_begin,
        .found = absences_on_found,
        .may_take = absences_may_take};
    absences->clock = parts->clock;
    absences->store = parts->store;
    absences->reports = reports;
    absences->calm_ms = away_ms > PRESENCE_LEASE_MS ? away_ms : PRESENCE_LEASE_MS;
    absences->held =
        metrics_counter(parts->metrics, "lynks_participants_sweep_held_total",
                        "Looks that found somebody away too soon after an outage.", NULL);
    absences->shaken_ms = clock_mono_ms(parts->clock);
    absences->outs = take_outs_new(parts, &kind);
    return absences;
}

void absences_free(struct absences **absences)
{
    if (*absences != NULL) {
        take_outs_free(&(*absences)->outs);
        mem_free(absences);
    }
}
