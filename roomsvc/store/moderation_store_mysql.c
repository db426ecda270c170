#include "roomsvc/store/moderation_store_mysql.h"

#include <stdlib.h>

#include "roomsvc/store/managed_sql.h"

struct moderation_question {
    struct db_job job;
    const struct msg *request;
    struct room_query target;
    uint64_t only_id; /* 0: all */
    uint64_t after_id;
    uint64_t limit;
    uint64_t after_seq, meeting_seq;
    uint64_t joined, users_joined;
    struct moderation_answer answer;
    moderation_store_fn *fn;
    void *arg;
};

/* ---- invitations ---- */

static const struct db_query select_invitations = {
    .sql = "SELECT " INVITATION_COLUMNS " FROM invitations i WHERE i.room_id = ?"
           " AND i.invitation_id > ? AND (? = 0 OR i.invitation_id = ?)"
           " AND i.revoked_unix_ms IS NULL ORDER BY i.invitation_id LIMIT ?",
    .params =
        DB_FIELDS(struct moderation_question, target.room.id, after_id, only_id, only_id, limit),
    .columns = INVITATION_FIELDS(struct invitation, ),
    .rows =
        DB_ROWS_GROWING(struct moderation_question, answer.invitations, answer.invitation_count)};

static enum err read_invitations(struct moderation_question *q, struct db *db)
{
    const struct msg_invitation_page *page = &q->request->invitation_page;
    q->only_id = page->invitation;
    q->after_id = page->after_id;
    q->limit = page->limit;
    enum err err = room_query_run(db, &q->target);
    if (err == ERR_OK) {
        err = room_query_judge_role(&q->target, ROOM_INVITE);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_invitations, q, NULL);
    }
    return err == ERR_OK && q->only_id != 0 && q->answer.invitation_count == 0 ? ERR_NOT_FOUND
                                                                               : err;
}

/* ---- bans ---- */

/* One that is over is as good as lifted, before it goes. */
static const struct db_query select_bans = {
    .sql = "SELECT " BAN_COLUMNS " FROM bans b WHERE b.room_id = ? AND b.ban_id > ?"
           " AND (? = 0 OR b.ban_id = ?) AND (b.expires_unix_ms = 0 OR b.expires_unix_ms > ?)"
           " ORDER BY b.ban_id LIMIT ?",
    .params = DB_FIELDS(struct moderation_question, target.room.id, after_id, only_id, only_id,
                        target.room.now_unix_ms, limit),
    .columns = BAN_FIELDS(struct ban, ),
    .rows = DB_ROWS_GROWING(struct moderation_question, answer.bans, answer.ban_count)};

static enum err read_bans(struct moderation_question *q, struct db *db)
{
    const struct msg_ban_page *page = &q->request->ban_page;
    q->only_id = page->ban;
    q->after_id = page->after_id;
    q->limit = page->limit;
    enum err err = room_query_run(db, &q->target);
    if (err == ERR_OK) {
        err = room_query_judge_role(&q->target, ROOM_BAN);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_bans, q, NULL);
    }
    return err == ERR_OK && q->only_id != 0 && q->answer.ban_count == 0 ? ERR_NOT_FOUND : err;
}

/* ---- stream keys ---- */

static const struct db_query select_stream_keys = {
    .sql = "SELECT " STREAM_KEY_COLUMNS STREAM_KEY_TABLES " WHERE k.room_id = ?"
           " AND k.stream_key_id > ? AND (? = 0 OR k.stream_key_id = ?)"
           " ORDER BY k.stream_key_id LIMIT ?",
    .params =
        DB_FIELDS(struct moderation_question, target.room.id, after_id, only_id, only_id, limit),
    .columns = STREAM_KEY_FIELDS(struct stream_key, ),
    .rows =
        DB_ROWS_GROWING(struct moderation_question, answer.stream_keys, answer.stream_key_count)};

