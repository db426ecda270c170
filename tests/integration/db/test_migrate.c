/* lynks-migrate against a real server: from nothing, from the original's database, several at once,
 * cut short, and with everything that must stop it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/db/ask_store.h"
#include "tests/integration/db/server.h"
#include "tests/support/c/log_capture.h"

#define OUR_SQL LYNKS_SOURCE_DIR "/sql"
#define TEST123 "ecd71870d1963316a97e3ac3408c9835ad8cf0f3c1bc703527c30265534f75ae"
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WAIT_MS 20000

static const struct password_params params = {.memory_kib = 64, .passes = 1};
static char database[] = "lynks_test_migrate";

static struct fixture {
    struct server *server;
    struct db_config config;
    struct db *db;
    char folder[256]; /* of migrations that a test writes */
    const char *admin_password;
} fixture;

static int setup(void **state)
{
    log_capture_setup(state);
    fixture.server = *state;
    server_make_database(fixture.server, database, &fixture.config);
    fixture.db = db_new(&fixture.config);
    fixture.admin_password = "";
    (void)snprintf(fixture.folder, sizeof(fixture.folder), "%s/sql", fixture.server->folder);
    AUTO(mem_free)
    char *make =
        mem_printf("rm -rf '%s' && mkdir -p '%s/seed' && cp '%s' '%s/seed'", fixture.folder,
                   fixture.folder, OUR_SQL "/seed/demo_user.sql", fixture.folder);
    return system(make);
}

static int teardown(void **state)
{
    db_free(&fixture.db);
    return log_capture_teardown(state);
}

static struct program start(const char *folder, const char *demo_user, const char *wait_s)
{
    const struct db_config *c = &fixture.config;
    char *environment[] = {
        mem_printf("LYNKS_MYSQL_PORT=%" PRIu64, c->port),
        mem_printf("LYNKS_MYSQL_PASSWORD=%s", c->password),
        mem_printf("LYNKS_MYSQL_DATABASE=%s", c->database),
        mem_printf("LYNKS_SQL_DIR=%s", folder),
        mem_printf("LYNKS_DEMO_USER=%s", demo_user),
        mem_printf("LYNKS_ADMIN_PASSWORD=%s", fixture.admin_password),
        mem_printf("LYNKS_MIGRATE_WAIT_S=%s", wait_s),
        mem_printf("LYNKS_ARGON2_MEMORY_KIB=%" PRIu64, params.memory_kib),
        mem_printf("LYNKS_ARGON2_PASSES=%" PRIu64, params.passes),
        NULL,
    };
    struct program program = program_start(LYNKS_MIGRATE, environment);
    for (size_t i = 0; environment[i] != NULL; i++) {
        free(environment[i]);
    }
    return program;
}

/* The output; the exit code must be as expected. */
static char *migrate(const char *folder, const char *demo_user, int expected_code)
{
    struct program program = start(folder, demo_user, "0");
    int status = -1;
    char *output = program_finish(&program, &status);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected_code) {
        fail_msg("status %x: %s", (unsigned)status, output);
    }
    return output;
}

static void assert_says(const char *output, const char *words)
{
    if (strstr(output, words) == NULL) {
        fail_msg("'%s' does not say '%s'", output, words);
    }
}

static void must_migrate(const char *folder, const char *demo_user, const char *words)
{
    AUTO(mem_free) char *output = migrate(folder, demo_user, 0);
    assert_says(output, words);
}

static void must_refuse(const char *folder, const char *words)
{
    AUTO(mem_free) char *output = migrate(folder, "0", 1);
    assert_says(output, words);
    /* One line, and not of the log. */
    assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
    assert_null(strstr(output, "level="));
}

static void must_have_nothing_to_do(const char *folder, const char *demo_user)
{
    AUTO(mem_free) char *output = migrate(folder, demo_user, 0);
    assert_string_equal(output, "lynks-migrate: nothing to do\n");
}

static void assert_select(const char *sql, const char *expected)
{
    /* Statements are kept by address, and tables change under them. */
    AUTO(db_free) struct db *db = db_new(&fixture.config);
    AUTO(mem_free) char *got = must_select(db, sql);
    assert_string_equal(got, expected);
}

