/* Calls that wait until their room is back in Janus; each at most until its deadline. Lives on the
 * loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_ROOM_WAITS_H
#define LYNKS_JANUSBRIDGE_ROOMS_ROOM_WAITS_H

#include "proto/bus/call.h"

/* ERR_OK: the call goes on. ERR_DEADLINE: it has waited long enough. */
typedef void room_waits_fn(void *arg, struct call *call, enum err err);

struct room_waits;

/* clock is borrowed. At most waits_max calls wait. */
struct room_waits *room_waits_new(const struct clock *clock, size_t waits_max, room_waits_fn *fn,
                                  void *arg);
void room_waits_free(struct room_waits **waits); /* nobody may wait any more */

/* ERR_OK: fn is called exactly once, later. ERR_OVERLOADED, ERR_DEADLINE (it has passed already):
 * it is not. */
enum err room_waits_add(struct room_waits *waits, struct call *call, uint64_t room_id);
void room_waits_wake(struct room_waits *waits, uint64_t room_id); /* those who wait for it */
void room_waits_wake_all(struct room_waits *waits);
size_t room_waits_count(const struct room_waits *waits);

#endif
