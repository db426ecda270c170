#include "tests/unit/roomsvc/rooms_fixture.h"

static struct store_call *remember_call(struct fixture *f)
{
    assert_true(f->call_count < STORE_CALLS_MAX);
    return &f->calls[f->call_count++];
}

static enum err store_add(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                          room_store_add_fn *fn, void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    if (f->refuse == ERR_OK) {
        *remember_call(f) =
            (struct store_call){.kind = ADD, .draft = *draft, .add_fn = fn, .arg = arg};
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

/* One at a time is looked up here. */
static enum err store_find_some(void *self, const uint64_t *room_ids, size_t count,
                                uint64_t deadline_ms, room_store_some_fn *fn, void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    assert_int_equal(count, 1);
    if (f->refuse == ERR_OK) {
        *remember_call(f) = (struct store_call){
            .kind = FIND_SOME, .room_id = room_ids[0], .some_fn = fn, .arg = arg};
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

static enum err store_may_list(void *self, uint64_t room_id, uint64_t user_id, uint64_t deadline_ms,
                               room_store_may_fn *fn, void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    if (f->refuse == ERR_OK) {
        *remember_call(f) = (struct store_call){
            .kind = MAY, .room_id = room_id, .user_id = user_id, .may_fn = fn, .arg = arg};
    }
    return f->refuse;
}

static bool store_is_up(const void *self)
{
    const struct fixture *f = self;
    return f->refuse != ERR_UNAVAILABLE;
}

static const struct room_store_ops store_ops = {store_add,   store_find,     store_find_some,
                                                store_count, store_may_list, store_is_up};

struct store_call *next_store_call(struct fixture *f)
{
    assert_true(f->answered < f->call_count);
    return &f->calls[f->answered++];
}

void set_up_rooms(struct fixture *f, uint64_t standard_room)
{
    const struct rooms_parts parts = {.clock = fake_clock_clock(f->clock),
                                      .bus = &f->bus.bus,
                                      .store = {.ops = &store_ops, .self = f},
                                      .life = f->life,
                                      .metrics = f->metrics,
                                      .fence = f->fence,
                                      .follow = f->follow};
    const struct rooms_config config = {.standard_room = standard_room,
                                        .node = "default",
                                        .publishers_max = 20,
                                        .rooms_max = 10,
                                        .idle_ms = f->idle_ms,
                                        .cache_max = 4,
                                        .cache_ms = 1000};
    f->rooms = rooms_new(&parts, &config);
    struct store_call *count = next_store_call(f);
    assert_int_equal(count->kind, COUNT);
    count->count_fn(count->arg, ERR_OK, 0);
}

int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    mock_bus_init(&f->bus);
    f->metrics = metrics_new();
    f->health = health_new();
    const struct node_fence_parts fence = {
        .clock = fake_clock_clock(f->clock), .metrics = f->metrics, .health = f->health};
    f->fence = node_fence_new(&fence);
    const struct follow_parts follow = {.clock = fake_clock_clock(f->clock),
                                        .bus = &f->bus.bus,
                                        .metrics = f->metrics,
                                        .fence = f->fence};
    f->follow = follow_new(&follow, 4);
    *state = f;
    return 0;
}

int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->made_count; i++) {
        mock_call_fini(&f->made[i]);
    }
    rooms_free(&f->rooms);
    follow_free(&f->follow);
    node_fence_free(&f->fence);
    health_free(&f->health);
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
    if (f->principal != NULL) {
        f->call->call.context.principal = *f->principal;
    }
    if (request->id == MSG_room_create) {
        room_create(f->rooms, &f->call->call);
    } else {
        room_list(f->rooms, &f->call->call);
    }
}

static void create_as(struct fixture *f, bool only_known)
{
    const struct msg request = {
        .id = MSG_room_create,
        .room_create = {.idempotency_key = STR_LIT("0123456789abcdef"), .only_known = only_known}};
    handle(f, &request);
}

void create(struct fixture *f)
{
    create_as(f, false);
}

void create_only_known(struct fixture *f)
{
    create_as(f, true);
}

void list(struct fixture *f, uint64_t room_id)
{
    const struct msg request = {.id = MSG_room_participants,
                                .room_participants = {.room_id = room_id}};
    handle(f, &request);
}

void list_ahead(struct fixture *f, uint64_t room_id)
{
    const struct msg request = {.id = MSG_room_participants,
                                .room_participants = {.room_id = room_id, .ahead = true}};
    handle(f, &request);
}

void answer_store(struct store_call *call, enum err err, const struct room *room)
{
    if (call->kind == ADD) {
        answer_add(call, err, room, true);
    } else {
        call->fn(call->arg, err, room);
    }
}

void answer_add(struct store_call *call, enum err err, const struct room *room, bool is_new)
{
    assert_int_equal(call->kind, ADD);
    call->add_fn(call->arg, err, room, is_new);
}

const struct room stored = {.id = 77,
                            .secret = "00112233445566778899aabbccddeeff",
                            .publishers_max = 20,
                            .node = "default",
                            .in_janus = 1};
const struct room elsewhere = {
    .id = 78, .secret = "00112233445566778899aabbccddeeff", .publishers_max = 20, .node = "other"};

const struct room of_people = {.id = 79,
                               .secret = "00112233445566778899aabbccddeeff",
                               .janus_pin = "ffeeddccbbaa99887766554433221100",
                               .publishers_max = 20,
                               .node = "default",
                               .has_code = 1,
                               .in_janus = 1};

void answer_bridge_create_of(struct fixture *f, uint64_t epoch)
{
    const struct msg made = {.id = MSG_bridge_create_reply,
                             .bridge_create_reply = {.epoch = epoch}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_create);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &made);
}

void answer_bridge_create(struct fixture *f)
{
    answer_bridge_create_of(f, 0);
}

void assert_answered(const struct fixture *f, enum err err)
{
    assert_int_equal(f->call->answers, 1);
    assert_int_equal(f->call->err, err);
}

void answer_participants_of(struct fixture *f, uint64_t epoch)
{
    static const uint64_t feeds[] = {1111, 2222};
    const struct msg reply = {
        .id = MSG_bridge_participants_reply,
        .bridge_participants_reply = {.publishers = {feeds, 2}, .epoch = epoch}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_participants);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &reply);
}

void answer_participants(struct fixture *f)
{
    answer_participants_of(f, 0);
}

void assert_listed(const struct fixture *f)
{
    assert_answered(f, ERR_OK);
    const struct u64_list *list = &f->call->reply.room_participants_reply.publishers;
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[0], 1111);
    assert_int_equal(list->items[1], 2222);
}
