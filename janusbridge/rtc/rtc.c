#include "janusbridge/rtc/rtc.h"

#include "janusbridge/rtc/elsewhere.h"
#include "janusbridge/rtc/publish.h"
#include "janusbridge/rtc/rtc_audit.h"
#include "janusbridge/rtc/takeover.h"
#include "janusbridge/rtc/watch.h"
#include "proto/schema/rtc_id.h"

#define SWEEP_MS 200
#define DUE_MS 250

/* ---- calls ---- */

typedef void rtc_call_fn(struct rtc *rtc, struct call *call);

/* What is asked of who may not act on Janus now is refused. */
static void take_rtc_call(struct rtc *rtc, struct call *call, rtc_call_fn *fn)
{
    const enum err err = rtc_refusal(rtc);
    if (err != ERR_OK) {
        call_fail(call, err);
    } else {
        fn(rtc, call);
    }
}

static void on_rtc_publish(void *service, struct call *call)
{
    take_rtc_call(service, call, publish_begin);
}

static void on_rtc_offer(void *service, struct call *call)
{
    take_rtc_call(service, call, publish_offer);
}

static void on_rtc_trickle(void *service, struct call *call)
{
    take_rtc_call(service, call, publish_trickle);
}

static void on_rtc_watch(void *service, struct call *call)
{
    take_rtc_call(service, call, watch_wish);
}

static void on_rtc_ask_offer(void *service, struct call *call)
{
    take_rtc_call(service, call, watch_ask_offer);
}

static void on_rtc_answer(void *service, struct call *call)
{
    take_rtc_call(service, call, watch_answer);
}

static void on_rtc_restart(void *service, struct call *call)
{
    take_rtc_call(service, call, watch_restart);
}

static void tell_state(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_get *asked = &call->request.rtc_get;
    const struct connection *connection = rtc_find_his(rtc, asked->connection, &asked->asker);
    if (connection == NULL) {
        elsewhere_fail(rtc, call, asked->connection, &asked->asker);
        return;
    }
    const struct msg reply = {.id = MSG_rtc_get_reply,
                              .rtc_get_reply = {.kind = connection->kind,
                                                .state = connection->state,
                                                .seq = connection->seq,
                                                .published = connection_published(connection),
                                                .lost = connection_lost(connection),
                                                .room_id = connection->room_id,
                                                .participant = connection->participant}};
    call_reply(call, &reply);
}

static void on_rtc_get(void *service, struct call *call)
{
    take_rtc_call(service, call, tell_state);
}

static void close_his(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_close *asked = &call->request.rtc_close;
    const struct msg reply = {.id = MSG_rtc_close_reply};
    struct connection *connection = rtc_find(rtc, (const uint8_t *)asked->connection.data);
    const bool is_his = connection != NULL && rtc_is_his(connection, &asked->asker);
    const bool is_there = is_his && connection->state != RTC_CLOSING;
    /* Programs close their end before they say so, OBS for one; Janus has heard that by then. */
    const bool may_be_over = rtc_id_protocol(asked->connection.data) != RTC_LYNKS;
    if (is_there) {
        rtc_close(connection, RTC_CLOSED, ERR_NOT_FOUND);
        call_reply(call, &reply);
    } else if (may_be_over && is_his) {
        call_reply(call, &reply);
    } else if (may_be_over && connection == NULL) {
        elsewhere_end(rtc, call, asked->connection, &asked->asker);
    } else {
        elsewhere_fail(rtc, call, asked->connection, &asked->asker);
    }
}

static void on_rtc_close(void *service, struct call *call)
{
    take_rtc_call(service, call, close_his);
}

const struct call_handler rtc_handlers[] = {
    {MSG_rtc_publish, on_rtc_publish},     {MSG_rtc_offer, on_rtc_offer},
    {MSG_rtc_trickle, on_rtc_trickle},     {MSG_rtc_watch, on_rtc_watch},
    {MSG_rtc_ask_offer, on_rtc_ask_offer}, {MSG_rtc_answer, on_rtc_answer},
    {MSG_rtc_restart, on_rtc_restart},     {MSG_rtc_get, on_rtc_get},
    {MSG_rtc_close, on_rtc_close},         {MSG_NONE, NULL},
};

/* ---- what is due ---- */

