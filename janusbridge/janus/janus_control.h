/* The session's own requests to Janus (create, attach, keepalive, info, its decoy), one at a time
 * for each control, and what their answers mean. For the session. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_CONTROL_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_CONTROL_H

#include "janusbridge/janus/janus_calls.h"

enum janus_outcome {
    JANUS_OUTCOME_OK,
    JANUS_OUTCOME_LINK,      /* no connection, or it broke */
    JANUS_OUTCOME_SILENT,    /* no answer in time */
    JANUS_OUTCOME_SENSELESS, /* an answer that Janus would not give */
    JANUS_OUTCOME_REFUSED,   /* an error of Janus */
};

struct janus_finding {
    enum janus_outcome outcome;
    enum janus_fault fault;              /* of JANUS_OUTCOME_REFUSED */
    const struct janus_message *message; /* of JANUS_OUTCOME_OK, else maybe NULL; borrowed */
    const char *detail;                  /* for the log; static; may be NULL */
};

typedef void janus_control_fn(void *arg, const struct janus_finding *finding);

struct janus_control_parts {
    const struct janus_transport *transport;
    const char *auth; /* as of janus_json_auth */
    uint64_t timeout_ms;
    void *arg; /* of the callbacks */
};

/* Embedded in its owner; set parts, the rest is zero. */
struct janus_control {
    const struct janus_control_parts *parts;
    struct janus_transfer *transfer; /* NULL: none under way */
    char transaction[TRANSACTION_BYTES + 1];
    janus_control_fn *fn;
};

/* verb NULL stands for attach. fn is called once, later, unless the control is cancelled; one that
 * is under way is cancelled first. */
void janus_control_send(struct janus_control *control, const char *path, const char *verb,
                        janus_control_fn *fn);
/* The same for a message to the plugin; body is JSON. What comes by the long poll is not waited
 * for: the finding is of Janus' ack. */
void janus_control_message(struct janus_control *control, const char *path, const char *body,
                           janus_control_fn *fn);
void janus_control_cancel(struct janus_control *control);

/* Why a finding (other than OK) keeps the bridge from being ready; static. */
const char *janus_finding_reason(const struct janus_finding *finding);
/* Will not pass by itself: somebody has to mend the configuration. */
bool janus_finding_is_our_mistake(const struct janus_finding *finding);

#endif
