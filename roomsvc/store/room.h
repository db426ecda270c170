/* A room as the registry has it. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_H
#define LYNKS_ROOMSVC_STORE_ROOM_H

#include "proto/schema/msg.h"

#define NODE_NAME_BYTES_MAX 64
#define ROOM_JANUS_PIN_MAX 64

struct room {
    uint64_t id;
    uint64_t publishers_max;
    char secret[ROOM_SECRET_BYTES + 1];     /* Janus' room secret; never leaves the backend */
    char janus_pin[ROOM_JANUS_PIN_MAX + 1]; /* likewise; empty: Janus wants none */
    char node[NODE_NAME_BYTES_MAX + 1];     /* the Janus that it runs in */
    uint64_t has_code; /* a room of people: who may ask for it is not everybody */
    uint64_t in_janus; /* 1: it is there; of one with a code 0 or 2: nobody is in it */
};

/* Draws an id, which is all but never taken, and a secret. */
void room_draw(struct room *room);
/* And the pin, which each room with a code has. */
void room_draw_janus_pin(struct room *room);

#endif
