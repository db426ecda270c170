/* A migrated database with two users, and sessions in it, for the tests of the store and of
 * authsvc. */
#ifndef LYNKS_TESTS_INTEGRATION_DB_STORE_FIXTURE_H
#define LYNKS_TESTS_INTEGRATION_DB_STORE_FIXTURE_H

#include "authsvc/store/session.h"
#include "tests/integration/db/server.h"

extern struct store_fixture {
    struct server *server;
    struct db_config config;
    struct db *db;
    uint64_t user_id; /* testuser, whose password is test123 */
    uint64_t other_id;
} fixture;

/* For cmocka's setup and teardown, *state being the struct server; logs are captured. */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);

/* The n-th token, and its session in the database. */
struct token_hash token(uint64_t n);
bool exists(uint64_t n, struct session *ret);

/* What this query of one value gives. */
void value_is(const char *query, const char *expected);

#endif
