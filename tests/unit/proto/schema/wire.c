#include "tests/unit/proto/schema/wire.h"

#include <assert.h>
#include <stdlib.h>

#define FILL_MAX 131072

struct wire *wire_new(void)
{
    return mem_alloc(sizeof(struct wire));
}

void wire_free(struct wire **wire)
{
    if (*wire != NULL) {
        mem_free(&(*wire)->data);
        mem_free(wire);
    }
}

struct str wire_str(const struct wire *wire)
{
    return (struct str){.data = wire->data, .bytes = wire->bytes};
}

void wire_raw(struct wire *wire, const void *data, size_t bytes)
{
    if (wire->bytes + bytes > wire->places) {
        wire->places = 2 * (wire->bytes + bytes);
        wire->data = mem_realloc_array(wire->data, wire->places, 1);
    }
    if (bytes > 0) {
        memcpy(wire->data + wire->bytes, data, bytes);
    }
    wire->bytes += bytes;
}

static void head(struct wire *wire, unsigned first, uint64_t value, unsigned bytes)
{
    unsigned char out[9] = {(unsigned char)first};
    for (unsigned i = 1; i <= bytes; i++) {
        out[i] = (unsigned char)(value >> 8 * (bytes - i));
    }
    wire_raw(wire, out, 1 + bytes);
}

void wire_uint(struct wire *wire, uint64_t value)
{
    if (value <= 0x7f) {
        head(wire, (unsigned)value, 0, 0);
    } else if (value <= UINT8_MAX) {
        head(wire, 0xcc, value, 1);
    } else if (value <= UINT16_MAX) {
        head(wire, 0xcd, value, 2);
    } else if (value <= UINT32_MAX) {
        head(wire, 0xce, value, 4);
    } else {
        head(wire, 0xcf, value, 8);
    }
}

void wire_text(struct wire *wire, struct str text)
{
    if (text.bytes <= 31) {
        head(wire, 0xa0 | (unsigned)text.bytes, 0, 0);
    } else if (text.bytes <= UINT8_MAX) {
        head(wire, 0xd9, text.bytes, 1);
    } else if (text.bytes <= UINT16_MAX) {
        head(wire, 0xda, text.bytes, 2);
    } else {
        head(wire, 0xdb, text.bytes, 4);
    }
    wire_raw(wire, text.data, text.bytes);
}

void wire_binary(struct wire *wire, struct str binary)
{
    if (binary.bytes <= UINT8_MAX) {
        head(wire, 0xc4, binary.bytes, 1);
    } else if (binary.bytes <= UINT16_MAX) {
        head(wire, 0xc5, binary.bytes, 2);
    } else {
        head(wire, 0xc6, binary.bytes, 4);
    }
    wire_raw(wire, binary.data, binary.bytes);
}

void wire_array(struct wire *wire, size_t count)
{
    if (count <= 15) {
        head(wire, 0x90 | (unsigned)count, 0, 0);
    } else {
        head(wire, 0xdc, count, 2);
    }
}

void wire_map(struct wire *wire, size_t count)
{
    assert(count <= 15);
    head(wire, 0x80 | (unsigned)count, 0, 0);
}

static void envelope_item(struct wire *wire, size_t place, uint64_t number, uint64_t status)
{
    switch (place) {
    case WIRE_MAJOR:
        wire_uint(wire, PROTOCOL_MAJOR);
        break;
    case WIRE_MINOR:
        wire_uint(wire, PROTOCOL_MINOR);
        break;
    case WIRE_MESSAGE:
        wire_uint(wire, number);
        break;
    case WIRE_CORRELATION_ID:
        wire_uint(wire, 7);
        break;
    case WIRE_REMAINING_MS:
        wire_uint(wire, 4000);
        break;
    case WIRE_EXPIRY_UNIX_MS:
        wire_uint(wire, 1700000000000);
        break;
    case WIRE_REQUEST_ID:
        wire_text(wire, STR_LIT("req-1"));
        break;
    case WIRE_PRINCIPAL:
        WIRE_RAW(wire, "\xc0");
        break;
    case WIRE_STATUS:
        wire_uint(wire, status);
        break;
    default:
        wire_map(wire, 0);
        break;
    }
}

void wire_envelope(struct wire *wire, uint64_t number, uint64_t status)
{
    wire->bytes = 0;
    wire_array(wire, ENVELOPE_ITEMS);
    for (size_t place = 0; place < WIRE_BODY; place++) {
        envelope_item(wire, place, number, status);
    }
}

