/* The first look at bytes from a peer, before msgpack-c sees them: msgpack-c believes counts (a
 * 5-byte array header makes it allocate 2 GiB) and passes over trailing bytes.
 *
 * Allocates nothing, does not recurse, looks at each byte at most once. */
#ifndef LYNKS_PROTO_SCHEMA_PRESCAN_H
#define LYNKS_PROTO_SCHEMA_PRESCAN_H

#include "proto/base/base.h"

#define PRESCAN_DEPTH_MAX 8    /* containers inside each other */
#define PRESCAN_ITEMS_MAX 8448 /* objects in all; msgpack-c needs 24 bytes for each */

/* Is data exactly one complete msgpack object, within these limits, and nothing after it? */
bool prescan_is_sound(struct str data);

#endif
