/* Who can reach the API, by what its configuration says. All that depends on it asks here. */
#ifndef LYNKS_PROTO_BASE_REACH_H
#define LYNKS_PROTO_BASE_REACH_H

#include "proto/base/public_url.h"

/* The values of the variables; "" where one has none. All borrowed. */
struct reach {
    const char *http_host;       /* LYNKS_HTTP_HOST */
    const char *published;       /* LYNKS_HTTP_PUBLISHED */
    const char *public_url;      /* LYNKS_PUBLIC_URL */
    const char *domain;          /* LYNKS_DOMAIN */
    const char *trusted_proxies; /* LYNKS_TRUSTED_PROXIES */
};

/* An address and port, as those of a URL; false if published is no such. */
bool reach_read_published(const char *published, struct public_url *ret_url);

/* The address in which clients reach the API, as the configuration has it or implies. port: what is
 * listened on. A value that is malformed counts as none. */
struct public_url reach_url(const struct reach *reach, uint16_t port);

/* Can anybody beyond this machine reach the API? So it is taken to be where it is bound or
 * published beyond loopback, has a domain or a public URL of another host, or stands behind
 * proxies. A front that is a part of Lynks does not count. */
bool reach_is_by_others(const struct reach *reach);

#endif
