/* The cookie that the token of a session may come in, and which pages may make a browser send it
 * (design.md, section 6). Pure functions.
 *
 * A browser sends it whoever made the page: so a request that comes with it counts only if the page
 * is ours. SameSite keeps it from pages of other sites, but not from those of another port or of
 * another name below the same domain. */
#ifndef LYNKS_GATEWAY_HTTP_SESSION_COOKIE_H
#define LYNKS_GATEWAY_HTTP_SESSION_COOKIE_H

#include "gateway/http/request.h"
#include "proto/base/public_url.h"

#define SESSION_COOKIE_NAME_BYTES 16

struct session_cookie {
    struct public_url url;
    char name[SESSION_COOKIE_NAME_BYTES];
};

/* __Host-lynks, which browsers take over HTTPS only, and from no other host. Over plain HTTP on
 * loopback lynks-PORT, because cookies are the same for all ports of a host. */
void session_cookie_init(struct session_cookie *cookie, const struct public_url *url);

/* Did the request come with it? Then *ret_value is what it holds, borrowed from the request; empty
 * if it came twice: one of them may be a page's of another port. */
bool session_cookie_find(const struct session_cookie *cookie, struct request *request,
                         struct str *ret_value);

/* ERR_FOREIGN_PAGE: a browser says that the page that this request comes from is not ours
 * (Origin, Sec-Fetch-Site). A program that is no browser says nothing. */
enum err session_cookie_check_page(const struct session_cookie *cookie, struct request *request);

/* May this request be given the cookie? ERR_HTTPS_MISSING; or ERR_FOREIGN_PAGE, so that no page
 * signs its visitors in as somebody else. */
enum err session_cookie_check_sign_in(const struct session_cookie *cookie, struct request *request);

/* The value of Set-Cookie that has a browser keep this token for so long; 0: until it is closed.
 * An empty token: that has it forget the cookie. The caller wipes and frees it. */
char *session_cookie_write(const struct session_cookie *cookie, const char *token,
                           uint64_t max_age_s);

#endif
