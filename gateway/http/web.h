/* One client request as the API sees it, and the duty to answer exactly once, now or later. No
 * socket and no HTTP library in sight, so the API is tested without them. */
#ifndef LYNKS_GATEWAY_HTTP_WEB_H
#define LYNKS_GATEWAY_HTTP_WEB_H

#include "proto/http/httpd.h"

struct web_request {
    /* Borrowed until the answer; NULL for a header that is absent. */
    const char *method, *path;
    const char *authorization;
    const char *origin;
    const char *preflight_method; /* Access-Control-Request-Method */
    struct str body;
    uint8_t client[16]; /* address, proxies seen through */
    enum err error;     /* why the request was refused before it was read; else ERR_OK */
    /* Set by whoever made the request (HTTP server or test); takes it back,
     * and the response. */
    void (*finish)(struct web_request *request, struct http_response **response);
};

#endif
