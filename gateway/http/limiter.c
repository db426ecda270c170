#include "gateway/http/limiter.h"

#include <sodium.h>
#include <stdlib.h>

/* Places that a key may be in: two cache lines. */
#define WAYS 8
#define MINUTE_US UINT64_C(60000000)

struct place {
    uint64_t hash;    /* of the key; stands for it */
    uint64_t full_us; /* when it has all attempts again; 0: free */
};

struct limiter {
    uint64_t interval_us; /* that earns one attempt */
    uint64_t burst_us;    /* that earns the burst */
    uint64_t set_mask;
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    struct place *places;
};

struct limiter *limiter_new(const struct limiter_config *config)
{
    struct limiter *limiter = mem_alloc(sizeof(*limiter));
    uint64_t sets = 1;
    while (sets * WAYS < config->keys_max) {
        sets *= 2;
    }
    limiter->interval_us = MINUTE_US / config->per_minute;
    limiter->burst_us = limiter->interval_us * config->burst;
    limiter->set_mask = sets - 1;
    limiter->places = mem_alloc(sets * WAYS * sizeof(*limiter->places));
    crypto_shorthash_keygen(limiter->hash_key);
    return limiter;
}

void limiter_free(struct limiter **limiter)
{
    if (*limiter != NULL) {
        free((*limiter)->places);
        mem_free(limiter);
    }
}

static uint64_t hash_of(const struct limiter *limiter, struct str key)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.data, key.bytes,
                     limiter->hash_key);
    return hash;
}

/* The key's place, or, if it has none, the place that it may take. */
static struct place *find_key_place(const struct limiter *limiter, uint64_t hash)
{
    struct place *set = &limiter->places[(hash & limiter->set_mask) * WAYS];
    struct place *best = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash && set[i].full_us != 0) {
            return &set[i];
        }
        if (set[i].full_us < best->full_us) {
            best = &set[i];
        }
    }
    return best;
}

/* The place in which an attempt is to be noted, and what with; NULL: none is left. */
static struct place *find_attempt(const struct limiter *limiter, struct str key, uint64_t now_ms,
                                  uint64_t *ret_wait_ms, struct place *ret_noted)
{
    uint64_t now_us = now_ms * 1000;
    uint64_t hash = hash_of(limiter, key);
    struct place *place = find_key_place(limiter, hash);
    bool known = place->hash == hash && place->full_us > now_us;
    uint64_t full_us = (known ? place->full_us : now_us) + limiter->interval_us;
    if (full_us > now_us + limiter->burst_us) {
        *ret_wait_ms = (full_us - now_us - limiter->burst_us + 999) / 1000;
        return NULL;
    }
    *ret_noted = (struct place){.hash = hash, .full_us = full_us};
    return place;
}

bool limiter_has(const struct limiter *limiter, struct str key, uint64_t now_ms,
                 uint64_t *ret_wait_ms)
{
    struct place noted;
    return find_attempt(limiter, key, now_ms, ret_wait_ms, &noted) != NULL;
}

bool limiter_take(struct limiter *limiter, struct str key, uint64_t now_ms, uint64_t *ret_wait_ms)
{
    struct place noted;
    struct place *place = find_attempt(limiter, key, now_ms, ret_wait_ms, &noted);
    if (place == NULL) {
        return false;
    }
    *place = noted;
    return true;
}

void limiter_give_back(struct limiter *limiter, struct str key)
{
    uint64_t hash = hash_of(limiter, key);
    struct place *place = find_key_place(limiter, hash);
    if (place->hash == hash && place->full_us > limiter->interval_us) {
        place->full_us -= limiter->interval_us;
    }
}
