#include "gateway/http/openapi_schema.h"

static void write_member_bounds(const struct member *member, struct json_out *out)
{
    bool is_string = member->type == MEMBER_STRING || member->type == MEMBER_LABEL;
    if (member->constant != NULL) {
        json_out_member_z(out, "const", member->constant);
        return;
    }
    if (member->min > 0 || !is_string) {
        json_out_member_u64(out, is_string ? "minLength" : "minimum", member->min);
    }
    if (member->max > 0) {
        json_out_member_u64(out, is_string ? "maxLength" : "maximum", member->max);
    }
}

static void write_list_schema(const struct member *member, const char *item_type,
                              struct json_out *out)
{
    json_out_member_z(out, "type", "array");
    json_out_open_member(out, "items", '{');
    json_out_member_z(out, "type", item_type);
    json_out_close(out, "}");
    if (member->max > 0) {
        json_out_member_u64(out, "maxItems", member->max);
    }
}

static void write_words(const struct member *member, struct json_out *out)
{
    json_out_member_z(out, "type", "string");
    json_out_open_member(out, "enum", '[');
    for (size_t i = 0; member->words[i] != NULL; i++) {
        json_out_z(out, member->words[i]);
    }
    json_out_close(out, "]");
}

static void write_word_map(const struct member *member, struct json_out *out)
{
    json_out_member_z(out, "type", "object");
    json_out_open_member(out, "propertyNames", '{');
    json_out_member_u64(out, "minLength", 1);
    json_out_member_u64(out, "maxLength", member->name_max);
    json_out_close(out, "}");
    json_out_open_member(out, "additionalProperties", '{');
    write_words(member, out);
    json_out_close(out, "}");
    json_out_member_u64(out, "minProperties", member->min);
    json_out_member_u64(out, "maxProperties", member->max);
}

/* Of words or ids. */
static void write_bounded_list(const struct member *member, struct json_out *out)
{
    json_out_member_z(out, "type", "array");
    json_out_open_member(out, "items", '{');
    if (member->type == MEMBER_WORDS) {
        write_words(member, out);
    } else {
        json_out_member_z(out, "type", "string");
    }
    json_out_close(out, "}");
    json_out_member_u64(out, "minItems", member->min);
    json_out_member_u64(out, "maxItems", member->max);
    if (member->type == MEMBER_WORDS) {
        json_out_member_bool(out, "uniqueItems", true);
    }
}

static void write_type(const struct member *member, const char *type, struct json_out *out)
{
    if (member->is_nullable) {
        json_out_open_member(out, "type", '[');
        json_out_z(out, type);
        json_out_z(out, "null");
        json_out_close(out, "]");
    } else {
        json_out_member_z(out, "type", type);
    }
}

static void write_properties(const struct member *members, bool is_closed, struct json_out *out);

void openapi_member_write(const struct member *member, bool is_closed, struct json_out *out)
{
    switch (member->type) {
    case MEMBER_STRING:
    case MEMBER_LABEL:
        write_type(member, "string", out);
        write_member_bounds(member, out);
        break;
    case MEMBER_NUMBER:
        write_type(member, "integer", out);
        write_member_bounds(member, out);
        break;
    case MEMBER_BOOL:
        json_out_member_z(out, "type", "boolean");
        break;
    case MEMBER_WORD:
        write_words(member, out);
        break;
    case MEMBER_ID:
        write_type(member, "string", out);
        json_out_member_z(out, "pattern", "^[0-9]{1,18}$");
        break;
    case MEMBER_WORDS:
    case MEMBER_IDS:
        write_bounded_list(member, out);
        break;
    case MEMBER_WORD_MAP:
        write_word_map(member, out);
        break;
    case MEMBER_NUMBERS:
        write_list_schema(member, "integer", out);
        break;
    case MEMBER_STRINGS:
        write_list_schema(member, "string", out);
        break;
    case MEMBER_TIME:
        write_type(member, "string", out);
        json_out_member_z(out, "format", "date-time");
        break;
    case MEMBER_OBJECT:
        write_properties(member->members, is_closed, out);
        break;
    case MEMBER_OBJECTS:
        json_out_member_z(out, "type", "array");
        json_out_open_member(out, "items", '{');
        write_properties(member->members, is_closed, out);
        json_out_close(out, "}");
        if (member->min > 0) {
            json_out_member_u64(out, "minItems", member->min);
        }
        json_out_member_u64(out, "maxItems", member->max);
        break;
    case MEMBER_ANY_OBJECT:
        json_out_member_z(out, "type", "object");
        break;
    }
    if (member->doc != NULL && member->doc[0] != '\0') {
        json_out_member_z(out, "description", member->doc);
    }
}

/* Of an object; its schema is open already. */
static void write_properties(const struct member *members, bool is_closed, struct json_out *out)
{
    json_out_member_z(out, "type", "object");
    json_out_open_member(out, "properties", '{');
    for (const struct member *m = members; m->name != NULL; m++) {
        json_out_open_member(out, m->name, '{');
        openapi_member_write(m, is_closed, out);
        json_out_close(out, "}");
    }
    json_out_close(out, "}");
    json_out_open_member(out, "required", '[');
    for (const struct member *m = members; m->name != NULL; m++) {
        if (!m->is_optional) {
            json_out_z(out, m->name);
        }
    }
    json_out_close(out, "]");
    if (is_closed) {
        json_out_key(out, "additionalProperties");
        json_out_bool(out, false);
    }
}

void openapi_schema_write(const struct member *members, bool is_closed, struct json_out *out)
{
    json_out_open(out, '{');
    write_properties(members, is_closed, out);
    json_out_close(out, "}");
}
