/* Members of a struct as parameters and columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/db/db_field.h"

struct record {
    bool has_key;
    uint64_t number;
    char text[4];
    unsigned char key[3];
    uint64_t many[3];
    struct str borrowed;
};

#define FIELDS                                                                                     \
    DB_FIELD(struct record, number), DB_FIELD(struct record, text),                                \
        DB_FIELD_NULLABLE(struct record, key, has_key)

static const struct db_field fields[DB_FIELDS_MAX] = {FIELDS};

static void members_become_values(void **state)
{
    (void)state;
    static const struct db_field with_many[DB_FIELDS_MAX] = {FIELDS, DB_FIELD(struct record, many),
                                                             DB_FIELD_FIRST(struct record, many, 2),
                                                             DB_FIELD(struct record, borrowed)};
    struct record record = {.number = UINT64_MAX,
                            .text = "abc",
                            .key = {1, 0, 2},
                            .many = {7, 8, 9},
                            .borrowed = STR_LIT("lent")};
    struct db_value values[DB_VALUES_MAX];
    assert_int_equal(db_fields_read(with_many, &record, values), 9);
    assert_int_equal(values[0].type, DB_U64);
    assert_int_equal(values[0].u, UINT64_MAX);
    assert_int_equal(values[1].type, DB_BYTES);
    assert_true(str_eq(values[1].s, STR_LIT("abc")));
    assert_int_equal(values[2].type, DB_NULL);
    assert_int_equal(values[5].u, 9);
    assert_int_equal(values[7].u, 8);
    assert_int_equal(values[8].type, DB_BYTES);
    assert_ptr_equal(values[8].s.data, record.borrowed.data);
    record.has_key = true;
    assert_int_equal(db_fields_read(fields, &record, values), 3);
    assert_int_equal(values[2].type, DB_BINARY);
    assert_int_equal(values[2].s.bytes, 3);
    assert_memory_equal(values[2].s.data, record.key, 3);
}

static void as_many_as_there_may_be(void **state)
{
    (void)state;
#define N number
    static const struct db_field all[DB_FIELDS_MAX] =
        DB_FIELDS(struct record, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
                  N, N, N, N, N, N, N, N, N, text);
    struct record record = {.number = 5, .text = "end"};
    struct db_value values[DB_VALUES_MAX];
    assert_int_equal(db_fields_read(all, &record, values), DB_FIELDS_MAX);
    assert_true(str_eq(values[DB_FIELDS_MAX - 1].s, STR_LIT("end")));
    for (size_t i = 0; i + 1 < DB_FIELDS_MAX; i++) {
        values[i] = DB_V_U64(i);
    }
    assert_true(db_fields_write(all, &record, values, DB_FIELDS_MAX));
    assert_int_equal(record.number, DB_FIELDS_MAX - 2);
    assert_false(db_fields_write(all, &record, values, DB_FIELDS_MAX - 1));
}

static void columns_become_members(void **state)
{
    (void)state;
    struct record record = {.has_key = true};
    struct db_value columns[] = {DB_V_U64(3), DB_V_STR(STR_LIT("xyz")), DB_V_NULL};
    assert_true(db_fields_write(fields, &record, columns, 3));
    assert_int_equal(record.number, 3);
    assert_string_equal(record.text, "xyz");
    assert_false(record.has_key);
    columns[2] = DB_V_STR(((struct str){.data = "\1\0\2", .bytes = 3}));
    assert_true(db_fields_write(fields, &record, columns, 3));
    assert_true(record.has_key);
    assert_memory_equal(record.key, "\1\0\2", 3);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const struct db_value fit[] = {DB_V_U64(3), DB_V_STR(STR_LIT("xyz")), DB_V_STR(STR_LIT("key"))};
    static const struct wrong {
        size_t column;
        struct db_value value;
    } wrong[] = {
        {0, {.type = DB_NULL}},
        {0, {.type = DB_BYTES, .s = {.data = "3", .bytes = 1}}},
        {1, {.type = DB_NULL}},
        {1, {.type = DB_U64, .u = 3}},
        {1, {.type = DB_BYTES, .s = {.data = "long", .bytes = 4}}},
        {2, {.type = DB_U64, .u = 3}},
        {2, {.type = DB_BYTES, .s = {.data = "ke", .bytes = 2}}},
        {2, {.type = DB_BYTES, .s = {.data = "keys", .bytes = 4}}},
    };
    struct record record;
    assert_true(db_fields_write(fields, &record, fit, 3));
    assert_false(db_fields_write(fields, &record, fit, 2));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct db_value columns[4];
        memcpy(columns, fit, sizeof(fit));
        columns[wrong[i].column] = wrong[i].value;
        assert_false(db_fields_write(fields, &record, columns, 3));
    }
    const struct db_value more[] = {fit[0], fit[1], fit[2], DB_V_U64(1)};
    assert_false(db_fields_write(fields, &record, more, 4));
}

struct blobs {
    struct db_blob small;
    struct db_large_blob large;
};

static void binary_of_any_length_up_to_the_members(void **state)
{
    static const struct db_field both[DB_FIELDS_MAX] = DB_FIELDS(struct blobs, small, large);
    static char bytes[DB_LARGE_BLOB_BYTES + 1];
    static struct blobs blobs;
    struct db_value values[DB_VALUES_MAX];
    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    values[0] = DB_V_STR(((struct str){.data = bytes, .bytes = DB_BLOB_BYTES}));
    values[1] = DB_V_STR(((struct str){.data = bytes, .bytes = DB_LARGE_BLOB_BYTES}));
    assert_true(db_fields_write(both, &blobs, values, 2));
    assert_int_equal(blobs.large.bytes, DB_LARGE_BLOB_BYTES);
    assert_int_equal(blobs.large.data[DB_LARGE_BLOB_BYTES - 1], 'x');
    assert_int_equal(db_fields_read(both, &blobs, values), 2);
    assert_int_equal(values[0].s.bytes, DB_BLOB_BYTES);
    assert_int_equal(values[1].type, DB_BINARY);
    assert_memory_equal(values[1].s.data, bytes, DB_LARGE_BLOB_BYTES);
    values[0] = DB_V_STR(((struct str){.data = bytes, .bytes = DB_BLOB_BYTES + 1}));
    assert_false(db_fields_write(both, &blobs, values, 2));
    values[0] = DB_V_STR(STR_LIT("fits"));
    values[1] = DB_V_STR(((struct str){.data = bytes, .bytes = DB_LARGE_BLOB_BYTES + 1}));
    assert_false(db_fields_write(both, &blobs, values, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_become_values),
        cmocka_unit_test(as_many_as_there_may_be),
        cmocka_unit_test(columns_become_members),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(binary_of_any_length_up_to_the_members),
    };
    return cmocka_run_group_tests_name("db_field", tests, NULL, NULL);
}
