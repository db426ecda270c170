#include "proto/base/text.h"

/* The character at *at, of well-formed UTF-8; moves *at behind it. */
static uint32_t take_code_point(const char **at)
{
    const unsigned char first = (unsigned char)*(*at)++;
    uint32_t code = first < 0x80   ? first
                    : first < 0xe0 ? first & 0x1f
                    : first < 0xf0 ? first & 0x0f
                                   : first & 0x07;
    unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    for (; more > 0; more--) {
        code = code << 6 | ((unsigned char)*(*at)++ & 0x3f);
    }
    return code;
}

size_t text_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool is_harmful(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } harmful[] = {
        {0x0000, 0x001f},   /* C0 */
        {0x007f, 0x009f},   /* DEL, C1 */
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x180e, 0x180e},   /* Mongolian vowel separator */
        {0x200b, 0x200f},   /* zero width space to right-to-left mark */
        {0x2028, 0x202e},   /* separators, embeddings, overrides */
        {0x2060, 0x206f},   /* word joiner, isolates, deprecated format characters */
        {0xfeff, 0xfeff},   /* zero width no-break space */
        {0xfff9, 0xfffb},   /* interlinear annotation */
        {0xe0000, 0xe007f}, /* tags */
    };
    for (size_t i = 0; i < ARRAY_LEN(harmful); i++) {
        if (code >= harmful[i].first && code <= harmful[i].last) {
            return true;
        }
    }
    return false;
}

bool text_is_label(struct str text)
{
    const char *at = text.data;
    bool has_sign = false;
    while (at < text.data + text.bytes) {
        const uint32_t code = take_code_point(&at);
        if (is_harmful(code)) {
            return false;
        }
        has_sign = has_sign || (code != ' ' && code != 0xa0);
    }
    return has_sign;
}
