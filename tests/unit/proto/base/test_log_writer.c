/* The log's thread: it writes whole lines in their order, never holds up who logs, tells of what it
 * dropped where that is missing, and ends in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/log_writer.h"

#define GUARD_S 30 /* SIGALRM ends a test that hangs */
#define WAITING_BYTES 8192
#define LONG_MS 20000 /* to flush, when it must succeed */

struct outlet {
    int read_end;
    int write_end;
    FILE *reader;
    struct metrics *metrics;
    struct metric *dropped;
    struct log_writer *writer;
};

static size_t tell(uint64_t dropped, char *text)
{
    return (size_t)snprintf(text, LOG_LINE_BYTES_MAX, "dropped %" PRIu64 "\n", dropped);
}

static void open_outlet(struct outlet *outlet, size_t bytes_max)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    *outlet = (struct outlet){.read_end = ends[0], .write_end = ends[1], .metrics = metrics_new()};
    outlet->reader = fdopen(ends[0], "r");
    outlet->dropped = metrics_counter(outlet->metrics, "dropped_total", "", NULL);
    const struct log_writer_config config = {
        .fd = ends[1], .bytes_max = bytes_max, .tell = tell, .dropped = outlet->dropped};
    outlet->writer = log_writer_new(&config);
    assert_non_null(outlet->writer);
    alarm(GUARD_S);
}

static void close_outlet(struct outlet *outlet)
{
    if (outlet->write_end >= 0) {
        close(outlet->write_end);
    }
    (void)fclose(outlet->reader);
    metrics_free(&outlet->metrics);
    alarm(0);
}

static void put_number(struct log_writer *writer, unsigned number)
{
    char line[128];
    int bytes = snprintf(line, sizeof(line), "%099u\n", number);
    log_writer_put(writer, (struct str){line, (size_t)bytes});
}

static void test_all_that_was_put_is_written_at_the_end(void **state)
{
    (void)state;
    struct outlet outlet;
    char line[256];
    open_outlet(&outlet, WAITING_BYTES);
    for (unsigned i = 0; i < 20; i++) {
        put_number(outlet.writer, i);
    }
    assert_true(log_writer_free(&outlet.writer, LONG_MS));
    assert_null(outlet.writer);
    for (unsigned i = 0; i < 20; i++) {
        assert_non_null(fgets(line, sizeof(line), outlet.reader));
        assert_int_equal(strtoul(line, NULL, 10), i);
    }
    assert_int_equal(metric_value(outlet.dropped), 0);
    close_outlet(&outlet);
}

enum { FLOOD_LINES = 1000 };

/* Nobody reads the pipe meanwhile: whoever puts goes on all the same. */
static void flood(struct outlet *outlet)
{
    char line[256];
    const uint64_t before = metric_value(outlet->dropped);
    for (unsigned i = 0; i < FLOOD_LINES; i++) {
        put_number(outlet->writer, i);
    }
    const uint64_t dropped = metric_value(outlet->dropped) - before;
    assert_in_range(dropped, FLOOD_LINES / 2, FLOOD_LINES - WAITING_BYTES / 100);

    /* Without a gap up to where it is told; what found room after that follows in its order. */
    unsigned long told = 0, next = 0;
    unsigned got = 0;
    while (got + told < FLOOD_LINES) {
        assert_non_null(fgets(line, sizeof(line), outlet->reader));
        if (sscanf(line, "dropped %lu", &told) != 1) {
            const unsigned long number = strtoul(line, NULL, 10);
            assert_true(told > 0 ? number >= next : number == next);
            next = number + 1;
            got++;
        }
    }
    assert_int_equal(told, dropped);

    put_number(outlet->writer, FLOOD_LINES);
    assert_non_null(fgets(line, sizeof(line), outlet->reader));
    assert_int_equal(strtoul(line, NULL, 10), FLOOD_LINES);
}