static enum err log_in(const char *username, const char *password, uint64_t *ret_id)
{
    struct store_user user;
    bool found = false;
    AUTO(ask_store_free) struct ask_store *store = ask_store_new(&fixture.config, 1);
    assert_int_equal(ask_find_user(store, username, &user, &found), ERR_OK);
    if (!found) {
        return ERR_NOT_FOUND;
    }
    *ret_id = user.id;
    return password_verify(&params, user.password, str_of(password));
}

static void put(const char *name, const char *text)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", fixture.folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char no_bare[] =
    "SELECT COUNT(*) FROM users WHERE password NOT LIKE '%$argon2id$%' OR password IS NULL";

/* ---- what it is for ---- */

static void from_nothing(void **state)
{
    (void)state;
    AUTO(mem_free) char *output = migrate(OUR_SQL, "0", 0);
    assert_says(output, "applied 001_users");
    assert_says(output, "applied 003_rooms");
    must_have_nothing_to_do(OUR_SQL, "0");
    assert_select("SELECT COUNT(*) FROM users", "0");
    must_run(fixture.db, "INSERT INTO rooms (room_id, secret, publishers_max, owner_id, "
                         "created_unix_ms) VALUES (123456, 'secret', 20, 1, 1)");
    assert_select("SELECT node FROM rooms", "default");
}

static void adopts_the_original(void **state)
{
    (void)state;
    must_run(fixture.db, "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY,"
                         " username VARCHAR(50), password VARCHAR(64)) ENGINE = MyISAM");
    must_run(fixture.db, "INSERT INTO users (id, username, password) VALUES"
                         " (1, 'testuser', '" TEST123 "'), (5, 'J\xc3\xb6rg', SHA2('one', 256)),"
                         " (6, 'bob', UPPER(SHA2('two', 256))), (7, 'BOB', SHA2('three', 256)),"
                         " (9, 'odd', 'plain text')");
    AUTO(mem_free) char *output = migrate(OUR_SQL, "0", 0);
    assert_says(output, "taking over table users with 5 users");
    assert_says(output, "wrapped 4 old password hashes");
    assert_says(output, "warning: 1 users cannot log in");
    assert_says(output, "warning: user testuser has the demo user's password");
    uint64_t id = 0;
    assert_int_equal(log_in("testuser", "test123", &id), ERR_OK);
    assert_int_equal(id, 1);
    assert_int_equal(log_in("J\xc3\xb6rg", "one", &id), ERR_OK);
    assert_int_equal(id, 5);
    assert_int_equal(log_in("bob", "two", &id), ERR_OK);
    assert_int_equal(id, 6);
    assert_int_equal(log_in("BOB", "three", &id), ERR_OK);
    assert_int_equal(id, 7);
    assert_int_equal(log_in("bob", "three", &id), ERR_BAD_CREDENTIALS);
    assert_int_equal(log_in("Bob", "two", &id), ERR_NOT_FOUND);
    assert_int_equal(log_in("bob ", "two", &id), ERR_NOT_FOUND);
    assert_int_equal(log_in("odd", "plain text", &id), ERR_BAD_CREDENTIALS);
    assert_select(no_bare, "1");
    must_run(fixture.db, "INSERT INTO users (username, password) VALUES ('new', 'x')");
    assert_select("SELECT id FROM users WHERE username = 'new'", "10");
    assert_int_equal(db_run_text(fixture.db,
                                 STR_LIT("INSERT INTO users (username, password) "
                                         "VALUES ('bob', 'x')"),
                                 NULL),
                     ERR_CONFLICT);
    assert_select("SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE()"
                  " AND table_name = 'users'",
                  "InnoDB");
}

/* With the first so many migrations alone, and a room and a session in it. */
static void migrate_as_before(unsigned last)
{
    AUTO(mem_free)
    char *copy = mem_printf("for n in $(seq -f %%03g 1 %u); do cp '%s'/${n}_*.sql '%s'; done", last,
                            OUR_SQL, fixture.folder);
    assert_int_equal(system(copy), 0);
    must_migrate(fixture.folder, "1", "applied");
    must_run(fixture.db, "INSERT INTO rooms (room_id, secret, publishers_max, owner_id,"
                         " created_unix_ms) SELECT 77, 'secret', 20, id, 1 FROM users");
    must_run(fixture.db, "INSERT INTO sessions (token_hash, user_id, created_unix_ms,"
                         " expires_unix_ms) SELECT REPEAT('t', 32), id, 1, 2 FROM users");
}

