#include "proto/http/http_framing.h"

#include <strings.h>

#include "proto/http/http_target.h"

bool http_is_token(struct str s)
{
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return s.bytes > 0;
}

bool http_has_control(struct str s)
{
    for (size_t i = 0; i < s.bytes; i++) {
        if (((unsigned char)s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_word(struct str s, struct str word)
{
    return s.bytes == word.bytes && strncasecmp(s.data, word.data, word.bytes) == 0;
}

static bool parse_length(struct str s, uint64_t *ret_length)
{
    uint64_t length = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' || length > (UINT64_MAX - 9) / 10) {
            return false;
        }
        length = length * 10 + (uint64_t)(s.data[i] - '0');
    }
    *ret_length = length;
    return s.bytes > 0;
}

static void add_length(struct http_framing *framing, struct str value)
{
    if (framing->has_length) {
        framing->broken = framing->broken || !str_eq(framing->length_text, value);
        return;
    }
    framing->has_length = true;
    framing->length_text = value;
    framing->broken = framing->broken || !parse_length(value, &framing->length);
}

static void add_encoding(struct http_framing *framing, struct str value)
{
    framing->broken = framing->broken || framing->chunked || !is_word(value, STR_LIT("chunked"));
    framing->chunked = true;
}

void http_framing_add(struct http_framing *framing, struct str name, struct str value)
{
    if (!http_is_token(name)) {
        framing->broken = true;
    } else if (is_word(name, STR_LIT("Content-Length"))) {
        add_length(framing, value);
    } else if (is_word(name, STR_LIT("Transfer-Encoding"))) {
        add_encoding(framing, value);
    } else if (is_word(name, STR_LIT("Host"))) {
        framing->has_bad_host = framing->has_host || !http_is_host(value);
        framing->has_host = true;
    }
}

bool http_framing_is_sound(const struct http_framing *framing, const char *version)
{
    if (framing->chunked && (framing->has_length || strcmp(version, "HTTP/1.1") != 0)) {
        return false;
    }
    return !framing->broken;
}

bool http_framing_names_host(const struct http_framing *framing, const char *version)
{
    return !framing->has_bad_host && (framing->has_host || strcmp(version, "HTTP/1.0") == 0);
}
