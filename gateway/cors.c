#include "gateway/cors.h"

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
