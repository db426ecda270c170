/* The bridge's configuration. */
#ifndef LYNKS_JANUSBRIDGE_CONFIG_H
#define LYNKS_JANUSBRIDGE_CONFIG_H

#include "janusbridge/rooms/bridge.h"
#include "janusbridge/rtc/rtc.h"
#include "janusbridge/janus/janus_files.h"
#include "janusbridge/janus/janus_http.h"
#include "proto/process/service.h"

struct janusbridge_config {
    struct service_config service;
    struct service_bind_config bind;
    char *node;
    char *roomsvc_address;
    char *janus_url;
    char *janus_ca_file;
    char *janus_api_secret;
    char *janus_admin_key;
    char *janus_pid_file;
    uint64_t connect_timeout_ms;
    uint64_t control_timeout_ms;
    uint64_t keepalive_ms;
    uint64_t backoff_min_ms;
    uint64_t backoff_max_ms;
    uint64_t connections_max;
    uint64_t calls_max;
    uint64_t answer_bytes_max;
    uint64_t lease_outage_ms;
    char *events_bind;
    uint64_t observers_max;
    uint64_t observers_parallel_max;
    uint64_t observer_idle_ms;
    uint64_t audit_interval_ms;
    uint64_t media_connections_max;
    uint64_t media_bitrate;
    bool ice_remote;
};

extern const struct config_option janusbridge_options[];

/* The parts' own configuration, borrowing from this one. */
struct janus_http_config config_http(const struct janusbridge_config *config);
struct janus_files_parts config_files(const struct janusbridge_config *config,
                                      struct service *service);
struct janus_session_config config_session(const struct janusbridge_config *config);
struct bridge_config config_bridge(const struct janusbridge_config *config);
struct rtc_config config_rtc(const struct janusbridge_config *config);
struct lease_config config_lease(const struct janusbridge_config *config);
/* Adds the publisher, if there is to be one; false (logged) if it cannot bind. */
bool config_publish(const struct janusbridge_config *config, struct service *service,
                    struct bridge_config *bridge);

#endif
