/* Whether rooms can be made, listed and ended, and what is said when they cannot. */
#include <stdlib.h>

#include "janusbridge/rooms/trial.h"
#include "tests/unit/janusbridge/fixture.h"

#define MAKE "\"request\":\"create\""
#define LIST "\"request\":\"listparticipants\""
#define END "\"request\":\"destroy\""
#define TRIALS "lynks_janusbridge_trials_total"

struct scene {
    struct fixture f;
    struct trial *trial;
};

static int set_up_with(void **state, const char *admin_key)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    *state = scene;
    log_capture_setup(NULL);
    fixture_init(&scene->f, "");
    const struct trial_parts parts = {.session = scene->f.session,
                                      .clock = fake_clock_clock(scene->f.clock),
                                      .metrics = scene->f.metrics,
                                      .health = scene->f.health,
                                      .node = "node1",
                                      .admin_key = admin_key};
    scene->trial = trial_new(&parts);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, "key");
}

static int set_up_without_key(void **state)
{
    return set_up_with(state, "");
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    janus_session_free(&scene->f.session);
    trial_free(&scene->trial);
    fixture_fini(&scene->f);
    mem_free(&scene);
    return log_capture_teardown(NULL);
}

static uint64_t room_of(struct scene *scene, const char *request)
{
    const char *body = mock_transport_get(&scene->f.janus, request)->body;
    return strtoull(strstr(body, "\"room\":") + strlen("\"room\":"), NULL, 10);
}

/* Answers the open request with this data; # is its room. */
static void answer(struct scene *scene, const char *request, const char *data)
{
    const char *mark = strchr(data, '#');
    AUTO(mem_free)
    char *filled = mem_printf("%.*s%" PRIu64 "%s", (int)(mark - data), data,
                              room_of(scene, request), mark + 1);
    AUTO(mem_free) char *text = mem_printf(PLUGIN("%s"), filled);
    fixture_answer(&scene->f, request, text);
}

static void answer_made(struct scene *scene)
{
    answer(scene, MAKE, "{\"videoroom\":\"created\",\"room\":#}");
}

static void answer_listed(struct scene *scene)
{
    answer(scene, LIST, "{\"videoroom\":\"participants\",\"room\":#,\"participants\":[]}");
}

static void answer_ended(struct scene *scene)
{
    answer(scene, END, "{\"videoroom\":\"destroyed\",\"room\":#}");
}

static bool is_open(struct scene *scene, const char *request)
{
    return mock_transport_open(&scene->f.janus, request) > 0;
}

static bool is_ready(struct scene *scene)
{
    return health_is_ready(scene->f.health);
}

static uint64_t trials(struct scene *scene, const char *result)
{
    return fixture_counter(&scene->f, TRIALS, result);
}

static void pass(struct scene *scene)
{
    answer_made(scene);
    answer_listed(scene);
    answer_ended(scene);
}

static void test_a_room_is_made_listed_and_ended(void **state)
{
    struct scene *scene = *state;
    fixture_bring_up(&scene->f);
    assert_false(is_ready(scene));
    const char *body = mock_transport_get(&scene->f.janus, MAKE)->body;
    assert_non_null(strstr(body, "\"is_private\":true"));
    assert_non_null(strstr(body, "\"admin_key\":\"key\""));
    const uint64_t room = room_of(scene, MAKE);
    assert_true(room > ROOM_ID_MAX && room <= INT64_MAX);
    answer_made(scene);
    assert_int_equal(room_of(scene, LIST), room);
    answer_listed(scene);
    assert_int_equal(room_of(scene, END), room);
    assert_false(is_ready(scene));
    answer_ended(scene);
    assert_true(is_ready(scene));
    assert_int_equal(trials(scene, "result=\"passed\""), 1);
    fixture_live(&scene->f, 60000);
    assert_int_equal(mock_transport_sent(&scene->f.janus, MAKE), 1);
}

/* The reason is told once, is the readiness' until a trial passes, and that comes by itself. */
static void expect_failure(struct scene *scene, const char *reason)
{
    AUTO(mem_free) char *health = health_json(scene->f.health);
    if (strstr(health, reason) == NULL) {
        fail_msg("%s instead of %s", health, reason);
    }
    assert_int_equal(log_capture_count(reason), 1);
    assert_false(is_ready(scene));
    fixture_live(&scene->f, TRIAL_PAUSE_MAX_MS);
    pass(scene);
    assert_true(is_ready(scene));
    trial_doubt(scene->trial);
    fixture_live(&scene->f, TRIAL_PAUSE_MS);
}

