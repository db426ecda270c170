#include "janusbridge/janus/janus_session.h"

#include <assert.h>
#include <stdio.h>

#include "janusbridge/janus/janus_control.h"
#include "janusbridge/janus/janus_poll.h"
#include "proto/base/backoff.h"
#include "proto/base/log.h"

/* A session that was lost sooner than this after it was made does not get its successor at once. */
#define STABLE_MS 1000
/* A keepalive comes this often, at least, within Janus' session timeout. */
#define KEEPALIVES_PER_TIMEOUT 4
/* How often the reason why there is no session is logged again while it stays the same. */
#define REMIND_MS 60000
#define LISTENERS_MAX 8

enum session_state {
    SESSION_IDLE,      /* not started, or left to another bridge: nothing is under way */
    SESSION_DOWN,      /* the session is lost or a step failed: the retry timer runs */
    SESSION_RESUMING,  /* Janus is asked whether it still has the session, and gets its decoy */
    SESSION_CREATING,  /* there is no session: one is being made */
    SESSION_ATTACHING, /* there is a session, and its handle is being made */
    SESSION_READY,     /* session and handle are there; keepalive timer and long poll run */
};

struct session_metrics {
    struct metric *made; /* sessions */
    struct metric *keepalives;
    struct metric *ready; /* gauge */
    /* Times that Janus was lost after it was ready, by what was found. */
    struct metric *lost_session, *lost_handle, *lost_link, *lost_restart;
};

struct janus_session {
    struct janus_session_parts parts;
    struct janus_session_config config;
    char *auth, *auth_query;
    struct janus_calls *calls;
    struct janus_poll *poll;

    enum session_state state;
    uint64_t session_id, handle_id; /* 0: none. Kept while the link is down */
    uint64_t proven_session_id;     /* that we were ready with; 0: with none that we still have */
    bool link_was_down;             /* since then */
    bool is_resumed;                /* it was there before, and somebody's poll with it */
    char session_path[24];
    char handle_path[48];
    struct janus_control_parts controls;
    struct janus_control step;  /* the next step towards ready */
    struct janus_control probe; /* keepalive: is the session still there? */
    unsigned probe_tries;       /* of the question that is under way */
    struct janus_control info;

    uint64_t keepalive_ms;
    uint64_t keepalive_timer;
    uint64_t retry_timer;
    struct backoff backoff;
    uint64_t ready_ms; /* when it last became ready */

    const char
        *reason; /* why it is not ready, as last logged; NULL: nothing is known to be wrong */
    uint64_t reminded_ms; /* when that was */
    char version[65];
    uint64_t made;
    struct session_metrics metrics;
    struct janus_listener listeners[LISTENERS_MAX];
    size_t listener_count;
};

static void session_connect(void *arg);

/* The only place that sets the state. */
static void session_enter(struct janus_session *s, enum session_state state)
{
    static const char *const names[] = {
        [SESSION_IDLE] = "idle",           [SESSION_DOWN] = "down",
        [SESSION_RESUMING] = "resuming",   [SESSION_CREATING] = "creating",
        [SESSION_ATTACHING] = "attaching", [SESSION_READY] = "ready"};
    log_debug("janus session", LOG_Z("was", names[s->state]), LOG_Z("is", names[state]));
    s->state = state;
    metric_set(s->metrics.ready, state == SESSION_READY ? 1 : 0);
}

/* ---- not ready ---- */

static void report_fault(struct janus_session *s, const struct janus_finding *finding)
{
    const char *reason = janus_finding_reason(finding);
    const uint64_t now_ms = clock_mono_ms(s->parts.clock);
    health_set(s->parts.health, "janus", false, reason);
    if (s->reason == reason && now_ms - s->reminded_ms < REMIND_MS) {
        return;
    }
    s->reason = reason;
    s->reminded_ms = now_ms;
    LOG_EVENT(janus_finding_is_our_mistake(finding) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
              "janus is not ready", LOG_Z("reason", reason),
              LOG_Z("detail", finding->detail != NULL ? finding->detail : ""),
              LOG_U64("code", finding->message != NULL ? finding->message->code : 0));
}

