/* Two replicas of roomsvc and two gateways over the real bus: whatever becomes of what is
 * published, and of the replicas, every reader has every event once and in order. The journal that
 * both replicas read is played; all else is as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/follow/room_follow.h"
#include "proto/base/strbuf.h"
#include "proto/bus/bus_subscriptions.h"
#include "roomsvc/journal/room_news.h"
#include "roomsvc/participant/journal_reads.h"
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#define REPLICAS 2
#define GATEWAYS 2
#define ROOMS 3
#define READERS 2 /* of each room, at each gateway */
#define EVENTS_MAX 1000
#define ROUNDS 300
#define SECOND_ROUNDS 60
#define ME 7
#define PATIENCE_MS 60000 /* for what takes a few seconds */
#define TAIL_BYTES 20000  /* less than all events take */

static const char *const gateway_role[] = {"gateway", NULL};

struct scene;

/* ---- the journal ---- */

struct played_journal {
    struct journal_event *events; /* event seq is at seq - 1 */
    uint64_t head;
};

struct replica {
    struct scene *scene;
    struct bus_worker *worker; /* NULL: it is dead */
    struct bus_publisher *publisher;
    struct room_news *news;
    struct journal_reads *reads;
    char bind[64], events_bind[64]; /* from the first start on */
};

struct gateway {
    struct scene *scene;
    struct bus_client *client;
    struct bus bus;
    struct bus_subscriptions *subscriptions;
    struct news_watch *news;
    struct room_follow *follow;
    bool hears[REPLICAS]; /* something of the one that runs now */
};

struct reader {
    struct room_cursor cursor;
    struct gateway *gateway;
    struct strbuf got;
};

struct scene {
    struct bus_pair pair;
    struct room_encoder encoder;
    uint64_t generation;
    struct played_journal rooms[ROOMS];
    struct replica replicas[REPLICAS];
    struct gateway gateways[GATEWAYS];
    struct reader readers[GATEWAYS][ROOMS][READERS];
    uint32_t lot; /* what happens is drawn, always alike */
};

static uint32_t draw(struct scene *scene, uint32_t below)
{
    scene->lot = scene->lot * 1664525 + 1013904223;
    return (scene->lot >> 8) % below;
}

static struct msg_room_news news_of(const struct scene *scene, uint64_t room, uint64_t seq)
{
    return (struct msg_room_news){.what = ROOM_NEWS_EVENT,
                                  .generation = scene->generation,
                                  .room_id = room,
                                  .has_room_id = true,
                                  .event = {.seq = seq,
                                            .type = seq == 1  ? EVENT_PARTICIPANT_JOINED
                                                    : seq & 1 ? EVENT_HAND_LOWERED
                                                              : EVENT_HAND_RAISED,
                                            .audience = AUDIENCE_ALL,
                                            .time_unix_ms = 1,
                                            .participant = {.id = ME,
                                                            .name = STR_LIT("Ann"),
                                                            .role = ROOM_PARTICIPANT,
                                                            .state = PARTICIPANT_JOINED,
                                                            .hand_unix_ms = seq & 1 ? 0 : 1,
                                                            .joined_unix_ms = 1},
                                            .has_participant = true},
                                  .has_event = true};
}

/* As roomsvc/store/journal.c keeps it. */
static uint64_t append(struct scene *scene, uint64_t room)
{
    struct played_journal *journal = &scene->rooms[room - 1];
    assert_true(journal->head < EVENTS_MAX);
    const uint64_t seq = ++journal->head;
    const struct envelope envelope = {.status = ERR_OK};
    const struct msg msg = {.id = MSG_room_news, .room_news = news_of(scene, room, seq)};
    struct frame *frame = frame_new();
    assert_int_equal(codec_encode(frame, &envelope, &msg), ERR_OK);
    const struct str bytes = frame_bytes(frame);
    struct journal_event *event = &journal->events[seq - 1];
    event->seq = seq;
    event->data.bytes = bytes.bytes;
    memcpy(event->data.data, bytes.data, bytes.bytes);
    frame_free(&frame);
    return seq;
}

/* ---- what roomsvc answers ---- */

static struct managed_room played_room(uint64_t id)
{
    return (struct managed_room){.id = id,
                                 .name = "Room",
                                 .access = ROOM_OPEN,
                                 .participants_max = 10,
                                 .publishers_max = 10,
                                 .unmute = ROOM_UNMUTE_SELF,
                                 .empty_timeout_s = 300,
                                 .created_unix_ms = 1,
                                 .version = 1};
}

