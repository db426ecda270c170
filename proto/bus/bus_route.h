/* Rendezvous hashing (highest random weight; Thaler and Ravishankar, 1998): each key ranks the
 * endpoints in an order of its own, and goes to the first of them that can take it. When one comes
 * or goes, only the keys that have it first move.
 *
 * The same in every process and after every restart. Not keyed: who can choose keys can at worst
 * choose his replica. */
#ifndef LYNKS_PROTO_BUS_BUS_ROUTE_H
#define LYNKS_PROTO_BUS_BUS_ROUTE_H

#include "proto/base/base.h"

/* The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
static inline uint64_t bus_route_mix(uint64_t x)
{
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

/* Of a key or an endpoint's address. */
static inline uint64_t bus_route_hash(struct str text)
{
    uint64_t hash = bus_route_mix(text.bytes + 1);
    while (text.bytes > 0) {
        uint64_t word = 0;
        size_t bytes = text.bytes < sizeof(word) ? text.bytes : sizeof(word);
        memcpy(&word, text.data, bytes);
        hash = bus_route_mix(hash ^ word);
        text.data += bytes;
        text.bytes -= bytes;
    }
    return hash;
}

/* Of where a call belongs, by which endpoints remember it; 0 exactly of none. Two homes of a hash
 * would be taken for one; there are some dozens, and who runs the service names them. */
static inline uint64_t bus_route_home(struct str home)
{
    const uint64_t hash = bus_route_hash(home);
    return home.bytes == 0 ? 0 : hash != 0 ? hash : 1;
}

/* The endpoint with the highest weight for a key is the key's. */
static inline uint64_t bus_route_weight(uint64_t key_hash, uint64_t address_hash)
{
    return bus_route_mix(key_hash ^ address_hash);
}

#endif
