/* How many of something each has: streams of a user, of a participant, of an address. */
#ifndef LYNKS_GATEWAY_API_TALLY_H
#define LYNKS_GATEWAY_API_TALLY_H

#include "proto/base/base.h"

struct tally;

/* keys_max: who may have any at a time; each_max: how many, 1 at least. */
struct tally *tally_new(size_t key_bytes, size_t keys_max, uint64_t each_max);
void tally_free(struct tally **tally);

/* One more. false: he has each_max, or too many others have some. */
bool tally_add(struct tally *tally, const void *key);
/* One less of one that was added. */
void tally_take_back(struct tally *tally, const void *key);

#endif