static void retry_later(struct janus_session *s)
{
    session_enter(s, SESSION_DOWN);
    clock_cancel(s->parts.clock, s->retry_timer);
    s->retry_timer = clock_after(s->parts.clock, backoff_next(&s->backoff), session_connect, s);
}

static void forget_session(struct janus_session *s)
{
    s->session_id = 0;
    s->handle_id = 0;
    s->proven_session_id = 0;
}

/* Ends all that ready means; those who wait for Janus are answered now, with err. */
static void leave_ready(struct janus_session *s, enum session_state state, enum err err)
{
    assert(s->state == SESSION_READY);
    session_enter(s, state);
    s->version[0] = '\0';
    clock_cancel(s->parts.clock, s->keepalive_timer);
    s->keepalive_timer = 0;
    janus_control_cancel(&s->probe);
    janus_control_cancel(&s->info);
    janus_poll_stop(s->poll);
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].on_lost != NULL) {
            s->listeners[i].on_lost(s->listeners[i].arg);
        }
    }
    janus_calls_fail_all(s->calls, err);
}

static void lose_ready(struct janus_session *s, const struct janus_finding *finding)
{
    if (clock_mono_ms(s->parts.clock) - s->ready_ms >= STABLE_MS) {
        backoff_begin(&s->backoff);
    }
    report_fault(s, finding);
    leave_ready(s, SESSION_DOWN, ERR_UNAVAILABLE);
}

static void lose_session(struct janus_session *s)
{
    const struct janus_finding finding = {.outcome = JANUS_OUTCOME_REFUSED,
                                          .fault = JANUS_FAULT_SESSION};
    metric_inc(s->metrics.lost_session);
    lose_ready(s, &finding);
    forget_session(s);
    retry_later(s);
}

/* The session lives on; resuming it finds no handle and makes one. */
static void lose_handle(struct janus_session *s)
{
    const struct janus_finding finding = {.outcome = JANUS_OUTCOME_REFUSED,
                                          .fault = JANUS_FAULT_HANDLE};
    metric_inc(s->metrics.lost_handle);
    lose_ready(s, &finding);
    s->handle_id = 0;
    retry_later(s);
}

static void lose_link(struct janus_session *s, const struct janus_finding *finding)
{
    metric_inc(s->metrics.lost_link);
    s->link_was_down = true;
    lose_ready(s, finding);
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

static void on_keepalive(void *arg, const struct janus_finding *finding);

static void send_keepalive(struct janus_session *s)
{
    s->probe_tries++;
    metric_inc(s->metrics.keepalives);
    janus_control_send(&s->probe, s->session_path, "keepalive", on_keepalive);
}

static void on_keepalive(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->kind == JANUS_ACK) {
        arm_keepalive(s);
    } else if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SESSION) {
        lose_session(s);
    } else if (finding->outcome == JANUS_OUTCOME_LINK && s->probe_tries < JANUS_TRIES_MAX) {
        send_keepalive(s);
    } else {
        lose_link(s, finding);
    }
}

void janus_session_doubt(struct janus_session *s)
{
    if (s->state == SESSION_READY && s->probe.transfer == NULL) {
        s->probe_tries = 0;
        send_keepalive(s);
    }
}

/* The version is for people. The session timeout matters: keepalives must come well within it. */
static void on_server_info(void *arg, const struct janus_finding *finding)
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

static void enter_ready(struct janus_session *s)
{
    const bool is_new = s->proven_session_id != s->session_id;
    session_enter(s, SESSION_READY);
    s->ready_ms = clock_mono_ms(s->parts.clock);
    s->proven_session_id = s->session_id;
    s->link_was_down = false;
    s->keepalive_ms = s->config.keepalive_ms;
    s->reason = NULL;
    health_set(s->parts.health, "janus", true, "");
    log_info("janus is ready", LOG_U64("sessions_made", s->made));
    arm_keepalive(s);
    janus_poll_start(s->poll, s->session_id);
    janus_control_send(&s->info, "", "info", on_server_info);
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].on_ready != NULL) {
            s->listeners[i].on_ready(s->listeners[i].arg, is_new);
        }
    }
}

