/* What a room is like, and how that is changed: pure functions. */
#ifndef LYNKS_ROOMSVC_RULES_ROOM_OPTIONS_H
#define LYNKS_ROOMSVC_RULES_ROOM_OPTIONS_H

#include "proto/base/err.h"
#include "roomsvc/rules/managed_room.h"

#define ROOM_EMPTY_TIMEOUT_S 300 /* where nothing is said */

/* A room that is made without any option. */
struct managed_room room_options_default(uint64_t publishers_max);

/* Takes over the options that are there; room knows the time. ERR_WRONG_MEMBER: one cannot be (a
 * name that is no label, a pin of anything but 4 to 32 digits, a time that has passed, more
 * publishers than publishers_max), and room is as it was. Whether the pin is another one the caller
 * sees from has_pin of options. */
enum err room_options_apply(const struct msg_room_options *options, uint64_t publishers_max,
                            struct managed_room *room);

/* Are locked and lobby all that is changed? */
bool room_options_only_guard(const struct msg_room_options *options);

/* Is there anything in which the rooms differ, but for their pins? */
bool room_options_differ(const struct managed_room *a, const struct managed_room *b);

/* Salts and hashes a pin. A pin is short: who has the hash finds it; so it is no password, and
 * attempts are limited. */
void room_pin_make(struct str pin, unsigned char ret_stored[ROOM_PIN_BYTES]);
/* Is it the one that was stored? */
bool room_pin_is(struct str pin, const unsigned char stored[ROOM_PIN_BYTES]);

#endif
