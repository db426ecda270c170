#include "roomsvc/store/rtc_commands.h"

#include <sodium.h>

#include "roomsvc/store/command_once.h"
#include "roomsvc/store/managed_sql.h"
#include "roomsvc/store/participant_command.h"
#include "roomsvc/store/presence_sql.h"
#include "roomsvc/store/rtc_media.h"

/* A row, as far as commands look at it. */
struct rtc_written {
    unsigned char connection[RTC_CONNECTION_BYTES];
    uint64_t kind;
    uint64_t room_id, participant_id, joined_unix_ms;
    uint64_t epoch, version;
    uint64_t janus_session, janus_handle, feed;
    uint64_t is_up, published, lost, muted, bitrate, seq;
    bool has_replaced;
    unsigned char replaced[RTC_CONNECTION_BYTES];
};

struct rtc_command {
    struct db_job job;
    const struct msg *request;
    struct str node; /* of the request; likewise: */
    uint64_t epoch;
    uint64_t known_epoch;
    struct command_once once;  /* of rtc_open; likewise: */
    struct room_query target;  /* the participant is its self */
    struct rtc_written row;    /* as it is; then as it is to be */
    struct rtc_written before; /* of rtc_open: what the participant had of this kind */
    uint64_t is_shown;         /* somebody, by this connection */
    uint64_t has_muted;
    uint64_t publishers;
    bool is_repeat; /* it was done before: journal has what was told then, maybe */
    uint64_t seq, generation, now_unix_ms; /* of the room */
    uint64_t ended_room_id;                /* of rtc_end, which was tried before, maybe */
    struct db_large_blob media;
    struct journal journal;
    struct rtc_outcome outcome;
    rtc_store_fn *fn;
    void *arg;
};

/* ---- the bridge's lease ---- */

/* The last statement of each transaction: whoever takes the lease waits until it is over, and then
 * sees what it has done; the lease is not held up by those who wait for a room. */
static const struct db_query lock_epoch = {
    .sql = "SELECT epoch FROM nodes WHERE node = ? LOCK IN SHARE MODE",
    .params = DB_FIELDS(struct rtc_command, node),
    .columns = DB_FIELDS(struct rtc_command, known_epoch)};

static enum err judge_epoch(struct rtc_command *c, struct db *db)
{
    c->known_epoch = 0;
    const enum err err = db_query_run(db, &lock_epoch, c, NULL);
    return err == ERR_OK && c->epoch < c->known_epoch ? ERR_STALE : err;
}

static enum err keep_and_judge(struct rtc_command *c, struct db *db)
{
    const enum err err = c->is_repeat ? ERR_OK : journal_keep(db, &c->journal);
    return err == ERR_OK ? judge_epoch(c, db) : err;
}

static enum err remind(struct rtc_command *c, struct db *db, uint64_t room_id)
{
    c->is_repeat = true;
    return journal_remind(db, &c->journal, room_id);
}

/* ---- rtc_open ---- */

#define ROW_COLUMNS                                                                                \
    "connection, kind, room_id, participant_id, joined_unix_ms, epoch, version, janus_session,"    \
    " janus_handle,"                                                                               \
    " feed, is_up, published, lost, muted, bitrate, seq, replaced"
/* t: what holds a struct rtc_written, at m. */
#define ROW_FIELDS(t, m)                                                                           \
    {                                                                                              \
        DB_FIELD(t, m connection), DB_FIELD(t, m kind), DB_FIELD(t, m room_id),                    \
            DB_FIELD(t, m participant_id), DB_FIELD(t, m joined_unix_ms), DB_FIELD(t, m epoch),    \
            DB_FIELD(t, m version), DB_FIELD(t, m janus_session), DB_FIELD(t, m janus_handle),     \
            DB_FIELD(t, m feed), DB_FIELD(t, m is_up), DB_FIELD(t, m published),                   \
            DB_FIELD(t, m lost), DB_FIELD(t, m muted), DB_FIELD(t, m bitrate), DB_FIELD(t, m seq), \
            DB_FIELD_NULLABLE(t, m replaced, m has_replaced)                                       \
    }

static const struct db_query select_before = {
    .sql = "SELECT " ROW_COLUMNS " FROM rtc_connections WHERE participant_id = ? AND kind = ?"
           " FOR UPDATE",
    .params = DB_FIELDS(struct rtc_command, row.participant_id, row.kind),
    .columns = ROW_FIELDS(struct rtc_command, before.)};

