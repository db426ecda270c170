/* The messages of the bus as C structs, generated from messages.def. */
#ifndef LYNKS_PROTO_SCHEMA_MSG_H
#define LYNKS_PROTO_SCHEMA_MSG_H

#include "proto/base/base.h"

#define ROOM_ID_MAX 9007199254740991 /* 2^53 - 1: what a browser's JSON keeps exact */
#define PUBLISHERS_MAX 1000
#define MEDIA_BITRATE_MIN 64000 /* Janus asks for no less */
#define MEDIA_BITRATE_MAX 100000000
#define FOLLOW_ROOMS_MAX 512
#define ROOM_SECRET_BYTES 32 /* hex digits */
#define JANUS_PIN_BYTES 64
#define ROOMS_PAGE 500
#define SESSIONS_PAGE 100
#define USERS_PAGE 100
#define AUDIT_PAGE 50
#define MANAGED_ROOMS_PAGE 100
#define MEMBERS_PAGE 100
#define PARTICIPANTS_MAX 1000
#define ROOM_CODE_LETTERS 10
#define ROOM_ACTIONS_MAX 32
#define PARTICIPANT_ID_MAX ROOM_ID_MAX
#define PARTICIPANTS_PAGE 100
#define PARTICIPANTS_NAMED_MAX 8
#define WAITING_MAX 50 /* before a room */
#define INVITATIONS_PAGE 100
#define BANS_PAGE 100
#define STREAM_KEYS_PAGE 100
#define MESSAGES_PAGE 25 /* of the chat; as many fit into a frame */
#define MESSAGE_BYTES_MAX 4096
#define STATE_PARTICIPANTS 200 /* of one page of room_state */
#define JOURNAL_PAGE 64        /* events */
#define JOURNAL_HEADS 512
#define PRESENCE_CHANGES 2048
#define NEWS_USERS 1000
#define RTC_SDP_BYTES 65536
#define RTC_MID_BYTES 32
#define RTC_TRACKS_MAX 8   /* of one that publishes */
#define RTC_WISHES_MAX 80  /* of one that watches: more do not fit into RTC_SDP_BYTES */
#define RTC_STREAMS_MAX 80 /* parts of its SDP */
#define RTC_PAGE 8
#define RTC_DUE_PAGE 200
#define STATS_GATEWAYS 64
#define STATS_NODES 64
#define SESSION_ID_BYTES 16 /* the first of the token's hash */

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

enum field_type {
    FIELD_U64,
    FIELD_BOOL,
    FIELD_STR,
    FIELD_BIN,
    FIELD_U64_LIST,
    FIELD_ENUM,
    FIELD_RECORD,
    FIELD_RECORDS
};

/* enum role { ROLE_MEMBER = 1, ... }; */
#define ENUM(name, doc) enum name {
#define VALUE(enum_, constant, number, text, doc) constant = (number),
#define END_ENUM(name)                                                                             \
    }                                                                                              \
    ;
#include "proto/schema/messages.def"

/* struct msg_node_room_list: a list of records; items are borrowed. */
#define RECORD(name, doc)                                                                          \
    struct msg_##name;                                                                             \
    struct msg_##name##_list {                                                                     \
        const struct msg_##name *items;                                                            \
        size_t count;                                                                              \
    };
#include "proto/schema/messages.def"

#define MSG_TYPE_U64 uint64_t
#define MSG_TYPE_BOOL bool
#define MSG_TYPE_STR struct str
#define MSG_TYPE_BIN struct str
#define MSG_TYPE_U64_LIST struct u64_list
#define MSG_TYPE_OF_ENUM(of) enum of
#define MSG_TYPE_OF_RECORD(of) struct msg_##of
#define MSG_TYPE_OF_RECORDS(of) struct msg_##of##_list

#define MSG_FLAG_REQUIRED(name)
#define MSG_FLAG_IMPLICIT(name)
#define MSG_FLAG_OPTIONAL(name) bool has_##name;

/* MSG_login = 1, ... */
enum msg_id {
    MSG_NONE = 0,
#define REQUEST(name, number, service, retry, reply, doc) MSG_##name = (number),
#define REPLY(name, number, doc) MSG_##name = (number),
#define EVENT(name, number, service, doc) MSG_##name = (number),
#include "proto/schema/messages.def"
};

/* struct msg_login { struct str username; ... }; The same for records. */
#define RECORD(name, doc) struct msg_##name {
#define REQUEST(name, number, service, retry, reply, doc) struct msg_##name {
#define REPLY(name, number, doc) struct msg_##name {
#define EVENT(name, number, service, doc) struct msg_##name {
#define FIELD(owner, tag, name, type, min, max, presence, doc)                                     \
    MSG_TYPE_##type name;                                                                          \
    MSG_FLAG_##presence(name)
