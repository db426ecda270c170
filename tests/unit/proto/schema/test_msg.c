/* The schema table itself: what the compiler cannot check about it. */
#include "proto/schema/msg.h"

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
        if (type->service == SERVICE_NONE) {
            assert_int_equal(type->reply, MSG_NONE);
            /* What is published answers nobody. */
            assert_int_equal(requests, type->id == MSG_bridge_event ? 0 : 1);
        } else {
            assert_int_equal(msg_type_find(type->reply)->service, SERVICE_NONE);
            assert_int_equal(requests, 0);
        }
    }
}

static void tags_and_field_names_are_unique(void **state)
{
    (void)state;
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        for (size_t i = 0; i < type->field_count; i++) {
            for (size_t j = 0; j < i; j++) {
                assert_int_not_equal(type->fields[i].tag, type->fields[j].tag);
                assert_string_not_equal(type->fields[i].name, type->fields[j].name);
            }
        }
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
    assert_int_equal(type->field_count, 4);
    assert_int_equal(*(const uint64_t *)msg_field_get(&msg, &type->fields[0]), 11);
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
        cmocka_unit_test(every_keyed_request_carries_a_key),
        cmocka_unit_test(fields_lie_where_the_struct_has_them),
        cmocka_unit_test(services_have_names),
    };
    return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
