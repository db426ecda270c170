#include "gateway/follow/rtc_hints.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/base/lru.h"

struct rtc_hints {
    struct lru *readers; /* participant id -> head of a list of struct rtc_reader */
    struct http_chunk *(*encode)(const struct msg_rtc_hint *hint);
    struct metric *told, *untold, *lost;
};

struct waiting_hint {
    struct list_link link; /* of reader->waiting */
    struct http_chunk *chunk;
};

struct rtc_hints *rtc_hints_new(struct metrics *metrics, size_t readers_max,
                                struct http_chunk *(*encode)(const struct msg_rtc_hint *hint))
{
    static const char name[] = "lynks_gateway_rtc_hints_total";
    static const char help[] = "Hints about connections for media, once for each stream or long "
                               "poll; untold: their participant has none here.";
    struct rtc_hints *hints = mem_alloc(sizeof(*hints));
    hints->readers = lru_new(sizeof(uint64_t), sizeof(struct list_link), readers_max);
    hints->encode = encode;
    hints->told = metrics_counter(metrics, name, help, "outcome=\"told\"");
    hints->untold = metrics_counter(metrics, name, help, "outcome=\"untold\"");
    hints->lost = metrics_counter(metrics, name, help, "outcome=\"lost\"");
    return hints;
}

void rtc_hints_free(struct rtc_hints **hints)
{
    if (*hints != NULL) {
        assert(lru_count((*hints)->readers) == 0); /* nobody reads */
        lru_free(&(*hints)->readers);
        mem_free(hints);
    }
}

static void put_hint(struct rtc_reader *reader, struct http_chunk *chunk)
{
    const struct rtc_hints *hints = reader->hints;
    if (reader->waiting_count == RTC_HINTS_WAITING_MAX) {
        reader->is_slow = true;
        metric_inc(hints->lost);
        return;
    }
    struct waiting_hint *waiting = mem_alloc(sizeof(*waiting));
    waiting->chunk = http_chunk_ref(chunk);
    list_add(&reader->waiting, &waiting->link);
    reader->waiting_count++;
    metric_inc(hints->told);
}

void rtc_hints_hear(struct rtc_hints *hints, const struct msg *msg)
{
    if (msg->id != MSG_rtc_hint) {
        return;
    }
    const struct msg_rtc_hint *hint = &msg->rtc_hint;
    struct list_link *readers = lru_find(hints->readers, &hint->participant);
    if (readers == NULL) {
        metric_inc(hints->untold);
        return;
    }
    struct http_chunk *chunk = hints->encode(hint);
    /* With the last reader its list goes, too: LIST_EACH has looked behind it before. */
    LIST_EACH (struct rtc_reader, reader, readers, link) {
        put_hint(reader, chunk);
        reader->wake(reader->arg);
    }
    http_chunk_unref(&chunk);
}

void rtc_reader_open(struct rtc_reader *reader, struct rtc_hints *hints, uint64_t participant_id)
{
    bool is_first;
    struct list_link *readers = lru_put(hints->readers, &participant_id, &is_first);
    if (is_first) {
        list_init(readers);
    }
    reader->hints = hints;
    reader->participant_id = participant_id;
    list_init(&reader->waiting);
    reader->waiting_count = 0;
    reader->is_slow = false;
    list_add(readers, &reader->link);
}

static void free_waiting(struct rtc_reader *reader, struct waiting_hint *waiting)
{
    list_remove(&waiting->link);
    reader->waiting_count--;
    http_chunk_unref(&waiting->chunk);
    free(waiting);
}

static struct waiting_hint *first_waiting(const struct rtc_reader *reader)
{
    return LIST_FIRST(struct waiting_hint, &reader->waiting, link);
}

struct http_chunk *rtc_reader_peek(const struct rtc_reader *reader)
{
    const struct waiting_hint *waiting = first_waiting(reader);
    return waiting == NULL ? NULL : waiting->chunk;
}

void rtc_reader_advance(struct rtc_reader *reader)
{
    struct waiting_hint *waiting = first_waiting(reader);
    assert(waiting != NULL); /* there was one to be seen */
    free_waiting(reader, waiting);
}

void rtc_reader_close(struct rtc_reader *reader)
{
    struct rtc_hints *hints = STEAL(reader->hints);
    if (hints == NULL) {
        return;
    }
    LIST_EACH (struct waiting_hint, waiting, &reader->waiting, link) {
        free_waiting(reader, waiting);
    }
    list_remove(&reader->link);
    const struct list_link *readers = lru_peek(hints->readers, &reader->participant_id);
    if (list_is_empty(readers)) {
        lru_remove(hints->readers, &reader->participant_id);
    }
}
