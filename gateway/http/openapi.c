#include "gateway/http/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/http/openapi_schema.h"
#include "gateway/http/session_cookie.h"
#include "gateway/http/token.h"

/* ---- answers ---- */

/* Of text, as a member of its own. */
static void write_text_schema(struct json_out *out)
{
    json_out_open_member(out, "schema", '{');
    json_out_member_z(out, "type", "string");
    json_out_close(out, "}");
}

static void open_content(const char *media_type, struct json_out *out)
{
    json_out_open_member(out, "content", '{');
    json_out_open_member(out, media_type, '{');
    json_out_key(out, "schema");
}

static void close_content(struct json_out *out)
{
    json_out_close(out, "}}");
}

static void write_ref(const char *ref, struct json_out *out)
{
    json_out_open(out, '{');
    json_out_member_z(out, "$ref", ref);
    json_out_close(out, "}");
}

/* A header of an answer that stands among the components. */
static void write_header_ref(const char *name, struct json_out *out)
{
    AUTO(mem_free) char *ref = mem_printf("#/components/headers/%s", name);
    json_out_key(out, name);
    write_ref(ref, out);
}

static bool has_etag(const struct route *route)
{
    bool has_it = false;
    for (const struct route *row = route; row != NULL; row = row->by_text) {
        has_it |= row->answer.has_etag;
    }
    return has_it;
}

static void write_success_headers(const struct route *route, struct json_out *out)
{
    const struct route_answer *answer = &route->answer;
    if (!has_etag(route) && !answer->has_location && !answer->sets_cookie &&
        answer->accept_patch == NULL) {
        return;
    }
    json_out_open_member(out, "headers", '{');
    if (has_etag(route)) {
        write_header_ref("ETag", out);
    }
    if (answer->accept_patch != NULL) {
        write_header_ref("Accept-Patch", out);
    }
    if (answer->has_location) {
        write_header_ref("Location", out);
    }
    if (answer->has_links) {
        write_header_ref("Link", out);
    }
    if (answer->sets_cookie) {
        write_header_ref("Set-Cookie", out);
    }
    json_out_close(out, "}");
}

/* One without a body. */
static void write_bare_answer(const char *status, const char *doc, struct json_out *out)
{
    json_out_open_member(out, status, '{');
    json_out_member_z(out, "description", doc);
    json_out_close(out, "}");
}

/* A success with this status. */
static void write_success_as(const struct route *route, int status_code, const char *doc,
                             struct json_out *out)
{
    const struct route_answer *answer = &route->answer;
    const char *media_type = answer->media_type == NULL ? "application/json" : answer->media_type;
    AUTO(mem_free) char *status = mem_printf("%d", status_code);
    json_out_open_member(out, status, '{');
    json_out_member_z(out, "description", doc);
    write_success_headers(route, out);
    if (status_code == 204) {
        json_out_close(out, "}");
        return;
    }
    open_content(media_type, out);
    if (answer->members != NULL) {
        openapi_schema_write(answer->members, /* is_closed= */ false, out);
    } else {
        json_out_open(out, '{');
        json_out_member_z(out, "type", answer->media_type == NULL ? "object" : "string");
        json_out_close(out, "}");
    }
    if (route->poll != NULL) {
        json_out_close(out, "}");
        json_out_open_member(out, "application/json", '{');
        json_out_key(out, "schema");
        openapi_schema_write(route->poll, /* is_closed= */ false, out);
    }
    for (const struct route *text = route->by_text; text != NULL; text = text->by_text) {
        if (text->answer.media_type != NULL) {
            json_out_close(out, "}");
            json_out_open_member(out, text->answer.media_type, '{');
            write_text_schema(out);
        }
    }
    close_content(out);
    json_out_close(out, "}");
}

