/* The loop: timers in order, descriptors, signals, posts, who holds whom up, and what removes what
 * in the middle of a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
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

/* Asks to be called again and again. */
struct greedy {
    struct fixture *f;
    struct loop_late late;
    unsigned runs, runs_until_others;
    bool yields;
};

static void want_more(void *arg)
{
    struct greedy *greedy = arg;
    greedy->runs++;
    if (greedy->yields) {
        loop_late_add_next(greedy->f->loop, &greedy->late);
    } else {
        loop_late_add(greedy->f->loop, &greedy->late);
    }
}

static void others_had_their_turn(void *arg, uint32_t events)
{
    struct greedy *greedy = arg;
    (void)events;
    greedy->runs_until_others = greedy->runs;
    greedy->f->count++;
}

static void who_always_has_more_holds_nobody_up(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        struct greedy greedy = {.f = f, .yields = i == 1};
        f->count = 0;
        f->fds[0] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        loop_fd_add(f->loop, f->fds[0], EPOLLIN, others_had_their_turn, &greedy);
        loop_late_init(&greedy.late, want_more, &greedy);
        loop_late_add(f->loop, &greedy.late);
        assert_true(loop_run_until(f->loop, has_one, f, 5000));
        assert_in_range(greedy.runs_until_others, 1, greedy.yields ? 1 : 8);
        loop_late_remove(&greedy.late);
        loop_fd_remove(f->loop, f->fds[0]);
        close(f->fds[0]);
    }
}

static void come_back_at_once(void *arg)
{
    struct fixture *f = arg;
    f->order[0]++;
    clock_after(f->clock, 0, come_back_at_once, f);
}

static void count_event(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    (void)events;
    f->count++;
}

static void timers_without_delay_leave_descriptors_and_others_their_turn(void **state)
{
    struct fixture *f = *state;
    struct shot shot = {f, 1};
    f->fds[0] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    loop_fd_add(f->loop, f->fds[0], EPOLLIN, count_event, f);
    clock_after(f->clock, 0, come_back_at_once, f);
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    assert_in_range(f->order[0], 1, 2);
    loop_fd_remove(f->loop, f->fds[0]);
    close(f->fds[0]);
    f->count = 1;
    clock_after(f->clock, 5, note, &shot);
    assert_true(loop_run_until(f->loop, has_two, f, 5000));
}

/* ---- descriptors that end ---- */

static void on_ending(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    f->order[f->count++] = events;
    loop_fd_remove(f->loop, f->fds[0]);
}

static void the_end_of_a_peer_is_told_although_nobody_reads(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->fds), 0);
    loop_fd_add(f->loop, f->fds[0], EPOLLRDHUP, on_ending, f);
    assert_int_equal(write(f->fds[1], "x", 1), 1);
    assert_false(
        loop_run_until(f->loop, has_one, f, 20)); /* it was not asked whether there is data */
    assert_int_equal(shutdown(f->fds[1], SHUT_WR), 0);
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    assert_int_equal(f->order[0], EPOLLRDHUP);
    close(f->fds[0]);
    close(f->fds[1]);
}

static void on_error(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    f->order[f->count++] = events;
}

/* A connection that is refused. The error stays until somebody does something about it. */
static void an_error_is_told_again_and_with_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(nobody);
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* of a port: nobody listens */
    assert_int_equal(bind(holder, (struct sockaddr *)&nobody, sizeof(nobody)), 0);
    assert_int_equal(getsockname(holder, (struct sockaddr *)&nobody, &bytes), 0);
    f->fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)connect(f->fds[0], (struct sockaddr *)&nobody, sizeof(nobody));
    loop_fd_add(f->loop, f->fds[0], EPOLLOUT, on_error, f);
    assert_true(loop_run_until(f->loop, has_two, f, 5000));
    assert_int_equal(f->order[0], EPOLLERR | EPOLLOUT);
    assert_int_equal(f->order[1], EPOLLERR | EPOLLOUT);
    loop_fd_remove(f->loop, f->fds[0]);
    close(f->fds[0]);
    close(holder);
}

static void replace(void *arg, uint32_t events)
{
    struct fixture *f = arg;
    (void)events;
    int number = f->fds[0];
    loop_fd_remove(f->loop, number);
    close(number);
    f->fds[0] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(f->fds[0], number);
    loop_fd_add(f->loop, f->fds[0], EPOLLIN, count_event, f);
}

static void a_descriptor_may_have_the_number_of_one_that_is_gone(void **state)
{
    struct fixture *f = *state;
    f->fds[0] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    loop_fd_add(f->loop, f->fds[0], EPOLLIN, replace, f);
    assert_true(loop_run_until(f->loop, has_two, f, 5000));
    loop_fd_remove(f->loop, f->fds[0]);
    close(f->fds[0]);
}

/* ---- signals ---- */

static void on_signal(void *arg)
{
    ((struct fixture *)arg)->count++;
}

static void signals_are_told_until_they_are_not_wanted_any_more(void **state)
{
    struct fixture *f = *state;
    struct loop_signal *one = loop_signal_new(f->loop, SIGUSR1, on_signal, f);
    struct loop_signal *two = loop_signal_new(f->loop, SIGUSR1, on_signal, f);
    raise(SIGUSR1);
    assert_true(loop_run_until(f->loop, has_two, f, 5000));
    loop_signal_free(&one);
    f->count = 0;
    raise(SIGUSR1);
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    assert_false(loop_run_until(f->loop, has_two, f, 10));
    loop_signal_free(&two);
}

/* ---- other threads ---- */

static void *post_from_another_thread(void *arg)
{
    static struct shot shot;
    struct fixture *f = arg;
    shot = (struct shot){f, 1};
    loop_post(f->loop, note, &shot);
    return NULL;
}

static void a_post_wakes_a_loop_that_waits(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_from_another_thread, f), 0);
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    pthread_join(thread, NULL);
}

static void what_comes_after_the_end_of_a_run_waits_for_the_next(void **state)
{
    struct fixture *f = *state;
    struct shot shots[3] = {{f, 0}, {f, 1}, {f, 2}};
    for (size_t i = 0; i < 3; i++) {
        loop_post(f->loop, note, &shots[i]);
    }
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    assert_int_equal(f->count, 1);
    assert_true(loop_run_until(f->loop, has_three, f, 5000));
    f->count = 0;
    for (size_t i = 0; i < 3; i++) {
        clock_after(f->clock, 2, note, &shots[i]);
    }
    assert_true(loop_run_until(f->loop, has_one, f, 5000));
    assert_int_equal(f->count, 1);
    assert_true(loop_run_until(f->loop, has_three, f, 5000));
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
        cmocka_unit_test_setup_teardown(who_always_has_more_holds_nobody_up, setup, teardown),
        cmocka_unit_test_setup_teardown(
            timers_without_delay_leave_descriptors_and_others_their_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_peer_is_told_although_nobody_reads, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_error_is_told_again_and_with_what_was_asked_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_may_have_the_number_of_one_that_is_gone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(signals_are_told_until_they_are_not_wanted_any_more, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_post_wakes_a_loop_that_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_after_the_end_of_a_run_waits_for_the_next, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stop_ends_the_run_and_the_next_one_goes_on, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
