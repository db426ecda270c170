#include "proto/db/db_field.h"

/* Both kinds of blob: a length, then data, up to the end of the member. */
#define BLOB_DATA offsetof(struct db_blob, data)
_Static_assert(offsetof(struct db_large_blob, data) == BLOB_DATA &&
                   sizeof(struct db_blob) == BLOB_DATA + DB_BLOB_BYTES &&
                   sizeof(struct db_large_blob) == BLOB_DATA + DB_LARGE_BLOB_BYTES,
               "what is read and written here is all that there is of a blob");

static struct str blob_of(const char *member)
{
    struct str blob = {.data = member + BLOB_DATA};
    memcpy(&blob.bytes, member, sizeof(blob.bytes));
    return blob;
}

static struct db_value value_of(const struct db_field *field, const void *member)
{
    const struct str bytes = {.data = member, .bytes = field->bytes};
    struct str s;
    uint64_t u;
    switch (field->type) {
    case DB_FIELD_U64:
        memcpy(&u, member, sizeof(u));
        return DB_V_U64(u);
    case DB_FIELD_TEXT:
        return DB_V_STR(str_of(member));
    case DB_FIELD_BYTES:
        return DB_V_BIN(bytes);
    case DB_FIELD_BLOB:
        return DB_V_BIN(blob_of(member));
    case DB_FIELD_STR:
        memcpy(&s, member, sizeof(s));
        return DB_V_STR(s);
    case DB_FIELD_END:
        break;
    }
    return DB_V_NULL;
}

static bool is_null(const struct db_field *field, const char *record)
{
    return field->has != 0 && !*(const bool *)(record + field->has - 1);
}

size_t db_fields_read(const struct db_field fields[DB_FIELDS_MAX], const void *record,
                      struct db_value values[DB_VALUES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < DB_FIELDS_MAX && fields[i].type != DB_FIELD_END; i++) {
        const struct db_field *field = &fields[i];
        const char *member = (const char *)record + field->offset;
        const size_t step = field->type == DB_FIELD_U64 ? sizeof(uint64_t) : field->bytes;
        for (size_t at = 0; at < field->bytes; at += step) {
            mem_expect_room(count, DB_VALUES_MAX);
            values[count++] = is_null(field, record) ? DB_V_NULL : value_of(field, member + at);
        }
    }
    return count;
}

static bool write_blob(const struct db_field *field, char *member, const struct db_value *column)
{
    const size_t bytes = column->s.bytes;
    if (column->type != DB_BYTES || bytes > field->bytes - BLOB_DATA) {
        return false;
    }
    memcpy(member, &bytes, sizeof(bytes));
    memcpy(member + BLOB_DATA, column->s.data, bytes);
    return true;
}

static bool write_column(const struct db_field *field, char *record, const struct db_value *column)
{
    char *member = record + field->offset;
    if (field->has != 0) {
        *(bool *)(record + field->has - 1) = column->type != DB_NULL;
    }
    if (column->type == DB_NULL) {
        return field->has != 0;
    }
    switch (field->type) {
    case DB_FIELD_U64:
        memcpy(member, &column->u, sizeof(column->u));
        return column->type == DB_U64;
    case DB_FIELD_TEXT:
        return column->type == DB_BYTES && str_copy(member, field->bytes, column->s);
    case DB_FIELD_BYTES:
        if (column->type != DB_BYTES || column->s.bytes != field->bytes) {
            return false;
        }
        memcpy(member, column->s.data, field->bytes);
        return true;
    case DB_FIELD_BLOB:
        return write_blob(field, member, column);
    case DB_FIELD_STR:
    case DB_FIELD_END:
        break;
    }
    return false;
}

bool db_fields_write(const struct db_field fields[DB_FIELDS_MAX], void *record,
                     const struct db_value *columns, size_t count)
{
    size_t i = 0;
    for (; i < count && i < DB_FIELDS_MAX && fields[i].type != DB_FIELD_END; i++) {
        if (!write_column(&fields[i], record, &columns[i])) {
            return false;
        }
    }
    return i == count && (i == DB_FIELDS_MAX || fields[i].type == DB_FIELD_END);
}
