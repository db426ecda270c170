#include "roomsvc/store/room_asker.h"

bool room_asker_read(const struct principal *principal, struct str request_id,
                     const struct msg_asker *participant, struct room_asker *ret_asker)
{
    const bool is_user = principal->kind == PRINCIPAL_USER && principal->user_id != 0;
    const bool is_tool = principal->kind == PRINCIPAL_ADMIN_TOOL;
    const bool has_token = participant != NULL && participant->token_hash.bytes > 0;
    *ret_asker = (struct room_asker){.request_id = request_id};
    if (has_token) {
        ret_asker->token_hash = participant->token_hash;
        return true;
    }
    ret_asker->is_admin = is_tool || (is_user && principal->role == ROLE_ADMIN);
    ret_asker->user_id = is_user ? principal->user_id : 0;
    return is_user || is_tool;
}
