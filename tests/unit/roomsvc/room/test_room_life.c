/* The end of rooms that nobody uses. */
#include "roomsvc/room/room_life.h"
#include "tests/unit/roomsvc/rooms_fixture.h"

#define IDLE_MS 12000
#define LOOK_MS (IDLE_MS / ROOMS_LOOKS)
#define REST_MS (LOOK_MS / 4)

enum life_kind { NOTHING, TAKE, CLOSE, REMOVE, USE };

/* The registry: what it was asked last, and not answered yet. */
static struct registry {
    enum life_kind asked;
    struct life_turn turn;
    uint64_t ids[LIFE_STORE_USED_MAX];
    size_t count;
    uint64_t age_ms;
    life_store_room_fn *room_fn;
    life_store_fn *fn;
    void *arg;
    enum err refuse;
} registry;

static struct room_life *life;

static enum err remember(struct registry asked)
{
    assert_int_equal(registry.asked, NOTHING); /* one thing at a time */
    if (registry.refuse == ERR_OK) {
        registry = asked;
    }
    return registry.refuse;
}

static enum err life_take(void *self, const struct life_turn *turn, life_store_room_fn *fn,
                          void *arg)
{
    (void)self;
    return remember((struct registry){.asked = TAKE, .turn = *turn, .room_fn = fn, .arg = arg});
}

static enum err life_close(void *self, uint64_t room_id, uint64_t unused_ms,
                           uint64_t closed_again_ms, life_store_fn *fn, void *arg)
{
    (void)self;
    assert_int_equal(closed_again_ms, IDLE_MS);
    return remember((struct registry){
        .asked = CLOSE, .ids = {room_id}, .age_ms = unused_ms, .fn = fn, .arg = arg});
}

static enum err life_remove(void *self, uint64_t room_id, uint64_t closed_ms, life_store_fn *fn,
                            void *arg)
{
    (void)self;
    return remember((struct registry){
        .asked = REMOVE, .ids = {room_id}, .age_ms = closed_ms, .fn = fn, .arg = arg});
}

static enum err life_use(void *self, const uint64_t *room_ids, size_t count, life_store_fn *fn,
                         void *arg)
{
    struct registry asked = {.asked = USE, .count = count, .fn = fn, .arg = arg};
    (void)self;
    memcpy(asked.ids, room_ids, count * sizeof(*room_ids));
    return remember(asked);
}

static const struct life_store_ops life_ops = {life_take, life_close, life_remove, life_use};

static int set_up_life(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    registry = (struct registry){0};
    f->idle_ms = IDLE_MS;
    f->life = (struct life_store){.ops = &life_ops};
    set_up_rooms(f, 123456);
    return 0;
}

static int tear_down_life(void **state)
{
    room_life_free(&life);
    return teardown(state);
}

static void begin(struct fixture *f)
{
    life = room_life_new(f->rooms, f->life, f->metrics);
    assert_int_equal(registry.asked, NOTHING);
    fake_clock_advance(f->clock, REST_MS);
    assert_int_equal(registry.asked, TAKE);
    assert_int_equal(registry.turn.standard_room, 123456);
    assert_in_range(registry.turn.open_again_ms, LOOK_MS - LOOK_MS / 4, LOOK_MS);
    assert_int_equal(registry.turn.closed_again_ms, IDLE_MS);
}

static void answer_take(enum err err, const struct life_room *room)
{
    const struct registry asked = registry;
    assert_int_equal(asked.asked, TAKE);
    registry.asked = NOTHING;
    asked.room_fn(asked.arg, err, room);
}

static void answer_life(enum life_kind kind, enum err err)
{
    const struct registry asked = registry;
    assert_int_equal(asked.asked, kind);
    registry.asked = NOTHING;
    asked.fn(asked.arg, err);
}

static void give(const struct room *room, bool is_closed)
{
    const struct life_room next = {
        .room = *room, .look_unix_ms = 1, .is_closed = is_closed, .is_known = true};
    answer_take(ERR_OK, &next);
}

static void answer_bridge(struct fixture *f, enum msg_id request, enum err err, bool occupied)
{
    struct msg reply = {.id = request + 1};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, request);
    assert_non_null(call);
    if (request == MSG_bridge_occupied) {
        assert_true(str_eq(call->request.bridge_occupied.node, STR_LIT("other")));
        reply.bridge_occupied_reply.occupied = occupied;
    } else {
        assert_true(str_eq(call->request.bridge_destroy.node, STR_LIT("other")));
        assert_true(str_eq(call->request.bridge_destroy.secret, str_of(elsewhere.secret)));
    }
    mock_bus_answer(call, err, err == ERR_OK ? &reply : NULL);
}

static void assert_counted(const struct fixture *f, const char *line)
{
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(f->metrics, &bytes);
    assert_non_null(strstr(text, line));
}

