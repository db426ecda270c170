/* The rules that the codec holds against a message in both directions. Private to the codec. */
#ifndef LYNKS_PROTO_SCHEMA_CODEC_CHECK_H
#define LYNKS_PROTO_SCHEMA_CODEC_CHECK_H

#include "proto/schema/codec.h"

/* RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_is_valid(struct str text);

bool request_id_is_valid(struct str request_id);

/* Is value, of the field's C type, within the field's bounds? */
bool field_is_valid(const struct msg_field *field, const void *value);

/* Does value read as absent: 0, false or empty? */
bool field_is_empty(const struct msg_field *field, const void *value);

#endif
