#include "gateway/api/room_ref.h"

enum err room_ref_read(const struct exchange *exchange, struct str *ret_room)
{
    *ret_room = exchange_parameter(exchange, "room");
    return ret_room->bytes <= ROOM_REF_BYTES_MAX ? ERR_OK : ERR_NO_SUCH_ROOM;
}

/* Dashes in codes are for the eye, zeros before ids likewise. */
size_t room_ref_key(struct str room, char ret_key[ROOM_REF_BYTES_MAX])
{
    size_t bytes = 0;
    for (size_t i = 0; i < room.bytes && bytes < ROOM_REF_BYTES_MAX; i++) {
        if (room.data[i] != '-' && (room.data[i] != '0' || bytes > 0)) {
            ret_key[bytes++] = room.data[i];
        }
    }
    return bytes;
}

enum err room_ref_id(struct str text, uint64_t *ret_id)
{
    return str_id(text, ret_id) && *ret_id <= ROOM_ID_MAX ? ERR_OK : ERR_NOT_FOUND;
}

enum err room_ref_read_id(const struct exchange *exchange, const char *parameter, uint64_t *ret_id)
{
    return room_ref_id(exchange_parameter(exchange, parameter), ret_id);
}
