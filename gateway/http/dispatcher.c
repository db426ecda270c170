#include "gateway/http/dispatcher.h"

#include <stdlib.h>
#include <strings.h>

#include "gateway/http/ask.h"
#include "gateway/http/auth.h"
#include "gateway/http/cors.h"
#include "gateway/http/file_answer.h"
#include "gateway/http/json_body.h"
#include "gateway/http/repeat_key.h"
#include "gateway/http/session_cookie.h"

struct dispatcher {
    struct exchanges exchanges;
    struct routes *routes;
    struct public_url url;
    struct session_cookie cookie;
};

static bool is_v1(const struct exchange *exchange)
{
    return exchange_dialect(exchange) == DIALECT_V1;
}

/* ---- the body ---- */

static bool is_compressed(struct request *request)
{
    const char *coding = request_header(request, "Content-Encoding");
    return coding != NULL && coding[0] != '\0' && strcasecmp(coding, "identity") != 0;
}

/* Reads the body that the route wants; text is looked at by its handler. false: it is wrong, and
 * the exchange has failed. */
static bool read_body(struct exchange *exchange)
{
    struct request *request = exchange->request;
    const struct route *route = exchange->route;
    struct problem problem = {.err = ERR_BAD_REQUEST};
    struct member_fault faults[MEMBER_FAULTS_MAX];
    bool is_absent = route->body_may_be_empty && request->body.bytes == 0;
    char media_type[REQUEST_MEDIA_TYPE_BYTES];
    if (route->body == NULL && route->text_type == NULL) {
        return true;
    }
    if (!is_absent && is_compressed(request)) {
        exchange_fail(exchange, ERR_CONTENT_CODING);
        return false;
    }
    request_media_type(request, media_type);
    if (route->text_type != NULL) {
        const bool is_text = strcmp(media_type, route->text_type) == 0;
        if (!is_text) {
            exchange_fail(exchange, ERR_MEDIA_TYPE);
        }
        return is_text;
    }
    const bool is_merge_patch = strcmp(route->method, "PATCH") == 0 &&
                                strcmp(media_type, "application/merge-patch+json") == 0;
    if (is_v1(exchange) && !is_absent && !is_merge_patch &&
        strcmp(media_type, "application/json") != 0) {
        exchange_fail(exchange, ERR_MEDIA_TYPE);
        return false;
    }
    exchange->body = is_absent ? json_body_empty() : json_body_parse(request->body);
    if (exchange->body != NULL) {
        problem.faults = faults;
        problem.fault_count = json_body_check(exchange->body, route->body, is_v1(exchange), faults);
        if (problem.fault_count == 0) {
            return true;
        }
        problem.err = is_v1(exchange) ? ERR_WRONG_MEMBER : ERR_BAD_REQUEST;
    }
    exchange_fail_with(exchange, &problem);
    return false;
}

/* ---- the way of a request ---- */

static bool is_preflight(const struct exchange *exchange)
{
    return request_header(exchange->request, "Access-Control-Request-Method") != NULL &&
           cors_allow(exchange_cors_origins(exchange),
                      request_header(exchange->request, "Origin")) != NULL;
}

static void answer_other_method(struct exchange *exchange)
{
    bool is_options = strcmp(exchange->request->method, "OPTIONS") == 0;
    if (is_options && is_preflight(exchange)) {
        exchange_respond_options(exchange, /* is_preflight= */ true);
    } else if (is_options && is_v1(exchange)) {
        exchange_respond_options(exchange, /* is_preflight= */ false);
    } else {
        exchange_fail(exchange, ERR_METHOD_NOT_ALLOWED);
    }
}

static void run_handler(struct exchange *exchange)
{
    const struct route_guard *guard = &exchange->all->config.guard;
    enum err err = ERR_OK;
    if (exchange->route->who == ROUTE_ADMIN && exchange->context.principal.role != ROLE_ADMIN) {
        exchange_fail(exchange, ERR_FORBIDDEN);
    } else if (exchange->route->takes_key && !repeat_key_read(exchange)) {
        exchange_fail(exchange, ERR_BAD_KEY);
    } else if (guard->admit != NULL && (err = guard->admit(guard->arg, exchange)) != ERR_OK) {
        exchange_fail(exchange, err);
    } else if (exchange->route->ask != NULL) {
        ask_run(exchange);
    } else {
        exchange->route->handle(exchange);
    }
}

/* Whatever else comes with it, and whether the route wants it or not: a request with the cookie is
 * a browser's, and must be of a page of ours. */
static bool is_of_foreign_page(const struct exchange *exchange)
{
    const struct session_cookie *cookie = exchange->all->config.cookie;
    struct str value;
    return route_is_under_v1(exchange->route) &&
           session_cookie_find(cookie, exchange->request, &value) &&
           session_cookie_check_page(cookie, exchange->request) != ERR_OK;
}

