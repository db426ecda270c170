/* The bridge's parts, wired: the way to Janus, the guard on it, the session, the lease, the bus. */
#ifndef LYNKS_JANUSBRIDGE_PARTS_H
#define LYNKS_JANUSBRIDGE_PARTS_H

#include "janusbridge/config.h"
#include "janusbridge/lease/fenced_transport.h"

/* Freed from the session on, which answers whoever waits in the bridge. */
struct parts {
    struct service *service;
    struct janus_http *http;
    struct janus_transport transport, guarded;
    struct fenced_transport *guard;
    struct janus_session *session;
    struct lease *lease;
    struct bridge *bridge;
};

/* False (logged) if anything fails; to be freed either way, before config. */
bool parts_set_up(struct parts *parts, const struct janusbridge_config *config);
void parts_free(struct parts *parts);

#endif
