/* The schema table itself: what the compiler cannot check about it. */
#include "proto/schema/msg.h"
#include "proto/schema/prescan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void every_message_is_found_by_its_number(void **state)
{
    (void)state;
    size_t count = 0;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        assert_ptr_equal(msg_type_find(type->id), type);
        assert_string_equal(msg_name(type->id), type->name);
        count++;
    }
    assert_in_range(count, 10, 1000);
}

static void an_unknown_number_finds_nothing(void **state)
{
    (void)state;
    assert_null(msg_type_find(0));
    assert_null(msg_type_find(UINT64_MAX));
    assert_null(msg_type_find((UINT64_C(1) << 32) + MSG_login)); /* not cut to 32 bits */
    assert_string_equal(msg_name(MSG_NONE), "unknown");
}

static void every_request_has_a_reply_of_its_own(void **state)
{
    (void)state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        size_t requests = 0;
        const struct msg_type *other = NULL;
        while ((other = msg_type_next(other)) != NULL) {
            requests += other->reply == type->id;
        }
        assert_int_equal(requests, type->kind == MSG_KIND_REPLY ? 1 : 0);
        assert_int_equal(type->service == SERVICE_NONE, type->kind == MSG_KIND_REPLY);
        if (type->kind == MSG_KIND_REQUEST) {
            assert_int_equal(msg_type_find(type->reply)->kind, MSG_KIND_REPLY);
        } else {
            assert_int_equal(type->reply, MSG_NONE);
            assert_int_equal(type->retry, RETRY_NEVER);
        }
    }
}

static void assert_unique(const struct msg_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(fields[i].tag, fields[j].tag);
            assert_string_not_equal(fields[i].name, fields[j].name);
        }
    }
}

static void tags_and_field_names_are_unique(void **state)
{
    (void)state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        assert_unique(type->fields, type->field_count);
    }
    const struct msg_record *record = NULL;
    while ((record = msg_record_next(record)) != NULL) {
        assert_unique(record->fields, record->field_count);
    }
}

static void values_of_an_enum_are_unique(void **state)
{
    (void)state;
    const struct msg_enum *each = NULL;
    while ((each = msg_enum_next(each)) != NULL) {
        for (size_t i = 0; i < each->value_count; i++) {
            assert_true(msg_enum_has(each, each->values[i].number));
            for (size_t j = 0; j < i; j++) {
                assert_int_not_equal(each->values[i].number, each->values[j].number);
                assert_string_not_equal(each->values[i].text, each->values[j].text);
            }
        }
        assert_false(msg_enum_has(each, 99));
        assert_false(msg_enum_has(each, (UINT64_C(1) << 32) + each->values[0].number));
    }
}

/* How deep containers lie in each other from these fields' map on, which is one itself. */
static size_t depth(const struct msg_field *fields, size_t count)
{
    size_t deepest = 0;
    for (size_t i = 0; i < count; i++) {
        const struct msg_field *field = &fields[i];
        size_t inside = field->type == FIELD_U64_LIST || field->type == FIELD_RECORDS ? 1 : 0;
        if (field->record != NULL) {
            inside += depth(field->record->fields, field->record->field_count);
        }
        deepest = inside > deepest ? inside : deepest;
    }
    return 1 + deepest;
}

/* A message that the pre-scan refuses could never be received. How many objects it has,
 * test_codec's largest messages show. */
static void no_message_is_deeper_than_a_frame_may_be(void **state)
{
    (void)state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        assert_in_range(1 + depth(type->fields, type->field_count), 2, PRESCAN_DEPTH_MAX);
    }
}

/* KEYED promises that the owner can tell a repetition. */
static void every_keyed_request_carries_a_key(void **state)
{
    (void)state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        bool has_key = false;
        for (size_t i = 0; i < type->field_count; i++) {
            const struct msg_field *field = &type->fields[i];
            has_key = has_key || (field->type == FIELD_BIN && field->required && field->min >= 16);
        }
        assert_true(type->retry != RETRY_KEYED || has_key);
    }
}

static void fields_lie_where_the_struct_has_them(void **state)
{
    (void)state;
    struct msg msg = {.id = MSG_bridge_create,
                      .bridge_create = {.room_id = 11, .publishers_max = 44}};
    const struct msg_type *type = msg_type_find(MSG_bridge_create);
    assert_int_equal(type->field_count, 6);
    assert_int_equal(*(const uint64_t *)msg_field_at(&msg, &type->fields[0]), 11);
    *(uint64_t *)msg_field_at(&msg, &type->fields[3]) = 45;
    assert_int_equal(msg.bridge_create.publishers_max, 45);
    assert_int_equal(msg_type_find(MSG_bridge_info)->field_count, 0);
}

static void services_have_names(void **state)
{
    (void)state;
    assert_string_equal(service_name(SERVICE_AUTHSVC), "authsvc");
    assert_string_equal(service_name(SERVICE_ROOMSVC), "roomsvc");
    assert_string_equal(service_name(SERVICE_JANUSBRIDGE), "janusbridge");
    assert_string_equal(service_name(SERVICE_NONE), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_found_by_its_number),
        cmocka_unit_test(an_unknown_number_finds_nothing),
        cmocka_unit_test(every_request_has_a_reply_of_its_own),
        cmocka_unit_test(tags_and_field_names_are_unique),
        cmocka_unit_test(values_of_an_enum_are_unique),
        cmocka_unit_test(no_message_is_deeper_than_a_frame_may_be),
        cmocka_unit_test(every_keyed_request_carries_a_key),
        cmocka_unit_test(fields_lie_where_the_struct_has_them),
        cmocka_unit_test(services_have_names),
    };
    return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
