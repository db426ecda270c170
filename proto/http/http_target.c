#include "proto/http/http_target.h"

#include <strings.h>

bool http_is_host(struct str s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~%!$&'()*+;=:[]"; /* RFC 3986, section 3.2.2 */
    for (size_t i = 0; i < s.bytes; i++) {
        if (s.data[i] == '\0' || strchr(allowed, s.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool begins_with(struct str s, struct str start)
{
    return s.bytes >= start.bytes && strncasecmp(s.data, start.data, start.bytes) == 0;
}

/* Behind the scheme of an absolute target; 0: it is none of ours. */
static size_t scheme_bytes(struct str target)
{
    const struct str http = STR_LIT("http://"), https = STR_LIT("https://");
    return begins_with(target, http) ? http.bytes : begins_with(target, https) ? https.bytes : 0;
}

bool http_target_read(struct str target, struct http_target *ret_target)
{
    struct http_target parts = {.authority = STR_NONE, .query = STR_NONE};
    size_t at = scheme_bytes(target);
    if (at > 0) {
        parts.authority.data = target.data + at;
        while (at < target.bytes && target.data[at] != '/' && target.data[at] != '?') {
            at++;
        }
        parts.authority.bytes = (size_t)(target.data + at - parts.authority.data);
    }
    parts.path = (struct str){.data = target.data + at, .bytes = target.bytes - at};
    const char *mark =
        parts.path.bytes == 0 ? NULL : memchr(parts.path.data, '?', parts.path.bytes);
    if (mark != NULL) {
        size_t path_bytes = (size_t)(mark - parts.path.data);
        parts.query = (struct str){.data = mark + 1, .bytes = parts.path.bytes - path_bytes - 1};
        parts.path.bytes = path_bytes;
    }
    bool is_absolute = parts.authority.data != NULL;
    if (is_absolute && parts.path.bytes == 0) {
        parts.path = STR_LIT("/");
    }
    *ret_target = parts;
    return !is_absolute || (parts.authority.bytes > 0 && http_is_host(parts.authority));
}
