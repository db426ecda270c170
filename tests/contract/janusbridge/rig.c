#include "tests/contract/janusbridge/rig.h"

#define ROOM_SECRET "0123456789abcdef"

void rig_init(struct rig *rig, const struct rig_config *config)
{
    const char *why = "";
    rig->metrics = metrics_new();
    rig->health = health_new();
    rig->call_ms = RIG_CALL_MS;
    const struct janus_http_config http = {.url = config->url,
                                           .ca_file = config->ca_file,
                                           .connections_max = RIG_CONNECTIONS + 4,
                                           .connect_timeout_ms = 5000,
                                           .body_bytes_max = 1024 * 1024,
                                           .name_servers = config->name_servers};
    rig->http = janus_http_new(rig->loop, rig->metrics, &http, &why);
    assert_non_null(rig->http);
    rig->transport = janus_http_transport(rig->http);
    const struct janus_session_parts parts = {.transport = &rig->transport,
                                              .clock = loop_clock(rig->loop),
                                              .metrics = rig->metrics,
                                              .health = rig->health};
    const struct janus_session_config session = {.api_secret = config->api_secret,
                                                 .keepalive_ms = config->keepalive_ms,
                                                 .control_timeout_ms = config->control_timeout_ms,
                                                 .backoff_min_ms = 50,
                                                 .backoff_max_ms = 1000,
                                                 .calls_max = RIG_CALLERS_MAX,
                                                 .parallel_max = RIG_CONNECTIONS};
    rig->session = janus_session_new(&parts, &session);
    const struct bridge_config bridge = {.node = "test",
                                         .admin_key = config->admin_key,
                                         .calls_max = RIG_CALLERS_MAX,
                                         .health = config->has_trial ? rig->health : NULL};
    rig->bridge = bridge_new(rig->session, loop_clock(rig->loop), rig->metrics, &bridge);
    janus_session_start(rig->session);
}

void rig_fini(struct rig *rig)
{
    janus_session_free(&rig->session);
    bridge_free(&rig->bridge);
    janus_http_free(&rig->http);
    health_free(&rig->health);
    metrics_free(&rig->metrics);
}

struct rig *rig_new(void)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    rig->loop = loop_new();
    rig->calls = mem_alloc(RIG_CALLS_MAX * sizeof(*rig->calls));
    return rig;
}

void rig_free(struct rig **rig_ref)
{
    struct rig *rig = *rig_ref;
    scripted_janus_free(&rig->janus);
    loop_free(&rig->loop);
    for (size_t i = 0; i < rig->call_count; i++) {
        mock_call_fini(&rig->calls[i]);
    }
    mem_free(&rig->calls);
    mem_free(rig_ref);
}

static int set_up(void **state, bool is_there, uint64_t control_timeout_ms)
{
    log_capture_setup(NULL);
    struct rig *rig = rig_new();
    rig->janus = scripted_janus_new(rig->loop);
    if (!is_there) {
        scripted_janus_stop(rig->janus);
    }
    const struct rig_config config = {.url = scripted_janus_url(rig->janus),
                                      .ca_file = "",
                                      .api_secret = "",
                                      .admin_key = "",
                                      .keepalive_ms = 200,
                                      .control_timeout_ms = control_timeout_ms};
    rig_init(rig, &config);
    *state = rig;
    return 0;
}

int rig_setup(void **state)
{
    return set_up(state, true, RIG_DOUBT_MS);
}

int rig_setup_before_janus(void **state)
{
    return set_up(state, false, RIG_DOUBT_MS);
}

int rig_setup_in_doubt(void **state, uint64_t control_timeout_ms)
{
    return set_up(state, true, control_timeout_ms);
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig_fini(rig);
    rig_free(&rig);
    return log_capture_teardown(NULL);
}

/* ---- waiting ---- */

static bool is_ready(void *arg)
{
    return janus_session_is_ready(arg);
}

static bool is_not_ready(void *arg)
{
    return !janus_session_is_ready(arg);
}

static bool is_answered(void *arg)
{
    const struct mock_call *call = arg;
    return call->answers > 0;
}

static bool is_all_answered(void *arg)
{
    const struct rig *rig = arg;
    for (size_t i = 0; i < rig->call_count; i++) {
        if (rig->calls[i].answers == 0) {
            return false;
        }
    }
    return true;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

bool rig_wait_ready(struct rig *rig, uint64_t ms)
{
    return is_ready(rig->session) || loop_run_until(rig->loop, is_ready, rig->session, ms);
}

bool rig_wait_not_ready(struct rig *rig, uint64_t ms)
{
    return is_not_ready(rig->session) || loop_run_until(rig->loop, is_not_ready, rig->session, ms);
}

bool rig_wait_answer(struct rig *rig, const struct mock_call *call, uint64_t ms)
{
    struct mock_call *waited = &rig->calls[call - rig->calls];
    return is_answered(waited) || loop_run_until(rig->loop, is_answered, waited, ms);
}

bool rig_wait_all(struct rig *rig, uint64_t ms)
{
    return is_all_answered(rig) || loop_run_until(rig->loop, is_all_answered, rig, ms);
}

void rig_run(struct rig *rig, uint64_t ms)
{
    (void)loop_run_until(rig->loop, never, NULL, ms);
}

/* ---- calls ---- */

struct mock_call *rig_call(struct rig *rig, struct msg request)
{
    assert_true(rig->call_count < RIG_CALLS_MAX);
    struct mock_call *call = &rig->calls[rig->call_count++];
    mock_call_init(call, loop_clock(rig->loop), &request);
    call->call.context.deadline_ms = rig_now_ms(rig) + rig->call_ms;
    for (const struct call_handler *h = bridge_handlers; h->request != MSG_NONE; h++) {
        if (h->request == request.id) {
            h->fn(rig->bridge, &call->call);
        }
    }
    return call;
}

struct mock_call *rig_create(struct rig *rig, uint64_t room_id)
{
    return rig_call(rig, (struct msg){.id = MSG_bridge_create,
                                      .bridge_create = {.room_id = room_id,
                                                        .secret = STR_LIT(ROOM_SECRET),
                                                        .description = STR_LIT("a room"),
                                                        .publishers_max = 6}});
}

struct mock_call *rig_destroy(struct rig *rig, uint64_t room_id)
{
    return rig_call(
        rig, (struct msg){.id = MSG_bridge_destroy,
                          .bridge_destroy = {.room_id = room_id, .secret = STR_LIT(ROOM_SECRET)}});
}

struct mock_call *rig_exists(struct rig *rig, uint64_t room_id)
{
    return rig_call(rig,
                    (struct msg){.id = MSG_bridge_exists, .bridge_exists = {.room_id = room_id}});
}

struct mock_call *rig_list(struct rig *rig, uint64_t room_id)
{
    return rig_call(rig, (struct msg){.id = MSG_bridge_participants,
                                      .bridge_participants = {.room_id = room_id}});
}

enum err rig_answer(struct rig *rig, const struct mock_call *call)
{
    assert_true(rig_wait_answer(rig, call, rig->call_ms + RIG_PATIENCE_MS));
    return call->err;
}

uint64_t rig_counter(struct rig *rig, const char *name, const char *labels)
{
    return metric_value(metrics_counter(rig->metrics, name, "", labels));
}

uint64_t rig_now_ms(const struct rig *rig)
{
    return clock_mono_ms(loop_clock(rig->loop));
}
