#include "proto/schema/msg.h"

/* The values of each enum. */
#define ENUM(name, doc) static const struct msg_value values_##name[] = {
#define VALUE(enum_, constant, number_, text_, doc_)                                               \
    {.number = (number_), .text = (text_), .doc = (doc_)},
#define END_ENUM(name)                                                                             \
    }                                                                                              \
    ;
#include "proto/schema/messages.def"

enum {
#define ENUM(name, doc) ENUM_##name,
#include "proto/schema/messages.def"
    ENUM_COUNT
};

static const struct msg_enum enums[ENUM_COUNT] = {
#define ENUM(name_, doc_)                                                                          \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     .values = values_##name_,                                                                     \
     .value_count = ARRAY_LEN(values_##name_)},
#include "proto/schema/messages.def"
};

enum {
#define RECORD(name, doc) RECORD_##name,
#include "proto/schema/messages.def"
    RECORD_COUNT
};

static const struct msg_record records[RECORD_COUNT]; /* filled in below */

/* The codec reads and writes an enum's place as the unsigned integer that it is. */
#define ENUM(name, doc) _Static_assert(sizeof(enum name) == sizeof(uint32_t), #name);
#include "proto/schema/messages.def"

#define OF_ENUM(of_) .values = &enums[ENUM_##of_]
#define OF_RECORD(of_) .record = &records[RECORD_##of_]
#define OF_RECORDS(of_) .record = &records[RECORD_##of_]

#define FLAG_REQUIRED(owner, name) 0
#define FLAG_IMPLICIT(owner, name) 0
#define FLAG_OPTIONAL(owner, name) offsetof(struct msg_##owner, has_##name)

/* One array of fields for each record and message. A row without a tag ends it: C has no empty
 * arrays. */
#define RECORD(name, doc) static const struct msg_field fields_##name[] = {
#define REQUEST(name, number, service, retry, reply, doc)                                          \
    static const struct msg_field fields_##name[] = {
#define REPLY(name, number, doc) static const struct msg_field fields_##name[] = {
#define EVENT(name, number, service, doc) static const struct msg_field fields_##name[] = {
#define FIELD(owner, tag_, name_, type_, min_, max_, presence_, doc_)                              \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     .offset = offsetof(struct msg_##owner, name_),                                                \
     .flag = FLAG_##presence_(owner, name_),                                                       \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .tag = (tag_),                                                                                \
     .type = FIELD_##type_,                                                                        \
     .presence = MSG_##presence_,                                                                  \
     .required = MSG_##presence_ == MSG_REQUIRED},
#define FIELD_OF(owner, tag_, name_, type_, of_, max_, presence_, doc_)                            \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     .offset = offsetof(struct msg_##owner, name_),                                                \
     .flag = FLAG_##presence_(owner, name_),                                                       \
     .max = (max_),                                                                                \
     .tag = (tag_),                                                                                \
     .type = FIELD_##type_,                                                                        \
     .presence = MSG_##presence_,                                                                  \
     .required = MSG_##presence_ == MSG_REQUIRED,                                                  \
     OF_##type_(of_)},
#define END_RECORD(name)                                                                           \
    {                                                                                              \
        .tag = 0                                                                                   \
    }                                                                                              \
    }                                                                                              \
    ;
#define END(name)                                                                                  \
    {                                                                                              \
        .tag = 0                                                                                   \
    }                                                                                              \
    }                                                                                              \
    ;
#include "proto/schema/messages.def"

