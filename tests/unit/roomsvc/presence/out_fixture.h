/* A store of people who are to be out, played by the test. One question is out at a time. */
#ifndef LYNKS_TESTS_UNIT_ROOMSVC_PRESENCE_OUT_FIXTURE_H
#define LYNKS_TESTS_UNIT_ROOMSVC_PRESENCE_OUT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/presence/take_outs.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

struct out_fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct room_news *news; /* tells nobody */
    uint64_t steady_ms;
    enum err refuse;
    struct out_look look;         /* of the last question */
    size_t finds, takes;          /* questions so far */
    uint64_t room_id;             /* of the last take */
    out_store_found_fn *found_fn; /* NULL: no such question is out */
    out_store_taken_fn *taken_fn;
    void *arg;
};

struct take_outs_parts out_fixture_setup(struct out_fixture *f);
void out_fixture_teardown(struct out_fixture *f);

/* Answers what is out. rooms: 1, 2, ... count. */
void out_answer_find(struct out_fixture *f, size_t count, uint64_t now_unix_ms, uint64_t last_seq);
void out_fail_find(struct out_fixture *f);
void out_answer_take(struct out_fixture *f, size_t count);
void out_fail_take(struct out_fixture *f);

#endif