/* 005: the first that was released (b3d7c63); 015: before rooms had participants. */
static void from_what_was_released_before(void **state)
{
    static const unsigned lasts[] = {5, 15};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lasts); i++) {
        if (i > 0) {
            server_make_database(fixture.server, database, &fixture.config);
        }
        migrate_as_before(lasts[i]);
        must_migrate(OUR_SQL, "1", "applied 017_journal");
        must_have_nothing_to_do(OUR_SQL, "1");
        uint64_t id = 0;
        assert_int_equal(log_in("testuser", "test123", &id), ERR_OK);
        assert_select("SELECT CONCAT(room_id, ' ', secret, ' ', node, ' ', in_janus, ' ', seq, ' ',"
                      " access) FROM rooms",
                      "77 secret default 1 0 2");
        assert_select("SELECT CONCAT(kind, ' ', created_unix_ms) FROM sessions", "1 1");
        assert_select("SELECT generation > 0 FROM journal_generation", "1");
        assert_select("SELECT COUNT(*) FROM participants", "0");
    }
}

/* Of before there were pins: nobody reaches them in Janus by their number alone. */
static void rooms_of_people_have_a_pin_in_janus(void **state)
{
    (void)state;
    migrate_as_before(19);
    must_run(fixture.db, "UPDATE rooms SET code = 'abcdefghij'");
    must_run(fixture.db, "INSERT INTO rooms (room_id, secret, publishers_max, owner_id,"
                         " created_unix_ms) VALUES (78, 'secret', 20, 1, 1)");
    must_migrate(OUR_SQL, "1", "applied 020_rtc");
    assert_select("SELECT janus_pin RLIKE '^[0-9a-f]{32}$' FROM rooms WHERE room_id = 77", "1");
    assert_select("SELECT janus_pin FROM rooms WHERE room_id = 78", "");
}

static void wraps_more_than_a_batch(void **state)
{
    (void)state;
    must_migrate(OUR_SQL, "0", "applied");
    must_run(fixture.db, "INSERT INTO users (username, password)"
                         " SELECT CONCAT('user', seq), SHA2(CONCAT('password', seq), 256)"
                         " FROM seq_1_to_250");
    must_migrate(OUR_SQL, "0", "wrapped 250 old password hashes");
    assert_select(no_bare, "0");
    uint64_t id = 0;
    assert_int_equal(log_in("user249", "password249", &id), ERR_OK);
    must_have_nothing_to_do(OUR_SQL, "0");
}

static void several_at_once(void **state)
{
    (void)state;
    struct program programs[3];
    unsigned applied = 0;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        programs[i] = start(OUR_SQL, "1", "10");
    }
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        int status = -1;
        AUTO(mem_free) char *output = program_finish(&programs[i], &status);
        if (status != 0) {
            fail_msg("status %x: %s", (unsigned)status, output);
        }
        applied += strstr(output, "applied 002_sessions") != NULL;
    }
    assert_int_equal(applied, 1);
    assert_select("SELECT COUNT(*) FROM users", "1");
    must_have_nothing_to_do(OUR_SQL, "1");
}

/* ---- the demo user ---- */