static void test_what_janus_refuses(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("a room cannot be made, listed and ended");
    fixture_bring_up(&scene->f);
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(433));
    expect_failure(scene, "janus refuses the admin key (LYNKS_JANUS_ADMIN_KEY)");
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(430));
    expect_failure(scene, "string_ids must be false");
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(429));
    expect_failure(scene, "janus does not make rooms");
    answer_made(scene);
    fixture_answer(&scene->f, LIST, PLUGIN("{\"videoroom\":\"event\"}"));
    expect_failure(scene, "janus does not list who is in a room");
    answer_made(scene);
    answer_listed(scene);
    fixture_answer(&scene->f, END, PLUGIN("{\"videoroom\":\"created\",\"room\":1}"));
    expect_failure(scene, "janus does not end rooms");
    mock_transport_break(mock_transport_get(&scene->f.janus, MAKE), ERR_DEADLINE);
    expect_failure(scene, "janus does not answer requests for rooms");
    assert_int_equal(trials(scene, "result=\"failed\""), 6);
}

static void test_a_key_that_is_not_set(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("a room cannot be made, listed and ended");
    fixture_bring_up(&scene->f);
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(429));
    expect_failure(scene, "LYNKS_JANUS_ADMIN_KEY is not set");
}

static void test_what_an_interrupted_trial_left_is_ended_by_the_next(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(&scene->f);
    const uint64_t room = room_of(scene, MAKE);
    answer_made(scene);
    fixture_event(&scene->f, "[{\"janus\":\"timeout\",\"session_id\":11}]");
    assert_false(is_open(scene, LIST));
    fake_clock_advance(scene->f.clock, 2000);
    fixture_bring_up(&scene->f);
    assert_int_equal(room_of(scene, MAKE), room);
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(427));
    answer_listed(scene);
    answer_ended(scene);
    assert_true(is_ready(scene));
}

/* Another bridge of the node has the same room for it; without a key nobody has. */
static void expect_room_of_another(const char *node, const char *key, uint64_t room, bool is_same)
{
    struct fixture other;
    fixture_init(&other, "");
    const struct trial_parts parts = {.session = other.session,
                                      .clock = fake_clock_clock(other.clock),
                                      .metrics = other.metrics,
                                      .health = other.health,
                                      .node = node,
                                      .admin_key = key};
    struct trial *trial = trial_new(&parts);
    fixture_bring_up(&other);
    AUTO(mem_free) char *member = mem_printf("\"room\":%" PRIu64 ",", room);
    assert_int_equal(mock_transport_open(&other.janus, member) == 1, is_same);
    janus_session_free(&other.session);
    trial_free(&trial);
    fixture_fini(&other);
}

static void test_all_bridges_of_a_node_try_the_same_room(void **state)
{
    struct scene *scene = *state;
    fixture_bring_up(&scene->f);
    const uint64_t room = room_of(scene, MAKE);
    expect_room_of_another("node1", "key", room, true);
    expect_room_of_another("node2", "key", room, false);
    expect_room_of_another("node1", "other key", room, false);
    expect_room_of_another("node1", "", room, false);
    answer_made(scene);
    answer_listed(scene);
    fixture_answer(&scene->f, END, PLUGIN_ERROR(426)); /* another one was quicker */
    assert_true(is_ready(scene));
}

static void test_calls_that_fail_bring_another_trial(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("a room cannot be made, listed and ended");
    fixture_bring_up(&scene->f);
    trial_doubt(scene->trial); /* one is under way */
    pass(scene);
    for (int i = 0; i < 100; i++) {
        trial_doubt(scene->trial);
    }
    fixture_live(&scene->f, TRIAL_PAUSE_MS - 100);
    assert_int_equal(mock_transport_sent(&scene->f.janus, MAKE), 1);
    fixture_live(&scene->f, 100);
    assert_int_equal(mock_transport_sent(&scene->f.janus, MAKE), 2);
    assert_true(is_ready(scene)); /* until it is known better */
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(433));
    assert_false(is_ready(scene));
    trial_doubt(scene->trial);
    assert_false(is_open(scene, MAKE));
    trial_doubt(NULL);
}

/* What keeps the session away is said where the session is. */
static void test_a_bridge_that_stands_by_is_well(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("a room cannot be made, listed and ended");
    fixture_bring_up(&scene->f);
    fixture_answer(&scene->f, MAKE, PLUGIN_ERROR(433));
    assert_false(is_ready(scene));
    janus_session_suspend(scene->f.session);
    assert_true(is_ready(scene));
    fake_clock_advance(scene->f.clock, TRIAL_PAUSE_MAX_MS);
    assert_int_equal(mock_transport_open(&scene->f.janus, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_room_is_made_listed_and_ended),
        TEST(test_what_janus_refuses),
        cmocka_unit_test_setup_teardown(test_a_key_that_is_not_set, set_up_without_key, tear_down),
        TEST(test_what_an_interrupted_trial_left_is_ended_by_the_next),
        TEST(test_all_bridges_of_a_node_try_the_same_room),
        TEST(test_calls_that_fail_bring_another_trial),
        TEST(test_a_bridge_that_stands_by_is_well),
    };
    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
