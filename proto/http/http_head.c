#include "proto/http/http_head.h"

#include <strings.h>

#include "proto/http/http_framing.h"

/* Takes the next line off *rest, without its end; false if its end has not come yet. */
static bool take_line(struct str *rest, struct str *ret_line)
{
    const char *end = rest->bytes == 0 ? NULL : memchr(rest->data, '\n', rest->bytes);
    if (end == NULL) {
        return false;
    }
    struct str line = {.data = rest->data, .bytes = (size_t)(end - rest->data)};
    rest->data += line.bytes + 1;
    rest->bytes -= line.bytes + 1;
    if (line.bytes > 0 && line.data[line.bytes - 1] == '\r') {
        line.bytes--;
    }
    *ret_line = line;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/" and two digits with a dot between them. */
static bool is_version(struct str s)
{
    return s.bytes == 8 && memcmp(s.data, "HTTP/", 5) == 0 && is_digit(s.data[5]) &&
           s.data[6] == '.' && is_digit(s.data[7]);
}

/* Of a line that was taken: did it end with CR LF, and is there nothing in it that another program
 * could take for an end? */
static bool is_clean(struct str line)
{
    return line.data[line.bytes] == '\r' && !http_has_control(line);
}

/* The method ends at the first blank, the version begins after the last; what is between them is
 * the target, as libmicrohttpd sees it too. */
static enum err read_request_line(struct str line, struct http_head *head)
{
    const char *first = memchr(line.data, ' ', line.bytes);
    const char *last = memrchr(line.data, ' ', line.bytes);
    if (!is_clean(line) || first == NULL || first == line.data || first == last ||
        memchr(line.data, '\t', (size_t)(first - line.data)) != NULL) {
        return ERR_BAD_REQUEST;
    }
    struct str version = {.data = last + 1, .bytes = (size_t)(line.data + line.bytes - (last + 1))};
    if (!is_version(version)) {
        return ERR_BAD_REQUEST;
    }
    const char *target = first;
    while (*target == ' ') { /* ends at the version, at the latest */
        target++;
    }
    head->method = (struct str){.data = line.data, .bytes = (size_t)(first - line.data)};
    head->version = version;
    head->target =
        (struct str){.data = target, .bytes = target < last ? (size_t)(last - target) : 0};
    if (!http_target_read(head->target, &head->parts)) {
        return ERR_BAD_REQUEST;
    }
    return version.data[5] == '1' ? ERR_OK : ERR_HTTP_VERSION;
}

enum err http_head_read(struct str bytes, struct http_head *ret_head)
{
    struct http_head *head = ret_head;
    struct str rest = bytes, line;
    enum err err = ERR_OK;
    *head = (struct http_head){0};
    /* A line or two may be left over from the body of an earlier request (RFC 9112, 2.2). */
    do {
        if (rest.bytes > 0 && (unsigned char)rest.data[0] < ' ' && rest.data[0] != '\r' &&
            rest.data[0] != '\n') {
            return ERR_BAD_REQUEST; /* TLS, most likely */
        }
        if (!take_line(&rest, &line)) {
            return ERR_OK;
        }
    } while (line.bytes == 0);
    err = read_request_line(line, head);
    head->fields.data = rest.data;
    while (take_line(&rest, &line) && line.bytes > 0) {
        head->fields.bytes = (size_t)(rest.data - head->fields.data);
        head->field_count++;
        bool is_folded = line.data[0] == ' ' || line.data[0] == '\t';
        if (err == ERR_OK &&
            (is_folded || !is_clean(line) || memchr(line.data, ':', line.bytes) == NULL)) {
            err = ERR_BAD_REQUEST;
        }
    }
    /* The last line that was taken is the empty one, or else its end is still to come. */
    const char *end_of_fields = head->fields.data + head->fields.bytes;
    if (rest.data > end_of_fields) {
        head->bytes = (size_t)(rest.data - bytes.data);
        err = err == ERR_OK && !is_clean(line) ? ERR_BAD_REQUEST : err;
    }
    return err;
}

/* A line without a colon is a name without a value. */
static void split_field(struct str line, struct str *ret_name, struct str *ret_value)
{
    const char *colon = memchr(line.data, ':', line.bytes);
    size_t name_bytes = colon == NULL ? line.bytes : (size_t)(colon - line.data);
    size_t value_at = colon == NULL ? line.bytes : name_bytes + 1;
    *ret_name = (struct str){.data = line.data, .bytes = name_bytes};
    *ret_value =
        str_trim((struct str){.data = line.data + value_at, .bytes = line.bytes - value_at});
}

bool http_head_is_strict(const struct http_head *head)
{
    struct http_framing framing = {0};
    struct str rest = head->fields, line, name, value;
    struct str path = head->parts.path;
    char version[9];
    if (!str_copy(version, sizeof(version), head->version) || !http_is_token(head->method) ||
        path.bytes == 0 || path.data[0] != '/' ||
        memchr(head->target.data, ' ', head->target.bytes) != NULL) {
        return false;
    }
    while (take_line(&rest, &line)) {
        split_field(line, &name, &value);
        http_framing_add(&framing, name, value);
    }
    return http_framing_is_sound(&framing, version) && http_framing_names_host(&framing, version) &&
           !framing.chunked && framing.length == 0;
}

/* Copies s to *text, ends it with NUL, and moves *text behind that. */
static const char *put(char **text, struct str s)
{
    char *at = *text;
    if (s.bytes > 0) {
        memcpy(at, s.data, s.bytes);
    }
    at[s.bytes] = '\0';
    *text += s.bytes + 1;
    return at;
}

struct http_head_copy *http_head_copy(const struct http_head *head)
{
    /* Every line has a colon and an end, which become the two NULs, or, if it is broken, at least
     * an end: so a byte more for each. The path may be a slash that the target does not have. */
    size_t text_bytes = head->method.bytes + head->target.bytes + 1 + head->version.bytes + 5 +
                        head->fields.bytes + head->field_count;
    size_t table_bytes = head->field_count * sizeof(struct http_head_field);
    struct http_head_copy *copy = mem_alloc(sizeof(*copy) + table_bytes + text_bytes);
    char *text = (char *)copy->fields + table_bytes;
    const struct http_target *target = &head->parts;
    copy->method = put(&text, head->method);
    copy->path = put(&text, target->path);
    copy->authority = target->authority.data == NULL ? NULL : put(&text, target->authority);
    copy->query = target->query.data == NULL ? NULL : put(&text, target->query);
    copy->version = put(&text, head->version);
    struct str rest = head->fields, line, name, value;
    while (take_line(&rest, &line)) {
        split_field(line, &name, &value);
        copy->fields[copy->field_count].name = put(&text, name);
        copy->fields[copy->field_count].value = put(&text, value);
        copy->field_count++;
    }
    return copy;
}

const char *http_head_copy_find(const struct http_head_copy *copy, const char *name)
{
    for (size_t i = 0; i < copy->field_count; i++) {
        if (strcasecmp(copy->fields[i].name, name) == 0) {
            return copy->fields[i].value;
        }
    }
    return NULL;
}
