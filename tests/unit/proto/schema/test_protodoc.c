/* The document in the tree is what the tables say, and the dictionary is one that libFuzzer reads.
 */
#include "proto/schema/protodoc.h"

#include "proto/schema/msg.h"
#include "tests/support/c/document.h"

#include <ctype.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* When this fails: build/dev/bin/lynks-protodoc > proto/PROTOCOL.md */
static void the_document_in_the_tree_is_current(void **state)
{
    (void)state;
    AUTO(mem_free) char *generated = document_written_by(protodoc_write_document);
    AUTO(mem_free) char *committed = document_read(LYNKS_SOURCE_DIR "/proto/PROTOCOL.md");
    assert_string_equal(generated, committed);
}

static void the_document_has_every_message_and_field(void **state)
{
    (void)state;
    AUTO(mem_free) char *document = document_written_by(protodoc_write_document);
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        AUTO(mem_free) char *heading = mem_printf("\n### %d %s\n", (int)type->id, type->name);
        const char *section = strstr(document, heading);
        assert_non_null(section);
        for (size_t i = 0; i < type->field_count; i++) {
            AUTO(mem_free)
            char *row = mem_printf("\n| %u | %s |", type->fields[i].tag, type->fields[i].name);
            assert_non_null(strstr(section, row));
        }
    }
}

/* "\x01\xff", nothing else: https://llvm.org/docs/LibFuzzer.html#dictionaries */
static bool is_entry(const char *line, size_t bytes)
{
    if (bytes < 6 || line[0] != '"' || line[bytes - 1] != '"' || (bytes - 2) % 4 != 0) {
        return false;
    }
    for (const char *at = line + 1; at < line + bytes - 1; at += 4) {
        if (at[0] != '\\' || at[1] != 'x' || !isxdigit(at[2]) || !isxdigit(at[3])) {
            return false;
        }
    }
    return true;
}

static void every_line_of_the_dictionary_is_an_entry(void **state)
{
    (void)state;
    AUTO(mem_free) char *dictionary = document_written_by(protodoc_write_dictionary);
    size_t entries = 0;
    for (const char *line = dictionary; *line != '\0';) {
        const size_t bytes = strcspn(line, "\n");
        if (line[0] != '#') {
            assert_true(is_entry(line, bytes));
            entries++;
        }
        line += bytes + 1;
    }
    assert_in_range(entries, 50, 10000);
}

static void the_dictionary_has_the_bounds(void **state)
{
    (void)state;
    AUTO(mem_free) char *dictionary = document_written_by(protodoc_write_dictionary);
    assert_non_null(strstr(dictionary, "# login.password\n\"\\x02\"\n\"\\xd9\\x01\"\n"
                                       "\"\\xda\\x04\\x00\"\n"));
    assert_non_null(strstr(dictionary, "# login.token_hash\n\"\\x03\"\n\"\\xc4\\x20\"\n"));
    assert_non_null(strstr(dictionary, "\"\\xcf\\x00\\x1f\\xff\\xff\\xff\\xff\\xff\\xff\"\n"));
    assert_non_null(strstr(dictionary, "# bridge_exists_reply.exists\n\"\\x01\"\n\"\\xc2\"\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_in_the_tree_is_current),
        cmocka_unit_test(the_document_has_every_message_and_field),
        cmocka_unit_test(every_line_of_the_dictionary_is_an_entry),
        cmocka_unit_test(the_dictionary_has_the_bounds),
    };
    return cmocka_run_group_tests_name("protodoc", tests, NULL, NULL);
}
