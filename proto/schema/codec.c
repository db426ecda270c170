#include "proto/schema/codec.h"

#include "proto/schema/codec_check.h"
#include "proto/schema/prescan.h"

#include <msgpack.h>
#include <stdlib.h>

/* The places of the envelope's items, for both directions. */
enum item {
#define ITEM(name, form, doc) ITEM_##name,
#include "proto/schema/envelope.def"
#undef ITEM
    ITEM_COUNT
};
_Static_assert(ITEM_COUNT == ENVELOPE_ITEMS, "codec.h and envelope.def agree");

/* Room for msgpack's tree of a usual message, so that decoding one does not allocate. */
#define ARENA_CHUNK_BYTES 1024

/* The principal's items, in their order on the wire. */
enum {
    PRINCIPAL_ITEM_USER_ID,
    PRINCIPAL_ITEM_SESSION_ID,
    PRINCIPAL_ITEM_ROLE, /* until 1.1 a set of bits, of which none was ever set */
    PRINCIPAL_ITEMS_1_1, /* that all versions send */
    PRINCIPAL_ITEM_KIND = PRINCIPAL_ITEMS_1_1,
    PRINCIPAL_ITEM_PARTICIPANT_ID,
    PRINCIPAL_ITEM_STREAM_KEY_ID,
    PRINCIPAL_ITEMS
};

struct arena {
    msgpack_zone zone;
};

struct frame {
    msgpack_sbuffer buffer;
};

struct arena *arena_new(void)
{
    struct arena *arena = mem_alloc(sizeof(*arena));
    if (!msgpack_zone_init(&arena->zone, ARENA_CHUNK_BYTES)) {
        abort();
    }
    return arena;
}

void arena_free(struct arena **arena)
{
    if (*arena != NULL) {
        msgpack_zone_destroy(&(*arena)->zone);
        mem_free(arena);
    }
}

struct frame *frame_new(void)
{
    struct frame *frame = mem_alloc(sizeof(*frame));
    msgpack_sbuffer_init(&frame->buffer);
    return frame;
}

void frame_free(struct frame **frame)
{
    if (*frame != NULL) {
        msgpack_sbuffer_destroy(&(*frame)->buffer);
        mem_free(frame);
    }
}

struct str frame_bytes(const struct frame *frame)
{
    return (struct str){.data = frame->buffer.data, .bytes = frame->buffer.size};
}

/* Encoding */

/* With this the packer cannot fail, so its results need no look. */
static int write_or_abort(void *buffer, const char *data, size_t bytes)
{
    if (msgpack_sbuffer_write(buffer, data, bytes) != 0) {
        abort();
    }
    return 0;
}

static void pack_text(msgpack_packer *packer, struct str text)
{
    msgpack_pack_str(packer, text.bytes);
    if (text.bytes > 0) {
        msgpack_pack_str_body(packer, text.data, text.bytes);
    }
}

static void pack_binary(msgpack_packer *packer, struct str binary)
{
    msgpack_pack_bin(packer, binary.bytes);
    if (binary.bytes > 0) {
        msgpack_pack_bin_body(packer, binary.data, binary.bytes);
    }
}

static void pack_list(msgpack_packer *packer, const struct u64_list *list)
{
    msgpack_pack_array(packer, list->count);
    for (size_t i = 0; i < list->count; i++) {
        msgpack_pack_uint64(packer, list->items[i]);
    }
}

static void pack_bool(msgpack_packer *packer, bool value)
{
    if (value) {
        msgpack_pack_true(packer);
    } else {
        msgpack_pack_false(packer);
    }
}

static void pack_fields(msgpack_packer *packer, const struct msg_field *fields, size_t count,
                        const void *base);

static void pack_record(msgpack_packer *packer, const struct msg_record *record, const void *base)
{
    pack_fields(packer, record->fields, record->field_count, base);
}

