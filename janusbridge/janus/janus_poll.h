/* The long poll on which Janus sends the events of a session. Exactly one at a time: of two, Janus
 * gives the first one the events and answers the other at once. The session owns it. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_POLL_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_POLL_H

#include "janusbridge/janus/janus_message.h"
#include "janusbridge/janus/janus_transport.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

/* An empty poll is answered after 30 s. */
#define JANUS_POLL_TIMEOUT_MS 40000

struct janus_poll_parts {
    const struct janus_transport *transport;
    const struct clock *clock;
    struct metrics *metrics;
    const char *auth_query; /* as of janus_poll_auth */
    /* Every message but keepalives, in Janus' order; may stop the poll. */
    void (*on_message)(void *arg, const struct janus_message *message);
    /* Something may have been missed; the poll goes on by itself. May stop it. */
    void (*on_gap)(void *arg);
    void *arg;
};

struct janus_poll;

/* &apisecret=... for the query of a GET, percent-encoded; "" without a secret. The caller frees. */
char *janus_poll_auth(const char *api_secret);

struct janus_poll *janus_poll_new(const struct janus_poll_parts *parts);
void janus_poll_free(struct janus_poll **poll);

/* Polls for this session until stopped. It must be stopped before. */
void janus_poll_start(struct janus_poll *poll, uint64_t session_id);
void janus_poll_stop(struct janus_poll *poll);

#endif
