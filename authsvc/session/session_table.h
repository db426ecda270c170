/* The sessions that this replica knows, in memory: found in constant time, at most as many as
 * configured, at about 180 bytes each; and which of them have been used later than the database
 * knows.
 *
 * A session that is used, and so slides, waits up to half a minute (a tenth of the idle time, if
 * that is less) to be written, so that a busy one costs a write now and then and not one per use;
 * it is due at once when half of the stored time is gone. Loop thread only; knows neither clock nor
 * store. */
#ifndef LYNKS_AUTHSVC_SESSION_SESSION_TABLE_H
#define LYNKS_AUTHSVC_SESSION_SESSION_TABLE_H

#include "authsvc/store/store.h"

struct moment {
    uint64_t mono_ms;
    uint64_t unix_ms;
};

struct session_view {
    uint64_t id;
    uint64_t user_id;
    enum role role;
    uint64_t expires_unix_ms;
};

struct session_table;

struct session_table *session_table_new(const struct session_rules *rules, size_t sessions_max);
void session_table_free(struct session_table **table);

/* Is there a session that this replica may vouch for? slide: it is being used. */
bool session_table_find(struct session_table *table, const struct token_hash *token, bool slide,
                        struct moment now, struct session_view *ret);

/* Takes over what the database says about a session; slide: it is being used.
 * ERR_UNAUTHORIZED: it is over, and forgotten; ERR_OVERLOADED: no place is left, because too many
 * wait to be written. */
enum err session_table_add(struct session_table *table, const struct token_hash *token,
                           const struct session *stored, bool slide, struct moment now,
                           struct session_view *ret);

/* Whose session it is; 0: it is not known here. */
uint64_t session_table_user(const struct session_table *table, const struct token_hash *token);

void session_table_remove(struct session_table *table, const struct token_hash *token);
/* Vouches for none of them any more, in constant time. What waits is written all the same. */
void session_table_forget_all(struct session_table *table);
void session_table_forget_dead(struct session_table *table,
                               struct moment now); /* a bounded number */
size_t session_table_count(const struct session_table *table);

/* What has to be written. One batch at a time: take, then written or not_written. */
size_t session_table_waiting(const struct session_table *table);
#define SESSION_TABLE_NEVER UINT64_MAX
/* In how many ms the next batch is due; SESSION_TABLE_NEVER: nothing waits. */
uint64_t session_table_due_ms(const struct session_table *table, struct moment now);
/* What is due, and what soon will be; nothing if nothing is due. all: also what is not due yet. */
size_t session_table_take(struct session_table *table, bool all, struct moment now,
                          struct store_extension items[STORE_BATCH_MAX]);
/* gone[i]: the session of items[i] is not in the database any more, so it is forgotten. */
void session_table_written(struct session_table *table, const bool *gone, struct moment now);
void session_table_not_written(struct session_table *table);

#endif
