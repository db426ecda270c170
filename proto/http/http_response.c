#include "proto/http/http_response.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/base/strbuf.h"
#include "proto/http/http_framing.h"

struct http_response {
    int status;
    bool has_body, is_closing;
    char *body;
    size_t body_bytes;
    struct strbuf fields; /* name, NUL, value, NUL; and so on */
};

struct http_response *http_response_new(int status)
{
    assert(status >= 200 && status <= 599);
    struct http_response *response = mem_alloc(sizeof(*response));
    response->status = status;
    return response;
}

void http_response_free(struct http_response **response)
{
    if (*response != NULL) {
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

void http_response_close(struct http_response *response)
{
    response->is_closing = true;
}

int http_response_status(const struct http_response *response)
{
    return response->status;
}

bool http_response_is_closing(const struct http_response *response)
{
    return response->is_closing;
}

struct str http_response_body(const struct http_response *response)
{
    return (struct str){.data = response->body, .bytes = response->body_bytes};
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

char *http_response_steal_body(struct http_response *response, size_t *ret_bytes)
{
    *ret_bytes = response->body_bytes;
    response->body_bytes = 0;
    return STEAL(response->body);
}
