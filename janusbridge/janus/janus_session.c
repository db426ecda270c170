#include "janusbridge/janus/janus_session.h"

#include <stdio.h>

#include "janusbridge/janus/janus_session_parts.h"
#include "proto/base/log.h"

/* A session that was lost sooner than this after it was made does not get its successor at once. */
#define STABLE_MS 1000
/* A keepalive comes this often, at least, within Janus' session timeout. */
#define KEEPALIVES_PER_TIMEOUT 4

static void connect_now(void *arg);
static void attach(struct janus_session *s);

/* ---- not ready ---- */

static void retry_later(struct janus_session *s)
{
    s->state = STATE_DOWN;
    clock_cancel(s->parts.clock, s->retry_timer);
    s->retry_timer = clock_after(s->parts.clock, backoff_next(&s->backoff), connect_now, s);
}

static void forget_session(struct janus_session *s)
{
    s->session_id = 0;
    s->handle_id = 0;
    s->was_up = false;
}

/* Ends being ready: whatever waits for Janus is answered now. */
static void leave_ready(struct janus_session *s, const struct janus_finding *finding)
{
    const uint64_t lived_ms = clock_mono_ms(s->parts.clock) - s->ready_ms;
    s->state = STATE_DOWN;
    if (lived_ms >= STABLE_MS) {
        backoff_begin(&s->backoff);
    }
    s->version[0] = '\0';
    metric_set(s->stats.ready, 0);
    janus_report_fault(&s->report, finding);
    clock_cancel(s->parts.clock, s->keepalive_timer);
    s->keepalive_timer = 0;
    janus_control_cancel(&s->probe);
    janus_control_cancel(&s->info);
    janus_poll_stop(s->poll);
    s->listener.on_down(s->listener.arg);
    janus_watches_lost(&s->watches);
    janus_calls_fail_all(s->calls, ERR_UNAVAILABLE);
}

static const struct janus_finding session_lost = {.outcome = JANUS_OUTCOME_REFUSED,
                                                  .fault = JANUS_FAULT_SESSION};
static const struct janus_finding handle_lost = {.outcome = JANUS_OUTCOME_REFUSED,
                                                 .fault = JANUS_FAULT_HANDLE};

static void lose_session(struct janus_session *s)
{
    metric_inc(s->stats.lost_session);
    leave_ready(s, &session_lost);
    forget_session(s);
    retry_later(s);
}

/* The session lives on; resuming it finds no handle and makes one. */
static void lose_handle(struct janus_session *s)
{
    metric_inc(s->stats.lost_handle);
    leave_ready(s, &handle_lost);
    s->handle_id = 0;
    retry_later(s);
}

static void lose_link(struct janus_session *s, const struct janus_finding *finding)
{
    metric_inc(s->stats.lost_link);
    s->link_was_down = true;
    leave_ready(s, finding);
    retry_later(s);
}

/* A step failed. One that took its time-out has waited already. */
static void fail_step(struct janus_session *s, const struct janus_finding *finding)
{
    janus_report_fault(&s->report, finding);
    if (finding->outcome == JANUS_OUTCOME_SILENT) {
        backoff_begin_at_min(&s->backoff);
    }
    retry_later(s);
}

/* ---- ready ---- */

static void on_keepalive_due(void *arg)
{
    struct janus_session *s = arg;
    s->keepalive_timer = 0;
    janus_session_doubt(s);
}

static void arm_keepalive(struct janus_session *s)
{
    clock_cancel(s->parts.clock, s->keepalive_timer);
    s->keepalive_timer = clock_after(s->parts.clock, s->keepalive_ms, on_keepalive_due, s);
}

static void probe(struct janus_session *s, janus_control_fn *fn)
{
    metric_inc(s->stats.keepalives);
    janus_control_send(&s->probe, s->session_path, "keepalive", fn);
}

static void on_probed(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->kind == JANUS_ACK) {
        arm_keepalive(s);
    } else if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SESSION) {
        lose_session(s);
    } else {
        lose_link(s, finding);
    }
}

/* A connection that broke says little: where no Janus is, none can be made either. */
static void on_first_probed(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_LINK) {
        probe(s, on_probed);
    } else {
        on_probed(s, finding);
    }
}

void janus_session_doubt(struct janus_session *s)
{
    if (s->state == STATE_READY && s->probe.transfer == NULL) {
        probe(s, on_first_probed);
    }
}

