#include "gateway/api/info.h"

#include "gateway/http/etag.h"
#include "gateway/http/exchange.h"
#include "gateway/http/openapi.h"

struct info {
    struct info_config config;
    struct strbuf document;
    char etag[ETAG_BYTES];
};

/* ---- GET /v1/info ---- */

static const struct member info_answer[] = {
    {.name = "name", .type = MEMBER_STRING, .constant = "lynks", .doc = "Of the software."},
    {.name = "version", .type = MEMBER_STRING, .min = 1, .max = 32, .doc = "Of the software."},
    {.name = "features",
     .type = MEMBER_STRINGS,
     .doc =
         "What is switched on. original: /login, /create and /list_participants are served; "
         "cors: pages of other origins may use the API; registration: everybody may add himself. "
         "More will come."},
    {.name = NULL},
};

static void answer_info(struct exchange *exchange)
{
    const struct info *info = exchange->self;
    struct json_out out;
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    json_out_member_z(&out, "name", "lynks");
    json_out_member_z(&out, "version", LYNKS_VERSION);
    json_out_open_member(&out, "features", '[');
    json_out_z(&out, "original");
    if (info->config.takes_cors) {
        json_out_z(&out, "cors");
    }
    if (info->config.takes_registration) {
        json_out_z(&out, "registration");
    }
    json_out_close(&out, "]}");
    exchange_respond_json(exchange);
}

/* ---- GET /v1/openapi.json ---- */

void info_describe(struct info *info, const struct routes *routes, const struct public_url *url)
{
    struct json_out out;
    json_out_init(&out, &info->document);
    openapi_write(routes, url, &out);
    etag_of(strbuf_str(&info->document), info->etag);
}

static void answer_document(struct exchange *exchange)
{
    const struct info *info = exchange->self;
    bool is_known = etag_is_in(request_header(exchange->request, "If-None-Match"), info->etag);
    struct http_response *response = http_response_new(is_known ? 304 : 200);
    (void)http_response_add_header(response, "ETag", info->etag);
    (void)http_response_add_header(response, "Cache-Control", "no-cache");
    if (!is_known) {
        http_response_set_body(response, "application/json", strbuf_str(&info->document));
    }
    exchange_respond(exchange, &response);
}

/* ---- GET /problems/{code} ---- */

static void answer_problem(struct exchange *exchange)
{
    struct strbuf *text = &exchange->all->text;
    if (!problem_write_page(exchange_parameter(exchange, "code"), text)) {
        exchange_fail(exchange, ERR_NOT_FOUND);
        return;
    }
    struct http_response *response = http_response_new(200);
    (void)http_response_add_header(response, "Content-Security-Policy", "default-src 'none'");
    http_response_set_body(response, "text/html; charset=utf-8", strbuf_str(text));
    exchange_respond(exchange, &response);
}

/* ---- the rows ---- */

static const struct route info_rows[] = {
    {.method = "GET",
     .template = "/v1/info",
     .name = "getInfo",
     .doc = "Tells what this is.",
     .answer = {.members = info_answer, .doc = "Name, version and what is switched on."},
     .handle = answer_info},
    {.method = "GET",
     .template = "/v1/openapi.json",
     .name = "getDocument",
     .doc = "Describes the API.",
     .answer = {.doc = "This document.", .has_etag = true},
     .handle = answer_document},
    {.method = "GET",
     .template = "/problems/{code}",
     .name = "getProblem",
     .doc = "Tells people what the code of a problem document means.",
     .answer = {.media_type = "text/html", .doc = "A page."},
     .errors = {ERR_NOT_FOUND},
     .handle = answer_problem},
};

struct resource info_resource(struct info *info)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = info_rows, .count = ARRAY_LEN(info_rows), .self = info};
}

struct info *info_new(const struct info_config *config)
{
    struct info *info = mem_alloc(sizeof(*info));
    info->config = *config;
    return info;
}

void info_free(struct info **info)
{
    if (*info != NULL) {
        strbuf_fini(&(*info)->document);
        mem_free(info);
    }
}
