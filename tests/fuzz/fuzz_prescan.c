/* The first look at a frame, and that msgpack-c agrees with it: what is sound here unpacks there.
 *
 * Aims at: proto/schema/prescan.c
 * Dictionary: schema */
#include "proto/schema/prescan.h"

#include <msgpack.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct str frame = {.data = (const char *)data, .bytes = bytes};
    if (!prescan_is_sound(frame)) {
        return 0;
    }
    msgpack_zone zone;
    if (!msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE)) {
        abort();
    }
    msgpack_object root;
    size_t offset = 0;
    if (msgpack_unpack(frame.data, frame.bytes, &offset, &zone, &root) != MSGPACK_UNPACK_SUCCESS ||
        offset != bytes) {
        abort();
    }
    msgpack_zone_destroy(&zone);
    return 0;
}
