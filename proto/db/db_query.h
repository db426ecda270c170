/* A statement as one row of a table: its text, where its parameters come from, where its columns
 * go. Both are members of a record, which is any struct: of a job (db_job.h), or a small one of the
 * function that runs several statements. */
#ifndef LYNKS_PROTO_DB_DB_QUERY_H
#define LYNKS_PROTO_DB_DB_QUERY_H

#include "proto/db/db_field.h"

/* Where many rows go: an array of the record with room for max, or one that grows. */
struct db_rows {
    uint32_t items; /* offset of the array, or of the pointer to one */
    uint32_t count; /* offset of a size_t: how many there are */
    uint32_t item_bytes;
    uint32_t max; /* rows beyond it are left out; 0: it grows */
};

#define DB_ROWS_(t, m, n, size)                                                                    \
    {                                                                                              \
        .items = offsetof(t, m),                                                                   \
        .count = _Generic(&DB_MEMBER_(t, n), size_t *                                              \
                          : offsetof(t, n)),                                                       \
        .item_bytes = sizeof(DB_MEMBER_(t, m)[0]), .max = (size) / sizeof(DB_MEMBER_(t, m)[0])     \
    }
/* The array m of the record t, and the size_t n that counts it. */
#define DB_ROWS(t, m, n) DB_ROWS_(t, m, n, sizeof(DB_MEMBER_(t, m)))
/* The same for a pointer m, NULL at first, which the owner of the record frees: for statements
 * whose rows are bounded by something else. */
#define DB_ROWS_GROWING(t, m, n) DB_ROWS_(t, m, n, 0)

struct db_query {
    const char *sql;                       /* a literal: its address is the key of a cache */
    struct db_field params[DB_FIELDS_MAX]; /* one for each ?, in their order */
    /* One for each column: of the record, or of an item of rows. None: rows are only counted. */
    struct db_field columns[DB_FIELDS_MAX];
    struct db_rows rows; /* not set: one row at most, into the record itself */
    enum err if_none;    /* what it comes to if no row was read, or changed */
};

/* Runs it. ret_rows (how many were read; of a statement that changes some, changed) may be NULL.
 * Errors: those of db_run, and if_none. */
enum err db_query_run(struct db *db, const struct db_query *query, void *record,
                      uint64_t *ret_rows);

#endif