void wire_envelope_with(struct wire *wire, size_t place, struct str bytes)
{
    wire->bytes = 0;
    wire_array(wire, ENVELOPE_ITEMS);
    for (size_t i = 0; i <= WIRE_BODY; i++) {
        if (i == place) {
            wire_raw(wire, bytes.data, bytes.bytes);
        } else {
            envelope_item(wire, i, MSG_bridge_info, 0);
        }
    }
}

/* Bytes and numbers to fill strings and lists from; ASCII, so any part of it is good text. */
static const char *filling(void)
{
    static char letters[FILL_MAX];
    memset(letters, 'a', sizeof(letters));
    return letters;
}

static const uint64_t *numbers(void)
{
    static uint64_t list[FILL_MAX / sizeof(uint64_t)];
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        list[i] = UINT64_MAX - i;
    }
    return list;
}

uint64_t wire_least(const struct msg_field *field)
{
    return field->type == FIELD_ENUM ? field->values->values[0].number : field->min;
}

uint64_t wire_most(const struct msg_field *field)
{
    return field->type == FIELD_ENUM ? field->values->values[field->values->value_count - 1].number
                                     : field->max;
}

void wire_record(struct wire *wire, const struct msg_record *record)
{
    size_t required = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        required += record->fields[i].required;
    }
    wire_map(wire, required);
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].required) {
            wire_field(wire, &record->fields[i], wire_least(&record->fields[i]));
        }
    }
}

void wire_value(struct wire *wire, const struct msg_field *field, uint64_t amount)
{
    assert(field->type == FIELD_U64 || amount <= FILL_MAX);
    const struct str text = {.data = filling(), .bytes = amount};
    switch (field->type) {
    case FIELD_U64:
    case FIELD_ENUM:
        wire_uint(wire, amount);
        break;
    case FIELD_BOOL:
        head(wire, amount == 0 ? 0xc2 : 0xc3, 0, 0);
        break;
    case FIELD_STR:
        wire_text(wire, text);
        break;
    case FIELD_BIN:
        wire_binary(wire, text);
        break;
    case FIELD_U64_LIST:
        wire_array(wire, amount);
        for (uint64_t i = 0; i < amount; i++) {
            wire_uint(wire, i);
        }
        break;
    case FIELD_RECORD:
        wire_record(wire, field->record);
        break;
    case FIELD_RECORDS:
        wire_array(wire, amount);
        for (uint64_t i = 0; i < amount; i++) {
            wire_record(wire, field->record);
        }
        break;
    }
}

void wire_field(struct wire *wire, const struct msg_field *field, uint64_t amount)
{
    wire_uint(wire, field->tag);
    wire_value(wire, field, amount);
}

enum codec_fault wire_decode(struct str data, struct envelope *ret_envelope, struct msg *ret_msg,
                             struct arena *arena, char **ret_copy)
{
    char *copy = malloc(data.bytes == 0 ? 1 : data.bytes);
    assert(copy != NULL);
    if (data.bytes > 0) {
        memcpy(copy, data.data, data.bytes);
    }
    *ret_copy = copy;
    return codec_decode(arena, (struct str){.data = copy, .bytes = data.bytes}, ret_envelope,
                        ret_msg);
}

enum codec_fault wire_fault(struct str data)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(mem_free) char *copy = NULL;
    struct envelope envelope;
    struct msg msg;
    return wire_decode(data, &envelope, &msg, arena, &copy);
}

/* Of the records that wire_fill has made last. */
static char record_memory[2 * FILL_MAX];
static size_t record_bytes;

static void *take_records(size_t bytes)
{
    assert(bytes <= sizeof(record_memory) - record_bytes && bytes % sizeof(uint64_t) == 0);
    void *memory = record_memory + record_bytes;
    record_bytes += bytes;
    memset(memory, 0, bytes);
    return memory;
}

static void fill_fields(void *base, const struct msg_field *fields, size_t count, bool is_max);

static void set_records(void *place, const struct msg_record *record, uint64_t count, bool is_max)
{
    char *items = take_records(count * record->bytes);
    for (uint64_t i = 0; i < count; i++) {
        fill_fields(items + i * record->bytes, record->fields, record->field_count, is_max);
    }
    const struct u64_list list = {.items = (const uint64_t *)(const void *)items, .count = count};
    memcpy(place, &list, sizeof(list));
}

