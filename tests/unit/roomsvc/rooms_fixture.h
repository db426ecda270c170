/* The rooms of roomsvc, with bus, store and clock played by the test. */
#ifndef LYNKS_TESTS_UNIT_ROOMSVC_ROOMS_FIXTURE_H
#define LYNKS_TESTS_UNIT_ROOMSVC_ROOMS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/room/room_create.h"
#include "roomsvc/room/room_list.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_bus.h"
#include "tests/support/c/mock_call.h"

#define STORE_CALLS_MAX 16
#define MOCK_CALLS_MAX 8

struct store_call {
    enum { ADD, FIND, FIND_SOME, COUNT, MAY } kind;
    struct room_draft draft;
    uint64_t room_id, user_id;
    room_store_fn *fn;
    room_store_add_fn *add_fn;
    room_store_some_fn *some_fn;
    room_store_count_fn *count_fn;
    room_store_may_fn *may_fn;
    void *arg;
};

struct fixture {
    struct fake_clock *clock;
    struct mock_bus bus;
    struct metrics *metrics;
    struct health *health;
    struct node_fence *fence;
    struct follow *follow;
    struct rooms *rooms;
    struct store_call calls[STORE_CALLS_MAX];
    size_t call_count, answered;
    enum err refuse;
    /* Before set_up_rooms; not set: rooms do not end. */
    struct life_store life;
    uint64_t idle_ms;
    const struct principal *principal; /* who lists; NULL: a user */
    struct mock_call made[MOCK_CALLS_MAX];
    size_t made_count;
    struct mock_call *call; /* the latest */
};

extern const struct room stored;    /* 77, of node default, where new rooms go */
extern const struct room elsewhere; /* 78, of node other */
extern const struct room of_people; /* 79, which has a code, and is in Janus */

struct store_call *next_store_call(struct fixture *f);
void set_up_rooms(struct fixture *f, uint64_t standard_room);
int setup(void **state);
int teardown(void **state);
void create(struct fixture *f);
void create_only_known(struct fixture *f);
void list(struct fixture *f, uint64_t room_id);
void list_ahead(struct fixture *f, uint64_t room_id); /* it is not known yet who asks */
/* One that is added is new. */
void answer_store(struct store_call *call, enum err err, const struct room *room);
void answer_add(struct store_call *call, enum err err, const struct room *room, bool is_new);
void answer_bridge_create_of(struct fixture *f, uint64_t epoch);
void answer_bridge_create(struct fixture *f);
void assert_answered(const struct fixture *f, enum err err);
void answer_participants_of(struct fixture *f, uint64_t epoch);
void answer_participants(struct fixture *f);
void assert_listed(const struct fixture *f);

#endif
