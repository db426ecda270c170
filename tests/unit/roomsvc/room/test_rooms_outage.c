/* roomsvc while the registry is away: what is open goes on being listed, nothing is made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/room/room_create.h"
#include "roomsvc/room/room_list.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"
#include "tests/support/c/mock_call.h"

#define STANDARD_ROOM 123456
#define MOCK_CALLS_MAX 8

static const struct room standard = {.id = STANDARD_ROOM,
                                     .secret = "00112233445566778899aabbccddeeff",
                                     .publishers_max = 20,
                                     .node = "default"};

struct fixture {
    struct fake_clock *clock;
    struct mock_bus bus;
    struct metrics *metrics;
    struct node_fence *fence;
    struct follow *follow;
    struct rooms *rooms;
    bool away;
    /* Of the look-up or registration that waits; both NULL: none does. */
    room_store_fn *fn;
    room_store_add_fn *add_fn;
    void *arg;
    struct mock_call made[MOCK_CALLS_MAX];
    size_t made_count;
    struct mock_call *call; /* the latest */
};

static enum err remember(struct fixture *f, room_store_fn *fn, room_store_add_fn *add_fn, void *arg)
{
    if (!f->away) {
        f->fn = fn;
        f->add_fn = add_fn;
        f->arg = arg;
    }
    return f->away ? ERR_UNAVAILABLE : ERR_OK;
}

static enum err store_add(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                          room_store_add_fn *fn, void *arg)
{
    (void)draft;
    (void)deadline_ms;
    return remember(self, NULL, fn, arg);
}

static enum err store_find(void *self, uint64_t room_id, uint64_t deadline_ms, room_store_fn *fn,
                           void *arg)
{
    (void)room_id;
    (void)deadline_ms;
    return remember(self, fn, NULL, arg);
}

static enum err store_find_some(void *self, const uint64_t *room_ids, size_t count,
                                uint64_t deadline_ms, room_store_some_fn *fn, void *arg)
{
    (void)self;
    (void)room_ids;
    (void)count;
    (void)deadline_ms;
    (void)fn;
    (void)arg;
    return ERR_UNAVAILABLE;
}

static enum err store_count(void *self, room_store_count_fn *fn, void *arg)
{
    (void)self;
    (void)fn;
    (void)arg;
    return ERR_UNAVAILABLE; /* not what is tested here */
}

static bool store_is_up(const void *self)
{
    const struct fixture *f = self;
    return !f->away;
}

static const struct room_store_ops store_ops = {store_add,
                                                store_find,
                                                store_find_some,
                                                store_count,
                                                /* may_list= */ NULL,
                                                store_is_up};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    mock_bus_init(&f->bus);
    f->metrics = metrics_new();
    const struct node_fence_parts fence = {.clock = fake_clock_clock(f->clock),
                                           .metrics = f->metrics};
    f->fence = node_fence_new(&fence);
    const struct follow_parts follow = {.clock = fake_clock_clock(f->clock),
                                        .bus = &f->bus.bus,
                                        .metrics = f->metrics,
                                        .fence = f->fence};
    f->follow = follow_new(&follow, 4);
    const struct rooms_parts parts = {.clock = fake_clock_clock(f->clock),
                                      .bus = &f->bus.bus,
                                      .store = {.ops = &store_ops, .self = f},
                                      .metrics = f->metrics,
                                      .fence = f->fence,
                                      .follow = f->follow};
    const struct rooms_config config = {.standard_room = STANDARD_ROOM,
                                        .node = "default",
                                        .publishers_max = 20,
                                        .rooms_max = 10,
                                        .cache_max = 4,
                                        .cache_ms = 1000};
    f->rooms = rooms_new(&parts, &config);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->made_count; i++) {
        mock_call_fini(&f->made[i]);
    }
    rooms_free(&f->rooms);
    follow_free(&f->follow);
    node_fence_free(&f->fence);
    metrics_free(&f->metrics);
    mock_bus_fini(&f->bus);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(state);
}

static void handle(struct fixture *f, const struct msg *request)
{
    assert_true(f->made_count < MOCK_CALLS_MAX);
    f->call = &f->made[f->made_count++];
    mock_call_init(f->call, fake_clock_clock(f->clock), request);
    if (request->id == MSG_room_create) {
        room_create(f->rooms, &f->call->call);
    } else {
        room_list(f->rooms, &f->call->call);
    }
}

static void create(struct fixture *f)
{
    static const char key[16] = "key";
    const struct msg request = {.id = MSG_room_create,
                                .room_create = {.idempotency_key = {key, sizeof(key)}}};
    handle(f, &request);
}

