#include "gateway/http/text.h"

#include <stdlib.h>

void text_fini(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

void text_clear(struct text *text)
{
    text->bytes = 0;
}

void text_add(struct text *text, struct str s)
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

void text_add_z(struct text *text, const char *z)
{
    text_add(text, str_of(z));
}

void text_add_u64(struct text *text, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    text_add(text, (struct str){.data = digits + at, .bytes = sizeof(digits) - at});
}

struct str text_str(const struct text *text)
{
    return (struct str){.data = text->data, .bytes = text->bytes};
}
