/* The loop: timers in order, descriptors, posts, and what removes what in the middle of a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <czmq.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/loop/loop.h"

struct fixture {
    struct loop *loop;
    const struct clock *clock;
    uint64_t order[16];
    size_t count;
    uint64_t to_cancel;
    int fds[2];
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->loop = loop_new();
    f->clock = loop_clock(f->loop);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_free(&f->loop);
    mem_free(&f);
    return 0;
}

struct shot {
    struct fixture *f;
    uint64_t n;
};

static void note(void *arg)
{
    const struct shot *shot = arg;
    shot->f->order[shot->f->count++] = shot->n;
}

static bool has_two(void *arg)
{
    return ((struct fixture *)arg)->count >= 2;
}

static bool has_one(void *arg)
{
    return ((struct fixture *)arg)->count >= 1;
}

static bool has_three(void *arg)
{
    return ((struct fixture *)arg)->count >= 3;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void timers_fire_in_order_of_time(void **state)
{
    struct fixture *f = *state;
    struct shot shots[3] = {{f, 0}, {f, 1}, {f, 2}};
    clock_after(f->clock, 30, note, &shots[2]);
    clock_after(f->clock, 10, note, &shots[0]);
    clock_after(f->clock, 20, note, &shots[1]);
    assert_true(loop_run_until(f->loop, has_three, f, 5000));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(f->order[i], i);
    }
}

static void cancel_in_same_turn(void *arg)
{
    struct fixture *f = arg;
    f->order[f->count++] = 100;
    clock_cancel(f->clock, f->to_cancel);
}

static void timer_cancelled_by_another_of_the_same_turn_does_not_fire(void **state)
{
    struct fixture *f = *state;
    struct shot shot = {f, 1};
    clock_after(f->clock, 5, cancel_in_same_turn, f);
    f->to_cancel = clock_after(f->clock, 5, note, &shot);
    assert_false(loop_run_until(f->loop, has_two, f, 60));
    assert_int_equal(f->count, 1);
}

static void cancelling_is_safe_at_any_time(void **state)
{
    struct fixture *f = *state;
    struct shot shot = {f, 1};
    uint64_t ids[100];
    for (size_t i = 0; i < 100; i++) {
        ids[i] = clock_after(f->clock, 1 + i % 7, note, &shot);
        assert_int_not_equal(ids[i], 0);
    }
    for (size_t i = 0; i < 100; i++) {
        clock_cancel(f->clock, ids[(i * 37) % 100]);
    }
    clock_cancel(f->clock, ids[0]);
    clock_cancel(f->clock, 0);
    uint64_t reused = clock_after(f->clock, 1, note, &shot);
    clock_cancel(f->clock, ids[99]); /* an old id of the same slot is nobody's */
    assert_int_not_equal(reused, ids[99]);
    assert_false(loop_run_until(f->loop, has_two, f, 50));
    assert_int_equal(f->count, 1);
}

static void remove_both(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    (void)events;
    f->count++;
    loop_fd_remove(f->loop, f->fds[0]);
    loop_fd_remove(f->loop, f->fds[1]);
}

static void descriptor_removed_by_another_of_the_same_turn_is_silent(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        f->fds[i] = eventfd(1, EFD_NONBLOCK);
        loop_fd_add(f->loop, f->fds[i], EPOLLIN, remove_both, f);
    }
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    assert_false(loop_run_until(f->loop, never, f, 50));
    assert_int_equal(f->count, 1);
    close(f->fds[0]);
    close(f->fds[1]);
}

static void on_fd(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    f->order[f->count++] = events;
    loop_fd_modify(f->loop, f->fds[0], EPOLLOUT);
}

static void watched_events_can_change(void **state)
{
    struct fixture *f = *state;
    f->fds[0] = eventfd(1, EFD_NONBLOCK);
    loop_fd_add(f->loop, f->fds[0], EPOLLIN, on_fd, f);
    assert_true(loop_run_until(f->loop, has_two, f, 5000));
    assert_int_equal(f->order[0], EPOLLIN);
    assert_int_equal(f->order[1], EPOLLOUT);
    loop_fd_remove(f->loop, f->fds[0]);
    close(f->fds[0]);
}

static void posts_are_delivered_unless_taken_back(void **state)
{
    struct fixture *f = *state;
    struct shot shots[3] = {{f, 0}, {f, 1}, {f, 2}};
    for (size_t i = 0; i < 3; i++) {
        loop_post(f->loop, note, &shots[i]);
    }
    loop_unpost(f->loop, note, &shots[1]);
    assert_true(loop_run_until(f->loop, has_two, f, 5000));
    assert_int_equal(f->order[0], 0);
    assert_int_equal(f->order[1], 2);
}

