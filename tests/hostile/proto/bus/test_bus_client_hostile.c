/* A client against a service that holds the right key and misbehaves, and against whatever sits at
 * its address. */
#include "tests/support/c/log_capture.h"
#include "tests/support/c/raw_service.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SHORT_MS 1000 /* long enough for a call to arrive */

static void test_silence(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, NULL);
    assert_int_equal(raw_service_outcome(raw, SHORT_MS), ERR_DEADLINE);
    raw_service_assert_works(raw);
}

static void answer_garbage(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    (void)correlation_id;
    static const char array_header[] = {(char)0xdd, 0x7f, (char)0xff, (char)0xff, (char)0xff};
    raw_service_send(raw, route, STR_LIT("\xc1garbage"));
    raw_service_send(raw, route, (struct str){"", 0});
    raw_service_send(raw, route, (struct str){array_header, sizeof(array_header)});
}

static void test_garbage(void **state)
{
    struct raw_service *raw = *state;
    log_capture_expect("bus frame refused");
    raw_service_start(raw, answer_garbage);
    assert_int_equal(raw_service_outcome(raw, SHORT_MS), ERR_DEADLINE);
    assert_int_equal(bus_pair_metric(&raw->pair, RAW_FRAMES, "reason=\"malformed\""), 3);
    raw_service_assert_works(raw);
}

static void answer_of_another_call(struct raw_service *raw, zmq_msg_t *route,
                                   uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_login_reply, .login_reply = {.user_id = 1}};
    raw_service_answer(raw, route, correlation_id, ERR_OK, &reply);
}

static void test_reply_of_another_type(void **state)
{
    struct raw_service *raw = *state;
    log_capture_expect("bus frame refused");
    raw_service_start(raw, answer_of_another_call);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_PROTOCOL);
    raw_service_assert_works(raw);
}

static void answer_with_its_request(struct raw_service *raw, zmq_msg_t *route,
                                    uint64_t correlation_id)
{
    bus_raw_request(raw->frame, correlation_id, 1);
    raw_service_send(raw, route, frame_bytes(raw->frame));
}

static void test_request_as_a_reply(void **state)
{
    struct raw_service *raw = *state;
    log_capture_expect("bus frame refused");
    raw_service_start(raw, answer_with_its_request);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_PROTOCOL);
    raw_service_assert_works(raw);
}

/* The reply's last byte is its last field, an integer; another type there is against the schema. */
static void answer_badly(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    const struct envelope envelope = {.correlation_id = correlation_id};
    assert_int_equal(codec_encode(raw->frame, &envelope, &reply), ERR_OK);
    struct str good = frame_bytes(raw->frame);
    AUTO(mem_free) char *bad = mem_alloc(good.bytes);
    memcpy(bad, good.data, good.bytes);
    bad[good.bytes - 1] = (char)0xc3; /* true */
    raw_service_send(raw, route, (struct str){bad, good.bytes});
}

static void test_reply_against_the_schema(void **state)
{
    struct raw_service *raw = *state;
    log_capture_expect("bus frame refused");
    raw_service_start(raw, answer_badly);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_PROTOCOL);
    assert_int_equal(bus_pair_metric(&raw->pair, RAW_FRAMES, "reason=\"body\""), 1);
    raw_service_assert_works(raw);
}

static void answer_three_times(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    for (int i = 0; i < 3; i++) {
        raw_service_answer_well(raw, route, correlation_id);
    }
}

static void test_duplicate_replies(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, answer_three_times);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_OK);
    raw_service_assert_works(raw); /* with the same slot, so the duplicates came before */
    assert_int_equal(raw->asked[0].answers, 1);
    assert_int_equal(raw_service_late(raw), 2);
}

static void answer_everything_but_it(struct raw_service *raw, zmq_msg_t *route,
                                     uint64_t correlation_id)
{
    for (uint64_t i = 1; i <= 400; i++) { /* within the socket's queue */
        raw_service_answer_well(raw, route, correlation_id + i);
        raw_service_answer_well(raw, route,
                                correlation_id + (i << 16)); /* later uses of its slot */
    }
    raw_service_answer_well(raw, route, 0);
    raw_service_answer_well(raw, route, UINT64_MAX);
}

static void test_replies_to_nothing(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, answer_everything_but_it);
    assert_int_equal(raw_service_outcome(raw, 1000), ERR_DEADLINE);
    assert_true(bus_raw_counted(&raw->pair, "lynks_bus_late_replies_total", NULL, 802));
    raw_service_assert_works(raw);
}

/* What was recorded from an earlier call answers no later one. */
static void test_replayed_reply(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, NULL);
    assert_int_equal(raw_service_outcome(raw, SHORT_MS), ERR_DEADLINE);
    raw->reply = answer_three_times;
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_OK);
    raw->reply = NULL;
    assert_int_equal(raw_service_outcome(raw, SHORT_MS), ERR_DEADLINE);
    assert_int_equal(raw_service_late(raw), 2);
}

