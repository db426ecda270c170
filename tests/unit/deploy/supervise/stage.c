#include "stage.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/strbuf.h"

int stage_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    struct stage *stage = mem_alloc(sizeof(*stage));
    stage->dir = mem_printf("%s/lynks-supervise-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(stage->dir)) {
        return -1;
    }
    stage->loop = loop_new();
    *state = stage;
    return 0;
}

int stage_teardown(void **state)
{
    struct stage *stage = *state;
    DIR *dir = opendir(stage->dir);
    const struct dirent *item;
    while (dir && (item = readdir(dir))) {
        unlinkat(dirfd(dir), item->d_name, 0); /* "." and ".." are refused */
    }
    if (dir) {
        closedir(dir);
    }
    int result = rmdir(stage->dir);
    loop_free(&stage->loop);
    mem_free(&stage->dir);
    mem_free(&stage);
    return result;
}

char *stage_path(const struct stage *stage, const char *name)
{
    return mem_printf("%s/%s", stage->dir, name);
}

static char *table_text(const struct stage *stage, const char *text)
{
    struct strbuf whole = {0};
    strbuf_add(&whole, STR_LIT("{"));
    for (; *text; text++) {
        if (*text == '@') {
            strbuf_add_z(&whole, stage->dir);
        } else {
            strbuf_add(&whole, *text == '`' ? STR_LIT("\"") : (struct str){text, 1});
        }
    }
    strbuf_add(&whole, STR_LIT("}"));
    char *result = str_dup(strbuf_str(&whole));
    strbuf_fini(&whole);
    return result;
}

struct table *stage_table(const struct stage *stage, const char *text)
{
    AUTO(mem_free) char *whole = table_text(stage, text);
    AUTO(mem_free) char *why = NULL;
    FILE *file = fmemopen(whole, strlen(whole), "r");
    struct table *table = table_read(file, &why);
    fclose(file);
    if (!table) {
        fprintf(stderr, "table: %s\n", why);
    }
    return table;
}

char *stage_read(const struct stage *stage, const char *name)
{
    AUTO(mem_free) char *path = stage_path(stage, name);
    FILE *file = fopen(path, "re");
    char text[8192];
    size_t bytes = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    text[bytes] = '\0';
    if (file) {
        fclose(file);
    }
    return mem_strdup(text);
}

bool stage_exists(const struct stage *stage, const char *name)
{
    AUTO(mem_free) char *path = stage_path(stage, name);
    return access(path, F_OK) == 0;
}

uint16_t stage_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = bind(fd, (const struct sockaddr *)&address, bytes) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &bytes) == 0;
    close(fd);
    return ok ? ntohs(address.sin_port) : 0;
}

bool stage_is_gone(pid_t pid)
{
    AUTO(mem_free) char *path = mem_printf("/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    char state = 'Z';
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
        state = 'Z';
    }
    if (file) {
        fclose(file);
    }
    return state == 'Z';
}
