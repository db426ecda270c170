/* The target of a request: what stands between its method and its version (RFC 9112, section 3.2).
 */
#ifndef LYNKS_PROTO_HTTP_HTTP_TARGET_H
#define LYNKS_PROTO_HTTP_HTTP_TARGET_H

#include "proto/base/base.h"

/* Views into the target; but the path of one that has none is a literal "/". Path and query end
 * where the target, or its part before the "?", ends. */
struct http_target {
    struct str authority; /* of an absolute one, http://authority/path; else data is NULL */
    struct str path;
    struct str query; /* after the "?"; data is NULL if there is none */
};

/* A target of any other form is a path as it stands. false: it is absolute, and has no host or a
 * broken one. */
bool http_target_read(struct str target, struct http_target *ret_target);

/* Can this be the value of Host, a host and perhaps a port? It is only looked at for characters
 * that none has. It may be empty. */
bool http_is_host(struct str s);

#endif
