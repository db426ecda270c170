/* The messages that roomsvc serves and the events that it hears, and the parts that they go to. */
#ifndef LYNKS_ROOMSVC_ROOMSVC_H
#define LYNKS_ROOMSVC_ROOMSVC_H

#include "proto/process/service.h"
#include "roomsvc/follow/follow.h"
#include "roomsvc/node/nodes.h"
#include "roomsvc/presence/presence_reports.h"
#include "roomsvc/participant/journal_reads.h"
#include "roomsvc/participant/moderation_reads.h"
#include "roomsvc/participant/participants.h"
#include "roomsvc/room/managed_rooms.h"
#include "roomsvc/room/room_stats.h"
#include "roomsvc/room/rooms.h"
#include "roomsvc/rtc/rtc_rows.h"

struct roomsvc {
    struct rooms *rooms;
    struct managed_rooms *managed;
    struct participants *participants;
    struct journal_reads *reads;
    struct moderation_reads *moderation;
    struct follow *follow;
    struct nodes nodes;
    struct presence_reports *presence;
    struct rtc_rows *rtc;
    struct room_stats *stats;
};

extern const struct call_handler roomsvc_handlers[]; /* of a struct roomsvc */

/* Hears the bridges that publish at address (host:port[,host:port...]; empty: none) from now on;
 * false (logged) if it is malformed. */
bool roomsvc_subscribe(struct roomsvc *roomsvc, struct service *service, const char *address);

#endif