static void the_demo_user_comes_and_goes(void **state)
{
    (void)state;
    uint64_t id = 0;
    must_migrate(OUR_SQL, "1", "warning: added the demo user testuser");
    assert_int_equal(log_in("testuser", "test123", &id), ERR_OK);
    assert_select(no_bare, "0");
    assert_select("SELECT password LIKE 'sha256:$argon2id$%' FROM users", "1");
    must_have_nothing_to_do(OUR_SQL, "1");
    AUTO(mem_free)
    char *sql =
        mem_printf("INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms) "
                   "VALUES (REPEAT('x', 32), %" PRIu64 ", 1, 2)",
                   id);
    must_run(fixture.db, sql);
    must_migrate(OUR_SQL, "0", "removed the demo user");
    uint64_t nobody = 0;
    assert_int_equal(log_in("testuser", "test123", &nobody), ERR_NOT_FOUND);
    assert_select("SELECT COUNT(*) FROM sessions", "0");
    assert_select("SELECT COUNT(*) FROM session_revocations WHERE news = 1", "1"); /* ended */
    AUTO(mem_free)
    char *removals = mem_printf("SELECT COUNT(*) FROM user_removals WHERE user_id = %" PRIu64
                                " AND heir_id IS NULL AND created_unix_ms"
                                " BETWEEN (UNIX_TIMESTAMP() - 600) * 1000"
                                " AND (UNIX_TIMESTAMP() + 1) * 1000",
                                id);
    assert_select(removals, "1"); /* so his rooms end */
    must_have_nothing_to_do(OUR_SQL, "0");
    must_migrate(OUR_SQL, "1", "added the demo user");
    assert_int_equal(log_in("testuser", "test123", &id), ERR_OK);
    assert_select("SELECT COUNT(*) FROM user_removals", "1");
}

static void a_demo_user_with_a_new_password_stays(void **state)
{
    (void)state;
    must_migrate(OUR_SQL, "1", "added the demo user");
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(&params, STR_LIT("secret"), stored), ERR_OK);
    AUTO(mem_free) char *sql = mem_printf("UPDATE users SET password = '%s'", stored);
    must_run(fixture.db, sql);
    must_have_nothing_to_do(OUR_SQL, "0");
    must_have_nothing_to_do(OUR_SQL, "1");
    uint64_t id = 0;
    assert_int_equal(log_in("testuser", "secret", &id), ERR_OK);
}

/* ---- the first admin ---- */

static void the_first_admin_is_made_once(void **state)
{
    (void)state;
    uint64_t id = 0;
    must_migrate(OUR_SQL, "1", "added the demo user"); /* no password, no admin */
    assert_select("SELECT COUNT(*) FROM users WHERE username = 'admin'", "0");
    fixture.admin_password = "correct horse battery";
    must_migrate(OUR_SQL, "1", "added the user admin");
    assert_int_equal(log_in("admin", "correct horse battery", &id), ERR_OK);
    assert_select("SELECT role FROM users WHERE username = 'admin'", "2");
    fixture.admin_password = "another one";
    must_have_nothing_to_do(OUR_SQL, "1");
    assert_int_equal(log_in("admin", "correct horse battery", &id), ERR_OK);
    must_run(fixture.db, "DELETE FROM users WHERE username = 'admin'");
    must_have_nothing_to_do(OUR_SQL, "1");
}

static void nobody_is_made_an_admin_by_his_name(void **state)
{
    (void)state;
    must_migrate(OUR_SQL, "0", "applied");
    must_run(fixture.db, "INSERT INTO users (username, password) VALUES ('admin', 'x')");
    fixture.admin_password = "correct horse battery";
    must_migrate(OUR_SQL, "0", "warning: nobody is an admin, and there is a user admin already");
    assert_select("SELECT role FROM users", "1");
    must_run(fixture.db, "UPDATE users SET role = 2, username = 'ann'");
    must_have_nothing_to_do(OUR_SQL, "0");
    assert_select("SELECT COUNT(*) FROM users", "1");
}

/* ---- cut short ---- */

static void wait_until(const char *sql, const char *expected)
{
    struct timespec start;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        AUTO(db_free) struct db *db = db_new(&fixture.config);
        AUTO(mem_free) char *got = must_select(db, sql);
        if (strcmp(got, expected) == 0) {
            return;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        assert_true((now.tv_sec - start.tv_sec) * 1000 < WAIT_MS);
    }
}