static enum err read_stream_keys(struct moderation_question *q, struct db *db)
{
    const struct msg_stream_key_page *page = &q->request->stream_key_page;
    q->only_id = page->stream_key;
    q->after_id = page->after_id;
    q->limit = page->limit;
    enum err err = room_query_run(db, &q->target);
    if (err == ERR_OK) {
        err = room_query_judge(&q->target, ROOM_STREAM_KEYS, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_stream_keys, q, NULL);
    }
    q->answer.room.id = q->target.room.id;
    return err == ERR_OK && q->only_id != 0 && q->answer.stream_key_count == 0 ? ERR_NOT_FOUND
                                                                               : err;
}

/* ---- the chat ---- */

static const struct db_query select_meeting = {
    .sql = "SELECT meeting_seq FROM rooms WHERE room_id = ?",
    .params = DB_FIELDS(struct moderation_question, target.room.id),
    .columns = DB_FIELDS(struct moderation_question, meeting_seq),
    .if_none = ERR_NO_SUCH_ROOM};

/* All that a participant sees of a chat: what is for all, by him or to him. */
#define SEEN_MESSAGES                                                                              \
    " FROM room_messages m WHERE m.room_id = ? AND m.seq > ?"                                      \
    " AND (m.to_id = 0 OR ? IN (m.from_id, m.to_id)) ORDER BY m.seq"

static const struct db_query select_before_first = {
    .sql = "SELECT m.seq" SEEN_MESSAGES " DESC LIMIT 1 OFFSET 200",
    .params = DB_FIELDS(struct moderation_question, target.room.id, after_seq, target.self.id),
    .columns = DB_FIELDS(struct moderation_question, after_seq)};
_Static_assert(CHAT_FIRST == 200, "select_before_first leaves as many");

static const struct db_query select_messages = {
    .sql = "SELECT " CHAT_COLUMNS SEEN_MESSAGES " LIMIT ?",
    .params =
        DB_FIELDS(struct moderation_question, target.room.id, after_seq, target.self.id, limit),
    .columns = CHAT_FIELDS(struct chat_message, ),
    .rows = DB_ROWS_GROWING(struct moderation_question, answer.messages, answer.message_count)};

static enum err judge_reader(struct moderation_question *q, struct db *db)
{
    enum err err = room_query_run(db, &q->target);
    if (err == ERR_OK && q->target.self.id == 0) {
        err = ERR_FORBIDDEN; /* nobody reads who is not in */
    }
    if (err == ERR_OK) {
        err = room_query_judge(&q->target, ROOM_CHAT, NULL);
    }
    return err == ERR_OK && q->target.room.chat == 0 ? ERR_CHAT_OFF : err;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Nothing of before he was let in for the first time, or of a meeting that is over, whatever he
 * asks for. */
static enum err read_messages(struct moderation_question *q, struct db *db)
{
    const struct msg_message_page *page = &q->request->message_page;
    struct moderation_answer *answer = &q->answer;
    enum err err = judge_reader(q, db);
    if (err == ERR_OK) {
        err = db_query_run(db, &select_meeting, q, NULL);
    }
    q->limit = page->limit + 1; /* one more tells whether there is one more */
    q->after_seq = later_of(q->target.self.since_seq, q->meeting_seq);
    if (page->has_after_seq) {
        q->after_seq = later_of(q->after_seq, page->after_seq);
    } else if (err == ERR_OK) {
        err = db_query_run(db, &select_before_first, q, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_messages, q, NULL);
    }
    answer->is_last = answer->message_count <= page->limit;
    answer->message_count -= answer->is_last ? 0 : 1;
    return err;
}

/* ---- join_info ---- */

static const struct db_query select_room_of_invitation = {
    .sql = "SELECT room_id FROM invitations WHERE secret_hash = ?",
    .params = DB_FIELDS(struct moderation_question, target.invitation_hash),
    .columns = DB_FIELDS(struct moderation_question, target.id),
    .if_none = ERR_NO_SUCH_INVITATION};

static const struct db_query count_those_in = {
    .sql = "SELECT COUNT(*), COUNT(IF(user_id <> 0, 1, NULL)) FROM participants"
           " WHERE room_id = ? AND state = 2",
    .params = DB_FIELDS(struct moderation_question, target.room.id),
    .columns = DB_FIELDS(struct moderation_question, joined, users_joined)};
_Static_assert(PARTICIPANT_JOINED == 2, "count_those_in has that number");

/* As participant_join would answer him, as far as it tells of the room and the invitation. */
static enum err read_join_info(struct moderation_question *q, struct db *db)
{
    const struct msg_join_info *info = &q->request->join_info;
    struct room_query *target = &q->target;
    enum err err = ERR_OK;
    target->has_invitation = info->invitation_hash.bytes == sizeof(target->invitation_hash);
    if (target->has_invitation) {
        memcpy(target->invitation_hash, info->invitation_hash.data,
               sizeof(target->invitation_hash));
    }
    if (info->room.bytes == 0) {
        err = db_query_run(db, &select_room_of_invitation, q, NULL);
    }
    if (err == ERR_OK) {
        err = room_query_run(db, target);
    }
    if (err == ERR_OK && target->has_invitation) {
        err = invitation_is_good(&target->invitation, target->room.now_unix_ms);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &count_those_in, q, NULL);
    }
    q->answer.room = target->room;
    q->answer.join = room_query_join_case(target);
    q->answer.join.joined = q->joined;
    q->answer.join.is_host_in = q->users_joined > 0;
    return err == ERR_OK ? participant_may_find(&q->answer.join) : err;
}

