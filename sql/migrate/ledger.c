#include "sql/migrate/ledger.h"

#include "proto/base/clock.h"

#include <stdlib.h>

#define ENTRIES_MAX 1000

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
static const char select_entries[] =
    "SELECT version, name, checksum, statements_applied, finished_unix_ms FROM schema_migrations"
    " ORDER BY version";
static const char insert_entry[] =
    "INSERT INTO schema_migrations (version, name, checksum, statements_applied, finished_unix_ms)"
    " VALUES (?, ?, ?, 0, NULL)";
static const char update_entry[] =
    "UPDATE schema_migrations SET checksum = ?, statements_applied = ?, finished_unix_ms = ?"
    " WHERE version = ?";
static const char select_seed[] = "SELECT 1 FROM schema_seeds WHERE name = ?";
static const char insert_seed[] = "INSERT INTO schema_seeds (name, applied_unix_ms) VALUES (?, ?)";
static const char delete_seed[] = "DELETE FROM schema_seeds WHERE name = ?";

static void take_entry(void *arg, const struct db_value *columns, size_t count)
{
    struct ledger *ledger = arg;
    if (count != 5 || ledger->count == ENTRIES_MAX) {
        return;
    }
    ledger->entries =
        mem_realloc_array(ledger->entries, ledger->count + 1, sizeof(*ledger->entries));
    struct ledger_entry *entry = &ledger->entries[ledger->count++];
    *entry = (struct ledger_entry){.version = columns[0].u,
                                   .applied = columns[3].u,
                                   .is_finished = columns[4].type != DB_NULL};
    (void)str_copy(entry->name, sizeof(entry->name), columns[1].s);
    (void)str_copy(entry->checksum, sizeof(entry->checksum), columns[2].s);
}

enum err ledger_load(struct db *db, struct ledger *ret)
{
    *ret = (struct ledger){0};
    enum err err = db_run_text(db, str_of(create_migrations), NULL);
    if (err == ERR_OK) {
        err = db_run_text(db, str_of(create_seeds), NULL);
    }
    if (err == ERR_OK) {
        const struct db_statement select = {.sql = select_entries, .fn = take_entry, .arg = ret};
        err = db_run(db, &select, NULL);
    }
    return err;
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

static enum err run(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    const struct db_statement statement = {.sql = sql, .values = values, .value_count = count};
    return db_run(db, &statement, NULL);
}

enum err ledger_open(struct db *db, const struct migration *migration)
{
    char checksum[CHECKSUM_BYTES];
    statements_checksum(&migration->statements, 0, checksum);
    const struct db_value values[] = {DB_V_U64(migration->version),
                                      DB_V_STR(str_of(migration->name)),
                                      DB_V_STR(str_of(checksum))};
    return run(db, insert_entry, values, ARRAY_LEN(values));
}

enum err ledger_advance(struct db *db, const struct migration *migration, size_t applied)
{
    char checksum[CHECKSUM_BYTES];
    statements_checksum(&migration->statements, applied, checksum);
    bool is_finished = applied == migration->statements.count;
    const struct db_value values[] = {DB_V_STR(str_of(checksum)), DB_V_U64(applied),
                                      is_finished ? DB_V_U64(system_unix_ms()) : DB_V_NULL,
                                      DB_V_U64(migration->version)};
    return run(db, update_entry, values, ARRAY_LEN(values));
}

static void take_seed(void *arg, const struct db_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    *(bool *)arg = true;
}

enum err ledger_has_seed(struct db *db, struct str name, bool *ret_has)
{
    const struct db_value value = DB_V_STR(name);
    bool has = false;
    const struct db_statement select = {
        .sql = select_seed, .values = &value, .value_count = 1, .fn = take_seed, .arg = &has};
    enum err err = db_run(db, &select, NULL);
    if (err == ERR_OK) {
        *ret_has = has;
    }
    return err;
}

enum err ledger_set_seed(struct db *db, struct str name, bool has)
{
    const struct db_value values[] = {DB_V_STR(name), DB_V_U64(system_unix_ms())};
    return has ? run(db, insert_seed, values, 2) : run(db, delete_seed, values, 1);
}