/* ---- steps towards ready ---- */

/* Janus says the same whether a secret is missing or wrong or a token is missing; what it tells of
 * itself, which it does without any, shows which. */
static void on_refusal_explained(void *arg, const struct janus_finding *info)
{
    struct janus_session *s = arg;
    struct janus_finding refusal = {.outcome = JANUS_OUTCOME_REFUSED, .fault = JANUS_FAULT_SECRET};
    bool has_secret, has_tokens;
    if (info->outcome == JANUS_OUTCOME_OK && info->message->kind == JANUS_INFO) {
        janus_message_guards(info->message, &has_secret, &has_tokens);
        if (has_tokens && !has_secret) {
            refusal.fault = JANUS_FAULT_TOKEN;
        } else if (has_secret && s->auth[0] == '\0') {
            refusal.fault = JANUS_FAULT_NO_SECRET;
        }
    }
    report_fault(s, &refusal);
    retry_later(s);
}

/* A step that took its whole time-out has waited already, so the next one comes sooner. */
static void fail_step(struct janus_session *s, const struct janus_finding *finding)
{
    if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SECRET) {
        janus_control_send(&s->step, "", "info", on_refusal_explained);
        return;
    }
    report_fault(s, finding);
    if (finding->outcome == JANUS_OUTCOME_SILENT) {
        backoff_begin_at_min(&s->backoff);
    }
    retry_later(s);
}

static void set_session_id(struct janus_session *s, uint64_t id)
{
    s->session_id = id;
    (void)snprintf(s->session_path, sizeof(s->session_path), "/%" PRIu64, id);
}

static void set_handle_id(struct janus_session *s, uint64_t id)
{
    s->handle_id = id;
    (void)snprintf(s->handle_path, sizeof(s->handle_path), "%s/%" PRIu64, s->session_path, id);
}

static void session_send_decoy(struct janus_session *s);

static void on_session_attached(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->data_id != 0) {
        set_handle_id(s, finding->message->data_id);
        if (s->is_resumed) {
            session_send_decoy(s);
        } else {
            enter_ready(s);
        }
        return;
    }
    if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SESSION) {
        forget_session(s);
    }
    fail_step(s, finding);
}

static void session_attach(struct janus_session *s)
{
    session_enter(s, SESSION_ATTACHING);
    janus_control_send(&s->step, s->session_path, NULL, on_session_attached);
}

static void on_session_created(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome != JANUS_OUTCOME_OK || finding->message->data_id == 0) {
        fail_step(s, finding);
        return;
    }
    set_session_id(s, finding->message->data_id);
    s->made++;
    metric_inc(s->metrics.made);
    session_attach(s);
}

static void on_decoyed(void *arg, const struct janus_finding *finding);

/* The poll of whoever had the session before hangs in Janus, which does not notice that nobody
 * listens any more and gives it the next event (janus_poll.c): one that nobody needs. */
static void session_send_decoy(struct janus_session *s)
{
    janus_control_message(&s->step, s->handle_path, JANUS_JSON_PULSE, on_decoyed);
}

static void session_create(struct janus_session *s)
{
    s->is_resumed = false;
    session_enter(s, SESSION_CREATING);
    janus_control_send(&s->step, "", "create", on_session_created);
}

/* Janus ends a handle before its session, so a lost handle may be the first sign of a lost session.
 */
static void note_missing_session(const struct janus_session *s)
{
    if (s->proven_session_id == 0) {
        return;
    }
    if (s->link_was_down) {
        metric_inc(s->metrics.lost_restart);
        log_info("janus is back without our session: it was restarted or it took too long");
    } else {
        metric_inc(s->metrics.lost_session);
    }
}

static void on_session_resumed(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->kind == JANUS_ACK) {
        s->is_resumed = true;
        if (s->handle_id != 0) {
            session_send_decoy(s);
        } else {
            session_attach(s);
        }
    } else if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_SESSION) {
        note_missing_session(s);
        forget_session(s);
        session_create(s);
    } else {
        fail_step(s, finding);
    }
}

