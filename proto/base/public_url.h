/* The address at which clients reach this service, from LYNKS_PUBLIC_URL: it alone decides URLs in
 * answers and which hosts are ours, never the Host header. */
#ifndef LYNKS_PROTO_BASE_PUBLIC_URL_H
#define LYNKS_PROTO_BASE_PUBLIC_URL_H

#include "proto/base/base.h"

#define PUBLIC_URL_HOST_BYTES 256

struct public_url {
    bool is_https;
    char host[PUBLIC_URL_HOST_BYTES]; /* in lower case; an IPv6 address without its brackets */
    uint16_t port;                    /* 0: the scheme's own */
};

/* http:// or https://, a host, and a port where it is not the scheme's own; a slash may follow,
 * nothing else. false: it is something else. */
bool public_url_parse(const char *text, struct public_url *ret_url);

/* What it is where nobody has set it: https://domain; without a domain http://host:port, with
 * 127.0.0.1 for a host that is a wildcard. domain may be empty, host is numeric. */
struct public_url public_url_default(const char *domain, const char *host, uint16_t port);

/* "https://meet.example.org:8443", without a slash at its end. The caller frees it. */
char *public_url_text(const struct public_url *url);

/* Is this a loopback address or localhost? */
bool public_url_is_loopback(const struct public_url *url);

/* May a request with this Host header be answered? Its host must be url's own, an IP literal or
 * localhost, which no name server can give to somebody else: what a page of another site reaches
 * under a name of its own (DNS rebinding) is none of these. The port does not matter. header may be
 * NULL: false. */
bool public_url_takes_host(const struct public_url *url, const char *header);

/* Does a Host header, which may be NULL, name this machine itself: a loopback address or localhost?
 */
bool public_url_host_is_loopback(const char *header);

/* Is this the origin (the header Origin, RFC 6454, section 7) of a page of ours? Only if it is url
 * itself, as browsers write it; while url is on loopback, localhost, 127.0.0.1 and [::1] at its
 * port are all ours. */
bool public_url_has_origin(const struct public_url *url, const char *origin);

#endif