/* The version is for people. The session timeout matters: keepalives must come well within it. */
static void on_info(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome != JANUS_OUTCOME_OK || finding->message->kind != JANUS_INFO) {
        log_info("janus tells nothing about itself");
        return;
    }
    uint64_t timeout_s = 0;
    janus_message_info(finding->message, s->version, sizeof(s->version), &timeout_s);
    const uint64_t bound_ms = timeout_s * 1000 / KEEPALIVES_PER_TIMEOUT;
    if (timeout_s > 0 && timeout_s < UINT32_MAX && bound_ms < s->keepalive_ms) {
        s->keepalive_ms = bound_ms;
        arm_keepalive(s);
    }
}

static void become_ready(struct janus_session *s)
{
    const bool is_new = !s->was_up;
    s->state = STATE_READY;
    s->ready_ms = clock_mono_ms(s->parts.clock);
    s->was_up = true;
    s->link_was_down = false;
    s->keepalive_ms = s->config.keepalive_ms;
    janus_report_ready(&s->report);
    metric_set(s->stats.ready, 1);
    log_info("janus is ready", LOG_U64("sessions_made", s->made));
    arm_keepalive(s);
    janus_poll_start(s->poll, s->session_id);
    janus_control_send(&s->info, "", "info", on_info);
    s->listener.on_up(s->listener.arg);
    janus_watches_ready(&s->watches, is_new);
}

/* ---- steps ---- */

static void set_session(struct janus_session *s, uint64_t id)
{
    s->session_id = id;
    (void)snprintf(s->session_path, sizeof(s->session_path), "/%" PRIu64, id);
}

static void set_handle(struct janus_session *s, uint64_t id)
{
    s->handle_id = id;
    (void)snprintf(s->handle_path, sizeof(s->handle_path), "%s/%" PRIu64, s->session_path, id);
}

static void on_attached(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->data_id != 0) {
        set_handle(s, finding->message->data_id);
        become_ready(s);
        return;
    }
    if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SESSION) {
        forget_session(s);
    }
    fail_step(s, finding);
}

static void attach(struct janus_session *s)
{
    s->state = STATE_ATTACHING;
    janus_control_send(&s->step, s->session_path, NULL, on_attached);
}

static void on_created(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome != JANUS_OUTCOME_OK || finding->message->data_id == 0) {
        fail_step(s, finding);
        return;
    }
    set_session(s, finding->message->data_id);
    s->made++;
    metric_inc(s->stats.made);
    attach(s);
}

static void create(struct janus_session *s)
{
    s->state = STATE_CREATING;
    janus_control_send(&s->step, "", "create", on_created);
}

/* Janus ends a handle before its session, so a lost handle may be the first sign of a lost session.
 */
static void note_missing_session(const struct janus_session *s)
{
    if (s->was_up && s->link_was_down) {
        metric_inc(s->stats.lost_restart);
        log_info("janus is back without our session: it was restarted or it took too long");
    } else if (s->was_up) {
        metric_inc(s->stats.lost_session);
    }
}

static void on_resumed(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->kind == JANUS_ACK) {
        if (s->handle_id != 0) {
            become_ready(s);
        } else {
            attach(s);
        }
    } else if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SESSION) {
        note_missing_session(s);
        forget_session(s);
        create(s);
    } else {
        fail_step(s, finding);
    }
}

static void connect_now(void *arg)
{
    struct janus_session *s = arg;
    s->retry_timer = 0;
    if (s->session_id == 0) {
        create(s);
        return;
    }
    s->state = STATE_RESUMING;
    janus_control_send(&s->step, s->session_path, "keepalive", on_resumed);
}

/* ---- what the poll and the calls tell ---- */

static void on_poll_message(void *arg, const struct janus_message *message)
{
    struct janus_session *s = arg;
    if (message->kind == JANUS_TIMEOUT && message->session_id == s->session_id) {
        lose_session(s);
    } else if (message->kind == JANUS_DETACHED && message->sender == s->handle_id) {
        lose_handle(s);
    } else if (message->kind == JANUS_DETACHED ||
               ((message->kind == JANUS_EVENT || message->kind == JANUS_SUCCESS ||
                 message->kind == JANUS_ERROR) &&
                !janus_calls_on_event(s->calls, message))) {
        s->listener.on_event(s->listener.arg, message);
    }
}

static void on_poll_gap(void *arg)
{
    struct janus_session *s = arg;
    s->listener.on_gap(s->listener.arg);
    janus_session_doubt(s);
}

void janus_session_poll_anew(struct janus_session *s)
{
    if (s->state == STATE_READY) {
        janus_poll_stop(s->poll);
        janus_poll_start(s->poll, s->session_id);
        on_poll_gap(s);
    }
}

static void on_trouble(void *arg, enum janus_trouble trouble)
{
    struct janus_session *s = arg;
    if (s->state != STATE_READY) {
        return;
    }
    switch (trouble) {
    case JANUS_TROUBLE_SESSION:
        lose_session(s);
        break;
    case JANUS_TROUBLE_HANDLE:
        lose_handle(s);
        break;
    case JANUS_TROUBLE_DOUBT:
        janus_session_doubt(s);
        break;
    }
}

