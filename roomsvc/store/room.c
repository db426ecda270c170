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

static void draw_secret(char *ret_secret)
{
    uint8_t random[ROOM_SECRET_BYTES / 2];
    randombytes_buf(random, sizeof(random));
    hex_encode(ret_secret, random, sizeof(random));
    sodium_memzero(random, sizeof(random));
}

void room_draw(struct room *room)
{
    draw_secret(room->secret);
    room->id = draw_room_id();
}

void room_draw_janus_pin(struct room *room)
{
    draw_secret(room->janus_pin);
}
