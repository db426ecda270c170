#include "janusbridge/rtc/rtc_core.h"

#include "proto/base/log.h"

/* Of a connection that is taken over under the same epoch the one before may have told more than
 * its row says; so many versions at most. */
#define VERSIONS_UNDER_WAY (UINT64_C(1) << 20)

struct owner_key {
    uint8_t token_hash[TOKEN_HASH_BYTES];
    uint64_t kind;
};

struct participant_key {
    uint64_t participant, kind;
};

/* ---- finding them ---- */

void rtc_make_tables(struct rtc *rtc)
{
    const size_t max = 2 * rtc->config.connections_max + 1; /* those that close count, too */
    rtc->by_id = lru_new(CONNECTION_ID_BYTES, sizeof(struct connection *), max);
    rtc->by_owner = lru_new(sizeof(struct owner_key), sizeof(struct connection *), max);
    rtc->by_participant = lru_new(sizeof(struct participant_key), sizeof(struct connection *), max);
}

void rtc_free_tables(struct rtc *rtc)
{
    lru_free(&rtc->by_id);
    lru_free(&rtc->by_owner);
    lru_free(&rtc->by_participant);
}

static struct connection *find_in(struct lru *table, const void *key)
{
    struct connection *const *at = lru_peek(table, key);
    return at != NULL ? *at : NULL;
}

static void enter_table(struct lru *table, const void *key, struct connection *connection)
{
    bool is_new;
    *(struct connection **)lru_put(table, key, &is_new) = connection;
}

/* Another one may stand in its place by now. */
static void leave_table(struct lru *table, const void *key, const struct connection *connection)
{
    if (find_in(table, key) == connection) {
        lru_remove(table, key);
    }
}

static struct owner_key owner_key(const void *token_hash, enum rtc_kind kind)
{
    struct owner_key key = {.kind = kind};
    memcpy(key.token_hash, token_hash, sizeof(key.token_hash));
    return key;
}

struct connection *rtc_find(const struct rtc *rtc, const uint8_t id[CONNECTION_ID_BYTES])
{
    return find_in(rtc->by_id, id);
}

static bool is_closing(const struct connection *connection)
{
    return connection->state == RTC_CLOSING || connection->state == RTC_GONE;
}

bool rtc_is_his(const struct connection *connection, const struct msg_asker *asker)
{
    return asker->token_hash.bytes == TOKEN_HASH_BYTES &&
           memcmp(asker->token_hash.data, connection->token_hash, TOKEN_HASH_BYTES) == 0;
}

struct connection *rtc_find_his(const struct rtc *rtc, struct str id, const struct msg_asker *asker)
{
    struct connection *connection = find_in(rtc->by_id, id.data);
    return connection != NULL && !is_closing(connection) && rtc_is_his(connection, asker)
               ? connection
               : NULL;
}

struct connection *rtc_find_of(const struct rtc *rtc, const struct msg_asker *asker,
                               enum rtc_kind kind)
{
    if (asker->token_hash.bytes != TOKEN_HASH_BYTES) {
        return NULL;
    }
    const struct owner_key key = owner_key(asker->token_hash.data, kind);
    struct connection *connection = find_in(rtc->by_owner, &key);
    return connection != NULL && !is_closing(connection) ? connection : NULL;
}

struct connection *rtc_publisher(const struct rtc *rtc, uint64_t participant)
{
    const struct participant_key key = {participant, RTC_PUBLISH};
    return find_in(rtc->by_participant, &key);
}

/* ---- states ---- */

