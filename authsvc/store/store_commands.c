#include "authsvc/store/store_jobs.h"

#include "proto/db/db_sql.h"

struct command {
    unsigned char key[STORE_KEY_BYTES];
    unsigned char body_hash[STORE_KEY_BYTES];
    unsigned char done_hash[STORE_KEY_BYTES]; /* what it was done for */
};

/* Waits for a transaction that is at the same command, and adds nothing if that is committed. */
static const struct db_query insert_command = {
    .sql = "INSERT IGNORE INTO user_commands (command_key, body_hash, created_unix_ms)"
           " VALUES (?, ?, " DB_NOW_UNIX_MS ")",
    .params = DB_FIELDS(struct command, key, body_hash)};

/* As it is now, not as it was when the transaction began. */
static const struct db_query read_done = {
    .sql = "SELECT body_hash FROM user_commands WHERE command_key = ? LOCK IN SHARE MODE",
    .params = DB_FIELDS(struct command, key),
    .columns = DB_FIELDS(struct command, done_hash),
    .if_none = ERR_IN_FLIGHT};

static const unsigned char no_body[STORE_KEY_BYTES];

enum err store_begin_clients_command(struct db *db, const unsigned char key[STORE_KEY_BYTES],
                                     const unsigned char body_hash[STORE_KEY_BYTES],
                                     bool *ret_is_done)
{
    const bool is_clients = memcmp(body_hash, no_body, sizeof(no_body)) != 0;
    struct command command;
    uint64_t rows = 0;
    memcpy(command.key, key, sizeof(command.key));
    memcpy(command.body_hash, body_hash, sizeof(command.body_hash));
    enum err err = db_query_run(db, &insert_command, &command, &rows);
    *ret_is_done = err == ERR_OK && rows == 0;
    if (err == ERR_OVERLOADED && is_clients) {
        return ERR_IN_FLIGHT;
    }
    if (*ret_is_done && is_clients) {
        err = db_query_run(db, &read_done, &command, NULL);
        if (err == ERR_OK && memcmp(command.done_hash, body_hash, STORE_KEY_BYTES) != 0) {
            err = ERR_KEY_REUSED;
        }
    }
    return err;
}

enum err store_begin_command(struct db *db, const unsigned char key[STORE_KEY_BYTES],
                             bool *ret_is_done)
{
    return store_begin_clients_command(db, key, no_body, ret_is_done);
}

/* ---- was it done? ---- */

struct look_for_command {
    struct db_job job;
    struct command command;
    store_command_fn *fn;
    void *arg;
};

static void on_command_found(void *arg, enum err err)
{
    const struct look_for_command *look = arg;
    look->fn(look->arg, err, err == ERR_OK && look->job.rows > 0);
}

static const struct db_task look_for_command = {
    .job_bytes = DB_JOB_BYTES(struct look_for_command),
    .query = {.sql = "SELECT created_unix_ms FROM user_commands WHERE command_key = ?",
              .params = DB_FIELDS(struct look_for_command, command.key)},
    .done = on_command_found};

enum err store_find_command(void *self, const unsigned char key[STORE_KEY_BYTES],
                            uint64_t deadline_ms, store_command_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct look_for_command *look = db_job_new(&look_for_command);
    memcpy(look->command.key, key, sizeof(look->command.key));
    look->fn = fn;
    look->arg = arg;
    return db_pool_start(store->logins, look, deadline_ms);
}
