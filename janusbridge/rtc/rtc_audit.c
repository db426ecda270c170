#include "janusbridge/rtc/rtc_audit.h"

#include "proto/base/log.h"

enum audit_step {
    AUDIT_IDLE,  /* until its timer */
    AUDIT_ROWS,  /* roomsvc is asked for a page of rows */
    AUDIT_FEEDS, /* Janus is asked who sends in a room, or is going to be */
};

struct rtc_audit {
    struct rtc *rtc;
    enum audit_step step;
    bool is_wanted; /* another round, at once */
    uint64_t timer;
    uint8_t last[CONNECTION_ID_BYTES]; /* of the page before */
    bool has_last;
    uint64_t stored, dropped; /* the rtc's, when roomsvc was asked */
    uint64_t room_id;         /* that Janus is asked about, or was last */
    struct metric *rounds, *differences;
};

/* The only place that sets the step. */
static void audit_enter(struct rtc_audit *audit, enum audit_step step)
{
    static const char *const names[] = {
        [AUDIT_IDLE] = "idle", [AUDIT_ROWS] = "rows", [AUDIT_FEEDS] = "feeds"};
    log_debug("audit of connections", LOG_Z("was", names[audit->step]), LOG_Z("is", names[step]));
    audit->step = step;
}

static void begin_audit_round(void *arg);

static void begin_audit_in(struct rtc_audit *audit, uint64_t delay_ms)
{
    clock_cancel(audit->rtc->parts.clock, audit->timer);
    audit->timer = clock_after(audit->rtc->parts.clock, delay_ms, begin_audit_round, audit);
}

static void end_audit_round(struct rtc_audit *audit)
{
    audit_enter(audit, AUDIT_IDLE);
    begin_audit_in(audit, audit->is_wanted ? 0 : RTC_AUDIT_PAUSE_MS);
}

static void note_difference(struct rtc_audit *audit, const char *what, const uint8_t *id)
{
    char hex[2 * CONNECTION_ID_BYTES + 1];
    hex_encode(hex, id, CONNECTION_ID_BYTES);
    metric_inc(audit->differences);
    log_warn("a connection of a client is not what it was taken for", LOG_Z("what", what),
             LOG_Z("id", hex));
}

/* ---- who sends, as Janus says ---- */

static bool is_sending(const struct connection *connection)
{
    return connection->kind == RTC_PUBLISH && connection->state == RTC_UP;
}

/* The next room in which somebody sends; 0: there is none. */
static uint64_t next_room(const struct rtc_audit *audit)
{
    uint64_t next = 0;
    LIST_EACH (const struct connection, connection, &audit->rtc->all, link) {
        if (is_sending(connection) && connection->room_id > audit->room_id &&
            (next == 0 || connection->room_id < next)) {
            next = connection->room_id;
        }
    }
    return next;
}

static bool has_feed_id(const uint64_t *feeds, size_t count, uint64_t feed)
{
    for (size_t i = 0; i < count; i++) {
        if (feeds[i] == feed) {
            return true;
        }
    }
    return false;
}

/* One at a time: what ends changes the list. True: it was one, and there may be more. */
static bool end_one_unknown(struct rtc_audit *audit, const uint64_t *feeds, size_t count)
{
    LIST_EACH (struct connection, connection, &audit->rtc->all, link) {
        if (is_sending(connection) && connection->room_id == audit->room_id &&
            connection->looks >= RTC_AUDIT_LOOKS && !has_feed_id(feeds, count, connection->feed)) {
            note_difference(audit, "janus does not have it", connection->id);
            rtc_close(connection, RTC_LOST, ERR_UNAVAILABLE);
            return true;
        }
    }
    return false;
}

/* True: the room is to be looked at again. */
static bool look_for_feeds(struct rtc_audit *audit, const uint64_t *feeds, size_t count)
{
    bool is_doubted = false;
    LIST_EACH (struct connection, connection, &audit->rtc->all, link) {
        if (!is_sending(connection) || connection->room_id != audit->room_id) {
            continue;
        }
        const bool is_there = has_feed_id(feeds, count, connection->feed);
        connection->looks = is_there ? 0 : connection->looks + 1;
        is_doubted |= !is_there && connection->looks < RTC_AUDIT_LOOKS;
    }
    while (end_one_unknown(audit, feeds, count)) {
    }
    return is_doubted;
}

static void ask_feeds(struct rtc_audit *audit);

static void ask_feeds_again(void *arg)
{
    struct rtc_audit *audit = arg;
    audit->timer = 0;
    audit->room_id--; /* that room once more */
    ask_feeds(audit);
}

static void on_feeds(void *arg, enum err err, const struct janus_message *message)
{
    struct rtc_audit *audit = arg;
    uint64_t feeds[PUBLISHERS_MAX];
    size_t count = 0;
    if (err == ERR_OK) {
        err = janus_message_publishers(message, audit->room_id, feeds, &count);
    }
    /* A room that Janus lacks is made again, or ends. */
    if (err == ERR_OK && rtc_refusal(audit->rtc) == ERR_OK && look_for_feeds(audit, feeds, count)) {
        audit->timer =
            clock_after(audit->rtc->parts.clock, RTC_AUDIT_LOOK_MS, ask_feeds_again, audit);
        return;
    }
    ask_feeds(audit);
}

