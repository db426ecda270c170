/* Memory and Debian's Janus. Who publishes are remote publishers, which need no media. */
#include "proto/bus/bus_publisher.h"
#include "proto/bus/bus_subscriber.h"
#include "tests/integration/janus/real_janus.h"

#include <signal.h>
#include <stdio.h>

#define ROOMS 20
#define ROUNDS 60
#define COMPARISONS 300
#define TRIES 1200 /* of 25 ms and more: how long a change may take on a busy machine */
#define SECRET "0123456789abcdef" /* what rig_create gives rooms */

static struct real_janus janus;

#define COPIED_MAX 64

/* What a subscriber of the bridge's events has heard. */
struct copy {
    size_t followed, jumps, alive;
    uint64_t ids[COPIED_MAX]; /* that publish, in all rooms */
    size_t count;
    uint64_t last_number;
};

struct stranger {
    char handle[64]; /* path of a handle of his own */
};

struct scene {
    struct rig *rig;
    struct stranger stranger;
    struct bus_publisher *publisher;
    struct bus_subscriber *subscriber;
    struct copy copy;
};

static uint64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    uint64_t number = 0;
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(key), " : %" SCNu64, &number), 1);
    return number;
}

static char *ask(struct scene *scene, const char *path, const char *body)
{
    char *answer = real_janus_ask(scene->rig, &janus, path, body);
    assert_non_null(answer);
    return answer;
}

static char *message(struct scene *scene, const char *body)
{
    AUTO(mem_free)
    char *text = mem_printf("{\"janus\":\"message\",\"transaction\":\"t\",\"body\":%s}", body);
    return ask(scene, scene->stranger.handle, text);
}

static void meet_stranger(struct scene *scene)
{
    char session[32];
    AUTO(mem_free)
    char *made = ask(scene, "", "{\"janus\":\"create\",\"transaction\":\"t\"}");
    (void)snprintf(session, sizeof(session), "/%" PRIu64, number_after(made, "\"id\""));
    AUTO(mem_free)
    char *attached = ask(scene, session,
                         "{\"janus\":\"attach\",\"plugin\":\"janus.plugin.videoroom\","
                         "\"transaction\":\"t\"}");
    (void)snprintf(scene->stranger.handle, sizeof(scene->stranger.handle), "%s/%" PRIu64, session,
                   number_after(strstr(attached, "\"data\""), "\"id\""));
}

static void drop(struct copy *copy, uint64_t id)
{
    for (size_t i = 0; i < copy->count; i++) {
        if (copy->ids[i] == id) {
            copy->ids[i] = copy->ids[--copy->count];
            return;
        }
    }
}

static void on_event(void *arg, const struct msg *msg, uint64_t number, bool is_next)
{
    struct copy *copy = arg;
    const struct msg_bridge_event *event = &msg->bridge_event;
    assert_int_equal(msg->id, MSG_bridge_event);
    assert_true(str_eq(event->node, STR_LIT("test")));
    copy->last_number = number;
    copy->jumps += !is_next;
    copy->followed += event->what == BRIDGE_FOLLOWS;
    copy->alive += event->what == BRIDGE_LIVES;
    if (event->what == BRIDGE_PUBLISHES) {
        assert_true(copy->count < COPIED_MAX);
        copy->ids[copy->count++] = event->publisher;
    } else if (event->what == BRIDGE_UNPUBLISHES) {
        drop(copy, event->publisher);
    }
}

/* Without CURVE: test_bus_events is about that. */
static void publish_and_listen(struct scene *scene)
{
    const struct bus_parts parts = {.loop = scene->rig->loop, .metrics = scene->rig->metrics};
    static const char *const nobody[] = {NULL};
    const struct bus_publisher_config publisher = {
        .bind = "tcp://127.0.0.1:*", .allowed_roles = nobody, .queue_max = 1000};
    scene->publisher = bus_publisher_new(&parts, &publisher);
    assert_non_null(scene->publisher);
    const struct bus_subscriber_config subscriber = {.endpoint =
                                                         bus_publisher_endpoint(scene->publisher),
                                                     .role = "janusbridge",
                                                     .fn = on_event,
                                                     .arg = &scene->copy};
    scene->subscriber = bus_subscriber_new(&parts, &subscriber);
}

