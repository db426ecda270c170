#include "gateway/http/cors.h"

/* The next entry of the list, without the blanks around it; false: there is none. */
static bool next_entry(const char **list, struct str *ret_entry)
{
    const char *at = *list + strspn(*list, " ,");
    size_t bytes = strcspn(at, ",");
    *list = at + bytes;
    while (bytes > 0 && at[bytes - 1] == ' ') {
        bytes--;
    }
    *ret_entry = (struct str){.data = at, .bytes = bytes};
    return bytes > 0;
}

const char *cors_allow(const char *list, const char *origin)
{
    struct str entry;
    if (origin == NULL || origin[0] == '\0') {
        return NULL;
    }
    while (next_entry(&list, &entry)) {
        if (str_eq(entry, STR_LIT("*"))) {
            return "*";
        }
        if (str_eq(entry, str_of(origin))) {
            return origin;
        }
    }
    return NULL;
}

bool cors_depends_on_origin(const char *list)
{
    struct str entry;
    bool has_any = false;
    while (next_entry(&list, &entry)) {
        if (str_eq(entry, STR_LIT("*"))) {
            return false;
        }
        has_any = true;
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
    struct str entry;
    while (next_entry(&list, &entry)) {
        if (memchr(entry.data, ' ', entry.bytes) != NULL || !is_origin(entry)) {
            *ret_bad = entry;
            return true;
        }
    }
    return false;
}