bool rtc_enter(struct connection *connection, enum connection_event event)
{
    const enum rtc_state was = connection->state;
    const enum rtc_state is = connection_state_after(was, event, connection->was_up);
    if (is == was) {
        return event == CONNECTION_AGREED; /* another offer changes nothing in how far it is */
    }
    char id[2 * CONNECTION_ID_BYTES + 1];
    hex_encode(id, connection->id, sizeof(connection->id));
    log_debug(
        "connection", LOG_Z("id", id), LOG_Z("kind", msg_enum_text("rtc_kind", connection->kind)),
        LOG_Z("was", msg_enum_text("rtc_state", was)), LOG_Z("is", msg_enum_text("rtc_state", is)));
    connection->state = is;
    connection->was_up |= is == RTC_UP;
    clock_cancel(connection->rtc->parts.clock, connection->timer);
    connection->timer = 0;
    return true;
}

static void on_limit(void *arg)
{
    struct connection *connection = arg;
    connection->timer = 0;
    rtc_close(connection, RTC_LOST, ERR_DEADLINE);
}

void rtc_limit(struct connection *connection, uint64_t timeout_ms)
{
    const struct clock *clock = connection->rtc->parts.clock;
    clock_cancel(clock, connection->timer);
    connection->timer = clock_after(clock, timeout_ms, on_limit, connection);
}

/* ---- who waits ---- */

struct call *rtc_take_call(struct connection *connection)
{
    return STEAL(connection->call);
}

void rtc_fail_call(struct connection *connection, enum err err)
{
    struct call *call = rtc_take_call(connection);
    if (call != NULL) {
        call_fail(call, err);
    }
}

/* ---- telling others ---- */

struct call_context rtc_context(const struct rtc *rtc, const char *name)
{
    return (struct call_context){.request_id = str_of(name),
                                 .deadline_ms =
                                     clock_mono_ms(rtc->parts.clock) + RTC_CALL_TIMEOUT_MS};
}

void rtc_hint_of(const struct rtc *rtc, struct msg_rtc_hint hint)
{
    struct msg msg = {.id = MSG_rtc_hint, .rtc_hint = hint};
    msg.rtc_hint.node = str_of(rtc->config.node);
    if (rtc->parts.hints.tell != NULL && hint.participant != 0) {
        rtc->parts.hints.tell(rtc->parts.hints.arg, &msg);
    }
}

void rtc_hint(const struct connection *connection, struct msg_rtc_hint more)
{
    more.room_id = connection->room_id;
    more.participant = connection->participant;
    more.connection = (struct str){(const char *)connection->id, sizeof(connection->id)};
    more.kind = connection->kind;
    more.seq = connection->seq;
    rtc_hint_of(connection->rtc, more);
}

/* A call to roomsvc about a connection, which may be gone when the answer comes. */
struct telling {
    struct rtc *rtc;
    uint8_t id[CONNECTION_ID_BYTES];
    uint64_t version;
};

static struct connection *end_telling(struct telling *telling, uint64_t *ret_version)
{
    struct connection *connection = rtc_find(telling->rtc, telling->id);
    *ret_version = telling->version;
    mem_free(&telling);
    if (connection != NULL) {
        connection->is_telling = false;
    }
    return connection;
}

static void tell_roomsvc(struct connection *connection, const struct msg *msg, bus_reply_fn *fn)
{
    const struct rtc *rtc = connection->rtc;
    const struct call_context context = rtc_context(rtc, "connection");
    struct telling *telling = mem_alloc(sizeof(*telling));
    *telling = (struct telling){.rtc = connection->rtc, .version = connection->version};
    memcpy(telling->id, connection->id, sizeof(telling->id));
    connection->is_telling = true;
    if (bus_call(rtc->parts.bus, msg, &context, fn, telling) != ERR_OK) {
        connection->is_telling = false;
        mem_free(&telling);
    }
}

/* What is not told now is told by the sweep. */
static void tell_level(struct connection *connection);