static void killed_in_the_middle(void **state)
{
    (void)state;
    put("001_a.sql", "CREATE TABLE one (id INT PRIMARY KEY);"
                     "ALTER TABLE locked ADD COLUMN more INT;"
                     "CREATE TABLE three (id INT PRIMARY KEY);"
                     "CREATE TABLE users (id INT PRIMARY KEY, username VARCHAR(50),"
                     " password VARCHAR(255))");
    must_run(fixture.db, "CREATE TABLE locked (id INT PRIMARY KEY)");
    must_run(fixture.db, "LOCK TABLES locked WRITE");
    struct program program = start(fixture.folder, "0", "0");
    wait_until("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
               " AND table_name = 'schema_migrations'",
               "1");
    wait_until("SELECT COALESCE(MAX(statements_applied), 0) FROM schema_migrations", "1");
    assert_int_equal(kill(program.pid, SIGKILL), 0);
    int status = 0;
    free(program_finish(&program, &status));
    assert_true(WIFSIGNALED(status));
    assert_select("SELECT finished_unix_ms IS NULL FROM schema_migrations", "1");
    must_run(fixture.db, "UNLOCK TABLES");
    must_migrate(fixture.folder, "0", "resumed 001_a");
    assert_select("SELECT CONCAT(statements_applied, finished_unix_ms > 0) FROM schema_migrations",
                  "41");
    assert_select("SELECT COUNT(*) FROM three", "0");
    must_have_nothing_to_do(fixture.folder, "0");
}

#define USERS                                                                                      \
    "CREATE TABLE users (id INT PRIMARY KEY, username VARCHAR(50), password VARCHAR(255));"

static void done_but_not_recorded(void **state)
{
    (void)state;
    put("001_a.sql", USERS "ALTER TABLE users ADD COLUMN more INT");
    must_migrate(fixture.folder, "0", "applied 001_a");
    must_run(fixture.db, "UPDATE schema_migrations SET statements_applied = 0,"
                         " finished_unix_ms = NULL, checksum = '" HASH_OF_NOTHING "'");
    must_run(fixture.db, "ALTER TABLE users DROP COLUMN more");
    must_migrate(fixture.folder, "0", "resumed 001_a");
    assert_select("SELECT COUNT(more) FROM users", "0");
}

/* What is in the way was not made by us. */
static void a_table_in_the_way(void **state)
{
    (void)state;
    must_run(fixture.db, "CREATE TABLE sessions (id INT PRIMARY KEY)");
    AUTO(mem_free) char *output = migrate(OUR_SQL, "0", 1);
    assert_says(output, "002_sessions.sql, statement 1: Table 'sessions' already exists");
}

static void what_was_not_applied_may_be_corrected(void **state)
{
    (void)state;
    put("001_a.sql", USERS "ALTER TABLE users ADD COLUMN more NONSENSE");
    must_refuse(fixture.folder, "001_a.sql, statement 2: ");
    put("001_a.sql", USERS "ALTER TABLE users ADD COLUMN more INT");
    must_migrate(fixture.folder, "0", "resumed 001_a");
}

static int reset_defaults_and_teardown(void **state)
{
    server_reset_defaults(fixture.server);
    return teardown(state);
}

static void hostile_defaults_of_the_server_do_no_harm(void **state)
{
    (void)state;
    server_set_hostile_defaults(fixture.server);
    must_migrate(OUR_SQL, "1", "applied 003_rooms");
    must_run(fixture.db, "INSERT INTO users (username, password)"
                         " SELECT CONCAT('user', seq), SHA2(CONCAT('password', seq), 256)"
                         " FROM seq_1_to_3");
    must_migrate(OUR_SQL, "1", "wrapped 3 old password hashes");
    must_have_nothing_to_do(OUR_SQL, "1");
    uint64_t id = 0;
    assert_int_equal(log_in("user3", "password3", &id), ERR_OK);
}

/* ---- what must stop it ---- */

static void a_changed_file(void **state)
{
    (void)state;
    put("001_a.sql", USERS);
    must_migrate(fixture.folder, "0", "applied 001_a");
    put("001_a.sql", USERS "SELECT 1");
    must_refuse(fixture.folder, "001_a.sql was changed after it had been applied");
    put("001_a.sql", "-- a remark does no harm\n" USERS);
    must_have_nothing_to_do(fixture.folder, "0");
}

