/* The document in the tree is what the rules say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "roomsvc/rules/room_rules.h"
#include "roomsvc/rules/rules_doc.h"
#include "tests/support/c/document.h"
#include "tests/unit/roomsvc/room_actions.h"

/* When this fails: build/dev/bin/lynks-permissions > roomsvc/PERMISSIONS.md */
static void the_permissions_in_the_tree_are_current(void **state)
{
    (void)state;
    AUTO(mem_free) char *generated = document_written_by(rules_doc_write);
    AUTO(mem_free) char *committed = document_read(LYNKS_SOURCE_DIR "/roomsvc/PERMISSIONS.md");
    assert_string_equal(generated, committed);
}

/* Who reads a row learns what room_may says. */
static void each_action_has_its_row(void **state)
{
    (void)state;
    AUTO(mem_free) char *document = document_written_by(rules_doc_write);
    const struct msg_enum *actions = all_room_actions();
    for (size_t i = 0; i < actions->value_count; i++) {
        const struct msg_value *action = &actions->values[i];
        AUTO(mem_free) char *start = mem_printf("\n| `%s` |", action->text);
        const char *at = strstr(document, start);
        assert_non_null(at);
        at += strlen(start);
        for (enum room_role role = ROOM_VIEWER; role <= ROOM_OWNER; role++) {
            const struct room_standing standing = {.is_known = true, .role = role};
            const bool may = room_may_at_all(&standing, (enum room_action)action->number) == ERR_OK;
            assert_int_equal(strncmp(at, " yes |", 6) == 0, may);
            at = strchr(at, '|') + 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_permissions_in_the_tree_are_current),
        cmocka_unit_test(each_action_has_its_row),
    };
    return cmocka_run_group_tests_name("rules_doc", tests, NULL, NULL);
}
