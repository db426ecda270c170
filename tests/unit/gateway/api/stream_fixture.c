#include "tests/unit/gateway/api/stream_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void on_cut(void *arg, struct http_conn *conn)
{
    (void)arg;
    (void)conn;
    fail_msg("a connection was cut");
}

int stream_fixture_setup(void **state)
{
    struct stream_fixture *f = mem_alloc(sizeof(*f));
    api_fixture_setup((void **)&f->api);
    f->loop = loop_new();
    const struct http_conns_config conns = {.name = "test",
                                            .max = 100,
                                            .request_timeout_ms = STREAM_WAIT_MS,
                                            .idle_timeout_ms = STREAM_WAIT_MS,
                                            .stall_timeout_ms = STREAM_WAIT_MS};
    f->conns = http_conns_new(loop_clock(f->loop), f->api->metrics, &conns, on_cut, NULL);
    f->streams = http_streams_new(f->loop, f->api->metrics, "test", f->conns);
    *state = f;
    return 0;
}

int stream_fixture_teardown(void **state)
{
    struct stream_fixture *f = *state;
    struct api_fixture *api = f->api;
    http_streams_free(&f->streams);
    http_conns_free(&f->conns);
    loop_free(&f->loop);
    free(f);
    return api_fixture_teardown((void **)&api);
}

void stream_fixture_publish(struct stream_fixture *f, uint64_t generation,
                            const struct msg_room_event *event)
{
    const struct msg msg = {.id = MSG_room_news,
                            .room_news = {.what = ROOM_NEWS_EVENT,
                                          .generation = generation,
                                          .has_room_id = true,
                                          .room_id = 5,
                                          .has_event = true,
                                          .event = *event}};
    room_follow_hear(f->api->rooms, &msg);
    news_watch_hear(f->api->news, "tcp://127.0.0.1:5712", /* is_next= */ true);
}

struct stream_reader *reader_new(struct ask *ask)
{
    struct stream_reader *reader = mem_alloc(sizeof(*reader));
    assert_int_equal(ask->status, 200);
    assert_non_null(ask->producer);
    reader->ask = ask;
    reader->fd = -1;
    return reader;
}

void reader_begin(struct stream_fixture *f, struct stream_reader *reader)
{
    static const uint8_t address[16] = {1};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    reader->fd = fds[0];
    struct http_conn *conn = http_conns_add(f->conns, address, fds[1]);
    http_streams_open(f->streams, conn, STR_LIT("head\n"), /* is_chunked= */ false,
                      STEAL(reader->ask->producer), reader->ask->producer_arg);
}

struct expected {
    struct stream_reader *reader;
    size_t bytes;
};

static bool has_come(void *arg)
{
    const struct expected *expected = arg;
    struct stream_reader *reader = expected->reader;
    ssize_t n =
        recv(reader->fd, reader->got + reader->bytes, sizeof(reader->got) - reader->bytes, 0);
    reader->is_closed = n == 0;
    reader->bytes += n > 0 ? (size_t)n : 0;
    return reader->is_closed || reader->bytes >= expected->bytes;
}

/* All that has come since the head. */
void reader_assert_got(struct stream_fixture *f, struct stream_reader *reader, const char *text)
{
    AUTO(mem_free) char *all = mem_printf("head\n%s", text);
    struct expected expected = {.reader = reader, .bytes = strlen(all)};
    assert_true(loop_run_until(f->loop, has_come, &expected, STREAM_WAIT_MS));
    assert_int_equal(reader->bytes, strlen(all));
    assert_memory_equal(reader->got, all, strlen(all));
}

struct ending {
    struct expected expected;
    struct str text;
};

static bool has_ending(void *arg)
{
    struct ending *ending = arg;
    const struct stream_reader *reader = ending->expected.reader;
    (void)has_come(&ending->expected);
    return reader->bytes >= ending->text.bytes &&
           memcmp(reader->got + reader->bytes - ending->text.bytes, ending->text.data,
                  ending->text.bytes) == 0;
}

void reader_assert_ends(struct stream_fixture *f, struct stream_reader *reader, const char *text)
{
    struct ending ending = {.expected = {.reader = reader}, .text = str_of(text)};
    assert_true(loop_run_until(f->loop, has_ending, &ending, STREAM_WAIT_MS));
}

void reader_assert_closed(struct stream_fixture *f, struct stream_reader *reader)
{
    struct expected expected = {.reader = reader, .bytes = SIZE_MAX};
    assert_true(loop_run_until(f->loop, has_come, &expected, STREAM_WAIT_MS));
    assert_true(reader->is_closed);
}

bool stream_fixture_has_one(void *arg)
{
    const struct stream_fixture *f = arg;
    return http_streams_count(f->streams) <= 1;
}

void reader_leave(struct stream_reader **reader)
{
    ask_free(&(*reader)->ask);
    if ((*reader)->fd >= 0) {
        close((*reader)->fd);
    }
    mem_free(reader);
}
