#include "proto/loop/loop_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EPOLL_BATCH 64
/* Rounds of descriptors in one turn of zloop, before timers get theirs. */
#define TURN_ROUNDS 8

struct watch {
    int fd;
    bool active; /* cleared by removal, so that an event of the same batch is not delivered */
    loop_fd_fn *fn;
    void *arg;
    struct watch *next_dead;
};

struct post {
    timer_fn *fn;
    void *arg;
    struct post *next;
};

/* ---- timers ---- */

static uint64_t mono_ms(void *self)
{
    (void)self;
    return system_mono_ms();
}

static uint64_t unix_ms(void *self)
{
    (void)self;
    return system_unix_ms();
}

static int on_zloop_timer(zloop_t *zloop, int timer_id, void *arg);

/* One zloop timer stands for the earliest of ours. One that is set too early is left: it fires,
 * finds nothing due and is set again, which is cheaper than resetting it for every call. */
static void arm(struct loop *loop)
{
    if (timer_heap_count(loop->timers) == 0) {
        return;
    }
    uint64_t due_ms = timer_heap_next_ms(loop->timers);
    if (loop->zloop_timer != -1) {
        if (loop->zloop_due_ms <= due_ms) {
            return;
        }
        zloop_timer_end(loop->zloop, loop->zloop_timer);
    }
    uint64_t now = mono_ms(NULL);
    uint64_t delay_ms = due_ms > now ? due_ms - now : 0;
    loop->zloop_due_ms = due_ms;
    loop->zloop_timer = zloop_timer(loop->zloop, (size_t)delay_ms, 1, on_zloop_timer, loop);
}

int loop_after_event(struct loop *loop)
{
    if (loop->predicate != NULL && loop->predicate(loop->predicate_arg)) {
        return -1;
    }
    return loop->stopped ? -1 : 0;
}

static int on_zloop_timer(zloop_t *zloop, int timer_id, void *arg)
{
    struct loop *loop = arg;
    (void)zloop;
    /* zloop still fires a timer that was cancelled in the same pass (library fact). */
    if (timer_id != loop->zloop_timer) {
        return 0;
    }
    loop->zloop_timer = -1;
    /* Timers that a handler adds with delay 0 wait for the next turn: descriptors get theirs. */
    size_t most = timer_heap_count(loop->timers);
    uint64_t now = mono_ms(NULL);
    timer_fn *fn;
    void *fn_arg;
    int rc = 0;
    while (rc == 0 && most-- > 0 && timer_heap_pop(loop->timers, now, &fn, &fn_arg)) {
        fn(fn_arg);
        rc = loop_after_event(loop);
    }
    arm(loop);
    return rc == 0 ? loop_settle(loop) : rc;
}

static uint64_t after(void *self, uint64_t delay_ms, timer_fn *fn, void *arg)
{
    struct loop *loop = self;
    uint64_t id = timer_heap_add(loop->timers, mono_ms(NULL) + delay_ms, fn, arg);
    arm(loop);
    return id;
}

static void cancel(void *self, uint64_t timer_id)
{
    const struct loop *loop = self;
    timer_heap_cancel(loop->timers, timer_id);
}

static const struct clock_ops clock_ops = {mono_ms, unix_ms, after, cancel};

const struct clock *loop_clock(struct loop *loop)
{
    return &loop->clock;
}

/* ---- descriptors ---- */

static void free_dead(struct loop *loop)
{
    while (loop->dead != NULL) {
        struct watch *watch = loop->dead;
        loop->dead = watch->next_dead;
        free(watch);
    }
}

/* -1 ends the loop. */
static int deliver(struct loop *loop, const struct epoll_event *events, int count)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        struct watch *watch = events[i].data.ptr;
        if (watch->active) {
            watch->fn(watch->arg, events[i].events);
            rc = loop_after_event(loop);
        }
    }
    free_dead(loop);
    return rc;
}

/* Under load there is more when a batch is done; asking for it here costs less than a turn of
 * zloop. */
static int on_epoll(zloop_t *zloop, zmq_pollitem_t *item, void *arg)
{
    struct loop *loop = arg;
    struct epoll_event events[EPOLL_BATCH];
    (void)zloop;
    (void)item;
    int rc = 0;
    int count = 1;
    for (int i = 0; i < TURN_ROUNDS && rc == 0 && count > 0; i++) {
        count = epoll_wait(loop->epoll_fd, events, EPOLL_BATCH, 0);
        rc = deliver(loop, events, count);
        if (rc == 0) {
            rc = loop_settle(loop);
        }
    }
    return rc;
}

static struct watch **watch_place(struct loop *loop, int fd)
{
    size_t index = (size_t)fd;
    if (index >= loop->watch_room) {
        size_t room = index + 64;
        loop->watches = mem_realloc_array(loop->watches, room, sizeof(struct watch *));
        memset(loop->watches + loop->watch_room, 0,
               (room - loop->watch_room) * sizeof(struct watch *));
        loop->watch_room = room;
    }
    return &loop->watches[index];
}

void loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
    struct watch **place = watch_place(loop, fd);
    assert(*place == NULL);
    struct watch *watch = mem_alloc(sizeof(*watch));
    *watch = (struct watch){.fd = fd, .active = true, .fn = fn, .arg = arg};
    *place = watch;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int rc = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    assert(rc == 0);
    (void)rc;
}

