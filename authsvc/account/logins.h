/* Logins: user from the store, password against its hash, session into the store, answer; then, if
 * the stored hash is out of date, a new one at leisure.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_LOGINS_H
#define LYNKS_AUTHSVC_ACCOUNT_LOGINS_H

#include "authsvc/hash/hasher.h"
#include "authsvc/session/sessions.h"
#include "authsvc/store/store.h"

struct logins_parts {
    const struct clock *clock;
    struct store store;
    struct hasher hasher;
    struct sessions *sessions;
    struct metrics *metrics;
};

struct logins_config {
    struct session_rules rules;
    uint64_t sessions_per_user_max;
};

struct logins;

struct logins *logins_new(const struct logins_parts *parts, const struct logins_config *config);
/* Nothing new goes to hasher and store: before they are freed. */
void logins_stop(struct logins *logins);
void logins_free(struct logins **logins); /* after hasher and store */

/* Answers a login or a session_open, now or later. */
void logins_start(struct logins *logins, struct call *call);

#endif
