/* Batches of frames: what is put together comes apart again, and nothing else is taken for one. */
#include "proto/bus/bus_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void make(zmq_msg_t *ret_message, size_t count, size_t bytes)
{
    zmq_msg_t frames[BATCH_FRAMES_MAX];
    struct bus_batch batch;
    bus_batch_init(&batch);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(zmq_msg_init_size(&frames[i], bytes), 0);
        memset(zmq_msg_data(&frames[i]), (int)i + 1, bytes);
        assert_true(bus_batch_fits(&batch, &frames[i]));
        bus_batch_add(&batch, &frames[i]);
    }
    bus_batch_make(&batch, ret_message);
    for (size_t i = 0; i < count; i++) {
        zmq_msg_close(&frames[i]);
    }
}

static void assert_comes_apart(size_t count, size_t bytes)
{
    zmq_msg_t message;
    make(&message, count, bytes);
    struct bus_frames frames;
    struct str frame;
    assert_true(bus_frames_open(&frames, bus_frame_view(&message)));
    for (size_t i = 0; i < count; i++) {
        assert_true(bus_frames_next(&frames, &frame));
        assert_int_equal(frame.bytes, bytes);
        assert_int_equal(frame.data[0], i + 1);
        assert_int_equal(frame.data[bytes - 1], i + 1);
    }
    assert_false(bus_frames_next(&frames, &frame));
    zmq_msg_close(&message);
}

static void test_frames_come_apart_again(void **state)
{
    (void)state;
    assert_comes_apart(1, 50);
    assert_comes_apart(2, 50);
    assert_comes_apart(BATCH_FRAMES_MAX, 200);
    assert_comes_apart(1, FRAME_BYTES_MAX);
}

static void test_one_frame_goes_as_it_is(void **state)
{
    (void)state;
    zmq_msg_t message;
    make(&message, 1, 50);
    assert_int_equal(zmq_msg_size(&message), 50);
    zmq_msg_close(&message);
}

static void test_a_batch_is_bounded(void **state)
{
    (void)state;
    struct bus_batch batch;
    zmq_msg_t large;
    zmq_msg_t small;
    zmq_msg_init_size(&large, FRAME_BYTES_MAX);
    zmq_msg_init_size(&small, 50);
    bus_batch_init(&batch);
    assert_true(bus_batch_fits(&batch, &large)); /* alone it may be as long as a frame may */
    for (size_t i = 0; i < BATCH_FRAMES_MAX; i++) {
        assert_true(bus_batch_fits(&batch, &small));
        bus_batch_add(&batch, &small);
        assert_false(bus_batch_fits(&batch, &large));
    }
    assert_false(bus_batch_fits(&batch, &small));
    zmq_msg_close(&large);
    zmq_msg_close(&small);
}

static void test_truncated_and_longer_ones_are_refused(void **state)
{
    (void)state;
    zmq_msg_t message;
    make(&message, 3, 20);
    struct str whole = bus_frame_view(&message);
    AUTO(mem_free) char *longer = mem_alloc(whole.bytes + 1);
    memcpy(longer, whole.data, whole.bytes);
    struct bus_frames frames;
    size_t sound = 0;
    for (size_t bytes = 1; bytes <= whole.bytes + 1; bytes++) {
        /* Of its own size, so that a sanitizer sees a read past its end. */
        AUTO(mem_free) char *part = mem_alloc(bytes);
        memcpy(part, longer, bytes);
        sound += bus_frames_open(&frames, (struct str){part, bytes});
    }
    assert_int_equal(sound, 3); /* the whole, and where it was cut between two frames */
    zmq_msg_close(&message);
}

static void test_counts_and_lengths_are_bounded(void **state)
{
    (void)state;
    char many[1 + 5 * (BATCH_FRAMES_MAX + 1)] = {0};
    struct bus_frames frames;
    many[0] = (char)BATCH_MARK;
    for (size_t i = 0; i <= BATCH_FRAMES_MAX; i++) {
        many[1 + 5 * i + 3] = 1;
    }
    assert_true(bus_frames_open(&frames, (struct str){many, sizeof(many) - 5}));
    assert_false(bus_frames_open(&frames, (struct str){many, sizeof(many)}));
    assert_false(bus_frames_open(&frames, (struct str){many, 1}));
    assert_false(bus_frames_open(&frames, STR_LIT("\xc1\xff\xff\xff\xff....")));
    /* A single frame that makes the message longer than any may be. */
    AUTO(mem_free) char *huge = mem_alloc(FRAME_BYTES_MAX + 1);
    const uint32_t length = FRAME_BYTES_MAX - 5;
    const char head[] = {(char)BATCH_MARK, (char)(length >> 24), (char)(length >> 16),
                         (char)(length >> 8), (char)length};
    memcpy(huge, head, sizeof(head));
    assert_true(bus_frames_open(&frames, (struct str){huge, FRAME_BYTES_MAX}));
    huge[4]++;
    assert_false(bus_frames_open(&frames, (struct str){huge, FRAME_BYTES_MAX + 1}));
}

/* What came alone is one frame whatever it is: the decoder refuses it. */
static void test_anything_else_is_one_frame(void **state)
{
    (void)state;
    const struct str others[] = {STR_LIT(""), STR_LIT("x"), STR_LIT("\x9a...")};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct bus_frames frames;
        struct str frame;
        assert_true(bus_frames_open(&frames, others[i]));
        assert_true(bus_frames_next(&frames, &frame));
        assert_true(str_eq(frame, others[i]));
        assert_false(bus_frames_next(&frames, &frame));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_apart_again),
        cmocka_unit_test(test_one_frame_goes_as_it_is),
        cmocka_unit_test(test_a_batch_is_bounded),
        cmocka_unit_test(test_truncated_and_longer_ones_are_refused),
        cmocka_unit_test(test_counts_and_lengths_are_bounded),
        cmocka_unit_test(test_anything_else_is_one_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