static void pack_value(msgpack_packer *packer, const struct msg_field *field, const void *value)
{
    switch (field->type) {
    case FIELD_U64:
        msgpack_pack_uint64(packer, *(const uint64_t *)value);
        break;
    case FIELD_BOOL:
        pack_bool(packer, *(const bool *)value);
        break;
    case FIELD_STR:
        pack_text(packer, *(const struct str *)value);
        break;
    case FIELD_BIN:
        pack_binary(packer, *(const struct str *)value);
        break;
    case FIELD_U64_LIST:
        pack_list(packer, value);
        break;
    case FIELD_ENUM:
        msgpack_pack_uint32(packer, enum_at(value));
        break;
    case FIELD_RECORD:
        pack_record(packer, field->record, value);
        break;
    case FIELD_RECORDS: {
        const struct record_list list = record_list_at(value);
        msgpack_pack_array(packer, list.count);
        for (size_t i = 0; i < list.count; i++) {
            pack_record(packer, field->record, record_at(field, list, i));
        }
        break;
    }
    }
}

/* Of a message or a record, whose struct is at base. */
static void pack_fields(msgpack_packer *packer, const struct msg_field *fields, size_t count,
                        const void *base)
{
    size_t sent = 0;
    for (size_t i = 0; i < count; i++) {
        sent += field_is_there(&fields[i], base);
    }
    msgpack_pack_map(packer, sent);
    for (size_t i = 0; i < count; i++) {
        if (field_is_there(&fields[i], base)) {
            msgpack_pack_uint32(packer, fields[i].tag);
            pack_value(packer, &fields[i], (const char *)base + fields[i].offset);
        }
    }
}

static void pack_body(msgpack_packer *packer, const struct msg *msg)
{
    const struct msg_type *type = msg_type_find(msg->id);
    pack_fields(packer, type->fields, type->field_count, msg_body_get(msg));
}

static void pack_principal(msgpack_packer *packer, const struct principal *principal)
{
    if (principal->kind == PRINCIPAL_NONE) {
        msgpack_pack_nil(packer);
        return;
    }
    const uint64_t items[PRINCIPAL_ITEMS] = {
        [PRINCIPAL_ITEM_USER_ID] = principal->user_id,
        [PRINCIPAL_ITEM_SESSION_ID] = principal->session_id,
        [PRINCIPAL_ITEM_ROLE] = principal->role,
        [PRINCIPAL_ITEM_KIND] = principal->kind,
        [PRINCIPAL_ITEM_PARTICIPANT_ID] = principal->participant_id,
        [PRINCIPAL_ITEM_STREAM_KEY_ID] = principal->stream_key_id,
    };
    pack_list(packer, &(struct u64_list){.items = items, .count = PRINCIPAL_ITEMS});
}

static void pack_item(msgpack_packer *packer, enum item item, const struct envelope *envelope,
                      const struct msg *msg)
{
    switch (item) {
    case ITEM_major:
        msgpack_pack_uint64(packer, PROTOCOL_MAJOR);
        break;
    case ITEM_minor:
        msgpack_pack_uint64(packer, PROTOCOL_MINOR);
        break;
    case ITEM_message:
        msgpack_pack_uint64(packer, msg->id);
        break;
    case ITEM_correlation_id:
        msgpack_pack_uint64(packer, envelope->correlation_id);
        break;
    case ITEM_remaining_ms:
        msgpack_pack_uint64(packer, envelope->remaining_ms);
        break;
    case ITEM_expiry_unix_ms:
        msgpack_pack_uint64(packer, envelope->expiry_unix_ms);
        break;
    case ITEM_request_id:
        pack_text(packer, envelope->request_id);
        break;
    case ITEM_principal:
        pack_principal(packer, &envelope->principal);
        break;
    case ITEM_status:
        msgpack_pack_uint64(packer, envelope->status);
        break;
    case ITEM_body:
        if (envelope->status == ERR_OK) {
            pack_body(packer, msg);
        } else {
            msgpack_pack_nil(packer);
        }
        break;
    case ITEM_COUNT:
        break;
    }
}

/* Only replies fail; what is not known here is judged later. */
static bool status_fits(const struct msg_type *type, enum err status)
{
    return status == ERR_OK || type == NULL || type->kind == MSG_KIND_REPLY;
}

static bool may_be_sent(const struct envelope *envelope, const struct msg *msg)
{
    const struct msg_type *type = msg_type_find(msg->id);
    const bool is_failure = envelope->status != ERR_OK;
    return envelope->remaining_ms <= INT64_MAX && envelope->expiry_unix_ms <= INT64_MAX &&
           err_is_known(envelope->status) && request_id_is_valid(envelope->request_id) &&
           principal_is_valid(&envelope->principal) &&
           (type != NULL || (is_failure && msg->id == MSG_NONE)) &&
           status_fits(type, envelope->status) && (is_failure || msg_validate(msg) == ERR_OK);
}

