#include "gateway/http/json_out.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define HEX_BYTES_MAX 64

void json_out_init(struct json_out *out, struct strbuf *text)
{
    strbuf_clear(text);
    *out = (struct json_out){.text = text};
}

static void begin_value(struct json_out *out)
{
    if (out->needs_comma) {
        strbuf_add(out->text, STR_LIT(","));
    }
    out->needs_comma = true;
}

void json_out_open(struct json_out *out, char bracket)
{
    begin_value(out);
    strbuf_add(out->text, (struct str){.data = &bracket, .bytes = 1});
    out->needs_comma = false;
}

void json_out_close(struct json_out *out, const char *brackets)
{
    strbuf_add_z(out->text, brackets);
    out->needs_comma = true;
}

/* How many of the first bytes stand for themselves. */
static size_t plain_bytes(struct str value)
{
    size_t bytes = 0;
    while (bytes < value.bytes && (unsigned char)value.data[bytes] >= ' ' &&
           value.data[bytes] != '"' && value.data[bytes] != '\\') {
        bytes++;
    }
    return bytes;
}

static void write_escaped(struct strbuf *text, char c)
{
    char escape[8];
    if (c == '"' || c == '\\') {
        (void)snprintf(escape, sizeof(escape), "\\%c", c);
    } else {
        (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
    }
    strbuf_add_z(text, escape);
}

void json_out_str(struct json_out *out, struct str value)
{
    begin_value(out);
    strbuf_add(out->text, STR_LIT("\""));
    while (value.bytes > 0) {
        size_t plain = plain_bytes(value);
        strbuf_add(out->text, (struct str){.data = value.data, .bytes = plain});
        if (plain < value.bytes) {
            write_escaped(out->text, value.data[plain++]);
        }
        value.data += plain;
        value.bytes -= plain;
    }
    strbuf_add(out->text, STR_LIT("\""));
}

void json_out_key(struct json_out *out, const char *name)
{
    json_out_z(out, name);
    strbuf_add(out->text, STR_LIT(":"));
    out->needs_comma = false;
}

void json_out_z(struct json_out *out, const char *value)
{
    json_out_str(out, str_of(value));
}

void json_out_u64(struct json_out *out, uint64_t value)
{
    begin_value(out);
    strbuf_add_u64(out->text, value);
}

void json_out_bool(struct json_out *out, bool value)
{
    begin_value(out);
    strbuf_add_z(out->text, value ? "true" : "false");
}

void json_out_null(struct json_out *out)
{
    begin_value(out);
    strbuf_add(out->text, STR_LIT("null"));
}

void json_out_raw(struct json_out *out, struct str json)
{
    begin_value(out);
    strbuf_add(out->text, json);
}

void json_out_hex(struct json_out *out, struct str bytes)
{
    char text[2 * HEX_BYTES_MAX + 1];
    assert(bytes.bytes <= HEX_BYTES_MAX);
    hex_encode(text, bytes.data, bytes.bytes);
    json_out_z(out, text);
}

void json_out_time(struct json_out *out, uint64_t unix_ms)
{
    char text[64];
    struct tm tm;
    const time_t seconds = (time_t)(unix_ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    size_t bytes = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + bytes, sizeof(text) - bytes, ".%03uZ", (unsigned)(unix_ms % 1000));
    json_out_z(out, text);
}

void json_out_open_member(struct json_out *out, const char *name, char bracket)
{
    json_out_key(out, name);
    json_out_open(out, bracket);
}

void json_out_member_z(struct json_out *out, const char *name, const char *value)
{
    json_out_key(out, name);
    json_out_z(out, value);
}

void json_out_member_u64(struct json_out *out, const char *name, uint64_t value)
{
    json_out_key(out, name);
    json_out_u64(out, value);
}

void json_out_member_bool(struct json_out *out, const char *name, bool value)
{
    json_out_key(out, name);
    json_out_bool(out, value);
}

void json_out_member_words(struct json_out *out, const char *name, const char *const *words,
                           uint64_t set)
{
    json_out_open_member(out, name, '[');
    for (size_t i = 0; words[i] != NULL; i++) {
        if ((set >> i & 1) != 0) {
            json_out_z(out, words[i]);
        }
    }
    json_out_close(out, "]");
}

void json_out_member_time_or_null(struct json_out *out, const char *name, uint64_t unix_ms)
{
    json_out_key(out, name);
    if (unix_ms == 0) {
        json_out_null(out);
    } else {
        json_out_time(out, unix_ms);
    }
}

void json_out_id(struct json_out *out, uint64_t id)
{
    char text[JSON_OUT_ID_BYTES];
    (void)snprintf(text, sizeof(text), "%" PRIu64, id);
    json_out_z(out, text);
}

void json_out_member_id(struct json_out *out, const char *name, uint64_t id)
{
    json_out_key(out, name);
    json_out_id(out, id);
}
