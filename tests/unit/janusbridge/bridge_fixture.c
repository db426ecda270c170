#include "tests/unit/janusbridge/bridge_fixture.h"

static int set_up(void **state, const struct bridge_config *config)
{
    struct bridge_fixture *b = mem_alloc(sizeof(*b));
    *state = b;
    log_capture_setup(NULL);
    fixture_init(&b->f, "");
    b->bridge = bridge_new(b->f.session, fake_clock_clock(b->f.clock), b->f.metrics, config);
    return 0;
}

int bridge_setup(void **state)
{
    const struct bridge_config config = {
        .node = "node1", .admin_key = "ad\"min", .calls_max = CALLERS_MAX};
    return set_up(state, &config);
}

int bridge_setup_observing(void **state)
{
    const struct bridge_config config = {.node = "node1",
                                         .admin_key = "ad\"min",
                                         .calls_max = CALLERS_MAX,
                                         .observers = {.max = OBSERVERS_MAX,
                                                       .parallel_max = 2,
                                                       .idle_ms = OBSERVER_IDLE_MS,
                                                       .timeout_ms = CONTROL_TIMEOUT_MS},
                                         .audit_interval_ms = 1000};
    return set_up(state, &config);
}

int bridge_teardown(void **state)
{
    struct bridge_fixture *b = *state;
    janus_session_free(&b->f.session); /* it answers who waits */
    bridge_free(&b->bridge);
    fixture_fini(&b->f);
    int failed = 0;
    for (size_t i = 0; i < b->count; i++) {
        failed += b->calls[i].answers != 1;
        mock_call_fini(&b->calls[i]);
    }
    mem_free(&b);
    return log_capture_teardown(NULL) != 0 || failed > 0 ? -1 : 0;
}

struct mock_call *bridge_call(struct bridge_fixture *b, struct msg request)
{
    assert_true(b->count < CALLS);
    struct mock_call *call = &b->calls[b->count++];
    mock_call_init(call, fake_clock_clock(b->f.clock), &request);
    for (const struct call_handler *h = bridge_handlers; h->request != MSG_NONE; h++) {
        if (h->request == request.id) {
            h->fn(b->bridge, &call->call);
            return call;
        }
    }
    fail_msg("no handler");
    return NULL;
}

struct mock_call *bridge_create(struct bridge_fixture *b)
{
    return bridge_call(b, (struct msg){.id = MSG_bridge_create,
                                       .bridge_create = {.room_id = ROOM,
                                                         .secret = STR_LIT(ROOM_SECRET),
                                                         .description = STR_LIT("a \"room\""),
                                                         .publishers_max = 6}});
}

struct mock_call *bridge_destroy(struct bridge_fixture *b)
{
    return bridge_call(
        b, (struct msg){.id = MSG_bridge_destroy,
                        .bridge_destroy = {.room_id = ROOM, .secret = STR_LIT(ROOM_SECRET)}});
}

struct mock_call *bridge_exists(struct bridge_fixture *b)
{
    return bridge_call(b,
                       (struct msg){.id = MSG_bridge_exists, .bridge_exists = {.room_id = ROOM}});
}

struct mock_call *bridge_list_of(struct bridge_fixture *b, uint64_t room_id)
{
    return bridge_call(b, (struct msg){.id = MSG_bridge_participants,
                                       .bridge_participants = {.room_id = room_id}});
}

struct mock_call *bridge_list(struct bridge_fixture *b)
{
    return bridge_list_of(b, ROOM);
}

size_t bridge_sent(struct bridge_fixture *b, const char *request)
{
    return mock_transport_sent(&b->f.janus, request);
}
