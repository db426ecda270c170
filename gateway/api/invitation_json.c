#include "gateway/api/invitation_json.h"

const struct member invitation_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    INVITATION_MEMBERS,
    {.name = NULL},
};

void invitation_json_write(const struct msg_invitation *invitation, struct json_out *out)
{
    json_out_member_id(out, "id", invitation->id);
    json_out_member_z(out, "role", room_role_words[invitation->role - ROOM_VIEWER]);
    if (invitation->label.bytes > 0) {
        json_out_key(out, "label");
        json_out_str(out, invitation->label);
    }
    json_out_key(out, "max_uses");
    if (invitation->max_uses == 0) {
        json_out_null(out);
    } else {
        json_out_u64(out, invitation->max_uses);
    }
    json_out_member_u64(out, "uses", invitation->uses);
    json_out_member_time_or_null(out, "not_before", invitation->not_before_unix_ms);
    json_out_member_time_or_null(out, "expires_at", invitation->expires_unix_ms);
    json_out_key(out, "created_at");
    json_out_time(out, invitation->created_unix_ms);
}
