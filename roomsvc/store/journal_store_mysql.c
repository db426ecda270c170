#include "roomsvc/store/journal_store_mysql.h"

#include <stdlib.h>

#include "proto/base/strbuf.h"
#include "roomsvc/store/managed_sql.h"
#include "roomsvc/store/participant_sql.h"

struct journal_question {
    struct db_job job;
    const struct msg *request;
    unsigned char token_hash[32];
    uint64_t after_id, limit, user_id, nobody;
    char code[ROOM_CODE_LETTERS + 1];
    struct str ids; /* of the rooms, as a JSON array */
    struct journal_answer answer;
    journal_store_fn *fn;
    void *arg;
};

static const struct db_query select_generation = {
    .sql = "SELECT generation FROM journal_generation",
    .columns = DB_FIELDS(struct journal_question, answer.generation),
    .if_none = ERR_UNAVAILABLE};

/* ---- stream_open ---- */

static const struct db_query select_streamer = {
    .sql = "SELECT " PARTICIPANT_COLUMNS ", r.room_id, IFNULL(r.code, ''), r.seq,"
           " (SELECT generation FROM journal_generation) FROM participants p"
           " JOIN rooms r ON r.room_id = p.room_id WHERE p.token_hash = ?",
    .params = DB_FIELDS(struct journal_question, token_hash),
    .columns = DB_FIELDS(
        struct journal_question, answer.participant.id, answer.participant.room_id,
        answer.participant.user_id, answer.participant.name, answer.participant.role,
        answer.participant.state, answer.participant.hand_unix_ms,
        answer.participant.joined_unix_ms, answer.participant.changed_ago_ms,
        answer.participant.muted, answer.participant.since_seq, answer.participant.invitation_id,
        answer.participant.published, answer.participant.lost, answer.participant.stream_key_id,
        answer.participant.stream_use, answer.room_id, code, answer.seq, answer.generation),
    .if_none = ERR_UNAUTHORIZED};

static enum err open_stream(struct journal_question *q, struct db *db)
{
    const struct msg_stream_open *request = &q->request->stream_open;
    const struct room_asker nobody = {.is_admin = false};
    struct room_query meant;
    memcpy(q->token_hash, request->asker.token_hash.data, sizeof(q->token_hash));
    if (!room_query_read(request->room, &nobody, &meant)) {
        return ERR_NO_SUCH_ROOM;
    }
    const enum err err = db_query_run(db, &select_streamer, q, NULL);
    if (err != ERR_OK) {
        return err;
    }
    const bool is_meant =
        meant.id != 0 ? meant.id == q->answer.room_id : strcmp(meant.code, q->code) == 0;
    const enum err is_in = participant_is_in(&q->answer.participant);
    if (is_meant && q->answer.participant.stream_use != 0) {
        return ERR_FORBIDDEN; /* a stream key is for media alone */
    }
    return !is_meant ? ERR_NO_SUCH_ROOM : is_in == ERR_MUST_WAIT ? ERR_OK : is_in;
}

/* ---- room_state ---- */

/* Its number first: what is read afterwards is not older. */
static const struct db_query select_seq = {
    .sql = "SELECT seq, (SELECT generation FROM journal_generation) FROM rooms WHERE room_id = ?",
    .params = DB_FIELDS(struct journal_question, answer.room_id),
    .columns = DB_FIELDS(struct journal_question, answer.seq, answer.generation),
    .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query select_state = {
    .sql = "SELECT " MANAGED_COLUMNS " FROM rooms r" MANAGED_JOINS " WHERE r.room_id = ?",
    .params = DB_FIELDS(struct journal_question, nobody, answer.room_id),
    .columns = MANAGED_FIELDS(struct journal_question, answer.room.),
    .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query select_those_in = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.room_id = ?"
           " AND p.state IN (1, 2) AND p.participant_id > ? ORDER BY p.participant_id LIMIT 200",
    .params = DB_FIELDS(struct journal_question, answer.room_id, after_id),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS(struct journal_question, answer.participants, answer.participant_count)};
_Static_assert(STATE_PARTICIPANTS == 200, "select_those_in reads as many");

static enum err read_state(struct journal_question *q, struct db *db)
{
    q->answer.room_id = q->request->room_state.room_id;
    q->after_id = q->request->room_state.after_id;
    enum err err = db_query_run(db, &select_seq, q, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &select_state, q, NULL);
    }
    if (err == ERR_OK && q->answer.room.is_over != 0) {
        err = ERR_GONE;
    }
    return err == ERR_OK ? db_query_run(db, &select_those_in, q, NULL) : err;
}

