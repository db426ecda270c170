#include "janusbridge/janus/janus_http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "janusbridge/janus/janus_fds.h"
#include "janusbridge/janus/janus_host.h"
#include "janusbridge/janus/janus_sieve.h"
#include "proto/base/list.h"
#include "proto/base/log.h"

#define URL_BYTES 1024
#define PATH_BYTES_MAX 700
#define HEADER_BYTES_MAX 16384
#define RECEIVE_BYTES 8192
/* What is kept of one event: three times what PUBLISHERS_MAX publishers need. */
#define EVENT_BYTES_MAX 98304
/* An answer that says that it is longer would never arrive in its time. */
#define LENGTH_MAX (INT64_C(1) << 32)

/* One curl handle with its buffers, used for one transfer after the other. An answer is as long as
 * strangers make it, so it is sieved while it arrives (janus_sieve.h). */
struct slot {
    struct janus_http *http;
    CURL *easy;
    struct janus_transfer *transfer; /* NULL: idle */
    char url[URL_BYTES];
    struct janus_sieve *sieve;
    bool is_json;         /* the answer so far: the sieve takes it */
    size_t ignored_bytes; /* of an answer that is no JSON, or is not asked for as such */
    size_t header_bytes;
    unsigned sent;              /* how often a poll was */
    struct curl_slist *resolve; /* what curl is to take for the host's addresses */
    struct slot *next;          /* of all */
    struct slot *next_idle;     /* of the idle ones */
};

struct janus_transfer {
    struct janus_http *http;
    bool is_poll;
    char *path;
    char *body;
    uint64_t timeout_ms;
    janus_answer_fn *fn;
    void *arg;
    struct slot *slot;     /* NULL: it waits for Janus' address */
    struct list_link link; /* in the http's waiting */
    uint64_t patience;     /* timer of one that waits */
};

struct janus_http {
    struct loop *loop;
    const struct clock *clock;
    struct janus_http_config config;
    char *url;
    char *ca_file;
    CURLM *multi;
    struct curl_slist *headers;
    struct slot *slots, *idle;
    struct janus_fds *fds;
    struct janus_host *host;  /* NULL: the URL has a numeric address */
    char *host_port;          /* "janus:8088", whatever the address */
    struct list_link waiting; /* transfers, until the first address of the host is known */
    uint64_t timer;           /* the loop's */
    uint64_t timer_ms;        /* when it fires */
    uint64_t due_ms;          /* when curl wants to be called; UINT64_MAX: not */
    struct metric *connections_gauge, *seconds;
    struct metric *results[4];
    struct metric *cuts;
    struct log_gate gate;
};

/* ---- timers ---- */

static void turn(struct janus_http *http);

/* curl moves its timer with every request; ours only moves to an earlier time, and looks again when
 * it fires. */
static void arm_curl_timer(struct janus_http *http);

static void on_curl_due(void *arg)
{
    struct janus_http *http = arg;
    http->timer = 0;
    if (clock_mono_ms(http->clock) >= http->due_ms) {
        int running;
        http->due_ms = UINT64_MAX;
        curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        turn(http);
    }
    arm_curl_timer(http);
}

static void arm_curl_timer(struct janus_http *http)
{
    if (http->due_ms == UINT64_MAX || (http->timer != 0 && http->timer_ms <= http->due_ms)) {
        return;
    }
    clock_cancel(http->clock, http->timer);
    const uint64_t now_ms = clock_mono_ms(http->clock);
    http->timer_ms = http->due_ms;
    http->timer = clock_after(http->clock, http->due_ms > now_ms ? http->due_ms - now_ms : 0,
                              on_curl_due, http);
}

/* May run inside any call of curl's, so it calls none. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct janus_http *http = arg;
    (void)multi;
    http->due_ms = timeout_ms < 0 ? UINT64_MAX : clock_mono_ms(http->clock) + (uint64_t)timeout_ms;
    arm_curl_timer(http);
    return 0;
}

/* ---- descriptors ---- */

static void on_socket_ready(void *arg, int fd, bool readable, bool writable)
{
    struct janus_http *http = arg;
    int running;
    curl_multi_socket_action(http->multi, fd,
                             (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0),
                             &running);
    turn(http);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct janus_http *http = arg;
    (void)easy;
    (void)socket_arg;
    const uint32_t events = what == CURL_POLL_REMOVE ? 0
                                                     : (what & CURL_POLL_IN ? EPOLLIN : 0U) |
                                                           (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    janus_fds_want(http->fds, fd, events);
    return 0;
}

/* curl 7.88 closes a socket that never got connected without calling on_close, and says only after
 * that that it need not be watched. So no descriptor is held on to before it has carried an answer
 * (keep). */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct janus_http *http = arg;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    janus_fds_remove(http->fds, fd); /* of a namesake that was closed without a word */
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct janus_http *http = arg;
    janus_fds_remove(http->fds, fd);
    metric_set(http->connections_gauge, (int64_t)janus_fds_kept(http->fds));
    return close(fd);
}

