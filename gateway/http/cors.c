#include "gateway/http/cors.h"

const char *cors_allow(const char *list, const char *origin)
{
    if (origin == NULL || origin[0] == '\0') {
        return NULL;
    }
    struct str wanted = str_of(origin);
    for (const char *at = list; *at != '\0'; at += *at == ',') {
        at += strspn(at, " ");
        struct str entry = {.data = at, .bytes = strcspn(at, ", ")};
        if (str_eq(entry, STR_LIT("*"))) {
            return "*";
        }
        if (str_eq(entry, wanted)) {
            return origin;
        }
        at += strcspn(at, ",");
    }
    return NULL;
}

bool cors_depends_on_origin(const char *list)
{
    bool has_any = false;
    for (const char *at = list; *at != '\0'; at += *at == ',') {
        at += strspn(at, " ");
        struct str entry = {.data = at, .bytes = strcspn(at, ", ")};
        if (str_eq(entry, STR_LIT("*"))) {
            return false;
        }
        has_any = has_any || entry.bytes > 0;
        at += strcspn(at, ",");
    }
    return has_any;
}

static bool is_origin(struct str entry)
{
    if (str_eq(entry, STR_LIT("*")) || str_eq(entry, STR_LIT("null"))) {
        return true;
    }
    const char *host = memmem(entry.data, entry.bytes, "://", 3);
    size_t scheme_bytes = host == NULL ? 0 : (size_t)(host - entry.data);
    size_t host_bytes = host == NULL ? 0 : entry.bytes - scheme_bytes - 3;
    return scheme_bytes > 0 && host_bytes > 0 && memchr(host + 3, '/', host_bytes) == NULL;
}

bool cors_has_bad(const char *list, struct str *ret_bad)
{
    for (const char *at = list; *at != '\0'; at += *at == ',') {
        at += strspn(at, " ");
        struct str entry = {.data = at, .bytes = strcspn(at, ",")};
        at += entry.bytes;
        while (entry.bytes > 0 && entry.data[entry.bytes - 1] == ' ') {
            entry.bytes--;
        }
        if (entry.bytes > 0 &&
            (memchr(entry.data, ' ', entry.bytes) != NULL || !is_origin(entry))) {
            *ret_bad = entry;
            return true;
        }
    }
    return false;
}
