#include "gateway/http/request_json.h"

#include <jansson.h>
#include <sodium.h>

struct json_t *request_json_parse(struct str body)
{
    json_error_t error;
    if (body.bytes == 0) {
        return NULL;
    }
    json_t *root = json_loadb(body.data, body.bytes, JSON_REJECT_DUPLICATES, &error);
    if (root != NULL && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

void request_json_free(struct json_t **json)
{
    if (*json == NULL) {
        return;
    }
    const char *name;
    json_t *value;
    json_object_foreach(*json, name, value)
    {
        if (json_is_string(value)) {
            sodium_memzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
        }
    }
    json_decref(*json);
    *json = NULL;
}

static bool fill_u64(const json_t *value, const struct msg_field *field, uint64_t *place)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || (uint64_t)n < field->min || (uint64_t)n > field->max) {
        return false;
    }
    *place = (uint64_t)n;
    return true;
}

static bool fill_str(const json_t *value, const struct msg_field *field, struct str *place)
{
    size_t bytes = json_string_length(value);
    if (!json_is_string(value) || bytes < field->min || bytes > field->max) {
        return false;
    }
    *place = (struct str){.data = json_string_value(value), .bytes = bytes};
    return true;
}

static bool fill_field(const json_t *root, const struct msg_field *field, struct msg *msg)
{
    const json_t *value = json_object_get(root, field->name);
    void *place = msg_field_at(msg, field);
    switch (field->type) {
    case FIELD_U64:
        return fill_u64(value, field, place);
    case FIELD_STR:
        return fill_str(value, field, place);
    default: /* no route takes another kind from a client */
        return false;
    }
}

bool request_json_fill(const struct json_t *json, const char *const *members, struct msg *msg)
{
    const struct msg_type *type = msg_type_find(msg->id);
    for (; *members != NULL; members++) {
        const struct msg_field *field = type->fields;
        while (strcmp(field->name, *members) != 0) {
            field++;
        }
        if (!fill_field(json, field, msg)) {
            return false;
        }
    }
    return true;
}