static void answer_in_pieces(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    void *socket = zsock_resolve(raw->service);
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, route);
    assert_true(zmq_msg_send(&copy, socket, ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(socket, "", 0, ZMQ_SNDMORE), 0);
    assert_int_equal(zmq_send(socket, "x", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(socket, "y", 1, 0), 1);
    raw_service_answer_well(raw, route, correlation_id);
}

static void test_reply_of_several_frames(void **state)
{
    struct raw_service *raw = *state;
    log_capture_expect("bus frame refused");
    raw_service_start(raw, answer_in_pieces);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_OK);
    assert_int_equal(bus_pair_metric(&raw->pair, RAW_FRAMES, "reason=\"malformed\""), 1);
}

/* Too long for libzmq, which drops the connection and does not come back by itself. */
static void answer_too_long_once(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    (void)correlation_id;
    AUTO(mem_free) char *big = mem_alloc((size_t)FRAME_BYTES_MAX * 4);
    raw_service_send(raw, route, (struct str){big, (size_t)FRAME_BYTES_MAX * 4});
    raw->reply = raw_service_answer_well;
}

static void test_reply_that_is_too_long(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, answer_too_long_once);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS),
                     ERR_OK); /* sent again on a new connection */
    assert_int_equal(raw->seen, 2);
    /* What was given the second time is what was left: connecting anew took some of it. */
    assert_in_range(raw->last_remaining_ms, 1, raw->first_remaining_ms - 200);
    raw_service_assert_works(raw);
}

static void test_death_midway(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, NULL);
    assert_int_equal(bus_ask(&raw->pair, &raw->asked[0], 1, 3 * SHORT_MS), ERR_OK);
    while (raw->seen == 0) {
        bus_raw_turn(&raw->pair, 1);
    }
    raw_service_stop(raw);
    assert_true(bus_pair_until(&raw->pair, bus_asked_is_done, &raw->asked[0]));
    assert_int_equal(raw->asked[0].err, ERR_DEADLINE); /* it may have been executed */
    assert_int_equal(raw->asked[0].answers, 1);
    assert_false(health_is_ready(raw->pair.health));
}

/* Refuses for ever, for one reason or another: the call is held and asked again seldom, not to and
 * fro. */
static void answer_with_refusals(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply};
    raw_service_answer(raw, route, correlation_id, ERR_DRAINING, &reply);
    raw_service_answer(raw, route, correlation_id, ERR_SESSION_COMING, &reply);
}

static void test_refusals_without_end(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, answer_with_refusals);
    assert_int_equal(raw_service_outcome(raw, SHORT_MS), ERR_UNAVAILABLE); /* it was not executed */
    assert_in_range(raw->seen, 1, 1 + SHORT_MS / 200);                     /* every 200 ms */
}

/* ---- something else at the address ---- */

struct other {
    int fd;
    uint16_t port;
    struct str greeting;
    int accepted[64];
    size_t count;
};

static void on_connection(void *arg, uint32_t events)
{
    struct other *other = arg;
    (void)events;
    int fd = accept(other->fd, NULL, NULL);
    assert_true(fd >= 0 && other->count < ARRAY_LEN(other->accepted));
    other->accepted[other->count++] = fd;
    if (other->greeting.bytes > 0) {
        (void)!send(fd, other->greeting.data, other->greeting.bytes, MSG_NOSIGNAL);
    }
}

static void other_start(struct raw_service *raw, struct other *other)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);
    other->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(other->fd, 8), 0);
    assert_int_equal(getsockname(other->fd, (struct sockaddr *)&address, &bytes), 0);
    other->port = ntohs(address.sin_port);
    loop_fd_add(raw->pair.loop, other->fd, EPOLLIN, on_connection, other);
}

static void other_stop(struct raw_service *raw, struct other *other)
{
    loop_fd_remove(raw->pair.loop, other->fd);
    close(other->fd);
    for (size_t i = 0; i < other->count; i++) {
        close(other->accepted[i]);
    }
}

static void assert_never_ready(struct raw_service *raw, struct str greeting)
{
    struct other other = {.greeting = greeting};
    other_start(raw, &other);
    AUTO(mem_free) char *address = mem_printf("127.0.0.1:%u", (unsigned)other.port);
    raw_service_connect(raw, address);
    assert_int_equal(raw_service_outcome(raw, 2 * SHORT_MS), ERR_UNAVAILABLE);
    assert_false(health_is_ready(raw->pair.health));
    assert_in_range(other.count, 1, 50); /* it tries again, and does not spin */
    other_stop(raw, &other);
}

static void test_silent_port(void **state)
{
    assert_never_ready(*state, STR_NONE);
}

static void test_web_server(void **state)
{
    assert_never_ready(*state, STR_LIT("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
}

/* A greeting of ZMTP 3 that offers no encryption (RFC 23). */
static void test_server_without_curve(void **state)
{
    static const char greeting[64] = {(char)0xff, 0,    0, 0, 0,   0,   0,   0,
                                      1,          0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    assert_never_ready(*state, (struct str){greeting, sizeof(greeting)});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, raw_service_setup, raw_service_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silence),
        TEST(test_garbage),
        TEST(test_reply_of_another_type),
        TEST(test_request_as_a_reply),
        TEST(test_reply_against_the_schema),
        TEST(test_duplicate_replies),
        TEST(test_replies_to_nothing),
        TEST(test_replayed_reply),
        TEST(test_reply_of_several_frames),
        TEST(test_reply_that_is_too_long),
        TEST(test_death_midway),
        TEST(test_refusals_without_end),
        TEST(test_silent_port),
        TEST(test_web_server),
        TEST(test_server_without_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
