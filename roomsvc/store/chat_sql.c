/* The chat: what is written in it. */
#include "roomsvc/store/participant_command.h"

struct chat_row {
    uint64_t room_id;
    uint64_t number; /* among those of the room */
    uint64_t of_second;
    struct chat_message is;
};

/* By the database's clock, so that it is one bound for all gateways. */
static const struct db_query count_of_second = {
    .sql = "SELECT COUNT(*), (SELECT CAST(IFNULL(MAX(n.number), 0) + 1 AS UNSIGNED)"
           " FROM room_messages n WHERE n.room_id = ?) FROM room_messages m WHERE m.room_id = ?"
           " AND m.from_id = ? AND m.time_unix_ms > ? - 1000",
    .params = DB_FIELDS(struct chat_row, room_id, room_id, is.from_id, is.time_unix_ms),
    .columns = DB_FIELDS(struct chat_row, of_second, number)};

static const struct db_query insert_message = {
    .sql = "INSERT INTO room_messages (room_id, seq, number, message_id, from_id, from_name, to_id,"
           " text, time_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    .params = DB_FIELDS(struct chat_row, room_id, is.seq, number, is.id, is.from_id, is.from_name,
                        is.to_id, is.text, is.time_unix_ms)};

static const struct db_query delete_old_message = {
    .sql = "DELETE FROM room_messages WHERE room_id = ? AND number + 10000 <= ?",
    .params = DB_FIELDS(struct chat_row, room_id, number)};
_Static_assert(CHAT_KEPT == 10000, "delete_old_message has that number");

static const struct db_query select_message_again = {
    .sql = "SELECT " CHAT_COLUMNS " FROM room_messages m WHERE m.room_id = ? AND m.message_id = ?",
    .params = DB_FIELDS(struct chat_row, room_id, is.id),
    .columns = CHAT_FIELDS(struct chat_row, is.),
    .if_none = ERR_NOT_FOUND};

static enum err judge_chat(struct participant_command *c, struct db *db)
{
    const uint64_t to = c->request->message_send.to;
    if (c->target.self.id == 0) {
        return ERR_FORBIDDEN; /* nobody writes who is not in */
    }
    enum err err = room_query_judge(&c->target, ROOM_CHAT, NULL);
    if (err == ERR_OK && c->target.room.chat == 0) {
        err = ERR_CHAT_OFF;
    }
    return err == ERR_OK && to != 0 ? participant_find(db, &c->journal, to, &c->whom) : err;
}

static enum err tell_message(struct db *db, struct journal *journal,
                             const struct chat_message *message)
{
    const uint64_t named[] = {message->from_id, message->to_id};
    const bool is_for_all = message->to_id == 0;
    const struct msg_room_event event = {
        .type = EVENT_MESSAGE_CREATED,
        .audience = is_for_all ? AUDIENCE_ALL : AUDIENCE_NAMED,
        .has_message = true,
        .message = chat_message_record(message),
        .named = {.items = named, .count = is_for_all ? 0 : ARRAY_LEN(named)}};
    return journal_append(db, journal, &event);
}

enum err message_send_apply(struct participant_command *c, struct db *db)
{
    const struct msg_message_send *send = &c->request->message_send;
    const struct participant *from = &c->target.self;
    struct chat_row row = {.room_id = c->target.room.id,
                           .is = {.id = c->once.made_id,
                                  .seq = c->journal.seq + 1,
                                  .from_id = from->id,
                                  .to_id = send->to,
                                  .time_unix_ms = c->journal.now_unix_ms}};
    (void)str_copy(row.is.from_name, sizeof(row.is.from_name), str_of(from->name));
    (void)str_copy(row.is.text, sizeof(row.is.text), send->text);
    enum err err = judge_chat(c, db);
    if (err == ERR_OK) {
        err = db_query_run(db, &count_of_second, &row, NULL);
    }
    if (err == ERR_OK && row.of_second >= CHAT_A_SECOND) {
        err = ERR_RATE_LIMITED;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_message, &row, NULL);
    }
    if (err == ERR_OK && row.number > CHAT_KEPT) {
        err = db_query_run(db, &delete_old_message, &row, NULL);
    }
    if (err == ERR_OK) {
        err = tell_message(db, &c->journal, &row.is);
    }
    c->outcome.message = row.is;
    return err;
}

enum err message_read_again(struct participant_command *c, struct db *db)
{
    struct chat_row row = {.room_id = c->target.room.id, .is = {.id = c->once.made_id}};
    const enum err err = db_query_run(db, &select_message_again, &row, NULL);
    c->outcome.message = row.is;
    return err;
}
