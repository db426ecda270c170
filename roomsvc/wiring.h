/* roomsvc's objects, wired: the service, the database, what is known of nodes, the rooms and how
 * they end. */
#ifndef LYNKS_ROOMSVC_WIRING_H
#define LYNKS_ROOMSVC_WIRING_H

#include "proto/db/db_pool.h"
#include "roomsvc/config.h"
#include "roomsvc/journal/room_news.h"
#include "roomsvc/presence/absences.h"
#include "roomsvc/presence/leftovers.h"
#include "roomsvc/presence/long_waits.h"
#include "roomsvc/presence/session_ends.h"
#include "roomsvc/presence/stream_key_ends.h"
#include "roomsvc/roomsvc.h"
#include "roomsvc/store/managed_store_mysql.h"
#include "roomsvc/store/out_store_mysql.h"
#include "roomsvc/store/rtc_store_mysql.h"

/* Freed with the database before the rooms, and both before the service. */
struct wiring {
    struct service *service;
    struct db_pool *db;
    struct db_pool *commands_db; /* of what may wait for a lock, which nothing else may wait for */
    struct room_news *news;
    struct node_fence *fence;
    struct managed_db managed;
    struct roomsvc roomsvc;
    struct room_life *life;
    struct room_ends *ends;
    struct room_enters *enters;
    struct removals *removals;
    struct out_db out_db;
    struct rtc_db rtc_db;
    struct absences *absences;
    struct session_ends *session_ends;
    struct take_outs *long_waits;
    struct take_outs *stream_key_ends;
    struct leftovers *leftovers;
};

/* False (logged) if anything fails; to be freed either way, before config. */
bool wiring_set_up(struct wiring *w, const struct roomsvc_config *config);
void wiring_free(struct wiring *w);

#endif
