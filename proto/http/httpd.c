#include "proto/http/httpd.h"

#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/http/http_conns.h"
#include "proto/http/http_drain.h"
#include "proto/http/http_front.h"
#include "proto/http/http_linger.h"
#include "proto/http/http_listen.h"
#include "proto/http/http_split.h"
#include "proto/http/httpd_request.h"

_Static_assert(MHD_VERSION == 0x00097500, "http_split.h knows how this version takes heads apart");

/* Connections that are cut to let others in still count for MHD until it has closed them. */
#define CLOSING_CONNECTIONS 128
/* Rounds of MHD in one turn of the loop; then everybody else gets theirs. */
#define PUMP_ROUNDS 16
/* Rounds without any callback: a peer keeps MHD turning in vain (a chunk header without an end).
 * Its deadline ends that; until then MHD gets a little time now and then. */
#define VAIN_ROUNDS 4
#define VAIN_PAUSE_MS 5
#define FREE_ROUNDS 64

struct httpd {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    int listen_fd; /* -1 once given up */
    bool listen_fd_inherited;
    int epoll_fd; /* MHD's */
    struct http_conns *conns;
    struct http_linger *linger;
    struct http_streams *streams;
    struct http_front *front;
    struct http_conn *handed; /* to MHD, which has not told of it yet */
    bool (*wants_stream)(void *arg, struct str method, struct str path);
    size_t (*larger_body_bytes_max)(void *arg, struct str method, struct str path);
    httpd_handler_fn *fn;
    void *fn_arg;
    struct httpd_requests requests;
    struct http_drain drain; /* begun: answers close their connection */
    bool ending;             /* the handler is not called any more */
    bool resumed;            /* a connection waits for MHD to look at it */
    uint64_t callbacks;
    uint64_t pump_timer;      /* 0: none */
    struct loop_late answers; /* of this turn, to be pumped out */
};

/* ---- answers ---- */

static void add_header(void *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static struct MHD_Response *make_body(struct http_response *answer)
{
    size_t bytes;
    uint64_t file_offset, file_bytes;
    int file_fd = http_response_steal_file(answer, &file_offset, &file_bytes);
    if (file_fd >= 0) {
        return MHD_create_response_from_fd_at_offset64(file_bytes, file_fd, file_offset);
    }
    const char *lent = http_response_lent_body(answer, &bytes);
    if (lent != NULL) {
        /* The library does not write to it, whatever its type says. */
        return MHD_create_response_from_buffer(bytes, (void *)(uintptr_t)lent,
                                               MHD_RESPMEM_PERSISTENT);
    }
    char *body = http_response_steal_body(answer, &bytes);
    return MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_MUST_FREE);
}

/* Takes *response. */
static void make_answer(struct httpd_request *request, struct http_response **response)
{
    AUTO(http_response_free) struct http_response *answer = STEAL(*response);
    assert(!http_response_is_stream(answer));
    struct MHD_Response *mhd = make_body(answer);
    if (mhd == NULL) {
        abort(); /* out of memory: see base.h */
    }
    http_response_each_header(answer, add_header, mhd);
    /* Where a chunked body ends, its trailer included, is the library's word alone. */
    if (http_response_is_closing(answer) || request->httpd->drain.begun ||
        request->error != ERR_OK || request->is_chunked) {
        MHD_add_response_header(mhd, "Connection", "close");
    }
    request->response = mhd;
    request->status = (unsigned)http_response_status(answer);
}

static void make_ending(struct httpd_request *request)
{
    struct http_response *response = http_response_new(503);
    http_response_close(response);
    make_answer(request, &response);
}

