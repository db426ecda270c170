#include "janusbridge/config.h"

/* Connections besides the calls': upkeep and the long poll. */
#define SPARE_CONNECTIONS 4

#define AT(member) offsetof(struct janusbridge_config, member)

const struct config_option janusbridge_options[] = {
    SERVICE_OPTIONS(struct janusbridge_config, service, "5803"),
    SERVICE_BIND_OPTIONS(struct janusbridge_config, bind, "tcp://127.0.0.1:5703"),
    {"LYNKS_NODE", CONFIG_STRING, AT(node), "default", 1, 64, NULL,
     "name of the Janus node behind this bridge"},
    {"LYNKS_ROOMSVC_ADDRESS", CONFIG_STRING, AT(roomsvc_address), "127.0.0.1:5702", 1, 1024, NULL,
     "where roomsvc is: host:port[,host:port...]"},
    {"LYNKS_JANUS_URL", CONFIG_STRING, AT(janus_url), "http://127.0.0.1:8088/janus", 8, 300, NULL,
     "base URL of Janus' HTTP API, http or https"},
    {"LYNKS_JANUS_CA_FILE", CONFIG_STRING, AT(janus_ca_file), "", 0, 4095, NULL,
     "PEM certificates to trust for https; empty: the system's"},
    {"LYNKS_JANUS_API_SECRET", CONFIG_SECRET, AT(janus_api_secret), "", 0, 128, NULL,
     "Janus' api_secret; empty: none"},
    {"LYNKS_JANUS_ADMIN_KEY", CONFIG_SECRET, AT(janus_admin_key), "", 0, 128, NULL,
     "admin_key of the VideoRoom plugin; empty: none"},
    {"LYNKS_JANUS_PID_FILE", CONFIG_STRING, AT(janus_pid_file), "", 0, 4095, NULL,
     "file with the process id of a Janus on this machine, whose descriptors are watched; empty: "
     "they are not"},
    {"LYNKS_JANUS_CONNECT_TIMEOUT_MS", CONFIG_UINT, AT(connect_timeout_ms), "500", 10, 10000, NULL,
     "bound on making a connection to Janus"},
    {"LYNKS_JANUS_CONTROL_TIMEOUT_MS", CONFIG_UINT, AT(control_timeout_ms), "1500", 10, 10000, NULL,
     "bound on each request of the session's own upkeep; Janus counts as away past it"},
    {"LYNKS_JANUS_KEEPALIVE_MS", CONFIG_UINT, AT(keepalive_ms), "500", 100, 30000, NULL,
     "pause between keepalives; shortened to a quarter of Janus' session timeout"},
    {"LYNKS_JANUS_BACKOFF_MIN_MS", CONFIG_UINT, AT(backoff_min_ms), "50", 1, 60000, NULL,
     "second pause between attempts to reach Janus (the first attempt is made at once)"},
    {"LYNKS_JANUS_BACKOFF_MAX_MS", CONFIG_UINT, AT(backoff_max_ms), "250", 1, 60000, NULL,
     "longest pause between attempts"},
    {"LYNKS_JANUS_CONNECTIONS_MAX", CONFIG_UINT, AT(connections_max), "32", 1, 500, NULL,
     "requests sent to Janus at a time, each on a connection of its own"},
    {"LYNKS_JANUS_CALLS_MAX", CONFIG_UINT, AT(calls_max), "2048", 1, 65536, NULL,
     "calls that may wait for Janus; more are refused"},
    {"LYNKS_JANUS_ANSWER_MAX_BYTES", CONFIG_UINT, AT(answer_bytes_max), "1048576", 1024, 16777216,
     NULL, "most that is kept of an answer of Janus, which may be longer"},
    {"LYNKS_LEASE_OUTAGE_MS", CONFIG_UINT, AT(lease_outage_ms), "60000", 0, 3600000, NULL,
     "how long the bridge that holds the lease goes on while the database is away"},
    {"LYNKS_EVENTS_BIND", CONFIG_STRING, AT(events_bind), "tcp://127.0.0.1:5713", 0, 255, NULL,
     "where changes in rooms are published on the bus; empty: nowhere"},
    {"LYNKS_OBSERVERS_MAX", CONFIG_UINT, AT(observers_max), "16384", 0, 262144, NULL,
     "rooms observed at a time, whose lists come from memory; 0: every list is asked for"},
    {"LYNKS_OBSERVERS_PARALLEL_MAX", CONFIG_UINT, AT(observers_parallel_max), "16", 1, 500, NULL,
     "observers being made at a time"},
    {"LYNKS_OBSERVER_IDLE_MS", CONFIG_UINT, AT(observer_idle_ms), "300000", 1000, 86400000, NULL,
     "a room that nobody asked about for so long loses its observer"},
    {"LYNKS_AUDIT_INTERVAL_MS", CONFIG_UINT, AT(audit_interval_ms), "1000", 0, 3600000, NULL,
     "pause between comparisons of memory with Janus, a room at a time; 0: none"},
    {"LYNKS_MEDIA_CONNECTIONS_MAX", CONFIG_UINT, AT(media_connections_max), "2000", 0, 65536, NULL,
     "connections of clients for their media at a time; more are refused"},
    {"LYNKS_MEDIA_BITRATE", CONFIG_UINT, AT(media_bitrate), "1500000", 0, 100000000, NULL,
     "bits a second that who sends to a room of /v1 may send at most, unless the room says another "
     "bound; 0: any"},
    {"LYNKS_ICE_REMOTE", CONFIG_BOOL, AT(ice_remote), "0", 0, 1, NULL,
     "pass on to Janus where clients say that they are, where that is on the internet"},
    {.name = NULL},
};

