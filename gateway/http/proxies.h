/* Whose word about a client's address is believed. A proxy appends the address of its peer to
 * X-Forwarded-For, so what stands furthest right was written by the nearest hop; everything left of
 * the first address that is not a trusted proxy's can be made up by the client. */
#ifndef LYNKS_GATEWAY_HTTP_PROXIES_H
#define LYNKS_GATEWAY_HTTP_PROXIES_H

#include "proto/base/base.h"

struct proxies;

/* list: IPv4 and IPv6 addresses and CIDR blocks, separated by commas; may be empty. NULL if it is
 * malformed; then *ret_bad is the entry. */
struct proxies *proxies_new(const char *list, struct str *ret_bad);
void proxies_free(struct proxies **proxies);

bool proxies_has(const struct proxies *proxies, const uint8_t address[16]);

/* One X-Forwarded-For line; lines are given from the last to the first. address is the nearest hop
 * known so far (the peer, to begin with) and is moved along trusted hops. false: this is the
 * client's, look no further. */
bool proxies_follow(const struct proxies *proxies, struct str line, uint8_t address[16]);

#endif
