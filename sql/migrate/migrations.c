#include "sql/migrate/migrations.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#define NUMBER_DIGITS 3
#define SUFFIX ".sql"
#define NAME_BYTES_MAX 100

static bool is_migration_name(const char *name)
{
    size_t bytes = strlen(name);
    if (bytes <= NUMBER_DIGITS + 1 + strlen(SUFFIX) || bytes > NAME_BYTES_MAX ||
        name[NUMBER_DIGITS] != '_' || strcmp(name + bytes - strlen(SUFFIX), SUFFIX) != 0) {
        return false;
    }
    for (size_t i = 0; i < NUMBER_DIGITS; i++) {
        if (!isdigit((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

static int wants_entry(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, SUFFIX) == 0;
}

static char *load_one(const char *folder, const char *file, struct migrations *ret)
{
    if (!is_migration_name(file)) {
        return mem_printf("%s/%s: not named NNN_name.sql", folder, file);
    }
    unsigned long version = strtoul(file, NULL, 10);
    if (version != ret->count + 1) {
        return mem_printf("%s/%s: expected number %03zu", folder, file, ret->count + 1);
    }
    AUTO(mem_free) char *path = mem_printf("%s/%s", folder, file);
    struct statements statements;
    const char *why = statements_read(path, &statements);
    if (why != NULL) {
        return mem_printf("%s: %s", path, why);
    }
    ret->items = mem_realloc_array(ret->items, ret->count + 1, sizeof(*ret->items));
    ret->items[ret->count++] = (struct migration){
        .version = (unsigned)version,
        .name = str_dup((struct str){.data = file, .bytes = strlen(file) - strlen(SUFFIX)}),
        .statements = statements,
    };
    return NULL;
}

char *migrations_load(const char *folder, struct migrations *ret)
{
    *ret = (struct migrations){0};
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, wants_entry, alphasort);
    if (count < 0) {
        return mem_printf("%s: %s", folder, strerror(errno));
    }
    char *why = count > 0 ? NULL : mem_printf("%s: no migration there", folder);
    for (int i = 0; i < count; i++) {
        if (why == NULL) {
            why = load_one(folder, entries[i]->d_name, ret);
        }
        free(entries[i]);
    }
    free(entries);
    if (why != NULL) {
        migrations_fini(ret);
    }
    return why;
}

void migrations_fini(struct migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++) {
        free(migrations->items[i].name);
        statements_fini(&migrations->items[i].statements);
    }
    free(migrations->items);
    *migrations = (struct migrations){0};
}