static const struct db_query delete_before = {
    .sql = "DELETE FROM rtc_connections WHERE participant_id = ? AND kind = ?",
    .params = DB_FIELDS(struct rtc_command, row.participant_id, row.kind)};

/* Those of people who are out are as good as ended. */
static const struct db_query count_publishers = {
    .sql = "SELECT COUNT(*) FROM rtc_connections c JOIN participants p"
           " ON p.participant_id = c.participant_id AND p.joined_unix_ms = c.joined_unix_ms"
           " WHERE c.room_id = ? AND c.kind = 1 AND p.state = 2",
    .params = DB_FIELDS(struct rtc_command, row.room_id),
    .columns = DB_FIELDS(struct rtc_command, publishers)};
_Static_assert(RTC_PUBLISH == 1 && PARTICIPANT_JOINED == 2, "count_publishers has those numbers");

static const struct db_query insert_connection = {
    .sql =
        "INSERT INTO rtc_connections (connection, kind, room_id, participant_id, joined_unix_ms,"
        " node, epoch, version, janus_session, janus_handle, feed, bitrate, replaced, media,"
        " quiet_unix_ms, created_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
    .params = {
        DB_FIELD(struct rtc_command, row.connection), DB_FIELD(struct rtc_command, row.kind),
        DB_FIELD(struct rtc_command, row.room_id), DB_FIELD(struct rtc_command, row.participant_id),
        DB_FIELD(struct rtc_command, row.joined_unix_ms), DB_FIELD(struct rtc_command, node),
        DB_FIELD(struct rtc_command, epoch), DB_FIELD(struct rtc_command, row.janus_session),
        DB_FIELD(struct rtc_command, row.janus_handle), DB_FIELD(struct rtc_command, row.feed),
        DB_FIELD(struct rtc_command, row.bitrate),
        DB_FIELD_NULLABLE(struct rtc_command, row.replaced, row.has_replaced),
        DB_FIELD(struct rtc_command, media), DB_FIELD(struct rtc_command, target.room.now_unix_ms),
        DB_FIELD(struct rtc_command, target.room.now_unix_ms)}};

static const struct db_query select_secrets = {
    .sql = "SELECT secret, janus_pin FROM rooms WHERE room_id = ?",
    .params = DB_FIELDS(struct rtc_command, row.room_id),
    .columns = DB_FIELDS(struct rtc_command, outcome.secret, outcome.janus_pin),
    .if_none = ERR_NO_SUCH_ROOM};

static bool may_share_screen(const struct rtc_command *c)
{
    return c->target.room.screen_share != 0 ||
           room_query_judge_role(&c->target, ROOM_SHARE_SCREEN) == ERR_OK;
}

static bool sends_screen(struct msg_rtc_track_list tracks)
{
    for (size_t i = 0; i < tracks.count; i++) {
        if (tracks.items[i].source == MEDIA_SCREEN) {
            return true;
        }
    }
    return false;
}

/* Whatever role a stream has been given: its key is for one of the two. */
static bool is_for_use(const struct participant *self, bool publishes)
{
    return self->stream_use == 0 || self->stream_use == (publishes ? STREAM_PUBLISH : STREAM_WATCH);
}

static enum err judge_opener(const struct rtc_command *c)
{
    const struct msg_rtc_open *open = &c->request->rtc_open;
    const bool publishes = open->kind == RTC_PUBLISH;
    const enum err err = room_query_judge(&c->target, publishes ? ROOM_PUBLISH : ROOM_WATCH, NULL);
    if (err == ERR_OK && !is_for_use(&c->target.self, publishes)) {
        return ERR_FORBIDDEN;
    }
    if (err == ERR_OK && publishes && sends_screen(open->tracks) && !may_share_screen(c)) {
        return ERR_SCREEN_OFF;
    }
    return err == ERR_OK && !str_eq(open->node, str_of(c->target.room.node)) ? ERR_NOT_MINE : err;
}

static void draft_connection(struct rtc_command *c)
{
    const struct msg_rtc_open *open = &c->request->rtc_open;
    const struct participant *self = &c->target.self;
    c->row = (struct rtc_written){.kind = open->kind,
                                  .room_id = self->room_id,
                                  .participant_id = self->id,
                                  .joined_unix_ms = self->joined_unix_ms,
                                  .janus_session = open->janus_session,
                                  .janus_handle = open->janus_handle,
                                  .feed = participant_command_draw_id(),
                                  .bitrate = c->target.room.bitrate};
    memcpy(c->row.connection, open->connection.data, sizeof(c->row.connection));
    c->before = (struct rtc_written){.feed = 0};
}