static void stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void stop_ends_the_run_and_the_next_one_goes_on(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        clock_after(f->clock, 1, stop, f);
        loop_run(f->loop);
    }
    loop_stop(f->loop);
    loop_run(f->loop); /* asked before it ran: returns at once */
}

/* ---- the end of a turn ---- */

struct turn {
    struct fixture *f;
    struct loop_late late;
    unsigned events, late_runs, events_seen_late;
};

static void on_late(void *arg)
{
    struct turn *turn = arg;
    turn->late_runs++;
    turn->events_seen_late = turn->events;
}

static void on_turn_event(void *arg, uint32_t events)
{
    struct turn *turn = arg;
    (void)events;
    turn->events++;
    loop_fd_remove(turn->f->loop, turn->f->fds[turn->events - 1]);
    loop_late_add(turn->f->loop, &turn->late);
}

static bool is_late_done(void *arg)
{
    return ((struct turn *)arg)->late_runs > 0;
}

static void what_is_put_off_is_done_once_after_all_events_of_a_turn(void **state)
{
    struct fixture *f = *state;
    struct turn turn = {.f = f};
    loop_late_init(&turn.late, on_late, &turn);
    for (size_t i = 0; i < 2; i++) {
        f->fds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        loop_fd_add(f->loop, f->fds[i], EPOLLIN, on_turn_event, &turn);
    }
    assert_true(loop_run_until(f->loop, is_late_done, &turn, 5000));
    assert_int_equal(turn.late_runs, 1);
    assert_int_equal(turn.events_seen_late, 2);
    close(f->fds[0]);
    close(f->fds[1]);
}

static void what_is_put_off_outside_the_loop_is_not_left_behind(void **state)
{
    struct fixture *f = *state;
    struct turn turn = {.f = f};
    loop_late_init(&turn.late, on_late, &turn);
    loop_late_add(f->loop, &turn.late);
    loop_late_add(f->loop, &turn.late);
    assert_true(loop_run_until(f->loop, is_late_done, &turn, 5000));
    loop_late_add(f->loop, &turn.late);
    loop_late_remove(&turn.late);
    assert_false(loop_run_until(f->loop, has_two, f, 1));
    assert_int_equal(turn.late_runs, 1);
}

/* ---- sockets ---- */

#define MESSAGES 200

struct reader {
    struct loop *loop;
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
    struct fixture *f = *state;
    zsock_t *writer = zsock_new_pair("@inproc://test-loop");
    struct reader reader = {
        .loop = f->loop, .socket = zsock_new_pair(">inproc://test-loop"), .share = 3};
    for (size_t round = 0; round < 3; round++) {
        /* Also what came before it was added. */
        for (size_t i = 0; i < MESSAGES; i++) {
            assert_int_equal(zmq_send(zsock_resolve(writer), "x", 1, ZMQ_DONTWAIT), 1);
        }
        if (round == 0) {
            loop_socket_add(f->loop, reader.socket, on_socket, &reader);
        }
        assert_true(loop_run_until(f->loop, has_all, &reader, 5000));
        reader.taken = 0;
    }
    loop_socket_remove(f->loop, reader.socket);
    zsock_destroy(&reader.socket);
    zsock_destroy(&writer);
}

/* Asking the socket for its state makes libzmq take the news, of which its descriptor then does not
 * tell any more. */
static void a_socket_that_was_used_is_looked_at_again(void **state)
{
    struct fixture *f = *state;
    zsock_t *writer = zsock_new_pair("@inproc://test-loop-used");
    struct reader reader = {
        .loop = f->loop, .socket = zsock_new_pair(">inproc://test-loop-used"), .share = MESSAGES};
    loop_socket_add(f->loop, reader.socket, on_socket, &reader);
    assert_false(loop_run_until(f->loop, has_all, &reader, 1));
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(zmq_send(zsock_resolve(writer), "x", 1, ZMQ_DONTWAIT), 1);
    }
    (void)zsock_events(reader.socket);
    loop_socket_used(f->loop, reader.socket);
    assert_true(loop_run_until(f->loop, has_all, &reader, 5000));
    loop_socket_remove(f->loop, reader.socket);
    zsock_destroy(&reader.socket);
    zsock_destroy(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order_of_time, setup, teardown),
        cmocka_unit_test_setup_teardown(timer_cancelled_by_another_of_the_same_turn_does_not_fire,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(cancelling_is_safe_at_any_time, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptor_removed_by_another_of_the_same_turn_is_silent,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(watched_events_can_change, setup, teardown),
        cmocka_unit_test_setup_teardown(posts_are_delivered_unless_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_put_off_is_done_once_after_all_events_of_a_turn,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_put_off_outside_the_loop_is_not_left_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_socket_is_read_until_it_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_that_was_used_is_looked_at_again, setup, teardown),
        cmocka_unit_test_setup_teardown(stop_ends_the_run_and_the_next_one_goes_on, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