void loop_fd_modify(struct loop *loop, int fd, uint32_t events)
{
    struct watch *watch = *watch_place(loop, fd);
    assert(watch != NULL);
    struct epoll_event event = {.events = events, .data.ptr = watch};
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

void loop_fd_remove(struct loop *loop, int fd)
{
    struct watch **place = watch_place(loop, fd);
    struct watch *watch = *place;
    if (watch == NULL) {
        return;
    }
    *place = NULL;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    watch->active = false;
    watch->next_dead = loop->dead;
    loop->dead = watch;
}

/* ---- other threads ---- */

static struct post *take_post(struct loop *loop)
{
    pthread_mutex_lock(&loop->post_lock);
    struct post *post = loop->posts;
    if (post != NULL) {
        loop->posts = post->next;
        if (loop->posts == NULL) {
            loop->posts_end = &loop->posts;
        }
    }
    pthread_mutex_unlock(&loop->post_lock);
    return post;
}

static void do_nothing(void *arg)
{
    (void)arg;
}

/* One at a time: what is called may take later ones back. */
static void on_post(void *arg, uint32_t events)
{
    struct loop *loop = arg;
    uint64_t ignored;
    (void)events;
    ssize_t rc = read(loop->post_fd, &ignored, sizeof(ignored));
    (void)rc;
    for (struct post *post; (post = take_post(loop)) != NULL;) {
        post->fn(post->arg);
        free(post);
    }
}

void loop_post(struct loop *loop, timer_fn *fn, void *arg)
{
    struct post *post = mem_alloc(sizeof(*post));
    *post = (struct post){.fn = fn, .arg = arg};
    pthread_mutex_lock(&loop->post_lock);
    bool first = loop->posts == NULL;
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    pthread_mutex_unlock(&loop->post_lock);
    if (first) {
        const uint64_t one = 1;
        ssize_t rc = write(loop->post_fd, &one, sizeof(one));
        (void)rc;
    }
}

void loop_unpost(struct loop *loop, timer_fn *fn, const void *arg)
{
    pthread_mutex_lock(&loop->post_lock);
    for (struct post *post = loop->posts; post != NULL; post = post->next) {
        if (post->fn == fn && post->arg == arg) {
            post->fn = do_nothing;
        }
    }
    pthread_mutex_unlock(&loop->post_lock);
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct loop *loop = mem_alloc(sizeof(*loop));
    /* Signals are the process' business (signalfd), not czmq's. */
    zsys_handler_set(NULL);
    loop->zloop = zloop_new();
    zloop_set_nonstop(loop->zloop, true);
    loop->clock = (struct clock){.ops = &clock_ops, .self = loop};
    loop->timers = timer_heap_new();
    loop->zloop_timer = -1;
    list_init(&loop->due);
    list_init(&loop->late);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->post_fd < 0) {
        abort(); /* no descriptors at the very start: see base.h */
    }
    pthread_mutex_init(&loop->post_lock, NULL);
    loop->posts_end = &loop->posts;
    loop->epoll_item = (zmq_pollitem_t){.fd = loop->epoll_fd, .events = ZMQ_POLLIN};
    zloop_poller(loop->zloop, &loop->epoll_item, on_epoll, loop);
    zloop_poller_set_tolerant(loop->zloop, &loop->epoll_item);
    loop_fd_add(loop, loop->post_fd, EPOLLIN, on_post, loop);
    return loop;
}

void loop_free(struct loop **loop_ref)
{
    struct loop *loop = *loop_ref;
    if (loop == NULL) {
        return;
    }
    for (struct post *post; (post = take_post(loop)) != NULL;) {
        free(post);
    }
    loop_drop_sockets(loop);
    zloop_destroy(&loop->zloop);
    for (size_t i = 0; i < loop->watch_room; i++) {
        free(loop->watches[i]);
    }
    free_dead(loop);
    free(loop->watches);
    timer_heap_free(&loop->timers);
    close(loop->epoll_fd);
    close(loop->post_fd);
    pthread_mutex_destroy(&loop->post_lock);
    mem_free(loop_ref);
}

/* What was put off outside the loop, and by its last turn, is not left behind. */
static void turn(struct loop *loop)
{
    if (loop_settle(loop) == 0) {
        zloop_start(loop->zloop);
    }
    loop_do_late(loop);
}

void loop_run(struct loop *loop)
{
    if (!loop->stop_asked) {
        loop->stopped = false;
        turn(loop);
    }
    loop->stop_asked = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    loop->stop_asked = true;
}

static void on_timeout(void *arg)
{
    *(bool *)arg = true;
}

struct bounded {
    loop_predicate *predicate;
    void *arg;
    bool timed_out;
};

static bool is_over(void *arg)
{
    struct bounded *bounded = arg;
    return bounded->timed_out || bounded->predicate(bounded->arg);
}

bool loop_run_until(struct loop *loop, loop_predicate *predicate, void *arg, uint64_t timeout_ms)
{
    struct bounded bounded = {.predicate = predicate, .arg = arg};
    if (predicate(arg)) {
        return true;
    }
    uint64_t timer = clock_after(&loop->clock, timeout_ms, on_timeout, &bounded.timed_out);
    loop->predicate = is_over;
    loop->predicate_arg = &bounded;
    loop->stopped = false;
    turn(loop);
    loop->predicate = NULL;
    clock_cancel(&loop->clock, timer);
    return predicate(arg);
}
