#include "roomsvc/rules/chat_message.h"

struct msg_chat_message chat_message_record(const struct chat_message *message)
{
    return (struct msg_chat_message){.id = message->id,
                                     .seq = message->seq,
                                     .text = str_of(message->text),
                                     .from_id = message->from_id,
                                     .from_name = str_of(message->from_name),
                                     .to_id = message->to_id,
                                     .time_unix_ms = message->time_unix_ms};
}
