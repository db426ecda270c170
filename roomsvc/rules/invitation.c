#include "roomsvc/rules/invitation.h"

struct msg_invitation invitation_record(const struct invitation *invitation)
{
    return (struct msg_invitation){.id = invitation->id,
                                   .role = (enum room_role)invitation->role,
                                   .label = str_of(invitation->label),
                                   .max_uses = invitation->max_uses,
                                   .uses = invitation->uses,
                                   .not_before_unix_ms = invitation->not_before_unix_ms,
                                   .expires_unix_ms = invitation->expires_unix_ms,
                                   .created_unix_ms = invitation->created_unix_ms};
}

enum err invitation_is_good(const struct invitation *invitation, uint64_t now_unix_ms)
{
    if (invitation->id == 0) {
        return ERR_NO_SUCH_INVITATION;
    }
    if (invitation->is_revoked != 0) {
        return ERR_INVITATION_REVOKED;
    }
    if (now_unix_ms < invitation->not_before_unix_ms) {
        return ERR_INVITATION_EARLY;
    }
    if (invitation->expires_unix_ms != 0 && invitation->expires_unix_ms <= now_unix_ms) {
        return ERR_INVITATION_EXPIRED;
    }
    return invitation->max_uses != 0 && invitation->uses >= invitation->max_uses
               ? ERR_INVITATION_USED_UP
               : ERR_OK;
}
