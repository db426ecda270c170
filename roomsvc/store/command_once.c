#include "roomsvc/store/command_once.h"

#include "proto/db/db_sql.h"

static const struct db_query insert_command = {
    .sql = "INSERT IGNORE INTO room_commands (command_key, room_id, body_hash, created_unix_ms)"
           " VALUES (?, ?, ?, " DB_NOW_UNIX_MS ")",
    .params = DB_FIELDS(struct command_once, key, made_id, body_hash)};

static const struct db_query select_command = {
    .sql = "SELECT room_id, body_hash FROM room_commands WHERE command_key = ?",
    .params = DB_FIELDS(struct command_once, key),
    .columns = DB_FIELDS(struct command_once, made_id, done_hash),
    .if_none = ERR_CONFLICT};

enum err command_once_begin(struct db *db, struct command_once *once, struct str key,
                            struct str body_hash, bool *ret_is_done)
{
    const bool is_clients = body_hash.bytes > 0;
    uint64_t rows = 0;
    memcpy(once->key, key.data, sizeof(once->key));
    if (is_clients) {
        memcpy(once->body_hash, body_hash.data, sizeof(once->body_hash));
    }
    enum err err = db_query_run(db, &insert_command, once, &rows);
    *ret_is_done = err == ERR_OK && rows == 0;
    if (err == ERR_OVERLOADED && is_clients) {
        return ERR_IN_FLIGHT;
    }
    if (*ret_is_done) {
        err = db_query_run(db, &select_command, once, NULL);
    }
    const bool is_another = memcmp(once->done_hash, once->body_hash, sizeof(once->body_hash)) != 0;
    return *ret_is_done && err == ERR_OK && is_clients && is_another ? ERR_KEY_REUSED : err;
}

enum err command_once_run(struct db *db, db_work_fn *work, void *command)
{
    const enum err err = db_transaction(db, work, command);
    return err == ERR_UNAVAILABLE || err == ERR_OVERLOADED ? db_transaction(db, work, command)
                                                           : err;
}
