#include "proto/unicode/label.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "proto/base/text.h"

/* On one character; no language has more, and the stacks of Tibetan have as many. */
#define MARKS_MAX 8

static bool has_pile_of_marks(const char *text)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    utf8proc_int32_t code;
    utf8proc_ssize_t bytes;
    unsigned marks = 0;
    while ((bytes = utf8proc_iterate(at, -1, &code)) > 0 && code != 0) {
        const utf8proc_category_t category = utf8proc_category(code);
        const bool is_mark = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
        marks = is_mark ? marks + 1 : 0;
        if (marks > MARKS_MAX) {
            return true;
        }
        at += bytes;
    }
    return false;
}

bool label_make(struct str text, char ret_label[LABEL_BYTES])
{
    /* Before it is worked on, so that the work is bounded. */
    if (text_characters(text) > LABEL_CHARACTERS_MAX || !text_is_label(text)) {
        return false;
    }
    utf8proc_uint8_t *composed = NULL;
    const utf8proc_ssize_t bytes =
        utf8proc_map((const utf8proc_uint8_t *)text.data, (utf8proc_ssize_t)text.bytes, &composed,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const struct str label = {.data = (const char *)composed,
                              .bytes = bytes > 0 ? (size_t)bytes : 0};
    const bool is_good = label.bytes > 0 && text_characters(label) <= LABEL_CHARACTERS_MAX &&
                         !has_pile_of_marks(label.data) && str_copy(ret_label, LABEL_BYTES, label);
    free(composed);
    return is_good;
}

char *label_fold(const char *label)
{
    return (char *)utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)label);
}
