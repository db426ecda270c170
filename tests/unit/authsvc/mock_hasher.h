/* A hasher that remembers what it was asked last; the test gives the answers. */
#ifndef LYNKS_TESTS_UNIT_AUTHSVC_MOCK_HASHER_H
#define LYNKS_TESTS_UNIT_AUTHSVC_MOCK_HASHER_H

#include "authsvc/hash/hasher.h"

struct mock_hasher {
    enum err refuse; /* not ERR_OK: every call is refused with it */
    unsigned verifications;
    bool is_known; /* there was a stored one to verify with */
    char stored[PASSWORD_STORED_BYTES];
    char password[64];
    uint64_t deadline_ms;
    hasher_verified_fn *verified;
    unsigned hashes, rehashes;
    hasher_hashed_fn *hashed;
    void *arg;
};

struct hasher mock_hasher_hasher(struct mock_hasher *mock);

#endif