/* As rig_init does, with observers and an audit that does not dawdle. */
static void set_off(struct scene *scene)
{
    struct rig *rig = scene->rig;
    const char *why = "";
    const struct clock *clock = loop_clock(rig->loop);
    rig->metrics = metrics_new();
    rig->health = health_new();
    rig->call_ms = RIG_CALL_MS;
    publish_and_listen(scene);
    const struct janus_http_config http = {.url = janus.url,
                                           .ca_file = janus.ca_file,
                                           .connections_max = RIG_CONNECTIONS + 4,
                                           .connect_timeout_ms = 5000,
                                           .body_bytes_max = 1024 * 1024};
    rig->http = janus_http_new(rig->loop, rig->metrics, &http, &why);
    assert_non_null(rig->http);
    rig->transport = janus_http_transport(rig->http);
    const struct janus_session_parts parts = {.transport = &rig->transport,
                                              .clock = clock,
                                              .metrics = rig->metrics,
                                              .health = rig->health};
    const struct janus_session_config session = {.api_secret = "",
                                                 .keepalive_ms = 1000,
                                                 .control_timeout_ms = 5000,
                                                 .backoff_min_ms = 20,
                                                 .backoff_max_ms = 200,
                                                 .calls_max = RIG_CALLS_MAX,
                                                 .parallel_max = RIG_CONNECTIONS};
    rig->session = janus_session_new(&parts, &session);
    const struct bridge_config bridge = {
        .node = "test",
        .admin_key = janus.admin_key,
        .calls_max = RIG_CALLERS_MAX,
        .observers = {.max = 100, .parallel_max = 8, .idle_ms = 60000, .timeout_ms = 5000},
        .audit_interval_ms = 5,
        .publisher = scene->publisher};
    rig->bridge = bridge_new(rig->session, clock, rig->metrics, &bridge);
    janus_session_start(rig->session);
}

static int set_up(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    *state = scene;
    log_capture_setup(NULL);
    real_janus_start(&janus, "");
    scene->rig = rig_new();
    set_off(scene);
    if (!rig_wait_ready(scene->rig, 5000)) {
        return -1;
    }
    meet_stranger(scene);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    bus_subscriber_free(&scene->subscriber);
    rig_fini(scene->rig);
    bus_publisher_free(&scene->publisher);
    rig_free(&scene->rig);
    real_janus_remove(&janus);
    mem_free(&scene);
    return log_capture_teardown(NULL);
}

static void publish(struct scene *scene, uint64_t room_id, uint64_t id)
{
    AUTO(mem_free)
    char *body = mem_printf("{\"request\":\"add_remote_publisher\",\"room\":%" PRIu64
                            ",\"secret\":\"" SECRET "\",\"id\":%" PRIu64
                            ",\"streams\":[{\"mid\":\"0\",\"mindex\":0,\"type\":\"audio\","
                            "\"codec\":\"opus\"}]}",
                            room_id, id);
    AUTO(mem_free) char *answer = message(scene, body);
    assert_null(strstr(answer, "error_code"));
}

static void unpublish(struct scene *scene, uint64_t room_id, uint64_t id)
{
    AUTO(mem_free)
    char *body = mem_printf("{\"request\":\"remove_remote_publisher\",\"room\":%" PRIu64
                            ",\"secret\":\"" SECRET "\",\"id\":%" PRIu64 "}",
                            room_id, id);
    AUTO(mem_free) char *answer = message(scene, body);
    assert_null(strstr(answer, "error_code"));
}

static bool lists(struct scene *scene, uint64_t room_id, uint64_t id)
{
    struct mock_call *call = rig_list(scene->rig, room_id);
    assert_int_equal(rig_answer(scene->rig, call), ERR_OK);
    const struct u64_list *list = &call->reply.bridge_participants_reply.publishers;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == id) {
            return true;
        }
    }
    return false;
}

static void until(struct scene *scene, uint64_t room_id, uint64_t id, bool publishes)
{
    for (int i = 0; i < TRIES; i++) {
        if (lists(scene, room_id, id) == publishes) {
            return;
        }
        rig_run(scene->rig, 25);
    }
    fail_msg("%s", publishes ? "never listed" : "never gone");
}

static uint64_t from_memory(struct scene *scene)
{
    return rig_counter(scene->rig, "lynks_janusbridge_lists_total", "from=\"memory\"");
}

/* Asks until memory answers. */
static void until_memory(struct scene *scene, uint64_t room_id)
{
    const uint64_t before = from_memory(scene);
    for (int i = 0; i < TRIES && from_memory(scene) == before; i++) {
        assert_int_equal(rig_answer(scene->rig, rig_list(scene->rig, room_id)), ERR_OK);
        rig_run(scene->rig, 25);
    }
    if (from_memory(scene) == before) {
        fail_msg("memory never answers; %" PRIu64 " gaps",
                 rig_counter(scene->rig, "lynks_janusbridge_feed_gaps_total", NULL));
    }
}

static void make_room(struct scene *scene, uint64_t room_id)
{
    assert_int_equal(rig_answer(scene->rig, rig_create(scene->rig, room_id)), ERR_OK);
    until_memory(scene, room_id);
}

static uint64_t counter(struct scene *scene, const char *name)
{
    return rig_counter(scene->rig, name, NULL);
}