static bool is_same_connection(const struct rtc_command *c)
{
    return memcmp(c->before.connection, c->row.connection, sizeof(c->row.connection)) == 0;
}

/* The one that he had is ended by it; what he sent by that he does not send any more. */
static enum err replace_connection(struct rtc_command *c, struct db *db)
{
    struct rtc_written *row = &c->row;
    const bool publishes = row->kind == RTC_PUBLISH;
    row->has_replaced = !is_same_connection(c);
    memcpy(row->replaced, c->before.connection, sizeof(row->replaced));
    const enum err err = db_query_run(db, &delete_before, c, NULL);
    return err == ERR_OK && publishes
               ? participant_set_media(db, &c->journal, &c->target.self, 0, 0)
               : err;
}

static enum err make_connection(struct rtc_command *c, struct db *db)
{
    enum err err = c->before.feed != 0 ? replace_connection(c, db) : ERR_OK;
    if (err == ERR_OK && c->row.kind == RTC_PUBLISH) {
        err = db_query_run(db, &count_publishers, c, NULL);
    }
    if (err == ERR_OK && c->publishers >= c->target.room.publishers_max) {
        err = ERR_ROOM_FULL;
    }
    return err == ERR_OK ? db_query_run(db, &insert_connection, c, NULL) : err;
}

/* What comes again finds the row, or that it is over: then it comes too late. */
static enum err find_or_make_connection(struct rtc_command *c, struct db *db, bool is_done)
{
    const enum err err = db_query_run(db, &select_before, c, NULL);
    if (err != ERR_OK) {
        return err;
    }
    if (is_same_connection(c) && c->before.janus_session == c->row.janus_session &&
        c->before.janus_handle == c->row.janus_handle) {
        c->row = c->before;
        return remind(c, db, c->row.room_id);
    }
    return is_done ? ERR_NOT_FOUND : make_connection(c, db);
}

/* A handle is used once: so the same connection with another one is another command. */
static void read_open_key(const struct msg_rtc_open *open, char ret_key[16])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 16);
    crypto_generichash_update(&state, (const unsigned char *)"rtc_open", 8);
    crypto_generichash_update(&state, (const unsigned char *)open->connection.data,
                              open->connection.bytes);
    crypto_generichash_update(&state, (const unsigned char *)&open->janus_session,
                              sizeof(open->janus_session));
    crypto_generichash_update(&state, (const unsigned char *)&open->janus_handle,
                              sizeof(open->janus_handle));
    crypto_generichash_final(&state, (unsigned char *)ret_key, 16);
}

static void note_opened(struct rtc_command *c)
{
    struct rtc_outcome *outcome = &c->outcome;
    outcome->room_id = c->row.room_id;
    outcome->participant_id = c->row.participant_id;
    outcome->feed = c->row.feed;
    outcome->muted = c->target.self.muted | (may_share_screen(c) ? 0 : MEDIA_SCREEN);
    outcome->bitrate = c->row.bitrate;
    outcome->has_replaced = c->row.has_replaced;
    memcpy(outcome->replaced, c->row.replaced, sizeof(outcome->replaced));
}

static enum err open_connection(void *arg, struct db *db)
{
    struct rtc_command *c = arg;
    char key[16];
    bool is_done = false;
    c->is_repeat = false;
    read_open_key(&c->request->rtc_open, key);
    enum err err = command_once_begin(db, &c->once, (struct str){.data = key, .bytes = sizeof(key)},
                                      STR_NONE, &is_done);
    if (err == ERR_OK) {
        err = room_query_lock(db, &c->target);
    }
    journal_begin(&c->journal, c->target.room.id, c->target.seq, c->target.generation,
                  c->target.room.now_unix_ms);
    if (err == ERR_OK) {
        err = judge_opener(c);
    }
    if (err == ERR_OK) {
        draft_connection(c);
        err = find_or_make_connection(c, db, is_done);
    }
    if (err == ERR_OK) {
        note_opened(c);
        err = db_query_run(db, &select_secrets, c, NULL);
    }
    return err == ERR_OK ? keep_and_judge(c, db) : err;
}

/* ---- a row that is there ---- */

#define SELECT_ROW "SELECT " ROW_COLUMNS " FROM rtc_connections WHERE connection = ? AND node = ?"
static const struct db_query select_row = {.sql = SELECT_ROW,
                                           .params =
                                               DB_FIELDS(struct rtc_command, row.connection, node),
                                           .columns = ROW_FIELDS(struct rtc_command, row.),
                                           .if_none = ERR_NOT_FOUND};
