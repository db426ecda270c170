#include "gateway/http/session_cookie.h"

#include <stdio.h>

#define HTTP_PORT 80

void session_cookie_init(struct session_cookie *cookie, const struct public_url *url)
{
    cookie->url = *url;
    if (!url->is_https && public_url_is_loopback(url)) {
        (void)snprintf(cookie->name, sizeof(cookie->name), "lynks-%u",
                       url->port != 0 ? url->port : HTTP_PORT);
    } else {
        (void)str_copy(cookie->name, sizeof(cookie->name), STR_LIT("__Host-lynks"));
    }
}

/* ---- what browsers send ---- */

/* The next name and value of a Cookie header (RFC 6265, section 4.2), without blanks around them.
 * false: it is at its end. */
static bool next_pair(const char **header, struct str *ret_name, struct str *ret_value)
{
    const char *at = *header + strspn(*header, "; \t");
    size_t bytes = strcspn(at, ";");
    *header = at + bytes;
    const size_t name_bytes = strcspn(at, "=;");
    const size_t value_at = name_bytes < bytes ? name_bytes + 1 : bytes;
    while (bytes > value_at && (at[bytes - 1] == ' ' || at[bytes - 1] == '\t')) {
        bytes--;
    }
    *ret_name = (struct str){.data = at, .bytes = name_bytes};
    *ret_value = (struct str){.data = at + value_at, .bytes = bytes - value_at};
    return at[0] != '\0';
}

bool session_cookie_find(const struct session_cookie *cookie, struct request *request,
                         struct str *ret_value)
{
    const char *header = request_header(request, "Cookie");
    size_t found = 0;
    struct str name, value;
    while (header != NULL && next_pair(&header, &name, &value)) {
        if (str_eq(name, str_of(cookie->name))) {
            *ret_value = found++ == 0 ? value : STR_LIT("");
        }
    }
    return found > 0;
}

enum err session_cookie_check_page(const struct session_cookie *cookie, struct request *request)
{
    const char *origin = request_header(request, "Origin");
    const char *site = request_header(request, "Sec-Fetch-Site");
    /* none: no page at all, somebody has typed the address (Fetch Metadata, section 2.3). */
    const bool is_own_site =
        site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    return is_own_site && (origin == NULL || public_url_has_origin(&cookie->url, origin))
               ? ERR_OK
               : ERR_FOREIGN_PAGE;
}

/* ---- what they are told ---- */

/* Without HTTPS the cookie must not leave the machine. Who comes in by another address than a
 * loopback one has left it. */
enum err session_cookie_check_sign_in(const struct session_cookie *cookie, struct request *request)
{
    const struct public_url *url = &cookie->url;
    const bool is_safe =
        url->is_https || (public_url_is_loopback(url) &&
                          public_url_host_is_loopback(request_header(request, "Host")));
    return is_safe ? session_cookie_check_page(cookie, request) : ERR_HTTPS_MISSING;
}

char *session_cookie_write(const struct session_cookie *cookie, const char *token,
                           uint64_t max_age_s)
{
    char max_age[32] = "";
    if (max_age_s > 0 || token[0] == '\0') {
        (void)snprintf(max_age, sizeof(max_age), "; Max-Age=%" PRIu64,
                       token[0] == '\0' ? 0 : max_age_s);
    }
    return mem_printf("%s=%s; Path=/%s; HttpOnly%s; SameSite=Strict", cookie->name, token, max_age,
                      cookie->url.is_https ? "; Secure" : "");
}
