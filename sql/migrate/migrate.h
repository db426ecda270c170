/* Brings a database to the state that this version of the program needs. Any number may run at
 * once: they take turns. */
#ifndef LYNKS_SQL_MIGRATE_MIGRATE_H
#define LYNKS_SQL_MIGRATE_MIGRATE_H

#include "proto/crypto/password.h"
#include "proto/db/db.h"

struct migrate_config {
    struct db_config db;
    char *sql_dir;
    bool demo_user;
    char *admin_password; /* of the first admin; "": none is made */
    uint64_t wait_s;      /* for the database to answer */
    uint64_t timeout_s;   /* for one statement, and for another migrator to finish */
    struct password_params password;
};

/* Tells what it does, a line each. False: it has complained. */
bool migrate_run(const struct migrate_config *config);

#endif