static const struct db_query lock_row = {.sql = SELECT_ROW " FOR UPDATE",
                                         .params =
                                             DB_FIELDS(struct rtc_command, row.connection, node),
                                         .columns = ROW_FIELDS(struct rtc_command, row.),
                                         .if_none = ERR_NOT_FOUND};

/* None: it has been removed, and nobody is in it. */
static const struct db_query lock_room_of_row = {
    .sql = "SELECT seq, (SELECT generation FROM journal_generation), " DB_NOW_UNIX_MS
           " FROM rooms WHERE room_id = ? FOR UPDATE",
    .params = DB_FIELDS(struct rtc_command, row.room_id),
    .columns = DB_FIELDS(struct rtc_command, seq, generation, now_unix_ms)};

/* Locks the room, too, of one that publishes: what becomes of it is told there. */
static enum err find_row(struct rtc_command *c, struct db *db, struct str connection)
{
    memcpy(c->row.connection, connection.data, sizeof(c->row.connection));
    enum err err = db_query_run(db, &select_row, c, NULL);
    if (err == ERR_OK && c->row.kind == RTC_PUBLISH) {
        err = db_query_run(db, &lock_room_of_row, c, NULL);
    }
    journal_begin(&c->journal, c->row.room_id, c->seq, c->generation, c->now_unix_ms);
    return err == ERR_OK ? db_query_run(db, &lock_row, c, NULL) : err;
}

/* Of whom it is, and is still: who has left and come back since has another one, or none. */
static enum err set_media_of_row(struct rtc_command *c, struct db *db, uint64_t published,
                                 uint64_t lost)
{
    struct participant whose;
    const enum err err = participant_find(db, &c->journal, c->row.participant_id, &whose);
    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    return err == ERR_OK && whose.joined_unix_ms == c->row.joined_unix_ms
               ? participant_set_media(db, &c->journal, &whose, published, lost)
               : err;
}

/* ---- rtc_update ---- */

static const struct db_query update_connection = {
    .sql = "UPDATE rtc_connections SET epoch = ?, version = ?, is_up = ?, published = ?, lost = ?,"
           " muted = IF(?, ?, muted), bitrate = ?, seq = ?, media = ?,"
           " quiet_unix_ms = IF(?, 0, IF(quiet_unix_ms = 0, " DB_NOW_UNIX_MS ", quiet_unix_ms))"
           " WHERE connection = ?",
    .params =
        DB_FIELDS(struct rtc_command, epoch, row.version, row.is_up, row.published, row.lost,
                  has_muted, row.muted, row.bitrate, row.seq, media, is_shown, row.connection)};

static void read_update(struct rtc_command *c)
{
    const struct msg_rtc_update *update = &c->request->rtc_update;
    const bool publishes = c->row.kind == RTC_PUBLISH;
    c->row.version = update->version;
    c->row.is_up = update->is_up;
    c->row.published = publishes ? update->published : 0;
    c->row.lost = c->row.published & update->lost;
    c->row.seq = update->seq;
    c->has_muted = update->has_muted;
    c->row.muted = update->muted;
    c->row.bitrate = update->bitrate;
    c->is_shown = update->is_up && (!publishes || (c->row.published & ~c->row.lost) != 0);
}

/* A bridge with another epoch has counted another way: if it is not refused it is the later one. */
static bool is_late(const struct rtc_command *c)
{
    return c->row.epoch == c->epoch && c->request->rtc_update.version <= c->row.version;
}

static enum err answer_update_again(struct rtc_command *c, struct db *db)
{
    const bool is_last = c->request->rtc_update.version == c->row.version;
    c->is_repeat = true;
    return is_last && c->row.kind == RTC_PUBLISH ? remind(c, db, c->row.room_id) : ERR_OK;
}

static enum err take_update(struct rtc_command *c, struct db *db)
{
    read_update(c);
    const enum err err = db_query_run(db, &update_connection, c, NULL);
    return err == ERR_OK && c->row.kind == RTC_PUBLISH
               ? set_media_of_row(c, db, c->row.published, c->row.lost)
               : err;
}

static enum err update_row(void *arg, struct db *db)
{
    struct rtc_command *c = arg;
    c->is_repeat = false;
    enum err err = find_row(c, db, c->request->rtc_update.connection);
    if (err == ERR_OK) {
        err = is_late(c) ? answer_update_again(c, db) : take_update(c, db);
    }
    return err == ERR_OK ? keep_and_judge(c, db) : err;
}

/* ---- rtc_end ---- */