enum err codec_encode(struct frame *frame, const struct envelope *envelope, const struct msg *msg)
{
    msgpack_sbuffer_clear(&frame->buffer);
    if (!may_be_sent(envelope, msg)) {
        return ERR_BAD_REQUEST;
    }
    msgpack_packer packer;
    msgpack_packer_init(&packer, &frame->buffer, write_or_abort);
    msgpack_pack_array(&packer, ENVELOPE_ITEMS);
    for (enum item item = 0; item < ITEM_COUNT; item++) {
        pack_item(&packer, item, envelope, msg);
    }
    if (frame->buffer.size > FRAME_BYTES_MAX) {
        msgpack_sbuffer_clear(&frame->buffer);
        return ERR_TOO_LARGE;
    }
    return ERR_OK;
}

/* Decoding */

const char *codec_fault_name(enum codec_fault fault)
{
    static const char *const names[] = {"ok",       "too_large", "malformed", "version",
                                        "envelope", "unknown",   "body"};
    _Static_assert(ARRAY_LEN(names) == CODEC_FAULT_COUNT, "one name for each fault");
    return names[fault];
}

static bool read_u64(const msgpack_object *object, uint64_t max, uint64_t *ret_value)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > max) {
        return false;
    }
    *ret_value = object->via.u64;
    return true;
}

static bool read_request_id(const msgpack_object *object, struct str *ret_request_id)
{
    if (object->type != MSGPACK_OBJECT_STR) {
        return false;
    }
    const struct str text = {.data = object->via.str.ptr, .bytes = object->via.str.size};
    *ret_request_id = text;
    return request_id_is_valid(text);
}

static bool read_status(const msgpack_object *object, enum err *ret_status)
{
    uint64_t number;
    if (!read_u64(object, UINT64_MAX, &number) || !err_is_known(number)) {
        return false;
    }
    *ret_status = (enum err)number;
    return true;
}

/* Who sends three items is of 1.1, and knows users alone. */
static bool read_principal(const msgpack_object *object, struct principal *ret_principal)
{
    *ret_principal = (struct principal){.kind = PRINCIPAL_NONE};
    if (object->type == MSGPACK_OBJECT_NIL) {
        return true;
    }
    uint64_t items[PRINCIPAL_ITEMS] = {[PRINCIPAL_ITEM_KIND] = PRINCIPAL_USER};
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size < PRINCIPAL_ITEMS_1_1) {
        return false;
    }
    for (uint32_t i = 0; i < object->via.array.size && i < PRINCIPAL_ITEMS; i++) {
        if (!read_u64(&object->via.array.ptr[i], UINT64_MAX, &items[i])) {
            return false;
        }
    }
    const uint64_t kind = items[PRINCIPAL_ITEM_KIND];
    const uint64_t role = items[PRINCIPAL_ITEM_ROLE];
    if (kind == PRINCIPAL_NONE || kind > PRINCIPAL_ADMIN_TOOL || role > ROLE_ADMIN) {
        return false;
    }
    *ret_principal = (struct principal){
        .kind = (enum principal_kind)kind,
        .role = role == 0 && kind == PRINCIPAL_USER ? ROLE_MEMBER : (enum role)role,
        .user_id = items[PRINCIPAL_ITEM_USER_ID],
        .session_id = items[PRINCIPAL_ITEM_SESSION_ID],
        .participant_id = items[PRINCIPAL_ITEM_PARTICIPANT_ID],
        .stream_key_id = items[PRINCIPAL_ITEM_STREAM_KEY_ID],
    };
    return principal_is_valid(ret_principal);
}

static bool read_envelope(const msgpack_object *items, struct envelope *ret_envelope,
                          uint64_t *ret_number)
{
    return read_u64(&items[ITEM_message], UINT64_MAX, ret_number) &&
           read_u64(&items[ITEM_correlation_id], UINT64_MAX, &ret_envelope->correlation_id) &&
           read_u64(&items[ITEM_remaining_ms], INT64_MAX, &ret_envelope->remaining_ms) &&
           read_u64(&items[ITEM_expiry_unix_ms], INT64_MAX, &ret_envelope->expiry_unix_ms) &&
           read_request_id(&items[ITEM_request_id], &ret_envelope->request_id) &&
           read_principal(&items[ITEM_principal], &ret_envelope->principal) &&
           read_status(&items[ITEM_status], &ret_envelope->status) &&
           (items[ITEM_body].type == MSGPACK_OBJECT_NIL ||
            items[ITEM_body].type == MSGPACK_OBJECT_MAP);
}