static void assert_next_after(struct fixture *f, uint64_t ms)
{
    assert_int_equal(registry.asked, NOTHING);
    fake_clock_advance(f->clock, ms - 1);
    assert_int_equal(registry.asked, NOTHING);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(registry.asked, TAKE);
}

static void a_room_that_nobody_uses_ends(void **state)
{
    struct fixture *f = *state;
    list(f, elsewhere.id);
    answer_store(next_store_call(f), ERR_OK, &elsewhere);
    answer_participants(f);
    fake_clock_advance(f->clock, 50);
    answer_life(USE, ERR_OK);
    begin(f);
    give(&elsewhere, false);
    answer_bridge(f, MSG_bridge_occupied, ERR_OK, false);
    assert_int_equal(registry.age_ms, IDLE_MS);
    assert_int_equal(registry.ids[0], elsewhere.id);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_destroy)); /* the registry first */
    answer_life(CLOSE, ERR_OK);
    answer_bridge(f, MSG_bridge_destroy, ERR_OK, false);
    assert_int_equal(registry.age_ms, IDLE_MS);
    answer_life(REMOVE, ERR_NO_SUCH_ROOM); /* not yet */
    assert_next_after(f, LIFE_PAUSE_MS);
    assert_counted(f, "lynks_rooms_ended_total 1\n");
    assert_counted(f, "lynks_rooms_removed_total 0\n");
    assert_counted(f, "lynks_rooms_life_failures_total 0\n");
    list(f, elsewhere.id); /* and is not known any more */
    answer_store(next_store_call(f), ERR_NO_SUCH_ROOM, NULL);
    assert_answered(f, ERR_NO_SUCH_ROOM);
}

static void a_room_that_somebody_is_in_is_used(void **state)
{
    struct fixture *f = *state;
    begin(f);
    give(&elsewhere, false);
    answer_bridge(f, MSG_bridge_occupied, ERR_OK, true);
    assert_int_equal(registry.count, 1);
    assert_int_equal(registry.ids[0], elsewhere.id);
    answer_life(USE, ERR_OK);
    assert_next_after(f, LIFE_PAUSE_MS);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_destroy));
}

static void a_room_that_was_asked_for_meanwhile_stays(void **state)
{
    struct fixture *f = *state;
    begin(f);
    give(&elsewhere, false);
    answer_bridge(f, MSG_bridge_occupied, ERR_OK, false);
    answer_life(CLOSE, ERR_NO_SUCH_ROOM);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_destroy));
    assert_next_after(f, LIFE_PAUSE_MS);
    assert_counted(f, "lynks_rooms_ended_total 0\n");
}

static void a_room_whose_node_is_away_is_given_up_late(void **state)
{
    struct fixture *f = *state;
    begin(f);
    give(&elsewhere, false);
    answer_bridge(f, MSG_bridge_occupied, ERR_UNAVAILABLE, false);
    assert_int_equal(registry.age_ms, LIFE_AWAY * IDLE_MS);
    answer_life(CLOSE, ERR_NO_SUCH_ROOM);
    assert_next_after(f, LIFE_PAUSE_MS);
    assert_counted(f, "lynks_rooms_life_failures_total 1\n");
}

static void a_closed_room_is_ended_in_janus_until_it_is_gone(void **state)
{
    struct fixture *f = *state;
    begin(f);
    give(&elsewhere, true);
    answer_bridge(f, MSG_bridge_destroy, ERR_UNAVAILABLE, false);
    assert_int_equal(registry.age_ms, LIFE_AWAY * IDLE_MS); /* Janus may have it */
    answer_life(REMOVE, ERR_NO_SUCH_ROOM);
    assert_next_after(f, LIFE_PAUSE_MS);
    give(&elsewhere, true);
    answer_bridge(f, MSG_bridge_destroy, ERR_OK, false);
    assert_int_equal(registry.age_ms, IDLE_MS);
    answer_life(REMOVE, ERR_OK);
    assert_next_after(f, LIFE_PAUSE_MS);
    assert_counted(f, "lynks_rooms_removed_total 1\n");
}

/* Made by an earlier version: what it was used for is not known. */
static void a_room_that_is_new_to_it_is_not_looked_at(void **state)
{
    struct fixture *f = *state;
    const struct life_room next = {.room = elsewhere, .is_known = false};
    begin(f);
    answer_take(ERR_OK, &next);
    assert_next_after(f, LIFE_PAUSE_MS);
    assert_int_equal(f->bus.count, 0);
}