static void set_field(void *place, const struct msg_field *field, uint64_t amount, bool is_max)
{
    assert(field->type == FIELD_U64 || amount <= FILL_MAX);
    switch (field->type) {
    case FIELD_U64:
        *(uint64_t *)place = amount;
        break;
    case FIELD_BOOL:
        *(bool *)place = amount != 0;
        break;
    case FIELD_STR:
    case FIELD_BIN:
        *(struct str *)place = (struct str){.data = filling(), .bytes = amount};
        break;
    case FIELD_U64_LIST:
        assert(amount <= FILL_MAX / sizeof(uint64_t));
        *(struct u64_list *)place = (struct u64_list){.items = numbers(), .count = amount};
        break;
    case FIELD_ENUM:
        memcpy(place, &(uint32_t){(uint32_t)amount}, sizeof(uint32_t));
        break;
    case FIELD_RECORD:
        fill_fields(place, field->record->fields, field->record->field_count, is_max);
        break;
    case FIELD_RECORDS:
        set_records(place, field->record, amount, is_max);
        break;
    }
}

static void fill_fields(void *base, const struct msg_field *fields, size_t count, bool is_max)
{
    for (size_t i = 0; i < count; i++) {
        const struct msg_field *field = &fields[i];
        if (!is_max && !field->required) {
            continue;
        }
        set_field((char *)base + field->offset, field,
                  is_max ? wire_most(field) : wire_least(field), is_max);
        if (field->presence == MSG_OPTIONAL) {
            *(bool *)((char *)base + field->flag) = true;
        }
    }
}

void wire_fill(struct msg *msg, const struct msg_type *type, bool is_max)
{
    memset(msg, 0, sizeof(*msg));
    msg->id = type->id;
    record_bytes = 0;
    fill_fields(msg_body(msg), type->fields, type->field_count, is_max);
}

static bool fields_equal(const struct msg_field *fields, size_t count, const void *a,
                         const void *b);

static bool records_equal(const struct msg_record *record, const struct u64_list *one,
                          const struct u64_list *other)
{
    bool is_equal = one->count == other->count;
    for (size_t i = 0; is_equal && i < one->count; i++) {
        is_equal = fields_equal(record->fields, record->field_count,
                                (const char *)one->items + i * record->bytes,
                                (const char *)other->items + i * record->bytes);
    }
    return is_equal;
}

static bool value_equal(const struct msg_field *field, const void *left, const void *right)
{
    switch (field->type) {
    case FIELD_U64:
        return *(const uint64_t *)left == *(const uint64_t *)right;
    case FIELD_BOOL:
        return *(const bool *)left == *(const bool *)right;
    case FIELD_STR:
    case FIELD_BIN:
        return str_eq(*(const struct str *)left, *(const struct str *)right);
    case FIELD_U64_LIST: {
        const struct u64_list *one = left;
        const struct u64_list *other = right;
        return one->count == other->count &&
               (one->count == 0 ||
                memcmp(one->items, other->items, one->count * sizeof(uint64_t)) == 0);
    }
    case FIELD_ENUM:
        return memcmp(left, right, sizeof(uint32_t)) == 0;
    case FIELD_RECORD:
        return fields_equal(field->record->fields, field->record->field_count, left, right);
    case FIELD_RECORDS: {
        struct u64_list one, other; /* all lists look alike */
        memcpy(&one, left, sizeof(one));
        memcpy(&other, right, sizeof(other));
        return records_equal(field->record, &one, &other);
    }
    }
    return false;
}

static bool fields_equal(const struct msg_field *fields, size_t count, const void *a, const void *b)
{
    for (size_t i = 0; i < count; i++) {
        const struct msg_field *field = &fields[i];
        const bool same_flags =
            field->presence != MSG_OPTIONAL ||
            *((const bool *)a + field->flag) == *((const bool *)b + field->flag);
        if (!same_flags ||
            !value_equal(field, (const char *)a + field->offset, (const char *)b + field->offset)) {
            return false;
        }
    }
    return true;
}

bool wire_equal(const struct msg *a, const struct msg *b)
{
    const struct msg_type *type = msg_type_find(a->id);
    if (a->id != b->id || type == NULL) {
        return a->id == b->id;
    }
    return fields_equal(type->fields, type->field_count, msg_body_get(a), msg_body_get(b));
}
