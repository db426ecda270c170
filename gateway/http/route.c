#include "gateway/http/route.h"

#include <assert.h>
#include <stdlib.h>

static const char *const methods[ROUTE_METHODS_MAX] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static const struct route_takes takes[] = {
    [ROUTE_ANYBODY] = {.name = "anybody", .nothing = true},
    [ROUTE_USER] = {.name = "user", .session = true},
    [ROUTE_ADMIN] = {.name = "admin", .session = true},
    [ROUTE_PARTICIPANT] = {.name = "participant", .participant = true},
    [ROUTE_PARTICIPANT_OR_STREAM_KEY] = {.name = "participant_or_stream_key",
                                         .participant = true,
                                         .stream_key = true},
    [ROUTE_USER_OR_PARTICIPANT] = {.name = "user_or_participant",
                                   .session = true,
                                   .participant = true},
    [ROUTE_USER_OR_NOBODY] = {.name = "user_or_nobody", .nothing = true, .session = true},
    [ROUTE_USER_PARTICIPANT_OR_NOBODY] = {.name = "user_participant_or_nobody",
                                          .nothing = true,
                                          .session = true,
                                          .participant = true},
};

struct routes {
    struct route_path *paths;
    size_t count;
};

/* ---- the check of the rows, at start ---- */

/* Unreserved characters, and escaped ones (RFC 3986, 2.1). */
static bool can_be_parameter(struct str s)
{
    for (size_t i = 0; i < s.bytes; i++) {
        uint8_t byte;
        const bool is_escape = s.data[i] == '%' && i + 2 < s.bytes &&
                               hex_decode(&byte, 1, (struct str){s.data + i + 1, 2});
        if (!is_escape && !request_segment_is_plain((struct str){s.data + i, 1})) {
            return false;
        }
        i += is_escape ? 2 : 0;
    }
    return s.bytes > 0 && s.bytes <= REQUEST_PARAMETER_BYTES_MAX;
}

bool route_segment_is_parameter(struct str segment)
{
    return segment.bytes > 2 && segment.data[0] == '{' && segment.data[segment.bytes - 1] == '}';
}

static bool segment_is_good(struct str segment)
{
    if (route_segment_is_parameter(segment)) {
        segment.data++;
        segment.bytes -= 2;
    }
    return request_segment_is_plain(segment);
}

static const char *check_template(const struct route_path *path)
{
    for (size_t i = 0; i < path->segment_count; i++) {
        if (!segment_is_good(path->segments[i])) {
            return "the template has a bad segment";
        }
        for (size_t j = 0; j < i; j++) {
            if (route_segment_is_parameter(path->segments[i]) &&
                str_eq(path->segments[i], path->segments[j])) {
                return "the template has a parameter twice";
            }
        }
    }
    return NULL;
}

static const char *check_member(const struct member *members, const struct member *member,
                                bool is_body)
{
    bool is_of_answer = member->type >= MEMBER_NUMBERS;
    bool is_for_handler = member->type >= MEMBER_ID && !is_of_answer;
    bool has_members = member->type == MEMBER_OBJECT || member->type == MEMBER_OBJECTS;
    bool has_words = member->type == MEMBER_WORD || member->type == MEMBER_WORDS ||
                     member->type == MEMBER_WORD_MAP;
    if (member->min > member->max) {
        return "a member's bounds are reversed";
    }
    if (is_body && (is_of_answer || member->constant != NULL)) {
        return "a member is of a type that no body has";
    }
    if (is_body && is_for_handler && !member->is_local) {
        return "a member that only a handler reads goes into the message";
    }
    if ((member->type == MEMBER_WORD_MAP) != (member->name_max > 0)) {
        return "a member has names without a bound, or a bound without names";
    }
    if (has_words != (member->words != NULL)) {
        return "a member that is a word has no words, or another one has";
    }
    if (has_members != (member->members != NULL)) {
        return "a member that is an object has no members, or another one has";
    }
    for (const struct member *m = members; m < member; m++) {
        if (strcmp(m->name, member->name) == 0) {
            return "a member is there twice";
        }
    }
    return NULL;
}

