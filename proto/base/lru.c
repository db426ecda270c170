#include "proto/base/lru.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/* Indexes are one more than the place in the array: 0 is none, and fresh pages are zero. */
#define NONE 0

struct links {
    uint32_t chain;            /* next in the bucket, or next free one */
    uint32_t newer, older;     /* order of use */
} __attribute__((aligned(8))); /* the key follows, and may be read as a number */

struct lru {
    size_t key_bytes, entry_bytes;
    size_t value_offset;
    uint32_t max, made, count;
    uint32_t bucket_mask;
    uint32_t *buckets;
    char *entries; /* struct links, key, value */
    uint32_t free_entry, newest, oldest;
    unsigned char salt[crypto_shorthash_KEYBYTES];
};

static struct links *links_at(const struct lru *lru, uint32_t at)
{
    return (struct links *)(void *)(lru->entries + (size_t)(at - 1) * lru->entry_bytes);
}

static char *key_at(const struct lru *lru, uint32_t at)
{
    return (char *)links_at(lru, at) + sizeof(struct links);
}

static void *value_at(const struct lru *lru, uint32_t at)
{
    return (char *)links_at(lru, at) + lru->value_offset;
}

static size_t round_up(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static void *map(size_t count, size_t bytes)
{
    size_t all;
    bool overflow = __builtin_mul_overflow(count, bytes, &all);
    assert(!overflow);
    (void)overflow;
    return mem_alloc(all);
}

struct lru *lru_new(size_t key_bytes, size_t value_bytes, size_t entries_max)
{
    assert(entries_max >= 1 && entries_max <= (size_t)1 << 31);
    struct lru *lru = mem_alloc(sizeof(*lru));
    uint32_t buckets = 16;
    while (buckets < entries_max) {
        buckets *= 2;
    }
    lru->key_bytes = key_bytes;
    lru->value_offset = round_up(sizeof(struct links) + key_bytes);
    lru->entry_bytes = lru->value_offset + round_up(value_bytes);
    lru->max = (uint32_t)entries_max;
    lru->bucket_mask = buckets - 1;
    lru->buckets = map(buckets, sizeof(*lru->buckets));
    lru->entries = map(entries_max, lru->entry_bytes);
    randombytes_buf(lru->salt, sizeof(lru->salt));
    return lru;
}

void lru_free(struct lru **lru_ref)
{
    struct lru *lru = *lru_ref;
    if (lru == NULL) {
        return;
    }
    sodium_memzero(lru->entries, (size_t)lru->made * lru->entry_bytes);
    free(lru->entries);
    free(lru->buckets);
    mem_free(lru_ref);
}

static uint32_t *lru_bucket(const struct lru *lru, const void *key)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, key, lru->key_bytes, lru->salt);
    return &lru->buckets[hash & lru->bucket_mask];
}

static uint32_t lru_place(const struct lru *lru, const void *key)
{
    uint32_t at = *lru_bucket(lru, key);
    while (at != NONE && memcmp(key_at(lru, at), key, lru->key_bytes) != 0) {
        at = links_at(lru, at)->chain;
    }
    return at;
}

static void unlink_use(struct lru *lru, uint32_t at)
{
    const struct links *links = links_at(lru, at);
    *(links->newer == NONE ? &lru->newest : &links_at(lru, links->newer)->older) = links->older;
    *(links->older == NONE ? &lru->oldest : &links_at(lru, links->older)->newer) = links->newer;
}

static void link_newest(struct lru *lru, uint32_t at)
{
    struct links *links = links_at(lru, at);
    links->newer = NONE;
    links->older = lru->newest;
    *(lru->newest == NONE ? &lru->oldest : &links_at(lru, lru->newest)->newer) = at;
    lru->newest = at;
}

static void use(struct lru *lru, uint32_t at)
{
    if (lru->newest != at) {
        unlink_use(lru, at);
        link_newest(lru, at);
    }
}

static void remove_at(struct lru *lru, uint32_t at)
{
    uint32_t *place = lru_bucket(lru, key_at(lru, at));
    while (*place != at) {
        place = &links_at(lru, *place)->chain;
    }
    *place = links_at(lru, at)->chain;
    unlink_use(lru, at);
    sodium_memzero(key_at(lru, at), lru->entry_bytes - sizeof(struct links));
    links_at(lru, at)->chain = lru->free_entry;
    lru->free_entry = at;
    lru->count--;
}

static uint32_t take_entry(struct lru *lru)
{
    if (lru->free_entry == NONE && lru->made < lru->max) {
        return ++lru->made;
    }
    if (lru->free_entry == NONE) {
        remove_at(lru, lru->oldest);
    }
    uint32_t at = lru->free_entry;
    lru->free_entry = links_at(lru, at)->chain;
    return at;
}

void *lru_find(struct lru *lru, const void *key)
{
    uint32_t at = lru_place(lru, key);
    if (at == NONE) {
        return NULL;
    }
    use(lru, at);
    return value_at(lru, at);
}

const void *lru_peek(const struct lru *lru, const void *key)
{
    uint32_t at = lru_place(lru, key);
    return at == NONE ? NULL : value_at(lru, at);
}

void *lru_put(struct lru *lru, const void *key, bool *ret_added)
{
    uint32_t at = lru_place(lru, key);
    *ret_added = at == NONE;
    if (at != NONE) {
        use(lru, at);
        return value_at(lru, at);
    }
    at = take_entry(lru);
    memcpy(key_at(lru, at), key, lru->key_bytes);
    uint32_t *bucket = lru_bucket(lru, key);
    links_at(lru, at)->chain = *bucket;
    *bucket = at;
    link_newest(lru, at);
    lru->count++;
    return value_at(lru, at);
}

void lru_remove(struct lru *lru, const void *key)
{
    uint32_t at = lru_place(lru, key);
    if (at != NONE) {
        remove_at(lru, at);
    }
}

size_t lru_count(const struct lru *lru)
{
    return lru->count;
}

bool lru_is_full(const struct lru *lru)
{
    return lru->count == lru->max;
}

void *lru_oldest(struct lru *lru, const void **ret_key)
{
    if (lru->oldest == NONE) {
        return NULL;
    }
    *ret_key = key_at(lru, lru->oldest);
    return value_at(lru, lru->oldest);
}
