#include "gateway/http/json_body.h"

#include "gateway/http/timestamp.h"
#include "proto/base/text.h"
#include "proto/unicode/label.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>

/* Some programs put a byte order mark before what they send (RFC 8259, section 8.1). */
static struct str skip_mark(struct str body)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t bytes = sizeof(mark) - 1;
    bool has_mark = body.bytes >= bytes && memcmp(body.data, mark, bytes) == 0;
    return has_mark ? (struct str){.data = body.data + bytes, .bytes = body.bytes - bytes} : body;
}

struct json_t *json_body_parse(struct str body)
{
    json_error_t error;
    struct str text = skip_mark(body);
    /* jansson overlooks a NUL after a number; no JSON text holds one (RFC 8259, section 2). */
    if (text.bytes == 0 || memchr(text.data, '\0', text.bytes) != NULL) {
        return NULL;
    }
    json_t *root = json_loadb(text.data, text.bytes, JSON_REJECT_DUPLICATES, &error);
    if (root != NULL && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

struct json_t *json_body_empty(void)
{
    return json_object();
}

void json_body_free(struct json_t **json)
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

/* ---- the check ---- */

/* Which one; past the last one: none. */
static size_t find_word(const char *text, const char *const *words)
{
    size_t i = 0;
    while (words[i] != NULL && strcmp(words[i], text) != 0) {
        i++;
    }
    return i;
}

static bool is_one_of(const char *text, const char *const *words)
{
    return words[find_word(text, words)] != NULL;
}

static struct str json_body_text(const json_t *value)
{
    return (struct str){.data = json_string_value(value), .bytes = json_string_length(value)};
}

/* Are the items of a list what the row says? false: one is no string, and *ret_is_typed says so, or
 * there are other ones or more or fewer than there may be. */
static bool has_good_items(const json_t *list, const struct member *member, bool *ret_is_typed)
{
    const size_t count = json_array_size(list);
    bool is_good_list = count >= member->min && count <= member->max;
    uint64_t id;
    for (size_t i = 0; i < count && count <= member->max; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item)) {
            *ret_is_typed = false;
            return false;
        }
        is_good_list &= member->type == MEMBER_IDS
                            ? str_id(json_body_text(item), &id) && id <= ROOM_ID_MAX
                            : is_one_of(json_string_value(item), member->words);
        for (size_t j = 0; member->type == MEMBER_WORDS && j < i; j++) {
            is_good_list &= !json_equal(item, json_array_get(list, j));
        }
    }
    return is_good_list;
}

/* Likewise, of an object whose names the client chooses. */
static bool has_good_words(const json_t *map, const struct member *member, bool *ret_is_typed)
{
    const size_t count = json_object_size(map);
    bool is_good_map = count >= member->min && count <= member->max;
    void *at = json_object_iter((json_t *)(uintptr_t)map);
    for (; is_good_map && at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)map, at)) {
        const json_t *word = json_object_iter_value(at);
        const size_t name_bytes = strlen(json_object_iter_key(at));
        if (!json_is_string(word)) {
            *ret_is_typed = false;
            return false;
        }
        is_good_map = name_bytes >= 1 && name_bytes <= member->name_max &&
                      is_one_of(json_string_value(word), member->words);
    }
    return is_good_map;
}

/* Is value what the row says? If not, *ret_kind is why. What is in the items of a MEMBER_OBJECTS is
 * not looked at. */
