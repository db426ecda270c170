/* Which files there are of a folder, and which paths name them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "gateway/http/files.h"
#include "tests/unit/gateway/http/web_folder.h"

static int setup(void **state)
{
    static struct web_folder folder;
    web_folder_init(&folder);
    *state = &folder;
    return 0;
}

static int teardown(void **state)
{
    web_folder_fini(*state);
    return 0;
}

static struct files *read_well(const struct web_folder *folder)
{
    char *why = NULL;
    struct files *files = files_new(folder->root, &why);
    assert_null(why);
    assert_non_null(files);
    return files;
}

static void assert_refused(const struct web_folder *folder, const char *wanted)
{
    AUTO(mem_free) char *why = NULL;
    assert_null(files_new(folder->root, &why));
    assert_non_null(why);
    if (strstr(why, wanted) == NULL) {
        fail_msg("%s, not %s", why, wanted);
    }
}

static const struct file *find(const struct files *files, const char *path)
{
    struct request request = {.path = path};
    (void)request_split(&request);
    return files_find(files, &request);
}

static void test_types(void **state)
{
    static const struct {
        const char *path, *content_type;
        bool has_hash;
    } rows[] = {
        {"/assets/app-1.js", "text/javascript; charset=utf-8", true},
        {"/assets/app-1.css", "text/css; charset=utf-8", true},
        {"/assets/de-1.json", "application/json", true},
        {"/manifest.webmanifest", "application/manifest+json", false},
        {"/icon.svg", "image/svg+xml", false},
        {"/icon-512.png", "image/png", false},
        {"/index.html", "text/html; charset=utf-8", false},
        {"/a/b/c/d.txt", "text/plain; charset=utf-8", false},
    };
    const struct web_folder *folder = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        web_folder_write(folder, rows[i].path + 1, str_of(rows[i].path));
    }
    AUTO(files_free) struct files *files = read_well(folder);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct file *file = find(files, rows[i].path);
        assert_non_null(file);
        assert_string_equal(file->content_type, rows[i].content_type);
        assert_int_equal(file->has_hash, rows[i].has_hash);
        assert_int_equal(file->plain.bytes, strlen(rows[i].path));
        assert_memory_equal(file->plain.data, rows[i].path, file->plain.bytes);
        assert_null(file->gzip.data);
    }
}

static void test_compressed_forms(void **state)
{
    const struct web_folder *folder = *state;
    web_folder_write(folder, "assets/app-1.js", STR_LIT("plain"));
    web_folder_write(folder, "assets/app-1.js.gz", STR_LIT("packed"));
    web_folder_write(folder, "index.html.gz", STR_LIT("packed page"));
    AUTO(files_free) struct files *files = read_well(folder);
    const struct file *file = find(files, "/assets/app-1.js");
    assert_memory_equal(file->plain.data, "plain", 5);
    assert_int_equal(file->gzip.bytes, 6);
    assert_memory_equal(file->gzip.data, "packed", 6);
    assert_string_not_equal(file->plain.etag, file->gzip.etag);
    assert_null(find(files, "/assets/app-1.js.gz"));
    assert_memory_equal(find(files, "/")->gzip.data, "packed page", 11);
}

static void test_pages(void **state)
{
    static const char *const pages[] = {
        "/",        "/test",         "/profile",    "/admin",       "/admin/users",
        "/rooms/5", "/abc-defg-hij", "/abcdefghij", "/-abcdefghij", "/rooms/abc-defg-hij",
    };
    static const char *const others[] = {
        "",
        "*",
        "//",
        "/nothing",
        "/test/",
        "/Test",
        "/admin/",
        "/admin/users/5",
        "/admin/..",
        "/rooms",
        "/rooms/",
        "/rooms/..",
        "/rooms/%2e%2e",
        "/rooms/a/b",
        "/ABC-DEFG-HIJ",
        "/abc-defg-hi",
        "/abc-defg-hijk",
        "/abc-defg-h1j",
        "/abc-defg-hij/",
        "/----------a----------bcdefghij",
        "/v1/rooms",
        "/index",
        "/%69ndex.html",
        "/assets",
        "/assets/",
        "/assets/..",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/./index.html",
        "/index.html/",
        "/../index.html",
        "/..%2findex.html",
        "index.html",
        "/a/b/c/d/e/f/g/h/i/j",
    };
    const struct web_folder *folder = *state;
    web_folder_write(folder, "assets/app-1.js", STR_LIT("1"));
    AUTO(files_free) struct files *files = read_well(folder);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        const struct file *file = find(files, pages[i]);
        assert_non_null(file);
        assert_string_equal(file->path, "/index.html");
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (find(files, others[i]) != NULL) {
            fail_msg("%s", others[i]);
        }
    }
    assert_null(find(NULL, "/"));
}

static void test_what_is_not_served(void **state)
{
    const struct web_folder *folder = *state;
    static const struct {
        const char *path, *why;
    } rows[] = {
        {"notes.doc", "/notes.doc: a kind"},
        {"noending", "/noending: a kind"},
        {"assets/.js", NULL}, /* hidden ones are left alone */
        {".hidden/notes.doc", NULL},
        {"two words.js", "/two words.js: a name"},
        {"a%2fb.js", "/a%2fb.js: a name"},
        {"\xc3\xa4.js", ".js: a name"},
        {"alone.js.gz", "/alone.js.gz: /alone.js is not there"},
        {"a/b/c/d/e/f.js", "/a/b/c/d/e: no file"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        web_folder_write(folder, rows[i].path, STR_LIT("x"));
        if (rows[i].why == NULL) {
            AUTO(files_free) struct files *files = read_well(folder);
            AUTO(mem_free) char *path = mem_printf("/%s", rows[i].path);
            assert_null(find(files, path));
        } else {
            assert_refused(folder, rows[i].why);
        }
        web_folder_remove(folder, rows[i].path);
    }
}

