#include "sql/migrate/migrate.h"

#include "proto/base/clock.h"
#include "proto/db/db_query.h"
#include "sql/migrate/accounts.h"
#include "sql/migrate/adopt.h"
#include "sql/migrate/ledger.h"
#include "sql/migrate/report.h"

#include <time.h>

#define RETRY_MS 200
/* The server must give up waiting for the lock before the connection's time-out strikes. */
#define LOCK_MARGIN_S 5
/* One lock for each database of a server; names of locks have at most 64 bytes. */
#define LOCK_NAME "CONCAT('lynks_migrate_', LEFT(SHA2(DATABASE(), 256), 32))"

struct lock_row {
    uint64_t seconds;
    uint64_t is_locked;
};

static const struct db_query take_lock = {.sql = "SELECT COALESCE(GET_LOCK(" LOCK_NAME ", ?), 0)",
                                          .params = DB_FIELDS(struct lock_row, seconds),
                                          .columns = DB_FIELDS(struct lock_row, is_locked)};
static const struct db_query release_lock = {.sql = "SELECT RELEASE_LOCK(" LOCK_NAME ")"};

struct migrate {
    const struct migrate_config *config;
    struct db *db;
    struct migrations files;
    struct ledger ledger;
    unsigned changes;
};

static bool migration_failed(const struct migrate *m, const char *what)
{
    report_error("%s: %s", what, db_error(m->db));
    return false;
}

/* ---- waiting for the database, and for other migrators ---- */

static enum err change_nothing(void *arg, struct db *db)
{
    (void)arg;
    (void)db;
    return ERR_OK;
}

