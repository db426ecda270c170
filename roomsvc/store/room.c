#include "roomsvc/store/room.h"

#include <sodium.h>

static uint64_t draw_room_id(void)
{
    uint64_t id;
    do {
        randombytes_buf(&id, sizeof(id));
        id &= ROOM_ID_MAX;
    } while (id == 0);
    return id;
}

void room_draw(struct room *room)
{
    uint8_t random[ROOM_SECRET_BYTES / 2];
    randombytes_buf(random, sizeof(random));
    hex_encode(room->secret, random, sizeof(random));
    sodium_memzero(random, sizeof(random));
    room->id = draw_room_id();
}