/* Nobody writes to it. */
static void test_pipe(void **state)
{
    const struct web_folder *folder = *state;
    AUTO(mem_free) char *path = mem_printf("%s/pipe.js", folder->root);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(folder, "/pipe.js: no file");
}

static void test_links(void **state)
{
    const struct web_folder *folder = *state;
    web_folder_write(folder, ".data/app.js", STR_LIT("linked"));
    web_folder_link(folder, "app.js", ".data/app.js");
    AUTO(files_free) struct files *files = read_well(folder);
    assert_memory_equal(find(files, "/app.js")->plain.data, "linked", 6);
    web_folder_link(folder, "again", ".");
    assert_refused(folder, ": no file");
    web_folder_remove(folder, "again");
    web_folder_link(folder, "gone.js", "nothing");
    assert_refused(folder, "/gone.js: No such file");
}

static void test_no_folder(void **state)
{
    const struct web_folder *folder = *state;
    struct web_folder other;
    (void)snprintf(other.root, sizeof(other.root), "%.40s/index.html", folder->root);
    assert_refused(&other, "Not a directory");
    (void)snprintf(other.root, sizeof(other.root), "%.40s/nothing", folder->root);
    assert_refused(&other, "No such file");
    web_folder_remove(folder, "index.html");
    assert_refused(folder, "no index.html");
}

static void test_too_many(void **state)
{
    const struct web_folder *folder = *state;
    char path[32];
    for (unsigned i = 1; i < FILES_MAX; i++) {
        (void)snprintf(path, sizeof(path), "assets/f%u.js", i);
        web_folder_write(folder, path, STR_LIT("x"));
    }
    struct files *files = read_well(folder);
    assert_non_null(find(files, "/assets/f199.js"));
    files_free(&files);
    web_folder_write(folder, "one-more.js", STR_LIT(""));
    assert_refused(folder, "more than 200 files");
}

static void test_too_large(void **state)
{
    const struct web_folder *folder = *state;
    AUTO(mem_free) char *path = mem_printf("%s/large.js", folder->root);
    web_folder_write(folder, "large.js", STR_LIT(""));
    assert_int_equal(truncate(path, (off_t)(FILES_BYTES_MAX - strlen(WEB_FOLDER_INDEX))), 0);
    struct files *files = read_well(folder);
    files_free(&files);
    assert_int_equal(truncate(path, (off_t)(FILES_BYTES_MAX - strlen(WEB_FOLDER_INDEX) + 1)), 0);
    assert_refused(folder, "more than 16777216 bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_types),     TEST(test_compressed_forms),
        TEST(test_pages),     TEST(test_what_is_not_served),
        TEST(test_pipe),      TEST(test_links),
        TEST(test_no_folder), TEST(test_too_many),
        TEST(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
