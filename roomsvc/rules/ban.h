/* A ban as the database has it. */
#ifndef LYNKS_ROOMSVC_RULES_BAN_H
#define LYNKS_ROOMSVC_RULES_BAN_H

#include "proto/schema/msg.h"
#include "proto/unicode/label.h"

#define BANS_MAX 1000 /* of a room */
#define BAN_NOTE_CHARACTERS_MAX 200
#define BAN_NOTE_BYTES 801 /* so many characters of UTF-8, and a NUL */

/* Numbers are of 64 bits because columns are. */
struct ban {
    uint64_t id;
    char name[LABEL_BYTES];
    uint64_t user_id;       /* 0: it names no user */
    uint64_t invitation_id; /* 0: it names none */
    uint64_t has_device;
    char note[BAN_NOTE_BYTES];
    uint64_t expires_unix_ms; /* 0: never */
    uint64_t created_unix_ms;
};

/* As staff sees it. Borrows from ban. */
struct msg_ban ban_record(const struct ban *ban);

#endif
