#include "proto/base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void *check(void *p)
{
    if (p == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t bytes)
{
    return check(calloc(1, bytes == 0 ? 1 : bytes));
}

void *mem_realloc_array(void *p, size_t count, size_t size)
{
    return check(reallocarray(p, count == 0 ? 1 : count, size));
}

char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : check(strdup(s));
}

char *mem_printf(const char *format, ...)
{
    char *s = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&s, format, args);
    va_end(args);
    return check(length < 0 ? NULL : s);
}

void mem_free(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}

void mem_expect_room(size_t count, size_t max)
{
    if (count >= max) {
        fputs("an array is full that is made for all that there is\n", stderr);
        abort();
    }
}

struct str str_of(const char *z)
{
    return (struct str){.data = z, .bytes = z == NULL ? 0 : strlen(z)};
}

bool str_eq(struct str a, struct str b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static bool is_outer_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.bytes > 0 && is_outer_blank(s.data[0])) {
        s.data++;
        s.bytes--;
    }
    while (s.bytes > 0 && is_outer_blank(s.data[s.bytes - 1])) {
        s.bytes--;
    }
    return s;
}

char *str_dup(struct str s)
{
    char *copy = mem_alloc(s.bytes + 1);
    if (s.bytes > 0) {
        memcpy(copy, s.data, s.bytes);
    }
    return copy;
}

bool str_copy(char *dest, size_t dest_bytes, struct str s)
{
    dest[0] = '\0';
    if (s.bytes >= dest_bytes) {
        return false;
    }
    if (s.bytes > 0) {
        memcpy(dest, s.data, s.bytes);
    }
    dest[s.bytes] = '\0';
    return true;
}

bool str_id(struct str text, uint64_t *ret_id)
{
    uint64_t id = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || text.bytes > 18) {
            return false;
        }
        id = id * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (id == 0) {
        return false;
    }
    *ret_id = id;
    return true;
}

void hex_encode(char *dest, const void *data, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;
    for (size_t i = 0; i < bytes; i++) {
        dest[2 * i] = digits[in[i] >> 4];
        dest[2 * i + 1] = digits[in[i] & 15];
    }
    dest[2 * bytes] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool hex_decode(void *dest, size_t bytes, struct str hex)
{
    uint8_t *out = dest;
    if (hex.bytes != 2 * bytes) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_value(hex.data[2 * i]);
        int low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
