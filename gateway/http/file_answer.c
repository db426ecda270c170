#include "gateway/http/file_answer.h"

#include "gateway/http/accept_coding.h"

/* What a page may do, and what it may not, in the words that browsers know (Permissions Policy). */
#define PERMISSIONS                                                                                \
    "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), "                \
    "autoplay=(self), screen-wake-lock=(self), speaker-selection=(self), "                         \
    "picture-in-picture=(self), geolocation=(), usb=(), payment=()"

static const struct {
    const char *name, *value;
} headers_of_all[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy", PERMISSIONS},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

/* Names and values are ours, and far from the bound. */
static void add_file_header(struct http_response *response, const char *name, const char *value)
{
    (void)http_response_add_header(response, name, value);
}

static void add_file_headers(const struct exchange *exchange, const struct file_form *form,
                             struct http_response *response)
{
    const struct file *file = exchange->file;
    for (size_t i = 0; i < ARRAY_LEN(headers_of_all); i++) {
        add_file_header(response, headers_of_all[i].name, headers_of_all[i].value);
    }
    add_file_header(response, "Content-Security-Policy", exchange->all->config.content_policy);
    add_file_header(response, "Cache-Control",
                    file->has_hash ? "public, max-age=31536000, immutable" : "no-cache");
    add_file_header(response, "ETag", form->etag);
    if (file->gzip.data != NULL) {
        add_file_header(response, "Vary", "Accept-Encoding");
    }
}

void file_answer(struct exchange *exchange)
{
    struct request *request = exchange->request;
    const struct file *file = exchange->file;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        exchange_fail(exchange, ERR_METHOD_NOT_ALLOWED);
        return;
    }
    const bool is_packed = file->gzip.data != NULL &&
                           accept_coding_takes_gzip(request_header(request, "Accept-Encoding"));
    const struct file_form *form = is_packed ? &file->gzip : &file->plain;
    const bool is_known = etag_is_in(request_header(request, "If-None-Match"), form->etag);
    struct http_response *response = http_response_new(is_known ? 304 : 200);
    add_file_headers(exchange, form, response);
    if (is_packed && !is_known) {
        add_file_header(response, "Content-Encoding", "gzip");
    }
    if (!is_known) {
        http_response_lend_body(response, file->content_type,
                                (struct str){.data = form->data, .bytes = form->bytes});
    }
    exchange_respond(exchange, &response);
}
