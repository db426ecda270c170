#include "proto/loop/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <uv.h>

#include "proto/base/slots.h"

/* How often what is put off may ask for more of its kind at the end of one turn, before timers and
 * descriptors get theirs. Four are a whole round trip: take messages, answer requests, read the
 * next ones, send what they ask. */
#define LATE_ROUNDS 8

struct watch {
    uv_poll_t poll;
    struct loop *loop;
    uint32_t events; /* that were asked for */
    loop_fd_fn *fn;
    void *arg;
};

/* In a slot of the loop's, whose id is the timer's: that of one that has fired is nobody's. The
 * handle of libuv is made once and kept for the next that takes the slot. */
struct timer {
    uv_timer_t timer;
    struct loop *loop; /* NULL: the slot is taken for the first time */
    timer_fn *fn;
    void *arg;
    struct list_link link; /* in the loop's soon, if it is due at once */
};

struct loop_signal {
    uv_signal_t signal;
    struct loop *loop;
    timer_fn *fn;
    void *arg;
};

struct post {
    timer_fn *fn;
    void *arg;
    struct post *next;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t turn_end; /* after timers, before the loop waits */
    uv_idle_t unrest;      /* while it is active, the loop does not wait */
    uv_async_t posted;
    struct clock clock;

    struct slots *timers;
    struct list_link soon; /* timers without a delay, in order */

    struct watch **watches; /* by descriptor */
    size_t watch_room;

    struct list_link late;      /* what is put off to the end of this turn */
    struct list_link late_next; /* and of the next one */

    pthread_mutex_t post_lock;
    struct post *posts, **posts_end;

    bool is_running;
    bool is_over;    /* this run is: what comes now waits for the next */
    bool stopped;    /* loop_stop has been called since the run began */
    bool stop_asked; /* loop_stop before loop_run counts */
    loop_predicate *predicate;
    void *predicate_arg;
};

/* libuv fails here only for want of descriptors or memory, or by a mistake of ours: see base.h. */
static void must(int rc)
{
    if (rc != 0) {
        abort();
    }
}

/* After whatever may have changed what the loop runs for. */
static void after_event(struct loop *loop)
{
    if (!loop->is_running || loop->is_over) {
        return;
    }
    if (loop->stopped || (loop->predicate != NULL && loop->predicate(loop->predicate_arg))) {
        loop->is_over = true;
        uv_stop(&loop->uv);
    }
}

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

static void fire(struct timer *timer)
{
    struct loop *loop = timer->loop;
    list_remove(&timer->link);
    slots_release(loop->timers, timer);
    timer->fn(timer->arg);
    after_event(loop);
}

static void on_uv_timer(uv_timer_t *uv_timer)
{
    struct timer *timer = uv_timer->data;
    if (timer->loop->is_over) {
        list_add(&timer->loop->soon, &timer->link);
    } else {
        fire(timer);
    }
}

/* Those that are added meanwhile wait for the next turn: descriptors get theirs. (libuv would run a
 * timer without a delay that is added by another in the same turn, for ever.) */
static void fire_soon(struct loop *loop)
{
    struct list_link end;
    list_init(&end);
    list_add(&loop->soon, &end);
    while (loop->soon.next != &end && !loop->is_over) {
        fire(CONTAINER_OF(loop->soon.next, struct timer, link));
    }
    list_remove(&end);
}

static struct timer *take_timer(struct loop *loop)
{
    struct timer *timer = slots_take(loop->timers);
    must(timer != NULL ? 0 : UV_ENOMEM);
    if (timer->loop == NULL) {
        timer->loop = loop;
        list_init(&timer->link);
        must(uv_timer_init(&loop->uv, &timer->timer));
        timer->timer.data = timer;
    }
    return timer;
}

static uint64_t after(void *self, uint64_t delay_ms, timer_fn *fn, void *arg)
{
    struct loop *loop = self;
    struct timer *timer = take_timer(loop);
    timer->fn = fn;
    timer->arg = arg;
    if (delay_ms == 0) {
        list_add(&loop->soon, &timer->link);
    } else {
        /* libuv counts from when it last looked at the clock. */
        must(uv_timer_start(&timer->timer, on_uv_timer,
                            mono_ms(NULL) - uv_now(&loop->uv) + delay_ms, 0));
    }
    return slots_id(timer);
}

