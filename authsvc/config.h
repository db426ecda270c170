/* The variables of lynks-authsvc. */
#ifndef LYNKS_AUTHSVC_CONFIG_H
#define LYNKS_AUTHSVC_CONFIG_H

#include "proto/crypto/password.h"
#include "proto/db/db.h"
#include "proto/process/service.h"

struct authsvc_config {
    struct service_config service;
    struct service_bind_config bind;
    char *events_bind;
    char *authsvc_events;
    struct db_config db;
    uint64_t db_threads;
    uint64_t db_queue_max;
    uint64_t session_idle_s;
    uint64_t session_lifetime_s;
    uint64_t web_session_idle_s;
    uint64_t web_session_lifetime_s;
    uint64_t session_outage_s;
    uint64_t sessions_per_user_max;
    uint64_t session_cache_max;
    uint64_t session_lookup_threads;
    uint64_t session_lookups_max;
    char *registration;
    struct password_params password;
    char *hash_program;
    uint64_t hash_threads;
    uint64_t hash_queue_max;
};

extern const struct config_option authsvc_options[];

#endif