/* ---- journal_read ---- */

static const struct db_query select_events = {
    .sql = "SELECT seq, data FROM room_events WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
    .params = DB_FIELDS(struct journal_question, answer.room_id, after_id, limit),
    .columns = DB_FIELDS(struct journal_event, seq, data),
    .rows = DB_ROWS_GROWING(struct journal_question, answer.events, answer.event_count)};

/* A room that is not there any more has no event, and so no gap either. */
static enum err read_journal(struct journal_question *q, struct db *db)
{
    struct journal_answer *answer = &q->answer;
    answer->room_id = q->request->journal_read.room_id;
    q->after_id = q->request->journal_read.after_seq;
    q->limit = q->request->journal_read.limit;
    enum err err = db_query_run(db, &select_seq, q, NULL);
    if (err == ERR_NO_SUCH_ROOM) {
        return db_query_run(db, &select_generation, q, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_events, q, NULL);
    }
    size_t joined = 0;
    while (joined < answer->event_count && answer->events[joined].seq == q->after_id + joined + 1) {
        joined++;
    }
    answer->event_count = joined;
    return err;
}

/* ---- journal_heads ---- */

static const struct db_query select_heads = {
    .sql = "SELECT r.room_id, r.seq FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH"
           " '$')) j JOIN rooms r ON r.room_id = j.id",
    .params = DB_FIELDS(struct journal_question, ids),
    .columns = DB_FIELDS(struct journal_head, room_id, seq),
    .rows = DB_ROWS(struct journal_question, answer.heads, answer.head_count)};

static const struct db_query renew_generation = {
    .sql = "UPDATE journal_generation SET generation = generation + 1 + FLOOR(RAND() * 1000000)"
           " WHERE generation = ?",
    .params = DB_FIELDS(struct journal_question, answer.generation)};

static void write_ids(struct u64_list ids, struct strbuf *text)
{
    strbuf_add_z(text, "[");
    for (size_t i = 0; i < ids.count; i++) {
        AUTO(mem_free) char *id = mem_printf("%s%" PRIu64, i > 0 ? "," : "", ids.items[i]);
        strbuf_add_z(text, id);
    }
    strbuf_add_z(text, "]");
}

static uint64_t seen_of(const struct journal_question *q, uint64_t room_id)
{
    const struct msg_room_head_list seen = q->request->journal_heads.seen;
    for (size_t i = 0; i < seen.count; i++) {
        if (seen.items[i].room_id == room_id) {
            return seen.items[i].seq;
        }
    }
    return 0;
}

/* A head that has gone back: whoever restored this database has not said so. What was seen in
 * another generation says nothing: who asks has not heard of this one yet. */
static bool has_gone_back(const struct journal_question *q)
{
    const uint64_t generation = q->request->journal_heads.generation;
    if (generation != 0 && generation != q->answer.generation) {
        return false;
    }
    for (size_t i = 0; i < q->answer.head_count; i++) {
        if (q->answer.heads[i].seq < seen_of(q, q->answer.heads[i].room_id)) {
            return true;
        }
    }
    return false;
}

