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
    struct rtc_hints *hints;
    uint64_t participant;
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

static void close_listener(struct listener *listener)
{
    rtc_reader_close(&listener->reader, listener->hints, listener->participant);
}

static void on_wake(struct rtc_reader *reader)
{
    struct listener *listener = CONTAINER_OF(reader, struct listener, reader);
    listener->woken++;
    if (listener->closes) {
        close_listener(listener);
    } else if (listener->takes) {
        take_all(listener);
    }
}

static void listen_to(struct fixture *f, struct listener *listener, uint64_t participant)
{
    listener->reader.wake = on_wake;
    listener->hints = f->hints;
    listener->participant = participant;
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
    close_listener(&first);
    close_listener(&second);
    close_listener(&other);
    close_listener(&other);
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
            close_listener(&listeners[i]);
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
    assert_false(rtc_reader_is_slow(&slow.reader));
    hear(f, 7, 5);
    assert_true(rtc_reader_is_slow(&slow.reader) && !rtc_reader_is_slow(&quick.reader));
    assert_int_equal(count_outcome(f, "outcome=\"told\""), 2 * RTC_HINTS_WAITING_MAX + 1);
    assert_int_equal(count_outcome(f, "outcome=\"lost\""), 1);
    assert_string_equal(quick.got, "5 ");
    close_listener(&slow); /* with all that waits */
    close_listener(&quick);
}

/* Who has lost some is known for it, also when he has taken the rest. */
static void one_that_was_slow_stays_so(void **state)
{
    struct fixture *f = *state;
    struct listener slow = {.takes = false};
    listen_to(f, &slow, 7);
    for (uint64_t i = 0; i <= RTC_HINTS_WAITING_MAX; i++) {
        hear(f, 7, 1);
    }
    for (size_t i = 0; i < RTC_HINTS_WAITING_MAX; i++) {
        assert_non_null(rtc_reader_peek(&slow.reader));
        rtc_reader_advance(&slow.reader);
    }
    assert_null(rtc_reader_peek(&slow.reader));
    assert_true(rtc_reader_is_slow(&slow.reader));
    hear(f, 7, 2);
    take_all(&slow);
    assert_string_equal(slow.got, "2 ");
    assert_true(rtc_reader_is_slow(&slow.reader));
    close_listener(&slow);
    listen_to(f, &slow, 7);
    assert_false(rtc_reader_is_slow(&slow.reader));
    close_listener(&slow);
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
            close_listener(&listeners[i]);
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
        HINTS_TEST(one_that_was_slow_stays_so),
        HINTS_TEST(as_many_participants_as_may_read),
    };
    return cmocka_run_group_tests_name("rtc_hints", tests, NULL, NULL);
}
