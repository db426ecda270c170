/* What the gateway is told by its environment. */
#ifndef LYNKS_GATEWAY_CONFIG_H
#define LYNKS_GATEWAY_CONFIG_H

#include "proto/base/public_url.h"
#include "proto/process/service.h"

struct gateway_config {
    struct service_config service;
    char *authsvc_address;
    char *authsvc_events;
    char *roomsvc_address;
    char *roomsvc_events;
    char *janusbridge_address;
    char *janusbridge_events;
    char *http_host;
    uint64_t http_port;
    uint64_t body_bytes_max;
    uint64_t body_bytes_total_max;
    uint64_t header_bytes_max;
    uint64_t connections_max;
    uint64_t connections_per_address_max;
    uint64_t streams_max, streams_per_user_max;
    uint64_t streams_per_participant_max, streams_per_address_max;
    uint64_t room_tails_bytes_max;
    uint64_t request_timeout_ms;
    uint64_t idle_timeout_ms;
    uint64_t request_budget_ms;
    char *public_url;
    char *domain;
    char *published;
    char *trusted_proxies;
    char *own_front;
    char *cors_origins;
    char *web_root;
    char *frame_ancestors;
    char *token_key;
    char *turn_urls, *turn_secret;
    uint64_t turn_credentials_s;
    uint64_t unknown_burst, unknown_per_minute, unknown_table_max;
    uint64_t good_tokens_max;
    uint64_t login_address_burst, login_address_per_minute;
    uint64_t login_name_burst, login_name_per_minute;
    uint64_t login_table_max;
    uint64_t create_burst, create_per_minute;
    uint64_t name_burst, name_per_minute;
    uint64_t join_burst, join_per_minute, code_burst, code_per_minute;
    uint64_t pin_burst, pin_per_minute, address_pin_burst, address_pin_per_minute;
    uint64_t join_table_max;
    char *registration;
    uint64_t register_burst, register_per_minute, register_table_max;
};

extern const struct config_option gateway_options[];

/* Of a struct gateway_config, for config_load_checked: the public URL, the lists of proxies and
 * origins, the key of tokens, TURN, the folder of the web client. */
bool gateway_config_is_valid(const void *config);

/* The address in which clients reach the API (reach_url). port: what is listened on, where it may
 * be another than http_port. */
struct public_url gateway_config_url(const struct gateway_config *config, uint16_t port);

/* Can anybody beyond this machine reach the API (reach_is_by_others)? */
bool gateway_config_is_reachable(const struct gateway_config *config);

#endif
