/* A key by which a program comes into a room, as the database has it: pure functions. */
#ifndef LYNKS_ROOMSVC_RULES_STREAM_KEY_H
#define LYNKS_ROOMSVC_RULES_STREAM_KEY_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"
#include "proto/unicode/label.h"

#define STREAM_KEYS_MAX 100 /* of a room */

/* Numbers are of 64 bits because columns are. */
struct stream_key {
    uint64_t id; /* 0: there is none */
    uint64_t room_id;
    uint64_t use; /* an enum stream_use */
    char label[LABEL_BYTES];
    uint64_t user_id;            /* who has made it */
    char user_name[LABEL_BYTES]; /* likewise; empty: he is gone */
    uint64_t expires_unix_ms;    /* 0: never */
    uint64_t created_unix_ms;
    uint64_t participant_id; /* who is in by it; 0: nobody is */
    uint64_t receives;       /* of what he sends something arrives */
};

/* As members see it. Borrows from key. */
struct msg_stream_key stream_key_record(const struct stream_key *key);

/* In which role its participant is. */
enum room_role stream_key_role(enum stream_use use);

/* May it be used for this? now_unix_ms by the database's clock. ERR_UNAUTHORIZED: its time is up;
 * ERR_FORBIDDEN. */
enum err stream_key_is_good(const struct stream_key *key, enum stream_use use,
                            uint64_t now_unix_ms);

#endif
