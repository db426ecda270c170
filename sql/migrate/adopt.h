/* Looks at an original database before its table users is widened: what would make that fail, in
 * words that tell people what to do. */
#ifndef LYNKS_SQL_MIGRATE_ADOPT_H
#define LYNKS_SQL_MIGRATE_ADOPT_H

#include "proto/db/db.h"

/* *ret_users: how many are there (0 if there is no table). *ret_why: what has to be put right
 * first; NULL: nothing; the caller frees it. */
enum err adopt_check(struct db *db, uint64_t *ret_users, char **ret_why);

#endif
