#include "janusbridge/parts.h"

#include "proto/base/log.h"

static const char *const callers[] = {"roomsvc", NULL};

static bool set_up_janus(struct parts *parts, const struct janusbridge_config *config)
{
    struct service *service = parts->service;
    const char *why = "";
    const struct janus_http_config http = config_http(config);
    parts->http = janus_http_new(service_loop(service), service_metrics(service), &http, &why);
    if (parts->http == NULL) {
        log_error("janus cannot be used (LYNKS_JANUS_URL, LYNKS_JANUS_CA_FILE)", LOG_Z("why", why));
        return false;
    }
    parts->transport = janus_http_transport(parts->http);
    parts->guard = fenced_transport_new(&parts->transport, service_clock(service));
    parts->guarded = fenced_transport_transport(parts->guard);
    const struct janus_session_parts session = {.transport = &parts->guarded,
                                                .clock = service_clock(service),
                                                .metrics = service_metrics(service),
                                                .health = service_health(service)};
    const struct janus_session_config session_config = config_session(config);
    parts->session = janus_session_new(&session, &session_config);
    return true;
}

static bool set_up_bridge(struct parts *parts, const struct janusbridge_config *config)
{
    struct service *service = parts->service;
    const struct lease_parts lease = {.bus = service_bus(service),
                                      .clock = service_clock(service),
                                      .metrics = service_metrics(service),
                                      .health = service_health(service),
                                      .session = parts->session};
    const struct lease_config lease_config = config_lease(config);
    parts->lease = lease_new(&lease, &lease_config);
    fenced_transport_set(parts->guard, parts->lease);
    struct bridge_config bridge = config_bridge(config);
    bridge.lease = parts->lease;
    bridge.bus = service_bus(service);
    if (!config_publish(config, service, &bridge)) {
        return false;
    }
    parts->bridge =
        bridge_new(parts->session, service_clock(service), service_metrics(service), &bridge);
    return true;
}

/* Asked for when all calls in hand are answered: then, and not before, another may go on. */
static bool is_given_up(void *arg)
{
    struct lease *lease = arg;
    return lease_give_up(lease);
}

bool parts_set_up(struct parts *parts, const struct janusbridge_config *config)
{
    parts->service = service_new("janusbridge", &config->service);
    if (parts->service == NULL ||
        !service_connect(parts->service, SERVICE_ROOMSVC, config->roomsvc_address) ||
        !set_up_janus(parts, config) || !set_up_bridge(parts, config)) {
        return false;
    }
    if (!service_serve(parts->service, &config->bind, callers, bridge_handlers, parts->bridge)) {
        return false;
    }
    service_on_drain(parts->service,
                     (struct service_drain){.is_done = is_given_up, .arg = parts->lease});
    lease_start(parts->lease);
    return true;
}

void parts_free(struct parts *parts)
{
    janus_session_free(&parts->session);
    lease_free(&parts->lease);
    bridge_free(&parts->bridge);
    fenced_transport_free(&parts->guard);
    janus_http_free(&parts->http);
    service_free(&parts->service);
}
