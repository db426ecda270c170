#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/http/http_target.h"

static bool is_part(struct str part, const char *text)
{
    return text == NULL ? part.data == NULL : part.data != NULL && str_eq(part, str_of(text));
}

static void test_targets(void **state)
{
    static const struct {
        const char *target, *authority, *path, *query;
    } rows[] = {
        {"/", NULL, "/", NULL},
        {"/a/b?c=d?e", NULL, "/a/b", "c=d?e"},
        {"/a?", NULL, "/a", ""},
        {"*", NULL, "*", NULL},
        {"x:80", NULL, "x:80", NULL},
        {"//x/y", NULL, "//x/y", NULL},
        {"/http://x/", NULL, "/http://x/", NULL},
        {"ftp://x/y", NULL, "ftp://x/y", NULL},
        {"http:/x", NULL, "http:/x", NULL},
        {"http://x/y", "x", "/y", NULL},
        {"HTTPS://x:8/y/z?q=/", "x:8", "/y/z", "q=/"},
        {"http://[::1]:80", "[::1]:80", "/", NULL},
        {"http://x?q", "x", "/", "q"},
        {"http://x//y", "x", "//y", NULL},
    };
    struct http_target parts;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!http_target_read(str_of(rows[i].target), &parts) ||
            !is_part(parts.authority, rows[i].authority) || !is_part(parts.path, rows[i].path) ||
            !is_part(parts.query, rows[i].query)) {
            fail_msg("%s", rows[i].target);
        }
    }
}

static void test_broken(void **state)
{
    static const char *const targets[] = {"http://", "http:///x", "https://?q", "http://u@x/",
                                          "http://a b/"};
    struct http_target parts;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        if (http_target_read(str_of(targets[i]), &parts)) {
            fail_msg("%s", targets[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
