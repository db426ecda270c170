/* A bounded table of fixed-size values by fixed-size keys; the entry used longest ago makes place.
 *
 * Everything a peer can make grow and that may be forgotten lives in one: caches, limiters. Find,
 * put and remove take constant time. The hash is keyed (SipHash), so that nobody can choose his
 * bucket. The tables are allocated whole, but pages that were never used cost no memory. Not
 * thread-safe. */
#ifndef LYNKS_PROTO_BASE_LRU_H
#define LYNKS_PROTO_BASE_LRU_H

#include "proto/base/base.h"

struct lru;

/* entries_max: 1..2^31. */
struct lru *lru_new(size_t key_bytes, size_t value_bytes, size_t entries_max);
void lru_free(struct lru **lru); /* wipes the values */

/* Values stay where they are until they are removed or make place. */
void *lru_find(struct lru *lru, const void *key); /* NULL if it is not there; counts as a use */
const void *lru_peek(const struct lru *lru, const void *key); /* likewise, but is no use */
/* Finds or adds (zeroed); *ret_added tells. A use. */
void *lru_put(struct lru *lru, const void *key, bool *ret_added);
void lru_remove(struct lru *lru, const void *key);

size_t lru_count(const struct lru *lru);
bool lru_is_full(const struct lru *lru);
/* The value that makes place next, and its key; NULL if there is none. */
void *lru_oldest(struct lru *lru, const void **ret_key);

#endif
