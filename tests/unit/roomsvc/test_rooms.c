/* The handlers of roomsvc, with bus, store and clock played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/rooms.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"
#include "tests/support/c/mock_call.h"

#define STORE_CALLS_MAX 16
#define MOCK_CALLS_MAX 8

struct store_call {
    enum { ADD, FIND, COUNT } kind;
    struct room_draft draft;
    uint64_t room_id;
    room_store_fn *fn;
    room_store_count_fn *count_fn;
    void *arg;
};

struct fixture {
    struct fake_clock *clock;
    struct mock_bus bus;
    struct metrics *metrics;
    struct rooms *rooms;
    struct store_call calls[STORE_CALLS_MAX];
    size_t call_count, answered;
    enum err refuse;
    struct mock_call made[MOCK_CALLS_MAX];
    size_t made_count;
    struct mock_call *call; /* the latest */
};

static struct store_call *remember_call(struct fixture *f)
{
    assert_true(f->call_count < STORE_CALLS_MAX);
    return &f->calls[f->call_count++];
}

static enum err store_add(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                          room_store_fn *fn, void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    if (f->refuse == ERR_OK) {
        *remember_call(f) = (struct store_call){.kind = ADD, .draft = *draft, .fn = fn, .arg = arg};
    }
    return f->refuse;
}

static enum err store_find(void *self, uint64_t room_id, uint64_t deadline_ms, room_store_fn *fn,
                           void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    if (f->refuse == ERR_OK) {
        *remember_call(f) =
            (struct store_call){.kind = FIND, .room_id = room_id, .fn = fn, .arg = arg};
    }
    return f->refuse;
}

static enum err store_count(void *self, room_store_count_fn *fn, void *arg)
{
    struct fixture *f = self;
    if (f->refuse == ERR_OK) {
        *remember_call(f) = (struct store_call){.kind = COUNT, .count_fn = fn, .arg = arg};
    }
    return f->refuse;
}

static bool store_is_up(const void *self)
{
    const struct fixture *f = self;
    return f->refuse != ERR_UNAVAILABLE;
}

static const struct room_store_ops store_ops = {store_add, store_find, store_count, store_is_up};

static struct store_call *next_store_call(struct fixture *f)
{
    assert_true(f->answered < f->call_count);
    return &f->calls[f->answered++];
}

static void set_up_rooms(struct fixture *f, uint64_t standard_room)
{
    const struct rooms_parts parts = {.clock = fake_clock_clock(f->clock),
                                      .bus = &f->bus.bus,
                                      .store = {.ops = &store_ops, .self = f},
                                      .metrics = f->metrics};
    const struct rooms_config config = {.standard_room = standard_room,
                                        .publishers_max = 20,
                                        .rooms_max = 10,
                                        .cache_max = 4,
                                        .cache_ms = 1000};
    f->rooms = rooms_new(&parts, &config);
    struct store_call *count = next_store_call(f);
    assert_int_equal(count->kind, COUNT);
    count->count_fn(count->arg, ERR_OK, 0);
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    mock_bus_init(&f->bus);
    f->metrics = metrics_new();
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
    metrics_free(&f->metrics);
    mock_bus_fini(&f->bus);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

static void handle(struct fixture *f, const struct msg *request)
{
    assert_true(f->made_count < MOCK_CALLS_MAX);
    f->call = &f->made[f->made_count++];
    mock_call_init(f->call, fake_clock_clock(f->clock), request);
    if (request->id == MSG_room_create) {
        rooms_create(f->rooms, &f->call->call);
    } else {
        rooms_list_participants(f->rooms, &f->call->call);
    }
}

static void create(struct fixture *f)
{
    const struct msg request = {.id = MSG_room_create,
                                .room_create = {.idempotency_key = STR_LIT("0123456789abcdef")}};
    handle(f, &request);
}

static void list(struct fixture *f, uint64_t room_id)
{
    const struct msg request = {.id = MSG_room_participants,
                                .room_participants = {.room_id = room_id}};
    handle(f, &request);
}

static void answer_store(struct store_call *call, enum err err, const struct room *room)
{
    call->fn(call->arg, err, room);
}

static const struct room stored = {
    .id = 77, .secret = "00112233445566778899aabbccddeeff", .publishers_max = 20};

static void answer_bridge_create(struct fixture *f)
{
    const struct msg made = {.id = MSG_bridge_create_reply};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &made);
}

