/* Users that are added, by others or by themselves: names and password checked, the password
 * hashed, the row stored, once however often the call comes.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_ADDITIONS_H
#define LYNKS_AUTHSVC_ACCOUNT_ADDITIONS_H

#include "authsvc/hash/hasher.h"
#include "authsvc/store/store.h"
#include "proto/base/metrics.h"
#include "proto/bus/call.h"

struct additions;

struct additions_parts {
    const struct clock *clock;
    struct store store;
    struct hasher hasher;
    struct metrics *metrics;
};

/* takes_everybody: registration is open. */
struct additions *additions_new(const struct additions_parts *parts, bool takes_everybody);
/* Nothing new goes to hasher and store: before they are freed. */
void additions_stop(struct additions *additions);
void additions_free(struct additions **additions); /* after hasher and store */

/* Answers a user_add or user_register, now or later. ERR_FORBIDDEN: only admins and their tool add
 * others; ERR_REGISTRATION_CLOSED; ERR_WRONG_MEMBER: one of the names is no label
 * (label.h), or the user name has more than 64 characters; ERR_WEAK_PASSWORD; ERR_CONFLICT:
 * somebody has the user name. */
void additions_start(struct additions *additions, struct call *call);

#endif
