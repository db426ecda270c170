#include "janusbridge/rooms/own_rooms.h"

#include "proto/base/lru.h"
#include "proto/schema/msg.h"

/* One that is forgotten is only asked for its secret again. */
#define ROOMS_MAX 65536

struct own_room {
    char secret[ROOM_SECRET_BYTES + 1];
    char pin[JANUS_PIN_BYTES + 1];
};

struct own_rooms {
    struct lru *by_room; /* room id -> struct own_room */
};

static struct lru *new_table(void)
{
    return lru_new(sizeof(uint64_t), sizeof(struct own_room), ROOMS_MAX);
}

struct own_rooms *own_rooms_new(void)
{
    struct own_rooms *own = mem_alloc(sizeof(*own));
    own->by_room = new_table();
    return own;
}

void own_rooms_free(struct own_rooms **own)
{
    if (*own != NULL) {
        lru_free(&(*own)->by_room);
        mem_free(own);
    }
}

void own_rooms_add(struct own_rooms *own, uint64_t room_id, struct str secret, struct str pin)
{
    bool is_new;
    struct own_room *room = lru_put(own->by_room, &room_id, &is_new);
    if (!str_copy(room->secret, sizeof(room->secret), secret) ||
        !str_copy(room->pin, sizeof(room->pin), pin)) {
        own_rooms_remove(own, room_id);
    }
}

bool own_rooms_has(struct own_rooms *own, uint64_t room_id, struct str secret, struct str pin)
{
    const struct own_room *room = lru_find(own->by_room, &room_id);
    return room != NULL && str_eq(str_of(room->secret), secret) && str_eq(str_of(room->pin), pin);
}

struct str own_rooms_pin(struct own_rooms *own, uint64_t room_id)
{
    const struct own_room *room = lru_find(own->by_room, &room_id);
    return room != NULL ? str_of(room->pin) : STR_NONE;
}

void own_rooms_remove(struct own_rooms *own, uint64_t room_id)
{
    lru_remove(own->by_room, &room_id);
}

void own_rooms_clear(struct own_rooms *own)
{
    lru_free(&own->by_room);
    own->by_room = new_table();
}