static void on_decoyed(void *arg, const struct janus_finding *finding)
{
    struct janus_session *s = arg;
    if (finding->outcome == JANUS_OUTCOME_OK && finding->message->kind == JANUS_ACK) {
        enter_ready(s);
    } else if (finding->outcome == JANUS_OUTCOME_REFUSED && finding->fault == JANUS_FAULT_HANDLE) {
        s->handle_id = 0;
        session_attach(s);
    } else {
        fail_step(s, finding); /* a session that is lost is found to be so when it is resumed */
    }
}

static void session_connect(void *arg)
{
    struct janus_session *s = arg;
    s->retry_timer = 0;
    if (s->session_id == 0) {
        session_create(s);
        return;
    }
    session_enter(s, SESSION_RESUMING);
    janus_control_send(&s->step, s->session_path, "keepalive", on_session_resumed);
}

/* ---- what the poll and the calls tell ---- */

/* Of what Janus tells without being asked. */
static bool is_about_handle(enum janus_kind kind)
{
    return kind == JANUS_DETACHED || kind == JANUS_WEBRTCUP || kind == JANUS_MEDIA ||
           kind == JANUS_HANGUP;
}

static void on_poll_message(void *arg, const struct janus_message *message)
{
    struct janus_session *s = arg;
    if (message->kind == JANUS_TIMEOUT && message->session_id == s->session_id) {
        lose_session(s);
        return;
    }
    if (message->kind == JANUS_DETACHED && message->sender == s->handle_id) {
        lose_handle(s);
        return;
    }
    const bool may_answer = message->kind == JANUS_EVENT || message->kind == JANUS_SUCCESS ||
                            message->kind == JANUS_ERROR;
    if (may_answer ? janus_calls_on_event(s->calls, message) : !is_about_handle(message->kind)) {
        return;
    }
    for (size_t i = 0; i < s->listener_count && s->state == SESSION_READY; i++) {
        if (s->listeners[i].on_event != NULL) {
            s->listeners[i].on_event(s->listeners[i].arg, message);
        }
    }
}

static void on_poll_gap(void *arg)
{
    struct janus_session *s = arg;
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].on_gap != NULL) {
            s->listeners[i].on_gap(s->listeners[i].arg);
        }
    }
    janus_session_doubt(s);
}

void janus_session_poll_anew(struct janus_session *s)
{
    if (s->state == SESSION_READY) {
        janus_poll_stop(s->poll);
        janus_poll_start(s->poll, s->session_id);
        on_poll_gap(s);
    }
}

