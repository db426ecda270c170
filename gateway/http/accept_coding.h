/* What a client says of compressed answers: Accept-Encoding (RFC 9110, section 12.5.3). */
#ifndef LYNKS_GATEWAY_HTTP_ACCEPT_CODING_H
#define LYNKS_GATEWAY_HTTP_ACCEPT_CODING_H

#include "proto/base/base.h"

/* May the answer come as gzip? header NULL: there is no such field. What cannot be read is no. */
bool accept_coding_takes_gzip(const char *header);

#endif
