/* One observer's way from being wanted to being gone (observers.h), without what it hears. Belongs
 * to observers.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_OBSERVER_H
#define LYNKS_JANUSBRIDGE_ROOMS_OBSERVER_H

#include "janusbridge/rooms/feed.h"
#include "janusbridge/rooms/observers.h"
#include "janusbridge/rooms/room_state.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/lru.h"

enum observer_stage {
    OBSERVER_WAITING,
    OBSERVER_ATTACHING,
    OBSERVER_JOINING,
    OBSERVER_WATCHING,
    OBSERVER_ENDING, /* forgotten, but its handle is not gone yet */
    OBSERVER_GONE,   /* freed with its last user */
};

struct observer {
    struct observers *all;
    uint64_t room_id;
    uint64_t serial;             /* no other ever has it */
    uint64_t handle_id, feed_id; /* 0: not yet */
    char path[48];               /* of the handle */
    enum observer_stage stage;
    bool is_detached; /* Janus has no such handle any more */
    unsigned users;   /* requests under way that know it */
    uint64_t asked_ms;
    struct list_link link; /* among those that wait, or those that watch */

    struct room_state state;
    uint64_t whole_generation; /* of the feed, in which the state was taken over; 0: never */
    uint64_t base_generation;  /* in which the oldest base under way was asked for */
    uint64_t version;          /* counts what was heard */
    uint64_t audit_version;    /* at the start of the audit */
};

struct observers {
    struct observers_parts parts;
    struct observers_config config;
    struct feed *feed;
    struct lru *by_room;   /* room id -> struct observer * */
    struct lru *by_handle; /* handle id -> struct observer * */
    struct list_link waiting, watching;
    size_t making;
    uint64_t serials;
    uint64_t session_id;     /* that the handles belong to */
    struct observer *target; /* of the next pulse; NULL: any */
    struct observer *pulsed; /* of the pulse under way */
    uint64_t sweep_timer;
    size_t strays; /* being detached */
    struct log_gate gate;
    struct metric *there, *made, *lost, *senseless, *stray;
};

/* In observer.c */
struct observer *observer_find(struct lru *table, uint64_t id);
void observer_make(struct observers *all, uint64_t room_id);
void observer_start_waiting(struct observers *all);
/* It is forgotten at once; its handle is ended in Janus' time. */
void observer_end(struct observer *observer);
void observer_use(struct observer *observer);
void observer_leave(struct observer *observer); /* may free it */
void observers_tell(const struct observers *all, enum observed what, uint64_t room_id,
                    uint64_t publisher);

/* In observers.c: a base, from asking to answer. */
void observer_begin_base(struct observer *observer);
void observer_take_base(struct observer *observer, const uint64_t *ids, size_t count);
void observer_abandon_base(struct observer *observer);

#endif
