/* Reading jansson's objects. For the files behind janus_json.h alone, the only ones that see
 * jansson. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_JSON_READ_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_JSON_READ_H

#include "janusbridge/janus/janus_json.h"

#include <jansson.h>

/* Members that may be absent (then *ret is untouched) but must have the right type if present. */

static inline bool read_string(const json_t *object, const char *key, struct str *ret)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    *ret = (struct str){json_string_value(value), json_string_length(value)};
    return json_is_string(value);
}

static inline bool read_id(const json_t *object, const char *key, uint64_t *ret)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    *ret = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) > 0;
}

static inline bool read_object(const json_t *object, const char *key, const json_t **ret)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    *ret = value;
    return json_is_object(value);
}

#endif
