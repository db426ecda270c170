#include "proto/http/http_stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the kernel holds of a stream whose reader does not read; it takes four times this. */
#define SEND_BUFFER_BYTES 16384
/* A reader has nothing to say. */
#define DISCARD_BYTES_MAX 4096
/* The kernel asks a silent peer whether it is there: first after this long, then this often. */
#define PROBE_FIRST_S 10
#define PROBE_AGAIN_S 5

struct http_chunk {
    unsigned refs;
    size_t bytes; /* with the framing of a chunk around the data */
    size_t data_offset, data_bytes;
    char framed[];
};

/* Who may still be called. */
enum stream_state {
    STREAM_OPEN,   /* the producer sends */
    STREAM_ENDING, /* the producer has ended it, the rest is still to be taken */
    STREAM_GONE,   /* to be closed by whoever is at work with it */
};

struct http_stream {
    struct http_streams *all;
    struct list_link link;  /* of all->open */
    struct list_link ready; /* of all->ready: it is its turn to be written to */
    struct http_conn *conn;
    const struct http_producer *producer;
    void *arg;
    struct http_chunk *queue[HTTP_STREAM_CHUNKS + 1]; /* and the end */
    size_t queued;
    size_t sent; /* of the first chunk in the queue */
    size_t discarded_bytes;
    enum stream_state state;
    bool is_chunked;
    bool wants_room; /* on_room is owed */
    bool is_blocked; /* the kernel has taken all it takes */
    bool was_told;   /* that the server drains */
};

struct http_streams {
    struct loop *loop;
    struct http_conns *conns;
    struct list_link open, ready;
    size_t count;
    struct loop_late late;
    uint64_t timer;  /* of the next slice; 0: none */
    bool is_running; /* a slice */
    bool is_draining;
    struct http_chunk *end; /* the last chunk of every stream that is framed */
    struct metric *open_gauge, *opened;
};

/* ---- chunks ---- */

static struct http_chunk *make_chunk(struct str before, struct str data, struct str after)
{
    size_t bytes = before.bytes + data.bytes + after.bytes;
    struct http_chunk *chunk = mem_alloc(sizeof(*chunk) + bytes);
    chunk->refs = 1;
    chunk->bytes = bytes;
    chunk->data_offset = before.bytes;
    chunk->data_bytes = data.bytes;
    memcpy(chunk->framed, before.data, before.bytes);
    memcpy(chunk->framed + before.bytes, data.data, data.bytes);
    memcpy(chunk->framed + before.bytes + data.bytes, after.data, after.bytes);
    return chunk;
}

struct http_chunk *http_chunk_new(struct str data)
{
    char size[24];
    assert(data.bytes > 0); /* an empty chunk is the last one */
    (void)snprintf(size, sizeof(size), "%zx\r\n", data.bytes);
    return make_chunk(str_of(size), data, STR_LIT("\r\n"));
}

struct http_chunk *http_chunk_ref(struct http_chunk *chunk)
{
    chunk->refs++;
    return chunk;
}

void http_chunk_unref(struct http_chunk **chunk)
{
    if (*chunk != NULL && --(*chunk)->refs == 0) {
        free(*chunk);
    }
    *chunk = NULL;
}

struct str http_chunk_data(const struct http_chunk *chunk)
{
    return (struct str){.data = chunk->framed + chunk->data_offset, .bytes = chunk->data_bytes};
}

/* The bytes of a chunk that this stream sends. */
static struct iovec view_of(const struct http_stream *stream, struct http_chunk *chunk)
{
    return stream->is_chunked ? (struct iovec){.iov_base = chunk->framed, .iov_len = chunk->bytes}
                              : (struct iovec){.iov_base = chunk->framed + chunk->data_offset,
                                               .iov_len = chunk->data_bytes};
}

/* ---- one stream ---- */

static void run_streams(void *arg);

static void make_ready(struct http_stream *stream)
{
    struct http_streams *all = stream->all;
    if (list_is_empty(&stream->ready)) {
        list_add(&all->ready, &stream->ready);
        if (all->timer == 0 && !all->is_running) {
            loop_late_add(all->loop, &all->late);
        }
    }
}

static void enqueue_chunk(struct http_stream *stream, struct http_chunk *chunk)
{
    stream->queue[stream->queued++] = http_chunk_ref(chunk);
    if (!stream->is_blocked) {
        make_ready(stream);
    }
}

