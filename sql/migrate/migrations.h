/* The migration files of a folder: NNN_name.sql, numbered from 001 without a gap. */
#ifndef LYNKS_SQL_MIGRATE_MIGRATIONS_H
#define LYNKS_SQL_MIGRATE_MIGRATIONS_H

#include "sql/migrate/statements.h"

struct migration {
    unsigned version;
    char *name; /* "001_users" */
    struct statements statements;
};

struct migrations {
    struct migration *items; /* by version */
    size_t count;
};

/* NULL: fine. Else what is wrong, naming the file; the caller frees it. */
char *migrations_load(const char *folder, struct migrations *ret);
void migrations_fini(struct migrations *migrations);

#endif