static void run_route(struct exchange *exchange)
{
    struct credential credential;
    enum err err = auth_read(exchange, &credential);
    if (err != ERR_OK) {
        exchange_fail_after(exchange, err, auth_refusal_ms(exchange->all->config.auth));
    } else if (read_body(exchange)) {
        ask_ahead(exchange);
        auth_check(exchange, &credential, run_handler);
    }
}

void dispatcher_handle(struct dispatcher *dispatcher, struct request *request)
{
    struct exchange *exchange = exchange_new(&dispatcher->exchanges, request);
    if (request_split(request)) {
        exchange->path = routes_find(dispatcher->routes, request);
    }
    if (exchange->path == NULL) {
        exchange->file = files_find(dispatcher->exchanges.config.files, request);
    }
    if (request->error != ERR_OK) {
        exchange_fail(exchange, request->error);
    } else if (is_v1(exchange) &&
               !public_url_takes_host(&dispatcher->url, request_header(request, "Host"))) {
        exchange_fail(exchange, ERR_WRONG_HOST);
    } else if (exchange->file != NULL) {
        file_answer(exchange);
    } else if (exchange->path == NULL) {
        exchange_fail(exchange, ERR_NOT_FOUND);
    } else if ((exchange->route = route_path_find(exchange->path, request->method)) == NULL) {
        answer_other_method(exchange);
    } else if (is_of_foreign_page(exchange)) {
        exchange_fail(exchange, ERR_FOREIGN_PAGE);
    } else if (exchange->route->is_stream && !route_is_polled(exchange->route, request) &&
               !request->ops->can_stream(request)) {
        struct http_response *again = request->ops->again(request);
        exchange_respond(exchange, &again);
    } else {
        exchange->self = exchange->path->resource->self;
        exchange->route = route_for_body(exchange->route, request);
        run_route(exchange);
    }
}

/* Of a request that is not there yet: the row for it; NULL: there is none. */
static const struct route *find_row(const struct dispatcher *dispatcher, struct str method,
                                    struct str path)
{
    char method_text[ROUTE_METHOD_BYTES];
    char text[REQUEST_SEGMENTS_MAX * (REQUEST_PARAMETER_BYTES_MAX + 1) + 1];
    struct request request = {.path = text};
    if (!str_copy(method_text, sizeof(method_text), method) ||
        !str_copy(text, sizeof(text), path) || !request_split(&request)) {
        return NULL;
    }
    const struct route_path *found = routes_find(dispatcher->routes, &request);
    return found == NULL ? NULL : route_path_find(found, method_text);
}

bool dispatcher_wants_stream(const struct dispatcher *dispatcher, struct str method,
                             struct str path)
{
    const struct route *route =
        str_eq(method, STR_LIT("GET")) ? find_row(dispatcher, method, path) : NULL;
    return route != NULL && route->is_stream;
}

size_t dispatcher_body_bytes_max(const struct dispatcher *dispatcher, struct str method,
                                 struct str path)
{
    const struct route *route = find_row(dispatcher, method, path);
    return route == NULL ? 0 : route->body_bytes_max;
}

/* ---- life ---- */

struct dispatcher *dispatcher_new(struct metrics *metrics, const struct dispatcher_config *config)
{
    AUTO(mem_free) char *why = NULL;
    struct dispatcher *dispatcher = mem_alloc(sizeof(*dispatcher));
    exchanges_init(&dispatcher->exchanges, metrics, &config->exchanges);
    dispatcher->url = *config->url;
    session_cookie_init(&dispatcher->cookie, config->url);
    dispatcher->exchanges.config.cookie = &dispatcher->cookie;
    dispatcher->routes = routes_new(config->resources, config->count, &why);
    if (dispatcher->routes == NULL) {
        log_error("a row of the routes is wrong", LOG_Z("row", why));
        dispatcher_free(&dispatcher);
        return NULL;
    }
    size_t count;
    struct route_path *paths = routes_paths(dispatcher->routes, &count);
    for (size_t i = 0; i < count; i++) {
        paths[i].stats = stats_new(metrics, paths[i].template);
    }
    return dispatcher;
}

void dispatcher_free(struct dispatcher **dispatcher_ref)
{
    struct dispatcher *dispatcher = *dispatcher_ref;
    if (dispatcher == NULL) {
        return;
    }
    exchanges_fini(&dispatcher->exchanges);
    size_t count = 0;
    struct route_path *paths =
        dispatcher->routes == NULL ? NULL : routes_paths(dispatcher->routes, &count);
    for (size_t i = 0; i < count; i++) {
        stats_free(&paths[i].stats);
    }
    routes_free(&dispatcher->routes);
    mem_free(dispatcher_ref);
}

const struct routes *dispatcher_routes(const struct dispatcher *dispatcher)
{
    return dispatcher->routes;
}