static void on_trouble(void *arg, enum janus_trouble trouble)
{
    struct janus_session *s = arg;
    if (s->state != SESSION_READY) {
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

/* ---- for those who use it ---- */

bool janus_session_is_ready(const struct janus_session *s)
{
    return s->state == SESSION_READY;
}

enum err janus_session_refusal(const struct janus_session *s)
{
    switch (s->state) {
    case SESSION_READY:
        return ERR_OK;
    case SESSION_DOWN:
        return ERR_UNAVAILABLE;
    case SESSION_IDLE:
        return s->reason == NULL ? ERR_STANDBY : ERR_UNAVAILABLE;
    case SESSION_RESUMING:
    case SESSION_CREATING:
    case SESSION_ATTACHING:
        break;
    }
    return s->reason == NULL ? ERR_SESSION_COMING : ERR_UNAVAILABLE;
}

uint64_t janus_session_made(const struct janus_session *s)
{
    return s->made;
}

const char *janus_session_version(const struct janus_session *s)
{
    return s->version;
}

uint64_t janus_session_id(const struct janus_session *s)
{
    return s->session_id;
}

uint64_t janus_session_handle(const struct janus_session *s)
{
    return s->handle_id;
}

enum err janus_session_call(struct janus_session *s, const char *body, uint64_t timeout_ms,
                            janus_call_fn *fn, void *arg, uint64_t *ret_id)
{
    const enum err err = janus_session_refusal(s);
    if (err != ERR_OK) {
        return err;
    }
    return janus_calls_send(s->calls, s->handle_path, body, timeout_ms, fn, arg, ret_id);
}

enum err janus_session_aside(struct janus_session *s, const struct janus_aside *request,
                             janus_call_fn *fn, void *arg)
{
    const enum err err = janus_session_refusal(s);
    if (err != ERR_OK) {
        return err;
    }
    struct janus_aside aside = *request;
    aside.path = request->path != NULL ? request->path : s->session_path;
    uint64_t id;
    return janus_calls_send_aside(s->calls, &aside, fn, arg, &id);
}

bool janus_session_withdraw(struct janus_session *s, uint64_t id)
{
    return janus_calls_withdraw(s->calls, id);
}

void janus_session_listen(struct janus_session *s, const struct janus_listener *listener)
{
    mem_expect_room(s->listener_count, LISTENERS_MAX);
    s->listeners[s->listener_count++] = *listener;
}

/* ---- life ---- */

static void make_janus_metrics(struct session_metrics *ret, struct metrics *metrics)
{
    static const char losses[] = "lynks_janus_losses_total";
    static const char help[] = "Times that Janus was lost after it was ready, by what was found";
    ret->made =
        metrics_counter(metrics, "lynks_janus_sessions_made_total", "Janus sessions made", NULL);
    ret->keepalives = metrics_counter(metrics, "lynks_janus_keepalives_total",
                                      "Keepalives sent while ready", NULL);
    ret->ready = metrics_gauge(metrics, "lynks_janus_ready",
                               "1 while there is a session and a handle", NULL);
    ret->lost_session = metrics_counter(metrics, losses, help, "cause=\"session\"");
    ret->lost_handle = metrics_counter(metrics, losses, help, "cause=\"handle\"");
    ret->lost_link = metrics_counter(metrics, losses, help, "cause=\"link\"");
    ret->lost_restart = metrics_counter(metrics, losses, help, "cause=\"restart\"");
}

struct janus_session *janus_session_new(const struct janus_session_parts *parts,
                                        const struct janus_session_config *config)
{
    struct janus_session *s = mem_alloc(sizeof(*s));
    s->parts = *parts;
    s->config = *config;
    s->auth = janus_json_auth(config->api_secret);
    s->auth_query = janus_poll_auth(config->api_secret);
    s->config.api_secret = NULL;
    s->backoff = (struct backoff){
        .min_ms = config->backoff_min_ms, .max_ms = config->backoff_max_ms, .random = random_u32};
    make_janus_metrics(&s->metrics, parts->metrics);
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

/* What is under way while it is not ready. */
static void stop_connecting(struct janus_session *s)
{
    clock_cancel(s->parts.clock, s->retry_timer);
    s->retry_timer = 0;
    janus_control_cancel(&s->step);
}

void janus_session_free(struct janus_session **session_ref)
{
    struct janus_session *s = *session_ref;
    if (s == NULL) {
        return;
    }
    stop_connecting(s);
    if (s->state == SESSION_READY) {
        leave_ready(s, SESSION_DOWN, ERR_UNAVAILABLE);
    }
    janus_calls_free(&s->calls);
    janus_poll_free(&s->poll);
    mem_free(&s->auth);
    mem_free(&s->auth_query);
    mem_free(session_ref);
}

void janus_session_start(struct janus_session *s)
{
    session_connect(s);
}

void janus_session_resume(struct janus_session *s, uint64_t session_id, uint64_t handle_id)
{
    if (session_id != 0) {
        set_session_id(s, session_id);
        set_handle_id(s, handle_id);
    }
    health_set(s->parts.health, "janus", false, "not connected yet");
    session_connect(s);
}

void janus_session_suspend(struct janus_session *s)
{
    forget_session(s);
    stop_connecting(s);
    s->link_was_down = false;
    backoff_begin(&s->backoff);
    s->reason = NULL;
    health_set(s->parts.health, "janus", true, "standing by");
    if (s->state == SESSION_READY) {
        leave_ready(s, SESSION_IDLE, ERR_STANDBY);
    } else {
        session_enter(s, SESSION_IDLE);
    }
}
