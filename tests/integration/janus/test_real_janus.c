/* The bridge and Debian's Janus. One Janus for all tests but those that need a special one. */
#include "tests/integration/janus/real_janus.h"

#include <signal.h>
#include <stdlib.h>

static struct real_janus shared;
static struct real_janus special; /* of one test, which may fail in the middle */

static int group_setup(void **state)
{
    (void)state;
    real_janus_start(&shared, "");
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    real_janus_remove(&shared);
    return 0;
}

static int remove_special(void **state)
{
    (void)state;
    if (special.folder[0] != '\0') {
        real_janus_remove(&special);
    }
    return 0;
}

static struct rig *begin_bridge(const struct real_janus *janus, const char *api_secret,
                                const char *admin_key, bool has_trial)
{
    struct rig *rig = rig_new();
    const struct rig_config config = {.url = janus->url,
                                      .ca_file = janus->ca_file,
                                      .api_secret = api_secret,
                                      .admin_key = admin_key,
                                      .has_trial = has_trial,
                                      .keepalive_ms = 1000,
                                      .control_timeout_ms = RIG_DOUBT_MS};
    rig_init(rig, &config);
    return rig;
}

static struct rig *bridge_to(const struct real_janus *janus, const char *api_secret,
                             const char *admin_key)
{
    return begin_bridge(janus, api_secret, admin_key, false);
}

/* One that tries whether rooms can be made, as the process does. */
static struct rig *bridge_on_trial(const struct real_janus *janus, const char *api_secret,
                                   const char *admin_key)
{
    return begin_bridge(janus, api_secret, admin_key, true);
}

static int set_up(void **state)
{
    log_capture_setup(NULL);
    *state = bridge_to(&shared, "", shared.admin_key);
    return rig_wait_ready(*state, RIG_PATIENCE_MS) ? 0 : -1;
}

static void forget(struct rig *rig, uint64_t room_id)
{
    assert_int_equal(rig_answer(rig, rig_destroy(rig, room_id)), ERR_OK);
}

static bool exists(struct rig *rig, uint64_t room_id)
{
    struct mock_call *call = rig_exists(rig, room_id);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    return call->reply.bridge_exists_reply.exists;
}

/* ---- rooms ---- */

static void test_the_life_of_a_room(void **state)
{
    struct rig *rig = *state;
    assert_false(exists(rig, RIG_ROOM));
    assert_int_equal(rig_answer(rig, rig_list(rig, RIG_ROOM)), ERR_NO_SUCH_ROOM);
    struct mock_call *call = rig_create(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_false(call->reply.bridge_create_reply.existed);
    call = rig_create(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_true(call->reply.bridge_create_reply.existed);
    assert_true(exists(rig, RIG_ROOM));
    call = rig_list(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, 0);
    call = rig_destroy(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_true(call->reply.bridge_destroy_reply.existed);
    call = rig_destroy(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_false(call->reply.bridge_destroy_reply.existed);
    assert_false(exists(rig, RIG_ROOM));
}

static void test_the_largest_room_id(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_answer(rig, rig_create(rig, ROOM_ID_MAX)), ERR_OK);
    assert_true(exists(rig, ROOM_ID_MAX));
    assert_int_equal(rig_answer(rig, rig_list(rig, ROOM_ID_MAX)), ERR_OK);
    forget(rig, ROOM_ID_MAX);
}

static void test_creates_and_destroys_keep_their_order(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 50; i++) {
        rig_create(rig, RIG_ROOM);
        rig_destroy(rig, RIG_ROOM);
    }
    assert_true(rig_wait_all(rig, RIG_PATIENCE_MS));
    for (size_t i = 0; i < rig->call_count; i += 2) {
        assert_int_equal(rig->calls[i].err, ERR_OK);
        assert_false(rig->calls[i].reply.bridge_create_reply.existed);
        assert_true(rig->calls[i + 1].reply.bridge_destroy_reply.existed);
    }
    assert_false(exists(rig, RIG_ROOM));
}

static void test_info(void **state)
{
    struct rig *rig = *state;
    struct mock_call *call = NULL;
    for (int i = 0;
         i < 1000 && (call == NULL || call->reply.bridge_info_reply.janus.version.bytes == 0);
         i++) {
        rig_run(rig, 10); /* it is asked for once the bridge is ready */
        call = rig_call(rig, (struct msg){.id = MSG_bridge_info});
    }
    assert_non_null(call);
    assert_true(call->reply.bridge_info_reply.janus.ready);
    assert_true(str_eq(call->reply.bridge_info_reply.janus.version, STR_LIT("1.1.2")));
}

static uint64_t new_id(const char *answer)
{
    const char *at = strstr(answer, "\"id\":");
    assert_non_null(at);
    return strtoull(at + strlen("\"id\":"), NULL, 10);
}

/* A session and a handle of a stranger on the plain listener; gives the path, caller frees. */
static char *stranger(struct rig *rig)
{
    AUTO(mem_free)
    char *session =
        real_janus_ask(rig, &shared, "", "{\"janus\":\"create\",\"transaction\":\"a\"}");
    AUTO(mem_free) char *path = mem_printf("/%" PRIu64, new_id(session));
    AUTO(mem_free)
    char *handle = real_janus_ask(rig, &shared, path,
                                  "{\"janus\":\"attach\",\"transaction\":\"b\",\"plugin\":"
                                  "\"janus.plugin.videoroom\"}");
    return mem_printf("%s/%" PRIu64, path, new_id(handle));
}

static char *stranger_says(struct rig *rig, const char *path, const char *body)
{
    AUTO(mem_free)
    char *message = mem_printf("{\"janus\":\"message\",\"transaction\":\"c\",\"body\":%s}", body);
    return real_janus_ask(rig, &shared, path, message);
}

static void test_strangers_cannot_touch_the_room(void **state)
{
    static const char *const requests[] = {
        "{\"request\":\"destroy\",\"room\":1234}",
        "{\"request\":\"destroy\",\"room\":1234,\"secret\":\"\"}",
        "{\"request\":\"edit\",\"room\":1234,\"new_pin\":\"1\"}",
        "{\"request\":\"enable_recording\",\"room\":1234,\"record\":true}",
        "{\"request\":\"create\",\"room\":4321}",
    };
    struct rig *rig = *state;
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_OK);
    AUTO(mem_free) char *path = stranger(rig);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        AUTO(mem_free) char *answer = stranger_says(rig, path, requests[i]);
        if (strstr(answer, "error_code") == NULL) {
            fail_msg("allowed: %s: %s", requests[i], answer);
        }
    }
    AUTO(mem_free) char *rooms = stranger_says(rig, path, "{\"request\":\"list\"}");
    assert_null(strstr(rooms, "1234"));
    assert_true(exists(rig, RIG_ROOM));
    forget(rig, RIG_ROOM);
}

