#include "gateway/api/message_json.h"

#include "proto/unicode/label.h"

static const struct member writer_members[] = {
    {.name = "id",
     .type = MEMBER_STRING,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "Of the participant."},
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = LABEL_BYTES - 1, .doc = "Then."},
    {.name = NULL},
};

const struct member message_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    {.name = "seq",
     .type = MEMBER_NUMBER,
     .doc = "Its place among all that happened in the room; numbers between may be missing."},
    {.name = "text", .type = MEMBER_STRING, .min = 1, .max = MESSAGE_BYTES_MAX},
    {.name = "from", .type = MEMBER_OBJECT, .members = writer_members},
    {.name = "to",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "The id of the only other participant who sees it; absent: it is for all."},
    {.name = "time", .type = MEMBER_TIME},
    {.name = NULL},
};

void message_json_write(const struct msg_chat_message *message, struct json_out *out)
{
    json_out_member_id(out, "id", message->id);
    json_out_member_u64(out, "seq", message->seq);
    json_out_key(out, "text");
    json_out_str(out, message->text);
    json_out_open_member(out, "from", '{');
    json_out_member_id(out, "id", message->from_id);
    json_out_key(out, "name");
    json_out_str(out, message->from_name);
    json_out_close(out, "}");
    if (message->to_id != 0) {
        json_out_member_id(out, "to", message->to_id);
    }
    json_out_key(out, "time");
    json_out_time(out, message->time_unix_ms);
}