static void on_level_told(void *arg, enum err err, const struct msg *reply)
{
    (void)reply;
    uint64_t version;
    struct connection *connection = end_telling(arg, &version);
    if (connection == NULL || is_closing(connection)) {
        return;
    }
    if (err == ERR_NOT_FOUND) {
        rtc_close(connection, RTC_NOT_ALLOWED, ERR_NOT_FOUND);
    } else if (err == ERR_OK) {
        connection->told_version = version;
        if (connection->version != version) {
            tell_level(connection);
        } else if (connection->rtc->ops[connection->kind]->kept != NULL) {
            connection->rtc->ops[connection->kind]->kept(connection);
        }
    }
}

static void tell_level(struct connection *connection)
{
    const struct rtc *rtc = connection->rtc;
    struct msg_rtc_track tracks[RTC_TRACKS_MAX];
    struct msg_rtc_stream streams[RTC_STREAMS_MAX];
    size_t stream_count = 0;
    for (size_t i = 0; i < connection->stream_count; i++) {
        const struct stream *stream = &connection->streams[i];
        streams[stream_count++] = (struct msg_rtc_stream){.mid = str_of(stream->mid),
                                                          .participant = stream->participant,
                                                          .source = stream->source,
                                                          .has_source = stream->participant != 0,
                                                          .feed = stream->feed,
                                                          .feed_mid = str_of(stream->feed_mid)};
    }
    const struct msg msg = {
        .id = MSG_rtc_update,
        .rtc_update = {.connection = {(const char *)connection->id, sizeof(connection->id)},
                       .node = str_of(rtc->config.node),
                       .epoch = lease_epoch(rtc->parts.lease),
                       .version = connection->version,
                       .is_up = connection->was_up,
                       .published = connection_published(connection),
                       .lost = connection_lost(connection),
                       .has_muted = connection->kind == RTC_PUBLISH,
                       .muted = connection->muted,
                       .bitrate = connection->bitrate,
                       .seq = connection->seq,
                       .is_offered = connection->state == RTC_OFFERED,
                       .tracks = connection_track_list(connection, tracks),
                       .streams = {streams, stream_count}}};
    tell_roomsvc(connection, &msg, on_level_told);
}

void rtc_changed(struct connection *connection)
{
    connection->version++;
    if (!connection->is_telling) {
        tell_level(connection);
    }
}

/* ---- the end ---- */

static void take_out_everywhere(struct connection *connection)
{
    struct rtc *rtc = connection->rtc;
    const struct owner_key owner = owner_key(connection->token_hash, connection->kind);
    const struct participant_key his = {connection->participant, connection->kind};
    leave_table(rtc->by_owner, &owner, connection);
    leave_table(rtc->by_participant, &his, connection);
    clock_cancel(rtc->parts.clock, connection->timer);
    connection->timer = 0;
    janus_handle_release(&connection->handle);
}

/* Before it is full, and again only after there was room. */
static void warn_of_full(struct rtc *rtc, size_t count)
{
    const size_t max = rtc->config.connections_max;
    if (count < max - max / 5) {
        rtc->is_nearly_full = false;
    } else if (count >= max - max / 10 && !rtc->is_nearly_full) {
        rtc->is_nearly_full = true;
        log_warn("connections of clients are nearly all taken", LOG_U64("connections", count),
                 LOG_U64("connections_max", max));
    }
}

void rtc_tell_count(struct rtc *rtc)
{
    const size_t count = lru_count(rtc->by_id);
    metric_set(rtc->there, (int64_t)count);
    warn_of_full(rtc, count);
    if (rtc->parts.health != NULL) {
        AUTO(mem_free)
        char *note = mem_printf("%zu of %zu connections", count, rtc->config.connections_max);
        health_set(rtc->parts.health, "media", true, "");
        health_note(rtc->parts.health, "media", note);
    }
}

void rtc_drop(struct connection *connection)
{
    struct rtc *rtc = connection->rtc;
    rtc_fail_call(connection, ERR_UNAVAILABLE);
    take_out_everywhere(connection);
    leave_table(rtc->by_id, connection->id, connection);
    rtc->dropped++;
    list_remove(&connection->link);
    rtc_tell_count(rtc);
    connection_free(connection);
}

