#include "roomsvc/store/rtc_store_mysql.h"

#include "proto/db/db_sql.h"
#include "roomsvc/rules/managed_room.h"
#include "roomsvc/store/rtc_commands.h"

/* Both kinds of list: of which node, and who asks. */
struct rtc_reader {
    struct str node;
    uint64_t epoch, known_epoch;
};

struct read_rtc_page {
    struct db_job job;
    struct rtc_reader reader;
    unsigned char after[RTC_CONNECTION_BYTES];
    struct rtc_page page;
    rtc_store_page_fn *fn;
    void *arg;
};

struct read_rtc_due {
    struct db_job job;
    struct rtc_reader reader;
    struct rtc_due_page page;
    rtc_store_due_fn *fn;
    void *arg;
};

/* A bridge gets its epoch from there: what one with a lower epoch still writes, judged by this row,
 * too, was written before, or is refused (rtc_commands.c). */
static const struct db_query select_epoch = {.sql = "SELECT epoch FROM nodes WHERE node = ?",
                                             .params = DB_FIELDS(struct rtc_reader, node),
                                             .columns = DB_FIELDS(struct rtc_reader, known_epoch)};

static enum err judge_reader_epoch(struct rtc_reader *reader, struct db *db)
{
    const enum err err = db_query_run(db, &select_epoch, reader, NULL);
    return err == ERR_OK && reader->epoch < reader->known_epoch ? ERR_STALE : err;
}

/* ---- all ---- */

#define NO_TOKEN_HASH "X'0000000000000000000000000000000000000000000000000000000000000000'"
static const struct db_query select_page = {
    .sql = "SELECT c.connection, c.kind, c.room_id, c.participant_id,"
           " IFNULL(p.token_hash, " NO_TOKEN_HASH
           "), c.janus_session, c.janus_handle, c.feed, c.version, c.is_up, c.published,"
           " c.lost, c.muted, c.bitrate, c.seq, IFNULL(r.secret, "
           "'00000000000000000000000000000000'), c.media"
           " FROM rtc_connections c LEFT JOIN participants p ON p.participant_id = c.participant_id"
           " LEFT JOIN rooms r ON r.room_id = c.room_id"
           " WHERE c.node = ? AND c.connection > ? ORDER BY c.connection LIMIT 8",
    .params = DB_FIELDS(struct read_rtc_page, reader.node, after),
    .columns = DB_FIELDS(struct rtc_kept, connection, kind, room_id, participant_id, token_hash,
                         janus_session, janus_handle, feed, version, is_up, published, lost, muted,
                         bitrate, seq, secret, media),
    .rows = DB_ROWS(struct read_rtc_page, page.rows, page.count)};
_Static_assert(RTC_PAGE == 8 && ROOM_SECRET_BYTES == 32, "select_page has those numbers");

static enum err work_rtc_page(void *arg, struct db *db)
{
    struct read_rtc_page *read = arg;
    const enum err err = judge_reader_epoch(&read->reader, db);
    return err == ERR_OK ? db_query_run(db, &select_page, read, NULL) : err;
}

DB_TELLS(on_rtc_page, struct read_rtc_page, &told->page);

static const struct db_task rtc_page_task = {.job_bytes = DB_JOB_BYTES(struct read_rtc_page),
                                             .work = work_rtc_page,
                                             .done = on_rtc_page,
                                             .is_secret = true};

static enum err read_rtc_page(void *self, const struct msg_rtc_page *request, uint64_t deadline_ms,
                              rtc_store_page_fn *fn, void *arg)
{
    const struct rtc_db *db = self;
    struct read_rtc_page *read = db_job_new(&rtc_page_task);
    read->reader = (struct rtc_reader){.node = request->node, .epoch = request->epoch};
    if (request->after_connection.bytes == sizeof(read->after)) {
        memcpy(read->after, request->after_connection.data, sizeof(read->after));
    }
    read->fn = fn;
    read->arg = arg;
    return db_pool_start(db->pool, read, deadline_ms);
}

/* ---- what is due ---- */

/* As rtc_open has judged it. */
#define ENDS                                                                                       \
    "(IFNULL(p.state, 0) <> 2 OR p.joined_unix_ms <> c.joined_unix_ms"                             \
    " OR (c.kind = 1 AND p.role < 2) OR r.room_id IS NULL OR r.closed_unix_ms IS NOT NULL)"
#define MUTED "(IFNULL(p.muted, 0) | IF(r.screen_share = 0 AND p.role < 3, 4, 0))"
#define BITRATE "IFNULL(r.bitrate, 0)"
_Static_assert(PARTICIPANT_JOINED == 2 && RTC_PUBLISH == 1 && ROOM_PARTICIPANT == 2 &&
                   ROOM_MODERATOR == 3 && MEDIA_SCREEN == 4,
               "ENDS and MUTED have those numbers");

