/* The table schema_migrations: which migrations this database has had, and how far the last one
 * got.
 *
 * Progress is written after each statement, so one that was cut short goes on where it stopped. The
 * checksum is over the statements that were applied, so what was not applied yet may be corrected.
 */
#ifndef LYNKS_SQL_MIGRATE_LEDGER_H
#define LYNKS_SQL_MIGRATE_LEDGER_H

#include "proto/db/db.h"
#include "sql/migrate/migrations.h"

struct ledger_entry {
    uint64_t version;
    char name[104];
    char checksum[CHECKSUM_BYTES];
    uint64_t applied; /* statements */
    bool is_finished;
    uint64_t finished_unix_ms;
};

struct ledger {
    struct ledger_entry *entries; /* by version */
    size_t count;
};

/* Makes the table if need be, and reads it. */
enum err ledger_load(struct db *db, struct ledger *ret);
void ledger_fini(struct ledger *ledger);
const struct ledger_entry *ledger_find(const struct ledger *ledger, unsigned version);

/* NULL: the files carry on what the ledger says. Else what is wrong; the caller frees it. */
char *ledger_check(const struct ledger *ledger, const struct migrations *migrations);

enum err ledger_open(struct db *db, const struct migration *migration);
/* applied statements are done; it is finished when that is all. */
enum err ledger_advance(struct db *db, const struct migration *migration, size_t applied);

/* The same for seed data, which is there or not: was it this migrator that put it there? */
enum err ledger_has_seed(struct db *db, struct str name, bool *ret_has);
enum err ledger_set_seed(struct db *db, struct str name, bool has);

#endif