/* The codec keeps the tags it has seen in the bits of one word. */
#define REQUEST(name, number, service, retry, reply, doc)                                          \
    _Static_assert((number) >= 1, #name ": 0 is no message");
#define REPLY(name, number, doc) _Static_assert((number) >= 1, #name ": 0 is no message");
#define EVENT(name, number, service, doc) _Static_assert((number) >= 1, #name ": 0 is no message");
#define FIELD(owner, tag, name, type, min, max, presence, doc)                                     \
    _Static_assert((tag) >= 1 && (tag) < MSG_TAG_LIMIT && (min) <= (max), #owner "." #name);
#define FIELD_OF(owner, tag, name, type, of, max, presence, doc)                                   \
    _Static_assert((tag) >= 1 && (tag) < MSG_TAG_LIMIT && (max) >= 1, #owner "." #name);
#include "proto/schema/messages.def"

#define FIELDS(name_) .fields = fields_##name_, .field_count = ARRAY_LEN(fields_##name_) - 1

static const struct msg_record records[RECORD_COUNT] = {
#define RECORD(name_, doc_)                                                                        \
    {.name = #name_, .doc = (doc_), FIELDS(name_), .bytes = sizeof(struct msg_##name_)},
#include "proto/schema/messages.def"
};

enum {
#define REQUEST(name, number, service, retry, reply, doc) INDEX_##name,
#define REPLY(name, number, doc) INDEX_##name,
#define EVENT(name, number, service, doc) INDEX_##name,
#include "proto/schema/messages.def"
};

static const struct msg_type types[] = {
#define REQUEST(name_, number, service_, retry_, reply_, doc_)                                     \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     FIELDS(name_),                                                                                \
     .id = MSG_##name_,                                                                            \
     .kind = MSG_KIND_REQUEST,                                                                     \
     .service = SERVICE_##service_,                                                                \
     .retry = RETRY_##retry_,                                                                      \
     .reply = MSG_##reply_},
#define REPLY(name_, number, doc_)                                                                 \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     FIELDS(name_),                                                                                \
     .id = MSG_##name_,                                                                            \
     .kind = MSG_KIND_REPLY,                                                                       \
     .service = SERVICE_NONE,                                                                      \
     .retry = RETRY_NEVER,                                                                         \
     .reply = MSG_NONE},
#define EVENT(name_, number, service_, doc_)                                                       \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     FIELDS(name_),                                                                                \
     .id = MSG_##name_,                                                                            \
     .kind = MSG_KIND_EVENT,                                                                       \
     .service = SERVICE_##service_,                                                                \
     .retry = RETRY_NEVER,                                                                         \
     .reply = MSG_NONE},
#include "proto/schema/messages.def"
};

#define COST_LIGHT false
#define COST_COSTLY true

static const struct msg_route routes[ARRAY_LEN(types)] = {
#define ROUTE(request, key_, cost)                                                                 \
    [INDEX_##request] = {                                                                          \
        .key = #key_, .offset = offsetof(struct msg_##request, key_), .is_costly = COST_##cost},
#define HOME(request, home_)                                                                       \
    [INDEX_##request] = {.home = #home_, .offset = offsetof(struct msg_##request, home_)},
#include "proto/schema/routes.def"
};

/* Keys and homes are read as a struct str. */
#define IS_STR(request, field)                                                                     \
    _Static_assert(_Generic(((struct msg_##request *)NULL)->field, struct str                      \
                            : true, default                                                        \
                            : false),                                                              \
                   #request "." #field);
#define ROUTE(request, key, cost) IS_STR(request, key)
#define HOME(request, home) IS_STR(request, home)
#include "proto/schema/routes.def"

/* A switch, so that a number used twice does not compile. */
const struct msg_type *msg_type_find(uint64_t number)
{
    switch (number) {
#define CASE(name, number)                                                                         \
    case (number):                                                                                 \
        return &types[INDEX_##name];
#define REQUEST(name, number, service, retry, reply, doc) CASE(name, number)
#define REPLY(name, number, doc) CASE(name, number)
#define EVENT(name, number, service, doc) CASE(name, number)
#include "proto/schema/messages.def"
#undef CASE
    default:
        return NULL;
    }
}

const struct msg_type *msg_type_next(const struct msg_type *previous)
{
    const struct msg_type *next = previous == NULL ? types : previous + 1;
    return next < types + ARRAY_LEN(types) ? next : NULL;
}

struct msg_fields msg_fields_of(const struct msg_type *type, const char *record)
{
    if (record == NULL) {
        return (struct msg_fields){.fields = type->fields, .count = type->field_count};
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const struct msg_field *field = &type->fields[i];
        if (field->type == FIELD_RECORD && strcmp(field->name, record) == 0) {
            return (struct msg_fields){.fields = field->record->fields,
                                       .count = field->record->field_count,
                                       .offset = field->offset};
        }
    }
    return (struct msg_fields){.fields = NULL};
}

const struct msg_record *msg_record_next(const struct msg_record *previous)
{
    const struct msg_record *next = previous == NULL ? records : previous + 1;
    return next < records + RECORD_COUNT ? next : NULL;
}

const struct msg_enum *msg_enum_next(const struct msg_enum *previous)
{
    const struct msg_enum *next = previous == NULL ? enums : previous + 1;
    return next < enums + ENUM_COUNT ? next : NULL;
}

bool msg_enum_has(const struct msg_enum *values, uint64_t number)
{
    for (size_t i = 0; i < values->value_count; i++) {
        if (values->values[i].number == number) {
            return true;
        }
    }
    return false;
}

const char *msg_name(enum msg_id id)
{
    const struct msg_type *type = msg_type_find(id);
    return type == NULL ? "unknown" : type->name;
}

const char *service_name(enum service_id service)
{
    switch (service) {
    case SERVICE_AUTHSVC:
        return "authsvc";
    case SERVICE_ROOMSVC:
        return "roomsvc";
    case SERVICE_JANUSBRIDGE:
        return "janusbridge";
    case SERVICE_NONE:
    case SERVICE_COUNT:
        break;
    }
    return "none";
}

/* Every member of the union starts where this one does. */
#define UNION_OFFSET offsetof(struct msg, login)

void *msg_body(struct msg *msg)
{
    return (char *)msg + UNION_OFFSET;
}

const void *msg_body_get(const struct msg *msg)
{
    return (const char *)msg + UNION_OFFSET;
}

void *msg_field_at(struct msg *msg, const struct msg_field *field)
{
    return (char *)msg_body(msg) + field->offset;
}

const struct msg_route *msg_route_get(const struct msg_type *type)
{
    return &routes[type - types];
}

struct str msg_route_key(const struct msg *msg, const struct msg_route *route)
{
    struct str key;
    memcpy(&key, (const char *)msg_body_get(msg) + route->offset, sizeof(key));
    return key;
}

struct str msg_home(const struct msg *msg)
{
    const struct msg_route *route = msg_route_get(msg_type_find(msg->id));
    return route->home != NULL ? msg_route_key(msg, route) : STR_NONE;
}

const char *msg_enum_text(const char *enum_name, uint64_t number)
{
    const struct msg_enum *e = msg_enum_next(NULL);
    while (e != NULL && strcmp(e->name, enum_name) != 0) {
        e = msg_enum_next(e);
    }
    for (size_t i = 0; e != NULL && i < e->value_count; i++) {
        if (e->values[i].number == number) {
            return e->values[i].text;
        }
    }
    return "unknown";
}
