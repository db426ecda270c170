#include "proto/http/http_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETAG_BYTES 64

/* What is sent, and what it is called. */
struct representation {
    int fd;
    uint64_t bytes;
    time_t modified;
    bool is_gzip;
    bool has_gzip; /* so that what is sent depends on Accept-Encoding */
    char etag[ETAG_BYTES];
};

/* ---- fields ---- */

/* Takes the next element off a list with commas, blanks around it left out. */
static bool take_element(const char **list, struct str *ret_element)
{
    const char *at = *list + strspn(*list, " \t,");
    size_t bytes = strcspn(at, ",");
    *list = at + bytes;
    while (bytes > 0 && (at[bytes - 1] == ' ' || at[bytes - 1] == '\t')) {
        bytes--;
    }
    *ret_element = (struct str){.data = at, .bytes = bytes};
    return bytes > 0;
}

/* "gzip", "gzip;q=0.5", "*"; a weight of nothing but zeroes forbids it. */
bool http_accepts_gzip(const char *accept_encoding)
{
    struct str element;
    bool by_star = false;
    while (accept_encoding != NULL && take_element(&accept_encoding, &element)) {
        size_t name_bytes = 0;
        while (name_bytes < element.bytes && strchr(" \t;", element.data[name_bytes]) == NULL) {
            name_bytes++;
        }
        bool is_gzip = (name_bytes == 4 && strncasecmp(element.data, "gzip", 4) == 0) ||
                       (name_bytes == 6 && strncasecmp(element.data, "x-gzip", 6) == 0);
        bool is_star = name_bytes == 1 && element.data[0] == '*';
        bool is_forbidden = false;
        const char *equals = memchr(element.data, '=', element.bytes);
        if (equals != NULL) {
            size_t weight_bytes = (size_t)(element.data + element.bytes - (equals + 1));
            is_forbidden = weight_bytes > 0 && strspn(equals + 1, "0.") >= weight_bytes;
        }
        if (is_gzip) {
            return !is_forbidden;
        }
        by_star = by_star || (is_star && !is_forbidden);
    }
    return by_star;
}

bool http_etag_matches(const char *list, const char *etag, bool is_weak)
{
    struct str element;
    while (take_element(&list, &element)) {
        if (element.bytes == 1 && element.data[0] == '*') {
            return true;
        }
        bool marked = element.bytes > 2 && strncmp(element.data, "W/", 2) == 0;
        struct str tag = marked ? (struct str){element.data + 2, element.bytes - 2} : element;
        if ((is_weak || !marked) && str_eq(tag, str_of(etag))) {
            return true;
        }
    }
    return false;
}

/* Digits at *at; false if there is none or the number is too large. Moves *at behind them. */
static bool take_number(const char **at, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; **at >= '0' && **at <= '9'; ++*at, digits++) {
        if (number > (UINT64_MAX - 9) / 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(**at - '0');
    }
    *ret_number = number;
    return digits > 0;
}

enum http_range http_range_read(const char *range, uint64_t bytes, uint64_t *ret_first,
                                uint64_t *ret_bytes)
{
    uint64_t first = 0, last = UINT64_MAX;
    if (strncasecmp(range, "bytes=", 6) != 0) {
        return HTTP_RANGE_NONE;
    }
    const char *at = range + 6;
    bool has_first = take_number(&at, &first);
    if (*at != '-') {
        return HTTP_RANGE_NONE;
    }
    at++;
    bool has_last = take_number(&at, &last);
    if (*at != '\0' || (!has_first && !has_last) || (has_first && has_last && first > last)) {
        return HTTP_RANGE_NONE;
    }
    if (!has_first) { /* the last so many bytes */
        first = last < bytes ? bytes - last : 0;
        last = last == 0 ? 0 : UINT64_MAX;
        has_last = last == 0;
    }
    if (first >= bytes || (has_last && last < first)) {
        return HTTP_RANGE_UNSATISFIABLE;
    }
    last = has_last && last < bytes ? last : bytes - 1;
    *ret_first = first;
    *ret_bytes = last - first + 1;
    return HTTP_RANGE_ONE;
}

bool http_date_read(const char *date, time_t *ret_time)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm tm = {0};
        const char *end = strptime(date, forms[i], &tm);
        if (end != NULL && *end == '\0') {
            *ret_time = timegm(&tm);
            return true;
        }
    }
    return false;
}

/* ---- the file ---- */

