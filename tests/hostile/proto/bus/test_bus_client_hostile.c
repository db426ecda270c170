/* A client against a service that holds the right key and misbehaves, and against whatever sits at
 * its address. */
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define SHORT_MS 1000 /* long enough for a call to arrive */

struct rig;
typedef void raw_reply_fn(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id);

/* A service by hand: what it answers is the test's business. */
struct rig {
    struct bus_pair pair;
    struct bus_asked asked[2];
    struct frame *frame;
    struct arena *arena;
    char endpoint[256];
    zsock_t *service;
    struct bus_reader *reader; /* the service's */
    raw_reply_fn *reply;       /* NULL: silent */
    size_t seen;
    uint64_t first_remaining_ms, last_remaining_ms;
};

static bool on_request(void *arg)
{
    struct rig *rig = arg;
    void *socket = zsock_resolve(rig->service);
    zmq_msg_t route;
    zmq_msg_t frame;
    zmq_msg_init(&route);
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&route, socket, ZMQ_DONTWAIT) >= 0 &&
           zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0) {
        struct envelope envelope;
        struct msg request;
        struct str data = {zmq_msg_data(&frame), zmq_msg_size(&frame)};
        assert_int_equal(codec_decode(rig->arena, data, &envelope, &request), CODEC_OK);
        rig->last_remaining_ms = envelope.remaining_ms;
        rig->first_remaining_ms = rig->seen == 0 ? envelope.remaining_ms : rig->first_remaining_ms;
        rig->seen++;
        if (rig->reply != NULL) {
            rig->reply(rig, &route, envelope.correlation_id);
        }
    }
    zmq_msg_close(&route);
    zmq_msg_close(&frame);
    return false;
}

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
    rig->frame = frame_new();
    rig->arena = arena_new();
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    return 0;
}

static void stop_service(struct rig *rig)
{
    if (rig->service != NULL) {
        bus_reader_free(&rig->reader);
        zsock_destroy(&rig->service);
        zap_forget(rig->pair.zap, "raw");
    }
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_client_free(&rig->pair.client);
    stop_service(rig);
    bus_pair_fini(&rig->pair);
    frame_free(&rig->frame);
    arena_free(&rig->arena);
    mem_free(state);
    return log_capture_teardown(state);
}

static void connect_to(struct rig *rig, const char *address)
{
    enum err err = bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, address);
    assert_int_equal(err, ERR_OK);
}

static void start(struct rig *rig, raw_reply_fn *reply)
{
    rig->reply = reply;
    rig->service = bus_raw_service(&rig->pair, rig->endpoint, sizeof(rig->endpoint));
    rig->reader = bus_reader_new(rig->pair.loop, rig->service, on_request, rig);
    connect_to(rig, rig->endpoint + strlen("tcp://"));
    assert_true(bus_pair_until(&rig->pair, bus_pair_is_ready, &rig->pair));
}

static void send_to(struct rig *rig, zmq_msg_t *route, struct str data)
{
    void *socket = zsock_resolve(rig->service);
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, route);
    assert_true(zmq_msg_send(&copy, socket, ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(socket, data.data, data.bytes, 0), data.bytes);
    bus_reader_look(rig->reader);
}

static void answer(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id, enum err status,
                   const struct msg *reply)
{
    const struct envelope envelope = {.correlation_id = correlation_id, .status = status};
    assert_int_equal(codec_encode(rig->frame, &envelope, reply), ERR_OK);
    send_to(rig, route, frame_bytes(rig->frame));
}

static void answer_well(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    answer(rig, route, correlation_id, ERR_OK, &reply);
}