static const struct db_query select_due = {
    .sql = "SELECT c.connection, " ENDS " AS is_over, CAST(" MUTED " AS UNSIGNED), CAST(" BITRATE
           " AS UNSIGNED)"
           " FROM rtc_connections c LEFT JOIN participants p ON p.participant_id = c.participant_id"
           " LEFT JOIN rooms r ON r.room_id = c.room_id"
           " WHERE c.node = ? AND (" ENDS " OR (c.kind = 1 AND (c.muted <> " MUTED
           " OR c.bitrate <> " BITRATE ")))"
           " ORDER BY is_over DESC, c.connection LIMIT 200",
    .params = DB_FIELDS(struct read_rtc_due, reader.node),
    .columns = DB_FIELDS(struct rtc_due, connection, ends, muted, bitrate),
    .rows = DB_ROWS(struct read_rtc_due, page.rows, page.count)};
_Static_assert(RTC_DUE_PAGE == 200, "select_due reads one page");

static enum err work_rtc_due(void *arg, struct db *db)
{
    struct read_rtc_due *read = arg;
    const enum err err = judge_reader_epoch(&read->reader, db);
    return err == ERR_OK ? db_query_run(db, &select_due, read, NULL) : err;
}

DB_TELLS(on_rtc_due, struct read_rtc_due, &told->page);

static const struct db_task rtc_due_task = {
    .job_bytes = DB_JOB_BYTES(struct read_rtc_due), .work = work_rtc_due, .done = on_rtc_due};

static enum err read_rtc_due(void *self, const struct msg_rtc_due *request, uint64_t deadline_ms,
                             rtc_store_due_fn *fn, void *arg)
{
    const struct rtc_db *db = self;
    struct read_rtc_due *read = db_job_new(&rtc_due_task);
    read->reader = (struct rtc_reader){.node = request->node, .epoch = request->epoch};
    read->fn = fn;
    read->arg = arg;
    return db_pool_start(db->pool, read, deadline_ms);
}

/* ---- where one is ---- */

struct find_rtc {
    struct db_job job;
    unsigned char token_hash[32];
    unsigned char connection[RTC_CONNECTION_BYTES];
    uint64_t is_named; /* else it is the one by which he watches */
    char node[ROOM_NODE_BYTES];
    rtc_store_where_fn *fn;
    void *arg;
};

static const struct db_query select_node_of = {
    .sql = "SELECT c.node FROM participants p JOIN rtc_connections c"
           " ON c.participant_id = p.participant_id"
           " WHERE p.token_hash = ? AND IF(?, c.connection = ?, c.kind = 2)",
    .params = DB_FIELDS(struct find_rtc, token_hash, is_named, connection),
    .columns = DB_FIELDS(struct find_rtc, node)};
_Static_assert(RTC_WATCH == 2, "select_node_of has that number");

static enum err work_rtc_where(void *arg, struct db *db)
{
    return db_query_run(db, &select_node_of, arg, NULL);
}

DB_TELLS(on_rtc_where, struct find_rtc, told->node);

static const struct db_task rtc_where_task = {.job_bytes = DB_JOB_BYTES(struct find_rtc),
                                              .work = work_rtc_where,
                                              .done = on_rtc_where,
                                              .is_secret = true};

static enum err find_rtc_node(void *self, const struct msg_rtc_where *request, uint64_t deadline_ms,
                              rtc_store_where_fn *fn, void *arg)
{
    const struct rtc_db *db = self;
    struct find_rtc *find = db_job_new(&rtc_where_task);
    const struct str hash = request->asker.token_hash;
    if (hash.bytes == sizeof(find->token_hash)) {
        memcpy(find->token_hash, hash.data, sizeof(find->token_hash));
    }
    find->is_named = request->connection.bytes == sizeof(find->connection);
    if (find->is_named != 0) {
        memcpy(find->connection, request->connection.data, sizeof(find->connection));
    }
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(db->pool, find, deadline_ms);
}

/* ---- all of them ---- */

static enum err run_rtc_command(void *self, const struct msg *request, uint64_t deadline_ms,
                                rtc_store_fn *fn, void *arg)
{
    const struct rtc_db *db = self;
    return rtc_commands_run(db->commands, request, deadline_ms, fn, arg);
}

static const struct rtc_store_ops rtc_ops = {run_rtc_command, read_rtc_page, read_rtc_due,
                                             find_rtc_node};

struct rtc_store rtc_store_mysql(struct rtc_db *db)
{
    return (struct rtc_store){.ops = &rtc_ops, .self = db};
}
