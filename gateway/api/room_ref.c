#include "gateway/api/room_ref.h"

enum err room_ref_read(const struct exchange *exchange, struct str *ret_room)
{
    *ret_room = exchange_parameter(exchange, "room");
    return ret_room->bytes <= ROOM_REF_BYTES_MAX ? ERR_OK : ERR_NO_SUCH_ROOM;
}
