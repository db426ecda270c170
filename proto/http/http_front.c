#include "proto/http/http_front.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/http/http_listen.h"

/* Taken in one turn of the loop; then everybody else gets theirs. */
#define ACCEPT_BATCH 64
/* Without descriptors for another connection, they are looked for again after this. */
#define ACCEPT_PAUSE_MS 100
/* Somebody who has waited for so long finds that nobody accepts. */
#define ACCEPT_STALL_MS 2000
/* What is read and thrown away of a client that goes on sending while it is answered. */
#define DISCARD_BYTES_MAX 65536
/* What the library needs for each field, besides its text. */
#define FIELD_COST_BYTES 64

enum visitor_state {
    VISITOR_READING,   /* its head is awaited */
    VISITOR_ASKED,     /* the owner has its request */
    VISITOR_ANSWERING, /* the answer is being sent */
    VISITOR_GONE,      /* to be freed when the events that are at hand have been seen to */
};

struct http_visitor {
    struct list_link link; /* of the front's */
    struct http_front *front;
    struct http_conn *conn;
    enum visitor_state state;
    bool is_http_1_0, wants_no_body; /* of its request, from ASKED on */
    void *data;
    size_t discarded_bytes;
    struct strbuf answer;
    size_t sent;
    int file_fd; /* what follows answer; -1: nothing */
    off_t file_offset;
    uint64_t file_bytes; /* still to be sent */
};

struct http_front {
    struct loop *loop;
    struct http_conns *conns;
    struct http_linger *linger;
    struct http_streams *streams;
    const struct http_front_owner *owner;
    void *owner_arg;
    int epoll_fd;  /* a set of our own, edge-triggered but for the listening socket */
    int listen_fd; /* -1: accepts no more */
    unsigned streams_max;
    size_t kept_count; /* visitors from ASKED on */
    struct list_link visitors, gone;
    http_accept_fn *accept;
    uint64_t pause_timer;      /* 0: none */
    uint64_t stalled_since_ms; /* somebody was seen to wait, and none was accepted since; 0: no */
    struct metric *pauses, *refused_streams;
    size_t peek_bytes_max;
    char *peeked; /* the head that is being looked at */
};

/* ---- visitors ---- */

static void watch_visitor(struct http_visitor *visitor, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events | (uint32_t)EPOLLRDHUP | (uint32_t)EPOLLET,
                                .data.ptr = visitor};
    if (epoll_ctl(visitor->front->epoll_fd, operation, visitor->conn->fd, &event) != 0) {
        abort(); /* out of memory: see base.h */
    }
}

/* Its descriptor is somebody else's, or closed, from now on. */
static void forget_visitor(struct http_visitor *visitor)
{
    struct http_front *front = visitor->front;
    watch_visitor(visitor, EPOLL_CTL_DEL, 0);
    front->kept_count -= visitor->state != VISITOR_READING;
    strbuf_fini(&visitor->answer);
    if (visitor->file_fd >= 0) {
        close(visitor->file_fd);
    }
    visitor->state = VISITOR_GONE;
    list_remove(&visitor->link);
    list_add(&front->gone, &visitor->link);
}

static void free_gone(struct http_front *front)
{
    for (struct http_visitor *visitor;
         (visitor = LIST_FIRST(struct http_visitor, &front->gone, link)) != NULL;) {
        list_remove(&visitor->link);
        mem_free(&visitor);
    }
}

static void close_visitor(struct http_visitor *visitor)
{
    struct http_front *front = visitor->front;
    struct http_conn *conn = visitor->conn;
    if (visitor->state == VISITOR_ASKED) {
        front->owner->on_gone(front->owner_arg, visitor);
    }
    forget_visitor(visitor);
    close(conn->fd);
    http_conns_remove(front->conns, conn);
}

/* A client that still sends would lose its answer with an ordinary close. */
static void close_answered(struct http_visitor *visitor)
{
    (void)shutdown(visitor->conn->fd, SHUT_WR);
    http_linger_add(visitor->front->linger, visitor->conn->fd);
    close_visitor(visitor);
}

static void hand_visitor_over(struct http_visitor *visitor)
{
    struct http_front *front = visitor->front;
    struct http_conn *conn = visitor->conn;
    forget_visitor(visitor);
    front->owner->hand_over(front->owner_arg, conn);
}