static void *take_packed(msgpack_zone *zone, size_t bytes)
{
    void *memory = msgpack_zone_malloc(zone, bytes);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* The list's numbers lie in the arena, after msgpack's tree. */
static bool read_list(msgpack_zone *zone, const struct msg_field *field,
                      const msgpack_object_array *array, struct u64_list *ret_list)
{
    if (array->size == 0 || array->size > field->max) {
        return array->size == 0;
    }
    uint64_t *numbers = take_packed(zone, array->size * sizeof(*numbers));
    for (size_t i = 0; i < array->size; i++) {
        if (!read_u64(&array->ptr[i], UINT64_MAX, &numbers[i])) {
            return false;
        }
    }
    *ret_list = (struct u64_list){.items = numbers, .count = array->size};
    return true;
}

static bool read_fields(msgpack_zone *zone, const struct msg_field *fields, size_t count,
                        const msgpack_object_map *map, void *base);

static bool read_record(msgpack_zone *zone, const struct msg_record *record,
                        const msgpack_object *object, void *base)
{
    return object->type == MSGPACK_OBJECT_MAP &&
           read_fields(zone, record->fields, record->field_count, &object->via.map, base);
}

/* The records lie in the arena, too: no more than the field's most, nor than the frame has. */
static bool read_records(msgpack_zone *zone, const struct msg_field *field,
                         const msgpack_object_array *array, void *place)
{
    if (array->size == 0 || array->size > field->max) {
        return array->size == 0;
    }
    const size_t bytes = array->size * field->record->bytes;
    char *records = take_packed(zone, bytes);
    memset(records, 0, bytes);
    for (size_t i = 0; i < array->size; i++) {
        if (!read_record(zone, field->record, &array->ptr[i], records + i * field->record->bytes)) {
            return false;
        }
    }
    const struct record_list list = {.items = records, .count = array->size};
    memcpy(place, &list, sizeof(list));
    return true;
}

static bool read_enum(const struct msg_field *field, const msgpack_object *object, void *place)
{
    const uint64_t number = object->via.u64;
    if (!msg_enum_has(field->values, number)) {
        return false;
    }
    memcpy(place, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
    return true;
}

/* Puts object into place, of the field's C type; false if its type is another. */
static bool decode_value(msgpack_zone *zone, const struct msg_field *field,
                         const msgpack_object *object, void *place)
{
    static const msgpack_object_type wire_types[] = {
        [FIELD_U64] = MSGPACK_OBJECT_POSITIVE_INTEGER,
        [FIELD_BOOL] = MSGPACK_OBJECT_BOOLEAN,
        [FIELD_STR] = MSGPACK_OBJECT_STR,
        [FIELD_BIN] = MSGPACK_OBJECT_BIN,
        [FIELD_U64_LIST] = MSGPACK_OBJECT_ARRAY,
        [FIELD_ENUM] = MSGPACK_OBJECT_POSITIVE_INTEGER,
        [FIELD_RECORD] = MSGPACK_OBJECT_MAP,
        [FIELD_RECORDS] = MSGPACK_OBJECT_ARRAY,
    };
    if (object->type != wire_types[field->type]) {
        return false;
    }
    switch (field->type) {
    case FIELD_U64:
        *(uint64_t *)place = object->via.u64;
        return true;
    case FIELD_BOOL:
        *(bool *)place = object->via.boolean;
        return true;
    case FIELD_STR:
        *(struct str *)place = (struct str){object->via.str.ptr, object->via.str.size};
        return true;
    case FIELD_BIN:
        *(struct str *)place = (struct str){object->via.bin.ptr, object->via.bin.size};
        return true;
    case FIELD_U64_LIST:
        return read_list(zone, field, &object->via.array, place);
    case FIELD_ENUM:
        return read_enum(field, object, place);
    case FIELD_RECORD:
        return read_record(zone, field->record, object, place);
    case FIELD_RECORDS:
        return read_records(zone, field, &object->via.array, place);
    }
    return false;
}

static const struct msg_field *field_find(const struct msg_field *fields, size_t count,
                                          uint64_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].tag == tag) {
            return &fields[i];
        }
    }
    return NULL;
}