static void ask_feeds(struct rtc_audit *audit)
{
    const uint64_t room_id = next_room(audit);
    uint64_t call_id;
    if (rtc_refusal(audit->rtc) != ERR_OK) {
        end_audit_round(audit);
        return;
    }
    if (room_id == 0) {
        metric_inc(audit->rounds);
        end_audit_round(audit);
        return;
    }
    audit->room_id = room_id;
    AUTO(mem_free) char *body = janus_json_participants(room_id);
    if (janus_session_call(audit->rtc->parts.session, body, RTC_JANUS_TIMEOUT_MS, on_feeds, audit,
                           &call_id) != ERR_OK) {
        end_audit_round(audit);
    }
}

/* ---- rows ---- */

static bool is_on_page(const struct msg_rtc_row_list *rows, const uint8_t *id)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (memcmp(rows->items[i].connection.data, id, CONNECTION_ID_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

/* It had its row before the page was asked for, which would have it. */
static bool lacks_row(const struct rtc_audit *audit, const struct connection *connection,
                      const struct msg_rtc_row_list *rows)
{
    const bool is_full = rows->count == RTC_PAGE;
    const bool is_stored = connection->state >= RTC_JOINING && connection->state <= RTC_UP &&
                           connection->stored <= audit->stored;
    const bool is_behind =
        !audit->has_last || memcmp(connection->id, audit->last, CONNECTION_ID_BYTES) > 0;
    const bool is_before =
        !is_full || memcmp(connection->id, rows->items[rows->count - 1].connection.data,
                           CONNECTION_ID_BYTES) < 0;
    return is_stored && is_behind && is_before && !is_on_page(rows, connection->id);
}

static bool end_one_without_row(struct rtc_audit *audit, const struct msg_rtc_row_list *rows)
{
    LIST_EACH (struct connection, connection, &audit->rtc->all, link) {
        if (lacks_row(audit, connection, rows)) {
            note_difference(audit, "it has no row", connection->id);
            rtc_close(connection, RTC_NOT_ALLOWED, ERR_NOT_FOUND);
            return true;
        }
    }
    return false;
}

/* One that has ended since the page was asked for explains a row; the next round sees. */
static void compare_rows(struct rtc_audit *audit, const struct msg_rtc_row_list *rows)
{
    for (size_t i = 0; i < rows->count && audit->dropped == audit->rtc->dropped; i++) {
        const struct str id = rows->items[i].connection;
        if (rtc_find(audit->rtc, (const uint8_t *)id.data) == NULL) {
            note_difference(audit, "it has but a row", (const uint8_t *)id.data);
            rtc_end_row(audit->rtc, id);
        }
    }
    while (end_one_without_row(audit, rows)) {
    }
}

static void ask_audit_page(struct rtc_audit *audit);

static void on_audit_rows(void *arg, enum err err, const struct msg *reply)
{
    struct rtc_audit *audit = arg;
    if (err != ERR_OK || rtc_refusal(audit->rtc) != ERR_OK) {
        end_audit_round(audit);
        return;
    }
    const struct msg_rtc_row_list *rows = &reply->rtc_page_reply.rows;
    compare_rows(audit, rows);
    if (rows->count == RTC_PAGE) {
        memcpy(audit->last, rows->items[rows->count - 1].connection.data, sizeof(audit->last));
        audit->has_last = true;
        ask_audit_page(audit);
        return;
    }
    audit_enter(audit, AUDIT_FEEDS);
    audit->room_id = 0;
    ask_feeds(audit);
}

static void ask_audit_page(struct rtc_audit *audit)
{
    const struct rtc *rtc = audit->rtc;
    const struct msg msg = {
        .id = MSG_rtc_page,
        .rtc_page = {.node = str_of(rtc->config.node),
                     .epoch = lease_epoch(rtc->parts.lease),
                     .after_connection = {(const char *)audit->last,
                                          audit->has_last ? sizeof(audit->last) : 0}}};
    const struct call_context context = rtc_context(rtc, "audit");
    audit->stored = rtc->stored;
    audit->dropped = rtc->dropped;
    if (bus_call(rtc->parts.bus, &msg, &context, on_audit_rows, audit) != ERR_OK) {
        end_audit_round(audit);
    }
}

static void begin_audit_round(void *arg)
{
    struct rtc_audit *audit = arg;
    audit->timer = 0;
    audit->is_wanted = false;
    audit->has_last = false;
    if (rtc_refusal(audit->rtc) != ERR_OK) {
        begin_audit_in(audit, RTC_AUDIT_PAUSE_MS);
        return;
    }
    audit_enter(audit, AUDIT_ROWS);
    ask_audit_page(audit);
}

void rtc_audit_now(struct rtc_audit *audit)
{
    audit->is_wanted = true;
    if (audit->step == AUDIT_IDLE) {
        begin_audit_in(audit, 0);
    }
}

/* ---- life ---- */

struct rtc_audit *rtc_audit_new(struct rtc *rtc)
{
    struct rtc_audit *audit = mem_alloc(sizeof(*audit));
    *audit = (struct rtc_audit){.rtc = rtc};
    audit->rounds = metrics_counter(rtc->parts.metrics, "lynks_janusbridge_connection_audits_total",
                                    "Times that all connections of clients were compared with "
                                    "their rows and with Janus",
                                    NULL);
    audit->differences =
        metrics_counter(rtc->parts.metrics, "lynks_janusbridge_connection_differences_total",
                        "Connections that were ended because these differed", NULL);
    begin_audit_in(audit, RTC_AUDIT_PAUSE_MS);
    return audit;
}

void rtc_audit_free(struct rtc_audit **audit)
{
    if (*audit != NULL) {
        clock_cancel((*audit)->rtc->parts.clock, (*audit)->timer);
        mem_free(audit);
    }
}
