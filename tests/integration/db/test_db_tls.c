/* Encrypted connections to a real server, with certificates that the test makes: what is asked for
 * is what happens, or nothing does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "proto/db/db_pool.h"
#include "tests/integration/db/server.h"
#include "tests/support/c/log_capture.h"

#define WAIT_MS 15000

static char localhost[] = "localhost"; /* the certificate's name; 127.0.0.1 is not in it */
static char database[] = "lynks_test_tls";

static struct fixture {
    struct server *server;
    struct db_config config;
    char *ca_file, *other_ca_file;
} fixture;

static int group_setup(void **state)
{
    if (server_setup(state) != 0) {
        return -1;
    }
    fixture.server = *state;
    AUTO(mem_free)
    char *certify =
        mem_printf(LYNKS_SOURCE_DIR "/tests/support/mariadb certify '%s'", fixture.server->folder);
    if (system(certify) != 0) {
        return -1;
    }
    fixture.ca_file = mem_printf("%s/tls/ca.pem", fixture.server->folder);
    fixture.other_ca_file = mem_printf("%s/tls/other.pem", fixture.server->folder);
    return 0;
}

static int group_teardown(void **state)
{
    mem_free(&fixture.ca_file);
    mem_free(&fixture.other_ca_file);
    return server_teardown(state);
}

static int setup(void **state)
{
    log_capture_setup(state);
    server_make_database(fixture.server, database, &fixture.config);
    fixture.config.host = localhost;
    return 0;
}

static int teardown(void **state)
{
    return log_capture_teardown(state);
}

/* "" if it is in clear; caller frees. */
static char *cipher_of(struct db *db)
{
    return must_select(db, "SELECT variable_value FROM information_schema.session_status"
                           " WHERE variable_name = 'Ssl_cipher'");
}

static void connects(char *tls, char *ca_file, bool is_encrypted)
{
    fixture.config.tls = tls;
    fixture.config.ca_file = ca_file;
    AUTO(db_free) struct db *db = db_new(&fixture.config);
    AUTO(mem_free) char *cipher = cipher_of(db);
    assert_int_equal(strlen(cipher) > 0, is_encrypted);
    assert_false(db_is_refused(db));
}

static void is_refused(char *tls, char *ca_file, const char *words)
{
    fixture.config.tls = tls;
    fixture.config.ca_file = ca_file;
    AUTO(db_free) struct db *db = db_new(&fixture.config);
    const struct db_statement statement = {.sql = "SELECT 1"};
    assert_int_equal(db_run(db, &statement, NULL), ERR_UNAVAILABLE);
    assert_true(db_is_refused(db));
    if (strstr(db_error(db), words) == NULL) {
        fail_msg("'%s' does not say '%s'", db_error(db), words);
    }
}

static char off[] = "off";
static char on[] = "on";
static char verify[] = "verify";

/* It is not done in clear instead. */
static void a_server_without_tls_is_refused(void **state)
{
    (void)state;
    connects(off, NULL, false);
    connects(NULL, NULL, false);
    is_refused(on, NULL, "SSL");
    is_refused(verify, fixture.ca_file, "SSL");
    server_kill(fixture.server);
    server_restart(fixture.server); /* with the certificates, from now on */
}

static void each_mode_does_what_it_says(void **state)
{
    (void)state;
    connects(off, NULL, false);
    connects(on, NULL, true);
    connects(on, fixture.other_ca_file, true); /* the certificate is not looked at */
    connects(verify, fixture.ca_file, true);
    is_refused(verify, fixture.other_ca_file, "certificate");
    is_refused(verify, NULL, "certificate"); /* the system does not know our CA */
    fixture.config.host = fixture.server->db.host;
    connects(on, NULL, true);
    is_refused(verify, fixture.ca_file, "certificate"); /* it is somebody else's certificate */
}

/* Told apart from a server that is away, so that nobody waits for it. */
static void what_the_server_requires_is_told_at_once(void **state)
{
    (void)state;
    server_as_root(fixture.server, "ALTER USER lynks@127.0.0.1 REQUIRE SSL");
    is_refused(off, NULL, "Access denied");
    connects(on, NULL, true);
    server_as_root(fixture.server, "ALTER USER lynks@127.0.0.1 REQUIRE NONE");
    server_as_root(fixture.server, "SET GLOBAL require_secure_transport = 1");
    is_refused(off, NULL, "");
    connects(verify, fixture.ca_file, true);
    server_as_root(fixture.server, "SET GLOBAL require_secure_transport = 0");
}

static void the_migrator_knows_it_too(void **state)
{
    (void)state;
    static const char *const modes[] = {"off", "on", "verify"};
    server_as_root(fixture.server, "SET GLOBAL require_secure_transport = 1");
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        char *environment[] = {
            mem_strdup("LYNKS_MYSQL_HOST=localhost"),
            mem_printf("LYNKS_MYSQL_PORT=%" PRIu64, fixture.config.port),
            mem_printf("LYNKS_MYSQL_PASSWORD=%s", fixture.config.password),
            mem_printf("LYNKS_MYSQL_DATABASE=%s", database),
            mem_printf("LYNKS_MYSQL_TLS=%s", modes[i]),
            mem_printf("LYNKS_MYSQL_CA_FILE=%s", fixture.ca_file),
            mem_strdup("LYNKS_SQL_DIR=" LYNKS_SOURCE_DIR "/sql"),
            mem_strdup("LYNKS_MIGRATE_WAIT_S=600"),
            NULL,
        };
        struct program program = program_start(LYNKS_MIGRATE, environment);
        for (size_t j = 0; environment[j] != NULL; j++) {
            free(environment[j]);
        }
        int status = -1;
        AUTO(mem_free) char *output = program_finish(&program, &status);
        const char *words = i == 0 ? "no database at" : i == 1 ? "applied" : "nothing";
        if (!WIFEXITED(status) || (WEXITSTATUS(status) == 0) != (i > 0) ||
            strstr(output, words) == NULL) {
            fail_msg("%s: %s", modes[i], output);
        }
    }
    server_as_root(fixture.server, "SET GLOBAL require_secure_transport = 0");
}

static bool is_ready(void *arg)
{
    return health_is_ready(arg);
}

static void readyz_says_how_it_is_protected(void **state)
{
    (void)state;
    static const struct {
        char *tls;
        const char *note;
    } rows[] = {{off, "not encrypted"},
                {on, "TLS, certificate not verified"},
                {verify, "TLS, certificate verified"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fixture.config.tls = rows[i].tls;
        fixture.config.ca_file = fixture.ca_file;
        struct loop *loop = loop_new();
        struct metrics *metrics = metrics_new();
        struct health *health = health_new();
        const struct db_pool_config config = {
            .name = "tls-test", .db = &fixture.config, .threads = 1, .queue_max = 4};
        struct db_pool *pool = db_pool_new(loop, metrics, health, &config);
        const bool was_ready = loop_run_until(loop, is_ready, health, WAIT_MS);
        AUTO(mem_free) char *json = health_json(health);
        AUTO(mem_free) char *expected = mem_printf("\"note\":\"%s\"", rows[i].note);
        db_pool_free(&pool);
        health_free(&health);
        metrics_free(&metrics);
        loop_free(&loop);
        assert_true(was_ready);
        assert_non_null(strstr(json, expected));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_server_without_tls_is_refused),          TEST(each_mode_does_what_it_says),
        TEST(what_the_server_requires_is_told_at_once), TEST(the_migrator_knows_it_too),
        TEST(readyz_says_how_it_is_protected),
    };
    return cmocka_run_group_tests_name("db_tls", tests, group_setup, group_teardown);
}
