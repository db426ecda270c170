/* Who hears of what bridges tell of connections for media, and what waits for him. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "gateway/follow/rtc_hints.h"

#define READERS_MAX 4
#define TEXT_BYTES 256

struct fixture {
    struct metrics *metrics;
    struct rtc_hints *hints;
};

struct listener {
    struct rtc_reader reader;
    bool closes; /* itself, when it is woken; else it takes what there is, if takes */
    bool takes;
    char got[TEXT_BYTES]; /* "1 2 " */
    unsigned woken;
};

static struct http_chunk *encode_seq(const struct msg_rtc_hint *hint)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%d ", (int)hint->seq);
    return http_chunk_new(str_of(text));
}

static void take_all(struct listener *listener)
{
    for (struct http_chunk *chunk; (chunk = rtc_reader_peek(&listener->reader)) != NULL;) {
        const struct str text = http_chunk_data(chunk);
        (void)strncat(listener->got, text.data, text.bytes);
        rtc_reader_advance(&listener->reader);
    }
}

static void on_wake(void *arg)
{
    struct listener *listener = arg;
    listener->woken++;
    if (listener->closes) {
        rtc_reader_close(&listener->reader);
    } else if (listener->takes) {
        take_all(listener);
    }
}

static void listen_to(struct fixture *f, struct listener *listener, uint64_t participant)
{
    listener->reader.wake = on_wake;
    listener->reader.arg = listener;
    rtc_reader_open(&listener->reader, f->hints, participant);
}

static void hear(struct fixture *f, uint64_t participant, uint64_t seq)
{
    rtc_hints_hear(f->hints, &(struct msg){.id = MSG_rtc_hint,
                                           .rtc_hint = {.what = RTC_HINT_OFFER,
                                                        .participant = participant,
                                                        .seq = seq}});
}

static uint64_t count_outcome(struct fixture *f, const char *labels)
{
    return metric_value(metrics_counter(f->metrics, "lynks_gateway_rtc_hints_total", "", labels));
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->metrics = metrics_new();
    f->hints = rtc_hints_new(f->metrics, READERS_MAX, encode_seq);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rtc_hints_free(&f->hints);
    metrics_free(&f->metrics);
    mem_free(&f);
    return 0;
}

static void all_readers_of_a_participant_hear_in_order(void **state)
{
    struct fixture *f = *state;
    struct listener first = {.takes = true}, second = {.takes = false}, other = {.takes = true};
    listen_to(f, &first, 7);
    listen_to(f, &second, 7);
    listen_to(f, &other, 8);
    hear(f, 7, 1);
    hear(f, 7, 2);
    hear(f, 8, 3);
    hear(f, 9, 4);
    rtc_hints_hear(f->hints, &(struct msg){.id = MSG_room_news});
    take_all(&second);
    assert_string_equal(first.got, "1 2 ");
    assert_string_equal(second.got, "1 2 ");
    assert_string_equal(other.got, "3 ");
    assert_true(first.woken == 2 && second.woken == 2 && other.woken == 1);
    assert_true(count_outcome(f, "outcome=\"told\"") == 5 &&
                count_outcome(f, "outcome=\"untold\"") == 1);
    rtc_reader_close(&first.reader);
    rtc_reader_close(&second.reader);
    rtc_reader_close(&other.reader);
    rtc_reader_close(&other.reader);
    hear(f, 7, 5);
    assert_int_equal(first.woken, 2);
}

/* In any place of the list, also as the last one of it. */
static void who_is_woken_may_close(void **state)
{
    struct fixture *f = *state;
    for (unsigned closing = 0; closing < 8; closing++) {
        struct listener listeners[3] = {0};
        for (unsigned i = 0; i < 3; i++) {
            listeners[i].closes = (closing >> i & 1) != 0;
            listeners[i].takes = true;
            listen_to(f, &listeners[i], 7);
        }
        hear(f, 7, 1);
        hear(f, 7, 2);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(listeners[i].woken, listeners[i].closes ? 1 : 2);
            assert_string_equal(listeners[i].got, listeners[i].closes ? "" : "1 2 ");
            rtc_reader_close(&listeners[i].reader);
        }
    }
}

static void so_many_wait_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct listener slow = {.takes = false}, quick = {.takes = true};
    listen_to(f, &slow, 7);
    listen_to(f, &quick, 7);
    for (uint64_t i = 0; i < RTC_HINTS_WAITING_MAX; i++) {
        hear(f, 7, i % 10);
        quick.got[0] = '\0';
    }
    assert_false(slow.reader.is_slow);
    hear(f, 7, 5);
    assert_true(slow.reader.is_slow && !quick.reader.is_slow);
    assert_int_equal(slow.reader.waiting_count, RTC_HINTS_WAITING_MAX);
    assert_int_equal(count_outcome(f, "outcome=\"lost\""), 1);
    assert_string_equal(quick.got, "5 ");
    rtc_reader_close(&slow.reader); /* with all that waits */
    rtc_reader_close(&quick.reader);
}

static void as_many_participants_as_may_read(void **state)
{
    struct fixture *f = *state;
    struct listener listeners[READERS_MAX] = {0};
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < READERS_MAX; i++) {
            listen_to(f, &listeners[i], 10 * round + i + 1);
        }
        for (unsigned i = 0; i < READERS_MAX; i++) {
            hear(f, 10 * round + i + 1, 1);
            assert_int_equal(listeners[i].woken, round + 1);
            rtc_reader_close(&listeners[i].reader);
        }
    }
}

#define HINTS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HINTS_TEST(all_readers_of_a_participant_hear_in_order),
        HINTS_TEST(who_is_woken_may_close),
        HINTS_TEST(so_many_wait_and_no_more),
        HINTS_TEST(as_many_participants_as_may_read),
    };
    return cmocka_run_group_tests_name("rtc_hints", tests, NULL, NULL);
}
