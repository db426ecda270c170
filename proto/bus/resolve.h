/* Service addresses, "host:port[,host:port...]": their text, and sets of endpoints. Plain values;
 * resolver.h keeps names looked up. */
#ifndef LYNKS_PROTO_BUS_RESOLVE_H
#define LYNKS_PROTO_BUS_RESOLVE_H

#include "proto/base/err.h"

#define RESOLVE_HOSTS_MAX 64
#define RESOLVE_SET_MAX 64
#define RESOLVE_HOST_BYTES_MAX 253 /* RFC 1035 */
#define RESOLVE_TEXT_BYTES 80      /* "tcp://[v6 address%interface]:65535" */

/* One "host:port". */
struct resolve_host {
    char name[RESOLVE_HOST_BYTES_MAX + 1]; /* without the brackets of IPv6 */
    uint16_t port;
    bool is_numeric; /* an address: needs no look-up */
};

/* Endpoints or bare addresses: sorted, without duplicates. What does not fit is left out, always
 * the same ones for the same input, so that a set does not change from one look-up to the next. */
struct resolve_set {
    size_t count;
    char items[RESOLVE_SET_MAX][RESOLVE_TEXT_BYTES];
};

/* Reads the next "host:port" of *address and moves it on past the comma; *address is NULL after the
 * last. IPv6 addresses stand in brackets. ERR_BAD_REQUEST: malformed. */
enum err resolve_next_host(const char **address, struct resolve_host *ret_host);

/* Adds the address that text is a number of, in its usual spelling; false if it is a name. */
bool resolve_number(const char *text, struct resolve_set *set);

void resolve_set_add(struct resolve_set *set, const char *item);
bool resolve_set_has(const struct resolve_set *set, const char *item);
bool resolve_set_is_equal(const struct resolve_set *a, const struct resolve_set *b);
/* Adds "tcp://address:port" for each address. */
void resolve_set_add_endpoints(struct resolve_set *set, const struct resolve_set *addresses,
                               uint16_t port);

#endif