/* Of rows for text: 204, whichever of them it is. */
static void write_empty_success(const struct route *route, struct json_out *out)
{
    struct strbuf doc = {0};
    for (const struct route *row = route; row != NULL; row = row->by_text) {
        const char *own =
            row != route && row->answer.status == 204 ? row->answer.doc : row->answer.empty_doc;
        if (own != NULL) {
            strbuf_add_z(&doc, doc.bytes == 0 ? "" : " ");
            strbuf_add_z(&doc, own);
        }
    }
    if (doc.bytes > 0) {
        strbuf_add(&doc, (struct str){.data = "", .bytes = 1});
        write_bare_answer("204", doc.data, out);
    }
    strbuf_fini(&doc);
}

static void write_successes(const struct route *route, struct json_out *out)
{
    const struct route_answer *answer = &route->answer;
    write_success_as(route, answer->status == 0 ? 200 : answer->status, answer->doc, out);
    if (answer->other_doc != NULL) {
        write_success_as(route, answer->other_status, answer->other_doc, out);
    }
    if (answer->pending_doc != NULL) {
        write_success_as(route, 202, answer->pending_doc, out);
    }
    write_empty_success(route, out);
    if (answer->bare_doc != NULL) {
        AUTO(mem_free) char *status = mem_printf("%d", answer->bare_status);
        write_bare_answer(status, answer->bare_doc, out);
    }
    if (answer->has_etag && !answer->is_of_asker && strcmp(route->method, "GET") == 0) {
        write_bare_answer("304", "What If-None-Match names is still so.", out);
    }
    if (route->is_stream) {
        write_bare_answer(
            "307",
            "The connection has had a request before: again, over a new one. Location "
            "is the same URL.",
            out);
    }
}

/* The schema of a failure, narrowed to the codes that stand behind one status. */
static void write_failure_schema(const struct route_failures *failures, int status,
                                 enum dialect dialect, struct json_out *out)
{
    bool is_original = dialect == DIALECT_ORIGINAL;
    json_out_open(out, '{');
    json_out_open_member(out, "allOf", '[');
    write_ref(is_original ? "#/components/schemas/OriginalError" : "#/components/schemas/Problem",
              out);
    json_out_open(out, '{');
    json_out_open_member(out, "properties", '{');
    if (is_original) {
        json_out_open_member(out, "error", '{');
        json_out_open_member(out, "properties", '{');
    }
    json_out_open_member(out, "code", '{');
    json_out_open_member(out, "enum", '[');
    for (size_t i = 0; i < failures->count; i++) {
        if (err_http_status(failures->errors[i]) == status) {
            json_out_z(out, err_code(failures->errors[i]));
        }
    }
    json_out_close(out, "]}");
    if (is_original) {
        json_out_close(out, "}}");
    }
    json_out_close(out, "}}]}");
}

static void write_failure(const struct route_failures *failures, int status, enum dialect dialect,
                          struct json_out *out)
{
    struct strbuf description = {0};
    char key[16];
    for (size_t i = 0; i < failures->count; i++) {
        if (err_http_status(failures->errors[i]) == status) {
            strbuf_add_z(&description, description.bytes == 0 ? "" : " ");
            strbuf_add_z(&description, err_text(failures->errors[i]));
        }
    }
    (void)snprintf(key, sizeof(key), "%d", status);
    json_out_open_member(out, key, '{');
    json_out_key(out, "description");
    json_out_str(out, strbuf_str(&description));
    open_content(dialect == DIALECT_ORIGINAL ? "application/json" : "application/problem+json",
                 out);
    write_failure_schema(failures, status, dialect, out);
    close_content(out);
    json_out_close(out, "}");
    strbuf_fini(&description);
}

static void write_responses(const struct route *route, enum dialect dialect, struct json_out *out)
{
    struct route_failures failures;
    route_find_failures(route, dialect, &failures);
    json_out_open_member(out, "responses", '{');
    write_successes(route, out);
    for (int status = 400; status < 600; status++) {
        for (size_t i = 0; i < failures.count; i++) {
            if (err_http_status(failures.errors[i]) == status) {
                write_failure(&failures, status, dialect, out);
                break;
            }
        }
    }
    json_out_close(out, "}");
}

