/* The store of authsvc over the fixture's database, asked and waited for. */
#ifndef LYNKS_TESTS_INTEGRATION_DB_ASK_STORE_H
#define LYNKS_TESTS_INTEGRATION_DB_ASK_STORE_H

#include "authsvc/store/store_mysql.h"

struct ask_store;

/* config is borrowed. With one login thread what is asked of users happens in the order in which it
 * was asked. */
struct ask_store *ask_store_new(const struct db_config *config, unsigned login_threads);
void ask_store_free(struct ask_store **store);

enum err ask_find_user(struct ask_store *store, const char *username, struct store_user *ret,
                       bool *ret_found);
enum err ask_get_user(struct ask_store *store, uint64_t user_id, struct store_user *ret,
                      bool *ret_found);
enum err ask_add_user(struct ask_store *store, const struct store_new_user *user,
                      struct store_user *ret);
/* count of them at once; gives how many failed. */
size_t ask_add_users(struct ask_store *store, const struct store_new_user *users, size_t count);
enum err ask_find_users(struct ask_store *store, const struct store_users_page *page,
                        struct store_users_found *ret);
/* ret->sessions: how many there were, without their tokens. */
enum err ask_change_user(struct ask_store *store, const struct store_change *change,
                         struct store_changed *ret);
/* count of them at once; gives how many failed. */
size_t ask_change_users(struct ask_store *store, const struct store_change *changes, size_t count);
enum err ask_change_password(struct ask_store *store, const struct store_password *change,
                             size_t *ret_ended);
/* count of them at once; gives how many failed. */
size_t ask_change_passwords(struct ask_store *store, const struct store_password *changes,
                            size_t count);
enum err ask_remove_user(struct ask_store *store, const struct store_removal *removal,
                         size_t *ret_ended);
/* count of them at once; gives how many failed. */
size_t ask_remove_users(struct ask_store *store, const struct store_removal *removals,
                        size_t count);
bool ask_is_done(struct ask_store *store, const unsigned char key[STORE_KEY_BYTES]);
/* Not waited for: nobody is told. */
void ask_set_password(struct ask_store *store, uint64_t user_id, const char *from, const char *to);
enum err ask_find_session(struct ask_store *store, const struct token_hash *token,
                          struct session *ret, bool *ret_found);
enum err ask_find_sessions(struct ask_store *store, const struct store_page *page,
                           struct store_page_found *ret);
enum err ask_open_session(struct ask_store *store, const struct store_draft *draft,
                          struct store_opened *ret);
/* count of them at once; gives how many failed. */
size_t ask_open_sessions(struct ask_store *store, const struct store_draft *drafts, size_t count);
enum err ask_extend(struct ask_store *store, const struct store_extension *items, size_t count,
                    bool *ret_gone);
enum err ask_revoke(struct ask_store *store, const struct store_target *target, size_t *ret_count);
/* Likewise; ret_was_done: by the command of the same key, before. */
enum err ask_revoke_again(struct ask_store *store, const struct store_target *target,
                          size_t *ret_count, bool *ret_was_done);
enum err ask_find_revoked(struct ask_store *store, const struct store_revocation *after,
                          struct store_revocations *ret);
enum err ask_find_acts(struct ask_store *store, const struct store_acts_page *page,
                       struct store_acts_found *ret);
enum err ask_sweep(struct ask_store *store, uint64_t expired_before_unix_ms,
                   uint64_t revoked_before_unix_ms, bool *ret_more);

#endif
