#include "proto/http/http_response.h"

#include <assert.h>
#include <stdlib.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "proto/http/http_framing.h"

struct http_response {
    int status;
    bool has_body, is_closing;
    char *body;
    const char *lent; /* instead of body; NULL: it is none of others */
    size_t body_bytes;
    const struct http_producer *producer; /* NULL: the body is no stream */
    void *producer_arg;
    int file_fd; /* -1: the body is no file */
    uint64_t file_offset, file_bytes;
    struct strbuf fields; /* name, NUL, value, NUL; and so on */
};

struct http_response *http_response_new(int status)
{
    assert(status >= 200 && status <= 599);
    struct http_response *response = mem_alloc(sizeof(*response));
    response->status = status;
    response->file_fd = -1;
    return response;
}

void http_response_free(struct http_response **response)
{
    if (*response != NULL) {
        if ((*response)->producer != NULL) {
            (*response)->producer->on_gone((*response)->producer_arg);
        }
        if ((*response)->file_fd >= 0) {
            close((*response)->file_fd);
        }
        free((*response)->body);
        strbuf_fini(&(*response)->fields);
        mem_free(response);
    }
}

/* RFC 9110, section 5.5: what a field's value may hold. Bytes from 128 on are let through, as they
 * mean nothing to the framing. */
static bool is_field_value(const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool http_response_add_header(struct http_response *response, const char *name, const char *value)
{
    struct str name_and_end = {.data = name, .bytes = strlen(name) + 1};
    struct str value_and_end = {.data = value, .bytes = strlen(value) + 1};
    size_t room = HTTP_RESPONSE_FIELD_BYTES_MAX - response->fields.bytes;
    if (!http_is_token(str_of(name)) || !is_field_value(value) || name_and_end.bytes > room ||
        value_and_end.bytes > room - name_and_end.bytes) {
        return false;
    }
    strbuf_add(&response->fields, name_and_end);
    strbuf_add(&response->fields, value_and_end);
    return true;
}

void http_response_take_body(struct http_response *response, const char *content_type, char **body,
                             size_t bytes)
{
    assert(!response->has_body);
    response->has_body = true;
    response->body = STEAL(*body);
    response->body_bytes = bytes;
    if (content_type != NULL) {
        (void)http_response_add_header(response, "Content-Type", content_type);
    }
}

void http_response_set_body(struct http_response *response, const char *content_type,
                            struct str body)
{
    char *copy = str_dup(body);
    http_response_take_body(response, content_type, &copy, body.bytes);
}

void http_response_lend_body(struct http_response *response, const char *content_type,
                             struct str body)
{
    char *none = NULL;
    http_response_take_body(response, content_type, &none, body.bytes);
    response->lent = body.data;
}

void http_response_set_file(struct http_response *response, const char *content_type, int *fd,
                            uint64_t offset, uint64_t bytes)
{
    char *none = NULL;
    http_response_take_body(response, content_type, &none, 0);
    response->file_fd = *fd;
    response->file_offset = offset;
    response->file_bytes = bytes;
    *fd = -1;
}

void http_response_set_stream(struct http_response *response, const char *content_type,
                              const struct http_producer *producer, void *arg)
{
    char *none = NULL;
    http_response_take_body(response, content_type, &none, 0);
    response->producer = producer;
    response->producer_arg = arg;
}

void http_response_close(struct http_response *response)
{
    response->is_closing = true;
}

int http_response_status(const struct http_response *response)
{
    return response->status;
}

bool http_response_is_stream(const struct http_response *response)
{
    return response->producer != NULL;
}

bool http_response_is_closing(const struct http_response *response)
{
    return response->is_closing;
}

struct str http_response_body(const struct http_response *response)
{
    return (struct str){.data = response->lent != NULL ? response->lent : response->body,
                        .bytes = response->body_bytes};
}

void http_response_each_header(const struct http_response *response, http_response_header_fn *fn,
                               void *arg)
{
    const char *end = response->fields.data + response->fields.bytes;
    for (const char *name = response->fields.data; name < end;) {
        const char *value = name + strlen(name) + 1;
        fn(arg, name, value);
        name = value + strlen(value) + 1;
    }
}

struct search {
    const char *name, *found;
};

static void compare(void *arg, const char *name, const char *value)
{
    struct search *search = arg;
    if (search->found == NULL && strcasecmp(name, search->name) == 0) {
        search->found = value;
    }
}

const char *http_response_header(const struct http_response *response, const char *name)
{
    struct search search = {.name = name};
    http_response_each_header(response, compare, &search);
    return search.found;
}

const char *http_response_lent_body(const struct http_response *response, size_t *ret_bytes)
{
    *ret_bytes = response->lent != NULL ? response->body_bytes : 0;
    return response->lent;
}

char *http_response_steal_body(struct http_response *response, size_t *ret_bytes)
{
    *ret_bytes = response->body_bytes;
    response->body_bytes = 0;
    return STEAL(response->body);
}

int http_response_steal_file(struct http_response *response, uint64_t *ret_offset,
                             uint64_t *ret_bytes)
{
    int fd = response->file_fd;
    response->file_fd = -1;
    *ret_offset = response->file_offset;
    *ret_bytes = response->file_bytes;
    return fd;
}

const struct http_producer *http_response_steal_producer(struct http_response *response,
                                                         void **ret_arg)
{
    *ret_arg = response->producer_arg;
    return STEAL(response->producer);
}

/* RFC 9110, section 15. A status of which we have no phrase goes without: nobody reads it. */
static const char *phrase_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    size_t i = 0;
    while (i < ARRAY_LEN(phrases) && phrases[i].status != status) {
        i++;
    }
    return i < ARRAY_LEN(phrases) ? phrases[i].phrase : "";
}

static void write_field(void *arg, const char *name, const char *value)
{
    struct strbuf *out = arg;
    strbuf_add_z(out, name);
    strbuf_add_z(out, ": ");
    strbuf_add_z(out, value);
    strbuf_add_z(out, "\r\n");
}

/* RFC 9110, section 5.6.7. */
void http_date(time_t time, char ret_date[HTTP_DATE_BYTES])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    (void)gmtime_r(&time, &tm);
    (void)snprintf(ret_date, HTTP_DATE_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT",
                   days[tm.tm_wday], (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

void http_response_write_head(const struct http_response *response, const char *framing,
                              struct strbuf *out)
{
    char date[HTTP_DATE_BYTES];
    http_date(time(NULL), date);
    strbuf_add_z(out, "HTTP/1.1 ");
    strbuf_add_u64(out, (uint64_t)response->status);
    strbuf_add_z(out, " ");
    strbuf_add_z(out, phrase_of(response->status));
    strbuf_add_z(out, "\r\n");
    write_field(out, "Date", date);
    http_response_each_header(response, write_field, out);
    strbuf_add_z(out, framing);
    strbuf_add_z(out, "Connection: close\r\n\r\n");
}
