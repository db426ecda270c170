#include "tests/unit/janusbridge/fixture.h"

void fixture_init(struct fixture *f, const char *api_secret)
{
    mock_transport_init(&f->janus);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->health = health_new();
    const struct janus_session_parts parts = {.transport = &f->janus.transport,
                                              .clock = fake_clock_clock(f->clock),
                                              .metrics = f->metrics,
                                              .health = f->health};
    const struct janus_session_config config = {.api_secret = api_secret,
                                                .keepalive_ms = KEEPALIVE_MS,
                                                .control_timeout_ms = CONTROL_TIMEOUT_MS,
                                                .backoff_min_ms = 50,
                                                .backoff_max_ms = BACKOFF_MAX_MS,
                                                .calls_max = CALLS_MAX,
                                                .parallel_max = PARALLEL_MAX};
    f->session = janus_session_new(&parts, &config);
    janus_session_start(f->session);
}

void fixture_fini(struct fixture *f)
{
    janus_session_free(&f->session);
    assert_int_equal(mock_transport_open(&f->janus, ""), 0);
    assert_int_equal(fake_clock_timers(f->clock), 0);
    health_free(&f->health);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mock_transport_fini(&f->janus);
}

static int set_up(void **state, const char *api_secret)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    *state = f;
    log_capture_setup(NULL);
    fixture_init(f, api_secret);
    return 0;
}

int fixture_setup(void **state)
{
    return set_up(state, "");
}

int fixture_setup_with_secret(void **state)
{
    return set_up(state, "s\"e&c");
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_fini(f);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

void fixture_lose_link(struct fixture *f)
{
    for (int i = 0; i < JANUS_TRIES_MAX; i++) {
        assert_true(janus_session_is_ready(f->session));
        mock_transport_break(mock_transport_get(&f->janus, "\"keepalive\""), ERR_UNAVAILABLE);
    }
    assert_false(janus_session_is_ready(f->session));
}

void fixture_answer(struct fixture *f, const char *request, const char *answer)
{
    mock_transport_answer(mock_transport_get(&f->janus, request), answer);
}

void fixture_event(struct fixture *f, const char *messages)
{
    fixture_answer(f, "maxev", messages);
}

void fixture_bring_up(struct fixture *f)
{
    fixture_answer(f, "\"create\"", CREATED(11));
    fixture_answer(f, "attach", CREATED(22));
    fixture_answer(f, "\"info\"", INFO(60));
    assert_true(janus_session_is_ready(f->session));
}

void fixture_live(struct fixture *f, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 100) {
        fake_clock_advance(f->clock, 100);
        while (mock_transport_open(&f->janus, "\"keepalive\"") > 0) {
            fixture_answer(f, "\"keepalive\"", ACK);
        }
        f->lived_ms += 100;
        if (f->lived_ms % 30000 == 0) {
            fixture_event(f, KEEPALIVES);
        }
    }
}

size_t fixture_refuse(struct fixture *f, uint64_t ms)
{
    const size_t before = f->janus.count;
    for (uint64_t i = 0; i < ms; i += 10) {
        while (mock_transport_open(&f->janus, "") > 0) {
            mock_transport_break(mock_transport_get(&f->janus, ""), ERR_UNAVAILABLE);
        }
        fake_clock_advance(f->clock, 10);
    }
    return f->janus.count - before;
}

uint64_t fixture_counter(struct fixture *f, const char *name, const char *labels)
{
    return metric_value(metrics_counter(f->metrics, name, "", labels));
}

void fixture_resume(struct fixture *f)
{
    fixture_answer(f, "\"keepalive\"", ACK);
    assert_false(janus_session_is_ready(f->session));
    fixture_answer(f, JANUS_JSON_PULSE, ACK);
}
