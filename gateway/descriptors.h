/* How many clients this process has descriptors for. */
#ifndef LYNKS_GATEWAY_DESCRIPTORS_H
#define LYNKS_GATEWAY_DESCRIPTORS_H

#include "proto/base/base.h"

/* Raises the soft limit of open files (1,024 mostly) as far as clients need it and the hard limit
 * lets it; gives the limit as it is then. */
uint64_t descriptors_raise_limit(uint64_t clients);

/* Of this process, now; 0 if it cannot be told. */
uint64_t descriptors_count_open(void);

/* How many of the wanted clients there may be where limit files may be open and some are. What is
 * left to the process itself, for the bus, the ops listener, names and connections that are being
 * closed, is DESCRIPTORS_OWN, or a quarter of a limit that has no room for so many; 8 at least. At
 * least one client is let in. */
#define DESCRIPTORS_OWN 512
uint64_t descriptors_for_clients(uint64_t wanted, uint64_t limit, uint64_t open);

#endif
