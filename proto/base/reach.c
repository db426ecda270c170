#include "proto/base/reach.h"

bool reach_read_published(const char *published, struct public_url *ret_url)
{
    AUTO(mem_free) char *text = mem_printf("http://%s", published);
    return public_url_parse(text, ret_url);
}

/* Where the API's port is open: on what host, and which port. */
static struct public_url find_opening(const struct reach *reach, uint16_t port)
{
    struct public_url opening = {.port = port};
    if (reach->published[0] == '\0' || !reach_read_published(reach->published, &opening)) {
        (void)str_copy(opening.host, sizeof(opening.host), str_of(reach->http_host));
    }
    return opening;
}

struct public_url reach_url(const struct reach *reach, uint16_t port)
{
    struct public_url url;
    if (reach->public_url[0] != '\0' && public_url_parse(reach->public_url, &url)) {
        return url;
    }
    struct public_url opening = find_opening(reach, port);
    return public_url_default(reach->domain, opening.host, opening.port);
}

bool reach_is_by_others(const struct reach *reach)
{
    struct public_url url = reach_url(reach, 0);
    struct public_url opening = find_opening(reach, 0);
    return !public_url_is_loopback(&opening) || !public_url_is_loopback(&url) ||
           reach->trusted_proxies[0] != '\0';
}