/* Until it takes changes, or says that it will not let us in. */
static bool wait_for_database(const struct migrate_config *config)
{
    const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
    uint64_t end_ms = system_mono_ms() + config->wait_s * 1000;
    AUTO(db_free) struct db *db = db_new(&config->db);
    for (bool told = false; db_transaction(db, change_nothing, NULL) != ERR_OK; told = true) {
        if (system_mono_ms() >= end_ms || db_is_refused(db)) {
            report_error("no database at %s port %" PRIu64 ": %s", config->db.host, config->db.port,
                         db_error(db));
            return false;
        }
        if (!told) {
            report("waiting for the database at %s port %" PRIu64 " (%s)", config->db.host,
                   config->db.port, db_error(db));
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool try_lock(struct migrate *m, uint64_t seconds, uint64_t *ret_locked)
{
    struct lock_row row = {.seconds = seconds};
    enum err err = db_query_run(m->db, &take_lock, &row, NULL);
    *ret_locked = row.is_locked;
    return err == ERR_OK || migration_failed(m, "cannot lock the database for the migration");
}

static bool lock(struct migrate *m)
{
    uint64_t locked = 0;
    if (!try_lock(m, 0, &locked)) {
        return false;
    }
    db_hold(m->db); /* the lock is the connection's */
    if (locked == 0) {
        report("waiting for another migrator");
        if (!try_lock(m, m->config->timeout_s - LOCK_MARGIN_S, &locked)) {
            return false;
        }
    }
    if (locked == 0) {
        report_error("another migrator did not finish within %" PRIu64 " s", m->config->timeout_s);
    }
    return locked != 0;
}

/* ---- migrations ---- */

/* The first statement of a resumed migration may have been done, but not recorded. Data definition
 * cannot be rolled back; then it says that what it makes is there, or what it drops is gone. */
static bool is_done_already(unsigned number)
{
    static const unsigned numbers[] = {
        1050, /* table exists */
        1051, /* unknown table */
        1060, /* duplicate column */
        1061, /* duplicate key name */
        1068, /* multiple primary keys */
        1091, /* cannot drop, is not there */
        1826, /* duplicate foreign key name */
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* The statement and its record: one transaction where the statement allows it. */
static bool apply_statement(struct migrate *m, const struct migration *migration, size_t i,
                            bool may_be_done)
{
    unsigned number = 0;
    enum err err = db_begin(m->db);
    if (err == ERR_OK) {
        err = db_run_text(m->db, str_of(migration->statements.items[i]), &number);
    }
    if (err != ERR_OK && !(may_be_done && is_done_already(number))) {
        report_error("%s.sql, statement %zu: %s", migration->name, i + 1, db_error(m->db));
        db_rollback(m->db);
        return false;
    }
    err = ledger_advance(m->db, migration, i + 1);
    if (err == ERR_OK) {
        err = db_commit(m->db);
    }
    return err == ERR_OK || migration_failed(m, migration->name);
}

static bool apply_migration(struct migrate *m, const struct migration *migration)
{
    const struct ledger_entry *entry = ledger_find(&m->ledger, migration->version);
    if (entry != NULL && entry->is_finished) {
        return true;
    }
    uint64_t start_ms = system_mono_ms();
    size_t done = entry != NULL ? entry->applied : 0;
    if (entry == NULL && ledger_open(m->db, migration) != ERR_OK) {
        return migration_failed(m, migration->name);
    }
    for (size_t i = done; i < migration->statements.count; i++) {
        if (!apply_statement(m, migration, i, entry != NULL && i == done)) {
            return false;
        }
    }
    m->changes++;
    report("%s %s (%" PRIu64 " ms)", entry != NULL ? "resumed" : "applied", migration->name,
           system_mono_ms() - start_ms);
    return true;
}

static bool prepare_users(struct migrate *m)
{
    const struct ledger_entry *first = ledger_find(&m->ledger, 1);
    if (first != NULL) {
        return true;
    }
    uint64_t users = 0;
    AUTO(mem_free) char *why = NULL;
    if (adopt_check(m->db, &users, &why) != ERR_OK) {
        return migration_failed(m, "cannot look at table users");
    }
    if (why != NULL) {
        report_error("%s", why);
        return false;
    }
    if (users > 0) {
        report("taking over table users with %" PRIu64 " users", users);
    }
    return true;
}

static bool migrate_schema(struct migrate *m)
{
    if (ledger_load(m->db, &m->ledger) != ERR_OK) {
        return migration_failed(m, "cannot read table schema_migrations");
    }
    AUTO(mem_free) char *why = ledger_check(&m->ledger, &m->files);
    if (why != NULL) {
        report_error("%s", why);
        return false;
    }
    if (!prepare_users(m)) {
        return false;
    }
    for (size_t i = 0; i < m->files.count; i++) {
        if (!apply_migration(m, &m->files.items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- data ---- */

static bool wrap_passwords(struct migrate *m)
{
    uint64_t count = 0;
    if (accounts_wrap(m->db, &m->config->password, &count) != ERR_OK) {
        return migration_failed(m, "cannot wrap the old password hashes");
    }
    if (count > 0) {
        m->changes++;
        report("wrapped %" PRIu64 " old password hash%s in Argon2id", count,
               count == 1 ? "" : "es");
    }
    uint64_t unknown = 0;
    if (m->changes > 0 && accounts_count_unknown(m->db, &unknown) != ERR_OK) {
        return migration_failed(m, "cannot look at table users");
    }
    if (unknown > 0) {
        report("warning: %" PRIu64
               " users cannot log in: their password is in no form that we know",
               unknown);
    }
    return true;
}

static bool set_demo_user(struct migrate *m)
{
    AUTO(mem_free) char *path = mem_printf("%s/seed/demo_user.sql", m->config->sql_dir);
    struct statements seed;
    const char *why = statements_read(path, &seed);
    if (why != NULL) {
        report_error("%s: %s", path, why);
        return false;
    }
    enum demo_outcome outcome = DEMO_UNCHANGED;
    enum err err =
        accounts_set_demo(m->db, &m->config->password, &seed, m->config->demo_user, &outcome);
    statements_fini(&seed);
    if (err != ERR_OK) {
        return migration_failed(m, "cannot set the demo user");
    }
    if (outcome == DEMO_ADDED) {
        report("warning: added the demo user testuser, whose password everybody knows "
               "(LYNKS_DEMO_USER=0 removes it)");
    } else if (outcome == DEMO_REMOVED) {
        report("removed the demo user testuser");
    } else if (outcome == DEMO_TOLERATED) {
        report("warning: user testuser has the demo user's password, which everybody knows");
    }
    m->changes += outcome == DEMO_ADDED || outcome == DEMO_REMOVED;
    return true;
}

static bool make_first_admin(struct migrate *m)
{
    const struct str password = str_of(m->config->admin_password);
    enum admin_outcome outcome = ADMIN_UNCHANGED;
    if (password.bytes == 0) {
        return true;
    }
    if (accounts_add_first_admin(m->db, &m->config->password, password, &outcome) != ERR_OK) {
        return migration_failed(m, "cannot add the first admin");
    }
    if (outcome == ADMIN_ADDED) {
        report("added the user admin, who may manage everybody");
    } else if (outcome == ADMIN_NAME_TAKEN) {
        report(
            "warning: nobody is an admin, and there is a user admin already: give the role to whom "
            "you trust (lynks-admin user role)");
    }
    m->changes += outcome == ADMIN_ADDED;
    return true;
}

static bool migrate_all(struct migrate *m)
{
    if (!lock(m)) {
        return false;
    }
    bool ok = migrate_schema(m) && wrap_passwords(m) && set_demo_user(m) && make_first_admin(m);
    if (ok && m->changes == 0) {
        report("nothing to do");
    }
    (void)db_query_run(m->db, &release_lock, NULL, NULL); /* closing the connection does it too */
    return ok;
}

bool migrate_run(const struct migrate_config *config)
{
    struct migrate m = {.config = config};
    AUTO(mem_free) char *why = migrations_load(config->sql_dir, &m.files);
    if (why != NULL) {
        report_error("%s", why);
        return false;
    }
    bool ok = false;
    if (wait_for_database(config)) {
        struct db_config patient = config->db;
        patient.timeout_s = config->timeout_s;
        m.db = db_new(&patient);
        ok = migrate_all(&m);
        db_free(&m.db);
    }
    ledger_fini(&m.ledger);
    migrations_fini(&m.files);
    return ok;
}
