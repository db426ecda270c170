/* The API as in api_fixture.h, and a server's streams on real sockets. */
#ifndef LYNKS_TESTS_UNIT_GATEWAY_API_STREAM_FIXTURE_H
#define LYNKS_TESTS_UNIT_GATEWAY_API_STREAM_FIXTURE_H

#include "tests/unit/gateway/api/api_fixture.h"

#define STREAM_WAIT_MS 20000

struct stream_fixture {
    struct api_fixture *api;
    struct loop *loop;
    struct http_conns *conns;
    struct http_streams *streams;
};

int stream_fixture_setup(void **state);
int stream_fixture_teardown(void **state);
/* There is no more than one stream; for loop_run_until. */
bool stream_fixture_has_one(void *f);

/* As roomsvc: an event of the room 5. */
void stream_fixture_publish(struct stream_fixture *f, uint64_t generation,
                            const struct msg_room_event *event);

/* A client of a stream. */
struct stream_reader {
    struct ask *ask;
    int fd; /* -1: the server has the head only */
    char got[262144];
    size_t bytes;
    bool is_closed;
};

/* Of a request that is answered with a stream by now, which takes the ask. */
struct stream_reader *reader_new(struct ask *ask);
/* The head is out. */
void reader_begin(struct stream_fixture *f, struct stream_reader *reader);
/* All that has come since the head. */
void reader_assert_got(struct stream_fixture *f, struct stream_reader *reader, const char *text);
/* The end of it. */
void reader_assert_ends(struct stream_fixture *f, struct stream_reader *reader, const char *text);
void reader_assert_closed(struct stream_fixture *f, struct stream_reader *reader);
void reader_leave(struct stream_reader **reader);

#endif