static void on_end_told(void *arg, enum err err, const struct msg *reply)
{
    (void)reply;
    uint64_t version;
    struct connection *connection = end_telling(arg, &version);
    if (connection == NULL || connection->state != RTC_CLOSING) {
        return;
    }
    /* Of one that is another's by now, that one knows. */
    if ((err == ERR_OK || err == ERR_NOT_FOUND || err == ERR_STALE) &&
        rtc_enter(connection, CONNECTION_FORGOTTEN)) {
        rtc_drop(connection);
    }
}

static void tell_end(struct connection *connection)
{
    const struct rtc *rtc = connection->rtc;
    const struct msg msg = {
        .id = MSG_rtc_end,
        .rtc_end = {.connection = {(const char *)connection->id, sizeof(connection->id)},
                    .node = str_of(rtc->config.node),
                    .epoch = lease_epoch(rtc->parts.lease)}};
    tell_roomsvc(connection, &msg, on_end_told);
}

void rtc_close(struct connection *connection, enum rtc_reason reason, enum err err)
{
    struct rtc *rtc = connection->rtc;
    const uint64_t room_id = connection->room_id;
    if (!rtc_enter(connection, CONNECTION_ENDS)) {
        return;
    }
    connection->reason = reason;
    metric_inc(rtc->ended);
    if (reason != RTC_CLOSED) {
        rtc_hint(connection, (struct msg_rtc_hint){
                                 .what = RTC_HINT_CLOSED, .reason = reason, .has_reason = true});
    }
    take_out_everywhere(connection);
    rtc_fail_call(connection, err);
    if (connection->kind == RTC_PUBLISH && room_id != 0) {
        rtc_look_again(rtc, room_id);
    }
    if (!connection->may_have_row) {
        (void)rtc_enter(connection, CONNECTION_FORGOTTEN);
        rtc_drop(connection);
    } else if (!connection->is_telling) {
        tell_end(connection);
    }
}

static void on_stray_row_ended(void *arg, enum err err, const struct msg *reply)
{
    (void)arg;
    (void)err;
    (void)reply;
}

void rtc_end_row(struct rtc *rtc, struct str id)
{
    const struct msg msg = {.id = MSG_rtc_end,
                            .rtc_end = {.connection = id,
                                        .node = str_of(rtc->config.node),
                                        .epoch = lease_epoch(rtc->parts.lease)}};
    const struct call_context context = rtc_context(rtc, "stray");
    (void)bus_call(rtc->parts.bus, &msg, &context, on_stray_row_ended, rtc);
}

void rtc_look_again(struct rtc *rtc, uint64_t room_id)
{
    LIST_EACH (struct connection, connection, &rtc->all, link) {
        if (connection->kind == RTC_WATCH && connection->room_id == room_id) {
            rtc->ops[RTC_WATCH]->look(connection);
        }
    }
}

void rtc_tell_again(struct rtc *rtc)
{
    LIST_EACH (struct connection, connection, &rtc->all, link) {
        const struct rtc_kind_ops *ops = rtc->ops[connection->kind];
        if (ops->remind != NULL) {
            ops->remind(connection);
        }
        if (connection->is_telling) {
            continue;
        }
        if (connection->state == RTC_CLOSING) {
            tell_end(connection);
        } else if (connection->version != connection->told_version) {
            tell_level(connection);
        }
    }
}

/* ---- the beginning ---- */

enum err rtc_refusal(struct rtc *rtc)
{
    if (rtc->parts.lease != NULL && !lease_check(rtc->parts.lease)) {
        return ERR_STANDBY;
    }
    const enum err err = janus_session_refusal(rtc->parts.session);
    return err != ERR_OK ? err : rtc->is_taken_over ? ERR_OK : ERR_SESSION_COMING;
}

