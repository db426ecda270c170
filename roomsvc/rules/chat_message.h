/* What somebody has written in a room, as the database has it. */
#ifndef LYNKS_ROOMSVC_RULES_CHAT_MESSAGE_H
#define LYNKS_ROOMSVC_RULES_CHAT_MESSAGE_H

#include "proto/schema/msg.h"
#include "proto/unicode/label.h"

#define CHAT_KEPT 10000  /* messages of a room */
#define CHAT_FIRST 200   /* that who comes in is shown at first */
#define CHAT_A_SECOND 10 /* that one participant writes in a second */

/* Numbers are of 64 bits because columns are. */
struct chat_message {
    uint64_t id;
    uint64_t seq;
    uint64_t from_id;
    char from_name[LABEL_BYTES];
    uint64_t to_id; /* 0: it is for all */
    char text[MESSAGE_BYTES_MAX + 1];
    uint64_t time_unix_ms;
};

/* As who may see it sees it. Borrows from message. */
struct msg_chat_message chat_message_record(const struct chat_message *message);

#endif
