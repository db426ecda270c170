#include "roomsvc/store/journal.h"

#include <stdlib.h>

#include "proto/db/db_sql.h"

struct kept_event {
    uint64_t room_id;
    uint64_t seq;
    uint64_t audience;
    uint64_t time_unix_ms;
    struct db_blob data;
};

void journal_begin(struct journal *journal, uint64_t room_id, uint64_t seq, uint64_t generation,
                   uint64_t now_unix_ms)
{
    journal_fini(journal);
    journal->room_id = room_id;
    journal->seq = seq;
    journal->first_seq = seq;
    journal->generation = generation;
    journal->now_unix_ms = now_unix_ms;
}

void journal_fini(struct journal *journal)
{
    mem_free(&journal->entries);
    mem_free(&journal->users);
    *journal = (struct journal){.room_id = 0};
}

static struct db_blob *add_entry(struct journal *journal)
{
    journal->entries =
        mem_realloc_array(journal->entries, journal->count + 1, sizeof(*journal->entries));
    return &journal->entries[journal->count++];
}

/* ---- one event ---- */

static enum err encode_event(const struct journal *journal, const struct msg_room_event *event,
                             struct db_blob *ret_data)
{
    const struct envelope envelope = {.status = ERR_OK};
    const struct msg news = {.id = MSG_room_news,
                             .room_news = {.what = ROOM_NEWS_EVENT,
                                           .generation = journal->generation,
                                           .has_room_id = true,
                                           .room_id = journal->room_id,
                                           .has_event = true,
                                           .event = *event}};
    struct frame *frame = frame_new();
    enum err err = codec_encode(frame, &envelope, &news);
    const struct str bytes = frame_bytes(frame);
    if (err == ERR_OK && bytes.bytes > sizeof(ret_data->data)) {
        err = ERR_TOO_LARGE;
    }
    if (err == ERR_OK) {
        ret_data->bytes = bytes.bytes;
        memcpy(ret_data->data, bytes.data, bytes.bytes);
    }
    frame_free(&frame);
    return err == ERR_OK ? ERR_OK : ERR_INTERNAL;
}

static const struct db_query insert_event = {
    .sql = "INSERT INTO room_events (room_id, seq, audience, time_unix_ms, data)"
           " VALUES (?, ?, ?, ?, ?)",
    .params = DB_FIELDS(struct kept_event, room_id, seq, audience, time_unix_ms, data)};

enum err journal_append(struct db *db, struct journal *journal, const struct msg_room_event *event)
{
    struct kept_event kept = {.room_id = journal->room_id,
                              .seq = journal->seq + 1,
                              .audience = event->audience,
                              .time_unix_ms = journal->now_unix_ms};
    struct msg_room_event numbered = *event;
    numbered.seq = kept.seq;
    numbered.time_unix_ms = kept.time_unix_ms;
    enum err err = encode_event(journal, &numbered, &kept.data);
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_event, &kept, NULL);
    }
    if (err == ERR_OK) {
        journal->seq = kept.seq;
        *add_entry(journal) = kept.data;
    }
    return err;
}

/* ---- whom it concerns ---- */

struct concerned_user {
    uint64_t id;
};

struct concerned {
    uint64_t room_id;
    struct concerned_user *users;
    size_t count;
};

/* With more members than that, some are told when they look next. */
static const struct db_query select_concerned = {
    .sql = "SELECT user_id FROM room_members WHERE room_id = ? LIMIT 999",
    .params = DB_FIELDS(struct concerned, room_id),
    .columns = DB_FIELDS(struct concerned_user, id),
    .rows = DB_ROWS_GROWING(struct concerned, users, count)};
_Static_assert(NEWS_USERS == 1000, "select_concerned leaves a place for the owner");

enum err journal_hint(struct db *db, struct journal *journal, enum room_news_kind hint,
                      uint64_t owner_id)
{
    struct concerned concerned = {.room_id = journal->room_id};
    const enum err err = db_query_run(db, &select_concerned, &concerned, NULL);
    if (err == ERR_OK) {
        journal->hint = hint;
        journal->users =
            mem_realloc_array(journal->users, concerned.count + 1, sizeof(*journal->users));
        for (size_t i = 0; i < concerned.count; i++) {
            journal->users[i] = concerned.users[i].id;
        }
        journal->user_count = concerned.count;
        if (owner_id != 0) {
            journal->users[journal->user_count++] = owner_id;
        }
    }
    free(concerned.users);
    return err;
}

/* ---- the room's row ---- */

struct kept_room {
    uint64_t room_id;
    uint64_t seq, first_seq;
    uint64_t is_entered, is_left, is_begun;
};

static const struct db_query update_room = {
    .sql = "UPDATE rooms SET seq = ?, meeting_seq = IF(?, ?, meeting_seq),"
           " in_janus = IF(?, 1, in_janus),"
           " empty_unix_ms = IF(?, " DB_NOW_UNIX_MS ", IF(?, 0, empty_unix_ms)),"
           " used_unix_ms = IF(? OR ?, GREATEST(used_unix_ms, " DB_NOW_UNIX_MS "), used_unix_ms),"
           " due_unix_ms = IF(?, LEAST(due_unix_ms, " DB_NOW_UNIX_MS " + empty_timeout_s * 1000),"
           " due_unix_ms) WHERE room_id = ?",
    .params = DB_FIELDS(struct kept_room, seq, is_begun, first_seq, is_entered, is_left, is_entered,
                        is_entered, is_left, is_left, room_id)};

enum err journal_keep(struct db *db, struct journal *journal)
{
    struct kept_room kept = {.room_id = journal->room_id,
                             .seq = journal->seq,
                             .first_seq = journal->first_seq,
                             .is_begun = journal->hint == ROOM_NEWS_BEGAN,
                             .is_entered = journal->turn == JOURNAL_IS_ENTERED,
                             .is_left = journal->turn == JOURNAL_IS_LEFT};
    return journal->count > 0 ? db_query_run(db, &update_room, &kept, NULL) : ERR_OK;
}

/* ---- what was done before ---- */

static const struct db_query select_last_event = {
    .sql = "SELECT seq, data FROM room_events WHERE room_id = ? ORDER BY seq DESC LIMIT 1",
    .params = DB_FIELDS(struct kept_event, room_id),
    .columns = DB_FIELDS(struct kept_event, seq, data)};

enum err journal_remind(struct db *db, struct journal *journal, uint64_t room_id)
{
    struct kept_event last = {.room_id = room_id};
    uint64_t rows = 0;
    const enum err err = db_query_run(db, &select_last_event, &last, &rows);
    journal_fini(journal);
    journal->room_id = room_id;
    if (err == ERR_OK && rows > 0) {
        journal->seq = last.seq;
        *add_entry(journal) = last.data;
    }
    return err;
}
