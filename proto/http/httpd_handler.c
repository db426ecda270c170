/* What handlers see of a request, as far as the HTTP library need not be asked for it. */
#include "proto/http/httpd.h"
#include "proto/http/httpd_request.h"

const char *httpd_method(const struct httpd_request *request)
{
    return request->method;
}

const char *httpd_path(const struct httpd_request *request)
{
    return request->path;
}

const char *httpd_query(const struct httpd_request *request)
{
    return request->query;
}

struct str httpd_body(const struct httpd_request *request)
{
    return (struct str){.data = request->body, .bytes = request->body_bytes};
}

void httpd_peer(const struct httpd_request *request, uint8_t ret_address[16])
{
    memcpy(ret_address, request->peer, 16);
}

bool httpd_can_stream(const struct httpd_request *request)
{
    return request->visitor != NULL;
}

/* A path that begins with two slashes would be another host's (RFC 3986, section 4.2); browsers
 * read a backslash as a slash. */
struct http_response *httpd_again(const struct httpd_request *request)
{
    bool has_url = request->path[0] == '/' && request->path[1] != '/' && request->path[1] != '\\';
    AUTO(mem_free)
    char *url = mem_printf("%s%s%s", request->path, request->query == NULL ? "" : "?",
                           request->query == NULL ? "" : request->query);
    struct http_response *response = http_response_new(has_url ? 307 : 400);
    if (has_url && !http_response_add_header(response, "Location", url)) {
        http_response_free(&response);
        response = http_response_new(414);
    }
    http_response_close(response);
    return response;
}