static void expect_no_difference(struct scene *scene)
{
    assert_int_equal(counter(scene, "lynks_janusbridge_audit_differences_total"), 0);
    assert_int_equal(counter(scene, "lynks_janusbridge_senseless_events_total"), 0);
}

static bool has_compared_enough(void *arg)
{
    return counter(arg, "lynks_janusbridge_audit_comparisons_total") >= COMPARISONS;
}

static void test_memory_follows_janus(void **state)
{
    struct scene *scene = *state;
    for (uint64_t i = 0; i < ROOMS; i++) {
        make_room(scene, RIG_ROOM + i);
    }
    for (uint64_t i = 0; i < ROUNDS; i++) {
        const uint64_t room_id = RIG_ROOM + i % ROOMS;
        publish(scene, room_id, 1000 + i);
        until(scene, room_id, 1000 + i, true);
        if (i % 3 != 0) {
            unpublish(scene, room_id, 1000 + i);
            until(scene, room_id, 1000 + i, false);
        }
    }
    assert_true(loop_run_until(scene->rig->loop, has_compared_enough, scene, 30000));
    print_message("%" PRIu64 " lists from memory, %" PRIu64 " audit comparisons\n",
                  from_memory(scene), counter(scene, "lynks_janusbridge_audit_comparisons_total"));
    expect_no_difference(scene);
    for (uint64_t i = 0; i < ROUNDS; i += 3) {
        unpublish(scene, RIG_ROOM + i % ROOMS, 1000 + i);
        until(scene, RIG_ROOM + i % ROOMS, 1000 + i, false);
    }
    expect_no_difference(scene);
}

static bool is_alive(void *arg)
{
    const struct scene *scene = arg;
    return scene->copy.alive > 0;
}

static bool is_up_to_date(void *arg)
{
    const struct scene *scene = arg;
    return scene->copy.last_number == bus_publisher_last(scene->publisher);
}

static void test_a_subscriber_hears_it_too(void **state)
{
    struct scene *scene = *state;
    assert_true(loop_run_until(scene->rig->loop, is_alive, scene, 20000));
    make_room(scene, RIG_ROOM);
    for (uint64_t id = 1; id <= 10; id++) {
        publish(scene, RIG_ROOM, id);
        until(scene, RIG_ROOM, id, true);
        if (id % 2 == 0) {
            unpublish(scene, RIG_ROOM, id);
            until(scene, RIG_ROOM, id, false);
        }
    }
    until_memory(scene, RIG_ROOM);
    const struct mock_call *list = &scene->rig->calls[scene->rig->call_count - 1];
    assert_true(list->reply.bridge_participants_reply.event > 0);
    assert_true(list->reply.bridge_participants_reply.event <=
                bus_publisher_last(scene->publisher));
    assert_true(loop_run_until(scene->rig->loop, is_up_to_date, scene, 20000));
    assert_int_equal(scene->copy.jumps, 1); /* the first one */
    assert_int_equal(scene->copy.followed, 1);
    assert_int_equal(scene->copy.count, 5);
    for (uint64_t id = 1; id <= 10; id += 2) {
        unpublish(scene, RIG_ROOM, id);
        until(scene, RIG_ROOM, id, false);
    }
    assert_true(loop_run_until(scene->rig->loop, is_up_to_date, scene, 20000));
    assert_int_equal(scene->copy.count, 0);
}

/* It is a member without a name and without media, and joining it told nobody. */
static void test_what_others_see_of_an_observer(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(rig_answer(scene->rig, rig_create(scene->rig, RIG_ROOM)), ERR_OK);
    AUTO(mem_free)
    char *joined = message(scene, "{\"request\":\"join\",\"ptype\":\"publisher\",\"room\":1234,"
                                  "\"id\":77}");
    assert_non_null(strstr(joined, "ack"));
    until_memory(scene, RIG_ROOM);
    assert_false(lists(scene, RIG_ROOM, 77));
    AUTO(mem_free)
    char *members = message(scene, "{\"request\":\"listparticipants\",\"room\":1234}");
    size_t count = 0;
    for (const char *at = members; (at = strstr(at, "\"id\"")) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 2);
    assert_null(strstr(members, "display"));
    assert_null(strstr(members, "\"publisher\": true"));
    /* Since he joined, an observer did. He was told nothing but that he is in. */
    AUTO(mem_free) char *session = mem_strdup(scene->stranger.handle);
    *strrchr(session, '/') = '\0';
    AUTO(mem_free) char *poll = mem_printf("%s?maxev=10", session);
    AUTO(mem_free) char *events = real_janus_get(scene->rig, &janus, poll);
    assert_non_null(strstr(events, "\"joined\""));
    assert_null(strstr(strstr(events, "\"joined\""), "\"sender\""));
    expect_no_difference(scene);
}

