#include "roomsvc/store/out_store_mysql.h"

#include "proto/db/db_sql.h"
#include "roomsvc/store/participant_sql.h"
#include "roomsvc/store/presence_sql.h"
#include "roomsvc/store/presence_store.h"

/* ---- who is to be out ---- */

/* What both questions begin with, so that they have the same parameters. */
struct out_case {
    struct out_look look;
    uint64_t lease_ms;
    uint64_t room_id;
};

/* He came in long ago, and since then there was nobody who had a stream of his: no gateway that was
 * heard of (one that is not heard of any more had it until its lease was over), and none that has
 * said that it is over, which gateways say some time after it was. And there was no connection by
 * which he is seen: none that tells so now, as the bridge has said that has the node (one that is
 * not heard of any more had it until its lease was over), nor has told it of late.
 *
 * A stream has nothing but connections: once it has none, it is away sooner. */
#define AWAY_MS "? DIV IF(p.stream_use = 0, 1, 6)"
#define IS_ABSENT                                                                                  \
    "p.state IN (1, 2) AND p.joined_unix_ms + " AWAY_MS " + " PRESENCE_SOON_MS                     \
    " <= " DB_NOW_UNIX_MS " AND " DB_NOW_UNIX_MS " <= ?"                                           \
    " AND NOT EXISTS (SELECT 1 FROM presence s LEFT JOIN presence l ON l.participant_id = 0"       \
    " AND l.gateway = s.gateway WHERE s.participant_id = p.participant_id AND"                     \
    " ((s.is_open = 1 AND l.changed_unix_ms + ? + ? > " DB_NOW_UNIX_MS ") OR (s.is_open = 0"       \
    " AND s.changed_unix_ms + " AWAY_MS " > " DB_NOW_UNIX_MS ")))"                                 \
    " AND NOT EXISTS (SELECT 1 FROM rtc_connections c JOIN nodes n ON n.node = c.node"             \
    " WHERE c.participant_id = p.participant_id AND c.joined_unix_ms = p.joined_unix_ms"           \
    " AND " RTC_TELLS_PRESENCE " AND IF(c.quiet_unix_ms > 0, c.quiet_unix_ms,"                     \
    " n.seen_unix_ms + ?) + ? > " DB_NOW_UNIX_MS ")"
#define IS_ABSENT_PARAMS(t)                                                                        \
    DB_FIELD(t, of.look.away_ms), DB_FIELD(t, of.look.until_unix_ms), DB_FIELD(t, of.lease_ms),    \
        DB_FIELD(t, of.look.away_ms), DB_FIELD(t, of.look.away_ms), DB_FIELD(t, of.lease_ms),      \
        DB_FIELD(t, of.look.away_ms)

#define WAIT_MS "600000"
#define HAS_WAITED "p.state = 1 AND p.joined_unix_ms + " WAIT_MS " <= " DB_NOW_UNIX_MS

/* He is in, waits, or may come back. */
#define MAY_BE_THERE                                                                               \
    "(p.state IN (1, 2) OR (p.state = 3 AND p.changed_unix_ms + 600000 > " DB_NOW_UNIX_MS "))"
_Static_assert(PARTICIPANT_WAITING == 1 && PARTICIPANT_JOINED == 2 && PARTICIPANT_LEFT == 3 &&
                   PARTICIPANT_BACK_MS == 600000,
               "the statements of this file have those numbers");

/* authsvc keeps which sessions were ended for longer than one lives. Of a session (user_id 0) news
 * is 1 if it was ended, and 0 if it is to be looked up anew (store_session_news in
 * authsvc/store/store.h); of a user it is an enum auth_news. */
#define IS_END "r.user_id = 0 AND r.news = 1"
#define HAS_END                                                                                    \
    MAY_BE_THERE " AND EXISTS (SELECT 1 FROM session_revocations r"                                \
                 " WHERE r.token_hash = p.session_hash AND " IS_END ")"

/* Whoever removes a key takes out who is in by it. */
#define KEY_IS_OVER "k.expires_unix_ms > 0 AND k.expires_unix_ms <= " DB_NOW_UNIX_MS
#define HAS_NO_KEY                                                                                 \
    "p.state = 2 AND EXISTS (SELECT 1 FROM stream_keys k"                                          \
    " WHERE k.stream_key_id = p.stream_key_id AND " KEY_IS_OVER ")"

/* ---- in which rooms ---- */

struct find_out {
    struct db_job job;
    struct out_case of;
    struct out_found found;
    out_store_found_fn *fn;
    void *arg;
};

static const struct db_query select_moment = {
    .sql = "SELECT " DB_NOW_UNIX_MS ", CAST(IF(?, (SELECT IFNULL(MAX(seq), 0)"
           " FROM session_revocations), 0) AS UNSIGNED)",
    .params = DB_FIELDS(struct find_out, of.look.why),
    .columns = DB_FIELDS(struct find_out, found.now_unix_ms, found.last_seq)};

