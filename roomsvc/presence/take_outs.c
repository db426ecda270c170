#include "roomsvc/presence/take_outs.h"

static void take_outs_go_on(struct take_outs *outs);

static void take_outs_note_failure(struct take_outs *outs, const char *event, enum err err)
{
    metric_inc(outs->failed);
    log_info_limited(&outs->failures, clock_mono_ms(outs->parts.clock), event,
                     LOG_Z("error", err_code(err)));
}

static void take_outs_fail(struct take_outs *outs, const char *event, enum err err)
{
    take_outs_note_failure(outs, event, err);
    outs->on_done(outs->arg, err, false);
}

/* ---- one room ---- */

static void take_outs_on_timer(void *arg)
{
    struct take_outs *outs = arg;
    outs->timer = 0;
    take_outs_go_on(outs);
}

static void take_outs_on_taken(void *arg, enum err err, const struct out_taken *taken)
{
    static const char *const events[] = {
        [OUT_ABSENT] = "people who were away have left a room",
        [OUT_SESSION_ENDED] = "people whose sessions were ended are out of a room",
        [OUT_ANY_SESSION_ENDED] = "people whose sessions were ended are out of a room",
        [OUT_WAITED] = "people whom nobody has let into a room wait no more"};
    struct take_outs *outs = arg;
    if (err == ERR_UNAVAILABLE) {
        take_outs_fail(outs, "people could not be taken out of a room", err);
        return;
    }
    if (err != ERR_OK) { /* one room does not hold up the others */
        take_outs_note_failure(outs, "people could not be taken out of a room", err);
        outs->err = err;
    } else if (taken->count > 0) {
        metric_add(outs->taken, taken->count);
        log_info(events[outs->look.why], LOG_U64("room", taken->journal->room_id),
                 LOG_U64("people", taken->count));
        room_news_tell_journal(outs->parts.news, taken->journal);
    }
    outs->next -= err == ERR_OK && taken->count == OUT_PEOPLE_MAX; /* the same room once more */
    outs->timer = clock_after(outs->parts.clock, TAKE_OUTS_PAUSE_MS, take_outs_on_timer, outs);
}

static void take_outs_go_on(struct take_outs *outs)
{
    const struct out_store *store = &outs->parts.store;
    if (outs->next == outs->found.count) {
        outs->on_done(outs->arg, outs->err, outs->found.count == OUT_ROOMS_MAX);
        return;
    }
    if (outs->may_take != NULL && !outs->may_take(outs->arg, &outs->look)) {
        outs->on_done(outs->arg, ERR_OK, false);
        return;
    }
    const uint64_t room_id = outs->found.rooms[outs->next++].id;
    const enum err err =
        store->ops->take(store->self, &outs->look, room_id, take_outs_on_taken, outs);
    if (err != ERR_OK) {
        take_outs_fail(outs, "people could not be taken out of a room", err);
    }
}

/* ---- a look ---- */

static void take_outs_on_found(void *arg, enum err err, const struct out_found *found)
{
    struct take_outs *outs = arg;
    if (err != ERR_OK) {
        take_outs_fail(outs, "who is to be out of a room could not be read", err);
        return;
    }
    outs->found = *found;
    outs->next = 0;
    outs->err = ERR_OK;
    outs->on_found(outs->arg, found);
    take_outs_go_on(outs);
}

void take_outs_start(struct take_outs *outs, const struct out_look *look)
{
    const struct out_store *store = &outs->parts.store;
    outs->look = *look;
    const enum err err = store->ops->find(store->self, &outs->look, take_outs_on_found, outs);
    if (err != ERR_OK) {
        take_outs_fail(outs, "who is to be out of a room could not be read", err);
    }
}

void take_outs_init(struct take_outs *outs, const struct take_outs_parts *parts, const char *reason)
{
    AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", reason);
    *outs = (struct take_outs){.parts = *parts};
    outs->taken =
        metrics_counter(parts->metrics, "lynks_participants_swept_total",
                        "Participants who are out without anybody asking for it.", labels);
    outs->failed = metrics_counter(parts->metrics, "lynks_participants_sweep_failures_total",
                                   "Looks for such participants that failed; tried again.", labels);
}

void take_outs_fini(struct take_outs *outs)
{
    if (outs->parts.clock != NULL) {
        clock_cancel(outs->parts.clock, outs->timer);
    }
}