static void keep(struct slot *slot)
{
    struct janus_http *http = slot->http;
    long made = 0;
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &made);
    if (made > 0 && curl_easy_getinfo(slot->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        janus_fds_keep(http->fds, fd);
        metric_set(http->connections_gauge, (int64_t)janus_fds_kept(http->fds));
    }
}

/* ---- answers ---- */

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;
    (void)data;
    slot->header_bytes += size * count;
    return slot->header_bytes > HEADER_BYTES_MAX ? 0 : size * count;
}

/* curl sends a request again, without a word, when a connection that was kept turns out to be
 * closed before an answer has come. This is how it can be seen. */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t bytes, void *arg)
{
    struct slot *slot = arg;
    (void)easy;
    (void)data;
    (void)bytes;
    slot->sent += type == CURLINFO_HEADER_OUT;
    return 0;
}

static bool is_status_200(const struct slot *slot)
{
    long status = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200;
}

/* What comes with another status, or is no JSON, is somebody else's: read to its end, so that the
 * connection can be used again, but not for ever. */
static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;
    const size_t bytes = size * count;
    if (slot->is_json && is_status_200(slot)) {
        slot->is_json = janus_sieve_take(slot->sieve, data, bytes);
        return bytes;
    }
    slot->ignored_bytes += bytes;
    return slot->ignored_bytes > slot->http->config.body_bytes_max ? 0 : bytes;
}

static void count_cuts(const struct slot *slot)
{
    struct janus_http *http = slot->http;
    const size_t cuts = janus_sieve_cuts(slot->sieve);
    if (cuts == 0) {
        return;
    }
    metric_add(http->cuts, cuts);
    log_warn_limited(
        &http->gate, clock_mono_ms(http->clock),
        "janus tells more of a room than is kept: the rest was cut off", LOG_U64("messages", cuts),
        LOG_U64("kept_bytes_max",
                slot->transfer->is_poll ? EVENT_BYTES_MAX : http->config.body_bytes_max));
}

static struct janus_answer read_transfer_answer(const struct slot *slot, CURLcode code)
{
    struct janus_answer answer = {.err = ERR_OK, .why = curl_easy_strerror(code)};
    long status = 0;
    curl_off_t connected_us = 0;
    switch (code) {
    case CURLE_OK:
        curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
        answer.status = (int)status;
        answer.body = slot->is_json ? janus_sieve_text(slot->sieve) : STR_NONE;
        break;
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(slot->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
        answer.err = connected_us > 0 ? ERR_DEADLINE : ERR_UNAVAILABLE;
        break;
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
        answer.err = ERR_PROTOCOL;
        answer.why = "the answer is too large";
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, that is: no HTTP at all */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP_RETURNED_ERROR:
        answer.err = ERR_PROTOCOL;
        break;
    default: /* no connection, no TLS, or it broke */
        answer.err = ERR_UNAVAILABLE;
        break;
    }
    answer.was_repeated = slot->sent > 1;
    return answer;
}

static void count_answer(const struct slot *slot, const struct janus_answer *answer)
{
    const struct janus_http *http = slot->http;
    curl_off_t us = 0;
    if (slot->transfer->is_poll) {
        return;
    }
    metric_inc(http->results[answer->err == ERR_OK            ? 0
                             : answer->err == ERR_UNAVAILABLE ? 1
                             : answer->err == ERR_DEADLINE    ? 2
                                                              : 3]);
    curl_easy_getinfo(slot->easy, CURLINFO_TOTAL_TIME_T, &us);
    metric_observe_us(http->seconds, (uint64_t)us);
}

/* ---- transfers ---- */

static void free_transfer(struct janus_transfer **transfer_ref)
{
    mem_free(&(*transfer_ref)->path);
    mem_free(&(*transfer_ref)->body);
    mem_free(transfer_ref);
}

/* What is the same for every request. */
static void prepare_slot(struct slot *slot)
{
    const struct janus_http *http = slot->http;
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->config.connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LENGTH_MAX);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (http->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, http);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, slot);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
}

static struct slot *take_slot(struct janus_http *http)
{
    struct slot *slot = http->idle;
    if (slot != NULL) {
        http->idle = slot->next_idle;
        return slot;
    }
    slot = mem_alloc(sizeof(*slot));
    slot->http = http;
    slot->easy = curl_easy_init();
    slot->sieve = janus_sieve_new();
    slot->next = http->slots;
    http->slots = slot;
    prepare_slot(slot);
    return slot;
}

