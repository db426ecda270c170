#include "sql/migrate/ledger.h"

#include "proto/base/clock.h"
#include "proto/db/db_query.h"

#include <stdlib.h>

static const char create_migrations[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    " version INT UNSIGNED NOT NULL PRIMARY KEY,"
    " name VARCHAR(100) NOT NULL,"
    " checksum CHAR(64) NOT NULL,"
    " statements_applied INT UNSIGNED NOT NULL,"
    " finished_unix_ms BIGINT UNSIGNED NULL"
    ") ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
static const char create_seeds[] =
    "CREATE TABLE IF NOT EXISTS schema_seeds ("
    " name VARCHAR(100) NOT NULL PRIMARY KEY,"
    " applied_unix_ms BIGINT UNSIGNED NOT NULL"
    ") ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

static const struct db_query select_entries = {
    .sql = "SELECT version, name, checksum, statements_applied, finished_unix_ms"
           " FROM schema_migrations ORDER BY version LIMIT 1000",
    .columns = {DB_FIELD(struct ledger_entry, version), DB_FIELD(struct ledger_entry, name),
                DB_FIELD(struct ledger_entry, checksum), DB_FIELD(struct ledger_entry, applied),
                DB_FIELD_NULLABLE(struct ledger_entry, finished_unix_ms, is_finished)},
    .rows = DB_ROWS_GROWING(struct ledger, entries, count)};

enum err ledger_load(struct db *db, struct ledger *ret)
{
    *ret = (struct ledger){0};
    enum err err = db_run_text(db, str_of(create_migrations), NULL);
    if (err == ERR_OK) {
        err = db_run_text(db, str_of(create_seeds), NULL);
    }
    return err == ERR_OK ? db_query_run(db, &select_entries, ret, NULL) : err;
}

void ledger_fini(struct ledger *ledger)
{
    free(ledger->entries);
    *ledger = (struct ledger){0};
}

const struct ledger_entry *ledger_find(const struct ledger *ledger, unsigned version)
{
    return version >= 1 && version <= ledger->count ? &ledger->entries[version - 1] : NULL;
}

static char *check_entry(const struct ledger_entry *entry, const struct migration *migration)
{
    if (strcmp(entry->name, migration->name) != 0) {
        return mem_printf("migration %u is %s in the database but %s.sql here", migration->version,
                          entry->name, migration->name);
    }
    char checksum[CHECKSUM_BYTES];
    statements_checksum(&migration->statements, entry->applied, checksum);
    bool same_count = entry->is_finished ? entry->applied == migration->statements.count
                                         : entry->applied <= migration->statements.count;
    if (!same_count || strcmp(entry->checksum, checksum) != 0) {
        return mem_printf("%s.sql was changed after it had been applied: put it back as it was and "
                          "add a migration",
                          migration->name);
    }
    return NULL;
}

char *ledger_check(const struct ledger *ledger, const struct migrations *migrations)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_entry *entry = &ledger->entries[i];
        if (entry->version != i + 1 || (!entry->is_finished && i + 1 != ledger->count)) {
            return mem_printf("table schema_migrations is damaged at version %" PRIu64,
                              entry->version);
        }
        if (i >= migrations->count) {
            return mem_printf("the database has migration %s, which is not here: is this program "
                              "older than the database?",
                              entry->name);
        }
        char *why = check_entry(entry, &migrations->items[i]);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static void set_checksum(struct ledger_entry *entry, const struct migration *migration)
{
    statements_checksum(&migration->statements, entry->applied, entry->checksum);
}

enum err ledger_open(struct db *db, const struct migration *migration)
{
    static const struct db_query insert_entry = {
        .sql = "INSERT INTO schema_migrations"
               " (version, name, checksum, statements_applied, finished_unix_ms)"
               " VALUES (?, ?, ?, 0, NULL)",
        .params = DB_FIELDS(struct ledger_entry, version, name, checksum)};
    struct ledger_entry entry = {.version = migration->version};
    (void)str_copy(entry.name, sizeof(entry.name), str_of(migration->name));
    set_checksum(&entry, migration);
    return db_query_run(db, &insert_entry, &entry, NULL);
}

enum err ledger_advance(struct db *db, const struct migration *migration, size_t applied)
{
    static const struct db_query update_entry = {
        .sql = "UPDATE schema_migrations SET checksum = ?, statements_applied = ?,"
               " finished_unix_ms = ? WHERE version = ?",
        .params = {DB_FIELD(struct ledger_entry, checksum), DB_FIELD(struct ledger_entry, applied),
                   DB_FIELD_NULLABLE(struct ledger_entry, finished_unix_ms, is_finished),
                   DB_FIELD(struct ledger_entry, version)}};
    struct ledger_entry entry = {.version = migration->version,
                                 .applied = applied,
                                 .is_finished = applied == migration->statements.count,
                                 .finished_unix_ms = system_unix_ms()};
    set_checksum(&entry, migration);
    return db_query_run(db, &update_entry, &entry, NULL);
}

struct seed_row {
    struct str name;
    uint64_t applied_unix_ms;
};

enum err ledger_has_seed(struct db *db, struct str name, bool *ret_has)
{
    static const struct db_query select_seed = {.sql = "SELECT 1 FROM schema_seeds WHERE name = ?",
                                                .params = DB_FIELDS(struct seed_row, name)};
    struct seed_row row = {.name = name};
    uint64_t rows = 0;
    enum err err = db_query_run(db, &select_seed, &row, &rows);
    if (err == ERR_OK) {
        *ret_has = rows > 0;
    }
    return err;
}

enum err ledger_set_seed(struct db *db, struct str name, bool has)
{
    static const struct db_query insert_seed = {
        .sql = "INSERT INTO schema_seeds (name, applied_unix_ms) VALUES (?, ?)",
        .params = DB_FIELDS(struct seed_row, name, applied_unix_ms)};
    static const struct db_query delete_seed = {.sql = "DELETE FROM schema_seeds WHERE name = ?",
                                                .params = DB_FIELDS(struct seed_row, name)};
    struct seed_row row = {.name = name, .applied_unix_ms = system_unix_ms()};
    return db_query_run(db, has ? &insert_seed : &delete_seed, &row, NULL);
}
