#include "gateway/api/user_json.h"

const char *const user_roles[] = {"member", "admin", NULL};

/* What everybody sees of a user. */
#define USER_MEMBERS                                                                               \
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},   \
        {.name = "username",                                                                       \
         .type = MEMBER_STRING,                                                                    \
         .min = 1,                                                                                 \
         .max = 256,                                                                               \
         .doc = "To sign in with."},                                                               \
        {.name = "display_name",                                                                   \
         .type = MEMBER_STRING,                                                                    \
         .min = 1,                                                                                 \
         .max = 256,                                                                               \
         .doc = "What others see; the user name where none was given."},                           \
    {                                                                                              \
        .name = "role", .type = MEMBER_WORD, .words = user_roles, .doc = "What he may do."         \
    }

const struct member user_members[] = {USER_MEMBERS, {.name = NULL}};

const struct member managed_user_members[] = {
    USER_MEMBERS,
    {.name = "disabled", .type = MEMBER_BOOL, .doc = "He may not sign in."},
    {.name = NULL},
};

const struct msg_user *user_in(const struct msg *reply)
{
    switch (reply->id) {
    case MSG_user_get_reply:
        return &reply->user_get_reply.user;
    case MSG_user_add_reply:
        return &reply->user_add_reply.user;
    case MSG_user_register_reply:
        return &reply->user_register_reply.user;
    default:
        return &reply->user_change_reply.user;
    }
}

uint64_t user_version(const struct msg *reply)
{
    return user_in(reply)->version;
}

void user_json_write(const struct msg_user *user, struct json_out *out)
{
    json_out_member_id(out, "id", user->id);
    json_out_key(out, "username");
    json_out_str(out, user->username);
    json_out_key(out, "display_name");
    json_out_str(out, user->display_name);
    json_out_member_z(out, "role", user->role == ROLE_ADMIN ? "admin" : "member");
}

void managed_user_json_write(const struct msg_user *user, struct json_out *out)
{
    user_json_write(user, out);
    json_out_member_bool(out, "disabled", user->disabled);
}
