/* The data in the table users that the migrator looks after: old password hashes, the demo user,
 * the first admin. */
#ifndef LYNKS_SQL_MIGRATE_ACCOUNTS_H
#define LYNKS_SQL_MIGRATE_ACCOUNTS_H

#include "proto/crypto/password.h"
#include "proto/db/db.h"
#include "sql/migrate/statements.h"

/* Wraps every bare SHA-256 as Argon2id over it; *ret_count tells how many. Each user is one
 * statement, so it can be cut short at any time. */
enum err accounts_wrap(struct db *db, const struct password_params *params, uint64_t *ret_count);

/* How many users have a password in no form that we know. */
enum err accounts_count_unknown(struct db *db, uint64_t *ret_count);

enum demo_outcome {
    DEMO_UNCHANGED,
    DEMO_ADDED,
    DEMO_REMOVED,  /* was added by an earlier run, still had its password, and is not wanted */
    DEMO_TOLERATED /* is not wanted, has its published password, but is not ours to remove */
};
/* seed: the statements of seed/demo_user.sql. The bare hash in it is never visible to others. */
enum err accounts_set_demo(struct db *db, const struct password_params *params,
                           const struct statements *seed, bool wanted,
                           enum demo_outcome *ret_outcome);

enum admin_outcome {
    ADMIN_UNCHANGED, /* there was one once: nobody is made an admin behind the others' backs */
    ADMIN_ADDED,
    ADMIN_NAME_TAKEN /* there is no admin, and the user of that name is not made one */
};
/* Makes the user admin, who may manage everybody, in a database that never had an admin. */
enum err accounts_add_first_admin(struct db *db, const struct password_params *params,
                                  struct str password, enum admin_outcome *ret_outcome);

#endif