static int open_regular(const char *path, struct stat *ret_stat)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, ret_stat) != 0 || !S_ISREG(ret_stat->st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_older(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

static bool choose_representation(const char *path, bool accepts_gzip, struct representation *ret)
{
    AUTO(mem_free) char *gzip_path = mem_printf("%s.gz", path);
    struct stat plain, gzip;
    int fd = open_regular(path, &plain);
    if (fd < 0) {
        return false;
    }
    int gzip_fd = open_regular(gzip_path, &gzip);
    ret->has_gzip = gzip_fd >= 0 && !is_older(&gzip, &plain);
    ret->is_gzip = ret->has_gzip && accepts_gzip;
    ret->fd = ret->is_gzip ? gzip_fd : fd;
    int other_fd = ret->is_gzip ? fd : gzip_fd;
    if (other_fd >= 0) {
        close(other_fd);
    }
    const struct stat *chosen = ret->is_gzip ? &gzip : &plain;
    ret->bytes = (uint64_t)chosen->st_size;
    ret->modified = plain.st_mtim.tv_sec;
    (void)snprintf(ret->etag, sizeof(ret->etag), "\"%llx-%lx-%llx%s\"",
                   (unsigned long long)chosen->st_mtim.tv_sec,
                   (unsigned long)chosen->st_mtim.tv_nsec, (unsigned long long)chosen->st_size,
                   ret->is_gzip ? "-gz" : "");
    return true;
}

/* RFC 9110, section 13.2.2: in this order. 200: go on. */
static int check_conditions(const struct httpd_request *request, const struct representation *file)
{
    const char *match = httpd_header(request, "If-Match");
    const char *none_match = httpd_header(request, "If-None-Match");
    const char *unmodified = httpd_header(request, "If-Unmodified-Since");
    const char *modified = httpd_header(request, "If-Modified-Since");
    time_t since;
    if (match != NULL) {
        if (!http_etag_matches(match, file->etag, false)) {
            return 412;
        }
    } else if (unmodified != NULL && http_date_read(unmodified, &since) && file->modified > since) {
        return 412;
    }
    if (none_match != NULL) {
        return http_etag_matches(none_match, file->etag, true) ? 304 : 200;
    }
    if (modified != NULL && http_date_read(modified, &since) && file->modified <= since) {
        return 304;
    }
    return 200;
}

/* If-Range: a part is of use only to who has the rest of this representation. A date does not tell
 * a file from its gzip, nor two changes within a second, so the whole is sent for one; "*" is no
 * validator (RFC 9110, section 13.1.5). */
static enum http_range find_range(const struct httpd_request *request,
                                  const struct representation *file, uint64_t *ret_first,
                                  uint64_t *ret_bytes)
{
    const char *range = httpd_header(request, "Range");
    const char *condition = httpd_header(request, "If-Range");
    if (range == NULL || strcmp(httpd_method(request), "GET") != 0) {
        return HTTP_RANGE_NONE;
    }
    if (condition != NULL &&
        (strcmp(condition, "*") == 0 || !http_etag_matches(condition, file->etag, false))) {
        return HTTP_RANGE_NONE;
    }
    return http_range_read(range, file->bytes, ret_first, ret_bytes);
}

static void add_file_field(struct http_response *response, const char *name, char *value)
{
    (void)http_response_add_header(response, name, value);
    free(value);
}

struct http_response *http_file_response(const struct httpd_request *request, const char *path,
                                         const char *content_type)
{
    struct representation file = {.fd = -1};
    uint64_t first = 0, bytes = 0;
    char date[HTTP_DATE_BYTES];
    if (!choose_representation(path, http_accepts_gzip(httpd_header(request, "Accept-Encoding")),
                               &file)) {
        return NULL;
    }
    int status = check_conditions(request, &file);
    enum http_range range =
        status == 200 ? find_range(request, &file, &first, &bytes) : HTTP_RANGE_NONE;
    status = range == HTTP_RANGE_ONE ? 206 : range == HTTP_RANGE_UNSATISFIABLE ? 416 : status;
    struct http_response *response = http_response_new(status);
    http_date(file.modified, date);
    (void)http_response_add_header(response, "ETag", file.etag);
    (void)http_response_add_header(response, "Last-Modified", date);
    (void)http_response_add_header(response, "Accept-Ranges", "bytes");
    if (file.has_gzip) {
        (void)http_response_add_header(response, "Vary", "Accept-Encoding");
    }
    if (status == 206) {
        add_file_field(response, "Content-Range",
                       mem_printf("bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                                  first + bytes - 1, file.bytes));
    } else if (status == 416) {
        add_file_field(response, "Content-Range", mem_printf("bytes */%" PRIu64, file.bytes));
    }
    if (status == 200 || status == 206) {
        if (file.is_gzip) {
            (void)http_response_add_header(response, "Content-Encoding", "gzip");
        }
        http_response_set_file(response, content_type, &file.fd, first,
                               status == 206 ? bytes : file.bytes);
    } else {
        close(file.fd);
    }
    return response;
}
