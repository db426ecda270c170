#include "janusbridge/rtc/sdp_text.h"

#include <strings.h>

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

#define LINE_BYTES 500 /* so that Janus' 512 hold it with its end */
#define MEDIA_LINE_BYTES 200
#define LIST_LINE_BYTES 2000 /* lists of all parts or streams, which Janus does not write again */

static void read_attribute(struct sdp_line *line)
{
    const char *colon =
        line->value.bytes > 0 ? memchr(line->value.data, ':', line->value.bytes) : NULL;
    line->name = line->value;
    if (colon != NULL) {
        line->name.bytes = (size_t)(colon - line->value.data);
        line->argument =
            (struct str){.data = colon + 1, .bytes = line->value.bytes - line->name.bytes - 1};
    }
}

static struct sdp_line read_line(struct str text)
{
    struct sdp_line line = {.text = text};
    if (text.bytes >= 2 && text.data[1] == '=') {
        line.letter = text.data[0];
        line.value = (struct str){.data = text.data + 2, .bytes = text.bytes - 2};
    }
    if (line.letter == 'a') {
        read_attribute(&line);
    }
    return line;
}

bool sdp_line_take(struct str *rest, struct sdp_line *ret_line)
{
    while (rest->bytes > 0) {
        struct str text = *rest;
        const char *end = memchr(rest->data, '\n', rest->bytes);
        if (end != NULL) {
            text.bytes = (size_t)(end - rest->data);
        }
        const size_t taken = text.bytes + (end != NULL);
        rest->data += taken;
        rest->bytes -= taken;
        if (text.bytes > 0 && text.data[text.bytes - 1] == '\r') {
            text.bytes--;
        }
        if (text.bytes > 0) {
            *ret_line = read_line(text);
            return true;
        }
    }
    return false;
}

static size_t line_bytes_max(const struct sdp_line *line)
{
    if (line->letter == 'm') {
        return MEDIA_LINE_BYTES;
    }
    return sdp_is_attribute(line, "group") || sdp_is_attribute(line, "msid-semantic")
               ? LIST_LINE_BYTES
               : LINE_BYTES;
}

const char *sdp_line_fault(const struct sdp_line *line)
{
    if (line->letter < 'a' || line->letter > 'z') {
        return "a line that does not begin with a letter and =";
    }
    if (line->text.bytes > line_bytes_max(line)) {
        return "a line that is too long";
    }
    for (size_t i = 0; i < line->text.bytes; i++) {
        if (line->text.data[i] < ' ' || line->text.data[i] > '~') {
            return "a character that is no printable ASCII";
        }
    }
    if (line->value.bytes == 0 || (line->argument.data != NULL && line->argument.bytes == 0)) {
        return "a line without a value";
    }
    return line->letter == 'a' && !sdp_is_token(line->name, LINE_BYTES)
               ? "an attribute whose name is none"
               : NULL;
}

void sdp_line_add(struct strbuf *dest, struct str text)
{
    strbuf_add(dest, text);
    strbuf_add(dest, STR_LIT("\r\n"));
}

bool sdp_is(struct str text, const char *word)
{
    return text.bytes == strlen(word) && strncasecmp(text.data, word, text.bytes) == 0;
}

bool sdp_is_attribute(const struct sdp_line *line, const char *name)
{
    return line->letter == 'a' && sdp_is(line->name, name);
}

bool sdp_word_take(struct str *rest, struct str *ret_word)
{
    struct str word = *rest;
    const char *space = rest->bytes > 0 ? memchr(rest->data, ' ', rest->bytes) : NULL;
    if (space != NULL) {
        word.bytes = (size_t)(space - rest->data);
    }
    if (word.bytes == 0) {
        return false;
    }
    const size_t taken = word.bytes + (space != NULL);
    rest->data += taken;
    rest->bytes -= taken;
    *ret_word = word;
    return true;
}

bool sdp_number(struct str text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        const uint64_t digit = (uint64_t)text.data[i] - '0';
        if (text.data[i] < '0' || digit > 9 || digit > max || number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return text.bytes > 0;
}

bool sdp_is_made_of(struct str text, const char *characters, size_t min, size_t max)
{
    for (size_t i = 0; i < text.bytes && i < max; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL) {
            return false;
        }
    }
    return text.bytes >= min && text.bytes <= max;
}

bool sdp_is_token(struct str text, size_t max)
{
    return sdp_is_made_of(text, ALPHANUMERIC "!#$%&'*+-.^_`{|}~", 1, max);
}

bool sdp_is_ice_text(struct str text, size_t min, size_t max)
{
    return sdp_is_made_of(text, ALPHANUMERIC "+/", min, max);
}
