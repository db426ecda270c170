/* Random numbers of the system, for what nobody may foresee or what must differ between processes.
 * What has to be the same in every run of a test takes a random_fn instead of calling this. */
#ifndef LYNKS_PROTO_BASE_RANDOM_H
#define LYNKS_PROTO_BASE_RANDOM_H

#include "proto/base/base.h"

/* Every value of 32 bits is as likely as any other. */
typedef uint32_t random_fn(void);

uint32_t random_u32(void);

#endif
