#include "roomsvc/room/removals.h"

#include "proto/base/log.h"

struct removals {
    struct rooms *rooms;
    struct removal_store store;
    struct room_news *news;
    uint64_t timer; /* 0: the registry is asked */
    uint64_t looks; /* that found nothing to do */
    struct log_gate failures;
    struct metric *ended, *due, *handed_over, *failed;
};

static void look_for_removals(void *arg);

static void look_again_after(struct removals *removals, uint64_t ms)
{
    removals->timer = clock_after(removals->rooms->clock, ms, look_for_removals, removals);
}

static void note_handed_over(const struct removals *removals, const struct removal_step *step)
{
    log_info("rooms of a removed user have another owner", LOG_U64("user", step->user_id),
             LOG_U64("heir", step->heir_id), LOG_U64("rooms", step->count));
    metric_add(removals->handed_over, step->count);
    for (size_t i = 0; i < step->journal_count; i++) {
        room_news_tell_journal(removals->news, &step->journals[i]);
    }
}

/* Those that are only due room_ends.h counts when it has closed them. */
static void note_ended(const struct removals *removals, const struct removal_step *step)
{
    struct rooms *rooms = removals->rooms;
    uint64_t closed = 0;
    for (size_t i = 0; i < step->count; i++) {
        if (step->rooms[i].is_closed) {
            room_cache_remove(rooms->cache, step->rooms[i].id);
            closed++;
        }
    }
    log_info("rooms of a removed user have ended, or are about to", LOG_U64("user", step->user_id),
             LOG_U64("ended", closed), LOG_U64("due", step->count - closed));
    metric_add(removals->ended, closed);
    metric_add(removals->due, step->count - closed);
    rooms->open_rooms -= rooms->open_rooms > closed ? closed : rooms->open_rooms;
}

static void on_settled(void *arg, enum err err, const struct removal_step *step)
{
    struct removals *removals = arg;
    if (err == ERR_OK) {
        if (step->heir_id != 0) {
            note_handed_over(removals, step);
        } else {
            note_ended(removals, step);
        }
        look_again_after(removals, REMOVALS_PAUSE_MS);
        return;
    }
    if (err == ERR_NO_SUCH_ROOM) {
        removals->looks++;
    } else {
        metric_inc(removals->failed);
        log_info_limited(&removals->failures, clock_mono_ms(removals->rooms->clock),
                         "the rooms of removed users could not be looked at",
                         LOG_Z("error", err_code(err)));
    }
    look_again_after(removals, REMOVALS_REST_MS);
}

static void look_for_removals(void *arg)
{
    struct removals *removals = arg;
    const bool is_at_all = removals->looks % REMOVALS_ALL_EVERY == 0;
    const struct removal_look look = {.standard_room = removals->rooms->config.standard_room,
                                      .within_ms =
                                          is_at_all ? REMOVALS_ALL_MS : REMOVALS_RECENT_MS};
    removals->timer = 0;
    const enum err err =
        removals->store.ops->settle(removals->store.self, &look, on_settled, removals);
    if (err != ERR_OK) {
        on_settled(removals, err, NULL);
    }
}

struct removals *removals_new(struct rooms *rooms, struct removal_store store,
                              struct room_news *news, struct metrics *metrics)
{
    static const char name[] = "lynks_rooms_of_removed_users_total";
    static const char help[] = "Rooms of users who were removed, by what became of them.";
    struct removals *removals = mem_alloc(sizeof(*removals));
    removals->rooms = rooms;
    removals->store = store;
    removals->news = news;
    removals->ended = metrics_counter(metrics, name, help, "outcome=\"ended\"");
    removals->due = metrics_counter(metrics, name, help, "outcome=\"due\"");
    removals->handed_over = metrics_counter(metrics, name, help, "outcome=\"handed_over\"");
    removals->failed = metrics_counter(metrics, "lynks_rooms_removals_failures_total",
                                       "Looks at removed users that failed; tried again.", NULL);
    look_again_after(removals, REMOVALS_REST_MS);
    return removals;
}

void removals_free(struct removals **removals)
{
    if (*removals != NULL) {
        clock_cancel((*removals)->rooms->clock, (*removals)->timer);
        mem_free(removals);
    }
}
