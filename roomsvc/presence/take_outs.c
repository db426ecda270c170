#include "roomsvc/presence/take_outs.h"

struct take_outs {
    struct take_outs_parts parts;
    struct take_outs_kind kind;
    struct out_look look;
    struct out_found found;
    size_t next;     /* of found.rooms */
    bool has_failed; /* one of them */
    uint64_t timer;  /* of the next look or room; 0: the store is asked */
    uint64_t due_ms; /* when the next look is */
    struct log_gate failures;
    struct metric *taken, *failed;
};

static void take_outs_look(void *arg);
static void take_outs_go_on(void *arg);

/* ---- from look to look ---- */

static void take_outs_rest(struct take_outs *outs, uint64_t ms)
{
    outs->due_ms = clock_mono_ms(outs->parts.clock) + ms;
    outs->timer = clock_after(outs->parts.clock, ms, take_outs_look, outs);
}

static void take_outs_note_failure(struct take_outs *outs, const char *event, enum err err)
{
    metric_inc(outs->failed);
    log_info_limited(&outs->failures, clock_mono_ms(outs->parts.clock), event,
                     LOG_Z("error", err_code(err)));
}

static void take_outs_fail(struct take_outs *outs, const char *event, enum err err)
{
    take_outs_note_failure(outs, event, err);
    take_outs_rest(outs, outs->kind.rest_ms);
}

/* All rooms that were found are dealt with. */
static void take_outs_end_look(struct take_outs *outs)
{
    const bool has_more = outs->found.count == OUT_ROOMS_MAX;
    if (!outs->has_failed && !has_more && outs->kind.done != NULL) {
        outs->kind.done(outs->kind.arg);
    }
    take_outs_rest(outs, has_more && !outs->has_failed ? TAKE_OUTS_PAUSE_MS : outs->kind.rest_ms);
}

/* ---- one room ---- */

static void take_outs_on_taken(void *arg, enum err err, const struct out_taken *taken)
{
    static const char *const events[] = {
        [OUT_ABSENT] = "people who were away have left a room",
        [OUT_SESSION_ENDED] = "people whose sessions were ended are out of a room",
        [OUT_ANY_SESSION_ENDED] = "people whose sessions were ended are out of a room",
        [OUT_WAITED] = "people whom nobody has let into a room wait no more",
        [OUT_STREAM_KEY_ENDED] = "streams whose keys' time is up are out of a room"};
    struct take_outs *outs = arg;
    if (err == ERR_UNAVAILABLE) {
        take_outs_fail(outs, "people could not be taken out of a room", err);
        return;
    }
    if (err != ERR_OK) { /* one room does not hold up the others */
        take_outs_note_failure(outs, "people could not be taken out of a room", err);
        outs->has_failed = true;
    } else if (taken->count > 0) {
        metric_add(outs->taken, taken->count);
        log_info(events[outs->look.why], LOG_U64("room", taken->journal->room_id),
                 LOG_U64("people", taken->count));
        room_news_tell_journal(outs->parts.news, taken->journal);
    }
    outs->next -= err == ERR_OK && taken->count == OUT_PEOPLE_MAX; /* the same room once more */
    outs->timer = clock_after(outs->parts.clock, TAKE_OUTS_PAUSE_MS, take_outs_go_on, outs);
}

static void take_outs_go_on(void *arg)
{
    struct take_outs *outs = arg;
    const struct out_store *store = &outs->parts.store;
    outs->timer = 0;
    if (outs->next == outs->found.count) {
        take_outs_end_look(outs);
        return;
    }
    if (outs->kind.may_take != NULL && !outs->kind.may_take(outs->kind.arg, &outs->look)) {
        take_outs_rest(outs, outs->kind.rest_ms);
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
    outs->has_failed = false;
    if (outs->kind.found != NULL) {
        outs->kind.found(outs->kind.arg, found);
    }
    take_outs_go_on(outs);
}

static void take_outs_look(void *arg)
{
    struct take_outs *outs = arg;
    const struct out_store *store = &outs->parts.store;
    outs->timer = 0;
    outs->look = outs->kind.look;
    if (outs->kind.begin != NULL) {
        outs->kind.begin(outs->kind.arg, outs->due_ms, &outs->look);
    }
    const enum err err = store->ops->find(store->self, &outs->look, take_outs_on_found, outs);
    if (err != ERR_OK) {
        take_outs_fail(outs, "who is to be out of a room could not be read", err);
    }
}

/* ---- life ---- */

struct take_outs *take_outs_new(const struct take_outs_parts *parts,
                                const struct take_outs_kind *kind)
{
    AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", kind->reason);
    struct take_outs *outs = mem_alloc(sizeof(*outs));
    outs->parts = *parts;
    outs->kind = *kind;
    outs->taken =
        metrics_counter(parts->metrics, "lynks_participants_swept_total",
                        "Participants who are out without anybody asking for it.", labels);
    outs->failed = metrics_counter(parts->metrics, "lynks_participants_sweep_failures_total",
                                   "Looks for such participants that failed; tried again.", labels);
    take_outs_rest(outs, kind->rest_ms);
    return outs;
}

void take_outs_free(struct take_outs **outs)
{
    if (*outs != NULL) {
        clock_cancel((*outs)->parts.clock, (*outs)->timer);
        mem_free(outs);
    }
}