static void answer_played_state(const struct scene *scene, uint64_t room, uint64_t after_id,
                                struct journal_answer *answer)
{
    answer->seq = scene->rooms[room - 1].head;
    answer->room = played_room(room);
    if (after_id < ME) {
        answer->participant_count = 1;
        answer->participants[0] = (struct participant){.id = ME,
                                                       .room_id = room,
                                                       .name = "Ann",
                                                       .role = ROOM_PARTICIPANT,
                                                       .state = PARTICIPANT_JOINED,
                                                       .hand_unix_ms = answer->seq & 1 ? 0 : 1,
                                                       .joined_unix_ms = 1};
    }
}

static enum err ask_played_store(void *self, const struct msg *request, uint64_t deadline_ms,
                                 journal_store_fn *fn, void *arg)
{
    const struct scene *scene = self;
    struct journal_answer *answer = mem_alloc(sizeof(*answer));
    (void)deadline_ms;
    answer->generation = scene->generation;
    if (request->id == MSG_room_state) {
        answer_played_state(scene, request->room_state.room_id, request->room_state.after_id,
                            answer);
    } else if (request->id == MSG_journal_read) {
        const struct msg_journal_read *asked = &request->journal_read;
        const struct played_journal *journal = &scene->rooms[asked->room_id - 1];
        answer->seq = journal->head;
        if (asked->after_seq < journal->head) {
            const uint64_t left = journal->head - asked->after_seq;
            answer->events = &journal->events[asked->after_seq];
            answer->event_count = left < asked->limit ? left : asked->limit;
        }
    } else {
        assert_int_equal(request->id, MSG_journal_heads);
        const struct u64_list *ids = &request->journal_heads.room_ids;
        for (size_t i = 0; i < ids->count; i++) {
            answer->heads[answer->head_count++] = (struct journal_head){
                .room_id = ids->items[i], .seq = scene->rooms[ids->items[i] - 1].head};
        }
    }
    fn(arg, ERR_OK, answer);
    mem_free(&answer);
    return ERR_OK;
}

static void on_read(void *service, struct call *call)
{
    const struct replica *replica = service;
    journal_reads_answer(replica->reads, call);
}

static const struct call_handler handlers[] = {
    {MSG_room_state, on_read},
    {MSG_journal_read, on_read},
    {MSG_journal_heads, on_read},
    {.request = MSG_NONE},
};

static void start_replica(struct scene *scene, struct replica *replica)
{
    static const struct journal_store_ops ops = {ask_played_store};
    const struct clock *clock = loop_clock(scene->pair.loop);
    const struct bus_parts parts = {.loop = scene->pair.loop,
                                    .metrics = scene->pair.metrics,
                                    .keys = scene->pair.service_keys,
                                    .zap = scene->pair.zap};
    const bool is_first = replica->bind[0] == '\0';
    const char *any = "tcp://127.0.0.1:*";
    replica->scene = scene;
    replica->reads = journal_reads_new(clock, scene->pair.metrics,
                                       (struct journal_store){.ops = &ops, .self = scene});
    replica->worker =
        bus_worker_new(&parts,
                       &(struct bus_worker_config){.bind = is_first ? any : replica->bind,
                                                   .in_hand_max = 1000,
                                                   .allowed_roles = gateway_role},
                       handlers, replica);
    replica->publisher = bus_publisher_new(
        &parts, &(struct bus_publisher_config){.bind = is_first ? any : replica->events_bind,
                                               .allowed_roles = gateway_role,
                                               .queue_max = 10000});
    assert_non_null(replica->worker);
    assert_non_null(replica->publisher);
    replica->news = room_news_new(clock, scene->pair.metrics, replica->publisher);
    (void)str_copy(replica->bind, sizeof(replica->bind),
                   str_of(bus_worker_endpoint(replica->worker)));
    (void)str_copy(replica->events_bind, sizeof(replica->events_bind),
                   str_of(bus_publisher_endpoint(replica->publisher)));
}

static void stop_replica(struct replica *replica)
{
    room_news_free(&replica->news);
    bus_publisher_free(&replica->publisher);
    bus_worker_free(&replica->worker);
    journal_reads_free(&replica->reads);
}

/* ---- the gateways ---- */

static struct http_chunk *chunk_of(char *text)
{
    struct http_chunk *chunk = http_chunk_new(str_of(text));
    free(text);
    return chunk;
}

static struct http_chunk *encode_event(void *arg, uint64_t generation, uint64_t room_id,
                                       const struct msg_room_event *event)
{
    (void)arg;
    (void)generation;
    (void)room_id;
    return chunk_of(mem_printf("%" PRIu64 ";", event->seq));
}

