/* Sessions ended before their time: gone from the database and from this replica before the answer;
 * the other replicas read of it in the log of revocations, twice a second.
 *
 * Lives on the loop. Clock, store and sessions are borrowed. */
#ifndef LYNKS_AUTHSVC_SESSION_REVOCATIONS_H
#define LYNKS_AUTHSVC_SESSION_REVOCATIONS_H

#include "authsvc/session/sessions.h"

struct revocations;

struct revocations *revocations_new(const struct clock *clock, struct store store,
                                    struct sessions *sessions, struct metrics *metrics);
void revocations_stop(struct revocations *revocations);  /* before the store is freed */
void revocations_free(struct revocations **revocations); /* after the store */

/* Answers a session_revoke, later. ERR_BAD_REQUEST: it names neither a session nor a user, or both;
 * ERR_UNAVAILABLE: the database is away; nothing has ended, unless the database was lost just when
 * it committed. */
void revocations_start(struct revocations *revocations, struct call *call);

#endif