/* ---- life ---- */

struct janus_session *janus_session_new(const struct janus_session_parts *parts,
                                        const struct janus_session_config *config)
{
    struct janus_session *s = mem_alloc(sizeof(*s));
    s->parts = *parts;
    s->config = *config;
    s->auth = janus_json_auth(config->api_secret);
    s->auth_query = janus_json_auth_query(config->api_secret);
    s->config.api_secret = NULL;
    s->listener = janus_listener_none;
    s->backoff = (struct backoff){
        .min_ms = config->backoff_min_ms, .max_ms = config->backoff_max_ms, .random = random_u32};
    s->report = (struct janus_report){.clock = parts->clock, .health = parts->health};
    janus_stats_init(&s->stats, s->parts.metrics);
    s->controls = (struct janus_control_parts){.transport = parts->transport,
                                               .auth = s->auth,
                                               .timeout_ms = config->control_timeout_ms,
                                               .arg = s};
    s->step.parts = s->probe.parts = s->info.parts = &s->controls;
    const struct janus_calls_parts calls = {.transport = parts->transport,
                                            .clock = parts->clock,
                                            .metrics = parts->metrics,
                                            .auth = s->auth,
                                            .fn = on_trouble,
                                            .arg = s,
                                            .calls_max = config->calls_max,
                                            .parallel_max = config->parallel_max};
    s->calls = janus_calls_new(&calls);
    const struct janus_poll_parts poll = {.transport = parts->transport,
                                          .clock = parts->clock,
                                          .metrics = parts->metrics,
                                          .auth_query = s->auth_query,
                                          .on_message = on_poll_message,
                                          .on_gap = on_poll_gap,
                                          .arg = s};
    s->poll = janus_poll_new(&poll);
    health_set(parts->health, "janus", false, "not connected yet");
    return s;
}

static void stop_all(struct janus_session *s, enum err err)
{
    clock_cancel(s->parts.clock, s->keepalive_timer);
    clock_cancel(s->parts.clock, s->retry_timer);
    s->keepalive_timer = s->retry_timer = 0;
    janus_control_cancel(&s->step);
    janus_control_cancel(&s->probe);
    janus_control_cancel(&s->info);
    janus_poll_stop(s->poll);
    janus_watches_lost(&s->watches);
    janus_calls_fail_all(s->calls, err);
}

void janus_session_free(struct janus_session **session_ref)
{
    struct janus_session *s = *session_ref;
    if (s == NULL) {
        return;
    }
    s->state = STATE_CLOSING;
    stop_all(s, ERR_UNAVAILABLE);
    janus_calls_free(&s->calls);
    janus_poll_free(&s->poll);
    mem_free(&s->auth);
    mem_free(&s->auth_query);
    mem_free(session_ref);
}

void janus_session_listen(struct janus_session *s, const struct janus_listener *listener)
{
    s->listener = *listener;
}

void janus_session_watch(struct janus_session *s, struct janus_watch watch)
{
    janus_watches_add(&s->watches, watch);
}

void janus_session_start(struct janus_session *s)
{
    connect_now(s);
}

void janus_session_resume(struct janus_session *s, uint64_t session_id, uint64_t handle_id)
{
    if (session_id != 0) {
        set_session(s, session_id);
        set_handle(s, handle_id);
    }
    health_set(s->parts.health, "janus", false, "not connected yet");
    connect_now(s);
}

void janus_session_suspend(struct janus_session *s)
{
    const bool was_ready = s->state == STATE_READY;
    s->state = STATE_IDLE;
    forget_session(s);
    s->link_was_down = false;
    s->version[0] = '\0';
    backoff_begin(&s->backoff);
    s->report.reason = NULL;
    metric_set(s->stats.ready, 0);
    health_set(s->parts.health, "janus", true, "standing by");
    if (was_ready) {
        s->listener.on_down(s->listener.arg);
    }
    stop_all(s, ERR_DRAINING);
}

static void on_destroyed(void *arg, const struct janus_finding *finding)
{
    (void)finding; /* gone or not, Janus' timer ends it */
    forget_session(arg);
}

void janus_session_close(struct janus_session *s)
{
    s->state = STATE_CLOSING;
    health_set(s->parts.health, "janus", false, "closing");
    metric_set(s->stats.ready, 0);
    stop_all(s, ERR_UNAVAILABLE);
    if (s->session_id != 0) {
        janus_control_send(&s->step, s->session_path, "destroy", on_destroyed);
    }
}

bool janus_session_is_closed(const struct janus_session *s)
{
    return s->state == STATE_CLOSING && s->session_id == 0;
}
