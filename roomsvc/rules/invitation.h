/* An invitation to a room as the database has it: pure functions. */
#ifndef LYNKS_ROOMSVC_RULES_INVITATION_H
#define LYNKS_ROOMSVC_RULES_INVITATION_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"
#include "proto/unicode/label.h"

#define INVITATIONS_MAX 1000 /* to a room, revoked ones apart */

/* Numbers are of 64 bits because columns are. */
struct invitation {
    uint64_t id;   /* 0: there is none */
    uint64_t role; /* an enum room_role */
    char label[LABEL_BYTES];
    uint64_t max_uses; /* 0: any number */
    uint64_t uses;
    uint64_t not_before_unix_ms; /* 0: always */
    uint64_t expires_unix_ms;    /* 0: never */
    uint64_t created_unix_ms;
    uint64_t is_revoked;
};

/* As staff sees it. Borrows from invitation. */
struct msg_invitation invitation_record(const struct invitation *invitation);

/* Does it let one more in? now_unix_ms by the database's clock. ERR_NO_SUCH_INVITATION,
 * ERR_INVITATION_REVOKED, ERR_INVITATION_EARLY, ERR_INVITATION_EXPIRED, ERR_INVITATION_USED_UP. */
enum err invitation_is_good(const struct invitation *invitation, uint64_t now_unix_ms);

#endif