/* ---- operations ---- */

static void write_parameters(const struct route_path *path, struct json_out *out)
{
    json_out_open_member(out, "parameters", '[');
    for (size_t i = 0; i < path->segment_count; i++) {
        struct str name = path->segments[i];
        if (!route_segment_is_parameter(name)) {
            continue;
        }
        name.data++;
        name.bytes -= 2;
        json_out_open(out, '{');
        json_out_key(out, "name");
        json_out_str(out, name);
        json_out_member_z(out, "in", "path");
        json_out_key(out, "required");
        json_out_bool(out, true);
        json_out_open_member(out, "schema", '{');
        json_out_member_z(out, "type", "string");
        json_out_member_u64(out, "maxLength", REQUEST_PARAMETER_BYTES_MAX);
        json_out_member_z(out, "pattern", "^[A-Za-z0-9._~-]+$");
        json_out_close(out, "}}");
    }
    json_out_close(out, "]");
}

/* What is beside the path. */
static void write_own_parameters(const struct route *route, struct json_out *out)
{
    json_out_open_member(out, "parameters", '[');
    if (route->takes_key) {
        write_ref("#/components/parameters/IdempotencyKey", out);
    }
    if (route->has_if_match) {
        write_ref(route->free_of_match == NULL ? "#/components/parameters/IfMatch"
                                               : "#/components/parameters/IfMatchOrFree",
                  out);
    }
    for (const struct member *m = route->query; m != NULL && m->name != NULL; m++) {
        json_out_open(out, '{');
        json_out_member_z(out, "name", m->name);
        json_out_member_z(out, "in", "query");
        json_out_open_member(out, "schema", '{');
        openapi_member_write(m, /* is_closed= */ false, out);
        json_out_close(out, "}}");
    }
    json_out_close(out, "]");
}

/* JSON of a PATCH is a merge patch (RFC 7396), whatever it is called. */
static void write_body_content(const struct route *route, enum dialect dialect,
                               struct json_out *out)
{
    static const char *const media_types[] = {"application/json", "application/merge-patch+json"};
    const size_t count = route->body == NULL ? 0 : strcmp(route->method, "PATCH") == 0 ? 2 : 1;
    json_out_open_member(out, "content", '{');
    for (size_t i = 0; i < count; i++) {
        json_out_open_member(out, media_types[i], '{');
        json_out_key(out, "schema");
        openapi_schema_write(route->body, dialect == DIALECT_V1, out);
        json_out_close(out, "}");
    }
    for (const struct route *row = route; row != NULL; row = row->by_text) {
        if (row->text_type != NULL) {
            json_out_open_member(out, row->text_type, '{');
            write_text_schema(out);
            json_out_close(out, "}");
        }
    }
    json_out_close(out, "}");
}

static void write_security(const char *scheme, struct json_out *out)
{
    json_out_open(out, '{');
    json_out_open_member(out, scheme, '[');
    json_out_close(out, "]}");
}

/* One of these is enough. */
static void write_securities(const struct route *route, enum dialect dialect, struct json_out *out)
{
    const struct route_takes *takes = route_takes(route);
    json_out_open_member(out, "security", '[');
    if (takes->nothing && (takes->session || takes->participant)) {
        json_out_open(out, '{'); /* none is needed */
        json_out_close(out, "}");
    }
    if (takes->session) {
        write_security("session", out);
    }
    if (takes->session && dialect == DIALECT_V1) {
        write_security("cookie", out);
    }
    if (takes->participant) {
        write_security("participant", out);
    }
    if (takes->stream_key) {
        write_security("stream_key", out);
    }
    json_out_close(out, "]");
}