/* Joins or renames member 77 under a name of so many bytes. */
static void name_stranger(struct scene *scene, const char *request, char letter, size_t bytes)
{
    AUTO(mem_free) char *name = mem_alloc(bytes + 1);
    memset(name, letter, bytes);
    AUTO(mem_free)
    char *body = mem_printf("{\"request\":\"%s\",\"ptype\":\"publisher\",\"room\":1234,"
                            "\"id\":77,\"display\":\"%s\"}",
                            request, name);
    AUTO(mem_free) char *answer = message(scene, body);
    assert_non_null(strstr(answer, "ack"));
}

/* Neither his room nor any other suffers. */
static void test_names_as_long_as_strangers_like(void **state)
{
    struct scene *scene = *state;
    make_room(scene, RIG_ROOM + 1);
    assert_int_equal(rig_answer(scene->rig, rig_create(scene->rig, RIG_ROOM)), ERR_OK);
    name_stranger(scene, "join", 'x', 600000);
    until_memory(scene, RIG_ROOM);
    for (uint64_t i = 0; i < 5; i++) {
        name_stranger(scene, "configure", (char)('a' + i), 1100000);
        for (uint64_t room = RIG_ROOM; room <= RIG_ROOM + 1; room++) {
            publish(scene, room, 1000 + i);
            until(scene, room, 1000 + i, true);
            unpublish(scene, room, 1000 + i);
            until(scene, room, 1000 + i, false);
        }
    }
    assert_int_equal(counter(scene, "lynks_janus_poll_gaps_total"), 0);
    assert_int_equal(counter(scene, "lynks_janus_cut_messages_total"), 0);
    expect_no_difference(scene);
}

static void test_memory_is_silent_while_janus_stands_still(void **state)
{
    struct scene *scene = *state;
    make_room(scene, RIG_ROOM);
    kill(janus.pid, SIGSTOP);
    rig_run(scene->rig, 300);
    scene->rig->call_ms = 10000;
    const struct mock_call *call = rig_list(scene->rig, RIG_ROOM);
    rig_run(scene->rig, 20);
    const unsigned answers = call->answers;
    kill(janus.pid, SIGCONT);
    assert_int_equal(answers, 0);
    assert_int_equal(rig_answer(scene->rig, call), ERR_OK);
    until_memory(scene, RIG_ROOM);
    expect_no_difference(scene);
}

/* Janus does not notice that a poll is cut: it puts the next event into it. */
static void test_an_event_that_went_into_a_dead_poll(void **state)
{
    struct scene *scene = *state;
    make_room(scene, RIG_ROOM);
    make_room(scene, RIG_ROOM + 1);
    for (uint64_t i = 0; i < 10; i++) {
        janus_session_poll_anew(scene->rig->session);
        publish(scene, RIG_ROOM, 1000 + i);
        until(scene, RIG_ROOM, 1000 + i, true);
        until_memory(scene, RIG_ROOM + 1);
        until_memory(scene, RIG_ROOM);
        assert_true(lists(scene, RIG_ROOM, 1000 + i));
        unpublish(scene, RIG_ROOM, 1000 + i);
        until(scene, RIG_ROOM, 1000 + i, false);
    }
    print_message("%" PRIu64 " gaps of 10 cut polls\n",
                  counter(scene, "lynks_janusbridge_feed_gaps_total"));
    assert_true(counter(scene, "lynks_janusbridge_feed_gaps_total") > 10);
    expect_no_difference(scene);
}

static void test_a_restart_of_janus(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("janus is not ready");
    make_room(scene, RIG_ROOM);
    real_janus_kill(&janus);
    assert_true(rig_wait_not_ready(scene->rig, 5000));
    real_janus_start_again(&janus);
    assert_true(rig_wait_ready(scene->rig, 10000));
    assert_int_equal(rig_answer(scene->rig, rig_list(scene->rig, RIG_ROOM)), ERR_NO_SUCH_ROOM);
    make_room(scene, RIG_ROOM);
    assert_int_equal(rig_answer(scene->rig, rig_destroy(scene->rig, RIG_ROOM)), ERR_OK);
    assert_int_equal(rig_answer(scene->rig, rig_list(scene->rig, RIG_ROOM)), ERR_NO_SUCH_ROOM);
    make_room(scene, RIG_ROOM);
    expect_no_difference(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_memory_follows_janus),
        T(test_a_subscriber_hears_it_too),
        T(test_what_others_see_of_an_observer),
        T(test_names_as_long_as_strangers_like),
        T(test_memory_is_silent_while_janus_stands_still),
        T(test_an_event_that_went_into_a_dead_poll),
        T(test_a_restart_of_janus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
