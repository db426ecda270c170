/* Somebody in a room, and what he may do there, as clients see them. */
#ifndef LYNKS_GATEWAY_API_PARTICIPANT_JSON_H
#define LYNKS_GATEWAY_API_PARTICIPANT_JSON_H

#include "gateway/http/json_out.h"
#include "gateway/http/member.h"
#include "proto/schema/msg.h"

extern const struct member participant_members[]; /* of the answer that shows one */
extern const struct member me_members[];          /* of what one is told of oneself */

/* Of a set of media_source: the first word is for the number 1, the next one for 2, and so on. */
extern const char *const media_source_words[];
#define MEDIA_SOURCES 3
extern const char *const track_media_words[]; /* by whether it is lost */

/* Into an object that is open already. */
void participant_json_write(const struct msg_participant *participant, struct json_out *out);
/* "me". can: numbers of room_action; what this gateway does not know of is left out. */
void me_json_write(struct u64_list can, struct json_out *out);

#endif
