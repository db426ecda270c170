#include "roomsvc/presence/long_waits.h"

struct long_waits {
    struct take_outs outs;
    uint64_t timer; /* 0: a look is under way */
};

static void look_for_long_waits(void *arg)
{
    struct long_waits *waits = arg;
    const struct out_look look = {.why = OUT_WAITED};
    waits->timer = 0;
    take_outs_start(&waits->outs, &look);
}

static void long_waits_on_found(void *arg, const struct out_found *found)
{
    (void)arg;
    (void)found;
}

static void long_waits_on_done(void *arg, enum err err, bool has_more)
{
    struct long_waits *waits = arg;
    const bool goes_on = err == ERR_OK && has_more;
    waits->timer =
        clock_after(waits->outs.parts.clock, goes_on ? TAKE_OUTS_PAUSE_MS : LONG_WAITS_LOOK_MS,
                    look_for_long_waits, waits);
}

struct long_waits *long_waits_new(const struct take_outs_parts *parts)
{
    struct long_waits *waits = mem_alloc(sizeof(*waits));
    take_outs_init(&waits->outs, parts, "waited_too_long");
    waits->outs.on_found = long_waits_on_found;
    waits->outs.on_done = long_waits_on_done;
    waits->outs.arg = waits;
    waits->timer = clock_after(parts->clock, LONG_WAITS_LOOK_MS, look_for_long_waits, waits);
    return waits;
}

void long_waits_free(struct long_waits **waits)
{
    if (*waits != NULL) {
        clock_cancel((*waits)->outs.parts.clock, (*waits)->timer);
        take_outs_fini(&(*waits)->outs);
        mem_free(waits);
    }
}