#define FIELD_OF(owner, tag, name, type, of, max, presence, doc)                                   \
    MSG_TYPE_OF_##type(of) name;                                                                   \
    MSG_FLAG_##presence(name)
#define END_RECORD(name)                                                                           \
    }                                                                                              \
    ;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#include "proto/schema/messages.def"

/* A message of any kind: msg.id says which member counts. Strings and lists are borrowed from the
 * frame and arena it was decoded from, or from whoever filled it in. */
struct msg {
    enum msg_id id;
    union {
#define REQUEST(name, number, service, retry, reply, doc) struct msg_##name name;
#define REPLY(name, number, doc) struct msg_##name name;
#define EVENT(name, number, service, doc) struct msg_##name name;
#include "proto/schema/messages.def"
    };
};

/* The table, for code that works on any message. */
#define MSG_TAG_LIMIT 64 /* tags are below it */

struct msg_value {
    uint32_t number;
    const char *text;
    const char *doc;
};

struct msg_enum {
    const char *name;
    const char *doc;
    const struct msg_value *values;
    size_t value_count;
};

enum msg_presence { MSG_REQUIRED, MSG_OPTIONAL, MSG_IMPLICIT };

struct msg_record;

struct msg_field {
    const char *name;
    const char *doc;
    size_t offset; /* in struct msg_<name>, which starts where the union starts */
    size_t flag;   /* MSG_OPTIONAL: the offset of has_<name> there */
    uint64_t min;
    uint64_t max;
    uint32_t tag;
    enum field_type type;
    enum msg_presence presence;
    bool required;                   /* presence is MSG_REQUIRED */
    const struct msg_enum *values;   /* of an FIELD_ENUM */
    const struct msg_record *record; /* of FIELD_RECORD and FIELD_RECORDS */
};

struct msg_record {
    const char *name;
    const char *doc;
    const struct msg_field *fields;
    size_t field_count;
    size_t bytes; /* of the struct */
};

enum msg_kind { MSG_KIND_REQUEST, MSG_KIND_REPLY, MSG_KIND_EVENT };

struct msg_type {
    const char *name;
    const char *doc;
    const struct msg_field *fields;
    size_t field_count;
    enum msg_id id;
    enum msg_kind kind;
    enum service_id service; /* who serves or publishes it; SERVICE_NONE for a reply */
    enum retry_class retry;
    enum msg_id reply; /* MSG_NONE but for a request */
};

/* How a request is spread over replicas, from routes.def. */
struct msg_route {
    const char *key;  /* the field's name; NULL: by load */
    const char *home; /* likewise; NULL: any replica will do */
    size_t offset;    /* of the key or home, a struct str, as in struct msg_field */
    bool is_costly;
};

const struct msg_type *msg_type_find(uint64_t number);                 /* NULL if there is none */
const struct msg_type *msg_type_next(const struct msg_type *previous); /* NULL starts, NULL ends */
const struct msg_record *msg_record_next(const struct msg_record *previous); /* likewise */
const struct msg_enum *msg_enum_next(const struct msg_enum *previous);       /* likewise */
bool msg_enum_has(const struct msg_enum *values, uint64_t number);
/* What a value of this enum is called outside of C; "unknown" if there is none. Static. */
const char *msg_enum_text(const char *enum_name, uint64_t number);

/* The fields of a message, or, if record is not NULL, of the record in its field of that name. */
struct msg_fields {
    const struct msg_field *fields; /* NULL: there is no such record */
    size_t count;
    size_t offset; /* of their struct, in that of the message */
};
struct msg_fields msg_fields_of(const struct msg_type *type, const char *record);

/* Where msg has its fields: the struct that their offsets count from. */
void *msg_body(struct msg *msg);
const void *msg_body_get(const struct msg *msg);
/* A field's place in msg, whose kind must be the field's: uint64_t, bool, struct str, struct
 * u64_list, the enum, the record, or its list. */
void *msg_field_at(struct msg *msg, const struct msg_field *field);
const struct msg_route *msg_route_get(const struct msg_type *type);
struct str msg_route_key(const struct msg *msg, const struct msg_route *route); /* one with a key */
/* Where msg, a request, belongs; empty: any replica will do. */
struct str msg_home(const struct msg *msg);
const char *msg_name(enum msg_id id);              /* "unknown" if there is none; static */
const char *service_name(enum service_id service); /* "authsvc", ...; static */

#endif
