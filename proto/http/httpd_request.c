#include "proto/http/httpd_request.h"

#include <stdlib.h>

#include "proto/http/http_target.h"

#define BODY_ROOM_MIN 256

static struct metric *refused(struct metrics *metrics, const char *listener, const char *reason)
{
    AUTO(mem_free)
    char *labels = mem_printf("listener=\"%s\",reason=\"%s\"", listener, reason);
    return metrics_counter(metrics, "lynks_http_refused_requests_total",
                           "HTTP requests refused before they were read.", labels);
}

void httpd_requests_init(struct httpd_requests *all, struct metrics *metrics, const char *listener,
                         size_t body_bytes_max, size_t body_bytes_total_max)
{
    *all = (struct httpd_requests){
        .body_bytes_max = body_bytes_max,
        .body_bytes_total_max = body_bytes_total_max > 0 ? body_bytes_total_max : SIZE_MAX,
        .refused_framing = refused(metrics, listener, "framing"),
        .refused_large = refused(metrics, listener, "too_large"),
        .refused_bodies = refused(metrics, listener, "bodies"),
    };
    list_init(&all->list);
    list_init(&all->to_park);
}

struct httpd_request *httpd_request_new(struct httpd_requests *all, struct http_conn *conn)
{
    struct httpd_request *request = mem_alloc(sizeof(*request));
    request->all = all;
    request->body_bytes_max = all->body_bytes_max;
    request->conn = conn;
    list_add_first(&all->list, &request->link);
    list_init(&request->park_link);
    memcpy(request->peer, conn->address, sizeof(request->peer));
    all->count++;
    return request;
}

static void free_body(struct httpd_request *request)
{
    if (request->body != NULL) {
        explicit_bzero(request->body, request->body_bytes); /* passwords come this way */
        request->all->body_bytes -= request->body_room;
    }
    mem_free(&request->body);
    request->body_bytes = 0;
    request->body_room = 0;
}

void httpd_request_park_later(struct httpd_request *request)
{
    list_add_first(&request->all->to_park, &request->park_link);
}

struct httpd_request *httpd_requests_next_to_park(struct httpd_requests *all)
{
    struct httpd_request *request = LIST_FIRST(struct httpd_request, &all->to_park, park_link);
    if (request != NULL) {
        list_remove(&request->park_link);
    }
    return request;
}

void httpd_request_free(struct httpd_request *request)
{
    free(request->authority);
    free(request->query);
    free(request->head);
    free(request);
}

bool httpd_request_set_path(struct httpd_request *request, const char *target)
{
    struct http_target parts;
    bool is_good = http_target_read(str_of(target), &parts);
    request->path = parts.path.data;
    request->authority = parts.authority.data == NULL ? NULL : str_dup(parts.authority);
    return is_good;
}

void httpd_request_detach(struct httpd_request *request)
{
    struct httpd_requests *all = request->all;
    list_remove(&request->link);
    list_remove(&request->park_link);
    all->count--;
    free_body(request);
    request->all = NULL;
    if (!request->owed) {
        httpd_request_free(request);
    }
}

void httpd_request_refuse(struct httpd_request *request, enum err error)
{
    const struct httpd_requests *all = request->all;
    metric_inc(error == ERR_TOO_LARGE    ? all->refused_large
               : error == ERR_OVERLOADED ? all->refused_bodies
                                         : all->refused_framing);
    request->error = error;
    free_body(request);
}

/* Room doubles, so that no peer gets memory for what it only announces. */
static enum err make_room_for_body(struct httpd_request *request, size_t needed)
{
    struct httpd_requests *all = request->all;
    size_t room = request->body_room == 0 ? BODY_ROOM_MIN : 2 * request->body_room;
    room = room < needed ? needed : room;
    size_t more = room - request->body_room;
    if (needed > request->body_bytes_max) {
        return ERR_TOO_LARGE;
    }
    if (needed <= request->body_room) {
        return ERR_OK;
    }
    if (more > all->body_bytes_total_max - all->body_bytes) {
        return ERR_OVERLOADED;
    }
    char *body = mem_alloc(room);
    if (request->body != NULL) {
        memcpy(body, request->body, request->body_bytes);
        explicit_bzero(request->body, request->body_bytes);
        free(request->body);
    }
    request->body = body;
    request->body_room = room;
    all->body_bytes += more;
    return ERR_OK;
}

bool httpd_request_take_body(struct httpd_request *request, const char *data, size_t bytes)
{
    if (request->error == ERR_OK) {
        enum err err = make_room_for_body(request, request->body_bytes + bytes);
        if (err == ERR_OK) {
            memcpy(request->body + request->body_bytes, data, bytes);
            request->body_bytes += bytes;
            return true;
        }
        httpd_request_refuse(request, err);
    }
    request->discarded_bytes += bytes;
    return request->discarded_bytes <= HTTPD_DISCARD_BYTES_MAX;
}
