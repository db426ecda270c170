/* A handle from attach to detach, with an owner who may leave it at any time. */
#include "janusbridge/janus/janus_handle.h"
#include "tests/unit/janusbridge/fixture.h"

#define TIMEOUT_MS 1500
#define EVENT_OF(sender)                                                                           \
    "[{\"janus\":\"event\",\"session_id\":11,\"sender\":" #sender ",\"plugindata\":"               \
    "{\"plugin\":\"janus.plugin.videoroom\",\"data\":{\"videoroom\":\"event\"}}}]"
#define DETACHED_OF(sender) "[{\"janus\":\"detached\",\"session_id\":11,\"sender\":" #sender "}]"

struct owner {
    struct janus_handle *handle;
    unsigned attached, refused, events, gone, answers;
};

static void on_attached(void *arg, bool is_good)
{
    struct owner *owner = arg;
    owner->attached += is_good;
    owner->refused += !is_good;
}

static void on_event(void *arg, const struct janus_message *message)
{
    struct owner *owner = arg;
    assert_int_equal(message->kind, JANUS_EVENT);
    owner->events++;
}

static void on_gone(void *arg)
{
    struct owner *owner = arg;
    owner->gone++;
}

static void on_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct owner *owner = arg;
    (void)err;
    (void)message;
    owner->answers++;
}

static const struct janus_handle_ops ops = {
    .on_attached = on_attached, .on_event = on_event, .on_gone = on_gone};

static struct fixture *f;
static struct janus_handles *handles;
static struct owner owner;

static int setup(void **state)
{
    (void)fixture_setup(state);
    f = *state;
    owner = (struct owner){0};
    const struct janus_handles_parts parts = {
        .session = f->session, .metrics = f->metrics, .handles_max = 4, .timeout_ms = TIMEOUT_MS};
    handles = janus_handles_new(&parts);
    return 0;
}

static int teardown(void **state)
{
    janus_session_free(&f->session);
    janus_handles_free(&handles);
    return fixture_teardown(state);
}

static void open_handle(void)
{
    fixture_bring_up(f);
    assert_int_equal(janus_handle_new(handles, &ops, &owner, &owner.handle), ERR_OK);
    fixture_answer(f, "\"attach\"", CREATED(33));
    assert_int_equal(owner.attached, 1);
}

static struct janus_transfer *detach(void)
{
    return mock_transport_get(&f->janus, "\"detach\"");
}

static size_t detaches(void)
{
    return mock_transport_sent(&f->janus, "\"detach\"");
}

static void test_its_owner_hears_its_events(void **state)
{
    (void)state;
    open_handle();
    fixture_event(f, EVENT_OF(33));
    fixture_event(f, EVENT_OF(22)); /* of the session's own */
    assert_int_equal(owner.events, 1);
    janus_handle_release(&owner.handle);
    assert_null(owner.handle);
    assert_string_equal(detach()->path, "/11/33");
    fixture_event(f, EVENT_OF(33));
    assert_int_equal(owner.events, 1);
    mock_transport_answer(detach(), ACK);
    assert_int_equal(detaches(), 1);
}

static void test_one_that_is_refused_is_of_no_use(void **state)
{
    (void)state;
    assert_int_equal(janus_handle_new(handles, &ops, &owner, &owner.handle), ERR_SESSION_COMING);
    assert_null(owner.handle);
    fixture_bring_up(f);
    assert_int_equal(janus_handle_new(handles, &ops, &owner, &owner.handle), ERR_OK);
    fixture_answer(f, "\"attach\"", CORE_ERROR(490));
    assert_int_equal(owner.refused, 1);
    janus_handle_release(&owner.handle);
    assert_int_equal(detaches(), 0);
}

static void test_one_that_is_released_too_early_is_detached_when_it_is_there(void **state)
{
    (void)state;
    fixture_bring_up(f);
    assert_int_equal(janus_handle_new(handles, &ops, &owner, &owner.handle), ERR_OK);
    janus_handle_release(&owner.handle);
    assert_int_equal(detaches(), 0);
    fixture_answer(f, "\"attach\"", CREATED(33));
    assert_int_equal(owner.attached, 0);
    assert_string_equal(detach()->path, "/11/33");
}

static void test_it_is_detached_when_nothing_is_under_way_on_it(void **state)
{
    (void)state;
    open_handle();
    assert_int_equal(janus_handle_send(owner.handle, "{\"request\":\"configure\"}", NULL, 1000,
                                       on_answer, &owner),
                     ERR_OK);
    struct janus_handle *handle = owner.handle;
    assert_string_equal(janus_handle_use(handle), "/11/33");
    janus_handle_release(&owner.handle);
    assert_null(janus_handle_owner(handle));
    fixture_answer(f, "configure", PLUGIN("{}"));
    assert_int_equal(owner.answers, 0); /* it is not its owner's any more */
    assert_int_equal(detaches(), 0);
    janus_handle_leave(handle);
    assert_int_equal(detaches(), 1);
}

static void test_one_that_janus_ended_is_not_detached(void **state)
{
    (void)state;
    open_handle();
    fixture_event(f, DETACHED_OF(33));
    fixture_event(f, DETACHED_OF(33));
    assert_int_equal(owner.gone, 1);
    janus_handle_release(&owner.handle);
    assert_int_equal(detaches(), 0);
}

static void test_one_of_another_session_is_not_detached(void **state)
{
    (void)state;
    open_handle();
    log_capture_expect("the janus session was lost");
    fixture_event(f, "[{\"janus\":\"timeout\",\"session_id\":11}]");
    fake_clock_advance(f->clock, 100);
    fixture_answer(f, "\"create\"", CREATED(12));
    fixture_answer(f, "attach", CREATED(23));
    assert_true(janus_session_is_ready(f->session));
    janus_handle_release(&owner.handle);
    assert_int_equal(detaches(), 0);
}

static void test_strays_are_detached_some_at_a_time(void **state)
{
    (void)state;
    fixture_bring_up(f);
    fixture_event(f, EVENT_OF(900));
    fixture_event(f, EVENT_OF(900)); /* while it is being detached */
    assert_int_equal(detaches(), 1);
    for (int i = 0; i < 20; i++) {
        AUTO(mem_free)
        char *event =
            mem_printf("[{\"janus\":\"event\",\"session_id\":11,\"sender\":%d}]", 901 + i);
        fixture_event(f, event);
    }
    const size_t at_a_time = detaches();
    assert_true(at_a_time > 1 && at_a_time < 21);
    mock_transport_answer(detach(), ACK);
    fixture_event(f, EVENT_OF(950));
    assert_int_equal(detaches(), at_a_time + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_its_owner_hears_its_events),
        TEST(test_one_that_is_refused_is_of_no_use),
        TEST(test_one_that_is_released_too_early_is_detached_when_it_is_there),
        TEST(test_it_is_detached_when_nothing_is_under_way_on_it),
        TEST(test_one_that_janus_ended_is_not_detached),
        TEST(test_one_of_another_session_is_not_detached),
        TEST(test_strays_are_detached_some_at_a_time),
    };
    return cmocka_run_group_tests_name("janus_handle", tests, NULL, NULL);
}
