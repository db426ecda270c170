#include "roomsvc/journal/room_news.h"

struct room_news {
    const struct clock *clock;
    struct bus_publisher *publisher;
    struct arena *arena;
    uint64_t timer;
    struct metric *told;
};

static void publish(const struct room_news *news, const struct msg_room_news *item)
{
    const struct msg msg = {.id = MSG_room_news, .room_news = *item};
    (void)bus_publisher_send(news->publisher, &msg);
}

void room_news_tell(struct room_news *news, const struct msg_room_news *item)
{
    if (news->publisher != NULL) {
        metric_inc(news->told);
        publish(news, item);
    }
}

/* An entry is the message as it was written. */
static void tell_entry(struct room_news *news, const struct db_blob *entry)
{
    const struct str data = {.data = (const char *)entry->data, .bytes = entry->bytes};
    struct envelope envelope;
    struct msg msg;
    if (codec_decode(news->arena, data, &envelope, &msg) == CODEC_OK && msg.id == MSG_room_news) {
        room_news_tell(news, &msg.room_news);
    }
}

void room_news_tell_journal(struct room_news *news, const struct journal *journal)
{
    if (news->publisher == NULL) {
        return;
    }
    for (size_t i = 0; i < journal->count; i++) {
        tell_entry(news, &journal->entries[i]);
    }
    if (journal->hint != 0) {
        const struct msg_room_news hint = {
            .what = journal->hint,
            .generation = journal->generation,
            .has_room_id = true,
            .room_id = journal->room_id,
            .seq = journal->seq,
            .users = {.items = journal->users, .count = journal->user_count}};
        room_news_tell(news, &hint);
    }
}

static void tell_sign_of_life(void *arg)
{
    struct room_news *news = arg;
    publish(news, &(struct msg_room_news){.what = ROOM_NEWS_LIVES});
    news->timer = clock_after(news->clock, ROOM_NEWS_LIFE_MS, tell_sign_of_life, news);
}

struct room_news *room_news_new(const struct clock *clock, struct metrics *metrics,
                                struct bus_publisher *publisher)
{
    struct room_news *news = mem_alloc(sizeof(*news));
    *news = (struct room_news){
        .clock = clock,
        .publisher = publisher,
        .arena = arena_new(),
        .told = metrics_counter(metrics, "lynks_room_news_total",
                                "What happened in rooms, as published for gateways.", NULL)};
    if (publisher != NULL) {
        tell_sign_of_life(news);
    }
    return news;
}

void room_news_free(struct room_news **news)
{
    if (*news != NULL) {
        clock_cancel((*news)->clock, (*news)->timer);
        arena_free(&(*news)->arena);
        mem_free(news);
    }
}