static const struct db_query select_rooms[] = {
    [OUT_ABSENT] = {.sql = "SELECT DISTINCT p.room_id FROM participants p WHERE " IS_ABSENT
                           " LIMIT 100",
                    .params = {IS_ABSENT_PARAMS(struct find_out)},
                    .columns = DB_FIELDS(struct out_room, id),
                    .rows = DB_ROWS(struct find_out, found.rooms, found.count)},
    [OUT_SESSION_ENDED] = {.sql = "SELECT DISTINCT p.room_id FROM session_revocations r"
                                  " STRAIGHT_JOIN participants p ON p.session_hash = r.token_hash"
                                  " WHERE r.seq > ? AND " IS_END " AND " MAY_BE_THERE " LIMIT 100",
                           .params = DB_FIELDS(struct find_out, of.look.after_seq),
                           .columns = DB_FIELDS(struct out_room, id),
                           .rows = DB_ROWS(struct find_out, found.rooms, found.count)},
    [OUT_ANY_SESSION_ENDED] = {.sql = "SELECT DISTINCT p.room_id FROM participants p WHERE"
                                      " " HAS_END " LIMIT 100",
                               .columns = DB_FIELDS(struct out_room, id),
                               .rows = DB_ROWS(struct find_out, found.rooms, found.count)},
    [OUT_WAITED] = {.sql = "SELECT DISTINCT p.room_id FROM participants p WHERE " HAS_WAITED
                           " LIMIT 100",
                    .columns = DB_FIELDS(struct out_room, id),
                    .rows = DB_ROWS(struct find_out, found.rooms, found.count)},
    [OUT_STREAM_KEY_ENDED] = {.sql = "SELECT DISTINCT p.room_id FROM stream_keys k STRAIGHT_JOIN"
                                     " participants p ON p.stream_key_id = k.stream_key_id"
                                     " AND p.state = 2 WHERE " KEY_IS_OVER " LIMIT 100",
                              .columns = DB_FIELDS(struct out_room, id),
                              .rows = DB_ROWS(struct find_out, found.rooms, found.count)},
};
_Static_assert(OUT_ROOMS_MAX == 100, "select_rooms read as many");

static enum err work_find_out(void *arg, struct db *db)
{
    struct find_out *find = arg;
    const enum err err = db_query_run(db, &select_moment, find, NULL);
    return err == ERR_OK ? db_query_run(db, &select_rooms[find->of.look.why], find, NULL) : err;
}

DB_TELLS(on_out_found, struct find_out, &told->found);

static const struct db_task find_out_task = {
    .job_bytes = DB_JOB_BYTES(struct find_out), .work = work_find_out, .done = on_out_found};

static enum err find_out(void *self, const struct out_look *look, out_store_found_fn *fn, void *arg)
{
    const struct out_db *db = self;
    struct find_out *find = db_job_new(&find_out_task);
    find->of = (struct out_case){.look = *look, .lease_ms = PRESENCE_LEASE_MS};
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(db->pool, find, 0);
}

/* ---- out of one room ---- */

struct take_out {
    struct db_job job;
    struct out_case of;
    uint64_t seq, generation, owner_id, now_unix_ms;
    struct participant people[OUT_PEOPLE_MAX];
    struct journal journal;
    struct out_taken taken;
    out_store_taken_fn *fn;
    void *arg;
};

