/* The users whose sessions are asked for with their user, in memory, so that "who am I?" costs no
 * query. A user is forgotten with each session of his that is forgotten (whatever changes of him
 * changes what is known of his sessions, on every replica), and with each piece of news of him.
 *
 * Lives on the loop. */
#ifndef LYNKS_AUTHSVC_SESSION_SESSION_USERS_H
#define LYNKS_AUTHSVC_SESSION_SESSION_USERS_H

#include "authsvc/store/store.h"
#include "proto/base/clock.h"

struct session_users;

/* What changes him without a word (an authsvc of before 1.2, somebody at the database) is known
 * after so long. */
#define SESSION_USERS_AGE_MS 60000

/* users_max: that are kept, at about 750 bytes each. Clock and store are borrowed. */
struct session_users *session_users_new(const struct clock *clock, struct store store,
                                        size_t users_max);
void session_users_free(struct session_users **users); /* after the store */

/* Without his password; borrowed until the next call. NULL: he is not known. */
const struct store_user *session_users_find(struct session_users *users, uint64_t user_id);
/* Asks the store for him, and knows him from then on, if nothing was forgotten meanwhile. As
 * store_ops.get_user. */
enum err session_users_ask(struct session_users *users, uint64_t user_id, uint64_t deadline_ms,
                           store_user_fn *fn, void *arg);

void session_users_forget(struct session_users *users, uint64_t user_id);
void session_users_forget_all(struct session_users *users);

#endif
