#include "roomsvc/config.h"

#define OPTION(member) offsetof(struct roomsvc_config, member)

const struct config_option roomsvc_options[] = {
    SERVICE_OPTIONS(struct roomsvc_config, service, "5802"),
    SERVICE_BIND_OPTIONS(struct roomsvc_config, bind, "tcp://127.0.0.1:5702"),
    {"LYNKS_EVENTS_BIND", CONFIG_STRING, OPTION(events_bind), "tcp://127.0.0.1:5712", 0, 255, NULL,
     "where what happens in rooms is published on the bus; empty: nowhere"},
    DB_OPTIONS(struct roomsvc_config, db),
    {"LYNKS_DB_THREADS", CONFIG_UINT, OPTION(db_threads), "2", 1, 32, NULL,
     "connections to the database, and as many more for commands on rooms of people"},
    {"LYNKS_DB_QUEUE_MAX", CONFIG_UINT, OPTION(db_queue_max), "4096", 1, 65536, NULL,
     "database jobs that may wait; more are refused"},
    {"LYNKS_JANUSBRIDGE_ADDRESS", CONFIG_STRING, OPTION(janusbridge_address), "127.0.0.1:5703", 1,
     1024, NULL, "where janusbridge is: host:port[,host:port...]"},
    {"LYNKS_JANUSBRIDGE_EVENTS", CONFIG_STRING, OPTION(janusbridge_events), "127.0.0.1:5713", 0,
     1024, NULL,
     "where janusbridge publishes: host:port[,host:port...]; empty: every list is asked for"},
    {"LYNKS_STANDARD_ROOM", CONFIG_UINT, OPTION(standard_room), "123456", 0, ROOM_ID_MAX, NULL,
     "the room that /create gives; 0 makes a fresh one each time, with an id nobody can guess"},
    {"LYNKS_ROOM_NODE", CONFIG_STRING, OPTION(room_node), "default", 1, 64, NULL,
     "the Janus node that new rooms go to, by its LYNKS_NODE; rooms that exist stay where they "
     "are"},
    {"LYNKS_PUBLISHERS_MAX", CONFIG_UINT, OPTION(publishers_max), "20", 1, PUBLISHERS_MAX, NULL,
     "how many may publish in a room at a time"},
    {"LYNKS_ROOMS_MAX", CONFIG_UINT, OPTION(rooms_max), "100000", 1, 10000000, NULL,
     "open rooms of /create; more are refused, but for the standard room"},
    {"LYNKS_USER_ROOMS_MAX", CONFIG_UINT, OPTION(user_rooms_max), "100", 1, 1000000, NULL,
     "rooms that a user may own; more are refused"},
    {"LYNKS_ROOM_MEMBERS_MAX", CONFIG_UINT, OPTION(members_max), "1000", 1, 1000000, NULL,
     "members of a room; more are refused"},
    {"LYNKS_ROOM_IDLE_S", CONFIG_UINT, OPTION(room_idle_s), "86400", 0, 31536000, NULL,
     "after which a room ends that nobody has asked for and nobody has been in, but for the "
     "standard room; 0: none ends"},
    {"LYNKS_ROOM_CACHE_MAX", CONFIG_UINT, OPTION(room_cache_max), "100000", 1, 10000000, NULL,
     "rooms kept in memory"},
    {"LYNKS_ROOM_CACHE_MS", CONFIG_UINT, OPTION(room_cache_ms), "60000", 0, 3600000, NULL,
     "before which a room kept in memory is looked up again (it is used meanwhile)"},
    {.name = NULL},
};