static void assert_answered(const struct fixture *f, enum err err)
{
    assert_int_equal(f->call->answers, 1);
    assert_int_equal(f->call->err, err);
}

static void standard_room_is_registered_then_made(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    create(f);
    struct store_call *add = next_store_call(f);
    assert_int_equal(add->kind, ADD);
    assert_int_equal(add->draft.room.id, 123456);
    assert_false(add->draft.has_key);
    assert_int_equal(strlen(add->draft.room.secret), ROOM_SECRET_BYTES);
    assert_int_equal(f->bus.count, 0); /* the registry first */
    answer_store(add, ERR_OK, &add->draft.room);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(made);
    assert_int_equal(made->request.bridge_create.room_id, 123456);
    assert_true(str_eq(made->request.bridge_create.secret, str_of(add->draft.room.secret)));
    assert_int_equal(made->request.bridge_create.publishers_max, 20);
    assert_int_equal(f->call->answers, 0);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
    assert_int_equal(f->call->reply.room_create_reply.room_id, 123456);
}

static void second_create_asks_only_the_bridge(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 77);
    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create(f);
    create(f);
    assert_int_equal(f->call_count, f->answered);
    answer_bridge_create(f);
    assert_answered(f, ERR_OK);
}

static void fresh_rooms_have_drawn_ids_and_the_callers_key(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[2];
    set_up_rooms(f, 0);
    for (size_t i = 0; i < 2; i++) {
        create(f);
        struct store_call *add = next_store_call(f);
        assert_true(add->draft.has_key);
        assert_memory_equal(add->draft.key, "0123456789abcdef", 16);
        assert_in_range(add->draft.room.id, 1, ROOM_ID_MAX);
        ids[i] = add->draft.room.id;
        answer_store(add, ERR_OK, &add->draft.room);
        answer_bridge_create(f);
        assert_int_equal(f->call->reply.room_create_reply.room_id, ids[i]);
    }
    assert_int_not_equal(ids[0], ids[1]);
}

static void taken_id_is_drawn_again_a_few_times(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    log_capture_expect("room could not be registered");
    create(f);
    uint64_t last = 0;
    for (int i = 0; i < 4; i++) {
        struct store_call *add = next_store_call(f);
        assert_int_not_equal(add->draft.room.id, last);
        last = add->draft.room.id;
        answer_store(add, ERR_CONFLICT, NULL);
    }
    assert_answered(f, ERR_CONFLICT);
}

static void repeated_key_gives_the_room_made_before(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create(f);
    assert_int_equal(f->call->reply.room_create_reply.room_id, 77);
}

static void rooms_are_limited(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 0);
    log_capture_expect("LYNKS_ROOMS_MAX");
    fake_clock_advance(f->clock, 10000);
    struct store_call *count = next_store_call(f);
    count->count_fn(count->arg, ERR_OK, 10);
    create(f);
    assert_answered(f, ERR_OVERLOADED);
}

static void registry_and_bridge_errors_reach_the_caller(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    log_capture_expect("room could not be");
    create(f);
    answer_store(next_store_call(f), ERR_UNAVAILABLE, NULL);
    assert_answered(f, ERR_UNAVAILABLE);

    f->refuse = ERR_OVERLOADED;
    create(f);
    assert_answered(f, ERR_OVERLOADED);
    f->refuse = ERR_OK;

    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_create), ERR_DEADLINE, NULL);
    assert_answered(f, ERR_DEADLINE);

    f->bus.refuse = ERR_UNAVAILABLE;
    create(f);
    answer_store(next_store_call(f), ERR_OK, &stored);
    assert_answered(f, ERR_UNAVAILABLE);
}