static void a_newer_database(void **state)
{
    (void)state;
    put("001_a.sql", USERS);
    put("002_b.sql", "SELECT 1");
    must_migrate(fixture.folder, "0", "applied 002_b");
    AUTO(mem_free) char *path = mem_printf("%s/002_b.sql", fixture.folder);
    assert_int_equal(unlink(path), 0);
    must_refuse(fixture.folder, "is this program older than the database?");
}

static void users_of_the_same_name(void **state)
{
    (void)state;
    must_run(fixture.db, "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY,"
                         " username VARCHAR(50), password VARCHAR(64))");
    must_run(fixture.db, "INSERT INTO users (username, password) VALUES ('ann', 'x'), ('bob', 'x'),"
                         " ('ann', 'y'), ('Bob', 'x'), ('carl', 'x'), ('carl', 'y')");
    must_refuse(OUR_SQL, "more than one user named 'ann', 'carl': rename or remove");
    assert_select("SELECT COUNT(*) FROM users", "6");
    assert_select("SELECT COUNT(*) FROM schema_migrations", "0");
    must_run(fixture.db, "DELETE FROM users WHERE password = 'y'");
    must_migrate(OUR_SQL, "0", "applied 001_users");
    assert_select("SELECT COUNT(*) FROM users", "4");
}

static void users_without_a_name(void **state)
{
    (void)state;
    must_run(fixture.db, "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY,"
                         " username VARCHAR(50), password VARCHAR(64))");
    must_run(fixture.db,
             "INSERT INTO users (username, password) VALUES (NULL, 'x'), ('bob', NULL)");
    must_refuse(OUR_SQL, "1 users without a name and 1 without a password");
}

static void another_programs_users(void **state)
{
    (void)state;
    must_run(fixture.db, "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(50))");
    must_refuse(OUR_SQL, "not one of ours");
}

static void no_migrations(void **state)
{
    (void)state;
    must_refuse("/nonexistent", "/nonexistent: No such file or directory");
}

static void wrong_password(void **state)
{
    (void)state;
    char *right = fixture.config.password;
    static char wrong[] = "wrong";
    fixture.config.password = wrong;
    const time_t begin = time(NULL);
    struct program program = start(OUR_SQL, "0", "600");
    fixture.config.password = right;
    int status = -1;
    AUTO(mem_free) char *output = program_finish(&program, &status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_says(output, "no database at 127.0.0.1 port");
    assert_says(output, "Access denied");
    assert_true(time(NULL) - begin < 60); /* at once: waiting is of no use */
}

static void waits_for_the_database(void **state)
{
    (void)state;
    db_free(&fixture.db);
    server_kill(fixture.server);
    struct program program = start(OUR_SQL, "0", "30");
    char line[256];
    ssize_t bytes = read(program.output, line, sizeof(line) - 1); /* until it says something */
    assert_true(bytes > 0);
    line[bytes] = '\0';
    assert_says(line, "waiting for the database at 127.0.0.1 port");
    server_restart(fixture.server);
    int status = -1;
    AUTO(mem_free) char *output = program_finish(&program, &status);
    assert_int_equal(status, 0);
    assert_says(output, "applied 003_rooms");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(from_nothing),
        TEST(adopts_the_original),
        TEST(from_what_was_released_before),
        TEST(rooms_of_people_have_a_pin_in_janus),
        TEST(wraps_more_than_a_batch),
        TEST(several_at_once),
        TEST(the_demo_user_comes_and_goes),
        TEST(a_demo_user_with_a_new_password_stays),
        TEST(the_first_admin_is_made_once),
        TEST(nobody_is_made_an_admin_by_his_name),
        TEST(killed_in_the_middle),
        TEST(done_but_not_recorded),
        cmocka_unit_test_setup_teardown(hostile_defaults_of_the_server_do_no_harm, setup,
                                        reset_defaults_and_teardown),
        TEST(a_table_in_the_way),
        TEST(what_was_not_applied_may_be_corrected),
        TEST(a_changed_file),
        TEST(a_newer_database),
        TEST(users_of_the_same_name),
        TEST(users_without_a_name),
        TEST(another_programs_users),
        TEST(no_migrations),
        TEST(wrong_password),
        TEST(waits_for_the_database),
    };
    return cmocka_run_group_tests_name("migrate", tests, server_setup, server_teardown);
}