static void cancel_timer(void *self, uint64_t timer_id)
{
    struct loop *loop = self;
    struct timer *timer = slots_find(loop->timers, timer_id);
    if (timer == NULL) {
        return;
    }
    (void)uv_timer_stop(&timer->timer);
    list_remove(&timer->link);
    slots_release(loop->timers, timer);
}

static const struct clock_ops clock_ops = {mono_ms, unix_ms, after, cancel_timer};

const struct clock *loop_clock(struct loop *loop)
{
    return &loop->clock;
}

/* ---- descriptors ---- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void start_poll(struct watch *watch);

static void on_poll(uv_poll_t *poll, int status, int happened)
{
    struct watch *watch = poll->data;
    struct loop *loop = watch->loop;
    uint32_t events = ((happened & UV_READABLE) != 0 ? EPOLLIN : 0u) |
                      ((happened & UV_WRITABLE) != 0 ? EPOLLOUT : 0u) |
                      ((happened & UV_DISCONNECT) != 0 ? EPOLLRDHUP : 0u);
    if (status != 0) {
        /* libuv stops at an error; here it is told until somebody does something about it. */
        events = EPOLLERR | (watch->events & (EPOLLIN | EPOLLOUT));
        start_poll(watch);
    }
    if (!loop->is_over) {
        watch->fn(watch->arg, events);
        after_event(loop);
    }
}

static void start_poll(struct watch *watch)
{
    int wanted = ((watch->events & EPOLLIN) != 0 ? UV_READABLE : 0) |
                 ((watch->events & EPOLLOUT) != 0 ? UV_WRITABLE : 0) |
                 ((watch->events & EPOLLRDHUP) != 0 ? UV_DISCONNECT : 0);
    must(uv_poll_start(&watch->poll, wanted, on_poll));
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
    *watch = (struct watch){.loop = loop, .events = events, .fn = fn, .arg = arg};
    must(uv_poll_init(&loop->uv, &watch->poll, fd));
    watch->poll.data = watch;
    *place = watch;
    start_poll(watch);
}

void loop_fd_modify(struct loop *loop, int fd, uint32_t events)
{
    struct watch *watch = *watch_place(loop, fd);
    assert(watch != NULL);
    if (watch->events != events) {
        watch->events = events;
        start_poll(watch);
    }
}

/* From here on libuv tells nothing of it, not even what it has already seen in this turn; it is
 * freed when libuv has let go of it. */
void loop_fd_remove(struct loop *loop, int fd)
{
    struct watch **place = watch_place(loop, fd);
    struct watch *watch = *place;
    if (watch != NULL) {
        *place = NULL;
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    }
}

/* ---- signals ---- */

static void on_uv_signal(uv_signal_t *uv_signal, int number)
{
    const struct loop_signal *signal = uv_signal->data;
    struct loop *loop = signal->loop;
    (void)number;
    signal->fn(signal->arg);
    after_event(loop);
}

struct loop_signal *loop_signal_new(struct loop *loop, int number, timer_fn *fn, void *arg)
{
    struct loop_signal *signal = mem_alloc(sizeof(*signal));
    *signal = (struct loop_signal){.loop = loop, .fn = fn, .arg = arg};
    must(uv_signal_init(&loop->uv, &signal->signal));
    signal->signal.data = signal;
    must(uv_signal_start(&signal->signal, on_uv_signal, number));
    return signal;
}