static struct http_chunk *encode_snapshot(void *arg, uint64_t generation, uint64_t seq,
                                          const struct room_fold *fold, bool is_for_staff)
{
    (void)arg;
    (void)generation;
    (void)is_for_staff;
    assert_int_equal(room_fold_count(fold), 1);
    assert_int_equal(room_fold_at(fold, 0)->hand_unix_ms, seq & 1 ? 0 : 1);
    return chunk_of(mem_printf("=%" PRIu64 ";", seq));
}

static struct http_chunk *encode_me(void *arg, uint64_t can)
{
    (void)arg;
    (void)can;
    return http_chunk_new(STR_LIT("me;"));
}

static struct http_chunk *encode_reset(void *arg)
{
    (void)arg;
    return http_chunk_new(STR_LIT("reset;"));
}

static void on_news(void *arg, const char *endpoint, const struct msg *msg, uint64_t number,
                    bool is_next)
{
    struct gateway *gateway = arg;
    const struct replica *replicas = gateway->scene->replicas;
    (void)number;
    for (size_t i = 0; i < REPLICAS; i++) {
        gateway->hears[i] = gateway->hears[i] || strcmp(endpoint, replicas[i].events_bind) == 0;
    }
    room_follow_hear(gateway->follow, msg);
    news_watch_hear(gateway->news, endpoint, is_next);
}

static void on_gone(void *arg, const char *endpoint)
{
    struct gateway *gateway = arg;
    news_watch_leave(gateway->news, endpoint);
}

static void start_gateway(struct scene *scene, struct gateway *gateway)
{
    const struct bus_parts parts = {.loop = scene->pair.loop,
                                    .metrics = scene->pair.metrics,
                                    .health = scene->pair.health,
                                    .keys = scene->pair.caller_keys};
    const struct replica *replicas = scene->replicas;
    AUTO(mem_free)
    char *address = mem_printf("%s,%s", replicas[0].bind + 6, replicas[1].bind + 6);
    AUTO(mem_free)
    char *events = mem_printf("%s,%s", replicas[0].events_bind + 6, replicas[1].events_bind + 6);
    gateway->scene = scene;
    gateway->client = bus_client_new(
        &parts, &(struct bus_client_config){.in_flight_max = 1000, .in_flight_endpoint_max = 1000});
    gateway->bus = bus_client_bus(gateway->client);
    assert_int_equal(bus_client_add_service(gateway->client, SERVICE_ROOMSVC, address), ERR_OK);
    gateway->news = news_watch_new(loop_clock(scene->pair.loop));
    gateway->follow = room_follow_new(
        &(struct room_follow_parts){.clock = loop_clock(scene->pair.loop),
                                    .bus = &gateway->bus,
                                    .metrics = scene->pair.metrics,
                                    .encoder = &scene->encoder,
                                    .watch = gateway->news},
        &(struct room_follow_config){.rooms_max = ROOMS, .tail_bytes_max = TAIL_BYTES});
    const struct bus_subscriptions_config config = {.address = events,
                                                    .role = "roomsvc",
                                                    .on_event = on_news,
                                                    .on_gone = on_gone,
                                                    .arg = gateway};
    gateway->subscriptions = bus_subscriptions_new(&parts, &config);
    assert_non_null(gateway->subscriptions);
}

static void stop_gateway(struct gateway *gateway)
{
    bus_subscriptions_free(&gateway->subscriptions);
    bus_client_free(&gateway->client);
    room_follow_free(&gateway->follow);
    news_watch_free(&gateway->news);
}

/* ---- those who read ---- */

static void on_wake(void *arg)
{
    struct reader *reader = arg;
    struct http_chunk *chunk;
    while (room_cursor_peek(&reader->cursor, &chunk) == CURSOR_HAS_CHUNK) {
        strbuf_add(&reader->got, http_chunk_data(chunk));
        room_cursor_advance(&reader->cursor);
    }
}

static void open_reader_after(struct scene *scene, struct reader *reader, uint64_t room,
                              struct cursor_after after)
{
    const struct cursor_open open = {.room_id = room,
                                     .participant_id = ME,
                                     .since_seq = 1,
                                     .role = ROOM_PARTICIPANT,
                                     .generation = scene->generation,
                                     .seq = scene->rooms[room - 1].head,
                                     .after = after};
    reader->cursor.reader.wake = on_wake;
    reader->cursor.reader.arg = reader;
    assert_true(room_follow_open(reader->gateway->follow, &open, &reader->cursor));
}

