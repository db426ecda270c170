#include "gateway/follow/presence.h"

#include <assert.h>
#include <sodium.h>

#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/lru.h"
#include "proto/schema/msg.h"

/* In whose list somebody is. */
enum presence_state {
    PRESENCE_NEWS,    /* what he is now waits to be told */
    PRESENCE_ON_WAY,  /* it was told, and is not answered yet */
    PRESENCE_TOLD,    /* it is known */
    PRESENCE_LINGERS, /* likewise; he has no stream, and is told so when that was for long enough */
    PRESENCE_STATES,
};

/* Somebody who has a stream, or has had one. */
struct present {
    struct list_link link;
    uint64_t id;
    uint64_t streams;
    uint64_t ended_ms; /* his last one, while streams is 0 */
    enum presence_state state;
    bool is_gone;      /* without a stream for long enough */
    bool is_told_gone; /* by the report that is on its way */
};

struct presence {
    const struct clock *clock;
    const struct bus *bus;
    unsigned char gateway[16];
    uint64_t number;   /* of the last report */
    struct lru *index; /* id -> struct present; nobody is put into it while it is full, so that
                          none makes place */
    struct list_link lists[PRESENCE_STATES];
    uint64_t timer;
    bool is_out;       /* a report is on its way */
    uint64_t sent_ms;  /* it, or the last one */
    uint64_t heard_ms; /* sent_ms of the last one that was answered; 0: none was */
    struct log_gate failures;
    struct metric *told, *failed, *anew, *present;
};

static void presence_become(struct presence *presence, struct present *present,
                            enum presence_state state)
{
    list_remove(&present->link);
    list_add(&presence->lists[state], &present->link);
    present->state = state;
}

static void presence_forget(struct presence *presence, struct present *present)
{
    const uint64_t id = present->id;
    list_remove(&present->link);
    lru_remove(presence->index, &id);
    metric_set(presence->present, (int64_t)lru_count(presence->index));
}

/* ---- streams ---- */

bool presence_open(struct presence *presence, uint64_t participant_id)
{
    struct present *present = lru_find(presence->index, &participant_id);
    assert(participant_id != 0);
    if (present == NULL) {
        bool added;
        if (lru_is_full(presence->index)) {
            return false;
        }
        present = lru_put(presence->index, &participant_id, &added);
        *present = (struct present){.id = participant_id};
        list_init(&present->link);
        presence_become(presence, present, PRESENCE_NEWS);
        metric_set(presence->present, (int64_t)lru_count(presence->index));
    }
    present->streams++;
    present->is_gone = false;
    if (present->state == PRESENCE_LINGERS) {
        presence_become(presence, present, PRESENCE_TOLD);
    }
    return true;
}

void presence_close(struct presence *presence, uint64_t participant_id)
{
    struct present *present = lru_find(presence->index, &participant_id);
    assert(present != NULL && present->streams > 0);
    if (--present->streams > 0) {
        return;
    }
    present->ended_ms = clock_mono_ms(presence->clock);
    if (present->state == PRESENCE_TOLD) {
        presence_become(presence, present, PRESENCE_LINGERS);
    }
}

size_t presence_count(const struct presence *presence)
{
    return lru_count(presence->index);
}

/* ---- reports ---- */

/* He is known as what was told of him; what has changed meanwhile is told next. */
static void presence_settle(struct presence *presence, struct present *present)
{
    if (present->is_told_gone && present->is_gone) {
        presence_forget(presence, present);
    } else if (present->is_told_gone) {
        presence_become(presence, present, PRESENCE_NEWS); /* he has come back meanwhile */
    } else {
        presence_become(presence, present, present->streams > 0 ? PRESENCE_TOLD : PRESENCE_LINGERS);
    }
}

static void presence_tell_anew(struct presence *presence)
{
    static const enum presence_state known[] = {PRESENCE_TOLD, PRESENCE_LINGERS};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        LIST_EACH (struct present, present, &presence->lists[known[i]], link) {
            presence_become(presence, present, PRESENCE_NEWS);
            metric_inc(presence->anew);
        }
    }
}

