#include "gateway/http/accept_coding.h"

#include <strings.h>

/* Of "gzip;q=0.5": is the weight there, and nothing but zeros? */
static bool is_refused(const char *member, size_t bytes)
{
    const char *end = member + bytes;
    const char *at = memchr(member, ';', bytes);
    while (at != NULL && at < end && strchr("; \t", *at) != NULL) {
        at++;
    }
    if (at == NULL || end - at < 3 || strncasecmp(at, "q=", 2) != 0) {
        return false;
    }
    at += 2;
    while (at < end && strchr("0. \t", *at) != NULL) {
        at++;
    }
    return at == end;
}

/* Beside gzip itself * stands for whatever is not named. */
bool accept_coding_takes_gzip(const char *header)
{
    bool takes_rest = false;
    const char *at = header == NULL ? "" : header;
    while (*(at += strspn(at, ", \t")) != '\0') {
        const size_t bytes = strcspn(at, ",");
        const struct str name = {.data = at, .bytes = strcspn(at, ",; \t")};
        const bool is_taken = !is_refused(at, bytes);
        if ((name.bytes == 4 && strncasecmp(name.data, "gzip", 4) == 0) ||
            (name.bytes == 6 && strncasecmp(name.data, "x-gzip", 6) == 0)) {
            return is_taken;
        }
        takes_rest = str_eq(name, STR_LIT("*")) ? is_taken : takes_rest;
        at += bytes;
    }
    return takes_rest;
}
