/* The bridge's objects, wired: the way to Janus, the fence on it, the session, the lease, the bus.
 */
#ifndef LYNKS_JANUSBRIDGE_WIRING_H
#define LYNKS_JANUSBRIDGE_WIRING_H

#include "janusbridge/config.h"
#include "janusbridge/handlers.h"
#include "janusbridge/lease/fenced_transport.h"

/* The session is freed first: that answers those who wait in the bridge. */
struct wiring {
    struct service *service;
    struct janus_http *http;
    struct janus_files *files; /* NULL: Janus' are not watched */
    struct janus_transport transport, fenced;
    struct fenced_transport *fence;
    struct janus_session *session;
    struct lease *lease;
    struct bridge *bridge;
    struct rtc *rtc;
    struct handlers handlers;
};

/* False (logged) if anything fails; to be freed either way, before config. */
bool wiring_set_up(struct wiring *w, const struct janusbridge_config *config);
void wiring_free(struct wiring *w);

#endif
