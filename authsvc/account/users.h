/* Users: who they are, and changes of them; who asks must be allowed to.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_USERS_H
#define LYNKS_AUTHSVC_ACCOUNT_USERS_H

#include "authsvc/session/sessions.h"

struct users;

struct users *users_new(const struct clock *clock, struct store store, struct sessions *sessions,
                        struct metrics *metrics);
/* Nothing new goes to the store: before it is freed. */
void users_stop(struct users *users);
void users_free(struct users **users); /* after the store */

/* Answers a user_get, now or later. ERR_FORBIDDEN: who asks may not know, whether there is such a
 * user or not; ERR_NOT_FOUND. */
void users_get(struct users *users, struct call *call);

/* Answers a user_page, now or later. ERR_FORBIDDEN; ERR_BAD_REQUEST: what is searched for is too
 * long. */
void users_list(struct users *users, struct call *call);

/* Answers a user_change, now or later. ERR_FORBIDDEN, ERR_NOT_FOUND; ERR_WRONG_MEMBER: no display
 * name (label.h); ERR_STALE: he has another version; ERR_CONFLICT: he is the last admin who may
 * sign in. */
void users_change(struct users *users, struct call *call);

/* Answers a user_remove, now or later. ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_STALE, ERR_CONFLICT: as
 * above; ERR_NO_HEIR: who is to get his rooms cannot. */
void users_remove(struct users *users, struct call *call);

#endif
