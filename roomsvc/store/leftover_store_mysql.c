#include "roomsvc/store/leftover_store_mysql.h"

#include "proto/db/db_sql.h"
#include "proto/schema/msg.h"

#define DAY_MS "86400000"
#define THIRTY_DAYS_MS "2592000000"
#define TEN_MINUTES_MS "600000"
#define EVENTS_KEPT 1000      /* of a room, but for those for staff only */
#define EVENTS_KEPT_MAX 10000 /* likewise, with them */
#define ROOMS_LOOKED_AT 50

/* A room's part of the journal. */
struct journal_part {
    uint64_t room_id;
    uint64_t first_seq, last_seq;
    uint64_t is_over; /* nobody follows the room any more */
};

/* A room's chat. */
struct chat_part {
    uint64_t room_id;
    uint64_t first_seq;
    uint64_t over_seq; /* what was written until then is of a meeting that is over */
};

struct sweep_leftovers {
    struct db_job job;
    struct leftover_step step;
    struct leftover_swept swept;
    uint64_t last_id; /* of the rows that are looked at */
    unsigned char gateway[16];
    struct journal_part parts[ROOMS_LOOKED_AT];
    struct chat_part chats[ROOMS_LOOKED_AT];
    size_t count;
    uint64_t room_id, seq; /* of the events or messages that go: up to this one */
    uint64_t rows_left;    /* that this step may still remove */
    leftover_store_fn *fn;
    void *arg;
};

/* ---- participants ---- */

static const struct db_query delete_participants = {
    .sql = "DELETE FROM participants WHERE state IN (3, 4, 5, 6)"
           " AND changed_unix_ms <= " DB_NOW_UNIX_MS " - " DAY_MS " LIMIT 500"};

static enum err sweep_participants(struct sweep_leftovers *sweep, struct db *db)
{
    struct leftover_swept *swept = &sweep->swept;
    const enum err err = db_query_run(db, &delete_participants, sweep, &swept->removed);
    swept->is_over = swept->removed < LEFTOVER_ROWS_MAX;
    return err;
}

/* ---- streams ---- */

static const struct db_query select_last_stream = {
    .sql = "SELECT CAST(IFNULL(MAX(participant_id), 0) AS UNSIGNED) FROM (SELECT participant_id"
           " FROM presence WHERE participant_id > ? ORDER BY participant_id LIMIT 500) t",
    .params = DB_FIELDS(struct sweep_leftovers, step.after),
    .columns = DB_FIELDS(struct sweep_leftovers, last_id)};

static const struct db_query delete_streams = {
    .sql = "DELETE FROM presence WHERE participant_id > ? AND participant_id <= ? AND is_open = 0"
           " AND changed_unix_ms <= " DB_NOW_UNIX_MS " - " TEN_MINUTES_MS,
    .params = DB_FIELDS(struct sweep_leftovers, step.after, last_id)};

static enum err sweep_streams(struct sweep_leftovers *sweep, struct db *db)
{
    struct leftover_swept *swept = &sweep->swept;
    enum err err = db_query_run(db, &select_last_stream, sweep, NULL);
    swept->after = sweep->last_id;
    swept->is_over = sweep->last_id == 0;
    if (err == ERR_OK && !swept->is_over) {
        err = db_query_run(db, &delete_streams, sweep, &swept->removed);
    }
    return err;
}

/* ---- gateways ---- */

/* One that is heard again while this goes on waits here, and then tells all of its streams anew,
 * because its lease is over. */
static const struct db_query select_gateway = {
    .sql = "SELECT gateway FROM presence WHERE participant_id = 0"
           " AND changed_unix_ms <= " DB_NOW_UNIX_MS " - " TEN_MINUTES_MS " LIMIT 1 FOR UPDATE",
    .columns = DB_FIELDS(struct sweep_leftovers, gateway)};

static const struct db_query delete_streams_of_gateway = {
    .sql = "DELETE FROM presence WHERE gateway = ? AND participant_id > 0 LIMIT 500",
    .params = DB_FIELDS(struct sweep_leftovers, gateway)};

