#include "proto/schema/codec_check.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the character at text, 0 if it is none. Table 3-7 of the Unicode standard: after some
 * first bytes the second one has narrower bounds, which rules out overlong forms, surrogates and
 * what is past U+10FFFF. */
static size_t utf8_sequence(const uint8_t *text, size_t bytes)
{
    const uint8_t first = text[0];
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length == 1) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || length > bytes) {
        return 0;
    }
    const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (!is_continuation(text[i])) {
            return 0;
        }
    }
    return length;
}

bool utf8_is_valid(struct str text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t at = 0;
    while (at < text.bytes) {
        const size_t length = utf8_sequence(bytes + at, text.bytes - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

bool request_id_is_valid(struct str request_id)
{
    if (request_id.bytes > REQUEST_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < request_id.bytes; i++) {
        if (request_id.data[i] <= ' ' || request_id.data[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool text_is_valid(struct str text)
{
    return text.bytes == 0 || (memchr(text.data, 0, text.bytes) == NULL && utf8_is_valid(text));
}

static bool is_within(const struct msg_field *field, uint64_t amount)
{
    return amount >= field->min && amount <= field->max;
}

bool field_is_valid(const struct msg_field *field, const void *value)
{
    switch (field->type) {
    case FIELD_U64:
        return is_within(field, *(const uint64_t *)value);
    case FIELD_BOOL:
        return true;
    case FIELD_STR: {
        const struct str *text = value;
        return is_within(field, text->bytes) && text_is_valid(*text);
    }
    case FIELD_BIN:
        return is_within(field, ((const struct str *)value)->bytes);
    case FIELD_U64_LIST:
        return is_within(field, ((const struct u64_list *)value)->count);
    }
    return false;
}

bool field_is_empty(const struct msg_field *field, const void *value)
{
    switch (field->type) {
    case FIELD_U64:
        return *(const uint64_t *)value == 0;
    case FIELD_BOOL:
        return !*(const bool *)value;
    case FIELD_STR:
    case FIELD_BIN:
        return ((const struct str *)value)->bytes == 0;
    case FIELD_U64_LIST:
        return ((const struct u64_list *)value)->count == 0;
    }
    return true;
}

enum err msg_validate(const struct msg *msg)
{
    const struct msg_type *type = msg_type_find(msg->id);
    if (type == NULL) {
        return ERR_BAD_REQUEST;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const struct msg_field *field = &type->fields[i];
        const void *value = msg_field_get(msg, field);
        const bool is_absent = !field->required && field_is_empty(field, value);
        if (!is_absent && !field_is_valid(field, value)) {
            return ERR_BAD_REQUEST;
        }
    }
    return ERR_OK;
}