static bool is_good(const json_t *value, const struct member *member,
                    enum member_fault_kind *ret_kind)
{
    bool is_typed = false;
    bool is_inside = true;
    switch (member->type) {
    case MEMBER_STRING: {
        size_t bytes = json_string_length(value);
        is_typed = json_is_string(value);
        is_inside = bytes >= member->min && bytes <= member->max;
        break;
    }
    case MEMBER_LABEL: {
        const struct str text = json_body_text(value);
        char label[LABEL_BYTES];
        is_typed = json_is_string(value);
        /* As it came it has to fit into the message, too. */
        is_inside = is_typed && text.bytes <= 4 * member->max && label_make(text, label) &&
                    text_characters(str_of(label)) >= member->min &&
                    text_characters(str_of(label)) <= member->max;
        break;
    }
    case MEMBER_NUMBER: {
        json_int_t n = json_integer_value(value);
        is_typed = json_is_integer(value);
        is_inside = n >= 0 && (uint64_t)n >= member->min && (uint64_t)n <= member->max;
        break;
    }
    case MEMBER_BOOL:
        is_typed = json_is_boolean(value);
        break;
    case MEMBER_WORD:
        is_typed = json_is_string(value);
        is_inside = is_typed && is_one_of(json_string_value(value), member->words);
        break;
    case MEMBER_TIME: {
        uint64_t unix_ms;
        is_typed = json_is_string(value);
        is_inside = is_typed && timestamp_read(json_body_text(value), &unix_ms);
        break;
    }
    case MEMBER_ID: {
        uint64_t id;
        is_typed = json_is_string(value);
        is_inside = is_typed && str_id(json_body_text(value), &id) && id <= ROOM_ID_MAX;
        break;
    }
    case MEMBER_WORDS:
    case MEMBER_IDS:
        is_typed = json_is_array(value);
        is_inside = has_good_items(value, member, &is_typed);
        break;
    case MEMBER_WORD_MAP:
        is_typed = json_is_object(value);
        is_inside = has_good_words(value, member, &is_typed);
        break;
    case MEMBER_OBJECTS:
        is_typed = json_is_array(value);
        is_inside = json_array_size(value) >= member->min && json_array_size(value) <= member->max;
        break;
    case MEMBER_NUMBERS:
    case MEMBER_STRINGS:
    case MEMBER_OBJECT:
    case MEMBER_ANY_OBJECT: /* only in answers: routes_new */
        break;
    }
    if (member->is_nullable && json_is_null(value)) {
        return true;
    }
    *ret_kind = value == NULL ? MEMBER_MISSING : is_typed ? MEMBER_OUTSIDE : MEMBER_MISTYPED;
    return is_typed && is_inside;
}

static const struct member *find_member(const struct member *members, const char *name)
{
    for (; members->name != NULL; members++) {
        if (strcmp(members->name, name) == 0) {
            return members;
        }
    }
    return NULL;
}

/* What is found wrong, and where it is looked for. */
struct body_check {
    bool unknown_is_fault;
    const struct member *list; /* NULL: in the body itself */
    size_t item;
    struct member_fault *faults;
    size_t count;
};

static void add_fault(struct body_check *check, const struct member_fault *fault)
{
    if (check->count < MEMBER_FAULTS_MAX) {
        check->faults[check->count] = *fault;
        check->faults[check->count].list = check->list;
        check->faults[check->count].item = check->item;
        check->count++;
    }
}

static void check_members(struct body_check *check, const json_t *object,
                          const struct member *members)
{
    for (const struct member *m = members; m->name != NULL; m++) {
        const json_t *value = json_object_get(object, m->name);
        enum member_fault_kind kind;
        if (!is_good(value, m, &kind) && !(value == NULL && m->is_optional)) {
            add_fault(check, &(struct member_fault){.kind = kind, .name = m->name, .member = m});
        }
    }
    void *at = json_object_iter((json_t *)(uintptr_t)object);
    for (; check->unknown_is_fault && at != NULL && check->count < MEMBER_FAULTS_MAX;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        const char *name = json_object_iter_key(at);
        if (find_member(members, name) == NULL) {
            add_fault(check, &(struct member_fault){.kind = MEMBER_UNKNOWN, .name = name});
        }
    }
}

/* The items of a list that has as many as it may have. */
static void check_objects(struct body_check *check, const json_t *list, const struct member *member)
{
    check->list = member;
    for (size_t i = 0; i < json_array_size(list) && i < member->max; i++) {
        const json_t *item = json_array_get(list, i);
        check->item = i;
        if (json_is_object(item)) {
            check_members(check, item, member->members);
        } else {
            add_fault(check, &(struct member_fault){.kind = MEMBER_MISTYPED});
        }
    }
}

size_t json_body_check(const struct json_t *json, const struct member *members,
                       bool unknown_is_fault, struct member_fault ret_faults[MEMBER_FAULTS_MAX])
{
    struct body_check check = {.unknown_is_fault = unknown_is_fault, .faults = ret_faults};
    check_members(&check, json, members);
    for (const struct member *m = members; m->name != NULL; m++) {
        if (m->type == MEMBER_OBJECTS) {
            check_objects(&check, json_object_get(json, m->name), m);
        }
    }
    return check.count;
}