static const struct db_query delete_gateway = {
    .sql = "DELETE FROM presence WHERE gateway = ? AND participant_id = 0",
    .params = DB_FIELDS(struct sweep_leftovers, gateway)};

static enum err sweep_gateway(void *arg, struct db *db)
{
    struct sweep_leftovers *sweep = arg;
    struct leftover_swept *swept = &sweep->swept;
    uint64_t found = 0;
    swept->removed = 0;
    enum err err = db_query_run(db, &select_gateway, sweep, &found);
    swept->is_over = found == 0;
    if (err == ERR_OK && found > 0) {
        err = db_query_run(db, &delete_streams_of_gateway, sweep, &swept->removed);
    }
    if (err == ERR_OK && found > 0 && swept->removed < LEFTOVER_ROWS_MAX) {
        uint64_t gateways = 0;
        err = db_query_run(db, &delete_gateway, sweep, &gateways);
        swept->removed += gateways;
    }
    return err;
}

static enum err sweep_gateways(struct sweep_leftovers *sweep, struct db *db)
{
    return db_transaction(db, sweep_gateway, sweep);
}

/* ---- events ---- */

/* Goes from room to room through the key. */
static const struct db_query select_parts = {
    .sql = "SELECT e.room_id, e.first_seq, e.last_seq, r.room_id IS NULL"
           " OR IFNULL(r.closed_unix_ms <= " DB_NOW_UNIX_MS " - " TEN_MINUTES_MS ", 0)"
           " FROM (SELECT room_id, MIN(seq) AS first_seq, MAX(seq) AS last_seq FROM room_events"
           " WHERE room_id > ? GROUP BY room_id ORDER BY room_id LIMIT 50) e"
           " LEFT JOIN rooms r ON r.room_id = e.room_id ORDER BY e.room_id",
    .params = DB_FIELDS(struct sweep_leftovers, step.after),
    .columns = DB_FIELDS(struct journal_part, room_id, first_seq, last_seq, is_over),
    .rows = DB_ROWS(struct sweep_leftovers, parts, count)};
_Static_assert(ROOMS_LOOKED_AT == 50, "select_parts reads as many");

static const struct db_query delete_events = {
    .sql = "DELETE FROM room_events WHERE room_id = ? AND seq <= ?"
           " AND time_unix_ms <= " DB_NOW_UNIX_MS " - " TEN_MINUTES_MS " ORDER BY seq LIMIT ?",
    .params = DB_FIELDS(struct sweep_leftovers, room_id, seq, rows_left)};

/* The audience is that of a room's staff: who waits, and comes again and again, does not push out
 * what others may miss. */
static const struct db_query select_last_that_goes = {
    .sql = "SELECT seq FROM room_events WHERE room_id = ? AND audience <> 2 ORDER BY seq DESC"
           " LIMIT 1 OFFSET 1000",
    .params = DB_FIELDS(struct sweep_leftovers, room_id),
    .columns = DB_FIELDS(struct sweep_leftovers, seq)};
_Static_assert(AUDIENCE_STAFF == 2 && EVENTS_KEPT == 1000, "select_last_that_goes has those");

static enum err find_last_that_goes(struct sweep_leftovers *sweep, struct db *db,
                                    const struct journal_part *part)
{
    const uint64_t past_all =
        part->last_seq > EVENTS_KEPT_MAX ? part->last_seq - EVENTS_KEPT_MAX : 0;
    sweep->seq = part->is_over != 0 ? part->last_seq : 0;
    const enum err err =
        part->is_over != 0 ? ERR_OK : db_query_run(db, &select_last_that_goes, sweep, NULL);
    sweep->seq = sweep->seq > past_all ? sweep->seq : past_all;
    return err;
}

