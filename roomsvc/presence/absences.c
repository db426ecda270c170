#include "roomsvc/presence/absences.h"

/* A moment by two clocks. */
struct both_clocks {
    uint64_t mono_ms;
    uint64_t unix_ms; /* the database's */
};

struct absences {
    struct take_outs outs;
    const struct presence_reports *reports;
    uint64_t away_ms, calm_ms, look_ms;
    uint64_t timer; /* 0: a look is under way */
    uint64_t due_ms;
    uint64_t shaken_ms;          /* the last time that something here was not well */
    uint64_t asked_ms;           /* when this look began */
    struct both_clocks answered; /* the last time that the database told its; 0: never */
    struct metric *held;
};

static void look_for_absent(void *arg);

static uint64_t absences_now_ms(const struct absences *absences)
{
    return clock_mono_ms(absences->outs.parts.clock);
}

static void absences_rest(struct absences *absences, uint64_t ms)
{
    absences->due_ms = absences_now_ms(absences) + ms;
    absences->timer = clock_after(absences->outs.parts.clock, ms, look_for_absent, absences);
}

/* Something was due at due_ms, and comes now. */
static void absences_see_pause(struct absences *absences)
{
    const uint64_t now_ms = absences_now_ms(absences);
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
    const struct both_clocks now = {.mono_ms = absences_now_ms(absences),
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
    const struct out_store *store = &absences->outs.parts.store;
    const uint64_t now_ms = absences_now_ms(absences);
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

static void absences_on_done(void *arg, enum err err, bool has_more)
{
    struct absences *absences = arg;
    absences_rest(absences, err == ERR_OK && has_more ? TAKE_OUTS_PAUSE_MS : absences->look_ms);
}

/* Also while nobody may be taken out, because each look tells how the clocks go. */
static void look_for_absent(void *arg)
{
    struct absences *absences = arg;
    const struct out_look look = {
        .why = OUT_ABSENT, .away_ms = absences->away_ms, .until_unix_ms = INT64_MAX};
    absences->timer = 0;
    absences_see_pause(absences);
    absences->asked_ms = absences->due_ms;
    take_outs_start(&absences->outs, &look);
}

struct absences *absences_new(const struct take_outs_parts *parts,
                              const struct presence_reports *reports, uint64_t away_ms)
{
    struct absences *absences = mem_alloc(sizeof(*absences));
    take_outs_init(&absences->outs, parts, "absent");
    absences->outs.on_found = absences_on_found;
    absences->outs.may_take = absences_may_take;
    absences->outs.on_done = absences_on_done;
    absences->outs.arg = absences;
    absences->reports = reports;
    absences->away_ms = away_ms;
    absences->calm_ms = away_ms > PRESENCE_LEASE_MS ? away_ms : PRESENCE_LEASE_MS;
    absences->look_ms = away_ms / 10 < ABSENCES_LOOK_MIN_MS   ? ABSENCES_LOOK_MIN_MS
                        : away_ms / 10 > ABSENCES_LOOK_MAX_MS ? ABSENCES_LOOK_MAX_MS
                                                              : away_ms / 10;
    absences->held =
        metrics_counter(parts->metrics, "lynks_participants_sweep_held_total",
                        "Looks that found somebody away too soon after an outage.", NULL);
    absences->shaken_ms = clock_mono_ms(parts->clock);
    absences_rest(absences, absences->look_ms);
    return absences;
}

void absences_free(struct absences **absences)
{
    if (*absences != NULL) {
        clock_cancel((*absences)->outs.parts.clock, (*absences)->timer);
        take_outs_fini(&(*absences)->outs);
        mem_free(absences);
    }
}
