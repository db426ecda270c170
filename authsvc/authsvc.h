/* The messages that authsvc serves, and the parts that serve them. */
#ifndef LYNKS_AUTHSVC_AUTHSVC_H
#define LYNKS_AUTHSVC_AUTHSVC_H

#include "authsvc/config.h"
#include "authsvc/account/logins.h"
#include "authsvc/account/additions.h"
#include "authsvc/account/audits.h"
#include "authsvc/account/head_counts.h"
#include "authsvc/account/passwords.h"
#include "authsvc/account/users.h"
#include "authsvc/session/revocations.h"
#include "authsvc/session/session_events.h"
#include "authsvc/session/session_pages.h"

struct auth_parts {
    const struct clock *clock;
    struct store store;
    struct hasher hasher;
    struct metrics *metrics;
    struct bus_publisher *publisher; /* NULL: nothing is published */
};

struct auth {
    struct sessions *sessions;
    struct session_events *events;
    struct logins *logins;
    struct revocations *revocations;
    struct session_pages *pages;
    struct users *users;
    struct passwords *passwords;
    struct additions *additions;
    struct audits *audits;
    struct head_counts *counts;
};

/* parts are borrowed. */
void auth_init(struct auth *auth, const struct auth_parts *parts,
               const struct authsvc_config *config);
/* Hears what the replicas at this address publish, this one among them; "": nobody. False (logged):
 * the address is malformed. */
bool auth_follow_replicas(struct auth *auth, struct service *service, const char *address);
/* Nothing new goes to hasher and store: before they are freed. Does nothing before auth_init. */
void auth_stop(struct auth *auth);
void auth_fini(struct auth *auth); /* after hasher and store */

extern const struct call_handler auth_handlers[]; /* of a struct auth */

#endif
