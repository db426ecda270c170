#include "janusbridge/config.h"
#include "proto/log.h"

/* Asking Janus to destroy the session is bounded by its own time-out; this is for a loop gone
 * wrong. */
#define CLOSE_TIMEOUT_MS 11000

static const char *const callers[] = {"roomsvc", NULL};

/* In reverse: the session answers whoever waits in the bridge, and uses http until it is closed. */
struct parts {
    struct service *service;
    struct janus_http *http;
    struct janus_transport transport;
    struct janus_session *session;
    struct bridge *bridge;
};

static bool set_up(struct parts *parts, const struct janusbridge_config *config)
{
    const char *why = "";
    parts->service = service_new("janusbridge", &config->service);
    if (parts->service == NULL ||
        !service_connect(parts->service, SERVICE_ROOMSVC, config->roomsvc_address)) {
        return false;
    }
    const struct janus_http_config http = config_http(config);
    parts->http =
        janus_http_new(service_loop(parts->service), service_metrics(parts->service), &http, &why);
    if (parts->http == NULL) {
        log_error("janus cannot be used (LYNKS_JANUS_URL, LYNKS_JANUS_CA_FILE)", LOG_Z("why", why));
        return false;
    }
    parts->transport = janus_http_transport(parts->http);
    const struct janus_session_parts session = {.transport = &parts->transport,
                                                .clock = service_clock(parts->service),
                                                .metrics = service_metrics(parts->service),
                                                .health = service_health(parts->service)};
    const struct janus_session_config session_config = config_session(config);
    parts->session = janus_session_new(&session, &session_config);
    struct bridge_config bridge = config_bridge(config, service_bus(parts->service));
    if (!config_publish(config, parts->service, &bridge)) {
        return false;
    }
    parts->bridge = bridge_new(parts->session, service_clock(parts->service),
                               service_metrics(parts->service), &bridge);
    janus_session_start(parts->session);
    return service_serve(parts->service, &config->bind, callers, bridge_handlers, parts->bridge);
}

static bool is_closed(void *session)
{
    return janus_session_is_closed(session);
}

int main(int argc, char **argv)
{
    struct janusbridge_config config = {0};
    struct parts parts = {0};
    enum config_outcome outcome =
        config_load(&config, "janusbridge", janusbridge_options, argc, argv);
    if (outcome != CONFIG_RUN) {
        return outcome == CONFIG_EXIT_OK ? 0 : 2;
    }
    const bool is_up = set_up(&parts, &config);
    const int exit_code = is_up ? service_run(parts.service) : 1;
    if (is_up) {
        janus_session_close(parts.session);
        loop_run_until(service_loop(parts.service), is_closed, parts.session, CLOSE_TIMEOUT_MS);
    }
    janus_session_free(&parts.session);
    bridge_free(&parts.bridge);
    janus_http_free(&parts.http);
    service_free(&parts.service);
    config_free(&config, janusbridge_options);
    return exit_code;
}