static enum MHD_Result queue_answer(struct httpd_request *request)
{
    struct MHD_Response *response = STEAL(request->response);
    http_conns_enter(request->httpd->conns, request->conn, HTTP_SENDING);
    enum MHD_Result queued = MHD_queue_response(request->mhd, request->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void park(struct httpd_request *request)
{
    MHD_suspend_connection(request->mhd);
    request->parked = true;
}

/* No descriptor wakes MHD after this, so a pump is asked for: one at the end of this turn of the
 * loop, for all answers that came in it. */
static void unpark(struct httpd_request *request)
{
    struct httpd *httpd = request->httpd;
    request->parked = false;
    (void)queue_answer(request);
    MHD_resume_connection(request->mhd);
    httpd->resumed = true;
    loop_late_add(httpd->loop, &httpd->answers);
}

/* MHD is about to answer this request in its own words, and in vain: what we send ends what can be
 * sent. */
static void send_before_library(struct httpd_request *request, struct http_response **response)
{
    AUTO(http_response_free) struct http_response *answer = STEAL(*response);
    struct str body = http_response_body(answer);
    AUTO(mem_free) char *framing = mem_printf("Content-Length: %zu\r\n", body.bytes);
    struct strbuf text = {0};
    http_response_write_head(answer, framing, &text);
    strbuf_add(&text, body);
    (void)send(request->conn->fd, text.data, text.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    strbuf_fini(&text);
}

/* An answer from inside the handler, or while the request is still to be parked, is queued by
 * whoever called the handler. */
void httpd_respond(struct httpd_request *request, struct http_response **response)
{
    assert(request->owed);
    request->owed = false;
    if (request->all == NULL) {
        http_response_free(response);
        httpd_request_free(request);
        return;
    }
    if (request->visitor != NULL) {
        struct http_visitor *visitor = request->visitor;
        httpd_request_detach(request);
        http_front_respond(visitor, response);
        return;
    }
    if (request->is_refused_by_library) {
        send_before_library(request, response);
        return;
    }
    make_answer(request, response);
    if (request->parked) {
        unpark(request);
    }
}

static enum MHD_Result dispatch(struct httpd_request *request)
{
    struct httpd *httpd = request->httpd;
    if (httpd->ending) {
        make_ending(request);
    } else {
        request->owed = true;
        httpd->fn(httpd->fn_arg, request, request->error);
    }
    if (request->response != NULL) {
        return queue_answer(request);
    }
    http_conns_enter(httpd->conns, request->conn, HTTP_WAITING);
    return MHD_YES;
}

/* ---- a request comes in ---- */

/* Answers before the body is read; MHD then closes the connection. */
static enum MHD_Result refuse_unread(struct httpd_request *request, enum err error)
{
    httpd_request_refuse(request, error);
    request->conn->linger = true;
    enum MHD_Result result = dispatch(request);
    if (request->owed) {
        park(request); /* or MHD would go on to the body */
    }
    return result;
}

static void add_to_split(void *split, struct str name, struct str value)
{
    http_split_add(split, name, value);
}

static void allow_larger_body(struct httpd_request *request)
{
    const struct httpd *httpd = request->httpd;
    const size_t max = httpd->larger_body_bytes_max == NULL
                           ? 0
                           : httpd->larger_body_bytes_max(httpd->fn_arg, str_of(request->method),
                                                          str_of(request->path));
    request->body_bytes_max = max > request->body_bytes_max ? max : request->body_bytes_max;
}

/* MHD calls first with the header alone. To answer then would close the connection, so a sound
 * request waits for the next call. */
static enum MHD_Result begin(struct httpd_request *request, const char *path, const char *method,
                             const char *version)
{
    struct http_split split;
    const union MHD_ConnectionInfo *head =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    http_split_begin(&split, method, request->target, version);
    request->method = method;
    bool is_sound = httpd_request_set_path(request, path);
    httpd_each_header(request, add_to_split, &split);
    if (!is_sound || !http_split_is_plain(&split, head->header_size) ||
        !http_framing_is_sound(&split.framing, version) ||
        !http_framing_names_host(&split.framing, version)) {
        return refuse_unread(request, ERR_BAD_REQUEST);
    }
    request->is_chunked = split.framing.chunked;
    if (split.framing.length > request->body_bytes_max || request->is_chunked) {
        allow_larger_body(request);
    }
    if (split.framing.length > request->body_bytes_max) {
        return refuse_unread(request, ERR_TOO_LARGE);
    }
    return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *path,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_bytes, void **context)
{
    struct httpd *httpd = cls;
    struct httpd_request *request = *context;
    (void)mhd;
    httpd->callbacks++;
    if (request->path == NULL) {
        return begin(request, path, method, version);
    }
    if (*data_bytes > 0) {
        size_t bytes = *data_bytes;
        *data_bytes = 0;
        return httpd_request_take_body(request, data, bytes) ? MHD_YES : MHD_NO;
    }
    enum MHD_Result result = dispatch(request);
    if (request->owed) {
        httpd_request_park_later(request);
    }
    return result;
}

/* ---- what stays with us ---- */

static bool on_front_keeps(void *arg, struct str method, struct str path)
{
    const struct httpd *httpd = arg;
    return httpd->wants_stream != NULL && httpd->wants_stream(httpd->fn_arg, method, path);
}

static void on_front_request(void *arg, struct http_visitor *visitor, struct http_head_copy **head,
                             enum err error)
{
    struct httpd *httpd = arg;
    struct httpd_request *request = httpd_request_new(&httpd->requests, http_visitor_conn(visitor));
    http_visitor_set_data(visitor, request);
    request->httpd = httpd;
    request->visitor = visitor;
    request->head = STEAL(*head);
    request->method = request->head->method;
    request->path = request->head->path;
    request->authority = mem_strdup(request->head->authority);
    request->query = mem_strdup(request->head->query);
    if (error != ERR_OK) {
        httpd_request_refuse(request, error);
    }
    request->owed = true;
    httpd->fn(httpd->fn_arg, request, error);
}

static void on_front_gone(void *arg, struct http_visitor *visitor)
{
    struct httpd_request *request = http_visitor_data(visitor);
    (void)arg;
    request->visitor = NULL;
    httpd_request_detach(request);
}

/* MHD tells of it, or closes it, before it returns. */
static void on_front_hand_over(void *arg, struct http_conn *conn)
{
    struct httpd *httpd = arg;
    struct sockaddr_in6 from = {.sin6_family = AF_INET6};
    memcpy(&from.sin6_addr, conn->address, sizeof(conn->address));
    httpd->handed = conn;
    (void)MHD_add_connection(httpd->daemon, conn->fd, (const struct sockaddr *)&from, sizeof(from));
    if (httpd->handed != NULL) {
        http_conns_remove(httpd->conns, STEAL(httpd->handed));
    }
    loop_late_add(httpd->loop, &httpd->answers);
}

static const struct http_front_owner front_owner = {
    .hand_over = on_front_hand_over,
    .keeps = on_front_keeps,
    .on_request = on_front_request,
    .on_gone = on_front_gone,
};

/* ---- what MHD tells about connections ---- */

/* The request line is there: the request begins. Its result is the request's context from here on.
 */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct httpd *httpd = cls;
    struct http_conn *conn =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    httpd->callbacks++;
    if (conn->phase == HTTP_IDLE) {
        http_conns_enter(httpd->conns, conn, HTTP_RECEIVING);
    }
    struct httpd_request *request = httpd_request_new(&httpd->requests, conn);
    request->httpd = httpd;
    request->mhd = mhd;
    /* MHD takes it apart later, where it stands. */
    const char *mark = strchr(uri, '?');
    request->query = mark == NULL ? NULL : mem_strdup(mark + 1);
    request->target = http_has_control(str_of(uri)) ? STR_NONE : str_of(uri);
    return request;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct httpd *httpd = cls;
    struct httpd_request *request = *context;
    (void)mhd;
    (void)code;
    httpd->callbacks++;
    if (request != NULL) {
        http_conns_enter(httpd->conns, request->conn, HTTP_IDLE);
        httpd_request_detach(request);
        *context = NULL;
    }
}

static void on_mhd_connection(void *cls, struct MHD_Connection *mhd, void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct httpd *httpd = cls;
    struct http_conn *conn = *context;
    httpd->callbacks++;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        conn = STEAL(httpd->handed);
        conn->server_data = mhd;
        *context = conn;
        return;
    }
    if (conn->linger && !httpd->ending) {
        http_linger_add(httpd->linger, conn->fd);
    }
    http_conns_remove(httpd->conns, conn);
    *context = NULL;
}

/* What MHD is about to refuse in its own words is refused by the handler before. MHD tells of it in
 * its log, not which request it is; but the one whose header it has got to the end of without
 * calling the handler can only be this. (MHD 0.9.75 would send the head of such an answer twice.)
 */
static void on_library_log(void *cls, const char *format, va_list args)
{
    struct httpd *httpd = cls;
    struct httpd_request *request = NULL;
    if (httpd->ending || strstr(format, "HTTP response code is %u") == NULL) {
        return;
    }
    unsigned status = va_arg(args, unsigned);
    LIST_EACH (struct httpd_request, r, &httpd->requests.list, link) {
        if (r->mhd != NULL && r->path == NULL &&
            MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE) != NULL) {
            request = r;
        }
    }
    if (request == NULL) {
        return;
    }
    request->is_refused_by_library = true;
    request->method = "";
    request->path = "";
    httpd_request_refuse(request, status == MHD_HTTP_CONTENT_TOO_LARGE ? ERR_TOO_LARGE
                                  : status == MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE
                                      ? ERR_HEAD_TOO_LARGE
                                      : ERR_BAD_REQUEST);
    request->conn->linger = true;
    request->owed = true;
    httpd->fn(httpd->fn_arg, request, request->error);
    (void)shutdown(request->conn->fd, SHUT_WR);
}