static void write_operation(const struct route *route, enum dialect dialect, struct json_out *out)
{
    AUTO(mem_free) char *method = mem_strdup(route->method);
    for (char *c = method; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    json_out_open_member(out, method, '{');
    json_out_member_z(out, "operationId", route->name);
    json_out_member_z(out, "summary", route->doc);
    /* OpenAPI has no word for who may (an extension: section 4.9). */
    json_out_member_z(out, "x-who", route_takes(route)->name);
    write_securities(route, dialect, out);
    if (route->query != NULL || route->has_if_match || route->takes_key) {
        write_own_parameters(route, out);
    }
    if (route->body != NULL || route->text_type != NULL) {
        json_out_open_member(out, "requestBody", '{');
        json_out_key(out, "required");
        json_out_bool(out, !route->body_may_be_empty);
        write_body_content(route, dialect, out);
        json_out_close(out, "}");
    }
    write_responses(route, dialect, out);
    json_out_close(out, "}");
}

/* ---- what all operations share ---- */

static const struct member problem_error[] = {
    {.name = "pointer", .type = MEMBER_STRING, .doc = "A JSON pointer into the body."},
    {.name = "detail", .type = MEMBER_STRING},
    {.name = NULL},
};

static const struct member problem_members[] = {
    {.name = "type", .type = MEMBER_STRING, .doc = "/problems/{code}: a page about it."},
    {.name = "title", .type = MEMBER_STRING},
    {.name = "status", .type = MEMBER_NUMBER, .min = 400, .max = 599},
    {.name = "detail", .type = MEMBER_STRING},
    {.name = "code", .type = MEMBER_STRING},
    {.name = "request_id", .type = MEMBER_STRING, .doc = "As in X-Request-Id, and in our logs."},
    {.name = NULL},
};

static const struct member original_error[] = {
    {.name = "code", .type = MEMBER_STRING},
    {.name = "message", .type = MEMBER_STRING},
    {.name = NULL},
};

static const struct member original_members[] = {
    {.name = "action", .type = MEMBER_STRING, .constant = "failed"},
    {.name = "request_id", .type = MEMBER_STRING, .doc = "As in X-Request-Id, and in our logs."},
    {.name = NULL},
};

/* An object of members, and one more member: an object of its own, or a list of such. */
static void write_shared_schema(const char *name, const struct member *members, const char *inner,
                                const struct member *inner_members, bool inner_is_list,
                                struct json_out *out)
{
    json_out_open_member(out, name, '{');
    json_out_open_member(out, "allOf", '[');
    openapi_schema_write(members, /* is_closed= */ false, out);
    json_out_open(out, '{');
    json_out_member_z(out, "type", "object");
    json_out_open_member(out, "properties", '{');
    json_out_key(out, inner);
    if (inner_is_list) {
        json_out_open(out, '{');
        json_out_member_z(out, "type", "array");
        json_out_key(out, "items");
    }
    openapi_schema_write(inner_members, /* is_closed= */ false, out);
    if (inner_is_list) {
        json_out_close(out, "}");
    }
    json_out_close(out, "}}]}");
}

/* One that is a string, of the components' headers. */
static void write_header(const char *name, const char *doc, struct json_out *out)
{
    json_out_open_member(out, name, '{');
    json_out_member_z(out, "description", doc);
    json_out_open_member(out, "schema", '{');
    json_out_member_z(out, "type", "string");
    json_out_close(out, "}}");
}

/* One of the components' parameters. */
static void write_header_parameter(const char *key, const char *name, bool is_required,
                                   const char *doc, struct json_out *out)
{
    json_out_open_member(out, key, '{');
    json_out_member_z(out, "name", name);
    json_out_member_z(out, "in", "header");
    json_out_key(out, "required");
    json_out_bool(out, is_required);
    json_out_member_z(out, "description", doc);
    json_out_open_member(out, "schema", '{');
    json_out_member_z(out, "type", "string");
    json_out_close(out, "}}");
}

static void write_bearer(const char *name, const char *doc, struct json_out *out)
{
    json_out_open_member(out, name, '{');
    json_out_member_z(out, "type", "http");
    json_out_member_z(out, "scheme", "bearer");
    json_out_member_z(out, "description", doc);
    json_out_close(out, "}");
}

static void write_security_schemes(const struct public_url *url, struct json_out *out)
{
    struct session_cookie cookie;
    session_cookie_init(&cookie, url);
    json_out_open_member(out, "securitySchemes", '{');
    write_bearer("session", "The token of a session; Bearer may be left out.", out);
    write_bearer("participant",
                 "The token of a participant: who has joined a room got it; it begins "
                 "with " TOKEN_PARTICIPANT_PREFIX ". Bearer may be left out.",
                 out);
    write_bearer("stream_key",
                 "A stream key: a member of the room has made it for a program; it begins "
                 "with " TOKEN_STREAM_KEY_PREFIX ". Bearer may be left out.",
                 out);
    json_out_open_member(out, "cookie", '{');
    json_out_member_z(out, "type", "apiKey");
    json_out_member_z(out, "in", "cookie");
    json_out_member_z(out, "name", cookie.name);
    json_out_member_z(out, "description",
                      "The token of a session that was opened with cookie; only for pages of this "
                      "service itself. Authorization wins. A 401 takes one of no session away: the "
                      "next request comes without it.");
    json_out_close(out, "}}");
}

static void write_components(const struct public_url *url, struct json_out *out)
{
    json_out_open_member(out, "components", '{');
    json_out_open_member(out, "schemas", '{');
    write_shared_schema("Problem", problem_members, "errors", problem_error, true, out);
    write_shared_schema("OriginalError", original_members, "error", original_error, false, out);
    json_out_close(out, "}");
    json_out_open_member(out, "headers", '{');
    write_header("ETag", "Names what is shown: for If-Match and If-None-Match.", out);
    write_header("Accept-Patch", "The media types by which what was made can be changed.", out);
    write_header("Location", "The path of what was made.", out);
    write_header(
        "Link",
        "An ICE server, and credentials for it (RFC 9725, section 4.6); one for each server.", out);
    write_header("Set-Cookie", "Of who signs in or out with the cookie.", out);
    json_out_close(out, "}");
    json_out_open_member(out, "parameters", '{');
    write_header_parameter("IfMatch", "If-Match", /* is_required= */ true,
                           "The ETag of what was read; * for whatever there is now.", out);
    write_header_parameter("IfMatchOrFree", "If-Match", /* is_required= */ false,
                           "Likewise; needed unless only what the row says is changed.", out);
    write_header_parameter("IdempotencyKey", "Idempotency-Key", /* is_required= */ false,
                           "Drawn by the client: what comes again with it within 24 hours is done "
                           "once. 1 to 128 visible characters, also in quotes; at least 22 where "
                           "nobody is signed in.",
                           out);
    json_out_close(out, "}");
    write_security_schemes(url, out);
    json_out_close(out, "}");
}

void openapi_write(const struct routes *routes, const struct public_url *url, struct json_out *out)
{
    AUTO(mem_free) char *address = public_url_text(url);
    size_t count;
    const struct route_path *paths = routes_paths(routes, &count);
    json_out_open(out, '{');
    json_out_member_z(out, "openapi", "3.1.0");
    json_out_open_member(out, "info", '{');
    json_out_member_z(out, "title", "Lynks");
    json_out_member_z(out, "version", LYNKS_VERSION);
    json_out_member_z(out, "description",
                      "Video meetings. GET answers HEAD too; another method than a path has is "
                      "answered 405 with Allow, an unknown path 404. Every answer has "
                      "X-Request-Id.");
    json_out_close(out, "}");
    json_out_open_member(out, "servers", '[');
    json_out_open(out, '{');
    json_out_member_z(out, "url", address);
    json_out_close(out, "}]");
    json_out_open_member(out, "paths", '{');
    for (size_t i = 0; i < count; i++) {
        json_out_open_member(out, paths[i].template, '{');
        write_parameters(&paths[i], out);
        for (size_t j = 0; j < paths[i].count; j++) {
            write_operation(paths[i].routes[j], paths[i].resource->dialect, out);
        }
        json_out_close(out, "}");
    }
    json_out_close(out, "}");
    write_components(url, out);
    json_out_close(out, "}");
}