/* *ret_removed: rows. */
static enum err sweep_part(struct sweep_leftovers *sweep, struct db *db,
                           const struct journal_part *part, uint64_t *ret_removed)
{
    const uint64_t kept = part->is_over != 0 ? 0 : EVENTS_KEPT;
    *ret_removed = 0;
    if (part->last_seq < part->first_seq + kept) {
        return ERR_OK;
    }
    sweep->room_id = part->room_id;
    sweep->rows_left = LEFTOVER_ROWS_MAX - sweep->swept.removed;
    const enum err err = find_last_that_goes(sweep, db, part);
    return err == ERR_OK && sweep->seq >= part->first_seq
               ? db_query_run(db, &delete_events, sweep, ret_removed)
               : err;
}

static enum err sweep_events(struct sweep_leftovers *sweep, struct db *db)
{
    struct leftover_swept *swept = &sweep->swept;
    enum err err = db_query_run(db, &select_parts, sweep, NULL);
    swept->is_over = sweep->count < ROOMS_LOOKED_AT;
    for (size_t i = 0; err == ERR_OK && i < sweep->count; i++) {
        const struct journal_part *part = &sweep->parts[i];
        uint64_t removed;
        err = sweep_part(sweep, db, part, &removed);
        swept->removed += removed;
        if (swept->removed == LEFTOVER_ROWS_MAX) {
            swept->after = part->room_id - 1; /* it may have more, and is looked at again */
            swept->is_over = false;
            break;
        }
        swept->after = part->room_id;
        swept->kept += part->last_seq + 1 - part->first_seq - removed;
    }
    return err;
}

/* ---- messages ---- */

/* Whoever comes into an empty room begins another meeting, and writes after seq. */
static const struct db_query select_chats = {
    .sql = "SELECT c.room_id, c.first_seq,"
           " CAST(IF(r.empty_unix_ms > 0, r.seq, r.meeting_seq) AS UNSIGNED)"
           " FROM (SELECT room_id, MIN(seq) AS first_seq FROM room_messages WHERE room_id > ?"
           " GROUP BY room_id ORDER BY room_id LIMIT 50) c"
           " JOIN rooms r ON r.room_id = c.room_id ORDER BY c.room_id",
    .params = DB_FIELDS(struct sweep_leftovers, step.after),
    .columns = DB_FIELDS(struct chat_part, room_id, first_seq, over_seq),
    .rows = DB_ROWS(struct sweep_leftovers, chats, count)};

static const struct db_query delete_messages = {
    .sql = "DELETE FROM room_messages WHERE room_id = ? AND seq <= ? ORDER BY seq LIMIT ?",
    .params = DB_FIELDS(struct sweep_leftovers, room_id, seq, rows_left)};

static enum err sweep_chat(struct sweep_leftovers *sweep, struct db *db,
                           const struct chat_part *chat, uint64_t *ret_removed)
{
    *ret_removed = 0;
    sweep->room_id = chat->room_id;
    sweep->seq = chat->over_seq;
    sweep->rows_left = LEFTOVER_ROWS_MAX - sweep->swept.removed;
    return chat->first_seq <= chat->over_seq
               ? db_query_run(db, &delete_messages, sweep, ret_removed)
               : ERR_OK;
}

static enum err sweep_messages(struct sweep_leftovers *sweep, struct db *db)
{
    struct leftover_swept *swept = &sweep->swept;
    enum err err = db_query_run(db, &select_chats, sweep, NULL);
    swept->is_over = sweep->count < ROOMS_LOOKED_AT;
    for (size_t i = 0; err == ERR_OK && i < sweep->count; i++) {
        uint64_t removed;
        err = sweep_chat(sweep, db, &sweep->chats[i], &removed);
        swept->removed += removed;
        if (swept->removed == LEFTOVER_ROWS_MAX) {
            swept->after =
                sweep->chats[i].room_id - 1; /* it may have more, and is looked at again */
            swept->is_over = false;
            break;
        }
        swept->after = sweep->chats[i].room_id;
    }
    return err;
}

/* ---- invitations, bans, stream keys and connections ---- */

