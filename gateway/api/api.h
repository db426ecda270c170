/* The client API of design.md, section 5: all resources, and the dispatcher that takes requests to
 * them. Lives on the loop; knows no socket. */
#ifndef LYNKS_GATEWAY_API_API_H
#define LYNKS_GATEWAY_API_API_H

#include "gateway/api/events.h"
#include "gateway/api/original.h"
#include "gateway/api/registration.h"
#include "gateway/api/room_events.h"
#include "gateway/api/room_limits.h"
#include "proto/base/public_url.h"
#include "gateway/http/request.h"
#include "proto/base/metrics.h"
#include "proto/bus/bus.h"

struct api;

/* Borrowed. */
struct api_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct metrics *metrics;
    struct session_follow *sessions; /* whose sessions_max is streams_max at least */
    struct room_follow *rooms;       /* whose rooms_max is room_visits.visits_max at least */
    struct presence *presence;
    struct user_meetings *meetings;
    struct health *health;   /* of this gateway */
    struct rtc_hints *hints; /* whose readers_max is room_visits.visits_max at least */
};

struct api_config {
    uint64_t budget_ms;         /* for the services to answer one request */
    const char *cors_origins;   /* see cors.h; borrowed */
    const struct files *files;  /* of the web client; borrowed; NULL: it is not served */
    const char *content_policy; /* of its files; borrowed */
    struct public_url url;
    struct auth_config auth;
    const char *turn_urls, *turn_secret; /* as turn_new takes them; borrowed */
    uint64_t turn_credentials_s;
    struct sign_ins_config sign_ins;
    struct registration_config registration;
    uint64_t streams_max; /* at a time, of all users */
    uint64_t streams_per_user_max;
    struct user_limit_config creates, names; /* see rooms.h */
    struct room_limits_config room_limits;
    struct room_visits_config room_visits;
};

/* NULL (logged): a row of a resource is wrong, or the key of tokens, or a URL of TURN. */
struct api *api_new(const struct api_parts *parts, const struct api_config *config);
/* Requests without an answer get 503; what the bus says about them later is ignored. */
void api_free(struct api **api);

/* Sees to it that request->ops->finish is called exactly once, now or later. */
void api_handle(struct api *api, struct request *request);

/* What waits for something to happen is answered: the server drains. */
void api_drain(struct api *api);

/* Is it to be answered with a stream (dispatcher_wants_stream)? */
bool api_wants_stream(const struct api *api, struct str method, struct str path);
/* How large may its body be (dispatcher_body_bytes_max)? */
size_t api_body_bytes_max(const struct api *api, struct str method, struct str path);

#endif
