#include "tests/unit/janusbridge/bridge_fixture.h"

static const struct observers_config no_observers = {.max = 0};

static int set_up(void **state, bool has_bus, const struct observers_config *observers)
{
    struct bridge_fixture *b = mem_alloc(sizeof(*b));
    *state = b;
    log_capture_setup(NULL);
    fixture_init(&b->f, "");
    mock_bus_init(&b->bus);
    const struct bridge_config config = {.node = "node1",
                                         .admin_key = "ad\"min",
                                         .calls_max = CALLERS_MAX,
                                         .observers = *observers,
                                         .audit_interval_ms = observers->max > 0 ? 1000 : 0,
                                         .bus = has_bus ? &b->bus.bus : NULL};
    b->bridge = bridge_new(b->f.session, fake_clock_clock(b->f.clock), b->f.metrics, &config);
    return 0;
}

int bridge_setup(void **state)
{
    return set_up(state, false, &no_observers);
}

int bridge_setup_with_rooms(void **state)
{
    return set_up(state, true, &no_observers);
}

int bridge_setup_observing(void **state)
{
    const struct observers_config observers = {.max = OBSERVERS_MAX,
                                               .parallel_max = 2,
                                               .idle_ms = OBSERVER_IDLE_MS,
                                               .timeout_ms = CONTROL_TIMEOUT_MS};
    return set_up(state, false, &observers);
}

/* As the bus does when it ends. */
static void end_bus(struct mock_bus *bus)
{
    for (size_t i = 0; i < bus->count; i++) {
        if (!bus->calls[i].answered) {
            mock_bus_answer(&bus->calls[i], ERR_UNAVAILABLE, NULL);
        }
    }
}

int bridge_teardown(void **state)
{
    struct bridge_fixture *b = *state;
    b->bus.refuse = ERR_UNAVAILABLE;
    end_bus(&b->bus);
    janus_session_free(&b->f.session); /* before the bridge: it answers who waits */
    bridge_free(&b->bridge);
    fixture_fini(&b->f);
    mock_bus_fini(&b->bus);
    for (size_t i = 0; i < b->count; i++) {
        mock_call_fini(&b->calls[i]);
    }
    mem_free(&b);
    return log_capture_teardown(NULL);
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
