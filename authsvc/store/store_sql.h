/* What the store does, as statements on one connection. Blocking: on a database thread. */
#ifndef LYNKS_AUTHSVC_STORE_STORE_SQL_H
#define LYNKS_AUTHSVC_STORE_STORE_SQL_H

#include "authsvc/store/store.h"
#include "proto/db/db.h"

/* Errors: those of db.h, and what store.h says. */
enum err store_sql_find_user(struct db *db, struct str username, struct store_user *ret,
                             bool *ret_found);
enum err store_sql_find_session(struct db *db, const struct token_hash *token, struct session *ret,
                                bool *ret_found);
enum err store_sql_open_session(struct db *db, const struct store_draft *draft,
                                struct store_opened *ret);
enum err store_sql_set_password(struct db *db, uint64_t user_id, struct str from, struct str to);
enum err store_sql_extend(struct db *db, const struct store_extension *items, size_t count,
                          bool *ret_gone);
/* ret->tokens: mem_free it, whatever comes of it. */
enum err store_sql_revoke(struct db *db, const struct store_target *target,
                          struct store_ended *ret);
enum err store_sql_find_revoked(struct db *db, uint64_t after_seq, struct store_revocations *ret);
enum err store_sql_sweep(struct db *db, uint64_t expired_before_unix_ms,
                         uint64_t revoked_before_unix_ms, bool *ret_more);

#endif
