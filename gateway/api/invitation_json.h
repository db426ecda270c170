/* An invitation to a room, as who may make them sees it. */
#ifndef LYNKS_GATEWAY_API_INVITATION_JSON_H
#define LYNKS_GATEWAY_API_INVITATION_JSON_H

#include "gateway/api/room_json.h"
#include "proto/unicode/label.h"

#define INVITATION_USES_MAX 1000000

/* All of the members but the first one, its id. */
#define INVITATION_MEMBERS                                                                         \
    {.name = "role",                                                                               \
     .type = MEMBER_WORD,                                                                          \
     .words = room_role_words,                                                                     \
     .doc = "In which they come who come by it."},                                                 \
        {.name = "label",                                                                          \
         .type = MEMBER_STRING,                                                                    \
         .is_optional = true,                                                                      \
         .min = 1,                                                                                 \
         .max = LABEL_BYTES - 1,                                                                   \
         .doc = "Absent: it has none."},                                                           \
        {.name = "max_uses",                                                                       \
         .type = MEMBER_NUMBER,                                                                    \
         .is_nullable = true,                                                                      \
         .max = INVITATION_USES_MAX,                                                               \
         .doc = "How many may come by it; null: any number."},                                     \
        {.name = "uses", .type = MEMBER_NUMBER, .doc = "How many have."},                          \
        {.name = "not_before",                                                                     \
         .type = MEMBER_TIME,                                                                      \
         .is_nullable = true,                                                                      \
         .doc = "From when on it is good; null: always."},                                         \
        {.name = "expires_at",                                                                     \
         .type = MEMBER_TIME,                                                                      \
         .is_nullable = true,                                                                      \
         .doc = "Until when; null: for ever."},                                                    \
    {                                                                                              \
        .name = "created_at", .type = MEMBER_TIME                                                  \
    }

extern const struct member invitation_members[]; /* of the answer that shows one */

/* Into an object that is open already. Of the secret nobody but who makes it is told anything. */
void invitation_json_write(const struct msg_invitation *invitation, struct json_out *out);

#endif