struct janus_http_config config_http(const struct janusbridge_config *config)
{
    return (struct janus_http_config){.url = config->janus_url,
                                      .ca_file = config->janus_ca_file,
                                      .connections_max =
                                          (unsigned)config->connections_max + SPARE_CONNECTIONS,
                                      .connect_timeout_ms = config->connect_timeout_ms,
                                      .body_bytes_max = config->answer_bytes_max};
}

struct janus_files_parts config_files(const struct janusbridge_config *config,
                                      struct service *service)
{
    return (struct janus_files_parts){.pid_file = config->janus_pid_file,
                                      .proc = "/proc",
                                      .clock = service_clock(service),
                                      .metrics = service_metrics(service)};
}

struct janus_session_config config_session(const struct janusbridge_config *config)
{
    return (struct janus_session_config){.api_secret = config->janus_api_secret,
                                         .keepalive_ms = config->keepalive_ms,
                                         .control_timeout_ms = config->control_timeout_ms,
                                         .backoff_min_ms = config->backoff_min_ms,
                                         .backoff_max_ms = config->backoff_max_ms,
                                         .calls_max = config->calls_max,
                                         .parallel_max = config->connections_max};
}

struct bridge_config config_bridge(const struct janusbridge_config *config)
{
    return (struct bridge_config){.node = config->node,
                                  .admin_key = config->janus_admin_key,
                                  .calls_max = config->calls_max,
                                  .connections_max = config->media_connections_max,
                                  .observers = {.max = config->observers_max,
                                                .parallel_max = config->observers_parallel_max,
                                                .idle_ms = config->observer_idle_ms,
                                                .timeout_ms = config->control_timeout_ms},
                                  .audit_interval_ms = config->audit_interval_ms};
}

struct rtc_config config_rtc(const struct janusbridge_config *config)
{
    return (struct rtc_config){.node = config->node,
                               .connections_max = config->media_connections_max,
                               .bitrate = config->media_bitrate,
                               .candidates =
                                   config->ice_remote ? SDP_PUBLIC_CANDIDATES : SDP_NO_CANDIDATES};
}

struct lease_config config_lease(const struct janusbridge_config *config)
{
    struct lease_config lease = {.node = config->node, .outage_ms = config->lease_outage_ms};
    lease_name_holder(config->bind.bus_bind, lease.holder);
    return lease;
}

bool config_publish(const struct janusbridge_config *config, struct service *service,
                    struct bridge_config *bridge)
{
    static const char *const listeners[] = {"roomsvc", "gateway", NULL};
    if (config->events_bind[0] == '\0') {
        return true;
    }
    bridge->publisher = service_publish(service, config->events_bind, listeners);
    return bridge->publisher != NULL;
}
