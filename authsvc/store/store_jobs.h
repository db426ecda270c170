/* The calls of store.h as jobs on MySQL: what users, sessions and revocations each ask.
 * store_mysql.c, which alone includes this beside them, puts them together. */
#ifndef LYNKS_AUTHSVC_STORE_STORE_JOBS_H
#define LYNKS_AUTHSVC_STORE_STORE_JOBS_H

#include "authsvc/store/store.h"
#include "proto/base/health.h"
#include "proto/db/db_pool.h"

struct store_mysql {
    struct health *health;
    struct db_pool *sessions; /* checks */
    struct db_pool *logins;   /* and what may wait for a lock as they do, which no check may */
    struct db_pool *upkeep;
};

/* self: the struct store_mysql. */
enum err store_find_user(void *self, struct str username, uint64_t deadline_ms, store_user_fn *fn,
                         void *arg);
enum err store_get_user(void *self, uint64_t user_id, uint64_t deadline_ms, store_user_fn *fn,
                        void *arg);
enum err store_add_user(void *self, const struct store_new_user *user, uint64_t deadline_ms,
                        store_user_fn *fn, void *arg);
enum err store_find_users(void *self, const struct store_users_page *page, uint64_t deadline_ms,
                          store_users_fn *fn, void *arg);
enum err store_change_user(void *self, const struct store_change *change, uint64_t deadline_ms,
                           store_changed_fn *fn, void *arg);
enum err store_change_password(void *self, const struct store_password *change,
                               uint64_t deadline_ms, store_ended_fn *fn, void *arg);
enum err store_remove_user(void *self, const struct store_removal *removal, uint64_t deadline_ms,
                           store_ended_fn *fn, void *arg);
enum err store_find_command(void *self, const unsigned char key[STORE_KEY_BYTES],
                            uint64_t deadline_ms, store_command_fn *fn, void *arg);
void store_set_password(void *self, uint64_t user_id, const char *from, const char *to);

enum err store_find_session(void *self, const struct token_hash *token, uint64_t deadline_ms,
                            store_session_fn *fn, void *arg);
enum err store_find_sessions(void *self, const struct store_page *page, uint64_t deadline_ms,
                             store_page_fn *fn, void *arg);
enum err store_open_session(void *self, const struct store_draft *draft, uint64_t deadline_ms,
                            store_opened_fn *fn, void *arg);
enum err store_extend(void *self, const struct store_extension *items, size_t count,
                      store_extended_fn *fn, void *arg);

enum err store_revoke(void *self, const struct store_target *target, uint64_t deadline_ms,
                      store_ended_fn *fn, void *arg);
enum err store_find_revoked(void *self, const struct store_revocation *after,
                            store_revocations_fn *fn, void *arg);
enum err store_sweep(void *self, uint64_t expired_before_unix_ms, uint64_t revoked_before_unix_ms,
                     store_swept_fn *fn, void *arg);

enum err store_find_acts(void *self, const struct store_acts_page *page, uint64_t deadline_ms,
                         store_acts_fn *fn, void *arg);
enum err store_count(void *self, uint64_t deadline_ms, store_counted_fn *fn, void *arg);

/* What logins and revocations share, on a database thread, inside a transaction. */

struct store_user_lock {
    uint64_t user_id;
    bool is_there;
    uint64_t role;
    uint64_t is_disabled;
    uint64_t password_changes;
    uint64_t version;
};

/* Whoever changes a user, or his sessions, takes turns. */
enum err store_lock_user(struct db *db, uint64_t user_id, struct store_user_lock *ret);
/* All who are admins: whoever makes one of them less takes turns. In the order of their ids, before
 * any other user is locked. */
struct store_admins {
    struct store_admin {
        uint64_t id;
        uint64_t is_disabled;
    } * items; /* the caller's to free */
    size_t count;
};
enum err store_lock_admins(struct db *db, struct store_admins *ret);
/* May nobody sign in any more who is an admin, without this user? */
bool store_is_last_admin(const struct store_admins *admins, uint64_t user_id);
/* Remembers that the command of this key is done. Was it done before, or by another replica just
 * now? Then nothing is left to do. */
enum err store_begin_command(struct db *db, const unsigned char key[STORE_KEY_BYTES],
                             bool *ret_is_done);
/* The same for a command that a client has given its key. body_hash: what for; all 0: no client
 * has. ERR_KEY_REUSED: it was done for another body; ERR_IN_FLIGHT: somebody is at it for longer
 * than a lock is waited for. */
enum err store_begin_clients_command(struct db *db, const unsigned char key[STORE_KEY_BYTES],
                                     const unsigned char body_hash[STORE_KEY_BYTES],
                                     bool *ret_is_done);

/* Sessions of a user that are no longer what they were. */
struct store_user_sessions {
    uint64_t user_id;
    struct store_session_ref except; /* this one stays as it is */
    uint64_t now_unix_ms;
    struct store_ended ended; /* which they are; the tokens are the caller's to free */
};

/* Ends them for every replica. The user is locked. */
enum err store_end_sessions(struct db *db, struct store_user_sessions *sessions);
/* They go on, but every replica looks them up anew. The user is locked. */
enum err store_look_up_anew(struct db *db, struct store_user_sessions *sessions);
/* Tells every replica that the user has changed, in the command of this key. news: an enum
 * auth_news. */
struct store_user_news {
    uint64_t user_id;
    uint64_t news;
    const unsigned char *key;
    uint64_t now_unix_ms;
};
enum err store_tell_of_user(struct db *db, const struct store_user_news *news);
/* For the audit, unless nobody wants to know. While the user is there: he stands in it by name.
 * detail: in words for people. */
enum err store_keep_act(struct db *db, const struct store_origin *by, enum act act,
                        uint64_t user_id, const char *detail);
/* Ends the session of this token for every replica; *ret_count: 0 if there is none. */
enum err store_end_session(struct db *db, const struct token_hash *token, uint64_t now_unix_ms,
                           uint64_t *ret_count);
/* Likewise, because its user has too many; one that has run out of time is not told as ended. */
enum err store_make_place(struct db *db, const struct token_hash *token, uint64_t now_unix_ms);

#endif