/* ---- answers ---- */

/* As much as the kernel takes at a time, as send. */
static ssize_t send_piece(struct http_visitor *visitor)
{
    if (visitor->sent < visitor->answer.bytes) {
        ssize_t n = send(visitor->conn->fd, visitor->answer.data + visitor->sent,
                         visitor->answer.bytes - visitor->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        visitor->sent += n > 0 ? (size_t)n : 0;
        return n;
    }
    ssize_t n =
        sendfile(visitor->conn->fd, visitor->file_fd, &visitor->file_offset, visitor->file_bytes);
    visitor->file_bytes -= n > 0 ? (uint64_t)n : 0;
    return n;
}

static void send_answer(struct http_visitor *visitor)
{
    while (visitor->sent < visitor->answer.bytes || visitor->file_bytes > 0) {
        ssize_t n = send_piece(visitor);
        if (n < 0 && errno == EAGAIN) {
            watch_visitor(visitor, EPOLL_CTL_MOD, (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT);
            return;
        }
        if (n == 0 || (n < 0 && errno != EINTR)) { /* 0: the file has become shorter */
            close_visitor(visitor);
            return;
        }
    }
    close_answered(visitor);
}

static void begin_stream(struct http_visitor *visitor, struct http_response *response)
{
    struct http_front *front = visitor->front;
    struct http_conn *conn = visitor->conn;
    bool is_chunked = !visitor->is_http_1_0;
    struct strbuf head = {0};
    void *arg;
    const struct http_producer *producer = http_response_steal_producer(response, &arg);
    http_response_write_head(response, is_chunked ? "Transfer-Encoding: chunked\r\n" : "", &head);
    forget_visitor(visitor);
    http_streams_open(front->streams, conn, strbuf_str(&head), is_chunked, producer, arg);
    strbuf_fini(&head);
}

void http_front_respond(struct http_visitor *visitor, struct http_response **response)
{
    AUTO(http_response_free) struct http_response *answer = STEAL(*response);
    assert(visitor->state == VISITOR_ASKED);
    if (http_response_is_stream(answer)) {
        begin_stream(visitor, answer);
        return;
    }
    struct str body = http_response_body(answer);
    uint64_t offset, bytes;
    visitor->file_fd = http_response_steal_file(answer, &offset, &bytes);
    bytes = visitor->file_fd >= 0 ? bytes : body.bytes;
    AUTO(mem_free)
    char *framing = http_response_status(answer) == 204 || http_response_status(answer) == 304
                        ? mem_strdup("")
                        : mem_printf("Content-Length: %" PRIu64 "\r\n", bytes);
    http_response_write_head(answer, framing, &visitor->answer);
    if (!visitor->wants_no_body) {
        strbuf_add(&visitor->answer, body);
        visitor->file_offset = (off_t)offset;
        visitor->file_bytes = visitor->file_fd >= 0 ? bytes : 0;
    }
    visitor->state = VISITOR_ANSWERING;
    http_conns_enter(visitor->front->conns, visitor->conn, HTTP_SENDING);
    send_answer(visitor);
}

/* ---- the first request ---- */

/* Takes the head off the connection and gives the request to the owner. */
static void ask(struct http_visitor *visitor, const struct http_head *head, enum err error)
{
    struct http_front *front = visitor->front;
    struct http_head_copy *copy = http_head_copy(head);
    visitor->is_http_1_0 = strcmp(copy->version, "HTTP/1.0") == 0;
    visitor->wants_no_body = strcmp(copy->method, "HEAD") == 0;
    visitor->state = VISITOR_ASKED;
    front->kept_count++;
    http_conns_enter(front->conns, visitor->conn, HTTP_WAITING);
    front->owner->on_request(front->owner_arg, visitor, &copy, error);
}

/* bytes of it are there; is_all: nothing follows. */
static void look_at_head(struct http_visitor *visitor, size_t bytes, bool is_all)
{
    struct http_front *front = visitor->front;
    struct http_head head;
    enum err err = http_head_read((struct str){.data = front->peeked, .bytes = bytes}, &head);
    size_t cost = head.bytes + head.field_count * FIELD_COST_BYTES;
    bool is_partial = err == ERR_OK && head.bytes == 0 && bytes < front->peek_bytes_max;
    if (is_partial) {
        if (is_all) {
            close_visitor(visitor);
        }
        return;
    }
    if (err == ERR_OK && (head.bytes == 0 || cost > front->peek_bytes_max)) {
        err = head.version.bytes == 0 ? ERR_URI_TOO_LONG : ERR_HEAD_TOO_LARGE;
    }
    if (err != ERR_OK) {
        ask(visitor, &head, err);
    } else if (!front->owner->keeps(front->owner_arg, head.method, head.parts.path)) {
        hand_visitor_over(visitor);
    } else if (!http_head_is_strict(&head)) {
        ask(visitor, &head, ERR_BAD_REQUEST);
    } else if (http_streams_count(front->streams) + front->kept_count >= front->streams_max) {
        metric_inc(front->refused_streams);
        ask(visitor, &head, ERR_OVERLOADED);
    } else {
        /* What was peeked is taken, over itself. */
        (void)recv(visitor->conn->fd, front->peeked, head.bytes, MSG_DONTWAIT);
        ask(visitor, &head, ERR_OK);
    }
}

static void discard(struct http_visitor *visitor)
{
    char bin[4096];
    ssize_t n;
    do {
        n = recv(visitor->conn->fd, bin, sizeof(bin), MSG_DONTWAIT);
        visitor->discarded_bytes += n > 0 ? (size_t)n : 0;
    } while (n > 0 && visitor->discarded_bytes <= DISCARD_BYTES_MAX);
    if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
        close_visitor(visitor);
    }
}

static void on_visitor_event(struct http_visitor *visitor, uint32_t events)
{
    struct http_front *front = visitor->front;
    if (visitor->state == VISITOR_READING) {
        ssize_t n =
            recv(visitor->conn->fd, front->peeked, front->peek_bytes_max, MSG_PEEK | MSG_DONTWAIT);
        if (n > 0) {
            look_at_head(visitor, (size_t)n, (events & ~(uint32_t)EPOLLIN) != 0);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_visitor(visitor);
        }
    } else if (visitor->state == VISITOR_ANSWERING && (events & EPOLLOUT) != 0) {
        send_answer(visitor);
    } else if (visitor->state != VISITOR_GONE) {
        discard(visitor);
    }
}

/* ---- accepting ---- */

static void welcome(struct http_front *front, int fd, const struct sockaddr *from)
{
    uint8_t address[16];
    http_address_read(from, address);
    if (!http_conns_admit(front->conns, address)) {
        close(fd);
        return;
    }
    struct http_visitor *visitor = mem_alloc(sizeof(*visitor));
    visitor->front = front;
    visitor->conn = http_conns_add(front->conns, address, fd);
    visitor->file_fd = -1;
    list_add(&front->visitors, &visitor->link);
    watch_visitor(visitor, EPOLL_CTL_ADD, EPOLLIN);
}

static void watch_listener(struct http_front *front, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(front->epoll_fd, operation, front->listen_fd, &event) != 0) {
        abort(); /* out of memory: see base.h */
    }
}

