/* Times as clients write them (RFC 3339). */
#ifndef LYNKS_GATEWAY_HTTP_TIMESTAMP_H
#define LYNKS_GATEWAY_HTTP_TIMESTAMP_H

#include "proto/base/base.h"

/* "2026-11-29T01:02:03Z", with a part of a second or not, in UTC or with an offset; of leap seconds
 * none. Cut to milliseconds, from 1970 on. false: it is no such time. */
bool timestamp_read(struct str text, uint64_t *ret_unix_ms);

#endif
