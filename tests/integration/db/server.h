/* A private MariaDB for the tests of one program (tests/support/mariadb), and programs run against
 * it. */
#ifndef LYNKS_TESTS_INTEGRATION_DB_SERVER_H
#define LYNKS_TESTS_INTEGRATION_DB_SERVER_H

#include <sys/types.h>

#include "proto/db/db.h"

struct server {
    char *folder;
    pid_t pid; /* of mariadbd */
    char *password;
    struct db_config db; /* of the account lynks; database lynks_db */
};

/* For cmocka's group setup and teardown: *state is the struct server. */
int server_setup(void **state);
int server_teardown(void **state);

void server_kill(struct server *server);    /* -9 */
void server_restart(struct server *server); /* on the same port */
void server_stop_responding(const struct server *server);
void server_go_on(const struct server *server);

/* Statements of the server's own administrator, who may set its defaults. */
void server_as_root(const struct server *server, const char *sql);
/* Every default that a session has, and that would do harm, as a hostile operator has set it: for
 * connections made from then on. And all as MariaDB has it. */
void server_set_hostile_defaults(const struct server *server);
void server_reset_defaults(const struct server *server);

/* An empty database of its own; config's database is set to it, the rest is borrowed from the
 * server. */
void server_make_database(struct server *server, char *name, struct db_config *ret);

/* Runs one statement as text that must work. */
void must_run(struct db *db, const char *sql);
/* The only column of the only row, as text; "" if there is no row. Caller frees. */
char *must_select(struct db *db, const char *sql);

/* A program with arguments "NAME=value" as its whole environment. */
struct program {
    pid_t pid;
    int output; /* stdout and stderr */
};
struct program program_start(const char *path, char *const *environment);
/* Waits; its output, caller frees. */
char *program_finish(struct program *program, int *ret_status);

#endif