static void each_reader(struct scene *scene, void (*fn)(struct scene *, struct reader *, uint64_t))
{
    for (size_t g = 0; g < GATEWAYS; g++) {
        for (uint64_t room = 1; room <= ROOMS; room++) {
            for (size_t i = 0; i < READERS; i++) {
                struct reader *reader = &scene->readers[g][room - 1][i];
                reader->gateway = &scene->gateways[g];
                fn(scene, reader, room);
            }
        }
    }
}

static void open_first(struct scene *scene, struct reader *reader, uint64_t room)
{
    open_reader_after(scene, reader, room, (struct cursor_after){.kind = AFTER_NOTHING});
}

/* It was cut off, and goes on where it was. */
static void open_again(struct scene *scene, struct reader *reader, uint64_t room)
{
    const uint64_t seq = reader->cursor.seq;
    room_follow_close(reader->gateway->follow, &reader->cursor);
    reader->cursor = (struct room_cursor){.seq = 0};
    open_reader_after(
        scene, reader, room,
        (struct cursor_after){.kind = AFTER_EVENT, .generation = scene->generation, .seq = seq});
    on_wake(reader);
}

static void close_for_good(struct scene *scene, struct reader *reader, uint64_t room)
{
    (void)scene;
    (void)room;
    room_follow_close(reader->gateway->follow, &reader->cursor);
    strbuf_fini(&reader->got);
}

static bool all_have_all(void *arg)
{
    struct scene *scene = arg;
    for (size_t g = 0; g < GATEWAYS; g++) {
        for (size_t room = 0; room < ROOMS; room++) {
            for (size_t i = 0; i < READERS; i++) {
                struct reader *reader = &scene->readers[g][room][i];
                on_wake(reader);
                if (reader->got.bytes == 0 || reader->cursor.seq != scene->rooms[room].head) {
                    return false;
                }
            }
        }
    }
    return true;
}

static void until_all_have_all(struct scene *scene)
{
    assert_true(loop_run_until(scene->pair.loop, all_have_all, scene, PATIENCE_MS));
}

/* A snapshot at first, and then each event once and in order. */
static void assert_whole(struct scene *scene, struct reader *reader, uint64_t room)
{
    struct strbuf expected = {0};
    strbuf_add_z(&expected, "=1;me;");
    for (uint64_t seq = 2; seq <= scene->rooms[room - 1].head; seq++) {
        strbuf_add_u64(&expected, seq);
        strbuf_add_z(&expected, ";");
    }
    const struct str want = strbuf_str(&expected), got = strbuf_str(&reader->got);
    if (!str_eq(want, got)) {
        (void)fprintf(stderr, "%.*s\n", (int)got.bytes, got.data);
    }
    assert_true(str_eq(want, got));
    strbuf_fini(&expected);
}

/* ---- life ---- */

static bool all_hear_all(void *arg)
{
    const struct scene *scene = arg;
    for (size_t g = 0; g < GATEWAYS; g++) {
        for (size_t i = 0; i < REPLICAS; i++) {
            if (!scene->gateways[g].hears[i]) {
                return false;
            }
        }
    }
    return true;
}

/* Each replica gives a sign of life now and then: from then on what it tells comes to all. */
static void until_all_hear_all(struct scene *scene)
{
    assert_true(loop_run_until(scene->pair.loop, all_hear_all, scene, PATIENCE_MS));
}

static int set_up(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    *state = scene;
    log_capture_setup(NULL);
    bus_pair_init_by_load(&scene->pair);
    scene->generation = 9;
    scene->encoder = (struct room_encoder){.event = encode_event,
                                           .snapshot = encode_snapshot,
                                           .me = encode_me,
                                           .me_event = encode_me,
                                           .reset = encode_reset};
    for (uint64_t room = 1; room <= ROOMS; room++) {
        scene->rooms[room - 1].events = mem_alloc(EVENTS_MAX * sizeof(struct journal_event));
        append(scene, room);
    }
    for (size_t i = 0; i < REPLICAS; i++) {
        start_replica(scene, &scene->replicas[i]);
    }
    for (size_t i = 0; i < GATEWAYS; i++) {
        start_gateway(scene, &scene->gateways[i]);
    }
    until_all_hear_all(scene);
    each_reader(scene, open_first);
    until_all_have_all(scene);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    each_reader(scene, close_for_good);
    for (size_t i = 0; i < GATEWAYS; i++) {
        stop_gateway(&scene->gateways[i]);
    }
    for (size_t i = 0; i < REPLICAS; i++) {
        stop_replica(&scene->replicas[i]);
    }
    for (size_t i = 0; i < ROOMS; i++) {
        free(scene->rooms[i].events);
    }
    bus_pair_fini(&scene->pair);
    mem_free(&scene);
    return log_capture_teardown(NULL);
}

