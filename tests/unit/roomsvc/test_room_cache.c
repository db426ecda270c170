/* The rooms' cache: rooms that came together are looked up again one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/room_cache.h"
#include "tests/support/c/fake_clock.h"

#define ROOMS 300
#define AGE_MS 60000

struct fixture {
    struct fake_clock *clock;
    struct room_cache *cache;
    room_store_fn *said;
    void *args[ROOMS];
    size_t asked;
};

static enum err store_find(void *self, uint64_t room_id, uint64_t deadline_ms, room_store_fn *fn,
                           void *arg)
{
    struct fixture *f = self;
    (void)room_id;
    (void)deadline_ms;
    assert_true(f->asked < ROOMS);
    f->said = fn;
    f->args[f->asked++] = arg;
    return ERR_OK;
}

static const struct room_store_ops store_ops = {.find = store_find};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    const struct room_cache_config config = {.clock = fake_clock_clock(f->clock),
                                             .store = {.ops = &store_ops, .self = f},
                                             .rooms_max = ROOMS,
                                             .age_ms = AGE_MS};
    f->cache = room_cache_new(&config);
    for (uint64_t id = 1; id <= ROOMS; id++) {
        room_cache_put(f->cache, &(struct room){.id = id});
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->asked; i++) {
        f->said(f->args[i], ERR_UNAVAILABLE, NULL);
    }
    room_cache_free(&f->cache);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return 0;
}

static void use_all(struct fixture *f)
{
    for (uint64_t id = 1; id <= ROOMS; id++) {
        const struct room *room = room_cache_find(f->cache, id);
        assert_non_null(room);
        assert_int_equal(room->id, id);
    }
}

static void rooms_that_came_together_get_old_one_by_one(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, AGE_MS * 2 / 3);
    use_all(f);
    assert_int_equal(f->asked, 0);
    fake_clock_advance(f->clock, AGE_MS / 6);
    use_all(f);
    assert_in_range(f->asked, ROOMS / 4, ROOMS * 3 / 4);
    fake_clock_advance(f->clock, AGE_MS / 6);
    use_all(f);
    assert_int_equal(f->asked, ROOMS);
    use_all(f);
    assert_int_equal(f->asked, ROOMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rooms_that_came_together_get_old_one_by_one, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("room_cache", tests, NULL, NULL);
}
