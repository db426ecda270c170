/* Migration files, and what the ledger says about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sql/migrate/ledger.h"
#include "sql/migrate/migrations.h"

#define FILES_MAX 4

struct folder {
    char path[256];
    char *files[FILES_MAX];
    size_t count;
};

static int setup(void **state)
{
    struct folder *folder = mem_alloc(sizeof(*folder));
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder->path, sizeof(folder->path), "%s/lynks-sql.XXXXXX",
                   tmp != NULL ? tmp : "/tmp");
    *state = folder;
    return mkdtemp(folder->path) == NULL;
}

static int teardown(void **state)
{
    struct folder *folder = *state;
    for (size_t i = 0; i < folder->count; i++) {
        unlink(folder->files[i]);
        free(folder->files[i]);
    }
    int failed = rmdir(folder->path);
    free(folder);
    return failed;
}

static void put(struct folder *folder, const char *name, const char *text)
{
    assert_true(folder->count < FILES_MAX);
    char *path = mem_printf("%s/%s", folder->path, name);
    folder->files[folder->count++] = path;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_refused(const struct folder *folder, const char *words)
{
    struct migrations migrations;
    char *why = migrations_load(folder->path, &migrations);
    assert_non_null(why);
    if (strstr(why, words) == NULL) {
        fail_msg("'%s' does not say '%s'", why, words);
    }
    assert_int_equal(migrations.count, 0);
    free(why);
}

static void in_order(void **state)
{
    struct folder *folder = *state;
    put(folder, "002_b.sql", "SELECT 2; SELECT 3");
    put(folder, "001_a.sql", "SELECT 1");
    put(folder, "README.md", "not a migration");
    struct migrations migrations;
    assert_null(migrations_load(folder->path, &migrations));
    assert_int_equal(migrations.count, 2);
    assert_string_equal(migrations.items[0].name, "001_a");
    assert_int_equal(migrations.items[1].version, 2);
    assert_int_equal(migrations.items[1].statements.count, 2);
    migrations_fini(&migrations);
}

static void a_gap(void **state)
{
    put(*state, "001_a.sql", "SELECT 1");
    put(*state, "003_c.sql", "SELECT 3");
    assert_refused(*state, "003_c.sql: expected number 002");
}

static void a_number_twice(void **state)
{
    put(*state, "001_a.sql", "SELECT 1");
    put(*state, "001_b.sql", "SELECT 1");
    assert_refused(*state, "001_b.sql: expected number 002");
}

static void a_bad_name(void **state)
{
    put(*state, "1_a.sql", "SELECT 1");
    assert_refused(*state, "1_a.sql: not named NNN_name.sql");
}

static void a_bad_file(void **state)
{
    put(*state, "001_a.sql", "SELECT 'a");
    assert_refused(*state, "001_a.sql: a quote is not closed");
}

static void nothing(void **state)
{
    assert_refused(*state, "no migration there");
    struct migrations migrations;
    char *why = migrations_load("/nonexistent", &migrations);
    assert_string_equal(why, "/nonexistent: No such file or directory");
    free(why);
}

static void our_own_load(void **state)
{
    (void)state;
    struct migrations migrations;
    assert_null(migrations_load(LYNKS_SOURCE_DIR "/sql", &migrations));
    assert_true(migrations.count >= 3);
    migrations_fini(&migrations);
}

/* ---- the ledger against the files ---- */

static struct ledger_entry entry_of(const struct migration *migration, size_t applied)
{
    struct ledger_entry entry = {.version = migration->version,
                                 .applied = applied,
                                 .is_finished = applied == migration->statements.count};
    (void)str_copy(entry.name, sizeof(entry.name), str_of(migration->name));
    statements_checksum(&migration->statements, applied, entry.checksum);
    return entry;
}

static void assert_check(const struct ledger_entry *entries, size_t count,
                         const struct migrations *migrations, const char *words)
{
    struct ledger_entry copy[4];
    memcpy(copy, entries, count * sizeof(*entries));
    const struct ledger ledger = {.entries = copy, .count = count};
    char *why = ledger_check(&ledger, migrations);
    if (words == NULL) {
        assert_null(why);
        return;
    }
    assert_non_null(why);
    if (strstr(why, words) == NULL) {
        fail_msg("'%s' does not say '%s'", why, words);
    }
    free(why);
}

static void ledger_and_files(void **state)
{
    struct folder *folder = *state;
    put(folder, "001_a.sql", "SELECT 1; SELECT 2");
    put(folder, "002_b.sql", "SELECT 3; SELECT 4");
    struct migrations migrations;
    assert_null(migrations_load(folder->path, &migrations));
    struct ledger_entry entries[3] = {entry_of(&migrations.items[0], 2),
                                      entry_of(&migrations.items[1], 1)};
    assert_check(entries, 0, &migrations, NULL);
    assert_check(entries, 2, &migrations, NULL);

    struct ledger_entry changed[3] = {entries[0], entries[1]};
    changed[0].checksum[0] = changed[0].checksum[0] == 'a' ? 'b' : 'a';
    assert_check(changed, 2, &migrations, "001_a.sql was changed after it had been applied");

    struct ledger_entry longer[3] = {entry_of(&migrations.items[0], 1)};
    longer[0].is_finished = true; /* a statement was added to the file afterwards */
    assert_check(longer, 1, &migrations, "001_a.sql was changed after it had been applied");

    struct ledger_entry renamed[3] = {entries[0]};
    (void)str_copy(renamed[0].name, sizeof(renamed[0].name), STR_LIT("001_z"));
    assert_check(renamed, 1, &migrations, "migration 1 is 001_z in the database");

    struct ledger_entry newer[3] = {entries[0], entry_of(&migrations.items[1], 2), entries[0]};
    newer[2].version = 3;
    assert_check(newer, 3, &migrations, "is this program older than the database");

    struct ledger_entry gap[3] = {entries[1]};
    assert_check(gap, 1, &migrations, "damaged");
    migrations_fini(&migrations);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(in_order),   TEST(a_gap),   TEST(a_number_twice),           TEST(a_bad_name),
        TEST(a_bad_file), TEST(nothing), cmocka_unit_test(our_own_load), TEST(ledger_and_files),
    };
    return cmocka_run_group_tests_name("migrations", tests, NULL, NULL);
}
