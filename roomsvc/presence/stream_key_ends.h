/* A stream whose key's time is up is out within a second. Whoever removes a key takes it out at
 * once. */
#ifndef LYNKS_ROOMSVC_PRESENCE_STREAM_KEY_ENDS_H
#define LYNKS_ROOMSVC_PRESENCE_STREAM_KEY_ENDS_H

#include "roomsvc/presence/take_outs.h"

#define STREAM_KEY_ENDS_LOOK_MS 400

struct take_outs *stream_key_ends_new(const struct take_outs_parts *parts);

#endif