static void test_who_only_sits_there_is_not_listed(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_OK);
    AUTO(mem_free) char *path = stranger(rig);
    AUTO(mem_free)
    char *ack = stranger_says(rig, path,
                              "{\"request\":\"join\",\"ptype\":\"publisher\",\"room\":1234,"
                              "\"id\":77}");
    assert_non_null(strstr(ack, "\"ack\""));
    AUTO(mem_free) char *seen = NULL;
    for (int i = 0; i < 100 && (seen == NULL || strstr(seen, "\"id\":77") == NULL); i++) {
        mem_free(&seen);
        seen = stranger_says(rig, path, "{\"request\":\"listparticipants\",\"room\":1234}");
    }
    assert_non_null(strstr(seen, "\"id\":77"));
    struct mock_call *call = rig_list(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, 0);
    forget(rig, RIG_ROOM);
}

struct answer {
    int answers;
    enum err err;
    uint64_t code;
};

static void on_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct answer *answer = arg;
    answer->answers++;
    answer->err = err;
    answer->code = message != NULL ? message->code : 0;
}

static bool has_answer(void *arg)
{
    const struct answer *answer = arg;
    return answer->answers > 0;
}

/* The ack comes in the POST's answer, the error as an event on the long poll. */
static void test_an_error_that_comes_as_an_event(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 10; i++) {
        struct answer answer = {0};
        uint64_t id;
        assert_int_equal(janus_session_call(rig->session,
                                            "{\"request\":\"join\",\"ptype\":\"publisher\","
                                            "\"room\":999999}",
                                            RIG_CALL_MS, on_answer, &answer, &id),
                         ERR_OK);
        assert_true(loop_run_until(rig->loop, has_answer, &answer, RIG_PATIENCE_MS));
        assert_int_equal(answer.err, ERR_NO_SUCH_ROOM);
        assert_int_equal(answer.code, 426);
    }
}

/* ---- recovery ---- */

static void test_killed_and_back(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("janus is not ready");
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_OK);
    rig_run(rig, 1100);
    real_janus_kill(&shared);
    assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(rig_exists(rig, RIG_ROOM)->err, ERR_UNAVAILABLE);
    real_janus_start_again(&shared);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_false(exists(rig, RIG_ROOM)); /* rooms die with Janus: the registry is ours */
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_OK);
    forget(rig, RIG_ROOM);
    assert_int_equal(janus_session_made(rig->session), 2);
    assert_int_equal(rig_counter(rig, "lynks_janus_losses_total", "cause=\"restart\""), 1);
}