/* ---- its values ---- */

struct str json_body_str(const struct json_t *json, const char *name)
{
    return json_body_text(json_object_get(json, name));
}

uint64_t json_body_u64(const struct json_t *json, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(json, name));
}

bool json_body_bool(const struct json_t *json, const char *name)
{
    return json_is_true(json_object_get(json, name));
}

bool json_body_has(const struct json_t *json, const char *name)
{
    return json_object_get(json, name) != NULL;
}

uint64_t json_body_words(const struct json_t *json, const char *name, const char *const *words)
{
    const json_t *list = json_object_get(json, name);
    uint64_t set = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        set |= UINT64_C(1) << find_word(json_string_value(json_array_get(list, i)), words);
    }
    return set;
}

size_t json_body_ids(const struct json_t *json, const char *name, uint64_t *ret_ids)
{
    const json_t *list = json_object_get(json, name);
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        (void)str_id(json_body_text(json_array_get(list, i)), &ret_ids[i]);
    }
    return count;
}

uint64_t json_body_id(const struct json_t *json, const char *name)
{
    uint64_t id = 0;
    (void)str_id(json_body_str(json, name), &id);
    return id;
}

size_t json_body_word(const struct json_t *json, const char *name, const char *const *words)
{
    return find_word(json_string_value(json_object_get(json, name)), words);
}

size_t json_body_word_map(const struct json_t *json, const char *name, const char *const *words,
                          struct json_body_word *ret_words)
{
    json_t *map = json_object_get(json, name);
    size_t count = 0;
    for (void *at = json_object_iter(map); at != NULL; at = json_object_iter_next(map, at)) {
        ret_words[count++] = (struct json_body_word){
            .name = str_of(json_object_iter_key(at)),
            .word = find_word(json_string_value(json_object_iter_value(at)), words)};
    }
    return count;
}

size_t json_body_count(const struct json_t *json, const char *name)
{
    return json_array_size(json_object_get(json, name));
}

const struct json_t *json_body_item(const struct json_t *json, const char *name, size_t i)
{
    return json_array_get(json_object_get(json, name), i);
}

/* The number that a word stands for; the route's check has seen that it has one. */
static uint32_t number_of_word(const struct msg_enum *values, const char *word)
{
    size_t i = 0;
    while (i + 1 < values->value_count && strcmp(values->values[i].text, word) != 0) {
        i++;
    }
    return values->values[i].number;
}

static void fill_field(const json_t *value, const struct member *member,
                       const struct msg_field *field, void *place)
{
    uint64_t unix_ms = 0;
    switch (member->type) {
    case MEMBER_STRING:
    case MEMBER_LABEL:
        *(struct str *)place = json_body_text(value);
        break;
    case MEMBER_WORD:
        *(uint32_t *)place = number_of_word(field->values, json_string_value(value));
        break;
    case MEMBER_TIME:
        (void)timestamp_read(json_body_text(value), &unix_ms); /* null: 0 */
        *(uint64_t *)place = unix_ms;
        break;
    case MEMBER_NUMBER:
        *(uint64_t *)place = (uint64_t)json_integer_value(value);
        break;
    default:
        *(bool *)place = json_is_true(value);
        break;
    }
}

void json_body_fill(const struct json_t *json, const struct member *members, struct msg *msg,
                    const char *record)
{
    const struct msg_fields to = msg_fields_of(msg_type_find(msg->id), record);
    char *base = (char *)msg_body(msg) + to.offset;
    for (size_t i = 0; i < to.count; i++) {
        const struct msg_field *field = &to.fields[i];
        const struct member *member = find_member(members, field->name);
        const json_t *value = json_object_get(json, field->name);
        if (member == NULL || member->is_local || value == NULL) {
            continue;
        }
        if (field->presence == MSG_OPTIONAL) {
            *(bool *)(base + field->flag) = true;
        }
        fill_field(value, member, field, base + field->offset);
    }
}

bool json_body_has_only(const struct json_t *json, const char *const *names)
{
    void *at = json_object_iter((json_t *)(uintptr_t)json);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        if (!is_one_of(json_object_iter_key(at), names)) {
            return false;
        }
    }
    return true;
}
