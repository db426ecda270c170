/* The rooms' cache: rooms that came together do not all get old together, and are looked up many at
 * a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/room/room_cache.h"
#include "tests/support/c/fake_clock.h"

#define ROOMS 300
#define LOOK_UPS_MAX 64
#define AGE_MS 60000
#define GATHER_MS (AGE_MS / 32)

struct look_up {
    uint64_t ids[ROOM_STORE_SOME_MAX];
    size_t count;
    room_store_some_fn *fn;
    void *arg;
    bool is_answered;
};

struct fixture {
    struct fake_clock *clock;
    struct room_cache *cache;
    struct look_up look_ups[LOOK_UPS_MAX];
    size_t look_up_count;
    size_t asked; /* rooms */
    enum err refuse;
};

static enum err store_find_some(void *self, const uint64_t *room_ids, size_t count,
                                uint64_t deadline_ms, room_store_some_fn *fn, void *arg)
{
    struct fixture *f = self;
    assert_true(deadline_ms > clock_mono_ms(fake_clock_clock(f->clock)));
    assert_true(f->look_up_count < LOOK_UPS_MAX);
    if (f->refuse != ERR_OK) {
        return f->refuse;
    }
    struct look_up *look_up = &f->look_ups[f->look_up_count++];
    *look_up = (struct look_up){.count = count, .fn = fn, .arg = arg};
    memcpy(look_up->ids, room_ids, count * sizeof(*room_ids));
    f->asked += count;
    return ERR_OK;
}

static const struct room_store_ops store_ops = {.find_some = store_find_some};

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

/* Of the rooms asked for, those with an even id are open, with other publishers than before. */
static void answer(struct look_up *look_up, enum err err)
{
    struct room rooms[ROOM_STORE_SOME_MAX];
    size_t count = 0;
    for (size_t i = look_up->count; err == ERR_OK && i > 0; i--) {
        if (look_up->ids[i - 1] % 2 == 0) {
            rooms[count++] = (struct room){.id = look_up->ids[i - 1], .publishers_max = 9};
        }
    }
    look_up->is_answered = true;
    look_up->fn(look_up->arg, err, rooms, count);
}

static void answer_all(struct fixture *f, enum err err)
{
    for (size_t i = 0; i < f->look_up_count; i++) {
        if (!f->look_ups[i].is_answered) {
            answer(&f->look_ups[i], err);
        }
    }
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    answer_all(f, ERR_UNAVAILABLE);
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

/* No room gets older than its age without being looked up. */
static void rooms_that_came_together_get_old_one_by_one(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, AGE_MS * 2 / 3 - GATHER_MS);
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    assert_int_equal(f->asked, 0);
    fake_clock_advance(f->clock, AGE_MS / 6 - GATHER_MS);
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    assert_in_range(f->asked, ROOMS / 4, ROOMS * 3 / 4);
    fake_clock_advance(f->clock, AGE_MS / 6 - GATHER_MS);
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    assert_int_equal(f->asked, ROOMS);
    use_all(f);
    fake_clock_advance(f->clock, AGE_MS);
    assert_int_equal(f->asked, ROOMS); /* and each once */
}

static void old_rooms_are_looked_up_together(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, AGE_MS);
    use_all(f);
    assert_int_equal(f->look_up_count, ROOMS / ROOM_STORE_SOME_MAX);
    fake_clock_advance(f->clock, GATHER_MS);
    assert_int_equal(f->look_up_count, ROOMS / ROOM_STORE_SOME_MAX + 1);
    assert_int_equal(f->asked, ROOMS);
}

static void what_the_registry_says_is_taken(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, AGE_MS);
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    answer_all(f, ERR_OK);
    for (uint64_t id = 1; id <= ROOMS; id++) {
        const struct room *room = room_cache_find(f->cache, id);
        assert_true((room != NULL) == (id % 2 == 0));
        assert_true(room == NULL || room->publishers_max == 9);
    }
    fake_clock_advance(f->clock, AGE_MS / 2);
    assert_int_equal(f->asked, ROOMS); /* those that are there are new */
}

/* What was removed meanwhile does not come back. */
static void a_removed_room_is_not_put_back(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, AGE_MS);
    assert_non_null(room_cache_find(f->cache, 2));
    fake_clock_advance(f->clock, GATHER_MS);
    room_cache_remove(f->cache, 2);
    answer_all(f, ERR_OK);
    assert_null(room_cache_find(f->cache, 2));
}

static void what_could_not_be_looked_up_is_used_and_tried_again(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, AGE_MS);
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    answer_all(f, ERR_UNAVAILABLE);
    f->refuse = ERR_OVERLOADED;
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    assert_int_equal(f->asked, ROOMS);
    f->refuse = ERR_OK;
    use_all(f);
    fake_clock_advance(f->clock, GATHER_MS);
    assert_int_equal(f->asked, 2 * ROOMS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rooms_that_came_together_get_old_one_by_one),
        TEST(old_rooms_are_looked_up_together),
        TEST(what_the_registry_says_is_taken),
        TEST(a_removed_room_is_not_put_back),
        TEST(what_could_not_be_looked_up_is_used_and_tried_again),
    };
    return cmocka_run_group_tests_name("room_cache", tests, NULL, NULL);
}