static void resume_accepting(void *arg)
{
    struct http_front *front = arg;
    front->pause_timer = 0;
    watch_listener(front, EPOLL_CTL_ADD);
}

static void note_waiting(struct http_front *front)
{
    if (front->stalled_since_ms == 0) {
        front->stalled_since_ms = clock_mono_ms(loop_clock(front->loop));
    }
}

/* The connection stays in the backlog, so that the listening socket would wake the loop in vain
 * until somebody gives back what is missing. */
static void pause_accepting(struct http_front *front)
{
    metric_inc(front->pauses);
    note_waiting(front);
    watch_listener(front, EPOLL_CTL_DEL);
    front->pause_timer =
        clock_after(loop_clock(front->loop), ACCEPT_PAUSE_MS, resume_accepting, front);
}

/* Takes up to max connections; false: there is none left, or no room for it (errno says which). */
static bool accept_some(struct http_front *front, size_t max)
{
    struct sockaddr_storage from;
    socklen_t bytes;
    for (size_t i = 0; i < max;) {
        int fd = front->accept(front->listen_fd, &from, &bytes);
        if (fd >= 0 || errno == EAGAIN) {
            front->stalled_since_ms = 0;
        }
        if (fd >= 0) {
            welcome(front, fd, (const struct sockaddr *)&from);
            i++;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return false;
        }
    }
    return true;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Who is accepted in the first round has mostly sent a request, which the second one finds. */
static void on_front_events(void *arg, uint32_t unused)
{
    struct http_front *front = arg;
    struct epoll_event events[ACCEPT_BATCH];
    (void)unused;
    for (int round = 0; round < 2; round++) {
        int count = epoll_wait(front->epoll_fd, events, ARRAY_LEN(events), 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL) {
                on_visitor_event(events[i].data.ptr, events[i].events);
            } else if (front->listen_fd >= 0 && !accept_some(front, ACCEPT_BATCH) &&
                       is_shortage(errno)) {
                pause_accepting(front);
            }
        }
    }
    free_gone(front);
}