static enum err outcome(struct rig *rig, uint64_t timeout_ms)
{
    struct bus_asked *asked = &rig->asked[0];
    assert_int_equal(bus_ask(&rig->pair, asked, 1, timeout_ms), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    return asked->err;
}

static void assert_still_works(struct rig *rig)
{
    rig->reply = answer_well;
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    assert_int_equal(rig->asked[0].answers, 1);
}

static uint64_t late(struct rig *rig)
{
    return bus_pair_metric(&rig->pair, "lynks_bus_late_replies_total", NULL);
}

static void test_silence(void **state)
{
    struct rig *rig = *state;
    start(rig, NULL);
    assert_int_equal(outcome(rig, SHORT_MS), ERR_DEADLINE);
    assert_still_works(rig);
}

static void answer_garbage(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    (void)correlation_id;
    static const char array_header[] = {(char)0xdd, 0x7f, (char)0xff, (char)0xff, (char)0xff};
    send_to(rig, route, STR_LIT("\xc1garbage"));
    send_to(rig, route, (struct str){"", 0});
    send_to(rig, route, (struct str){array_header, sizeof(array_header)});
}

static void test_garbage(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus frame refused");
    start(rig, answer_garbage);
    assert_int_equal(outcome(rig, SHORT_MS), ERR_DEADLINE);
    assert_int_equal(bus_pair_metric(&rig->pair, RAW_FRAMES, "reason=\"malformed\""), 3);
    assert_still_works(rig);
}

static void answer_of_another_call(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_login_reply, .login_reply = {.user_id = 1}};
    answer(rig, route, correlation_id, ERR_OK, &reply);
}

static void test_reply_of_another_type(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus frame refused");
    start(rig, answer_of_another_call);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_PROTOCOL);
    assert_still_works(rig);
}

static void answer_with_its_request(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    bus_raw_request(rig->frame, correlation_id, 1);
    send_to(rig, route, frame_bytes(rig->frame));
}

static void test_request_as_a_reply(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus frame refused");
    start(rig, answer_with_its_request);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_PROTOCOL);
    assert_still_works(rig);
}

/* The reply's last byte is its last field, an integer; another type there is against the schema. */
static void answer_badly(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    const struct envelope envelope = {.correlation_id = correlation_id};
    assert_int_equal(codec_encode(rig->frame, &envelope, &reply), ERR_OK);
    struct str good = frame_bytes(rig->frame);
    AUTO(mem_free) char *bad = mem_alloc(good.bytes);
    memcpy(bad, good.data, good.bytes);
    bad[good.bytes - 1] = (char)0xc3; /* true */
    send_to(rig, route, (struct str){bad, good.bytes});
}

static void test_reply_against_the_schema(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus frame refused");
    start(rig, answer_badly);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_PROTOCOL);
    assert_int_equal(bus_pair_metric(&rig->pair, RAW_FRAMES, "reason=\"body\""), 1);
    assert_still_works(rig);
}

static void answer_three_times(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    for (int i = 0; i < 3; i++) {
        answer_well(rig, route, correlation_id);
    }
}

static void test_duplicate_replies(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_three_times);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    assert_still_works(rig); /* with the same slot, so the duplicates came before */
    assert_int_equal(rig->asked[0].answers, 1);
    assert_int_equal(late(rig), 2);
}

static void answer_everything_but_it(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    for (uint64_t i = 1; i <= 400; i++) { /* within the socket's queue */
        answer_well(rig, route, correlation_id + i);
        answer_well(rig, route, correlation_id + (i << 16)); /* later uses of its slot */
    }
    answer_well(rig, route, 0);
    answer_well(rig, route, UINT64_MAX);
}

static void test_replies_to_nothing(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_everything_but_it);
    assert_int_equal(outcome(rig, 1000), ERR_DEADLINE);
    assert_true(bus_raw_counted(&rig->pair, "lynks_bus_late_replies_total", NULL, 802));
    assert_still_works(rig);
}

/* What was recorded from an earlier call answers no later one. */
static void test_replayed_reply(void **state)
{
    struct rig *rig = *state;
    start(rig, NULL);
    assert_int_equal(outcome(rig, SHORT_MS), ERR_DEADLINE);
    rig->reply = answer_three_times;
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    rig->reply = NULL;
    assert_int_equal(outcome(rig, SHORT_MS), ERR_DEADLINE);
    assert_int_equal(late(rig), 2);
}