static struct connection *add_connection(struct rtc *rtc, enum rtc_kind kind, const void *id,
                                         const void *token_hash)
{
    struct connection *connection = mem_alloc(sizeof(*connection));
    *connection = (struct connection){.rtc = rtc, .kind = kind, .state = RTC_ATTACHING};
    memcpy(connection->id, id, sizeof(connection->id));
    memcpy(connection->token_hash, token_hash, sizeof(connection->token_hash));
    const struct owner_key key = owner_key(token_hash, kind);
    enter_table(rtc->by_id, connection->id, connection);
    enter_table(rtc->by_owner, &key, connection);
    list_add(&rtc->all, &connection->link);
    rtc_tell_count(rtc);
    return connection;
}

static void set_place(struct connection *connection, uint64_t room_id, uint64_t participant,
                      uint64_t feed, struct str secret)
{
    const struct participant_key key = {participant, connection->kind};
    connection->room_id = room_id;
    connection->participant = participant;
    connection->feed = feed;
    connection->may_have_row = true;
    connection_set_text(&connection->secret, secret);
    enter_table(connection->rtc->by_participant, &key, connection);
}

static void on_stored(void *arg, enum err err, const struct msg *reply)
{
    uint64_t version;
    struct connection *connection = end_telling(arg, &version);
    if (connection == NULL || connection->state != RTC_STORING) {
        return;
    }
    if (err != ERR_OK) {
        rtc_close(connection, RTC_NOT_ALLOWED, err);
        return;
    }
    const struct msg_rtc_open_reply *row = &reply->rtc_open_reply;
    struct connection *before =
        row->replaced.bytes > 0 ? find_in(connection->rtc->by_id, row->replaced.data) : NULL;
    if (before != NULL && before != connection) {
        rtc_close(before, RTC_REPLACED, ERR_CONFLICT);
    }
    set_place(connection, row->room_id, row->participant, row->feed, row->secret);
    connection_set_text(&connection->pin, row->pin);
    connection->wished_muted = row->muted;
    connection->bitrate = connection->wished_bitrate = row->bitrate;
    metric_inc(connection->rtc->made);
    connection->stored = ++connection->rtc->stored;
    (void)rtc_enter(connection, CONNECTION_STORED);
    connection->rtc->ops[connection->kind]->join(connection);
}

/* The room and who asks are those of the call that waits. */
static void store_row(struct connection *connection)
{
    const struct rtc *rtc = connection->rtc;
    const struct msg *request = &connection->call->request;
    struct msg_rtc_track tracks[RTC_TRACKS_MAX];
    const bool publishes = connection->kind == RTC_PUBLISH;
    const struct msg msg = {
        .id = MSG_rtc_open,
        .rtc_open = {.connection = {(const char *)connection->id, sizeof(connection->id)},
                     .kind = connection->kind,
                     .node = str_of(rtc->config.node),
                     .epoch = lease_epoch(rtc->parts.lease),
                     .room = publishes ? request->rtc_publish.room : request->rtc_watch.room,
                     .asker = publishes ? request->rtc_publish.asker : request->rtc_watch.asker,
                     .janus_session = janus_session_id(rtc->parts.session),
                     .janus_handle = janus_handle_id(connection->handle),
                     .tracks = connection_track_list(connection, tracks)}};
    struct telling *telling = mem_alloc(sizeof(*telling));
    *telling = (struct telling){.rtc = connection->rtc};
    memcpy(telling->id, connection->id, sizeof(telling->id));
    connection->may_have_row = connection->is_telling = true;
    const enum err err =
        bus_call(rtc->parts.bus, &msg, &connection->call->context, on_stored, telling);
    if (err != ERR_OK) {
        mem_free(&telling);
        connection->may_have_row = connection->is_telling = false;
        rtc_close(connection, RTC_NOT_ALLOWED, err);
    }
}

/* ---- what its handle tells ---- */

