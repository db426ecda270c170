#include "roomsvc/rules/stream_key.h"

struct msg_stream_key stream_key_record(const struct stream_key *key)
{
    return (struct msg_stream_key){.id = key->id,
                                   .use = (enum stream_use)key->use,
                                   .label = str_of(key->label),
                                   .user_name = str_of(key->user_name),
                                   .expires_unix_ms = key->expires_unix_ms,
                                   .created_unix_ms = key->created_unix_ms,
                                   .participant = key->participant_id,
                                   .receives = key->receives != 0};
}

enum room_role stream_key_role(enum stream_use use)
{
    return use == STREAM_PUBLISH ? ROOM_PARTICIPANT : ROOM_VIEWER;
}

enum err stream_key_is_good(const struct stream_key *key, enum stream_use use, uint64_t now_unix_ms)
{
    if (key->expires_unix_ms != 0 && key->expires_unix_ms <= now_unix_ms) {
        return ERR_UNAUTHORIZED;
    }
    return key->use == use ? ERR_OK : ERR_FORBIDDEN;
}