static void answer_in_pieces(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    void *socket = zsock_resolve(rig->service);
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, route);
    assert_true(zmq_msg_send(&copy, socket, ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(socket, "", 0, ZMQ_SNDMORE), 0);
    assert_int_equal(zmq_send(socket, "x", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(socket, "y", 1, 0), 1);
    answer_well(rig, route, correlation_id);
}

static void test_reply_of_several_frames(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus frame refused");
    start(rig, answer_in_pieces);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    assert_int_equal(bus_pair_metric(&rig->pair, RAW_FRAMES, "reason=\"malformed\""), 1);
}

/* Too long for libzmq, which drops the connection and does not come back by itself. */
static void answer_too_long_once(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    (void)correlation_id;
    AUTO(mem_free) char *big = mem_alloc((size_t)FRAME_BYTES_MAX * 4);
    send_to(rig, route, (struct str){big, (size_t)FRAME_BYTES_MAX * 4});
    rig->reply = answer_well;
}

static void test_reply_that_is_too_long(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_too_long_once);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK); /* sent again on a new connection */
    assert_int_equal(rig->seen, 2);
    /* What was given the second time is what was left: connecting anew took some of it. */
    assert_in_range(rig->last_remaining_ms, 1, rig->first_remaining_ms - 200);
    assert_still_works(rig);
}

static void test_death_midway(void **state)
{
    struct rig *rig = *state;
    start(rig, NULL);
    assert_int_equal(bus_ask(&rig->pair, &rig->asked[0], 1, 3 * SHORT_MS), ERR_OK);
    while (rig->seen == 0) {
        bus_raw_turn(&rig->pair, 1);
    }
    stop_service(rig);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &rig->asked[0]));
    assert_int_equal(rig->asked[0].err, ERR_DEADLINE); /* it may have been executed */
    assert_int_equal(rig->asked[0].answers, 1);
    assert_false(health_is_ready(rig->pair.health));
}

/* Refuses for ever, for one reason or another: the call is held and asked again seldom, not to and
 * fro. */
static void answer_with_refusals(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply};
    answer(rig, route, correlation_id, ERR_DRAINING, &reply);
    answer(rig, route, correlation_id, ERR_SESSION_COMING, &reply);
}

static void test_refusals_without_end(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_with_refusals);
    assert_int_equal(outcome(rig, SHORT_MS), ERR_UNAVAILABLE); /* it was not executed */
    assert_in_range(rig->seen, 1, 1 + SHORT_MS / 200);         /* every 200 ms */
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

static void other_start(struct rig *rig, struct other *other)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);
    other->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(other->fd, 8), 0);
    assert_int_equal(getsockname(other->fd, (struct sockaddr *)&address, &bytes), 0);
    other->port = ntohs(address.sin_port);
    loop_fd_add(rig->pair.loop, other->fd, EPOLLIN, on_connection, other);
}

static void other_stop(struct rig *rig, struct other *other)
{
    loop_fd_remove(rig->pair.loop, other->fd);
    close(other->fd);
    for (size_t i = 0; i < other->count; i++) {
        close(other->accepted[i]);
    }
}

static void assert_never_ready(struct rig *rig, struct str greeting)
{
    struct other other = {.greeting = greeting};
    other_start(rig, &other);
    AUTO(mem_free) char *address = mem_printf("127.0.0.1:%u", (unsigned)other.port);
    connect_to(rig, address);
    assert_int_equal(outcome(rig, 2 * SHORT_MS), ERR_UNAVAILABLE);
    assert_false(health_is_ready(rig->pair.health));
    assert_in_range(other.count, 1, 50); /* it tries again, and does not spin */
    other_stop(rig, &other);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
