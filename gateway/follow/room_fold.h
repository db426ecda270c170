/* How a room is: itself, and who is in it or waits to be let in; copies of what roomsvc has told.
 * Events change it. Each carries the whole of what it is about, so that applying one twice, or one
 * that the state knows of already, does no harm once those after it are applied, too. Knows neither
 * bus nor clock. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_FOLD_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_FOLD_H

#include "proto/schema/msg.h"

struct room_fold;

struct room_fold *room_fold_new(void); /* knows nothing yet */
void room_fold_free(struct room_fold **fold);
void room_fold_clear(struct room_fold *fold); /* as at first */

void room_fold_set_room(struct room_fold *fold, const struct msg_room *room);
/* Is in, waits, or has changed. */
void room_fold_put(struct room_fold *fold, const struct msg_participant *participant);
void room_fold_apply(struct room_fold *fold, const struct msg_room_event *event);

/* Views are good until the fold is changed. */
const struct msg_room *room_fold_room(const struct room_fold *fold); /* NULL: not known */
const struct msg_participant *room_fold_find(const struct room_fold *fold, uint64_t id);
size_t room_fold_count(const struct room_fold *fold); /* who are in, or wait: see their states */
/* Ascending by id; i is below the count. */
const struct msg_participant *room_fold_at(const struct room_fold *fold, size_t i);

#endif
