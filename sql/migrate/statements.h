/* The statements of one SQL file. */
#ifndef LYNKS_SQL_MIGRATE_STATEMENTS_H
#define LYNKS_SQL_MIGRATE_STATEMENTS_H

#include "proto/base/base.h"

#define STATEMENTS_FILE_BYTES_MAX ((size_t)1024 * 1024)

struct statements {
    char **items; /* without comments and the semicolon */
    size_t count;
};

/* Splits text at each semicolon that is not in a quote or comment ("-- ", "#" and slash-star). On
 * failure *ret is empty and the answer says why (static); NULL: fine. */
const char *statements_split(struct str text, struct statements *ret);
/* Likewise from a file. */
const char *statements_read(const char *path, struct statements *ret);
void statements_fini(struct statements *statements);

#define CHECKSUM_BYTES 65 /* 64 hex digits and NUL */
/* SHA-256 over the first count statements. */
void statements_checksum(const struct statements *statements, size_t count,
                         char ret[CHECKSUM_BYTES]);

#endif