static const struct db_query lock_room_of_absent = {
    .sql = "SELECT seq, (SELECT generation FROM journal_generation),"
           " CAST(IF(code IS NULL, 0, owner_id) AS UNSIGNED) FROM rooms WHERE room_id = ?"
           " FOR UPDATE",
    .params = DB_FIELDS(struct take_out, of.room_id),
    .columns = DB_FIELDS(struct take_out, seq, generation, owner_id),
    .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query select_lock_time = {
    .sql = "SELECT " DB_NOW_UNIX_MS, .columns = DB_FIELDS(struct take_out, now_unix_ms)};

#define SELECT_PEOPLE "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.room_id = ? AND "
#define SELECT_ENDED                                                                               \
    {                                                                                              \
        .sql = SELECT_PEOPLE HAS_END " ORDER BY p.participant_id LIMIT 50",                        \
        .params = DB_FIELDS(struct take_out, of.room_id),                                          \
        .columns = PARTICIPANT_FIELDS(struct participant, ),                                       \
        .rows = DB_ROWS(struct take_out, people, taken.count)                                      \
    }
static const struct db_query select_people[] = {
    [OUT_ABSENT] = {.sql = SELECT_PEOPLE IS_ABSENT " ORDER BY p.participant_id LIMIT 50",
                    .params = {DB_FIELD(struct take_out, of.room_id),
                               IS_ABSENT_PARAMS(struct take_out)},
                    .columns = PARTICIPANT_FIELDS(struct participant, ),
                    .rows = DB_ROWS(struct take_out, people, taken.count)},
    [OUT_SESSION_ENDED] = SELECT_ENDED,
    [OUT_ANY_SESSION_ENDED] = SELECT_ENDED,
    [OUT_WAITED] = {.sql = SELECT_PEOPLE HAS_WAITED " ORDER BY p.participant_id LIMIT 50",
                    .params = DB_FIELDS(struct take_out, of.room_id),
                    .columns = PARTICIPANT_FIELDS(struct participant, ),
                    .rows = DB_ROWS(struct take_out, people, taken.count)},
    [OUT_STREAM_KEY_ENDED] = {.sql = SELECT_PEOPLE HAS_NO_KEY " ORDER BY p.participant_id LIMIT 50",
                              .params = DB_FIELDS(struct take_out, of.room_id),
                              .columns = PARTICIPANT_FIELDS(struct participant, ),
                              .rows = DB_ROWS(struct take_out, people, taken.count)}};
_Static_assert(OUT_PEOPLE_MAX == 50, "they read as many");

/* What becomes of those who are taken out. */
static const struct {
    enum participant_state state;
    enum room_reason reason;
} outs[] = {[OUT_ABSENT] = {PARTICIPANT_LEFT, REASON_ABSENT},
            [OUT_SESSION_ENDED] = {PARTICIPANT_ENDED, REASON_SESSION_ENDED},
            [OUT_ANY_SESSION_ENDED] = {PARTICIPANT_ENDED, REASON_SESSION_ENDED},
            [OUT_WAITED] = {PARTICIPANT_DENIED, REASON_WAITED_TOO_LONG},
            [OUT_STREAM_KEY_ENDED] = {PARTICIPANT_REMOVED, REASON_STREAM_KEY_ENDED}};

static enum err read_people_out(struct take_out *take, struct db *db)
{
    enum err err = db_query_run(db, &lock_room_of_absent, take, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &select_people[take->of.look.why], take, NULL);
    }
    if (err == ERR_OK && take->taken.count > 0) {
        err = db_query_run(db, &select_lock_time, take, NULL);
    }
    journal_begin(&take->journal, take->of.room_id, take->seq, take->generation, take->now_unix_ms);
    return err;
}

/* A room where only people were taken out who were not in is as empty as it was. */
static enum err take_out_in_transaction(void *arg, struct db *db)
{
    struct take_out *take = arg;
    const uint64_t why = take->of.look.why;
    bool was_in = false;
    enum err err = read_people_out(take, db);
    for (size_t i = 0; err == ERR_OK && i < take->taken.count; i++) {
        was_in = was_in || take->people[i].state == PARTICIPANT_JOINED;
        err = participant_take_out(db, &take->journal, &take->people[i], outs[why].state,
                                   outs[why].reason);
    }
    if (err == ERR_OK && was_in) {
        err = participants_settle(db, &take->journal, take->owner_id);
    }
    return err == ERR_OK ? journal_keep(db, &take->journal) : err;
}

static enum err work_take_out(void *arg, struct db *db)
{
    const enum err err = db_transaction(db, take_out_in_transaction, arg);
    return err == ERR_NO_SUCH_ROOM ? ERR_OK : err; /* nobody is in it, then */
}

static void on_taken_out(void *arg, enum err err)
{
    struct take_out *take = arg;
    take->taken.journal = &take->journal;
    take->fn(take->arg, err, err == ERR_OK ? &take->taken : NULL);
    journal_fini(&take->journal);
}

static const struct db_task take_out_task = {
    .job_bytes = DB_JOB_BYTES(struct take_out), .work = work_take_out, .done = on_taken_out};

static enum err take_out_of_room(void *self, const struct out_look *look, uint64_t room_id,
                                 out_store_taken_fn *fn, void *arg)
{
    const struct out_db *db = self;
    struct take_out *take = db_job_new(&take_out_task);
    take->of = (struct out_case){.look = *look, .lease_ms = PRESENCE_LEASE_MS, .room_id = room_id};
    take->fn = fn;
    take->arg = arg;
    return db_pool_start(db->commands, take, 0);
}

static uint64_t out_steady_ms(const void *self)
{
    const struct out_db *db = self;
    return db_pool_steady_ms(db->pool);
}

static const struct out_store_ops out_ops = {find_out, take_out_of_room, out_steady_ms};

struct out_store out_store_mysql(struct out_db *db)
{
    return (struct out_store){.ops = &out_ops, .self = db};
}