static void on_connection_attached(void *owner, bool is_good)
{
    struct connection *connection = owner;
    if (!is_good || connection->call == NULL) {
        rtc_close(connection, RTC_JANUS_LOST, ERR_UNAVAILABLE);
    } else if (rtc_enter(connection, CONNECTION_ATTACHED)) {
        store_row(connection);
    }
}

static void on_connection_event(void *owner, const struct janus_message *message)
{
    struct connection *connection = owner;
    const struct rtc_kind_ops *ops = connection->rtc->ops[connection->kind];
    if (ops->hear_event != NULL) {
        ops->hear_event(connection, message);
    }
}

bool media_news_read(const struct janus_message *message, struct media_news *ret_news)
{
    struct str mid = STR_NONE;
    *ret_news = (struct media_news){.kind = message->kind};
    return message->kind != JANUS_MEDIA ||
           (janus_message_media(message, &mid, &ret_news->layer, &ret_news->arrives) &&
            str_copy(ret_news->mid, sizeof(ret_news->mid), mid));
}

static void hear_it_is_through(struct connection *connection)
{
    if (!rtc_enter(connection, CONNECTION_THROUGH)) {
        return;
    }
    rtc_changed(connection);
    connection->rtc->ops[connection->kind]->look(connection);
}

void rtc_hear(struct connection *connection, const struct media_news *news)
{
    switch (news->kind) {
    case JANUS_WEBRTCUP:
        hear_it_is_through(connection);
        break;
    case JANUS_MEDIA:
        if (connection->rtc->ops[connection->kind]->hear_media != NULL) {
            connection->rtc->ops[connection->kind]->hear_media(connection, news);
        }
        break;
    case JANUS_HANGUP:
        rtc_close(connection, RTC_LOST, ERR_UNAVAILABLE);
        break;
    default:
        rtc_close(connection, RTC_JANUS_LOST, ERR_UNAVAILABLE);
        break;
    }
}

static void on_connection_media(void *owner, const struct janus_message *message)
{
    struct media_news news;
    if (media_news_read(message, &news)) {
        rtc_hear(owner, &news);
    }
}

static void on_connection_gone(void *owner)
{
    rtc_close(owner, RTC_JANUS_LOST, ERR_UNAVAILABLE);
}

static const struct janus_handle_ops connection_ops = {.on_attached = on_connection_attached,
                                                       .on_event = on_connection_event,
                                                       .on_media = on_connection_media,
                                                       .on_gone = on_connection_gone};

struct connection *rtc_begin(struct rtc *rtc, struct call *call, enum rtc_kind kind, struct str id,
                             const struct msg_asker *asker)
{
    if (asker->token_hash.bytes != TOKEN_HASH_BYTES) {
        call_fail(call, ERR_UNAUTHORIZED);
        return NULL;
    }
    if (lru_count(rtc->by_id) >= rtc->config.connections_max) {
        call_fail(call, ERR_MEDIA_FULL);
        return NULL;
    }
    struct connection *connection = add_connection(rtc, kind, id.data, asker->token_hash.data);
    connection->call = call;
    const enum err err =
        janus_handle_new(rtc->parts.handles, &connection_ops, connection, &connection->handle);
    if (err != ERR_OK) {
        rtc_close(connection, RTC_JANUS_LOST, err);
        return NULL;
    }
    return connection;
}

struct connection *rtc_take_row(struct rtc *rtc, const struct msg_rtc_row *row, bool has_handle)
{
    struct connection *connection =
        add_connection(rtc, row->kind, row->connection.data, row->token_hash.data);
    set_place(connection, row->room_id, row->participant, row->feed, row->secret);
    connection->seq = row->seq;
    connection->version = connection->told_version = row->version + VERSIONS_UNDER_WAY;
    connection->muted = connection->wished_muted = row->muted;
    connection->bitrate = connection->wished_bitrate = row->bitrate;
    if (has_handle) {
        connection->handle =
            janus_handle_adopt(rtc->parts.handles, row->janus_handle, &connection_ops, connection);
    }
    return connection;
}