static void presence_on_answer(void *arg, enum err err, const struct msg *reply)
{
    struct presence *presence = arg;
    struct list_link *on_way = &presence->lists[PRESENCE_ON_WAY];
    const uint64_t now_ms = clock_mono_ms(presence->clock);
    presence->is_out = false;
    if (err != ERR_OK) {
        metric_inc(presence->failed);
        log_warn_limited(&presence->failures, now_ms, "presence could not be reported",
                         LOG_Z("error", err_code(err)));
        LIST_EACH (struct present, present, on_way, link) {
            presence_become(presence, present, PRESENCE_NEWS);
        }
        return;
    }
    metric_inc(presence->told);
    /* Those of this report are known either way. */
    if (reply->presence_report_reply.is_new || now_ms - presence->heard_ms >= PRESENCE_LAPSE_MS) {
        presence_tell_anew(presence);
    }
    presence->heard_ms = presence->sent_ms;
    LIST_EACH (struct present, present, on_way, link) {
        presence_settle(presence, present);
    }
}

/* All in the list are looked at: its order is that in which they came into it, which need not be
 * that in which their streams ended. */
static void presence_end_linger(struct presence *presence, uint64_t now_ms)
{
    LIST_EACH (struct present, present, &presence->lists[PRESENCE_LINGERS], link) {
        if (now_ms - present->ended_ms >= PRESENCE_LINGER_MS) {
            present->is_gone = true;
            presence_become(presence, present, PRESENCE_NEWS);
        }
    }
}

/* What does not fit into one report is in the next. */
static void presence_fill(struct presence *presence, struct msg_presence_report *report,
                          uint64_t opened[PRESENCE_CHANGES], uint64_t closed[PRESENCE_CHANGES])
{
    size_t opened_count = 0;
    size_t closed_count = 0;
    LIST_EACH (struct present, present, &presence->lists[PRESENCE_NEWS], link) {
        if (opened_count == PRESENCE_CHANGES || closed_count == PRESENCE_CHANGES) {
            break;
        }
        present->is_told_gone = present->is_gone;
        if (present->is_gone) {
            closed[closed_count++] = present->id;
        } else {
            opened[opened_count++] = present->id;
        }
        presence_become(presence, present, PRESENCE_ON_WAY);
    }
    report->opened = (struct u64_list){opened, opened_count};
    report->closed = (struct u64_list){closed, closed_count};
}

static void presence_report(void *arg)
{
    struct presence *presence = arg;
    uint64_t opened[PRESENCE_CHANGES], closed[PRESENCE_CHANGES];
    const uint64_t now_ms = clock_mono_ms(presence->clock);
    const struct call_context context = {.request_id = STR_LIT("presence"),
                                         .deadline_ms = now_ms + PRESENCE_ANSWER_MS};
    presence->timer = clock_after(presence->clock, PRESENCE_REPORT_MS, presence_report, presence);
    if (presence->is_out || lru_count(presence->index) == 0) {
        return; /* its answer, or its failure, is late, after a pause of this process; or there is
                   nobody */
    }
    presence_end_linger(presence, now_ms);
    struct msg msg = {.id = MSG_presence_report};
    struct msg_presence_report *report = &msg.presence_report;
    report->gateway = (struct str){(const char *)presence->gateway, sizeof(presence->gateway)};
    report->number = ++presence->number;
    presence_fill(presence, report, opened, closed);
    presence->is_out = true;
    presence->sent_ms = now_ms;
    const enum err err = bus_call(presence->bus, &msg, &context, presence_on_answer, presence);
    if (err != ERR_OK) {
        presence_on_answer(presence, err, NULL);
    }
}

/* ---- life ---- */

struct presence *presence_new(const struct clock *clock, const struct bus *bus,
                              struct metrics *metrics)
{
    static const char name[] = "lynks_presence_reports_total";
    static const char help[] = "Reports of who has a stream here, by what became of them.";
    struct presence *presence = mem_alloc(sizeof(*presence));
    presence->clock = clock;
    presence->bus = bus;
    randombytes_buf(presence->gateway, sizeof(presence->gateway));
    presence->index = lru_new(sizeof(uint64_t), sizeof(struct present), PRESENCE_PARTICIPANTS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(presence->lists); i++) {
        list_init(&presence->lists[i]);
    }
    presence->told = metrics_counter(metrics, name, help, "result=\"told\"");
    presence->failed = metrics_counter(metrics, name, help, "result=\"failed\"");
    presence->anew =
        metrics_counter(metrics, "lynks_presence_anew_total",
                        "Participants who were reported again, because of an outage.", NULL);
    presence->present =
        metrics_gauge(metrics, "lynks_presence_participants",
                      "Participants who have a stream here, or had one a moment ago.", NULL);
    presence->timer = clock_after(clock, PRESENCE_REPORT_MS, presence_report, presence);
    return presence;
}

void presence_free(struct presence **presence)
{
    if (*presence != NULL) {
        clock_cancel((*presence)->clock, (*presence)->timer);
        lru_free(&(*presence)->index);
        mem_free(presence);
    }
}
