#include "proto/schema/prescan.h"

/* What follows a head byte: `fixed` plus a big-endian number of length_bytes bytes says how many
 * bytes, items or pairs. See https://github.com/msgpack/msgpack/blob/master/spec.md */
struct head {
    enum { INVALID, BYTES, ITEMS, PAIRS } kind;
    uint8_t length_bytes;
    uint8_t fixed;
};

static const struct head heads_from_c0[] = {
    {BYTES, 0, 0},                                                /* nil */
    {INVALID, 0, 0},                                              /* c1: never used */
    {BYTES, 0, 0},   {BYTES, 0, 0},                               /* false, true */
    {BYTES, 1, 0},   {BYTES, 2, 0}, {BYTES, 4, 0},                /* bin 8, 16, 32 */
    {BYTES, 1, 1},   {BYTES, 2, 1}, {BYTES, 4, 1},                /* ext 8, 16, 32, and its type */
    {BYTES, 0, 4},   {BYTES, 0, 8},                               /* float 32, 64 */
    {BYTES, 0, 1},   {BYTES, 0, 2}, {BYTES, 0, 4}, {BYTES, 0, 8}, /* uint 8 to 64 */
    {BYTES, 0, 1},   {BYTES, 0, 2}, {BYTES, 0, 4}, {BYTES, 0, 8}, /* int 8 to 64 */
    {BYTES, 0, 2},   {BYTES, 0, 3}, {BYTES, 0, 5}, {BYTES, 0, 9},
    {BYTES, 0, 17},                                /* fixext 1 to 16 */
    {BYTES, 1, 0},   {BYTES, 2, 0}, {BYTES, 4, 0}, /* str 8, 16, 32 */
    {ITEMS, 2, 0},   {ITEMS, 4, 0},                /* array 16, 32 */
    {PAIRS, 2, 0},   {PAIRS, 4, 0},                /* map 16, 32 */
};
_Static_assert(ARRAY_LEN(heads_from_c0) == 0xe0 - 0xc0, "one row for each byte");

static struct head prescan_head_of(uint8_t first)
{
    if (first <= 0x7f || first >= 0xe0) {
        return (struct head){BYTES, 0, 0}; /* the integer is in the byte */
    }
    if (first <= 0x8f) {
        return (struct head){PAIRS, 0, first & 0x0f};
    }
    if (first <= 0x9f) {
        return (struct head){ITEMS, 0, first & 0x0f};
    }
    if (first <= 0xbf) {
        return (struct head){BYTES, 0, first & 0x1f};
    }
    return heads_from_c0[first - 0xc0];
}

/* Steps over one head and, if it is no container, its bytes. */
static bool step(struct str *rest, uint64_t *ret_children)
{
    if (rest->bytes == 0) {
        return false;
    }
    const struct head head = prescan_head_of((uint8_t)rest->data[0]);
    if (head.kind == INVALID || rest->bytes - 1 < head.length_bytes) {
        return false;
    }
    uint64_t length = 0;
    for (size_t i = 1; i <= head.length_bytes; i++) {
        length = length << 8 | (uint8_t)rest->data[i];
    }
    length += head.fixed;
    rest->data += 1 + head.length_bytes;
    rest->bytes -= 1U + head.length_bytes;
    if (head.kind != BYTES) {
        *ret_children = head.kind == PAIRS ? 2 * length : length;
        return true;
    }
    if (length > rest->bytes) {
        return false;
    }
    rest->data += length;
    rest->bytes -= length;
    *ret_children = 0;
    return true;
}

bool prescan_is_sound(struct str data)
{
    uint64_t to_come[PRESCAN_DEPTH_MAX + 1] = {
        1}; /* in each open container; the first is the frame */
    size_t depth = 0;
    uint64_t items = 1;
    for (;;) {
        while (to_come[depth] == 0) {
            if (depth == 0) {
                return data.bytes == 0;
            }
            depth--;
        }
        to_come[depth]--;
        uint64_t children;
        if (!step(&data, &children)) {
            return false;
        }
        if (children == 0) {
            continue;
        }
        items += children;
        /* Each child takes at least one byte, so a larger count is a lie. */
        if (children > data.bytes || items > PRESCAN_ITEMS_MAX || depth == PRESCAN_DEPTH_MAX) {
            return false;
        }
        to_come[++depth] = children;
    }
}
