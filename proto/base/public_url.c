#include "proto/base/public_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* ---- parts of it ---- */

/* 16 bytes, IPv4 as ::ffff:a.b.c.d. */
static bool parse_literal(const char *host, uint8_t ret_address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(ret_address, mapped, sizeof(mapped));
    return inet_pton(AF_INET, host, ret_address + 12) == 1 ||
           inet_pton(AF_INET6, host, ret_address) == 1;
}

static bool is_name(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    return host[0] != '\0' && host[0] != '.' && strspn(host, allowed) == strlen(host);
}

/* "host", "host:port", "[::1]:port". Gives the host in lower case, without brackets, and where the
 * port begins (behind the colon; NULL: there is none). */
static bool split_authority(struct str authority, char ret_host[PUBLIC_URL_HOST_BYTES],
                            struct str *ret_port)
{
    const char *at = authority.data;
    const char *end = at + authority.bytes;
    bool is_bracketed = authority.bytes > 0 && *at == '[';
    struct str host = {.data = at + is_bracketed};
    at = host.data;
    while (at < end && *at != (is_bracketed ? ']' : ':')) {
        at++;
    }
    host.bytes = (size_t)(at - host.data);
    if (is_bracketed && at++ == end) {
        return false;
    }
    *ret_port = STR_NONE;
    if (at < end && *at == ':') {
        *ret_port = (struct str){.data = at + 1, .bytes = (size_t)(end - at) - 1};
        at = end;
    }
    if (at != end || !str_copy(ret_host, PUBLIC_URL_HOST_BYTES, host)) {
        return false;
    }
    for (char *c = ret_host; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    uint8_t address[16];
    return is_bracketed ? inet_pton(AF_INET6, ret_host, address) == 1 : is_name(ret_host);
}

static bool parse_port(struct str text, uint16_t *ret_port)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 5) {
            return false;
        }
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    *ret_port = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static uint16_t port_of_scheme(bool is_https)
{
    return is_https ? 443 : 80;
}

/* ---- the whole ---- */

bool public_url_parse(const char *text, struct public_url *ret_url)
{
    struct public_url url = {.is_https = strncasecmp(text, "https://", 8) == 0};
    struct str port;
    if (!url.is_https && strncasecmp(text, "http://", 7) != 0) {
        return false;
    }
    struct str authority = str_of(text + (url.is_https ? 8 : 7));
    if (authority.bytes > 0 && authority.data[authority.bytes - 1] == '/') {
        authority.bytes--;
    }
    if (!split_authority(authority, url.host, &port) ||
        (port.data != NULL && !parse_port(port, &url.port))) {
        return false;
    }
    if (url.port == port_of_scheme(url.is_https)) {
        url.port = 0;
    }
    *ret_url = url;
    return true;
}

struct public_url public_url_default(const char *domain, const char *host, uint16_t port)
{
    static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t any_v6[16] = {0};
    struct public_url url = {.is_https = domain[0] != '\0', .port = port};
    uint8_t address[16];
    bool is_wildcard = parse_literal(host, address) &&
                       (memcmp(address, any_v4, 16) == 0 || memcmp(address, any_v6, 16) == 0);
    (void)str_copy(url.host, sizeof(url.host),
                   str_of(url.is_https  ? domain
                          : is_wildcard ? "127.0.0.1"
                                        : host));
    if (url.is_https || port == port_of_scheme(false)) {
        url.port = 0;
    }
    return url;
}

char *public_url_text(const struct public_url *url)
{
    const char *scheme = url->is_https ? "https" : "http";
    bool is_v6 = strchr(url->host, ':') != NULL;
    AUTO(mem_free) char *port = url->port == 0 ? mem_strdup("") : mem_printf(":%u", url->port);
    return mem_printf("%s://%s%s%s%s", scheme, is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", port);
}

bool public_url_is_loopback(const struct public_url *url)
{
    static const uint8_t v6[16] = {[15] = 1};
    uint8_t address[16];
    if (!parse_literal(url->host, address)) {
        return strcmp(url->host, "localhost") == 0;
    }
    bool is_v4 = address[10] == 0xff && address[11] == 0xff;
    return memcmp(address, v6, 16) == 0 || (is_v4 && address[12] == 127);
}

bool public_url_takes_host(const struct public_url *url, const char *header)
{
    char host[PUBLIC_URL_HOST_BYTES];
    uint8_t address[16];
    struct str port;
    return header != NULL && split_authority(str_of(header), host, &port) &&
           (parse_literal(host, address) || strcmp(host, "localhost") == 0 ||
            strcmp(host, url->host) == 0);
}

bool public_url_host_is_loopback(const char *header)
{
    struct public_url url = {.is_https = false};
    struct str port;
    return header != NULL && split_authority(str_of(header), url.host, &port) &&
           public_url_is_loopback(&url);
}

static bool is_origin_of_host(const struct public_url *url, const char *host, const char *origin)
{
    struct public_url other = *url;
    (void)str_copy(other.host, sizeof(other.host), str_of(host));
    AUTO(mem_free) char *text = public_url_text(&other);
    return strcmp(text, origin) == 0;
}

bool public_url_has_origin(const struct public_url *url, const char *origin)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "::1"};
    bool is_ours = is_origin_of_host(url, url->host, origin);
    for (size_t i = 0; i < ARRAY_LEN(loopback) && public_url_is_loopback(url); i++) {
        is_ours = is_ours || is_origin_of_host(url, loopback[i], origin);
    }
    return is_ours;
}