/* Of a message or a record, whose struct, all zeroes yet, is at base. */
static bool read_fields(msgpack_zone *zone, const struct msg_field *fields, size_t count,
                        const msgpack_object_map *map, void *base)
{
    uint64_t seen = 0; /* a bit for each tag */
    for (size_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *pair = &map->ptr[i];
        uint64_t tag;
        if (!read_u64(&pair->key, UINT64_MAX, &tag)) {
            return false;
        }
        const struct msg_field *field = field_find(fields, count, tag);
        if (field == NULL) {
            continue; /* a newer peer's */
        }
        void *place = (char *)base + field->offset;
        if ((seen & UINT64_C(1) << tag) != 0 || !decode_value(zone, field, &pair->val, place) ||
            !field_is_valid(field, place)) {
            return false;
        }
        seen |= UINT64_C(1) << tag;
        if (field->presence == MSG_OPTIONAL) {
            *(bool *)((char *)base + field->flag) = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].required && (seen & UINT64_C(1) << fields[i].tag) == 0) {
            return false;
        }
    }
    return true;
}

/* Body and number against the schema; the envelope is good. */
static enum codec_fault read_message(msgpack_zone *zone, const msgpack_object *body,
                                     uint64_t number, enum err status, struct msg *ret_msg)
{
    const struct msg_type *type = msg_type_find(number);
    const bool is_failure = status != ERR_OK;
    memset(ret_msg, 0, sizeof(*ret_msg));
    if (type == NULL && !(is_failure && number == MSG_NONE)) {
        return CODEC_UNKNOWN;
    }
    ret_msg->id = (enum msg_id)number;
    if (is_failure) {
        return body->type == MSGPACK_OBJECT_NIL ? CODEC_OK : CODEC_BODY;
    }
    if (body->type != MSGPACK_OBJECT_MAP ||
        !read_fields(zone, type->fields, type->field_count, &body->via.map, msg_body(ret_msg))) {
        return CODEC_BODY;
    }
    return CODEC_OK;
}

static enum codec_fault unpack(struct arena *arena, struct str data, msgpack_object *ret_root)
{
    if (data.bytes > FRAME_BYTES_MAX) {
        return CODEC_TOO_LARGE;
    }
    if (!prescan_is_sound(data)) {
        return CODEC_MALFORMED;
    }
    msgpack_zone_clear(&arena->zone);
    size_t offset = 0;
    switch (msgpack_unpack(data.data, data.bytes, &offset, &arena->zone, ret_root)) {
    case MSGPACK_UNPACK_SUCCESS:
        return CODEC_OK;
    case MSGPACK_UNPACK_NOMEM_ERROR:
        abort();
    default:
        return CODEC_MALFORMED;
    }
}

enum codec_fault codec_decode(struct arena *arena, struct str data, struct envelope *ret_envelope,
                              struct msg *ret_msg)
{
    msgpack_object root;
    const enum codec_fault fault = unpack(arena, data, &root);
    if (fault != CODEC_OK) {
        return fault;
    }
    uint64_t major;
    if (root.type != MSGPACK_OBJECT_ARRAY || root.via.array.size == 0 ||
        !read_u64(&root.via.array.ptr[ITEM_major], UINT64_MAX, &major)) {
        return CODEC_ENVELOPE;
    }
    if (major != PROTOCOL_MAJOR) {
        return CODEC_VERSION;
    }
    const msgpack_object *items = root.via.array.ptr;
    struct envelope envelope = {.correlation_id = 0};
    uint64_t number;
    if (root.via.array.size < ENVELOPE_ITEMS ||
        !read_u64(&items[ITEM_minor], UINT64_MAX, &envelope.minor) ||
        !read_envelope(items, &envelope, &number) ||
        !status_fits(msg_type_find(number), envelope.status)) {
        return CODEC_ENVELOPE;
    }
    *ret_envelope = envelope;
    return read_message(&arena->zone, &items[ITEM_body], number, envelope.status, ret_msg);
}
