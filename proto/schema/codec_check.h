/* The rules that the codec holds against a message in both directions. For the codec and tests. */
#ifndef LYNKS_PROTO_SCHEMA_CODEC_CHECK_H
#define LYNKS_PROTO_SCHEMA_CODEC_CHECK_H

#include "proto/schema/envelope.h"

/* RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_is_valid(struct str text);

bool request_id_is_valid(struct str request_id);

/* Is value, of the field's C type, within the field's bounds? Does not look into records. */
bool field_is_valid(const struct msg_field *field, const void *value);

/* Does the struct at base, which the field's offsets count from, have the field? */
bool field_is_there(const struct msg_field *field, const void *base);

/* Checks a message against the schema, as encode and decode do. */
enum err msg_validate(const struct msg *msg);

bool principal_is_valid(const struct principal *principal);

/* What all lists of records look like. */
struct record_list {
    const void *items;
    size_t count;
};

/* The values of a FIELD_ENUM and of a FIELD_RECORDS, and one of the latter's records. */
uint32_t enum_at(const void *value);
struct record_list record_list_at(const void *value);
const void *record_at(const struct msg_field *field, struct record_list list, size_t index);

#endif
