#include "proto/schema/msg.h"

#define PRESENCE_REQUIRED true
#define PRESENCE_OPTIONAL false

/* One array of fields for each message. A row without a tag ends it: C has no empty arrays. */
#define REQUEST(name, number, service, retry, reply, doc)                                          \
    static const struct msg_field fields_##name[] = {
#define REPLY(name, number, doc) static const struct msg_field fields_##name[] = {
#define FIELD(message, tag_, name_, type_, min_, max_, presence, doc_)                             \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     .offset = offsetof(struct msg_##message, name_),                                              \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .tag = (tag_),                                                                                \
     .type = FIELD_##type_,                                                                        \
     .required = PRESENCE_##presence},
#define END(name)                                                                                  \
    {                                                                                              \
        .tag = 0                                                                                   \
    }                                                                                              \
    }                                                                                              \
    ;
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END

/* The codec keeps the tags it has seen in the bits of one word. */
#define REQUEST(name, number, service, retry, reply, doc)                                          \
    _Static_assert((number) >= 1, #name ": 0 is no message");
#define REPLY(name, number, doc) _Static_assert((number) >= 1, #name ": 0 is no message");
#define FIELD(message, tag, name, type, min, max, presence, doc)                                   \
    _Static_assert((tag) >= 1 && (tag) < MSG_TAG_LIMIT && (min) <= (max), #message "." #name);
#define END(name)
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END

enum {
#define REQUEST(name, number, service, retry, reply, doc) INDEX_##name,
#define REPLY(name, number, doc) INDEX_##name,
#define FIELD(message, tag, name, type, min, max, presence, doc)
#define END(name)
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END
};

static const struct msg_type types[] = {
#define REQUEST(name_, number, service_, retry_, reply_, doc_)                                     \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     .fields = fields_##name_,                                                                     \
     .field_count = ARRAY_LEN(fields_##name_) - 1,                                                 \
     .id = MSG_##name_,                                                                            \
     .service = SERVICE_##service_,                                                                \
     .retry = RETRY_##retry_,                                                                      \
     .reply = MSG_##reply_},
#define REPLY(name_, number, doc_)                                                                 \
    {.name = #name_,                                                                               \
     .doc = (doc_),                                                                                \
     .fields = fields_##name_,                                                                     \
     .field_count = ARRAY_LEN(fields_##name_) - 1,                                                 \
     .id = MSG_##name_,                                                                            \
     .service = SERVICE_NONE,                                                                      \
     .retry = RETRY_NEVER,                                                                         \
     .reply = MSG_NONE},
#define FIELD(message, tag, name, type, min, max, presence, doc)
#define END(name)
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END
};

#define COST_LIGHT false
#define COST_COSTLY true

static const struct msg_route routes[ARRAY_LEN(types)] = {
#define ROUTE(request, key_, cost)                                                                 \
    [INDEX_##request] = {                                                                          \
        .key = #key_, .offset = offsetof(struct msg_##request, key_), .is_costly = COST_##cost},
#include "proto/schema/routes.def"
#undef ROUTE
};

/* A key is read as a struct str. */
#define ROUTE(request, key, cost)                                                                  \
    _Static_assert(_Generic(((struct msg_##request *)NULL)->key, struct str                        \
                            : true, default                                                        \
                            : false),                                                              \
                   #request "." #key);
#include "proto/schema/routes.def"
#undef ROUTE

/* A switch, so that a number used twice does not compile. */
const struct msg_type *msg_type_find(uint64_t number)
{
    switch (number) {
#define REQUEST(name, number, service, retry, reply, doc)                                          \
    case (number):                                                                                 \
        return &types[INDEX_##name];
#define REPLY(name, number, doc)                                                                   \
    case (number):                                                                                 \
        return &types[INDEX_##name];
#define FIELD(message, tag, name, type, min, max, presence, doc)
#define END(name)
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END
    default:
        return NULL;
    }
}

const struct msg_type *msg_type_next(const struct msg_type *previous)
{
    const struct msg_type *next = previous == NULL ? types : previous + 1;
    return next < types + ARRAY_LEN(types) ? next : NULL;
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

void *msg_field_at(struct msg *msg, const struct msg_field *field)
{
    return (char *)msg + UNION_OFFSET + field->offset;
}

const void *msg_field_get(const struct msg *msg, const struct msg_field *field)
{
    return (const char *)msg + UNION_OFFSET + field->offset;
}

const struct msg_route *msg_route_get(const struct msg_type *type)
{
    return &routes[type - types];
}

struct str msg_route_key(const struct msg *msg, const struct msg_route *route)
{
    struct str key;
    memcpy(&key, (const char *)msg + UNION_OFFSET + route->offset, sizeof(key));
    return key;
}
