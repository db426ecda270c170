#include "proto/bus/bus_deadlines.h"

#define BUCKETS 1024
#define BUCKET_MS 16 /* the wheel turns once in 16.4 s; later deadlines wait for their round */
#define NEVER UINT64_MAX

struct bus_deadlines {
    const struct clock *clock;
    bus_deadline_fn *fn;
    void *arg;
    uint64_t timer_id; /* 0: none */
    uint64_t timer_due_ms;
    uint64_t swept_ms; /* all that was due by then has fired */
    struct list_link buckets[BUCKETS];
};

static struct list_link *bucket_at(struct bus_deadlines *deadlines, uint64_t ms)
{
    return &deadlines->buckets[ms / BUCKET_MS % BUCKETS];
}

static void on_wheel_timer(void *arg);

static void arm_wheel(struct bus_deadlines *deadlines, uint64_t due_ms)
{
    if (deadlines->timer_id != 0 && deadlines->timer_due_ms <= due_ms) {
        return; /* fires early, finds nothing due and is armed again: cheaper than moving it */
    }
    clock_cancel(deadlines->clock, deadlines->timer_id);
    uint64_t now_ms = clock_mono_ms(deadlines->clock);
    deadlines->timer_due_ms = due_ms;
    deadlines->timer_id = clock_after(deadlines->clock, due_ms > now_ms ? due_ms - now_ms : 0,
                                      on_wheel_timer, deadlines);
}

static void collect_due(struct list_link *bucket, uint64_t now_ms, struct list_link *due)
{
    LIST_EACH (struct bus_deadline, deadline, bucket, link) {
        if (deadline->due_ms <= now_ms) {
            list_remove(&deadline->link);
            list_add(due, &deadline->link);
        }
    }
}

/* What is due is put aside first, because fn may set and clear any. */
static void sweep_wheel(struct bus_deadlines *deadlines, uint64_t now_ms)
{
    uint64_t from = deadlines->swept_ms / BUCKET_MS;
    uint64_t to = now_ms / BUCKET_MS;
    if (to - from >= BUCKETS) {
        from = to - (BUCKETS - 1);
    }
    struct list_link due;
    list_init(&due);
    for (uint64_t i = from; i <= to; i++) {
        collect_due(&deadlines->buckets[i % BUCKETS], now_ms, &due);
    }
    deadlines->swept_ms = now_ms;
    for (struct bus_deadline *deadline;
         (deadline = LIST_FIRST(struct bus_deadline, &due, link)) != NULL;) {
        list_remove(&deadline->link);
        deadlines->fn(deadlines->arg, deadline);
    }
}

static uint64_t earliest_in(const struct list_link *bucket)
{
    uint64_t earliest_ms = NEVER;
    LIST_EACH (const struct bus_deadline, deadline, bucket, link) {
        earliest_ms = deadline->due_ms < earliest_ms ? deadline->due_ms : earliest_ms;
    }
    return earliest_ms;
}

/* The first bucket that holds something of this round decides; failing that, the least of all. */
static uint64_t find_earliest(const struct bus_deadlines *deadlines, uint64_t now_ms)
{
    uint64_t least_ms = NEVER;
    for (uint64_t i = now_ms / BUCKET_MS, end = i + BUCKETS; i < end; i++) {
        uint64_t due_ms = earliest_in(&deadlines->buckets[i % BUCKETS]);
        if (due_ms / BUCKET_MS == i) {
            return due_ms;
        }
        least_ms = due_ms < least_ms ? due_ms : least_ms;
    }
    return least_ms;
}

static void on_wheel_timer(void *arg)
{
    struct bus_deadlines *deadlines = arg;
    deadlines->timer_id = 0;
    uint64_t now_ms = clock_mono_ms(deadlines->clock);
    sweep_wheel(deadlines, now_ms);
    uint64_t earliest_ms = find_earliest(deadlines, now_ms);
    if (earliest_ms != NEVER) {
        arm_wheel(deadlines, earliest_ms);
    }
}

struct bus_deadlines *bus_deadlines_new(const struct clock *clock, bus_deadline_fn *fn, void *arg)
{
    struct bus_deadlines *deadlines = mem_alloc(sizeof(*deadlines));
    deadlines->clock = clock;
    deadlines->fn = fn;
    deadlines->arg = arg;
    deadlines->swept_ms = clock_mono_ms(clock);
    for (size_t i = 0; i < BUCKETS; i++) {
        list_init(&deadlines->buckets[i]);
    }
    return deadlines;
}

void bus_deadlines_free(struct bus_deadlines **deadlines)
{
    struct bus_deadlines *self = *deadlines;
    if (self == NULL) {
        return;
    }
    clock_cancel(self->clock, self->timer_id);
    for (size_t i = 0; i < BUCKETS; i++) {
        LIST_EACH (struct bus_deadline, deadline, &self->buckets[i], link) {
            list_remove(&deadline->link);
        }
    }
    mem_free(deadlines);
}

void bus_deadline_init(struct bus_deadline *deadline)
{
    list_init(&deadline->link);
}

/* One that is already past goes where the next sweep begins. */
void bus_deadline_set(struct bus_deadlines *deadlines, struct bus_deadline *deadline,
                      uint64_t due_ms)
{
    uint64_t place_ms = due_ms > deadlines->swept_ms ? due_ms : deadlines->swept_ms;
    deadline->due_ms = place_ms;
    list_add(bucket_at(deadlines, place_ms), &deadline->link);
    arm_wheel(deadlines, place_ms);
}

void bus_deadline_clear(struct bus_deadline *deadline)
{
    list_remove(&deadline->link);
}