static const struct db_query delete_invitations = {
    .sql = "DELETE FROM invitations WHERE revoked_unix_ms <= " DB_NOW_UNIX_MS " - " THIRTY_DAYS_MS
           " LIMIT 500"};
static const struct db_query delete_bans = {.sql = "DELETE FROM bans WHERE expires_unix_ms > 0"
                                                   " AND expires_unix_ms <= " DB_NOW_UNIX_MS
                                                   " - " THIRTY_DAYS_MS " LIMIT 500"};
static const struct db_query delete_stream_keys = {
    .sql = "DELETE FROM stream_keys WHERE expires_unix_ms > 0"
           " AND expires_unix_ms <= " DB_NOW_UNIX_MS " - " THIRTY_DAYS_MS " LIMIT 500"};
static const struct db_query delete_connections = {
    .sql = "DELETE FROM rtc_connections WHERE NOT EXISTS (SELECT 1 FROM participants p"
           " WHERE p.participant_id = rtc_connections.participant_id) LIMIT 500"};
_Static_assert(LEFTOVER_ROWS_MAX == 500, "the statements that remove have that number");

static enum err sweep_at_once(struct sweep_leftovers *sweep, struct db *db,
                              const struct db_query *query)
{
    struct leftover_swept *swept = &sweep->swept;
    const enum err err = db_query_run(db, query, sweep, &swept->removed);
    swept->is_over = swept->removed < LEFTOVER_ROWS_MAX;
    return err;
}

static enum err sweep_invitations(struct sweep_leftovers *sweep, struct db *db)
{
    return sweep_at_once(sweep, db, &delete_invitations);
}

static enum err sweep_bans(struct sweep_leftovers *sweep, struct db *db)
{
    return sweep_at_once(sweep, db, &delete_bans);
}

static enum err sweep_stream_keys(struct sweep_leftovers *sweep, struct db *db)
{
    return sweep_at_once(sweep, db, &delete_stream_keys);
}

static enum err sweep_connections(struct sweep_leftovers *sweep, struct db *db)
{
    return sweep_at_once(sweep, db, &delete_connections);
}

/* ---- a step ---- */

static enum err (*const leftover_works[LEFTOVERS])(struct sweep_leftovers *, struct db *) = {
    [LEFTOVER_PARTICIPANTS] = sweep_participants,
    [LEFTOVER_STREAMS] = sweep_streams,
    [LEFTOVER_GATEWAYS] = sweep_gateways,
    [LEFTOVER_EVENTS] = sweep_events,
    [LEFTOVER_MESSAGES] = sweep_messages,
    [LEFTOVER_INVITATIONS] = sweep_invitations,
    [LEFTOVER_BANS] = sweep_bans,
    [LEFTOVER_STREAM_KEYS] = sweep_stream_keys,
    [LEFTOVER_CONNECTIONS] = sweep_connections,
};

static enum err work_sweep_leftovers(void *arg, struct db *db)
{
    struct sweep_leftovers *sweep = arg;
    return leftover_works[sweep->step.what](sweep, db);
}

DB_TELLS(on_leftovers_swept, struct sweep_leftovers, &told->swept);

static const struct db_task sweep_leftovers_task = {.job_bytes =
                                                        DB_JOB_BYTES(struct sweep_leftovers),
                                                    .work = work_sweep_leftovers,
                                                    .done = on_leftovers_swept};

static enum err sweep_some_leftovers(void *self, const struct leftover_step *step,
                                     leftover_store_fn *fn, void *arg)
{
    struct sweep_leftovers *sweep = db_job_new(&sweep_leftovers_task);
    sweep->step = *step;
    sweep->fn = fn;
    sweep->arg = arg;
    return db_pool_start(self, sweep, 0);
}

static const struct leftover_store_ops leftover_ops = {sweep_some_leftovers};

struct leftover_store leftover_store_mysql(struct db_pool *db)
{
    return (struct leftover_store){.ops = &leftover_ops, .self = db};
}
