/* A user in answers: the same members wherever one stands. */
#ifndef LYNKS_GATEWAY_API_USER_JSON_H
#define LYNKS_GATEWAY_API_USER_JSON_H

#include "gateway/http/json_out.h"
#include "gateway/http/member.h"
#include "proto/schema/msg.h"
#include "proto/unicode/label.h"

/* The user in a reply that is one user: to user_get, user_add,
 * user_register, user_change. */
const struct msg_user *user_in(const struct msg *reply);
uint64_t user_version(const struct msg *reply); /* his version: for his ETag */

extern const char *const user_roles[]; /* ended by NULL */
extern const struct member user_members[];
extern const struct member managed_user_members[]; /* as admins see one */

/* A password that somebody is to have from now on; the_name: of the member. */
#define NEW_PASSWORD_MEMBER(the_name)                                                              \
    {                                                                                              \
        .name = (the_name), .type = MEMBER_STRING, .min = 10, .max = 1024,                         \
        .doc = "In clear; not the user name."                                                      \
    }

/* What a body says of a user to be. */
#define NEW_USER_MEMBERS                                                                           \
    {.name = "username",                                                                           \
     .type = MEMBER_LABEL,                                                                         \
     .min = 1,                                                                                     \
     .max = LABEL_CHARACTERS_MAX,                                                                  \
     .doc = "To sign in with; compared exactly."},                                                 \
        NEW_PASSWORD_MEMBER("password"),                                                           \
    {                                                                                              \
        .name = "display_name", .type = MEMBER_LABEL, .is_optional = true, .min = 1,               \
        .max = LABEL_CHARACTERS_MAX, .doc = "What others see; the user name where none is given."  \
    }

/* Into an object that is open already. */
void user_json_write(const struct msg_user *user, struct json_out *out);
void managed_user_json_write(const struct msg_user *user, struct json_out *out);

#endif