/* When it has told last that he is there, which its row does not tell any more then. */
static const struct db_query insert_last_seen = {
    .sql = "INSERT INTO presence (participant_id, gateway, is_open, number, changed_unix_ms)"
           " SELECT c.participant_id, " PRESENCE_NO_GATEWAY ", 0, 0,"
           " IF(c.quiet_unix_ms > 0, c.quiet_unix_ms, " DB_NOW_UNIX_MS ") FROM rtc_connections c"
           " WHERE c.connection = ? AND " RTC_TELLS_PRESENCE " ON DUPLICATE KEY UPDATE"
           " changed_unix_ms = GREATEST(changed_unix_ms, VALUES(changed_unix_ms))",
    .params = DB_FIELDS(struct rtc_command, row.connection)};

static const struct db_query delete_row = {.sql =
                                               "DELETE FROM rtc_connections WHERE connection = ?",
                                           .params = DB_FIELDS(struct rtc_command, row.connection)};

static enum err take_end(struct rtc_command *c, struct db *db)
{
    const bool publishes = c->row.kind == RTC_PUBLISH;
    enum err err = db_query_run(db, &insert_last_seen, c, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &delete_row, c, NULL);
    }
    c->ended_room_id = publishes ? c->row.room_id : 0;
    return err == ERR_OK && publishes ? set_media_of_row(c, db, 0, 0) : err;
}

/* Without a row: maybe this call has ended it before, and then has lost the database. */
static enum err end_row(void *arg, struct db *db)
{
    struct rtc_command *c = arg;
    c->is_repeat = false;
    enum err err = find_row(c, db, c->request->rtc_end.connection);
    if (err == ERR_OK) {
        err = take_end(c, db);
    } else if (err == ERR_NOT_FOUND) {
        c->is_repeat = true;
        err = c->ended_room_id != 0 ? remind(c, db, c->ended_room_id) : ERR_OK;
    }
    return err == ERR_OK ? keep_and_judge(c, db) : err;
}

/* ---- all of them ---- */

static enum err work_rtc_command(void *arg, struct db *db)
{
    struct rtc_command *c = arg;
    switch (c->request->id) {
    case MSG_rtc_open:
        return command_once_run(db, open_connection, c);
    case MSG_rtc_update:
        return command_once_run(db, update_row, c);
    default:
        return command_once_run(db, end_row, c);
    }
}

static void on_rtc_run(void *job, enum err err)
{
    struct rtc_command *c = job;
    c->outcome.journal = &c->journal;
    c->fn(c->arg, err, err == ERR_OK ? &c->outcome : NULL);
    journal_fini(&c->journal);
}

static const struct db_task rtc_task = {.job_bytes = DB_JOB_BYTES(struct rtc_command),
                                        .work = work_rtc_command,
                                        .done = on_rtc_run,
                                        .is_secret = true};

/* ERR_NO_SUCH_ROOM: there can be none of that name. */
static enum err read_rtc_request(struct rtc_command *c, const struct msg *request)
{
    struct rtc_media media = {.tracks = {.count = 0}};
    c->request = request;
    if (request->id == MSG_rtc_end) {
        c->node = request->rtc_end.node;
        c->epoch = request->rtc_end.epoch;
        return ERR_OK;
    }
    if (request->id == MSG_rtc_update) {
        c->node = request->rtc_update.node;
        c->epoch = request->rtc_update.epoch;
        media.tracks = request->rtc_update.tracks;
        media.streams = request->rtc_update.streams;
        media.is_offered = request->rtc_update.is_offered;
        return rtc_media_encode(&media, &c->media);
    }
    const struct room_asker asker = {.token_hash = request->rtc_open.asker.token_hash};
    c->node = request->rtc_open.node;
    c->epoch = request->rtc_open.epoch;
    media.tracks = request->rtc_open.tracks;
    if (!room_query_read(request->rtc_open.room, &asker, &c->target)) {
        return ERR_NO_SUCH_ROOM;
    }
    c->target.may_be_stream = true;
    return rtc_media_encode(&media, &c->media);
}

enum err rtc_commands_run(struct db_pool *db, const struct msg *request, uint64_t deadline_ms,
                          rtc_store_fn *fn, void *arg)
{
    struct rtc_command *c = db_job_new(&rtc_task);
    c->fn = fn;
    c->arg = arg;
    const enum err err = read_rtc_request(c, request);
    if (err != ERR_OK) {
        db_job_free(c);
        return err;
    }
    return db_pool_start(db, c, deadline_ms);
}