static void list(struct fixture *f)
{
    const struct msg request = {.id = MSG_room_participants,
                                .room_participants = {.room_id = STANDARD_ROOM}};
    handle(f, &request);
}

static void answer_store(struct fixture *f, enum err err)
{
    room_store_fn *fn = f->fn;
    room_store_add_fn *add_fn = f->add_fn;
    const struct room *room = err == ERR_OK ? &standard : NULL;
    f->fn = NULL;
    f->add_fn = NULL;
    if (fn != NULL) {
        fn(f->arg, err, room);
    } else if (add_fn != NULL) {
        add_fn(f->arg, err, room, true);
    } else {
        fail_msg("the store is not asked");
    }
}

static void answer_bridge(struct fixture *f, enum msg_id request, enum err err)
{
    const struct msg reply = {.id = request + 1};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, request);
    assert_non_null(call);
    mock_bus_answer(call, err, err == ERR_OK ? &reply : NULL);
}

static void assert_answered(const struct fixture *f, enum err err)
{
    assert_int_equal(f->call->answers, 1);
    assert_int_equal(f->call->err, err);
}

static void a_room_that_is_known_is_listed(void **state)
{
    struct fixture *f = *state;
    list(f);
    answer_store(f, ERR_OK);
    answer_bridge(f, MSG_bridge_participants, ERR_OK);
    f->away = true;
    for (unsigned i = 0; i < 3; i++) { /* between them it is looked up, in vain */
        fake_clock_advance(f->clock, 3600000);
        list(f);
        answer_bridge(f, MSG_bridge_participants, ERR_OK);
        assert_answered(f, ERR_OK);
    }
}

/* Another replica was asked for it before. */
static void a_room_that_only_janus_knows_is_listed(void **state)
{
    struct fixture *f = *state;
    f->away = true;
    list(f);
    answer_bridge(f, MSG_bridge_participants, ERR_OK);
    assert_answered(f, ERR_OK);
    /* The registry is lost while it is being asked. */
    f->away = false;
    list(f);
    answer_store(f, ERR_UNAVAILABLE);
    answer_bridge(f, MSG_bridge_participants, ERR_OK);
    assert_answered(f, ERR_OK);
}

static void a_room_that_nobody_knows_may_be_there_all_the_same(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("participants could not be listed");
    f->away = true;
    list(f);
    answer_bridge(f, MSG_bridge_participants, ERR_NO_SUCH_ROOM);
    assert_answered(f, ERR_UNAVAILABLE);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
}

static void registry_that_hangs_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    list(f);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
    fake_clock_advance(f->clock, 500);
    answer_bridge(f, MSG_bridge_participants, ERR_OK);
    assert_answered(f, ERR_OK);
    answer_store(f, ERR_OK); /* late, and not in vain */
    list(f);
    answer_bridge(f, MSG_bridge_participants, ERR_OK);
    assert_answered(f, ERR_OK);
}

static void registry_that_hangs_is_waited_for_if_janus_does_not_know(void **state)
{
    struct fixture *f = *state;
    list(f);
    room_store_fn *fn = f->fn;
    void *arg = f->arg;
    fake_clock_advance(f->clock, 500);
    answer_bridge(f, MSG_bridge_participants, ERR_NO_SUCH_ROOM);
    answer_store(f, ERR_NO_SUCH_ROOM);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    fn(arg, ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

static void nothing_is_made_not_even_what_is_known(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("room could not be registered");
    f->away = true;
    create(f);
    assert_answered(f, ERR_UNAVAILABLE);
    f->away = false;
    create(f);
    answer_store(f, ERR_OK);
    answer_bridge(f, MSG_bridge_create, ERR_OK);
    assert_answered(f, ERR_OK);
    f->away = true;
    create(f);
    assert_answered(f, ERR_UNAVAILABLE);
    f->away = false;
    create(f);
    answer_bridge(f, MSG_bridge_create, ERR_OK);
    assert_answered(f, ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_room_that_is_known_is_listed),
        TEST(a_room_that_only_janus_knows_is_listed),
        TEST(a_room_that_nobody_knows_may_be_there_all_the_same),
        TEST(registry_that_hangs_is_not_waited_for),
        TEST(registry_that_hangs_is_waited_for_if_janus_does_not_know),
        TEST(nothing_is_made_not_even_what_is_known),
    };
    return cmocka_run_group_tests_name("roomsvc without its registry", tests, NULL, NULL);
}
