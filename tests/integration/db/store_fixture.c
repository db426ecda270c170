#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/crypto/password.h"
#include "proto/db/db_query.h"
#include "sql/migrate/migrate.h"
#include "tests/integration/db/store_fixture.h"
#include "tests/support/c/log_capture.h"

#define TEST123 "ecd71870d1963316a97e3ac3408c9835ad8cf0f3c1bc703527c30265534f75ae"

static char database[] = "lynks_test_store";
static char sql_dir[] = LYNKS_SOURCE_DIR "/sql";

struct store_fixture fixture;

static void make_users(void)
{
    /* As the migration leaves them. */
    char wrapped[PASSWORD_STORED_BYTES];
    const struct password_params params = {.memory_kib = 64, .passes = 1};
    assert_int_equal(password_wrap(&params, STR_LIT(TEST123), wrapped), ERR_OK);
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO users (username, password) VALUES ('testuser', '%s'), ('other', '%s')",
        wrapped, wrapped);
    must_run(fixture.db, insert);
    AUTO(mem_free)
    char *id = must_select(fixture.db, "SELECT id FROM users WHERE username = 'testuser'");
    fixture.user_id = strtoul(id, NULL, 10);
    fixture.other_id = fixture.user_id + 1;
}

int store_fixture_setup(void **state)
{
    log_capture_setup(state);
    fixture.server = *state;
    server_make_database(fixture.server, database, &fixture.config);
    const struct migrate_config migrate = {.db = fixture.config,
                                           .sql_dir = sql_dir,
                                           .wait_s = 10,
                                           .timeout_s = 30,
                                           .password = {.memory_kib = 64, .passes = 1}};
    assert_true(migrate_run(&migrate));
    fixture.db = db_new(&fixture.config);
    make_users();
    return 0;
}

int store_fixture_teardown(void **state)
{
    db_free(&fixture.db);
    return log_capture_teardown(state);
}

struct token_hash token(uint64_t n)
{
    struct token_hash hash = {{0}};
    memcpy(hash.bytes, &n, sizeof(n));
    hash.bytes[31] = 0xff; /* not UTF-8 */
    return hash;
}

struct kept {
    struct token_hash token;
    struct session session;
};

static const struct db_query select_kept = {
    .sql = "SELECT id, user_id, created_unix_ms, expires_unix_ms FROM sessions"
           " WHERE token_hash = ?",
    .params = DB_FIELDS(struct kept, token.bytes),
    .columns = DB_FIELDS(struct kept, session.id, session.user_id, session.created_unix_ms,
                         session.expires_unix_ms)};

bool exists(uint64_t n, struct session *ret)
{
    struct kept kept = {.token = token(n)};
    uint64_t rows = 0;
    assert_int_equal(db_query_run(fixture.db, &select_kept, &kept, &rows), ERR_OK);
    *ret = kept.session;
    return rows > 0;
}

void value_is(const char *query, const char *expected)
{
    AUTO(mem_free) char *value = must_select(fixture.db, query);
    assert_string_equal(value, expected);
}
