/* A question to the database in one piece: what goes in, what comes out, whom to tell. Adding one
 * is this, here for "which room is it?":
 *
 *   struct find_room {
 *       struct db_job job;  always the first member
 *       struct room room;   its id goes in, the rest comes out
 *       room_store_fn *fn;  whom to tell: fn (arg, err, room)
 *       void *arg;
 *   };
 *
 *   DB_TELLS(on_room_found, struct find_room, &told->room);
 *
 *   static const struct db_task find_room = {
 *       .job_bytes = DB_JOB_BYTES(struct find_room),
 *       .query = {.sql = "SELECT secret, publishers_max FROM rooms WHERE room_id = ?",
 *                 .params = DB_FIELDS(struct find_room, room.id),
 *                 .columns = DB_FIELDS(struct find_room, room.secret, room.publishers_max),
 *                 .if_none = ERR_NO_SUCH_ROOM},
 *       .done = on_room_found};
 *
 *   static enum err find(void *self, uint64_t room_id, uint64_t deadline_ms, room_store_fn *fn,
 *                        void *arg)
 *   {
 *       struct find_room *find = db_job_new(&find_room);
 *       find->room.id = room_id;
 *       find->fn = fn;
 *       find->arg = arg;
 *       return db_pool_start(self, find, deadline_ms);
 *   }
 *
 * What takes several statements has a function (.work) instead of the query; it runs queries with
 * db_query_run, inside db_transaction if they belong together. Many rows: DB_ROWS (db_query.h).
 *
 * A job belongs to who made it until db_pool_start; then to the pool, which frees it. */
#ifndef LYNKS_PROTO_DB_DB_JOB_H
#define LYNKS_PROTO_DB_DB_JOB_H

#include "proto/db/db_query.h"

/* A kind of job. One static const for each. */
struct db_task {
    size_t job_bytes;
    struct db_query query; /* run with the job as its record, unless there is work */
    db_work_fn *work;      /* on a database thread: (job, connection) */
    /* On the loop, with what query or work came to; ERR_DEADLINE or ERR_UNAVAILABLE also if neither
     * was run. The job is freed when it returns. */
    void (*done)(void *job, enum err err);
    bool is_secret; /* the job is overwritten before it is freed */
};
#define DB_JOB_BYTES(t)                                                                            \
    (sizeof(t) + 0 * sizeof(char[offsetof(t, job) == 0 ? 1 : -1])) /* job is its first member */

/* The done of a job with fn and arg: tells result, an expression in which told is the job, or NULL
 * if it failed. */
#define DB_TELLS(done, t, result)                                                                  \
    static void done(void *job_, enum err err)                                                     \
    {                                                                                              \
        const t *told = job_;                                                                      \
        told->fn(told->arg, err, err == ERR_OK ? (result) : NULL);                                 \
    }                                                                                              \
    struct db_job

struct db_job {
    const struct db_task *task;
    uint64_t rows; /* of the query, see db_query_run; for done */
    /* The pool's. */
    struct db_pool *pool;
    uint64_t era; /* of the pool when it was submitted */
    uint64_t deadline_ms;
    uint64_t submitted_us;
    enum err err;
    char *reason; /* of ERR_UNAVAILABLE, in the server's words; NULL: none is known */
};

/* All zero but for its head. */
void *db_job_new(const struct db_task *task);
void db_job_free(void *job);

/* Runs query or work, whichever the task has. On a database thread. */
enum err db_job_run(void *job, struct db *db);

#endif