/* The shutdown does not wake MHD for a connection that it turns in vain: its own timeout does. One
 * that MHD does not have yet is closed by whoever has it. */
static void on_cut(void *arg, struct http_conn *conn)
{
    (void)arg;
    if (conn->server_data == NULL) {
        return;
    }
    (void)MHD_set_connection_option(conn->server_data, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
}

/* Paths are compared as they were sent: an escaped one is another path, and no escape can hide a
 * NUL. */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

/* ---- turning MHD ---- */

static bool has_more(const struct httpd *httpd)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 1;
    return httpd->resumed ||
           (MHD_get_timeout(httpd->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0);
}

/* A request is suspended only after the round in which it came: suspended from inside its handler,
 * MHD would read from the connection again before it sends the answer, and drop both if the peer
 * has closed its half. */
static void run(struct httpd *httpd)
{
    httpd->resumed = false;
    MHD_run(httpd->daemon);
    struct httpd_request *request;
    while ((request = httpd_requests_next_to_park(&httpd->requests)) != NULL) {
        if (request->response != NULL) {
            (void)queue_answer(request);
        } else {
            park(request);
        }
    }
}

static void pump(void *arg)
{
    struct httpd *httpd = arg;
    unsigned vain = 0;
    clock_cancel(loop_clock(httpd->loop), httpd->pump_timer);
    httpd->pump_timer = 0;
    loop_late_remove(&httpd->answers);
    for (unsigned i = 0; i < PUMP_ROUNDS && vain < VAIN_ROUNDS; i++) {
        uint64_t before = httpd->callbacks;
        run(httpd);
        vain = httpd->callbacks == before ? vain + 1 : 0;
        if (!has_more(httpd)) {
            return;
        }
    }
    httpd->pump_timer =
        clock_after(loop_clock(httpd->loop), vain == VAIN_ROUNDS ? VAIN_PAUSE_MS : 0, pump, httpd);
}

static void on_epoll(void *arg, uint32_t events)
{
    (void)events;
    pump(arg);
}

/* ---- life ---- */

static bool start(struct httpd *httpd, struct metrics *metrics, const struct httpd_config *config,
                  const char **ret_why)
{
    httpd->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, on_access, httpd, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, httpd,
        MHD_OPTION_CONNECTION_LIMIT, config->connections_max + CLOSING_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->header_bytes_max,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, config->header_bytes_max / 4,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION, on_mhd_connection, httpd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, httpd, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, httpd, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, httpd, MHD_OPTION_END);
    if (httpd->daemon == NULL) {
        *ret_why = "the HTTP server cannot be started";
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    const struct http_front_config front = {
        .name = config->name,
        .listen_fd = httpd->listen_fd,
        .header_bytes_max = config->header_bytes_max,
        .streams_max = config->streams_max,
        .owner = &front_owner,
        .owner_arg = httpd,
    };
    httpd->front =
        http_front_new(httpd->loop, metrics, &front, httpd->conns, httpd->linger, httpd->streams);
    httpd->epoll_fd = info->epoll_fd;
    loop_fd_add(httpd->loop, httpd->epoll_fd, EPOLLIN, on_epoll, httpd);
    pump(httpd);
    return true;
}

/* What waits in the backlog would be reset with the socket. A socket that was handed over lives on
 * with whoever handed it over, and its backlog too. At the end nobody is left to answer. */
static void stop_accepting(void *arg)
{
    struct httpd *httpd = arg;
    http_front_stop(httpd->front, !httpd->listen_fd_inherited && !httpd->ending);
    close(httpd->listen_fd);
    httpd->listen_fd = -1;
    if (!httpd->ending) {
        pump(httpd);
    }
    http_conns_cut_all(httpd->conns, HTTP_IDLE);
    http_streams_close(httpd->streams);
}

struct httpd *httpd_new(struct loop *loop, struct metrics *metrics,
                        const struct httpd_config *config, httpd_handler_fn *fn, void *arg,
                        const char **ret_why)
{
    assert(config->header_bytes_max >= 1024 && config->request_timeout_ms > 0);
    assert(config->wants_stream == NULL || config->stall_timeout_ms > 0);
    struct httpd *httpd = mem_alloc(sizeof(*httpd));
    const struct http_conns_config conns = {
        .name = config->name,
        .max = config->connections_max,
        .per_address_max = config->connections_per_address_max,
        .request_timeout_ms = config->request_timeout_ms,
        .idle_timeout_ms = config->idle_timeout_ms,
        .stall_timeout_ms = config->stall_timeout_ms,
    };
    httpd->loop = loop;
    httpd->fn = fn;
    httpd->fn_arg = arg;
    loop_late_init(&httpd->answers, pump, httpd);
    httpd_requests_init(&httpd->requests, metrics, config->name, config->body_bytes_max,
                        config->body_bytes_total_max);
    httpd->epoll_fd = -1;
    httpd->conns = http_conns_new(loop_clock(loop), metrics, &conns, on_cut, httpd);
    httpd->linger = http_linger_new(loop);
    httpd->streams = http_streams_new(loop, metrics, config->name, httpd->conns);
    httpd->wants_stream = config->wants_stream;
    httpd->larger_body_bytes_max = config->larger_body_bytes_max;
    httpd->drain = (struct http_drain){
        .clock = loop_clock(loop), .conns = httpd->conns, .stop = stop_accepting, .arg = httpd};
    httpd->listen_fd_inherited = config->listen_fd > 0;
    httpd->listen_fd = httpd->listen_fd_inherited
                           ? config->listen_fd
                           : http_listen(config->host, config->port, ret_why);
    if (httpd->listen_fd < 0 || !start(httpd, metrics, config, ret_why)) {
        httpd_free(&httpd);
    }
    return httpd;
}

void httpd_drain(struct httpd *httpd, uint64_t patience_ms)
{
    http_streams_drain(httpd->streams);
    http_drain_begin(&httpd->drain, patience_ms);
}

bool httpd_is_drained(const struct httpd *httpd)
{
    return httpd->requests.count == 0 && http_streams_count(httpd->streams) == 0 &&
           http_drain_is_over(&httpd->drain);
}

/* MHD may not be stopped while a connection is suspended. */
static void answer_all(struct httpd *httpd)
{
    LIST_EACH (struct httpd_request, r, &httpd->requests.list, link) {
        if (r->parked) {
            make_ending(r);
            unpark(r);
        }
    }
}

void httpd_free(struct httpd **httpd_ref)
{
    struct httpd *httpd = *httpd_ref;
    if (httpd == NULL) {
        return;
    }
    if (httpd->daemon != NULL) {
        httpd->ending = true;
        httpd_drain(httpd, 0);
        http_front_free(&httpd->front);
        http_streams_free(&httpd->streams);
        answer_all(httpd);
        for (unsigned i = 0; i < FREE_ROUNDS && (i < 2 || has_more(httpd)); i++) {
            run(httpd);
        }
        loop_fd_remove(httpd->loop, httpd->epoll_fd);
        MHD_stop_daemon(httpd->daemon);
        clock_cancel(loop_clock(httpd->loop), httpd->pump_timer);
        loop_late_remove(&httpd->answers);
    }
    if (httpd->listen_fd >= 0) {
        close(httpd->listen_fd);
    }
    http_streams_free(&httpd->streams);
    http_linger_free(&httpd->linger);
    http_conns_free(&httpd->conns);
    mem_free(httpd_ref);
}

bool httpd_is_accepting(const struct httpd *httpd)
{
    return http_front_is_accepting(httpd->front);
}

size_t httpd_open_requests(const struct httpd *httpd)
{
    return httpd->requests.count;
}

size_t httpd_open_streams(const struct httpd *httpd)
{
    return http_streams_count(httpd->streams);
}

size_t httpd_open_connections(const struct httpd *httpd)
{
    return http_conns_count(httpd->conns);
}

uint16_t httpd_port(const struct httpd *httpd)
{
    return http_listen_port(httpd->listen_fd);
}

/* ---- of a request ---- */

const char *httpd_header(const struct httpd_request *request, const char *name)
{
    if (request->authority != NULL && strcasecmp(name, "Host") == 0) {
        return request->authority;
    }
    if (request->head != NULL) {
        return http_head_copy_find(request->head, name);
    }
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct visit {
    httpd_header_fn *fn;
    void *arg;
};

static enum MHD_Result visit_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                    size_t name_bytes, const char *value, size_t value_bytes)
{
    const struct visit *visit = cls;
    (void)kind;
    visit->fn(visit->arg, (struct str){.data = name, .bytes = name_bytes},
              (struct str){.data = value == NULL ? "" : value, .bytes = value_bytes});
    return MHD_YES;
}

void httpd_each_header(const struct httpd_request *request, httpd_header_fn *fn, void *arg)
{
    struct visit visit = {.fn = fn, .arg = arg};
    for (size_t i = 0; request->head != NULL && i < request->head->field_count; i++) {
        const struct http_head_field *field = &request->head->fields[i];
        fn(arg, str_of(field->name), str_of(field->value));
    }
    if (request->mhd == NULL) {
        return;
    }
    MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, visit_header, &visit);
}
