#include "proto/base/strbuf.h"

#include <stdlib.h>

void strbuf_fini(struct strbuf *text)
{
    free(text->data);
    *text = (struct strbuf){0};
}

void strbuf_clear(struct strbuf *text)
{
    text->bytes = 0;
}

void strbuf_add(struct strbuf *text, struct str s)
{
    if (text->room - text->bytes < s.bytes) {
        text->room = 2 * (text->room + s.bytes) + 256;
        text->data = mem_realloc_array(text->data, text->room, 1);
    }
    if (s.bytes > 0) {
        memcpy(text->data + text->bytes, s.data, s.bytes);
    }
    text->bytes += s.bytes;
}

void strbuf_add_z(struct strbuf *text, const char *z)
{
    strbuf_add(text, str_of(z));
}

void strbuf_add_u64(struct strbuf *text, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    strbuf_add(text, (struct str){.data = digits + at, .bytes = sizeof(digits) - at});
}

struct str strbuf_str(const struct strbuf *text)
{
    return (struct str){.data = text->data, .bytes = text->bytes};
}