static void test_stopped_and_going_on(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("janus is not ready");
    log_capture_expect("call failed");
    rig->call_ms = 500;
    rig_run(rig, 1100);
    assert_int_equal(kill(shared.pid, SIGSTOP), 0);
    struct mock_call *call = rig_exists(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_DEADLINE);
    assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(rig_exists(rig, RIG_ROOM)->err, ERR_UNAVAILABLE);
    assert_int_equal(kill(shared.pid, SIGCONT), 0);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_false(exists(rig, RIG_ROOM));
    assert_int_equal(janus_session_made(rig->session), 1); /* the same session goes on */
}

static void test_the_session_is_destroyed_behind_its_back(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("the janus session was lost");
    rig_run(rig, 1100);
    AUTO(mem_free) char *path = mem_printf("/%" PRIu64, real_janus_last_session(&shared));
    AUTO(mem_free)
    char *answer =
        real_janus_ask(rig, &shared, path, "{\"janus\":\"destroy\",\"transaction\":\"x\"}");
    assert_non_null(strstr(answer, "success"));
    assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS)); /* the next keepalive finds it */
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(janus_session_made(rig->session), 2);
    assert_false(exists(rig, RIG_ROOM));
}

/* ---- Januses of another kind ---- */

static void test_keepalives_outpace_a_short_session_timeout(void **state)
{
    (void)state;
    log_capture_setup(NULL);
    real_janus_start(&special, "JANUS_SESSION_TIMEOUT=2");
    struct rig *rig = bridge_to(&special, "", special.admin_key);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    rig_run(rig, 5000);
    assert_true(janus_session_is_ready(rig->session));
    assert_int_equal(janus_session_made(rig->session), 1);
    /* And when the bridge stands still for longer than that: */
    log_capture_expect("the janus session was lost");
    log_capture_expect("the janus handle was lost"); /* Janus may say so first */
    const uint64_t end_ms = rig_now_ms(rig) + RIG_PATIENCE_MS;
    while (real_janus_logged(&special, "Timeout expired for session") == 0) {
        assert_true(rig_now_ms(rig) < end_ms);
    }
    assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS));
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(janus_session_made(rig->session), 2);
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

static bool is_told(void *arg)
{
    const char *const *text = arg;
    return log_capture_count(*text) > 0;
}

