/* Members of a struct as the parameters and the columns of a statement: which member, and how its C
 * type looks in SQL. Pure functions over tables. */
#ifndef LYNKS_PROTO_DB_DB_FIELD_H
#define LYNKS_PROTO_DB_DB_FIELD_H

#include "proto/db/db.h"

#define DB_FIELDS_MAX 32
#define DB_VALUES_MAX 768 /* of one statement; an array of numbers is as many values */

#define DB_BLOB_BYTES 6144
/* Binary of any length up to that. */
struct db_blob {
    size_t bytes;
    unsigned char data[DB_BLOB_BYTES];
};

/* Likewise, where more is needed. */
#define DB_LARGE_BLOB_BYTES 8192
struct db_large_blob {
    size_t bytes;
    unsigned char data[DB_LARGE_BLOB_BYTES];
};

struct db_field {
    enum {
        DB_FIELD_END,   /* the list is over */
        DB_FIELD_U64,   /* uint64_t; as a parameter also an array of them: one value for each */
        DB_FIELD_TEXT,  /* char[]: text with its NUL */
        DB_FIELD_BYTES, /* unsigned char[]: binary of exactly this length */
        DB_FIELD_BLOB,  /* struct db_blob, struct db_large_blob */
        DB_FIELD_STR,   /* struct str: text, borrowed; a parameter only */
    } type;
    uint32_t offset;
    uint32_t bytes;
    uint32_t has; /* DB_FIELD_NULLABLE: 1 + offset of the bool that is false for NULL */
};

/* The member m of the struct t; its own C type tells the rest. */
#define DB_FIELD(t, m) DB_FIELD_(t, m, sizeof(DB_MEMBER_(t, m)), 0)
/* A list of them: DB_FIELDS(struct find_room, room.id, room.secret). */
#define DB_FIELDS(t, ...)                                                                          \
    {                                                                                              \
        DB_EXPAND_(DB_EACH_(t, __VA_ARGS__))                                                       \
    }
/* A member that is NULL in the database while the bool at is_there is false. */
#define DB_FIELD_NULLABLE(t, m, is_there)                                                          \
    DB_FIELD_(t, m, sizeof(DB_MEMBER_(t, m)), 1 + offsetof(t, is_there))
/* The first count numbers of an array. */
#define DB_FIELD_FIRST(t, m, count) DB_FIELD_(t, m, (count) * sizeof(uint64_t), 0)

/* How: the type is chosen from the member's, and is not one of those, it does not compile. The list
 * calls itself through DB_AGAIN_, which each look of the preprocessor at it takes one further. */
#define DB_MEMBER_(t, m) (((t *)0)->m)
/* clang-format off */
#define DB_TYPE_(t, m)                                                                             \
    _Generic(&DB_MEMBER_(t, m),                                                                    \
        uint64_t *: DB_FIELD_U64,                                                                  \
        uint64_t (*)[(sizeof(DB_MEMBER_(t, m)) + 7) / 8]: DB_FIELD_U64,                            \
        char (*)[sizeof(DB_MEMBER_(t, m))]: DB_FIELD_TEXT,                                         \
        unsigned char (*)[sizeof(DB_MEMBER_(t, m))]: DB_FIELD_BYTES,                               \
        struct db_blob *: DB_FIELD_BLOB,                                                           \
        struct db_large_blob *: DB_FIELD_BLOB,                                                     \
        struct str *: DB_FIELD_STR)
/* clang-format on */
#define DB_FIELD_(t, m, size, is_there)                                                            \
    {                                                                                              \
        .type = DB_TYPE_(t, m), .offset = offsetof(t, m), .bytes = (uint32_t)(size),               \
        .has = (is_there)                                                                          \
    }
#define DB_EACH_(t, m, ...) DB_FIELD(t, m), __VA_OPT__(DB_AGAIN_ DB_PARENS_(t, __VA_ARGS__))
#define DB_AGAIN_() DB_EACH_
#define DB_PARENS_ ()
#define DB_EXPAND_(...) DB_EXPAND16_(DB_EXPAND16_(__VA_ARGS__))
#define DB_EXPAND16_(...) DB_EXPAND4_(DB_EXPAND4_(DB_EXPAND4_(DB_EXPAND4_(__VA_ARGS__))))
#define DB_EXPAND4_(...) DB_LOOK_(DB_LOOK_(DB_LOOK_(DB_LOOK_(__VA_ARGS__))))
#define DB_LOOK_(...) __VA_ARGS__

/* The parameters that the record has; gives how many. They borrow from it. */
size_t db_fields_read(const struct db_field fields[DB_FIELDS_MAX], const void *record,
                      struct db_value values[DB_VALUES_MAX]);

/* Puts a row's columns into the record. False: they are not what the fields say (another number of
 * them, another type, NULL where there may be none, longer than the member). */
bool db_fields_write(const struct db_field fields[DB_FIELDS_MAX], void *record,
                     const struct db_value *columns, size_t count);

#endif
