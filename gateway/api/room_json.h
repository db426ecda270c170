/* A room of people, and a member of one, as clients see them. */
#ifndef LYNKS_GATEWAY_API_ROOM_JSON_H
#define LYNKS_GATEWAY_API_ROOM_JSON_H

#include "gateway/http/json_out.h"
#include "gateway/http/member.h"
#include "proto/schema/msg.h"

#define ROOM_CODE_DASHED_BYTES (ROOM_CODE_LETTERS + 3)
#define ROOM_PIN_DIGITS_MIN 4
#define ROOM_PIN_DIGITS_MAX 32

extern const char *const room_access_words[];
extern const char *const room_unmute_words[];
extern const char *const member_role_words[]; /* what a member may be */
extern const char *const room_role_words[];   /* from ROOM_VIEWER on */

extern const struct member room_members[];   /* of the answer that shows a room */
extern const struct member member_members[]; /* of one that shows a member */

/* "abc-defg-hij". code: as on the bus; empty: "". */
void room_code_dash(struct str code, char ret_text[ROOM_CODE_DASHED_BYTES]);

/* Into an object that is open already. public_url: "https://meet.example.org". */
void room_json_write(const struct msg_room *room, const char *public_url, struct json_out *out);
void member_json_write(const struct msg_member *member, struct json_out *out);

#endif