/* Of a list of objects in a body. */
static const char *check_items(const struct member *list)
{
    const char *why = NULL;
    for (const struct member *m = list->members; why == NULL && m->name != NULL; m++) {
        const bool is_simple = m->type <= MEMBER_ID && m->constant == NULL;
        why = is_simple ? check_member(list->members, m, /* is_body= */ false)
                        : "an object in a list of the body has a member of a type that none has";
    }
    return why;
}

static const char *check_members(const struct member *members, bool is_body)
{
    const char *why = NULL;
    for (const struct member *m = members; why == NULL && m != NULL && m->name != NULL; m++) {
        why = check_member(members, m, is_body);
        why = why == NULL && is_body && m->type == MEMBER_OBJECTS ? check_items(m) : why;
    }
    return why;
}

static bool are_values(const char *const *words, const struct msg_enum *values)
{
    size_t found = 0;
    size_t count = 0;
    for (; words[count] != NULL; count++) {
        for (size_t i = 0; i < values->value_count; i++) {
            found += strcmp(values->values[i].text, words[count]) == 0;
        }
    }
    return found == count;
}

/* A member of the body that goes into a field of the message must fit into it. */
static const char *check_field(const struct msg_fields *to, const struct member *member)
{
    static const enum field_type wanted[] = {
        [MEMBER_STRING] = FIELD_STR, [MEMBER_LABEL] = FIELD_STR, [MEMBER_NUMBER] = FIELD_U64,
        [MEMBER_BOOL] = FIELD_BOOL,  [MEMBER_WORD] = FIELD_ENUM, [MEMBER_TIME] = FIELD_U64};
    for (size_t i = 0; i < to->count; i++) {
        const struct msg_field *field = &to->fields[i];
        if (strcmp(field->name, member->name) != 0) {
            continue;
        }
        /* A character has four bytes at most (RFC 3629). */
        uint64_t max = member->type == MEMBER_LABEL ? 4 * member->max : member->max;
        bool is_bounded = member->type == MEMBER_BOOL || member->type == MEMBER_WORD ||
                          member->type == MEMBER_TIME ||
                          (member->min >= field->min && max <= field->max);
        if (member->is_nullable && (field->presence != MSG_OPTIONAL || field->min > 0 ||
                                    (field->type != FIELD_STR && field->type != FIELD_U64))) {
            return "a member that may be null needs an optional field that may be empty";
        }
        if (member->type == MEMBER_WORD && field->type == FIELD_ENUM &&
            !are_values(member->words, field->values)) {
            return "a word is no value of the message's enum";
        }
        if (field->type != wanted[member->type] || !is_bounded) {
            return "a member does not fit into the message's field";
        }
        return field->required && member->is_optional ? "a member must not be optional" : NULL;
    }
    return "a member is no field of the message";
}

