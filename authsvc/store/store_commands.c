#include "authsvc/store/store_jobs.h"

#include "proto/db/db_sql.h"

struct command {
    unsigned char key[STORE_KEY_BYTES];
};

/* Waits for a transaction that is at the same command, and adds nothing if that is committed. */
static const struct db_query insert_command = {
    .sql = "INSERT IGNORE INTO user_commands (command_key, created_unix_ms)"
           " VALUES (?, " DB_NOW_UNIX_MS ")",
    .params = DB_FIELDS(struct command, key)};

enum err store_begin_command(struct db *db, const unsigned char key[STORE_KEY_BYTES],
                             bool *ret_is_done)
{
    struct command command;
    uint64_t rows = 0;
    memcpy(command.key, key, sizeof(command.key));
    enum err err = db_query_run(db, &insert_command, &command, &rows);
    *ret_is_done = err == ERR_OK && rows == 0;
    return err;
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
