/* room_create        makes the standard room or a fresh one
 * room_participants  who publishes in a room
 * node_renew         takes or keeps the lease of a Janus node
 * node_rooms         the rooms that a node has to have */
#include "roomsvc/roomsvc.h"

#include "roomsvc/room/room_create.h"
#include "roomsvc/room/room_list.h"

static void on_room_create(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    room_create(roomsvc->rooms, call);
}

static void on_room_participants(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    room_list(roomsvc->rooms, call);
}

static void on_node_renew(void *service, struct call *call)
{
    struct roomsvc *roomsvc = service;
    nodes_renew(&roomsvc->nodes, call);
}

static void on_node_rooms(void *service, struct call *call)
{
    struct roomsvc *roomsvc = service;
    nodes_rooms(&roomsvc->nodes, call);
}

const struct call_handler roomsvc_handlers[] = {
    {MSG_room_create, on_room_create},
    {MSG_room_participants, on_room_participants},
    {MSG_node_renew, on_node_renew},
    {MSG_node_rooms, on_node_rooms},
    {MSG_NONE, NULL},
};