static void answer_participants(struct fixture *f)
{
    static const uint64_t feeds[] = {1111, 2222};
    const struct msg reply = {.id = MSG_bridge_participants_reply,
                              .bridge_participants_reply = {.publishers = {feeds, 2}}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_participants);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &reply);
}

static void assert_listed(const struct fixture *f)
{
    assert_answered(f, ERR_OK);
    const struct u64_list *list = &f->call->reply.room_participants_reply.publishers;
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[0], 1111);
    assert_int_equal(list->items[1], 2222);
}

static void list_looks_the_room_up_once(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    list(f, 77);
    struct store_call *find = next_store_call(f);
    assert_int_equal(find->kind, FIND);
    assert_int_equal(find->room_id, 77);
    answer_store(find, ERR_OK, &stored);
    answer_participants(f);
    assert_listed(f);
    list(f, 77);
    answer_participants(f);
    assert_listed(f);
    assert_int_equal(f->call_count, f->answered);
}

static void unknown_room_is_never_asked_of_janus(void **state)
{
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    list(f, 77);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    assert_int_equal(f->bus.count, 0);
}

static void make_known(struct fixture *f)
{
    set_up_rooms(f, 123456);
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_participants(f);
}

static void room_that_janus_lost_is_restored(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    list(f, 77);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    struct store_call *find = next_store_call(f); /* not from the cache */
    assert_int_equal(find->kind, FIND);
    answer_store(find, ERR_OK, &stored);
    const struct mock_bus_call *made = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(made);
    assert_true(str_eq(made->request.bridge_create.secret, str_of(stored.secret)));
    answer_bridge_create(f);
    answer_participants(f);
    assert_listed(f);
}

static void closed_room_does_not_come_back(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    list(f, 77);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_create));
    list(f, 77); /* and the cache has forgotten it */
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

static void room_lost_twice_is_not_restored_for_ever(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    list(f, 77);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    answer_store(next_store_call(f), ERR_OK, &stored);
    answer_bridge_create(f);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

static void old_entry_is_used_while_it_is_looked_up_again(void **state)
{
    struct fixture *f = *state;
    make_known(f);
    fake_clock_advance(f->clock, 1000);
    list(f, 77);
    struct store_call *find = next_store_call(f);
    answer_participants(f);
    assert_listed(f);
    list(f, 77);
    assert_int_equal(f->call_count, f->answered); /* one look-up at a time */
    answer_participants(f);
    answer_store(find, ERR_UNAVAILABLE, NULL);

    list(f, 77); /* the registry was away: still known, and asked again */
    find = next_store_call(f);
    answer_participants(f);
    assert_listed(f);
    answer_store(find, ERR_NO_SUCH_ROOM, NULL);

    list(f, 77);
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(standard_room_is_registered_then_made, setup, teardown),
        cmocka_unit_test_setup_teardown(second_create_asks_only_the_bridge, setup, teardown),
        cmocka_unit_test_setup_teardown(fresh_rooms_have_drawn_ids_and_the_callers_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(taken_id_is_drawn_again_a_few_times, setup, teardown),
        cmocka_unit_test_setup_teardown(repeated_key_gives_the_room_made_before, setup, teardown),
        cmocka_unit_test_setup_teardown(rooms_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(registry_and_bridge_errors_reach_the_caller, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(list_looks_the_room_up_once, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_room_is_never_asked_of_janus, setup, teardown),
        cmocka_unit_test_setup_teardown(room_that_janus_lost_is_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(closed_room_does_not_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(room_lost_twice_is_not_restored_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(old_entry_is_used_while_it_is_looked_up_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("roomsvc rooms", tests, NULL, NULL);
}
