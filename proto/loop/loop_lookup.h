/* The addresses of a host name, looked up by c-ares on the loop: in /etc/hosts, then by DNS as
 * /etc/resolv.conf says, which is read anew for each look-up.
 *
 * No thread is needed, so a name server that is silent holds up neither another look-up nor the end
 * of the process. It has a few seconds a try and two tries, then the look-up has failed. Names that
 * only other sources of nsswitch.conf know (mDNS, LDAP) are not found. */
#ifndef LYNKS_PROTO_LOOP_LOOP_LOOKUP_H
#define LYNKS_PROTO_LOOP_LOOP_LOOKUP_H

#include "proto/loop/loop.h"

#define LOOP_LOOKUP_MAX 64    /* addresses that are told; what is over that is left out */
#define LOOP_ADDRESS_BYTES 64 /* an IPv6 address with its interface */

struct loop_address {
    char text[LOOP_ADDRESS_BYTES]; /* numeric */
};

/* failure: NULL, or why there are no addresses (static). All is borrowed until fn returns. May free
 * the look-up. */
typedef void loop_lookup_fn(void *arg, const char *failure, const struct loop_address *addresses,
                            size_t count);

struct loop_lookup;

/* Calls fn once, later. servers: "127.0.0.1:5353,..." instead of resolv.conf's, for tests; NULL:
 * resolv.conf's. Both strings are borrowed for this call only. */
struct loop_lookup *loop_lookup_new(struct loop *loop, const char *name, const char *servers,
                                    loop_lookup_fn *fn, void *arg);
void loop_lookup_free(struct loop_lookup **lookup); /* at any time; fn is not called any more */

#endif