void loop_signal_free(struct loop_signal **signal)
{
    struct loop_signal *self = *signal;
    if (self != NULL) {
        *signal = NULL;
        uv_close((uv_handle_t *)&self->signal, on_closed);
    }
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
static void on_posted(uv_async_t *async)
{
    struct loop *loop = async->data;
    struct post *post;
    while (!loop->is_over && (post = take_post(loop)) != NULL) {
        post->fn(post->arg);
        free(post);
        after_event(loop);
    }
    if (loop->is_over) {
        must(uv_async_send(&loop->posted));
    }
}

void loop_post(struct loop *loop, timer_fn *fn, void *arg)
{
    struct post *post = mem_alloc(sizeof(*post));
    *post = (struct post){.fn = fn, .arg = arg};
    pthread_mutex_lock(&loop->post_lock);
    bool is_first = loop->posts == NULL;
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    pthread_mutex_unlock(&loop->post_lock);
    if (is_first) {
        must(uv_async_send(&loop->posted));
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

/* ---- the end of a turn ---- */

void loop_late_init(struct loop_late *late, timer_fn *fn, void *arg)
{
    *late = (struct loop_late){.fn = fn, .arg = arg};
    list_init(&late->link);
}

void loop_late_add(struct loop *loop, struct loop_late *late)
{
    if (list_is_empty(&late->link)) {
        list_add(&loop->late, &late->link);
    }
}

void loop_late_add_next(struct loop *loop, struct loop_late *late)
{
    if (list_is_empty(&late->link)) {
        list_add(&loop->late_next, &late->link);
    }
}

void loop_late_remove(struct loop_late *late)
{
    list_remove(&late->link);
}

/* All that was put off, and what is put off meanwhile, as far as the rounds go. */
static void do_late(struct loop *loop)
{
    for (int i = 0; i < LATE_ROUNDS && !list_is_empty(&loop->late); i++) {
        struct list_link end;
        list_init(&end);
        list_add(&loop->late, &end);
        while (loop->late.next != &end) {
            struct loop_late *late = CONTAINER_OF(loop->late.next, struct loop_late, link);
            list_remove(&late->link);
            late->fn(late->arg);
            after_event(loop);
        }
        list_remove(&end);
    }
}

static void do_nothing_idly(uv_idle_t *idle)
{
    (void)idle;
}

static void on_turn_end(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    while (!list_is_empty(&loop->late_next)) {
        struct list_link *link = loop->late_next.next;
        list_remove(link);
        list_add(&loop->late, link);
    }
    fire_soon(loop);
    do_late(loop);
    bool is_idle =
        list_is_empty(&loop->soon) && list_is_empty(&loop->late) && list_is_empty(&loop->late_next);
    if (is_idle) {
        (void)uv_idle_stop(&loop->unrest);
    } else {
        must(uv_idle_start(&loop->unrest, do_nothing_idly));
    }
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct loop *loop = mem_alloc(sizeof(*loop));
    loop->clock = (struct clock){.ops = &clock_ops, .self = loop};
    loop->timers = slots_new(sizeof(struct timer), SLOTS_MAX, NULL);
    list_init(&loop->soon);
    list_init(&loop->late);
    list_init(&loop->late_next);
    pthread_mutex_init(&loop->post_lock, NULL);
    loop->posts_end = &loop->posts;
    must(uv_loop_init(&loop->uv));
    must(uv_prepare_init(&loop->uv, &loop->turn_end));
    must(uv_idle_init(&loop->uv, &loop->unrest));
    must(uv_async_init(&loop->uv, &loop->posted, on_posted));
    loop->turn_end.data = loop;
    loop->posted.data = loop;
    must(uv_prepare_start(&loop->turn_end, on_turn_end));
    return loop;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, handle->type == UV_TIMER ? NULL : on_closed);
    }
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
    while (!list_is_empty(&loop->late)) {
        list_remove(loop->late.next);
    }
    while (!list_is_empty(&loop->late_next)) {
        list_remove(loop->late_next.next);
    }
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->unrest, NULL);
    uv_close((uv_handle_t *)&loop->posted, NULL);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    must(uv_loop_close(&loop->uv));
    for (struct timer *timer = NULL; (timer = slots_next(loop->timers, timer)) != NULL;) {
        slots_release(loop->timers, timer);
    }
    slots_free(&loop->timers);
    free(loop->watches);
    pthread_mutex_destroy(&loop->post_lock);
    mem_free(loop_ref);
}

/* What was put off outside the loop, and by its last turn, is not left behind. */
static void run_loop(struct loop *loop)
{
    loop->stopped = false;
    loop->is_over = false;
    loop->is_running = true;
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->is_running = false;
    do_late(loop);
}

void loop_run(struct loop *loop)
{
    if (!loop->stop_asked) {
        run_loop(loop);
    }
    loop->stop_asked = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    loop->stop_asked = true;
}

static void on_until_timeout(void *arg)
{
    *(bool *)arg = true;
}

struct bounded {
    loop_predicate *predicate;
    void *arg;
    bool timed_out;
};

static bool is_until_over(void *arg)
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
    uint64_t timer = clock_after(&loop->clock, timeout_ms, on_until_timeout, &bounded.timed_out);
    loop->predicate = is_until_over;
    loop->predicate_arg = &bounded;
    run_loop(loop);
    loop->predicate = NULL;
    clock_cancel(&loop->clock, timer);
    return predicate(arg);
}
