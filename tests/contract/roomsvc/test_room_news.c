/* What happens in rooms, published by two replicas and heard by who subscribes to both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/bus/bus_subscriptions.h"
#include "roomsvc/journal/room_news.h"
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#define REPLICAS 2
#define ROOM 4711
#define PATIENCE_MS 20000

static const char *const gateway[] = {"gateway", NULL};

struct replica {
    struct bus_publisher *publisher;
    struct room_news *news;
    size_t lives; /* signs of life heard */
};

struct scene {
    struct bus_pair pair;
    struct replica replicas[REPLICAS];
    struct bus_subscriptions *subscriptions;
    uint64_t seqs[16]; /* of the events heard */
    size_t heard, jumps;
    char name[32];
};

static struct bus_parts parts(struct scene *scene, const struct keys *keys)
{
    return (struct bus_parts){.loop = scene->pair.loop,
                              .metrics = scene->pair.metrics,
                              .keys = keys,
                              .zap = scene->pair.zap};
}

static void on_news(void *arg, const char *endpoint, const struct msg *msg, uint64_t number,
                    bool is_next)
{
    struct scene *scene = arg;
    const struct msg_room_news *news = &msg->room_news;
    (void)number;
    assert_int_equal(msg->id, MSG_room_news);
    size_t of = strcmp(endpoint, bus_publisher_endpoint(scene->replicas[0].publisher)) == 0 ? 0 : 1;
    struct replica *replica = &scene->replicas[of];
    scene->jumps += !is_next && replica->lives > 0;
    if (news->what == ROOM_NEWS_LIVES) {
        replica->lives++;
        return;
    }
    assert_int_equal(news->what, ROOM_NEWS_EVENT);
    assert_int_equal(news->room_id, ROOM);
    assert_true(scene->heard < ARRAY_LEN(scene->seqs));
    scene->seqs[scene->heard++] = news->event.seq;
    (void)str_copy(scene->name, sizeof(scene->name), news->event.participant.name);
}

static int set_up(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    *state = scene;
    log_capture_setup(NULL);
    bus_pair_init_by_load(&scene->pair);
    const struct bus_parts service = parts(scene, scene->pair.service_keys);
    const struct bus_publisher_config config = {
        .bind = "tcp://127.0.0.1:*", .allowed_roles = gateway, .queue_max = 1000};
    for (size_t i = 0; i < REPLICAS; i++) {
        scene->replicas[i].publisher = bus_publisher_new(&service, &config);
        scene->replicas[i].news = room_news_new(loop_clock(scene->pair.loop), scene->pair.metrics,
                                                scene->replicas[i].publisher);
    }
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    bus_subscriptions_free(&scene->subscriptions);
    for (size_t i = 0; i < REPLICAS; i++) {
        room_news_free(&scene->replicas[i].news);
        bus_publisher_free(&scene->replicas[i].publisher);
    }
    bus_pair_fini(&scene->pair);
    mem_free(&scene);
    return log_capture_teardown(NULL);
}

static void subscribe(struct scene *scene)
{
    const struct bus_parts caller = parts(scene, scene->pair.caller_keys);
    AUTO(mem_free)
    char *address = mem_printf("%s,%s", bus_publisher_endpoint(scene->replicas[0].publisher) + 6,
                               bus_publisher_endpoint(scene->replicas[1].publisher) + 6);
    const struct bus_subscriptions_config config = {
        .address = address, .role = "roomsvc", .on_event = on_news, .arg = scene};
    scene->subscriptions = bus_subscriptions_new(&caller, &config);
    assert_non_null(scene->subscriptions);
}

static bool both_live(void *arg)
{
    const struct scene *scene = arg;
    return scene->replicas[0].lives >= 3 && scene->replicas[1].lives >= 3;
}

static void tell_joined(struct scene *scene, size_t replica, uint64_t seq)
{
    const struct msg_room_news item = {.what = ROOM_NEWS_EVENT,
                                       .generation = 7,
                                       .room_id = ROOM,
                                       .has_room_id = true,
                                       .event = {.seq = seq,
                                                 .type = EVENT_PARTICIPANT_JOINED,
                                                 .audience = AUDIENCE_ALL,
                                                 .time_unix_ms = 1,
                                                 .participant = {.id = 5,
                                                                 .name = STR_LIT("Zoë"),
                                                                 .role = ROOM_PARTICIPANT,
                                                                 .state = PARTICIPANT_JOINED,
                                                                 .joined_unix_ms = 1},
                                                 .has_participant = true},
                                       .has_event = true};
    room_news_tell(scene->replicas[replica].news, &item);
}

static bool has_heard_two(void *arg)
{
    const struct scene *scene = arg;
    return scene->heard == 2;
}

static void test_both_replicas_live_and_tell(void **state)
{
    struct scene *scene = *state;
    subscribe(scene);
    assert_true(loop_run_until(scene->pair.loop, both_live, scene, PATIENCE_MS));
    tell_joined(scene, 0, 1);
    tell_joined(scene, 1, 2);
    assert_true(loop_run_until(scene->pair.loop, has_heard_two, scene, PATIENCE_MS));
    assert_int_equal(scene->seqs[0] + scene->seqs[1], 3);
    assert_string_equal(scene->name, "Zoë");
    assert_int_equal(scene->jumps, 0);
    assert_int_equal(bus_pair_metric(&scene->pair, "lynks_room_news_total", NULL), 2);
}

static void test_without_a_publisher_nobody_is_told(void **state)
{
    struct scene *scene = *state;
    struct room_news *news =
        room_news_new(loop_clock(scene->pair.loop), scene->pair.metrics, /* publisher= */ NULL);
    room_news_tell(news, &(struct msg_room_news){.what = ROOM_NEWS_LIVES});
    room_news_free(&news);
    assert_int_equal(bus_pair_metric(&scene->pair, "lynks_room_news_total", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_replicas_live_and_tell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_publisher_nobody_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
