/* The variables of lynks-roomsvc. */
#ifndef LYNKS_ROOMSVC_CONFIG_H
#define LYNKS_ROOMSVC_CONFIG_H

#include "proto/db/db.h"
#include "proto/process/service.h"

struct roomsvc_config {
    struct service_config service;
    struct service_bind_config bind;
    char *events_bind;
    struct db_config db;
    uint64_t db_threads;
    uint64_t db_queue_max;
    char *janusbridge_address;
    char *janusbridge_events;
    uint64_t standard_room;
    char *room_node;
    uint64_t publishers_max;
    uint64_t rooms_max;
    uint64_t user_rooms_max;
    uint64_t members_max;
    uint64_t address_participants_max;
    uint64_t user_participants_max;
    uint64_t room_idle_s;
    uint64_t room_cache_max;
    uint64_t room_cache_ms;
    uint64_t away_s;
};

extern const struct config_option roomsvc_options[];

#endif
