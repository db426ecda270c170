#include "proto/unicode/visible.h"

#include <utf8proc.h>

#include "proto/base/text.h"

/* A mark has no column, but is seen on the character before it. */
static bool has_sign(struct str character, utf8proc_int32_t code)
{
    const bool is_blank = code == ' ' || code == 0xa0;
    return is_blank ||
           (text_is_label(character) && utf8proc_category(code) != UTF8PROC_CATEGORY_CN &&
            utf8proc_category(code) != UTF8PROC_CATEGORY_CO);
}

size_t visible_add(struct strbuf *text, struct str s)
{
    size_t columns = 0;
    while (s.bytes > 0) {
        utf8proc_int32_t code;
        utf8proc_ssize_t bytes =
            utf8proc_iterate((const utf8proc_uint8_t *)s.data, (utf8proc_ssize_t)s.bytes, &code);
        const bool is_text = bytes > 0;
        const struct str character = {.data = s.data, .bytes = is_text ? (size_t)bytes : 1};
        if (is_text && has_sign(character, code)) {
            strbuf_add(text, character);
            columns += (size_t)utf8proc_charwidth(code);
        } else {
            AUTO(mem_free)
            char *number =
                mem_printf("\\u{%x}", is_text ? (unsigned)code : (unsigned char)s.data[0]);
            strbuf_add_z(text, number);
            columns += strlen(number);
        }
        s.data += character.bytes;
        s.bytes -= character.bytes;
    }
    return columns;
}
