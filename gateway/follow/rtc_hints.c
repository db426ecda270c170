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
    struct list_link link; /* of queue->waiting */
    struct http_chunk *chunk;
};

/* Made when something has to wait, and kept until all is taken: few readers have one. Where some
 * were lost, it is kept until the reader closes, because it says so. */
struct rtc_queue {
    struct list_link waiting;
    size_t count;
    bool has_lost;
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

static struct rtc_queue *need_queue(struct rtc_reader *reader)
{
    if (reader->queue == NULL) {
        reader->queue = mem_alloc(sizeof(*reader->queue));
        list_init(&reader->queue->waiting);
    }
    return reader->queue;
}

static void put_hint(const struct rtc_hints *hints, struct rtc_reader *reader,
                     struct http_chunk *chunk)
{
    struct rtc_queue *queue = need_queue(reader);
    if (queue->count == RTC_HINTS_WAITING_MAX) {
        queue->has_lost = true;
        metric_inc(hints->lost);
        return;
    }
    struct waiting_hint *waiting = mem_alloc(sizeof(*waiting));
    waiting->chunk = http_chunk_ref(chunk);
    list_add(&queue->waiting, &waiting->link);
    queue->count++;
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
        put_hint(hints, reader, chunk);
        reader->wake(reader);
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
    reader->queue = NULL;
    list_add(readers, &reader->link);
}

static void free_waiting(struct rtc_queue *queue, struct waiting_hint *waiting)
{
    list_remove(&waiting->link);
    queue->count--;
    http_chunk_unref(&waiting->chunk);
    free(waiting);
}

static struct waiting_hint *first_waiting(const struct rtc_reader *reader)
{
    return reader->queue == NULL ? NULL
                                 : LIST_FIRST(struct waiting_hint, &reader->queue->waiting, link);
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
    free_waiting(reader->queue, waiting);
    if (reader->queue->count == 0 && !reader->queue->has_lost) {
        mem_free(&reader->queue);
    }
}

bool rtc_reader_is_slow(const struct rtc_reader *reader)
{
    return reader->queue != NULL && reader->queue->has_lost;
}

static void free_queue(struct rtc_queue **queue)
{
    if (*queue != NULL) {
        LIST_EACH (struct waiting_hint, waiting, &(*queue)->waiting, link) {
            free_waiting(*queue, waiting);
        }
        mem_free(queue);
    }
}

void rtc_reader_close(struct rtc_reader *reader, struct rtc_hints *hints, uint64_t participant_id)
{
    if (list_is_empty(&reader->link)) {
        return; /* it has been closed */
    }
    free_queue(&reader->queue);
    list_remove(&reader->link);
    const struct list_link *readers = lru_peek(hints->readers, &participant_id);
    if (list_is_empty(readers)) {
        lru_remove(hints->readers, &participant_id);
    }
}
