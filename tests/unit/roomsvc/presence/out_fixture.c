#include "tests/unit/roomsvc/presence/out_fixture.h"

static enum err store_find(void *self, const struct out_look *look, out_store_found_fn *fn,
                           void *arg)
{
    struct out_fixture *f = self;
    assert_true(f->found_fn == NULL && f->taken_fn == NULL);
    f->finds++;
    if (f->refuse == ERR_OK) {
        f->look = *look;
        f->found_fn = fn;
        f->arg = arg;
    }
    return f->refuse;
}

static enum err store_take(void *self, const struct out_look *look, uint64_t room_id,
                           out_store_taken_fn *fn, void *arg)
{
    struct out_fixture *f = self;
    assert_true(f->found_fn == NULL && f->taken_fn == NULL);
    f->takes++;
    if (f->refuse == ERR_OK) {
        f->look = *look;
        f->room_id = room_id;
        f->taken_fn = fn;
        f->arg = arg;
    }
    return f->refuse;
}

static uint64_t store_steady_ms(const void *self)
{
    const struct out_fixture *f = self;
    return f->steady_ms;
}

static const struct out_store_ops store_ops = {store_find, store_take, store_steady_ms};

struct take_outs_parts out_fixture_setup(struct out_fixture *f)
{
    log_capture_setup(NULL);
    *f = (struct out_fixture){
        .clock = fake_clock_new(), .metrics = metrics_new(), .steady_ms = INT64_MAX};
    f->news = room_news_new(fake_clock_clock(f->clock), f->metrics, /* publisher= */ NULL);
    return (struct take_outs_parts){.clock = fake_clock_clock(f->clock),
                                    .store = {.ops = &store_ops, .self = f},
                                    .news = f->news,
                                    .metrics = f->metrics};
}

void out_fixture_teardown(struct out_fixture *f)
{
    assert_int_equal(fake_clock_timers(f->clock), 0);
    room_news_free(&f->news);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    assert_int_equal(log_capture_teardown(NULL), 0);
}

static out_store_found_fn *take_found_fn(struct out_fixture *f)
{
    out_store_found_fn *fn = f->found_fn;
    assert_non_null(fn);
    f->found_fn = NULL;
    return fn;
}

static out_store_taken_fn *take_taken_fn(struct out_fixture *f)
{
    out_store_taken_fn *fn = f->taken_fn;
    assert_non_null(fn);
    f->taken_fn = NULL;
    return fn;
}

void out_answer_find(struct out_fixture *f, size_t count, uint64_t now_unix_ms, uint64_t last_seq)
{
    struct out_found found = {.now_unix_ms = now_unix_ms, .last_seq = last_seq, .count = count};
    for (size_t i = 0; i < count; i++) {
        found.rooms[i].id = i + 1;
    }
    take_found_fn(f)(f->arg, ERR_OK, &found);
}

void out_fail_find(struct out_fixture *f)
{
    take_found_fn(f)(f->arg, ERR_UNAVAILABLE, NULL);
}

void out_answer_take(struct out_fixture *f, size_t count)
{
    const struct journal journal = {.room_id = f->room_id};
    const struct out_taken taken = {.count = count, .journal = &journal};
    take_taken_fn(f)(f->arg, ERR_OK, &taken);
}

void out_fail_take(struct out_fixture *f)
{
    take_taken_fn(f)(f->arg, ERR_OVERLOADED, NULL);
}
