/* The bridge and a Janus that keeps its part of the contract, over real HTTP. */
#include "tests/contract/janusbridge/rig.h"

#define POLL_MS 1100

static struct scripted_counts counts(const struct rig *rig)
{
    return scripted_janus_counts(rig->janus);
}

static void bring_up(struct rig *rig)
{
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
}

/* ---- calls ---- */

static void test_the_life_of_a_room(void **state)
{
    struct rig *rig = *state;
    const uint64_t members[] = {2, 3, 4, 5};
    bring_up(rig);
    struct mock_call *call = rig_exists(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_false(call->reply.bridge_exists_reply.exists);
    assert_int_equal(rig_answer(rig, rig_list(rig, RIG_ROOM)), ERR_NO_SUCH_ROOM);
    call = rig_create(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_false(call->reply.bridge_create_reply.existed);
    call = rig_create(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_true(call->reply.bridge_create_reply.existed);
    scripted_janus_set_members(rig->janus, RIG_ROOM, members, ARRAY_LEN(members));
    call = rig_list(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    const struct u64_list *ids = &call->reply.bridge_participants_reply.publishers;
    assert_int_equal(ids->count, 2);
    assert_int_equal(ids->items[0], 2);
    assert_int_equal(ids->items[1], 4);
    assert_int_equal(rig_answer(rig, rig_destroy(rig, RIG_ROOM)), ERR_OK);
    call = rig_exists(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_false(call->reply.bridge_exists_reply.exists);
}

static void test_connections_are_used_again(void **state)
{
    struct rig *rig = *state;
    bring_up(rig);
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_OK);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(rig_answer(rig, rig_list(rig, RIG_ROOM)), ERR_OK);
    }
    /* one for the poll, one for calls, and one each for a keepalive and the question what Janus is,
     * where they come between */
    assert_in_range(counts(rig).accepted, 2, 4);
}

static void test_many_at_once_share_a_bounded_pool(void **state)
{
    struct rig *rig = *state;
    bring_up(rig);
    for (uint64_t i = 0; i < 100; i++) {
        rig_create(rig, RIG_ROOM + i);
    }
    assert_true(rig_wait_all(rig, RIG_PATIENCE_MS));
    scripted_janus_set_delay(rig->janus, 100); /* longer than it takes to ask for eight */
    for (uint64_t i = 0; i < 300; i++) {
        rig_list(rig, RIG_ROOM + i % 100);
    }
    assert_true(rig_wait_all(rig, RIG_PATIENCE_MS));
    for (size_t i = 0; i < rig->call_count; i++) {
        assert_int_equal(rig->calls[i].err, ERR_OK);
    }
    assert_int_equal(counts(rig).lists, 100); /* three callers each */
    assert_int_equal(counts(rig).calls_at_once, RIG_CONNECTIONS);
    assert_true(counts(rig).connections <= RIG_CONNECTIONS + 4);
    assert_true(counts(rig).accepted <= RIG_CONNECTIONS + 4);
}

static void test_an_idle_connection_that_janus_closes_is_replaced(void **state)
{
    struct rig *rig = *state;
    bring_up(rig);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
        scripted_janus_cut_idle(rig->janus);
        rig_run(rig, 20);
    }
    assert_true(janus_session_is_ready(rig->session));
    assert_int_equal(janus_session_made(rig->session), 1);
}

/* ---- keepalive and poll ---- */

static bool has_polled_often(void *arg)
{
    const struct scripted_counts seen = counts(arg);
    return seen.keepalives >= 10 && seen.polls >= 4;
}

static void test_keepalives_and_one_poll(void **state)
{
    struct rig *rig = *state;
    scripted_janus_set_poll_ms(rig->janus, POLL_MS);
    bring_up(rig);
    const uint64_t begin_ms = rig_now_ms(rig);
    assert_true(loop_run_until(rig->loop, has_polled_often, rig, RIG_PATIENCE_MS));
    const uint64_t ms = rig_now_ms(rig) - begin_ms;
    assert_in_range(counts(rig).polls, 4, ms / POLL_MS + 1);
    /* One more after a poll that came back early: something may have been lost. */
    assert_in_range(counts(rig).keepalives, 10, ms / 200 + 1 + counts(rig).polls);
    assert_int_equal(counts(rig).polls_at_once, 1);
    assert_int_equal(counts(rig).creates, 1);
}

struct answer {
    int answers;
    enum err err;
};

static void on_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct answer *answer = arg;
    (void)message;
    answer->answers++;
    answer->err = err;
}

static bool has_answer(void *arg)
{
    const struct answer *answer = arg;
    return answer->answers > 0;
}

static void test_an_asynchronous_answer_in_either_order(void **state)
{
    struct rig *rig = *state;
    bring_up(rig);
    for (int i = 0; i < 10; i++) {
        struct answer answer = {0};
        uint64_t id;
        scripted_janus_set_event_first(rig->janus, i % 2 == 0);
        assert_int_equal(janus_session_call(rig->session, "{\"request\":\"configure\"}",
                                            RIG_CALL_MS, on_answer, &answer, &id),
                         ERR_OK);
        assert_true(loop_run_until(rig->loop, has_answer, &answer, RIG_PATIENCE_MS));
        assert_int_equal(answer.err, ERR_OK);
        rig_run(rig, 50);
        assert_int_equal(answer.answers, 1);
    }
    assert_int_equal(rig_counter(rig, "lynks_janus_late_answers_total", NULL), 0);
}

/* ---- what strangers make large ---- */

static void test_names_of_any_length_in_a_list(void **state)
{
    struct rig *rig = *state;
    const uint64_t members[] = {2, 3, 4};
    bring_up(rig);
    assert_int_equal(rig_answer(rig, rig_create(rig, RIG_ROOM)), ERR_OK);
    scripted_janus_set_members(rig->janus, RIG_ROOM, members, ARRAY_LEN(members));
    scripted_janus_set_name_bytes(rig->janus, 600000);
    struct mock_call *call = rig_list(rig, RIG_ROOM);
    assert_int_equal(rig_answer(rig, call), ERR_OK);
    assert_int_equal(call->reply.bridge_participants_reply.publishers.count, 2);
    assert_int_equal(rig_counter(rig, "lynks_janus_cut_messages_total", NULL), 0);
}

static char *with_numbers(const char *start, size_t count, const char *end)
{
    AUTO(mem_free) char *zeros = mem_alloc(count + 1);
    memset(zeros, '1', count);
    return mem_printf("%s%s%s", start, zeros, end);
}

struct events_wanted {
    struct rig *rig;
    uint64_t count;
};

static bool has_events(void *arg)
{
    const struct events_wanted *wanted = arg;
    return rig_counter(wanted->rig, "lynks_janus_events_total", NULL) >= wanted->count;
}

/* Whatever an event holds, the poll goes on without a gap: a long name is skipped, and an event of
 * which too much would have to be kept is cut, counted and told. */
static void test_large_events_leave_no_gap(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("janus tells more of a room than is kept");
    bring_up(rig);
    AUTO(mem_free)
    char *long_name =
        with_numbers("{\"videoroom\":\"event\",\"id\":5,\"display\":\"", 1100000, "\"}");
    AUTO(mem_free)
    char *large = with_numbers("{\"videoroom\":\"event\",\"leaving\":\"", 1100000, "\"}");
    struct events_wanted wanted = {.rig = rig};
    for (uint64_t i = 0; i < 3; i++) {
        scripted_janus_tell(rig->janus, long_name);
        scripted_janus_tell(rig->janus, large);
        wanted.count += 2;
        assert_true(loop_run_until(rig->loop, has_events, &wanted, RIG_PATIENCE_MS));
    }
    assert_int_equal(rig_counter(rig, "lynks_janus_poll_gaps_total", NULL), 0);
    assert_int_equal(rig_counter(rig, "lynks_janus_cut_messages_total", NULL), 3);
    assert_true(log_capture_count("janus tells more of a room than is kept") > 0);
}

/* ---- recovery ---- */

static bool is_told(void *arg)
{
    const char *const *text = arg;
    return log_capture_count(*text) > 0;
}

static void wait_told(struct rig *rig, const char *text)
{
    assert_true(loop_run_until(rig->loop, is_told, &text, RIG_PATIENCE_MS));
}

static void test_janus_appears_after_the_bridge(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("janus cannot be reached");
    wait_told(rig, "janus cannot be reached");
    assert_int_equal(rig_exists(rig, RIG_ROOM)->err, ERR_UNAVAILABLE); /* at once */
    scripted_janus_start(rig->janus);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
}

static void test_janus_is_killed_and_comes_back(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("janus cannot be reached");
    bring_up(rig);
    for (uint64_t i = 1; i <= 3; i++) {
        scripted_janus_set_delay(rig->janus, 1000);
        struct mock_call *call = rig_exists(rig, RIG_ROOM);
        rig_run(rig, 50);
        scripted_janus_stop(rig->janus);
        scripted_janus_set_delay(rig->janus, 0);
        assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS));
        assert_true(rig_wait_answer(rig, call, RIG_PATIENCE_MS));
        assert_int_equal(call->err, ERR_UNAVAILABLE);
        rig_run(rig, 300);
        scripted_janus_start(rig->janus);
        assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
        assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
        assert_int_equal(janus_session_made(rig->session), i + 1);
    }
    assert_int_equal(rig_counter(rig, "lynks_janus_losses_total", "cause=\"restart\""), 3);
    assert_int_equal(counts(rig).polls_at_once, 1);
}