static void do_what_is_due(struct rtc *rtc, const struct msg_rtc_due_row *row)
{
    struct connection *connection = rtc_find(rtc, (const uint8_t *)row->connection.data);
    if (connection == NULL) {
        rtc_end_row(rtc, row->connection);
    } else if (connection->state == RTC_ATTACHING || connection->state == RTC_STORING) {
        return; /* it is told of again */
    } else if (row->ends) {
        rtc_close(connection, RTC_NOT_ALLOWED, ERR_NOT_JOINED);
    } else if (connection->kind == RTC_PUBLISH) {
        connection->wished_muted = row->muted;
        connection->wished_bitrate = row->bitrate;
        publish_moderate(connection);
        publish_limit(connection);
    }
}

static void on_due_rows(void *arg, enum err err, const struct msg *reply)
{
    struct rtc *rtc = arg;
    rtc->is_asking_due = false;
    if (err != ERR_OK || !rtc->is_taken_over) {
        return;
    }
    const struct msg_rtc_due_row_list *rows = &reply->rtc_due_reply.rows;
    for (size_t i = 0; i < rows->count; i++) {
        do_what_is_due(rtc, &rows->items[i]);
    }
}

static void ask_due(void *arg)
{
    struct rtc *rtc = arg;
    rtc->due_timer = clock_after(rtc->parts.clock, DUE_MS, ask_due, rtc);
    if (rtc->is_asking_due || rtc_refusal(rtc) != ERR_OK) {
        return;
    }
    const struct msg msg = {
        .id = MSG_rtc_due,
        .rtc_due = {.node = str_of(rtc->config.node), .epoch = lease_epoch(rtc->parts.lease)}};
    const struct call_context context = rtc_context(rtc, "due");
    rtc->is_asking_due = bus_call(rtc->parts.bus, &msg, &context, on_due_rows, rtc) == ERR_OK;
}

/* ---- life ---- */

static void tell_what_is_left(void *arg)
{
    struct rtc *rtc = arg;
    rtc->sweep_timer = clock_after(rtc->parts.clock, SWEEP_MS, tell_what_is_left, rtc);
    if (rtc->is_taken_over) {
        rtc_tell_again(rtc);
    }
}

struct rtc *rtc_new(const struct rtc_parts *parts, const struct rtc_config *config)
{
    struct rtc *rtc = mem_alloc(sizeof(*rtc));
    *rtc = (struct rtc){.parts = *parts, .config = *config};
    rtc->ops[RTC_PUBLISH] = &publish_ops;
    rtc->ops[RTC_WATCH] = &watch_ops;
    list_init(&rtc->all);
    rtc_make_tables(rtc);
    rtc->there = metrics_gauge(parts->metrics, "lynks_janusbridge_connections",
                               "Connections of clients", NULL);
    rtc->made = metrics_counter(parts->metrics, "lynks_janusbridge_connections_made_total",
                                "Connections of clients that were let in", NULL);
    rtc->ended = metrics_counter(parts->metrics, "lynks_janusbridge_connections_ended_total",
                                 "Connections of clients that ended, for whatever reason", NULL);
    rtc->taken_over =
        metrics_counter(parts->metrics, "lynks_janusbridge_connections_taken_over_total",
                        "Connections of clients that another bridge had made", NULL);
    rtc_tell_count(rtc);
    rtc->takeover = takeover_new(rtc);
    rtc->audit = rtc_audit_new(rtc);
    rtc->sweep_timer = clock_after(parts->clock, SWEEP_MS, tell_what_is_left, rtc);
    rtc->due_timer = clock_after(parts->clock, DUE_MS, ask_due, rtc);
    return rtc;
}

void rtc_free(struct rtc **rtc_ref)
{
    struct rtc *rtc = *rtc_ref;
    if (rtc == NULL) {
        return;
    }
    clock_cancel(rtc->parts.clock, rtc->sweep_timer);
    clock_cancel(rtc->parts.clock, rtc->due_timer);
    for (struct connection *connection;
         (connection = LIST_FIRST(struct connection, &rtc->all, link)) != NULL;) {
        rtc_drop(connection);
    }
    rtc_audit_free(&rtc->audit);
    takeover_free(&rtc->takeover);
    rtc_free_tables(rtc);
    mem_free(rtc_ref);
}
