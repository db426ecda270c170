/* What the session is made of. For its own files alone: janus_session.c, which keeps it up, and
 * janus_session_calls.c, which lets others use it. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_SESSION_PARTS_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_SESSION_PARTS_H

#include "janusbridge/janus/janus_poll.h"
#include "janusbridge/janus/janus_report.h"
#include "janusbridge/janus/janus_session.h"
#include "janusbridge/janus/janus_stats.h"
#include "proto/base/backoff.h"

enum janus_session_state {
    STATE_IDLE, /* not ours: suspended, or not started */
    STATE_DOWN,
    STATE_RESUMING,
    STATE_CREATING,
    STATE_ATTACHING,
    STATE_READY,
    STATE_CLOSING
};

struct janus_session {
    struct janus_session_parts parts;
    struct janus_session_config config;
    char *auth, *auth_query;
    struct janus_calls *calls;
    struct janus_poll *poll;

    enum janus_session_state state;
    uint64_t session_id, handle_id; /* 0: none. Kept while the link is down */
    char session_path[24];
    char handle_path[48];
    struct janus_control_parts controls;
    struct janus_control step;  /* the next step towards ready, or towards closed */
    struct janus_control probe; /* keepalive: is the session still there? */
    struct janus_control info;

    uint64_t keepalive_ms;
    uint64_t keepalive_timer;
    uint64_t retry_timer;
    struct backoff backoff;
    uint64_t ready_ms;  /* when it last became ready */
    bool was_up;        /* was ready with the session it has */
    bool link_was_down; /* since then */

    struct janus_report report;
    struct janus_watches watches;
    char version[65];
    uint64_t made;
    struct janus_stats stats;
    struct janus_listener listener;
};

extern const struct janus_listener janus_listener_none;

#endif