bool http_stream_send(struct http_stream *stream, struct http_chunk *chunk)
{
    assert(stream->state != STREAM_ENDING);
    if (stream->queued >= HTTP_STREAM_CHUNKS) {
        stream->wants_room = true;
        return false;
    }
    enqueue_chunk(stream, chunk);
    return true;
}

void http_stream_end(struct http_stream **stream_ref)
{
    struct http_stream *stream = STEAL(*stream_ref);
    if (stream->state == STREAM_OPEN) {
        stream->state = STREAM_ENDING;
        if (stream->is_chunked) {
            enqueue_chunk(stream, stream->all->end);
        } else {
            make_ready(stream);
        }
    }
}

/* The last descriptor is closed with nothing unread, or the kernel would reset the connection and
 * throw away what its reader has not got yet. */
static void close_stream(struct http_stream *stream)
{
    struct http_streams *all = stream->all;
    char bin[DISCARD_BYTES_MAX];
    int fd = stream->conn->fd;
    bool is_owed = stream->state == STREAM_OPEN;
    stream->state = STREAM_GONE;
    if (is_owed) {
        stream->producer->on_gone(stream->arg);
    }
    list_remove(&stream->link);
    list_remove(&stream->ready);
    loop_fd_remove(all->loop, fd);
    (void)recv(fd, bin, sizeof(bin), MSG_DONTWAIT);
    http_conns_remove(all->conns, stream->conn);
    close(fd);
    while (stream->queued > 0) {
        http_chunk_unref(&stream->queue[--stream->queued]);
    }
    mem_free(&stream);
    metric_set(all->open_gauge, (int64_t)--all->count);
}

/* Counts bytes of the queue as taken; true: a whole chunk at least. */
static bool take_from_queue(struct http_stream *stream, size_t bytes)
{
    size_t done = 0;
    bytes += stream->sent;
    while (done < stream->queued && bytes >= view_of(stream, stream->queue[done]).iov_len) {
        bytes -= view_of(stream, stream->queue[done]).iov_len;
        http_chunk_unref(&stream->queue[done]);
        done++;
    }
    stream->sent = bytes;
    stream->queued -= done;
    memmove(stream->queue, stream->queue + done, stream->queued * sizeof(struct http_chunk *));
    return done > 0;
}