/* ---- the tests ---- */

static void tell(struct scene *scene, size_t replica, uint64_t room, uint64_t seq)
{
    const struct msg_room_news item = news_of(scene, room, seq);
    if (scene->replicas[replica].news != NULL) {
        room_news_tell(scene->replicas[replica].news, &item);
    }
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* Two events of a room by either replica: told, lost, told twice, or the second one first. */
static void play_round(struct scene *scene)
{
    const uint64_t room = 1 + draw(scene, ROOMS);
    const size_t first_by = draw(scene, REPLICAS), second_by = draw(scene, REPLICAS);
    const uint64_t first = append(scene, room), second = append(scene, room);
    switch (draw(scene, 5)) {
    case 0: /* the first is lost */
        tell(scene, second_by, room, second);
        break;
    case 1: /* both are */
        break;
    case 2:
        tell(scene, second_by, room, second);
        tell(scene, first_by, room, first);
        break;
    case 3:
        tell(scene, first_by, room, first);
        tell(scene, second_by, room, first);
        tell(scene, second_by, room, second);
        tell(scene, first_by, room, second);
        break;
    default:
        tell(scene, first_by, room, first);
        tell(scene, second_by, room, second);
        break;
    }
    (void)loop_run_until(scene->pair.loop, never, NULL, /* timeout_ms= */ 1);
}

/* What comes after what was lost shows it. */
static void tell_one_more_of_each(struct scene *scene)
{
    for (uint64_t room = 1; room <= ROOMS; room++) {
        const uint64_t seq = append(scene, room);
        tell(scene, 0, room, seq);
        tell(scene, 1, room, seq);
    }
}

static void test_lost_doubled_and_swapped(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < ROUNDS; i++) {
        play_round(scene);
    }
    tell_one_more_of_each(scene);
    until_all_have_all(scene);
    each_reader(scene, assert_whole);
}

static void test_readers_come_and_go(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < ROUNDS; i++) {
        play_round(scene);
        if (i % 50 == 49) {
            each_reader(scene, open_again);
        }
    }
    tell_one_more_of_each(scene);
    until_all_have_all(scene);
    each_reader(scene, assert_whole);
}

static void test_replicas_die_and_come_back(void **state)
{
    struct scene *scene = *state;
    for (size_t turn = 0; turn < 4; turn++) {
        struct replica *victim = &scene->replicas[turn % REPLICAS];
        stop_replica(victim);
        for (int i = 0; i < SECOND_ROUNDS; i++) {
            play_round(scene); /* what the dead one would have told is not told */
        }
        for (size_t g = 0; g < GATEWAYS; g++) {
            scene->gateways[g].hears[turn % REPLICAS] = false;
        }
        start_replica(scene, victim);
        until_all_hear_all(scene);
    }
    tell_one_more_of_each(scene);
    until_all_have_all(scene);
    each_reader(scene, assert_whole);
}

/* Nothing comes after it that would show it; the numbers of the publisher do not either. */
static void test_the_last_one_is_lost(void **state)
{
    struct scene *scene = *state;
    append(scene, 1);
    until_all_have_all(scene);
    each_reader(scene, assert_whole);
}

static void assert_reset(struct scene *scene, struct reader *reader, uint64_t room)
{
    AUTO(mem_free)
    char *text = mem_printf("=1;me;2;3;reset;=%" PRIu64 ";me;", scene->rooms[room - 1].head);
    assert_true(str_eq(strbuf_str(&reader->got), str_of(text)));
}

/* Another database is there: its journal is shorter, and of another generation. */
static void test_another_generation(void **state)
{
    struct scene *scene = *state;
    append(scene, 1);
    append(scene, 2);
    append(scene, 3);
    tell_one_more_of_each(scene);
    until_all_have_all(scene);
    scene->generation++;
    for (size_t i = 0; i < ROOMS; i++) {
        scene->rooms[i].head = 2;
    }
    const struct msg_room_news item = news_of(scene, 1, 2);
    room_news_tell(scene->replicas[0].news, &item);
    until_all_have_all(scene);
    each_reader(scene, assert_reset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lost_doubled_and_swapped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_readers_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replicas_die_and_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_one_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_generation, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