static void expect_away(const struct real_janus *janus, const char *secret, const char *ca_file,
                        const char *reason)
{
    struct real_janus other = *janus;
    (void)str_copy(other.ca_file, sizeof(other.ca_file), str_of(ca_file));
    log_capture_setup(NULL);
    log_capture_expect("janus is not ready");
    struct rig *rig = bridge_to(&other, secret, janus->admin_key);
    assert_true(loop_run_until(rig->loop, is_told, &reason, RIG_PATIENCE_MS));
    rig_run(rig, 300);
    assert_false(janus_session_is_ready(rig->session));
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

static void test_https_and_a_secret(void **state)
{
    (void)state;
    real_janus_start(&special, "JANUS_SECURE_PORT=$(bash -c '. " LYNKS_SOURCE_DIR
                               "/tests/support/lib.sh; free_port') JANUS_API_SECRET='s3&cr=t'");
    assert_int_equal(strncmp(special.url, "https://", 8), 0);
    log_capture_setup(NULL);
    struct rig *rig = bridge_to(&special, "s3&cr=t", special.admin_key);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (int i = 0; i < 20; i++) {
        assert_false(exists(rig, RIG_ROOM));
    }
    rig_run(rig, 300);
    assert_true(janus_session_is_ready(rig->session)); /* the poll knows the secret too */
    assert_int_equal(rig_counter(rig, "lynks_janus_poll_gaps_total", NULL), 0);
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
    expect_away(&special, "wrong", special.ca_file, "LYNKS_JANUS_API_SECRET");
    expect_away(&special, "s3&cr=t", "", "janus cannot be reached"); /* nobody vouches for it */
}

/* ---- Januses that have a session for us, and nothing else ---- */

/* The readiness names the cause, whatever the session is. */
static void expect_not_ready(const struct real_janus *janus, const char *admin_key,
                             const char *reason)
{
    log_capture_setup(NULL);
    log_capture_expect(reason);
    struct rig *rig = bridge_on_trial(janus, "", admin_key);
    assert_true(loop_run_until(rig->loop, is_told, &reason, RIG_PATIENCE_MS));
    assert_false(health_is_ready(rig->health));
    AUTO(mem_free) char *health = health_json(rig->health);
    assert_non_null(strstr(health, reason));
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

static bool is_well(void *arg)
{
    return health_is_ready(arg);
}

static void test_the_trial_leaves_nothing_behind(void **state)
{
    (void)state;
    log_capture_setup(NULL);
    struct rig *rig = bridge_on_trial(&shared, "", shared.admin_key);
    assert_true(loop_run_until(rig->loop, is_well, rig->health, RIG_PATIENCE_MS));
    assert_int_equal(rig_counter(rig, "lynks_janusbridge_trials_total", "result=\"passed\""), 1);
    AUTO(mem_free) char *path = stranger(rig);
    AUTO(mem_free)
    char *list = mem_printf("{\"request\":\"list\",\"admin_key\":\"%s\"}", shared.admin_key);
    AUTO(mem_free) char *rooms = stranger_says(rig, path, list);
    assert_non_null(strstr(rooms, "\"list\":[]"));
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

static void test_a_wrong_admin_key(void **state)
{
    (void)state;
    expect_not_ready(&shared, "wrong", "janus refuses the admin key (LYNKS_JANUS_ADMIN_KEY)");
    expect_not_ready(&shared, "", "LYNKS_JANUS_ADMIN_KEY is not set");
    log_capture_setup(NULL);
    log_capture_expect("LYNKS_JANUS_ADMIN_KEY");
    struct rig *rig = bridge_to(&shared, "", "wrong");
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_INTERNAL);
    assert_false(exists(rig, RIG_ROOM));
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

static void test_rooms_that_have_names_instead_of_numbers(void **state)
{
    (void)state;
    real_janus_start(&special, "JANUS_STRING_IDS=true");
    expect_not_ready(&special, special.admin_key, "string_ids must be false");
}

static void test_tokens_are_wanted(void **state)
{
    (void)state;
    real_janus_start(&special, "JANUS_TOKEN_AUTH=true");
    expect_away(&special, "", "", "janus wants tokens (token_auth)");
    expect_away(&special, "any", "", "janus wants tokens (token_auth)");
}

static void test_a_secret_that_is_not_set(void **state)
{
    (void)state;
    real_janus_start(&special, "JANUS_API_SECRET=s3cret JANUS_TOKEN_AUTH=true");
    expect_away(&special, "", "", "janus has an api secret: LYNKS_JANUS_API_SECRET is not set");
    expect_away(&special, "wrong", "", "janus refuses the api secret (LYNKS_JANUS_API_SECRET)");
    /* The secret does instead of a token. */
    log_capture_setup(NULL);
    struct rig *rig = bridge_on_trial(&special, "s3cret", special.admin_key);
    assert_true(loop_run_until(rig->loop, is_well, rig->health, RIG_PATIENCE_MS));
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

/* Rooms of Janus' own configuration with numbers of ours: one has a secret, one has none, and so
 * anybody's until we give it ours. */
static void test_rooms_of_januss_own_file(void **state)
{
    (void)state;
    real_janus_start(&special, "JANUS_ROOMS='1234:foreign 1235:'");
    log_capture_setup(NULL);
    log_capture_expect("the number of one of ours, but another secret");
    struct rig *rig = bridge_to(&special, "", special.admin_key);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_INTERNAL);
    }
    struct mock_call *call = rig_create(rig, RIG_ROOM + 1);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_true(call->reply.bridge_create_reply.existed);
    forget(rig, RIG_ROOM + 1);
    rig_fini(rig);
    rig_free(&rig);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_life_of_a_room),
        TEST(test_the_largest_room_id),
        TEST(test_creates_and_destroys_keep_their_order),
        TEST(test_info),
        TEST(test_strangers_cannot_touch_the_room),
        TEST(test_who_only_sits_there_is_not_listed),
        TEST(test_an_error_that_comes_as_an_event),
        TEST(test_killed_and_back),
        TEST(test_stopped_and_going_on),
        TEST(test_the_session_is_destroyed_behind_its_back),
        cmocka_unit_test_teardown(test_keepalives_outpace_a_short_session_timeout, remove_special),
        cmocka_unit_test_teardown(test_https_and_a_secret, remove_special),
        cmocka_unit_test(test_the_trial_leaves_nothing_behind),
        cmocka_unit_test(test_a_wrong_admin_key),
        cmocka_unit_test_teardown(test_rooms_that_have_names_instead_of_numbers, remove_special),
        cmocka_unit_test_teardown(test_tokens_are_wanted, remove_special),
        cmocka_unit_test_teardown(test_a_secret_that_is_not_set, remove_special),
        cmocka_unit_test_teardown(test_rooms_of_januss_own_file, remove_special),
    };
    return cmocka_run_group_tests_name("real_janus", tests, group_setup, group_teardown);
}