static void set_blocked(struct http_stream *stream, bool is_blocked)
{
    if (stream->is_blocked != is_blocked) {
        stream->is_blocked = is_blocked;
        loop_fd_modify(stream->all->loop, stream->conn->fd,
                       is_blocked ? (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT : (uint32_t)EPOLLIN);
    }
}

/* Writes what the kernel takes; false: the client has gone. The time that a reader has for a chunk
 * begins anew with each. */
static bool flush_stream(struct http_stream *stream)
{
    while (stream->queued > 0) {
        struct iovec views[ARRAY_LEN(stream->queue)];
        for (size_t i = 0; i < stream->queued; i++) {
            views[i] = view_of(stream, stream->queue[i]);
        }
        views[0].iov_base = (char *)views[0].iov_base + stream->sent;
        views[0].iov_len -= stream->sent;
        const struct msghdr message = {.msg_iov = views, .msg_iovlen = stream->queued};
        ssize_t n = sendmsg(stream->conn->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno != EAGAIN) {
            return false;
        }
        bool has_taken = n > 0 && take_from_queue(stream, (size_t)n);
        if (stream->queued > 0 && (has_taken || !stream->is_blocked)) {
            http_conns_enter(stream->all->conns, stream->conn, HTTP_STALLED);
        }
        if (n < 0) {
            set_blocked(stream, true);
            return true;
        }
    }
    if (stream->conn->phase == HTTP_STALLED) {
        http_conns_enter(stream->all->conns, stream->conn, HTTP_STREAMING);
    }
    set_blocked(stream, false);
    return true;
}

/* Writes, tells the producer what it is to know, and closes the stream when it is over. The
 * producer may send and end meanwhile, which makes it ready again. */
static void serve_stream(struct http_stream *stream)
{
    struct http_streams *all = stream->all;
    list_remove(&stream->ready);
    if (!flush_stream(stream)) {
        close_stream(stream);
        return;
    }
    if (stream->state == STREAM_OPEN && all->is_draining && !stream->was_told) {
        stream->was_told = true;
        if (stream->producer->on_drain != NULL) {
            stream->producer->on_drain(stream->arg, stream);
        } else {
            stream->producer->on_gone(stream->arg);
            struct http_stream *ended = stream;
            http_stream_end(&ended);
        }
    }
    if (stream->state == STREAM_OPEN && stream->queued == 0 && stream->wants_room) {
        stream->wants_room = false;
        stream->producer->on_room(stream->arg, stream);
    }
    if (stream->state == STREAM_ENDING && stream->queued == 0) {
        close_stream(stream);
    }
}

/* A slice of all that is ready. The rest comes in the next turn of the loop. */
static void run_streams(void *arg)
{
    struct http_streams *all = arg;
    uint64_t until_us = system_mono_us() + HTTP_STREAM_SLICE_US;
    struct http_stream *stream;
    all->timer = 0;
    all->is_running = true;
    while ((stream = LIST_FIRST(struct http_stream, &all->ready, ready)) != NULL &&
           system_mono_us() < until_us) {
        serve_stream(stream);
    }
    all->is_running = false;
    if (stream != NULL) {
        all->timer = clock_after(loop_clock(all->loop), 0, run_streams, all);
    }
}

/* What a reader says is thrown away; that it says nothing more means that it has gone. */
static void on_stream_event(void *arg, uint32_t events)
{
    struct http_stream *stream = arg;
    char bin[DISCARD_BYTES_MAX];
    ssize_t n = recv(stream->conn->fd, bin, sizeof(bin), MSG_DONTWAIT);
    if (n > 0) {
        stream->discarded_bytes += (size_t)n;
    }
    if (n == 0 || stream->discarded_bytes > DISCARD_BYTES_MAX ||
        (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_stream(stream);
    } else if ((events & EPOLLOUT) != 0) {
        make_ready(stream);
    }
}

/* ---- all of them ---- */

struct http_streams *http_streams_new(struct loop *loop, struct metrics *metrics,
                                      const char *listener, struct http_conns *conns)
{
    struct http_streams *all = mem_alloc(sizeof(*all));
    AUTO(mem_free) char *labels = mem_printf("listener=\"%s\"", listener);
    all->loop = loop;
    all->conns = conns;
    list_init(&all->open);
    list_init(&all->ready);
    loop_late_init(&all->late, run_streams, all);
    all->end = make_chunk(str_of(""), str_of(""), STR_LIT("0\r\n\r\n"));
    all->open_gauge = metrics_gauge(metrics, "lynks_http_streams", "Open event streams.", labels);
    all->opened = metrics_counter(metrics, "lynks_http_opened_streams_total",
                                  "Event streams that began.", labels);
    return all;
}

void http_streams_close(struct http_streams *all)
{
    for (struct http_stream *s; (s = LIST_FIRST(struct http_stream, &all->open, link)) != NULL;) {
        (void)flush_stream(s);
        close_stream(s);
    }
}

void http_streams_free(struct http_streams **streams)
{
    struct http_streams *all = *streams;
    if (all == NULL) {
        return;
    }
    http_streams_close(all);
    clock_cancel(loop_clock(all->loop), all->timer);
    loop_late_remove(&all->late);
    http_chunk_unref(&all->end);
    mem_free(streams);
}

/* Small pieces go out at once; a peer that is silent, or takes nothing, is given up by the kernel;
 * and what it holds of a stream is bounded. Each only fails on what is no TCP socket. */
static void set_stream_options(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, HTTP_STREAM_SILENT_MS},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, PROBE_FIRST_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, PROBE_AGAIN_S},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
    }
}

void http_streams_open(struct http_streams *all, struct http_conn *conn, struct str head,
                       bool is_chunked, const struct http_producer *producer, void *arg)
{
    struct http_stream *stream = mem_alloc(sizeof(*stream));
    stream->all = all;
    stream->conn = conn;
    stream->producer = producer;
    stream->arg = arg;
    stream->is_chunked = is_chunked;
    stream->wants_room = true;
    list_add(&all->open, &stream->link);
    list_init(&stream->ready);
    set_stream_options(conn->fd);
    http_conns_enter(all->conns, conn, HTTP_STREAMING);
    loop_fd_add(all->loop, conn->fd, EPOLLIN, on_stream_event, stream);
    metric_set(all->open_gauge, (int64_t)++all->count);
    metric_inc(all->opened);
    struct http_chunk *first = make_chunk(str_of(""), head, str_of(""));
    enqueue_chunk(stream, first);
    http_chunk_unref(&first);
}

void http_streams_drain(struct http_streams *all)
{
    all->is_draining = true;
    LIST_EACH (struct http_stream, stream, &all->open, link) {
        make_ready(stream);
    }
}

size_t http_streams_count(const struct http_streams *streams)
{
    return streams->count;
}