static const char *check_ask(const struct route *route)
{
    const struct msg_type *type = msg_type_find(route->ask->message);
    bool has_body = route->answer.status != 204;
    bool writes = (route->ask->write != NULL) != (route->ask->text != NULL);
    if (type == NULL || type->reply == MSG_NONE || (has_body && !writes)) {
        return "the row asks no request of the bus, or does not write an answer";
    }
    if (!has_body && (route->ask->write != NULL || route->ask->text != NULL)) {
        return "the row writes an answer that has no body";
    }
    if ((route->ask->text != NULL) != (route->answer.media_type != NULL) ||
        (route->answer.empty_doc != NULL && route->ask->text == NULL)) {
        return "the answer is text without a media type, or the other way round";
    }
    if ((route->answer.bare_doc != NULL) != (route->ask->is_bare != NULL)) {
        return "the answer may have no body and nothing tells when, or the other way round";
    }
    if (route->ask->ahead != NULL &&
        (type->retry != RETRY_SAFE || route->ask->prepare != NULL || route->ask->version != NULL ||
         !has_body || route->who != ROUTE_USER)) {
        return "the row is asked ahead, but is no read of somebody who is checked";
    }
    if (route->answer.has_etag != (route->ask->version != NULL)) {
        return "the answer has a version and no ETag, or the other way round";
    }
    if (route->answer.has_location != (route->ask->locate != NULL)) {
        return "the answer has a Location that nothing tells, or the other way round";
    }
    if (route->answer.has_links != (route->ask->link != NULL)) {
        return "the answer has links that nothing adds, or the other way round";
    }
    if ((route->answer.pending_doc != NULL) != (route->ask->is_pending != NULL)) {
        return "the answer may be 202 and nothing tells when, or the other way round";
    }
    const struct msg_fields to = msg_fields_of(type, route->ask->record);
    if (to.fields == NULL && route->ask->record != NULL) {
        return "the message has no such record";
    }
    for (const struct member *m = route->body; m != NULL && m->name != NULL; m++) {
        const char *why = m->is_local ? NULL : check_field(&to, m);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static const char *check_row(const struct route *route)
{
    const char *why = NULL;
    size_t method = 0;
    while (method < ROUTE_METHODS_MAX && strcmp(methods[method], route->method) != 0) {
        method++;
    }
    bool is_get = method == 0;
    if (method == ROUTE_METHODS_MAX) {
        return "there is no such method";
    }
    if (route->body != NULL && route->text_type != NULL) {
        return "the row takes JSON and text";
    }
    if ((route->handle == NULL) == (route->ask == NULL)) {
        return "the row has no handler, or two";
    }
    if ((is_get && (route->body != NULL || route->text_type != NULL)) ||
        (!is_get && route->is_stream)) {
        return "GET takes no body, and only GET is a stream";
    }
    if (route->poll != NULL && !route->is_stream) {
        return "only a stream can be polled";
    }
    if (route->takes_key && strcmp(route->method, "POST") != 0) {
        return "only a POST takes a key";
    }
    if (route->with_user && (takes[route->who].nothing || takes[route->who].participant)) {
        return "the row wants to know who is no user";
    }
    if (route->key_use != 0 &&
        (!takes[route->who].stream_key || strstr(route->template, "/{room}") == NULL)) {
        return "the row lets in who has a stream key, and takes none, or names no room";
    }
    if (route->has_if_match && (is_get || route->ask == NULL)) {
        return "GET changes no version, and a handler of its own does not know which";
    }
    why = check_members(route->body, /* is_body= */ true);
    why = why == NULL ? check_members(route->answer.members, /* is_body= */ false) : why;
    return why == NULL && route->ask != NULL ? check_ask(route) : why;
}

/* A row for bodies that are text, beside another one. All answer 200, if not otherwise. */
static const char *check_text_row(const struct route *route, const struct route *text)
{
    if (strcmp(route->method, text->method) != 0 || strcmp(route->template, text->template) != 0 ||
        route->who != text->who) {
        return "the row for text is of another path or method, or for others";
    }
    if (text->text_type == NULL || (route->body == NULL && route->text_type == NULL)) {
        return "the row for text does not read text, or there is no other";
    }
    if (route->answer.status != 0 || (text->answer.status != 0 && text->answer.status != 204)) {
        return "the row for text has another status";
    }
    return check_row(text);
}

static const char *check_all_rows(const struct route *route)
{
    const char *why = check_row(route);
    for (const struct route *text = route->by_text; why == NULL && text != NULL;
         text = text->by_text) {
        why = check_text_row(route, text);
    }
    return why;
}

/* ---- the paths ---- */

/* Below 0: a is tried before b. 0: every request that fits one fits the other. */
static int compare_paths(const struct route_path *a, const struct route_path *b)
{
    if (a->segment_count != b->segment_count) {
        return a->segment_count < b->segment_count ? -1 : 1;
    }
    for (size_t i = 0; i < a->segment_count; i++) {
        bool a_is_parameter = route_segment_is_parameter(a->segments[i]);
        bool b_is_parameter = route_segment_is_parameter(b->segments[i]);
        if (a_is_parameter != b_is_parameter) {
            return a_is_parameter ? 1 : -1;
        }
        size_t bytes = a->segments[i].bytes;
        if (a_is_parameter || str_eq(a->segments[i], b->segments[i])) {
            continue;
        }
        if (bytes != b->segments[i].bytes) {
            return bytes < b->segments[i].bytes ? -1 : 1;
        }
        return memcmp(a->segments[i].data, b->segments[i].data, bytes);
    }
    return 0;
}

static const char *add_to_path(struct route_path *path, const struct resource *resource,
                               const struct route *route)
{
    if (path->resource != resource || strcmp(path->template, route->template) != 0) {
        return "another row has this path under another name, or in another resource";
    }
    for (size_t i = 0; i < path->count; i++) {
        if (strcmp(path->routes[i]->method, route->method) == 0) {
            return "the row is there twice";
        }
    }
    path->routes[path->count++] = route;
    return NULL;
}

static const char *add_row(struct routes *routes, const struct resource *resource,
                           const struct route *route)
{
    struct request template = {.path = route->template};
    struct route_path path = {.template = route->template, .resource = resource};
    if (!request_split(&template)) {
        return "the template does not begin with a slash, or has too many segments";
    }
    memcpy(path.segments, template.segments, sizeof(path.segments));
    path.segment_count = template.segment_count;
    const char *why = check_template(&path);
    why = why == NULL ? check_all_rows(route) : why;
    if (why != NULL) {
        return why;
    }
    size_t at = 0;
    while (at < routes->count && compare_paths(&routes->paths[at], &path) < 0) {
        at++;
    }
    if (at == routes->count || compare_paths(&routes->paths[at], &path) != 0) {
        routes->paths = mem_realloc_array(routes->paths, routes->count + 1, sizeof(path));
        memmove(&routes->paths[at + 1], &routes->paths[at], (routes->count - at) * sizeof(path));
        routes->paths[at] = path;
        routes->count++;
    }
    return add_to_path(&routes->paths[at], resource, route);
}

static bool name_is_taken(const struct routes *routes, const char *name)
{
    for (size_t i = 0; i < routes->count; i++) {
        for (size_t j = 0; j < routes->paths[i].count; j++) {
            if (strcmp(routes->paths[i].routes[j]->name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

struct routes *routes_new(const struct resource *resources, size_t count, char **ret_why)
{
    struct routes *routes = mem_alloc(sizeof(*routes));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < resources[i].count; j++) {
            const struct route *route = &resources[i].routes[j];
            const char *why = name_is_taken(routes, route->name)
                                  ? "another row has its name"
                                  : add_row(routes, &resources[i], route);
            if (why != NULL) {
                *ret_why =
                    mem_printf("%s %s (%s): %s", route->method, route->template, route->name, why);
                routes_free(&routes);
                return NULL;
            }
        }
    }
    return routes;
}

void routes_free(struct routes **routes)
{
    if (*routes != NULL) {
        free((*routes)->paths);
        mem_free(routes);
    }
}

struct route_path *routes_paths(const struct routes *routes, size_t *ret_count)
{
    *ret_count = routes->count;
    return routes->paths;
}

/* ---- which row a request is for ---- */

static bool fits(const struct route_path *path, const struct request *request)
{
    if (path->segment_count != request->segment_count) {
        return false;
    }
    for (size_t i = 0; i < path->segment_count; i++) {
        struct str given = request->segments[i];
        bool is_good = route_segment_is_parameter(path->segments[i])
                           ? can_be_parameter(given)
                           : str_eq(path->segments[i], given);
        if (!is_good) {
            return false;
        }
    }
    return true;
}

const struct route_path *routes_find(const struct routes *routes, const struct request *request)
{
    for (size_t i = 0; i < routes->count; i++) {
        if (fits(&routes->paths[i], request)) {
            return &routes->paths[i];
        }
    }
    return NULL;
}

const struct route *route_path_find(const struct route_path *path, const char *method)
{
    bool is_head = strcmp(method, "HEAD") == 0;
    for (size_t i = 0; i < path->count; i++) {
        const struct route *route = path->routes[i];
        if (strcmp(route->method, is_head ? "GET" : method) == 0) {
            return is_head && route->is_stream ? NULL : route;
        }
    }
    return NULL;
}

const struct route *route_for_body(const struct route *route, struct request *request)
{
    char media_type[REQUEST_MEDIA_TYPE_BYTES];
    const struct route *text = route->by_text;
    request_media_type(request, media_type);
    while (text != NULL && strcmp(media_type, text->text_type) != 0) {
        text = text->by_text;
    }
    return text != NULL ? text : route;
}

void route_path_write_allow(const struct route_path *path, struct strbuf *text)
{
    for (size_t i = 0; i < path->count; i++) {
        const struct route *route = path->routes[i];
        strbuf_add_z(text, i == 0 ? "" : ", ");
        strbuf_add_z(text, route->method);
        if (strcmp(route->method, "GET") == 0 && !route->is_stream) {
            strbuf_add_z(text, ", HEAD");
        }
    }
    if (path->resource->dialect != DIALECT_ORIGINAL) {
        strbuf_add_z(text, ", OPTIONS");
    }
}

void route_path_write_types(const struct route_path *path, const char *method, struct strbuf *text)
{
    for (const struct route *row = route_path_find(path, method); row != NULL; row = row->by_text) {
        if (row->text_type != NULL) {
            strbuf_add_z(text, text->bytes == 0 ? "" : ", ");
            strbuf_add_z(text, row->text_type);
        }
    }
}

const struct route_takes *route_takes(const struct route *route)
{
    return &takes[route->who];
}

/* A list of media types without a word on which is preferred is what clients of either send. */
bool route_is_polled(const struct route *route, struct request *request)
{
    const char *accept = route->poll == NULL ? NULL : request_header(request, "Accept");
    return accept != NULL && strcasestr(accept, "application/json") != NULL &&
           strcasestr(accept, "text/event-stream") == NULL;
}

bool route_is_under_v1(const struct route *route)
{
    return strncmp(route->template, "/v1/", 4) == 0;
}

/* ---- what can go wrong ---- */

static void add_failure(struct route_failures *failures, enum err err)
{
    size_t i = 0;
    while (i < failures->count && failures->errors[i] != err) {
        i++;
    }
    if (i == failures->count) {
        assert(i < ROUTE_FAILURES_MAX);
        failures->errors[failures->count++] = err;
    }
}

void route_find_failures(const struct route *route, enum dialect dialect,
                         struct route_failures *ret_failures)
{
    /* Of the server, before it hands a request over. */
    static const enum err server[] = {ERR_BAD_REQUEST, ERR_TOO_LARGE, ERR_OVERLOADED};
    /* Of a call on the bus. */
    static const enum err bus[] = {ERR_FORBIDDEN,      ERR_UNAVAILABLE, ERR_DRAINING, ERR_STANDBY,
                                   ERR_SESSION_COMING, ERR_DEADLINE,    ERR_INTERNAL, ERR_PROTOCOL};
    *ret_failures = (struct route_failures){.count = 0};
    for (size_t i = 0; i < ARRAY_LEN(server); i++) {
        add_failure(ret_failures, server[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bus) && (route->ask != NULL || route->who != ROUTE_ANYBODY);
         i++) {
        add_failure(ret_failures, bus[i]);
    }
    if (route->who != ROUTE_ANYBODY) {
        add_failure(ret_failures, ERR_UNAUTHORIZED);
        add_failure(ret_failures, ERR_RATE_LIMITED);
    }
    if (route->has_if_match) {
        add_failure(ret_failures, ERR_STALE);
        add_failure(ret_failures, ERR_MATCH_REQUIRED);
    }
    if (route->takes_key) {
        add_failure(ret_failures, ERR_BAD_KEY);
        add_failure(ret_failures, ERR_KEY_REUSED);
        add_failure(ret_failures, ERR_IN_FLIGHT);
    }
    if (dialect == DIALECT_V1) {
        add_failure(ret_failures, ERR_WRONG_HOST);
    }
    if (dialect == DIALECT_V1 && route_is_under_v1(route)) {
        add_failure(ret_failures, ERR_FOREIGN_PAGE);
    }
    if (route->body != NULL || route->text_type != NULL) {
        add_failure(ret_failures, ERR_CONTENT_CODING);
    }
    if ((dialect == DIALECT_V1 && route->body != NULL) || route->text_type != NULL) {
        add_failure(ret_failures, ERR_MEDIA_TYPE);
    }
    if (dialect == DIALECT_V1 && route->body != NULL) {
        add_failure(ret_failures, ERR_WRONG_MEMBER);
    }
    for (const struct route *row = route; row != NULL; row = row->by_text) {
        for (size_t i = 0; i < ROUTE_ERRORS_MAX && row->errors[i] != ERR_OK; i++) {
            add_failure(ret_failures, row->errors[i]);
        }
    }
}
