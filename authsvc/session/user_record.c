#include "authsvc/session/user_record.h"

struct msg_user user_record(const struct store_user *user)
{
    return (struct msg_user){.id = user->id,
                             .username = str_of(user->username),
                             .display_name = str_of(user->display_name),
                             .role = (enum role)user->role,
                             .disabled = user->is_disabled != 0,
                             .version = user->version};
}
