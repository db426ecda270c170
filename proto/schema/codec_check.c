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
    case FIELD_RECORD:
        return true;
    case FIELD_STR: {
        const struct str *text = value;
        return is_within(field, text->bytes) && text_is_valid(*text);
    }
    case FIELD_BIN:
        return is_within(field, ((const struct str *)value)->bytes);
    case FIELD_U64_LIST:
        return is_within(field, ((const struct u64_list *)value)->count);
    case FIELD_ENUM:
        return msg_enum_has(field->values, enum_at(value));
    case FIELD_RECORDS:
        return is_within(field, record_list_at(value).count);
    }
    return false;
}

uint32_t enum_at(const void *value)
{
    uint32_t number;
    memcpy(&number, value, sizeof(number));
    return number;
}

struct record_list record_list_at(const void *value)
{
    struct record_list list;
    memcpy(&list, value, sizeof(list));
    return list;
}

const void *record_at(const struct msg_field *field, struct record_list list, size_t index)
{
    return (const char *)list.items + index * field->record->bytes;
}

static bool is_empty(const struct msg_field *field, const void *value)
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
    case FIELD_ENUM:
        return enum_at(value) == 0;
    case FIELD_RECORDS:
        return record_list_at(value).count == 0;
    case FIELD_RECORD:
        return false;
    }
    return true;
}

bool field_is_there(const struct msg_field *field, const void *base)
{
    switch (field->presence) {
    case MSG_REQUIRED:
        return true;
    case MSG_OPTIONAL:
        return *(const bool *)((const char *)base + field->flag);
    case MSG_IMPLICIT:
        return !is_empty(field, (const char *)base + field->offset);
    }
    return false;
}

/* Records hold only records that stand before them in the table, so this ends. */
static bool fields_are_valid(const struct msg_field *fields, size_t count, const void *base)
{
    for (size_t i = 0; i < count; i++) {
        const struct msg_field *field = &fields[i];
        const void *value = (const char *)base + field->offset;
        if (!field_is_there(field, base)) {
            continue;
        }
        if (!field_is_valid(field, value)) {
            return false;
        }
        const struct msg_record *record = field->record;
        if (field->type == FIELD_RECORD &&
            !fields_are_valid(record->fields, record->field_count, value)) {
            return false;
        }
        for (size_t k = 0; field->type == FIELD_RECORDS && k < record_list_at(value).count; k++) {
            if (!fields_are_valid(record->fields, record->field_count,
                                  record_at(field, record_list_at(value), k))) {
                return false;
            }
        }
    }
    return true;
}

enum err msg_validate(const struct msg *msg)
{
    const struct msg_type *type = msg_type_find(msg->id);
    const bool is_valid =
        type != NULL && fields_are_valid(type->fields, type->field_count, msg_body_get(msg));
    return is_valid ? ERR_OK : ERR_BAD_REQUEST;
}

/* Which id a kind of principal is known by; the others may be there as well. */
bool principal_is_valid(const struct principal *principal)
{
    if ((unsigned)principal->role > ROLE_ADMIN) {
        return false;
    }
    switch (principal->kind) {
    case PRINCIPAL_USER:
        return principal->user_id != 0;
    case PRINCIPAL_PARTICIPANT:
        return principal->participant_id != 0;
    case PRINCIPAL_STREAM_KEY:
        return principal->stream_key_id != 0;
    case PRINCIPAL_NONE:
    case PRINCIPAL_ADMIN_TOOL:
        return true;
    }
    return false;
}