/* Twice: what was told once is not told again. */
static void test_what_finds_no_room_is_dropped_and_told_in_its_place(void **state)
{
    (void)state;
    struct outlet outlet;
    open_outlet(&outlet, WAITING_BYTES);
    flood(&outlet);
    flood(&outlet);
    assert_true(log_writer_free(&outlet.writer, LONG_MS));
    close_outlet(&outlet);
}

static void test_a_write_that_hangs_does_not_hold_up_the_end(void **state)
{
    (void)state;
    struct outlet outlet;
    open_outlet(&outlet, WAITING_BYTES);
    for (unsigned i = 0; i < 100; i++) {
        put_number(outlet.writer, i);
    }
    assert_false(log_writer_free(&outlet.writer, 10));
    assert_null(outlet.writer);
    /* The thread's writes fail, and it ends, some time. Its end of the pipe stays open: what it has
     * left would else go to whatever gets that number next. */
    outlet.write_end = -1;
    close_outlet(&outlet);
}

/* The reader is gone: each line is lost, and telling of it is not tried for ever. */
static void test_what_cannot_be_written_counts_as_dropped(void **state)
{
    (void)state;
    struct outlet outlet;
    open_outlet(&outlet, WAITING_BYTES);
    (void)fclose(outlet.reader);
    for (unsigned i = 0; i < 10; i++) {
        put_number(outlet.writer, i);
    }
    assert_true(log_writer_free(&outlet.writer, LONG_MS));
    assert_int_equal(metric_value(outlet.dropped), 10);
    outlet.reader = fopen("/dev/null", "re");
    close_outlet(&outlet);
}

/* Somebody who shares the pipe has made it non-blocking. */
static void test_a_pipe_that_is_full_and_does_not_block_loses_nothing(void **state)
{
    (void)state;
    enum { LINES = 200 };
    struct outlet outlet;
    char line[256];
    open_outlet(&outlet, LINES * 100);
    assert_int_equal(fcntl(outlet.write_end, F_SETFL, O_NONBLOCK), 0);
    for (unsigned i = 0; i < LINES; i++) {
        put_number(outlet.writer, i);
    }
    for (unsigned i = 0; i < LINES; i++) {
        assert_non_null(fgets(line, sizeof(line), outlet.reader));
        assert_int_equal(strtoul(line, NULL, 10), i);
    }
    assert_true(log_writer_free(&outlet.writer, LONG_MS));
    close_outlet(&outlet);
}

enum { THREADS = 4, LINES_EACH = 500 };

static void *put_many(void *writer)
{
    for (unsigned i = 0; i < LINES_EACH; i++) {
        put_number(writer, i);
    }
    return NULL;
}

static void test_threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    struct outlet outlet;
    pthread_t threads[THREADS];
    char line[256];
    unsigned long sum = 0;
    open_outlet(&outlet, (size_t)THREADS * LINES_EACH * 100);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, outlet.writer), 0);
    }
    for (unsigned i = 0; i < THREADS * LINES_EACH; i++) {
        assert_non_null(fgets(line, sizeof(line), outlet.reader));
        assert_int_equal(strlen(line), 100);
        sum += strtoul(line, NULL, 10);
    }
    assert_int_equal(sum, THREADS * (LINES_EACH * (LINES_EACH - 1) / 2));
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(log_writer_free(&outlet.writer, LONG_MS));
    close_outlet(&outlet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_was_put_is_written_at_the_end),
        cmocka_unit_test(test_what_finds_no_room_is_dropped_and_told_in_its_place),
        cmocka_unit_test(test_a_write_that_hangs_does_not_hold_up_the_end),
        cmocka_unit_test(test_what_cannot_be_written_counts_as_dropped),
        cmocka_unit_test(test_a_pipe_that_is_full_and_does_not_block_loses_nothing),
        cmocka_unit_test(test_threads_do_not_mix_their_lines),
    };
    return cmocka_run_group_tests_name("log writer", tests, NULL, NULL);
}