static void give_slot_back(struct slot *slot)
{
    janus_sieve_begin(slot->sieve, 0); /* gives a large buffer back */
    slot->next_idle = slot->http->idle;
    slot->http->idle = slot;
}

/* curl keeps what it was told for all later transfers, so it never looks a name up itself. */
static void tell_addresses(struct slot *slot)
{
    const struct janus_http *http = slot->http;
    curl_slist_free_all(slot->resolve);
    slot->resolve = NULL;
    if (http->host != NULL) {
        AUTO(mem_free)
        char *entry = mem_printf("%s:%s", http->host_port, janus_host_addresses(http->host));
        slot->resolve = curl_slist_append(NULL, entry);
    }
    curl_easy_setopt(slot->easy, CURLOPT_RESOLVE, slot->resolve);
}

static void start_transfer(struct janus_transfer *transfer)
{
    struct janus_http *http = transfer->http;
    struct slot *slot = take_slot(http);
    slot->transfer = transfer;
    const size_t bytes_max = http->config.body_bytes_max;
    janus_sieve_begin(slot->sieve, transfer->is_poll && bytes_max > EVENT_BYTES_MAX
                                       ? EVENT_BYTES_MAX
                                       : bytes_max);
    slot->is_json = true;
    slot->ignored_bytes = slot->header_bytes = 0;
    slot->sent = 0;
    transfer->slot = slot;
    (void)snprintf(slot->url, sizeof(slot->url), "%s%s", http->url, transfer->path);
    tell_addresses(slot);
    curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url);
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)transfer->timeout_ms);
    curl_easy_setopt(slot->easy, CURLOPT_VERBOSE, transfer->is_poll ? 1L : 0L);
    if (transfer->body != NULL) {
        curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(transfer->body));
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, transfer->body);
    } else {
        curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
    }
    curl_multi_add_handle(http->multi, slot->easy);
}

static void end_transfer(const struct janus_transfer *transfer)
{
    curl_multi_remove_handle(transfer->http->multi, transfer->slot->easy);
    transfer->slot->transfer = NULL;
}

static void finish_transfer(struct slot *slot, CURLcode code)
{
    struct janus_transfer *transfer = slot->transfer;
    const struct janus_answer answer = read_transfer_answer(slot, code);
    count_answer(slot, &answer);
    count_cuts(slot);
    if (code == CURLE_OK) {
        keep(slot);
    }
    end_transfer(transfer);
    transfer->fn(transfer->arg, &answer);
    free_transfer(&transfer);
    give_slot_back(slot);
}

/* After curl was called: hands out what has finished. */
static void turn(struct janus_http *http)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left)) != NULL;) {
        char *slot = NULL;
        const CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        finish_transfer((struct slot *)(void *)slot, code);
    }
}

/* ---- before the first address is known ---- */

static void on_address(void *arg)
{
    struct janus_http *http = arg;
    while (!list_is_empty(&http->waiting)) {
        struct janus_transfer *transfer =
            CONTAINER_OF(http->waiting.next, struct janus_transfer, link);
        list_remove(&transfer->link);
        clock_cancel(http->clock, transfer->patience);
        start_transfer(transfer);
    }
}

static void on_impatience(void *arg)
{
    struct janus_transfer *transfer = arg;
    const struct janus_answer answer = {.err = ERR_UNAVAILABLE,
                                        .why = "the host name has no address yet"};
    list_remove(&transfer->link);
    if (!transfer->is_poll) {
        metric_inc(transfer->http->results[1]);
    }
    transfer->fn(transfer->arg, &answer);
    free_transfer(&transfer);
}

/* As long as it may take to connect. */
static void wait_for_address(struct janus_transfer *transfer)
{
    struct janus_http *http = transfer->http;
    const uint64_t connect_ms = http->config.connect_timeout_ms;
    list_add(&http->waiting, &transfer->link);
    transfer->patience = clock_after(
        http->clock, transfer->timeout_ms < connect_ms ? transfer->timeout_ms : connect_ms,
        on_impatience, transfer);
}

/* ---- the interface ---- */

static struct janus_transfer *send_transfer(void *self, const struct janus_request *request,
                                            janus_answer_fn *fn, void *arg)
{
    struct janus_http *http = self;
    struct janus_transfer *transfer = mem_alloc(sizeof(*transfer));
    *transfer = (struct janus_transfer){.http = http,
                                        .is_poll = request->is_poll,
                                        .path = mem_strdup(request->path),
                                        .body = request->body,
                                        .timeout_ms = request->timeout_ms,
                                        .fn = fn,
                                        .arg = arg};
    list_init(&transfer->link);
    if (http->host != NULL && janus_host_addresses(http->host)[0] == '\0') {
        wait_for_address(transfer);
    } else {
        start_transfer(transfer);
    }
    return transfer;
}

