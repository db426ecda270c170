#include "gateway/http/request.h"

#include <ctype.h>
#include <stdlib.h>

bool request_split(struct request *request)
{
    const char *at = request->path;
    request->segment_count = 0;
    if (*at != '/') {
        return false;
    }
    do {
        at++;
        if (request->segment_count == REQUEST_SEGMENTS_MAX) {
            return false;
        }
        size_t bytes = strcspn(at, "/");
        request->segments[request->segment_count++] = (struct str){.data = at, .bytes = bytes};
        at += bytes;
    } while (*at == '/');
    return true;
}

void request_media_type(struct request *request, char ret_type[REQUEST_MEDIA_TYPE_BYTES])
{
    const char *header = request_header(request, "Content-Type");
    struct str type = {.data = header, .bytes = header == NULL ? 0 : strcspn(header, "; \t")};
    (void)str_copy(ret_type, REQUEST_MEDIA_TYPE_BYTES, type);
    for (char *c = ret_type; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
}

/* One character, its escape undone; moves *at behind it. '\0': there is none. */
static char take_character(const char **at)
{
    uint8_t byte = 0;
    char c = *(*at)++;
    if (c != '%') {
        return c;
    }
    /* hex_decode looks at both digits, and a NUL is none. */
    if ((*at)[0] == '\0' || !hex_decode(&byte, 1, (struct str){.data = *at, .bytes = 2})) {
        return '\0';
    }
    *at += 2;
    return (char)byte;
}

bool request_segment_is_plain(struct str segment)
{
    for (size_t i = 0; i < segment.bytes; i++) {
        const char c = segment.data[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || strchr("-._~", c) == NULL)) {
            return false;
        }
    }
    return segment.bytes > 0;
}

bool request_segment_text(struct str segment, char *ret_text, size_t bytes)
{
    const char *at = segment.data;
    const char *end = segment.data + segment.bytes; /* where a slash, or the path's NUL, is */
    for (size_t i = 0; i < bytes; i++) {
        if (at >= end) {
            ret_text[i] = '\0';
            return at == end;
        }
        if ((ret_text[i] = take_character(&at)) == '\0') {
            return false;
        }
    }
    return false;
}

/* Is range, as Accept has it, one of the media type: it, or what has a * for a part of it? */
static bool is_range_of(struct str range, const char *media_type)
{
    const size_t main_bytes = strcspn(media_type, "/") + 1; /* with the slash */
    return str_eq(range, STR_LIT("*/*")) ||
           (range.bytes == main_bytes + 1 && range.data[main_bytes] == '*' &&
            strncasecmp(range.data, media_type, main_bytes) == 0) ||
           (range.bytes == strlen(media_type) &&
            strncasecmp(range.data, media_type, range.bytes) == 0);
}

bool request_accepts(struct request *request, const char *media_type)
{
    const char *at = request_header(request, "Accept");
    if (at == NULL || at[0] == '\0') {
        return true;
    }
    while (*at != '\0') {
        at += strspn(at, " \t,");
        const struct str range = {.data = at, .bytes = strcspn(at, " \t,;")};
        if (is_range_of(range, media_type)) {
            return true;
        }
        at += strcspn(at, ",");
    }
    return false;
}

/* The value of the first parameter of this name; NULL: there is none. */
static const char *find_in_query(const struct request *request, const char *name)
{
    size_t name_bytes = strlen(name);
    const char *at = request->query == NULL ? "" : request->query;
    while (strncmp(at, name, name_bytes) != 0 || at[name_bytes] != '=') {
        at += strcspn(at, "&");
        if (*at++ == '\0') {
            return NULL;
        }
    }
    return at + name_bytes + 1;
}

bool request_has_query(const struct request *request, const char *name)
{
    return find_in_query(request, name) != NULL;
}

bool request_query(const struct request *request, const char *name, char *ret_value, size_t bytes)
{
    const char *at = find_in_query(request, name);
    if (at == NULL) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (*at == '\0' || *at == '&') {
            ret_value[i] = '\0';
            return true;
        }
        ret_value[i] = *at == '+' ? ' ' : '\0'; /* as forms write a space */
        at += *at == '+';
        if (ret_value[i] == '\0' && (ret_value[i] = take_character(&at)) == '\0') {
            return false;
        }
    }
    return false;
}

bool request_query_number(const struct request *request, const char *name, uint64_t min,
                          uint64_t max, uint64_t *ret)
{
    char text[20]; /* INT64_MAX has 19 digits */
    if (!request_has_query(request, name)) {
        return true;
    }
    if (!request_query(request, name, text, sizeof(text)) || text[0] == '\0' ||
        text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    const uint64_t number = strtoull(text, NULL, 10);
    if (number < min || number > max) {
        return false;
    }
    *ret = number;
    return true;
}
