#include "roomsvc/rules/managed_room.h"

struct msg_room managed_room_record(const struct managed_room *room)
{
    return (struct msg_room){.id = room->id,
                             .code = str_of(room->code),
                             .name = str_of(room->name),
                             .access = (enum room_access)room->access,
                             .guests_wait = room->guests_wait != 0,
                             .lobby = room->lobby != 0,
                             .locked = room->locked != 0,
                             .has_pin = room->has_pin != 0,
                             .participants_max = room->participants_max,
                             .publishers_max = room->publishers_max,
                             .bitrate = room->bitrate,
                             .chat = room->chat != 0,
                             .screen_share = room->screen_share != 0,
                             .mute_on_entry = room->mute_on_entry != 0,
                             .unmute = (enum room_unmute)room->unmute,
                             .expires_unix_ms = room->expires_unix_ms,
                             .empty_timeout_s = room->empty_timeout_s,
                             .owner_id = room->owner_id,
                             .owner_name = str_of(room->owner_name),
                             .created_unix_ms = room->created_unix_ms,
                             .version = room->version};
}