static void cancel_transfer(void *self, struct janus_transfer *transfer)
{
    struct janus_http *http = self;
    if (transfer->slot != NULL) {
        end_transfer(transfer);
        give_slot_back(transfer->slot);
    } else {
        list_remove(&transfer->link);
        clock_cancel(http->clock, transfer->patience);
    }
    free_transfer(&transfer);
}

struct janus_transport janus_http_transport(struct janus_http *http)
{
    static const struct janus_transport_ops ops = {send_transfer, cancel_transfer};
    return (struct janus_transport){.ops = &ops, .self = http};
}

/* ---- life ---- */

static bool is_number(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return host[0] == '[' || inet_pton(AF_INET, host, address) == 1;
}

/* Keeps the base URL without a slash at its end, and begins to look its host up. */
static bool take_url(struct janus_http *http, const char *url)
{
    CURLU *parsed = curl_url();
    char *query = NULL;
    char *host = NULL;
    char *port = NULL;
    bool good = (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
                strlen(url) < URL_BYTES - PATH_BYTES_MAX &&
                curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                strpbrk(url, " \t\r\n#") == NULL &&
                curl_url_get(parsed, CURLUPART_QUERY, &query, 0) != CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (good) {
        http->url = mem_strdup(url);
        for (size_t i = strlen(http->url); i > 0 && http->url[i - 1] == '/'; i--) {
            http->url[i - 1] = '\0';
        }
        http->host_port = mem_printf("%s:%s", host, port);
    }
    if (good && !is_number(host)) {
        http->host = janus_host_new(http->loop, host, http->config.name_servers, on_address, http);
    }
    curl_free(query);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parsed);
    return good;
}

static void make_transfer_metrics(struct janus_http *http, struct metrics *metrics)
{
    static const char *const labels[] = {"result=\"ok\"", "result=\"unavailable\"",
                                         "result=\"deadline\"", "result=\"protocol\""};
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        http->results[i] = metrics_counter(metrics, "lynks_janus_requests_total",
                                           "Requests to Janus, long polls not counted", labels[i]);
    }
    http->seconds = metrics_histogram(metrics, "lynks_janus_request_seconds",
                                      "Time of requests to Janus, long polls not counted", NULL);
    http->cuts = metrics_counter(metrics, "lynks_janus_cut_messages_total",
                                 "Messages of Janus of which more would have been kept than is "
                                 "allowed; cut off there",
                                 NULL);
    http->connections_gauge =
        metrics_gauge(metrics, "lynks_janus_connections", "Open connections to Janus", NULL);
}

struct janus_http *janus_http_new(struct loop *loop, struct metrics *metrics,
                                  const struct janus_http_config *config, const char **ret_why)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        *ret_why = "libcurl cannot be set up";
        return NULL;
    }
    struct janus_http *http = mem_alloc(sizeof(*http));
    http->loop = loop;
    http->clock = loop_clock(loop);
    http->config = *config;
    http->due_ms = UINT64_MAX;
    http->fds = janus_fds_new(loop, on_socket_ready, http);
    list_init(&http->waiting);
    const bool has_url = take_url(http, config->url);
    http->ca_file = mem_strdup(config->ca_file);
    http->multi = curl_multi_init();
    http->headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_slist_append(http->headers, "Expect:");
    curl_slist_append(http->headers, "Accept:");
    make_transfer_metrics(http, metrics);
    if (!has_url || (config->ca_file[0] != '\0' && access(config->ca_file, R_OK) != 0)) {
        *ret_why = !has_url ? "not an http or https URL" : "the CA file cannot be read";
        janus_http_free(&http);
        return NULL;
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)(config->connections_max));
    return http;
}

void janus_http_free(struct janus_http **http_ref)
{
    struct janus_http *http = *http_ref;
    if (http == NULL) {
        return;
    }
    while (!list_is_empty(&http->waiting)) {
        cancel_transfer(http, CONTAINER_OF(http->waiting.next, struct janus_transfer, link));
    }
    for (struct slot *slot; (slot = http->slots) != NULL;) {
        if (slot->transfer != NULL) {
            cancel_transfer(http, slot->transfer);
        }
        http->slots = slot->next;
        curl_easy_cleanup(slot->easy);
        curl_slist_free_all(slot->resolve);
        janus_sieve_free(&slot->sieve);
        mem_free(&slot);
    }
    curl_multi_cleanup(http->multi);
    janus_fds_free(&http->fds);
    clock_cancel(http->clock, http->timer);
    curl_slist_free_all(http->headers);
    janus_host_free(&http->host);
    mem_free(&http->url);
    mem_free(&http->host_port);
    mem_free(&http->ca_file);
    mem_free(http_ref);
    curl_global_cleanup();
}
