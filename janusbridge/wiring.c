#include "janusbridge/wiring.h"

#include "proto/base/log.h"

static const char *const callers[] = {"roomsvc", "gateway", NULL};

static bool set_up_janus(struct wiring *w, const struct janusbridge_config *config)
{
    struct service *service = w->service;
    const char *why = "";
    const struct janus_http_config http = config_http(config);
    w->http = janus_http_new(service_loop(service), service_metrics(service), &http, &why);
    if (w->http == NULL) {
        log_error("janus cannot be used (LYNKS_JANUS_URL, LYNKS_JANUS_CA_FILE)", LOG_Z("why", why));
        return false;
    }
    w->transport = janus_http_transport(w->http);
    w->fence = fenced_transport_new(&w->transport, service_clock(service));
    w->fenced = fenced_transport_transport(w->fence);
    const struct janus_session_parts session = {.transport = &w->fenced,
                                                .clock = service_clock(service),
                                                .metrics = service_metrics(service),
                                                .health = service_health(service)};
    const struct janus_session_config session_config = config_session(config);
    w->session = janus_session_new(&session, &session_config);
    if (config->janus_pid_file[0] != '\0') {
        const struct janus_files_parts files = config_files(config, service);
        w->files = janus_files_new(&files);
    }
    return true;
}

static void tell_gateways(void *arg, const struct msg *hint)
{
    (void)bus_publisher_send(arg, hint);
}

static bool set_up_bridge(struct wiring *w, const struct janusbridge_config *config)
{
    struct service *service = w->service;
    const struct lease_parts lease = {.bus = service_bus(service),
                                      .clock = service_clock(service),
                                      .metrics = service_metrics(service),
                                      .health = service_health(service),
                                      .session = w->session};
    const struct lease_config lease_config = config_lease(config);
    w->lease = lease_new(&lease, &lease_config);
    fenced_transport_set(w->fence, w->lease);
    struct bridge_config bridge = config_bridge(config);
    bridge.lease = w->lease;
    bridge.bus = service_bus(service);
    bridge.health = service_health(service);
    if (!config_publish(config, service, &bridge)) {
        return false;
    }
    w->bridge = bridge_new(w->session, service_clock(service), service_metrics(service), &bridge);
    const struct rtc_parts rtc = {
        .session = w->session,
        .handles = bridge_handles(w->bridge),
        .clock = service_clock(service),
        .metrics = service_metrics(service),
        .bus = service_bus(service),
        .lease = w->lease,
        .hints = {.tell = bridge.publisher != NULL ? tell_gateways : NULL, .arg = bridge.publisher},
        .health = service_health(service)};
    const struct rtc_config rtc_config = config_rtc(config);
    w->rtc = rtc_new(&rtc, &rtc_config);
    w->handlers = (struct handlers){.bridge = w->bridge, .rtc = w->rtc};
    return true;
}

/* Asked when all calls in hand are answered: another bridge must not go on before that. */
static bool is_given_up(void *arg)
{
    struct lease *lease = arg;
    return lease_give_up(lease);
}

bool wiring_set_up(struct wiring *w, const struct janusbridge_config *config)
{
    w->service = service_new("janusbridge", &config->service);
    if (w->service == NULL ||
        !service_connect(w->service, SERVICE_ROOMSVC, config->roomsvc_address) ||
        !set_up_janus(w, config) || !set_up_bridge(w, config)) {
        return false;
    }
    if (!service_serve(w->service, &config->bind, callers, janusbridge_handlers, &w->handlers)) {
        return false;
    }
    service_on_drain(w->service, (struct service_drain){.is_done = is_given_up, .arg = w->lease});
    lease_start(w->lease);
    return true;
}

void wiring_free(struct wiring *w)
{
    janus_session_free(&w->session);
    lease_free(&w->lease);
    rtc_free(&w->rtc);
    bridge_free(&w->bridge);
    fenced_transport_free(&w->fence);
    janus_files_free(&w->files);
    janus_http_free(&w->http);
    service_free(&w->service);
}
