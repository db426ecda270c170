#include "tests/unit/gateway/http/web_folder.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char *path_in(const struct web_folder *folder, const char *path)
{
    return mem_printf("%s/%s", folder->root, path);
}

void web_folder_init(struct web_folder *folder)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder->root, sizeof(folder->root), "%s/web-XXXXXX",
                   tmp != NULL ? tmp : P_tmpdir);
    assert_non_null(mkdtemp(folder->root));
    web_folder_write(folder, "index.html", STR_LIT(WEB_FOLDER_INDEX));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void web_folder_fini(const struct web_folder *folder)
{
    assert_int_equal(nftw(folder->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void web_folder_make(const struct web_folder *folder, const char *path)
{
    AUTO(mem_free) char *whole = path_in(folder, path);
    for (char *at = whole + strlen(folder->root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
}

void web_folder_write(const struct web_folder *folder, const char *path, struct str bytes)
{
    AUTO(mem_free) char *whole = path_in(folder, path);
    web_folder_make(folder, path);
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.bytes, file), bytes.bytes);
    assert_int_equal(fclose(file), 0);
}

void web_folder_remove(const struct web_folder *folder, const char *path)
{
    AUTO(mem_free) char *whole = path_in(folder, path);
    assert_int_equal(unlink(whole), 0);
}

void web_folder_link(const struct web_folder *folder, const char *path, const char *to)
{
    AUTO(mem_free) char *whole = path_in(folder, path);
    assert_int_equal(symlink(to, whole), 0);
}
