/* The messages of the bus as C structs, generated from messages.def. */
#ifndef LYNKS_PROTO_SCHEMA_MSG_H
#define LYNKS_PROTO_SCHEMA_MSG_H

#include "proto/base/base.h"

#define ROOM_ID_MAX 9007199254740991 /* 2^53 - 1: what a browser's JSON keeps exact */
#define PUBLISHERS_MAX 1000
#define ROOM_SECRET_BYTES 32 /* hex digits */
#define ROOMS_PAGE 500
#define ROOMS_PAGE_SECRETS_BYTES (ROOMS_PAGE * ROOM_SECRET_BYTES)

struct u64_list {
    const uint64_t *items; /* borrowed */
    size_t count;
};

enum service_id {
    SERVICE_NONE,
    SERVICE_AUTHSVC,
    SERVICE_ROOMSVC,
    SERVICE_JANUSBRIDGE,
    SERVICE_COUNT
};

enum retry_class { RETRY_NEVER, RETRY_SAFE, RETRY_KEYED };

enum field_type { FIELD_U64, FIELD_BOOL, FIELD_STR, FIELD_BIN, FIELD_U64_LIST };

#define MSG_TYPE_U64 uint64_t
#define MSG_TYPE_BOOL bool
#define MSG_TYPE_STR struct str
#define MSG_TYPE_BIN struct str
#define MSG_TYPE_U64_LIST struct u64_list

/* MSG_login = 1, ... */
enum msg_id {
    MSG_NONE = 0,
#define REQUEST(name, number, service, retry, reply, doc) MSG_##name = (number),
#define REPLY(name, number, doc) MSG_##name = (number),
#define FIELD(message, tag, name, type, min, max, presence, doc)
#define END(name)
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END
};

/* struct login { struct str username; ... }; A message without a field has no struct. */
#define REQUEST(name, number, service, retry, reply, doc) struct msg_##name {
#define REPLY(name, number, doc) struct msg_##name {
#define FIELD(message, tag, name, type, min, max, presence, doc) MSG_TYPE_##type name;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END

/* A message of any kind: msg.id says which member counts. Strings and lists are borrowed from the
 * frame and arena it was decoded from, or from whoever filled it in. */
struct msg {
    enum msg_id id;
    union {
#define REQUEST(name, number, service, retry, reply, doc) struct msg_##name name;
#define REPLY(name, number, doc) struct msg_##name name;
#define FIELD(message, tag, name, type, min, max, presence, doc)
#define END(name)
#include "proto/schema/messages.def"
#undef REQUEST
#undef REPLY
#undef FIELD
#undef END
    };
};

/* The table, for code that works on any message. */
#define MSG_TAG_LIMIT 64 /* tags are below it */

struct msg_field {
    const char *name;
    const char *doc;
    size_t offset; /* in struct msg_<name>, which starts where the union starts */
    uint64_t min;
    uint64_t max;
    uint32_t tag;
    enum field_type type;
    bool required;
};

struct msg_type {
    const char *name;
    const char *doc;
    const struct msg_field *fields;
    size_t field_count;
    enum msg_id id;
    enum service_id service; /* SERVICE_NONE for a reply */
    enum retry_class retry;
    enum msg_id reply; /* MSG_NONE for a reply */
};

/* How a request is spread over replicas, from routes.def. */
struct msg_route {
    const char *key; /* the field's name; NULL: by load */
    size_t offset;   /* of the key, a struct str, as in struct msg_field */
    bool is_costly;
};

const struct msg_type *msg_type_find(uint64_t number);                 /* NULL if there is none */
const struct msg_type *msg_type_next(const struct msg_type *previous); /* NULL starts, NULL ends */
/* A field's place in msg, whose kind must be the field's: uint64_t, bool, struct str or struct
 * u64_list. */
void *msg_field_at(struct msg *msg, const struct msg_field *field);
const void *msg_field_get(const struct msg *msg, const struct msg_field *field);
const struct msg_route *msg_route_get(const struct msg_type *type);
struct str msg_route_key(const struct msg *msg, const struct msg_route *route); /* one with a key */
const char *msg_name(enum msg_id id);              /* "unknown" if there is none; static */
const char *service_name(enum service_id service); /* "authsvc", ...; static */

#endif
