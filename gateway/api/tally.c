#include "gateway/api/tally.h"

#include <assert.h>

#include "proto/base/lru.h"

struct tally {
    struct lru *counts; /* key -> how many (uint64_t) */
    uint64_t each_max;
};

struct tally *tally_new(size_t key_bytes, size_t keys_max, uint64_t each_max)
{
    struct tally *tally = mem_alloc(sizeof(*tally));
    tally->counts = lru_new(key_bytes, sizeof(uint64_t), keys_max);
    tally->each_max = each_max;
    return tally;
}

void tally_free(struct tally **tally)
{
    if (*tally != NULL) {
        lru_free(&(*tally)->counts);
        mem_free(tally);
    }
}

bool tally_add(struct tally *tally, const void *key)
{
    bool added;
    if (lru_peek(tally->counts, key) == NULL && lru_is_full(tally->counts)) {
        return false;
    }
    uint64_t *count = lru_put(tally->counts, key, &added);
    if (*count >= tally->each_max) {
        return false;
    }
    ++*count;
    return true;
}

void tally_take_back(struct tally *tally, const void *key)
{
    uint64_t *count = lru_find(tally->counts, key);
    assert(count != NULL);
    if (--*count == 0) {
        lru_remove(tally->counts, key);
    }
}
