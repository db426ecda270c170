#include "gateway/http/proxies.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* An address, with a port and brackets. */
#define HOP_BYTES_MAX 64

struct block {
    uint8_t address[16];
    unsigned bits; /* of the prefix, counted in IPv6 */
};

struct proxies {
    struct block *blocks;
    size_t count;
};

/* IPv4 becomes ::ffff:a.b.c.d. */
static bool parse_proxy_address(struct str s, uint8_t ret_address[16], bool *ret_is_v4)
{
    char text[HOP_BYTES_MAX];
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
    if (!str_copy(text, sizeof(text), s)) {
        return false;
    }
    *ret_is_v4 = inet_pton(AF_INET, text, address + 12) == 1;
    if (!*ret_is_v4 && inet_pton(AF_INET6, text, address) != 1) {
        return false;
    }
    memcpy(ret_address, address, 16);
    return true;
}

/* ---- the list ---- */

static bool parse_bits(struct str s, unsigned max, unsigned *ret_bits)
{
    unsigned bits = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' || i == 3) {
            return false;
        }
        bits = bits * 10 + (unsigned)(s.data[i] - '0');
    }
    *ret_bits = bits;
    return s.bytes > 0 && bits <= max;
}

static bool parse_block(struct str entry, struct block *ret_block)
{
    const char *slash = memchr(entry.data, '/', entry.bytes);
    struct str address = entry;
    bool is_v4;
    if (slash != NULL) {
        address.bytes = (size_t)(slash - entry.data);
    }
    if (!parse_proxy_address(address, ret_block->address, &is_v4)) {
        return false;
    }
    ret_block->bits = 128;
    if (slash == NULL) {
        return true;
    }
    struct str bits = {.data = slash + 1, .bytes = entry.bytes - address.bytes - 1};
    if (!parse_bits(bits, is_v4 ? 32 : 128, &ret_block->bits)) {
        return false;
    }
    ret_block->bits += is_v4 ? 96 : 0;
    return true;
}

struct proxies *proxies_new(const char *list, struct str *ret_bad)
{
    struct proxies *proxies = mem_alloc(sizeof(*proxies));
    for (const char *at = list; *at != '\0'; at += *at == ',') {
        size_t bytes = strcspn(at, ",");
        struct str entry = str_trim((struct str){.data = at, .bytes = bytes});
        struct block block;
        if (!parse_block(entry, &block)) {
            *ret_bad = entry;
            proxies_free(&proxies);
            return NULL;
        }
        proxies->blocks =
            mem_realloc_array(proxies->blocks, proxies->count + 1, sizeof(*proxies->blocks));
        proxies->blocks[proxies->count++] = block;
        at += bytes;
    }
    return proxies;
}

void proxies_free(struct proxies **proxies)
{
    if (*proxies != NULL) {
        free((*proxies)->blocks);
        mem_free(proxies);
    }
}

static bool is_in(const struct block *block, const uint8_t address[16])
{
    size_t whole = block->bits / 8;
    unsigned rest = block->bits % 8;
    if (memcmp(block->address, address, whole) != 0) {
        return false;
    }
    return rest == 0 || ((block->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool proxies_has(const struct proxies *proxies, const uint8_t address[16])
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (is_in(&proxies->blocks[i], address)) {
            return true;
        }
    }
    return false;
}

/* ---- hops ---- */

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80" */
static bool parse_hop(struct str hop, uint8_t ret_address[16])
{
    bool is_v4;
    if (hop.bytes > 0 && hop.data[0] == '[') {
        const char *end = memchr(hop.data, ']', hop.bytes);
        if (end == NULL) {
            return false;
        }
        hop = (struct str){.data = hop.data + 1, .bytes = (size_t)(end - hop.data) - 1};
        return parse_proxy_address(hop, ret_address, &is_v4);
    }
    const char *colon = hop.bytes > 0 ? memchr(hop.data, ':', hop.bytes) : NULL;
    if (colon != NULL && memrchr(hop.data, ':', hop.bytes) == colon) {
        hop.bytes = (size_t)(colon - hop.data);
    }
    return parse_proxy_address(hop, ret_address, &is_v4);
}

bool proxies_follow(const struct proxies *proxies, struct str line, uint8_t address[16])
{
    while (proxies_has(proxies, address)) {
        const char *comma = line.bytes > 0 ? memrchr(line.data, ',', line.bytes) : NULL;
        size_t before = comma == NULL ? 0 : (size_t)(comma - line.data) + 1;
        struct str hop = {.data = line.data + before, .bytes = line.bytes - before};
        if (!parse_hop(str_trim(hop), address)) {
            return false;
        }
        if (comma == NULL) {
            return true;
        }
        line.bytes = before - 1;
    }
    return false;
}