bool http_front_is_accepting(struct http_front *front)
{
    struct pollfd listener = {.fd = front->listen_fd, .events = POLLIN};
    if (front->listen_fd >= 0 && poll(&listener, 1, 0) > 0) {
        note_waiting(front);
    }
    uint64_t now_ms = clock_mono_ms(loop_clock(front->loop));
    return front->stalled_since_ms == 0 || now_ms - front->stalled_since_ms < ACCEPT_STALL_MS;
}

void http_front_stop(struct http_front *front, bool takes_rest)
{
    if (front->listen_fd < 0) {
        return;
    }
    if (takes_rest) {
        (void)accept_some(front, HTTP_BACKLOG); /* others may go on coming */
        LIST_EACH (struct http_visitor, visitor, &front->visitors, link) {
            if (visitor->state == VISITOR_READING) {
                on_visitor_event(visitor, EPOLLIN);
            }
        }
    }
    if (front->pause_timer == 0) {
        watch_listener(front, EPOLL_CTL_DEL);
    }
    clock_cancel(loop_clock(front->loop), front->pause_timer);
    front->pause_timer = 0;
    front->listen_fd = -1;
}

/* ---- life ---- */

struct http_front *http_front_new(struct loop *loop, struct metrics *metrics,
                                  const struct http_front_config *config, struct http_conns *conns,
                                  struct http_linger *linger, struct http_streams *streams)
{
    struct http_front *front = mem_alloc(sizeof(*front));
    AUTO(mem_free) char *labels = mem_printf("listener=\"%s\"", config->name);
    front->loop = loop;
    front->conns = conns;
    front->linger = linger;
    front->streams = streams;
    front->owner = config->owner;
    front->owner_arg = config->owner_arg;
    front->listen_fd = config->listen_fd;
    front->accept = config->accept == NULL ? http_listen_accept : config->accept;
    front->streams_max = config->streams_max;
    front->peek_bytes_max = config->header_bytes_max;
    front->peeked = mem_alloc(front->peek_bytes_max);
    list_init(&front->visitors);
    front->pauses = metrics_counter(metrics, "lynks_http_accept_pauses_total",
                                    "Times that there were no descriptors or no memory for "
                                    "another connection.",
                                    labels);
    front->refused_streams = metrics_counter(metrics, "lynks_http_refused_streams_total",
                                             "Event streams refused: too many.", labels);
    list_init(&front->gone);
    front->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (front->epoll_fd < 0) {
        abort(); /* out of memory: see base.h */
    }
    watch_listener(front, EPOLL_CTL_ADD);
    loop_fd_add(loop, front->epoll_fd, EPOLLIN, on_front_events, front);
    return front;
}

void http_front_free(struct http_front **front_ref)
{
    struct http_front *front = *front_ref;
    if (front == NULL) {
        return;
    }
    http_front_stop(front, false);
    for (struct http_visitor *visitor;
         (visitor = LIST_FIRST(struct http_visitor, &front->visitors, link)) != NULL;) {
        close_visitor(visitor);
    }
    free_gone(front);
    loop_fd_remove(front->loop, front->epoll_fd);
    close(front->epoll_fd);
    free(front->peeked);
    mem_free(front_ref);
}

/* ---- of a visitor ---- */

void http_visitor_set_data(struct http_visitor *visitor, void *data)
{
    visitor->data = data;
}

void *http_visitor_data(const struct http_visitor *visitor)
{
    return visitor->data;
}

struct http_conn *http_visitor_conn(const struct http_visitor *visitor)
{
    return visitor->conn;
}
