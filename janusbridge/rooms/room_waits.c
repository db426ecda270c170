#include "janusbridge/rooms/room_waits.h"

#include <assert.h>

#include "proto/base/list.h"

struct wait {
    struct room_waits *waits;
    struct call *call;
    uint64_t room_id;
    uint64_t timer;
    struct list_link link;
};

struct room_waits {
    const struct clock *clock;
    size_t waits_max;
    room_waits_fn *fn;
    void *arg;
    struct list_link all; /* of struct wait, in the order of their coming */
    size_t count;
};

struct room_waits *room_waits_new(const struct clock *clock, size_t waits_max, room_waits_fn *fn,
                                  void *arg)
{
    struct room_waits *waits = mem_alloc(sizeof(*waits));
    *waits = (struct room_waits){.clock = clock, .waits_max = waits_max, .fn = fn, .arg = arg};
    list_init(&waits->all);
    return waits;
}

void room_waits_free(struct room_waits **waits)
{
    assert(*waits == NULL || (*waits)->count == 0);
    mem_free(waits);
}

size_t room_waits_count(const struct room_waits *waits)
{
    return waits->count;
}

static void end(struct wait *wait, enum err err)
{
    struct room_waits *waits = wait->waits;
    struct call *call = wait->call;
    list_remove(&wait->link);
    waits->count--;
    clock_cancel(waits->clock, wait->timer);
    mem_free(&wait);
    waits->fn(waits->arg, call, err);
}

static void on_deadline(void *arg)
{
    struct wait *wait = arg;
    wait->timer = 0;
    end(wait, ERR_DEADLINE);
}

enum err room_waits_add(struct room_waits *waits, struct call *call, uint64_t room_id)
{
    const uint64_t now_ms = clock_mono_ms(waits->clock);
    if (call->context.deadline_ms <= now_ms) {
        return ERR_DEADLINE;
    }
    if (waits->count >= waits->waits_max) {
        return ERR_OVERLOADED;
    }
    struct wait *wait = mem_alloc(sizeof(*wait));
    *wait = (struct wait){.waits = waits, .call = call, .room_id = room_id};
    wait->timer = clock_after(waits->clock, call->context.deadline_ms - now_ms, on_deadline, wait);
    list_add(&waits->all, &wait->link);
    waits->count++;
    return ERR_OK;
}

/* Whoever goes on may come to wait again, behind the last one of now. */
static void wake(struct room_waits *waits, uint64_t room_id)
{
    size_t left = waits->count;
    LIST_EACH (struct wait, wait, &waits->all, link) {
        if (left-- == 0) {
            return;
        }
        if (room_id == 0 || wait->room_id == room_id) {
            end(wait, ERR_OK);
        }
    }
}

void room_waits_wake(struct room_waits *waits, uint64_t room_id)
{
    wake(waits, room_id);
}

void room_waits_wake_all(struct room_waits *waits)
{
    wake(waits, 0);
}
