/* Sockets on the loop: read until they are empty, a share at a time. */
#include "proto/bus/bus_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MESSAGES 200

struct reader {
    zsock_t *socket;
    unsigned taken, share;
};

/* Takes only so many each time. */
static bool on_socket(void *arg)
{
    struct reader *reader = arg;
    char byte;
    for (unsigned i = 0; i < reader->share; i++) {
        if (zmq_recv(zsock_resolve(reader->socket), &byte, 1, ZMQ_DONTWAIT) < 0) {
            return false;
        }
        reader->taken++;
    }
    return true;
}

static bool has_all(void *arg)
{
    return ((struct reader *)arg)->taken == MESSAGES;
}

static void a_socket_is_read_until_it_is_empty(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    zsock_t *writer = zsock_new_pair("@inproc://test-reader");
    struct reader reader = {.socket = zsock_new_pair(">inproc://test-reader"), .share = 3};
    struct bus_reader *on_loop = NULL;
    for (size_t round = 0; round < 3; round++) {
        /* Also what came before it was added. */
        for (size_t i = 0; i < MESSAGES; i++) {
            assert_int_equal(zmq_send(zsock_resolve(writer), "x", 1, ZMQ_DONTWAIT), 1);
        }
        if (round == 0) {
            on_loop = bus_reader_new(loop, reader.socket, on_socket, &reader);
        }
        assert_true(loop_run_until(loop, has_all, &reader, 5000));
        reader.taken = 0;
    }
    bus_reader_free(&on_loop);
    zsock_destroy(&reader.socket);
    zsock_destroy(&writer);
    loop_free(&loop);
}

/* Asking the socket for its state makes libzmq take the news, of which its descriptor then does not
 * tell any more. */
static void a_socket_that_was_used_is_looked_at_again(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    zsock_t *writer = zsock_new_pair("@inproc://test-reader-used");
    struct reader reader = {.socket = zsock_new_pair(">inproc://test-reader-used"),
                            .share = MESSAGES};
    struct bus_reader *on_loop = bus_reader_new(loop, reader.socket, on_socket, &reader);
    assert_false(loop_run_until(loop, has_all, &reader, 1));
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(zmq_send(zsock_resolve(writer), "x", 1, ZMQ_DONTWAIT), 1);
    }
    (void)zsock_events(reader.socket);
    bus_reader_look(on_loop);
    assert_true(loop_run_until(loop, has_all, &reader, 5000));
    bus_reader_free(&on_loop);
    zsock_destroy(&reader.socket);
    zsock_destroy(&writer);
    loop_free(&loop);
}

struct share {
    struct reader reader;
    unsigned taken_until_others;
};

static void others_had_their_turn(void *arg)
{
    struct share *share = arg;
    share->taken_until_others = share->reader.taken;
}

static bool has_all_of_share(void *arg)
{
    return has_all(&((struct share *)arg)->reader);
}

static void who_has_more_lets_others_go_first(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    zsock_t *writer = zsock_new_pair("@inproc://test-reader-share");
    struct share share = {
        .reader = {.socket = zsock_new_pair(">inproc://test-reader-share"), .share = 3}};
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(zmq_send(zsock_resolve(writer), "x", 1, ZMQ_DONTWAIT), 1);
    }
    struct bus_reader *on_loop =
        bus_reader_new(loop, share.reader.socket, on_socket, &share.reader);
    loop_post(loop, others_had_their_turn, &share);
    assert_true(loop_run_until(loop, has_all_of_share, &share, 5000));
    assert_in_range(share.taken_until_others, 1, 6);
    bus_reader_free(&on_loop);
    zsock_destroy(&share.reader.socket);
    zsock_destroy(&writer);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_is_read_until_it_is_empty),
        cmocka_unit_test(a_socket_that_was_used_is_looked_at_again),
        cmocka_unit_test(who_has_more_lets_others_go_first),
    };
    return cmocka_run_group_tests_name("bus reader", tests, NULL, NULL);
}
