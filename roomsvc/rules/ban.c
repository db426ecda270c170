#include "roomsvc/rules/ban.h"

struct msg_ban ban_record(const struct ban *ban)
{
    return (struct msg_ban){.id = ban->id,
                            .name = str_of(ban->name),
                            .user_id = ban->user_id,
                            .invitation_id = ban->invitation_id,
                            .device = ban->has_device != 0,
                            .note = str_of(ban->note),
                            .expires_unix_ms = ban->expires_unix_ms,
                            .created_unix_ms = ban->created_unix_ms};
}
