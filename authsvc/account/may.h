/* Who may do what to a user: one rule for all commands on users. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_MAY_H
#define LYNKS_AUTHSVC_ACCOUNT_MAY_H

#include "proto/schema/envelope.h"

/* Everything, to everybody: an admin, or the admin tool. */
static inline bool may_manage_users(const struct principal *principal)
{
    return principal->kind == PRINCIPAL_ADMIN_TOOL ||
           (principal->kind == PRINCIPAL_USER && principal->role == ROLE_ADMIN);
}

/* Is it the user himself? */
static inline bool may_as_himself(const struct principal *principal, uint64_t user_id)
{
    return principal->kind == PRINCIPAL_USER && user_id != 0 && principal->user_id == user_id;
}

#endif
