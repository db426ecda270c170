#include "proto/process/ops.h"

#include <stdlib.h>

#include "proto/http/httpd.h"

/* Enough for a scraper and a few health checks; strangers have no business here. */
#define CONNECTIONS_MAX 32
#define TIMEOUT_MS 5000
#define IDLE_TIMEOUT_MS 60000
#define CHECKS_MAX 4

struct ops {
    struct httpd *httpd;
    struct metrics *metrics;
    struct health *health;
    struct ops_check checks[CHECKS_MAX];
    size_t check_count;
    bool draining;
};

static void reply_text(struct httpd_request *request, int status, const char *type, struct str body)
{
    struct http_response *response = http_response_new(status);
    http_response_set_body(response, type, body);
    httpd_respond(request, &response);
}

static void refuse_method(struct httpd_request *request)
{
    struct http_response *response = http_response_new(405);
    (void)http_response_add_header(response, "Allow", "GET");
    http_response_set_body(response, "text/plain", STR_LIT("use GET\n"));
    httpd_respond(request, &response);
}

static void on_healthz(struct ops *ops, struct httpd_request *request)
{
    for (size_t i = 0; i < ops->check_count; i++) {
        const struct ops_check *check = &ops->checks[i];
        if (!check->is_well(check->arg)) {
            AUTO(mem_free) char *text = mem_printf("%s: not working\n", check->name);
            reply_text(request, 503, "text/plain", str_of(text));
            return;
        }
    }
    reply_text(request, 200, "text/plain", STR_LIT("ok\n"));
}

static bool is_listening_well(void *arg)
{
    const struct ops *ops = arg;
    return httpd_is_accepting(ops->httpd);
}

static void on_readyz(struct ops *ops, struct httpd_request *request)
{
    if (ops->draining) {
        reply_text(request, 503, "application/json",
                   STR_LIT("{\"ready\":false,\"draining\":true}"));
        return;
    }
    AUTO(mem_free) char *json = health_json(ops->health);
    reply_text(request, health_is_ready(ops->health) ? 200 : 503, "application/json", str_of(json));
}

static void on_metrics(struct ops *ops, struct httpd_request *request)
{
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(ops->metrics, &bytes);
    reply_text(request, 200, "text/plain; version=0.0.4; charset=utf-8",
               (struct str){.data = text, .bytes = bytes});
}

static const struct {
    const char *path;
    void (*fn)(struct ops *ops, struct httpd_request *request);
} routes[] = {
    {"/healthz", on_healthz},
    {"/readyz", on_readyz},
    {"/metrics", on_metrics},
};

static void on_ops_request(void *arg, struct httpd_request *request, enum err error)
{
    struct ops *ops = arg;
    if (error != ERR_OK) {
        reply_text(request, err_http_status(error), "text/plain", STR_LIT("bad request\n"));
        return;
    }
    bool reads = strcmp(httpd_method(request), "GET") == 0;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(routes[i].path, httpd_path(request)) != 0) {
            continue;
        }
        if (reads) {
            routes[i].fn(ops, request);
        } else {
            refuse_method(request);
        }
        return;
    }
    reply_text(request, 404, "text/plain", STR_LIT("/healthz, /readyz and /metrics are here\n"));
}

struct ops *ops_new(struct loop *loop, struct metrics *metrics, struct health *health,
                    const struct ops_config *config, const char **ret_why)
{
    struct ops *ops = mem_alloc(sizeof(*ops));
    ops->metrics = metrics;
    ops->health = health;
    const struct httpd_config http = {
        .name = "ops",
        .host = config->host,
        .port = config->port,
        .listen_fd = -1,
        .body_bytes_max = 0,
        .header_bytes_max = 4096,
        .connections_max = CONNECTIONS_MAX,
        .request_timeout_ms = TIMEOUT_MS,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
    };
    ops->httpd = httpd_new(loop, metrics, &http, on_ops_request, ops, ret_why);
    if (ops->httpd == NULL) {
        ops_free(&ops);
        return NULL;
    }
    ops_add_check(
        ops, (struct ops_check){.name = "ops listener", .is_well = is_listening_well, .arg = ops});
    return ops;
}

void ops_free(struct ops **ops)
{
    if (*ops != NULL) {
        httpd_free(&(*ops)->httpd);
        mem_free(ops);
    }
}

void ops_add_check(struct ops *ops, struct ops_check check)
{
    mem_expect_room(ops->check_count, CHECKS_MAX);
    ops->checks[ops->check_count++] = check;
}

uint16_t ops_port(const struct ops *ops)
{
    return httpd_port(ops->httpd);
}

void ops_set_draining(struct ops *ops)
{
    ops->draining = true;
}