static enum err read_heads(struct journal_question *q, struct db *db)
{
    struct strbuf text = {0};
    write_ids(q->request->journal_heads.room_ids, &text);
    q->ids = strbuf_str(&text);
    enum err err = db_query_run(db, &select_generation, q, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &select_heads, q, NULL);
    }
    strbuf_fini(&text);
    if (err == ERR_OK && has_gone_back(q)) {
        err = db_query_run(db, &renew_generation, q, NULL);
        if (err == ERR_OK) {
            err = db_query_run(db, &select_generation, q, NULL);
        }
    }
    return err;
}

/* ---- meeting_page ---- */

#define SOMEBODY_IS_IN                                                                             \
    " EXISTS (SELECT 1 FROM participants p WHERE p.room_id = r.room_id AND p.state = 2)"

static const struct db_query select_meetings_of_user = {
    .sql = "SELECT r.room_id, r.seq FROM ("
           "(SELECT room_id FROM rooms FORCE INDEX (rooms_owner_id) WHERE owner_id = ?"
           " AND room_id > ? AND closed_unix_ms IS NULL AND code IS NOT NULL) UNION "
           "(SELECT n.room_id FROM room_members n WHERE n.user_id = ? AND n.room_id > ?)) mine"
           " JOIN rooms r ON r.room_id = mine.room_id WHERE r.closed_unix_ms IS NULL"
           " AND" SOMEBODY_IS_IN " ORDER BY r.room_id LIMIT ?",
    .params = DB_FIELDS(struct journal_question, user_id, after_id, user_id, after_id, limit),
    .columns = DB_FIELDS(struct journal_head, room_id, seq),
    .rows = DB_ROWS(struct journal_question, answer.heads, answer.head_count)};

static const struct db_query select_all_meetings = {
    .sql = "SELECT r.room_id, r.seq FROM (SELECT DISTINCT room_id FROM participants"
           " WHERE state = 2 AND room_id > ?) q JOIN rooms r ON r.room_id = q.room_id"
           " WHERE r.closed_unix_ms IS NULL ORDER BY r.room_id LIMIT ?",
    .params = DB_FIELDS(struct journal_question, after_id, limit),
    .columns = DB_FIELDS(struct journal_head, room_id, seq),
    .rows = DB_ROWS(struct journal_question, answer.heads, answer.head_count)};

static enum err read_meetings(struct journal_question *q, struct db *db)
{
    q->user_id = q->request->meeting_page.user_id;
    q->after_id = q->request->meeting_page.after_id;
    q->limit = q->request->meeting_page.limit;
    return db_query_run(db, q->user_id != 0 ? &select_meetings_of_user : &select_all_meetings, q,
                        NULL);
}

/* ---- all of them ---- */

static enum err work_journal_question(void *arg, struct db *db)
{
    struct journal_question *q = arg;
    switch (q->request->id) {
    case MSG_stream_open:
        return open_stream(q, db);
    case MSG_room_state:
        return read_state(q, db);
    case MSG_journal_read:
        return read_journal(q, db);
    case MSG_journal_heads:
        return read_heads(q, db);
    default:
        return read_meetings(q, db);
    }
}

static void on_journal_answered(void *job, enum err err)
{
    struct journal_question *q = job;
    q->fn(q->arg, err, err == ERR_OK ? &q->answer : NULL);
    free(q->answer.events);
}

static const struct db_task journal_task = {.job_bytes = DB_JOB_BYTES(struct journal_question),
                                            .work = work_journal_question,
                                            .done = on_journal_answered};

static enum err ask_journal(void *self, const struct msg *request, uint64_t deadline_ms,
                            journal_store_fn *fn, void *arg)
{
    struct journal_question *q = db_job_new(&journal_task);
    q->request = request;
    q->fn = fn;
    q->arg = arg;
    return db_pool_start(self, q, deadline_ms);
}

static const struct journal_store_ops journal_ops = {ask_journal};

struct journal_store journal_store_mysql(struct db_pool *db)
{
    return (struct journal_store){.ops = &journal_ops, .self = db};
}