static void it_rests_when_there_is_nothing_to_do(void **state)
{
    static const struct {
        enum err err;
        uint64_t ms;
    } rows[] = {
        {ERR_NO_SUCH_ROOM, REST_MS},
        {ERR_UNAVAILABLE, REST_MS},
        {ERR_CONFLICT, LIFE_PAUSE_MS},
    };
    struct fixture *f = *state;
    begin(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer_take(rows[i].err, NULL);
        assert_next_after(f, rows[i].ms);
    }
    registry.refuse = ERR_UNAVAILABLE;
    give(&elsewhere, false);
    answer_bridge(f, MSG_bridge_occupied, ERR_OK, false); /* the registry takes nothing */
    registry.refuse = ERR_OK;
    assert_next_after(f, REST_MS);
}

/* ---- lists ---- */

static void list_known(struct fixture *f)
{
    list(f, elsewhere.id);
    answer_participants(f);
}

static void who_is_asked_for_is_noted_now_and_then(void **state)
{
    struct fixture *f = *state;
    list(f, elsewhere.id);
    answer_store(next_store_call(f), ERR_OK, &elsewhere);
    answer_participants(f);
    fake_clock_advance(f->clock, 50);
    assert_int_equal(registry.count, 1);
    assert_int_equal(registry.ids[0], elsewhere.id);
    answer_life(USE, ERR_OK);
    list_known(f);
    fake_clock_advance(f->clock, LOOK_MS - 51);
    assert_int_equal(registry.asked, NOTHING);
    fake_clock_advance(f->clock, 1);
    list_known(f);
    fake_clock_advance(f->clock, 50);
    answer_life(USE, ERR_OK);
}

/* Nobody may have been asking. */
static void a_list_that_is_asked_for_ahead_is_no_use(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        list_ahead(f, elsewhere.id);
        if (i == 0) {
            answer_store(next_store_call(f), ERR_OK, &elsewhere);
        }
        answer_participants(f);
        fake_clock_advance(f->clock, 50);
        assert_int_equal(registry.asked, NOTHING);
    }
    list_known(f);
    fake_clock_advance(f->clock, 50);
    answer_life(USE, ERR_OK);
}

static void what_could_not_be_noted_is_tried_again(void **state)
{
    struct fixture *f = *state;
    list(f, elsewhere.id);
    answer_store(next_store_call(f), ERR_OK, &elsewhere);
    answer_participants(f);
    registry.refuse = ERR_OVERLOADED;
    fake_clock_advance(f->clock, 50);
    registry.refuse = ERR_OK;
    for (int i = 0; i < 2; i++) {
        fake_clock_advance(f->clock, 999);
        assert_int_equal(registry.asked, NOTHING);
        fake_clock_advance(f->clock, 1);
        assert_int_equal(registry.ids[0], elsewhere.id);
        answer_life(USE, i == 0 ? ERR_UNAVAILABLE : ERR_OK);
    }
    fake_clock_advance(f->clock, 2000);
    assert_int_equal(registry.asked, NOTHING);
}

/* They end for another reason: their owner was removed. */
static void where_rooms_do_not_end_closed_ones_still_go(void **state)
{
    struct fixture *f = *state;
    life = room_life_new(f->rooms, f->life, f->metrics);
    fake_clock_advance(f->clock, LIFE_REST_MAX_MS);
    assert_true(registry.turn.is_of_closed);
    assert_int_equal(registry.turn.closed_again_ms, LIFE_KEEP_MS);
    give(&stored, true);
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_destroy);
    assert_non_null(call);
    mock_bus_answer(call, ERR_UNAVAILABLE, NULL);
    assert_int_equal(registry.age_ms, LIFE_AWAY * LIFE_IDLE_MS);
    answer_life(REMOVE, ERR_NO_SUCH_ROOM);
}

static int set_up_without_ends(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    registry = (struct registry){0};
    f->idle_ms = 0;
    f->life = (struct life_store){.ops = &life_ops};
    set_up_rooms(f, 123456);
    return 0;
}

#define LIFE_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_life, tear_down_life)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE_TEST(a_room_that_nobody_uses_ends),
        LIFE_TEST(a_room_that_somebody_is_in_is_used),
        LIFE_TEST(a_room_that_was_asked_for_meanwhile_stays),
        LIFE_TEST(a_room_whose_node_is_away_is_given_up_late),
        LIFE_TEST(a_closed_room_is_ended_in_janus_until_it_is_gone),
        LIFE_TEST(a_room_that_is_new_to_it_is_not_looked_at),
        LIFE_TEST(it_rests_when_there_is_nothing_to_do),
        LIFE_TEST(who_is_asked_for_is_noted_now_and_then),
        LIFE_TEST(a_list_that_is_asked_for_ahead_is_no_use),
        LIFE_TEST(what_could_not_be_noted_is_tried_again),
        cmocka_unit_test_setup_teardown(where_rooms_do_not_end_closed_ones_still_go,
                                        set_up_without_ends, tear_down_life),
    };
    return cmocka_run_group_tests_name("room life", tests, NULL, NULL);
}