static void test_the_session_is_lost_behind_its_back(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("the janus session was lost");
    bring_up(rig);
    rig_run(rig, 1100);
    for (int i = 0; i < 2; i++) {
        scripted_janus_forget_session(rig->janus, i == 0);
        assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS));
        assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
        assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
        rig_run(rig, 1100);
    }
    assert_int_equal(rig_counter(rig, "lynks_janus_losses_total", "cause=\"session\""), 2);
}

static void test_a_call_finds_the_session_lost(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("the janus session was lost");
    bring_up(rig);
    scripted_janus_forget_session(rig->janus, false);
    assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_UNAVAILABLE);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
}

static void test_a_call_finds_the_handle_lost(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("the janus handle was lost");
    bring_up(rig);
    scripted_janus_forget_handle(rig->janus);
    assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_UNAVAILABLE);
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    assert_int_equal(rig_answer(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
    assert_int_equal(counts(rig).creates, 1);
    assert_int_equal(counts(rig).attaches, 2);
    assert_int_equal(counts(rig).polls_at_once, 1);
}

static void test_a_wrong_secret_is_told_and_mended(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("LYNKS_JANUS_API_SECRET");
    scripted_janus_set_secret(rig->janus, "another");
    wait_told(rig, "LYNKS_JANUS_API_SECRET");
    rig_run(rig, 500); /* it is asked again and again, and told once */
    assert_false(janus_session_is_ready(rig->session));
    assert_int_equal(log_capture_count("LYNKS_JANUS_API_SECRET"), 1);
    scripted_janus_set_secret(rig->janus, "");
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
}

/* ---- the end ---- */

static void test_the_session_is_left_to_the_next_bridge(void **state)
{
    struct rig *rig = *state;
    bring_up(rig);
    rig_exists(rig, RIG_ROOM);
    rig_fini(rig);
    assert_int_equal(counts(rig).destroys, 0);
    assert_true(counts(rig).has_session);
    assert_int_equal(rig->calls[0].err, ERR_UNAVAILABLE);
}

static void test_configurations_that_cannot_work(void **state)
{
    static const char *const urls[] = {"",
                                       "http://",
                                       "ftp://127.0.0.1/janus",
                                       "127.0.0.1:8088",
                                       "http://127.0.0.1/janus?x=1",
                                       "http://127.0.0.1/a b",
                                       "file:///etc/passwd",
                                       "http://[::1/janus"};
    struct rig *rig = *state;
    const char *why = NULL;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        const struct janus_http_config config = {
            .url = urls[i], .ca_file = "", .connections_max = 4, .connect_timeout_ms = 500};
        assert_null(janus_http_new(rig->loop, rig->metrics, &config, &why));
        assert_string_equal(why, "not an http or https URL");
    }
    const struct janus_http_config config = {
        .url = "https://127.0.0.1/janus", .ca_file = "/nonexistent", .connections_max = 4};
    assert_null(janus_http_new(rig->loop, rig->metrics, &config, &why));
    assert_string_equal(why, "the CA file cannot be read");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_life_of_a_room),
        TEST(test_connections_are_used_again),
        TEST(test_many_at_once_share_a_bounded_pool),
        TEST(test_an_idle_connection_that_janus_closes_is_replaced),
        TEST(test_keepalives_and_one_poll),
        TEST(test_an_asynchronous_answer_in_either_order),
        TEST(test_names_of_any_length_in_a_list),
        TEST(test_large_events_leave_no_gap),
        cmocka_unit_test_setup_teardown(test_janus_appears_after_the_bridge, rig_setup_before_janus,
                                        rig_teardown),
        TEST(test_janus_is_killed_and_comes_back),
        TEST(test_the_session_is_lost_behind_its_back),
        TEST(test_a_call_finds_the_session_lost),
        TEST(test_a_call_finds_the_handle_lost),
        TEST(test_a_wrong_secret_is_told_and_mended),
        TEST(test_the_session_is_left_to_the_next_bridge),
        TEST(test_configurations_that_cannot_work),
    };
    return cmocka_run_group_tests_name("janus_face", tests, NULL, NULL);
}
