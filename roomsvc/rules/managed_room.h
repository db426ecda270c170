/* A room of people as the database has it, its members, and how they look on the bus. */
#ifndef LYNKS_ROOMSVC_RULES_MANAGED_ROOM_H
#define LYNKS_ROOMSVC_RULES_MANAGED_ROOM_H

#include "proto/unicode/label.h"
#include "proto/schema/msg.h"

#define ROOM_NODE_BYTES 65
#define ROOM_PIN_BYTES 48 /* salted and hashed */

/* Numbers are of 64 bits because columns are; those that say yes or no are 0 or 1. */
struct managed_room {
    uint64_t id;
    char code[ROOM_CODE_LETTERS + 1]; /* empty: room_create has made it */
    char name[LABEL_BYTES];
    uint64_t access; /* an enum room_access */
    uint64_t guests_wait, lobby, locked, has_pin;
    uint64_t participants_max, publishers_max;
    uint64_t bitrate; /* bits a second that each who publishes may send; 0: as the service says */
    uint64_t chat, screen_share, mute_on_entry;
    uint64_t unmute;          /* an enum room_unmute */
    uint64_t expires_unix_ms; /* 0: never */
    uint64_t empty_timeout_s;
    uint64_t owner_id; /* 0: nobody */
    char owner_name[LABEL_BYTES];
    uint64_t role; /* of who asks, stored; an enum room_role; 0: none */
    uint64_t created_unix_ms;
    uint64_t version;
    uint64_t is_over; /* closed, or its time is up */
    uint64_t now_unix_ms;
    char node[ROOM_NODE_BYTES];
};

struct room_member {
    uint64_t user_id;
    char display_name[LABEL_BYTES];
    uint64_t role; /* an enum room_role */
    uint64_t added_unix_ms;
};

/* As everybody in it sees it: without role and node. Borrows from room. */
struct msg_room managed_room_record(const struct managed_room *room);

#endif