/* ---- all of them ---- */

struct moderation_kind {
    enum msg_id request;
    size_t room; /* offset of its struct str in the request */
    enum err (*read)(struct moderation_question *q, struct db *db);
};

static const struct moderation_kind moderation_kinds[] = {
    {MSG_invitation_page, offsetof(struct msg, invitation_page.room), read_invitations},
    {MSG_ban_page, offsetof(struct msg, ban_page.room), read_bans},
    {MSG_stream_key_page, offsetof(struct msg, stream_key_page.room), read_stream_keys},
    {MSG_message_page, offsetof(struct msg, message_page.room), read_messages},
    {MSG_join_info, offsetof(struct msg, join_info.room), read_join_info},
};

static const struct moderation_kind *moderation_kind_of(const struct msg *request)
{
    size_t i = 0;
    while (moderation_kinds[i].request != request->id) {
        i++;
    }
    return &moderation_kinds[i];
}

static enum err work_moderation_question(void *arg, struct db *db)
{
    struct moderation_question *q = arg;
    return moderation_kind_of(q->request)->read(q, db);
}

static void on_moderation_answered(void *job, enum err err)
{
    struct moderation_question *q = job;
    q->fn(q->arg, err, err == ERR_OK ? &q->answer : NULL);
    free(q->answer.invitations);
    free(q->answer.bans);
    free(q->answer.stream_keys);
    free(q->answer.messages);
}

static const struct db_task moderation_task = {.job_bytes =
                                                   DB_JOB_BYTES(struct moderation_question),
                                               .work = work_moderation_question,
                                               .done = on_moderation_answered};

/* Only join_info may name a room by nothing but an invitation. */
static bool read_moderation_target(const struct msg *request, const struct room_asker *asker,
                                   struct room_query *ret_target)
{
    const struct str *room =
        (const struct str *)((const char *)request + moderation_kind_of(request)->room);
    const bool is_by_invitation = request->id == MSG_join_info && room->bytes == 0 &&
                                  request->join_info.invitation_hash.bytes > 0;
    return room_query_read(*room, asker, ret_target) || is_by_invitation;
}

static enum err ask_moderation(void *self, const struct msg *request,
                               const struct room_asker *asker, uint64_t deadline_ms,
                               moderation_store_fn *fn, void *arg)
{
    struct moderation_question *q = db_job_new(&moderation_task);
    q->request = request;
    q->fn = fn;
    q->arg = arg;
    if (!read_moderation_target(request, asker, &q->target)) {
        db_job_free(q);
        return ERR_NO_SUCH_ROOM;
    }
    return db_pool_start(self, q, deadline_ms);
}

static const struct moderation_store_ops moderation_ops = {ask_moderation};

struct moderation_store moderation_store_mysql(struct db_pool *db)
{
    return (struct moderation_store){.ops = &moderation_ops, .self = db};
}
