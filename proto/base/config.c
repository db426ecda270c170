#include "proto/base/config.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/exit_code.h"

#define VALUE_BYTES_MAX 8192
#define PREFIX "LYNKS_"

static size_t report_config(const struct config_option *option, const char *what)
{
    (void)fprintf(stderr, "%s %s\n", option->name, what);
    return 1;
}

/* The first line of the file; NULL (reported) if it cannot be had. */
static char *read_value_file(const struct config_option *option, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "%s_FILE: %s: %s\n", option->name, path, strerror(errno));
        return NULL;
    }
    char value[VALUE_BYTES_MAX];
    size_t bytes = fread(value, 1, sizeof(value), file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    size_t line = 0;
    while (line < bytes && value[line] != '\n' && value[line] != '\r') {
        line++;
    }
    char *copy = NULL;
    if (failed || line == sizeof(value) || memchr(value, '\0', line) != NULL) {
        (void)fprintf(stderr, "%s_FILE: %s: not a text file with one short line\n", option->name,
                      path);
    } else {
        copy = str_dup((struct str){.data = value, .bytes = line});
    }
    sodium_memzero(value, sizeof(value));
    return copy;
}

/* The option's text from the environment, its file or its default; NULL (reported) on error. */
static char *read_config_value(const struct config_option *option)
{
    char file_name[96];
    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", option->name);
    const char *value = getenv(option->name);
    const char *path = getenv(file_name);
    if (value != NULL && path != NULL) {
        report_config(option, "and its _FILE form are both set: set one");
        return NULL;
    }
    if (path != NULL) {
        return read_value_file(option, path);
    }
    if (value == NULL) {
        value = option->default_value;
    }
    if (value == NULL) {
        report_config(option, "is not set");
    }
    return mem_strdup(value);
}

static size_t store_uint(const struct config_option *option, const char *text, uint64_t *ret)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' || value < option->min ||
        value > option->max) {
        (void)fprintf(stderr, "%s must be a whole number from %" PRIu64 " to %" PRIu64 "\n",
                      option->name, option->min, option->max);
        return 1;
    }
    *ret = value;
    return 0;
}

static size_t store_bool(const struct config_option *option, const char *text, bool *ret)
{
    bool yes = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    bool no = strcmp(text, "0") == 0 || strcmp(text, "false") == 0;
    if (!yes && !no) {
        return report_config(option, "must be 0 or 1");
    }
    *ret = yes;
    return 0;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t bytes = strlen(text);
    for (const char *c = choices; c != NULL; c = strchr(c, '|')) {
        c += *c == '|';
        if (bytes > 0 && strcspn(text, "|") == bytes && strncmp(c, text, bytes) == 0 &&
            (c[bytes] == '|' || c[bytes] == '\0')) {
            return true;
        }
    }
    return false;
}

static size_t check_string(const struct config_option *option, const char *text)
{
    size_t bytes = strlen(text);
    if (option->type == CONFIG_CHOICE) {
        if (is_choice(option->choices, text)) {
            return 0;
        }
        (void)fprintf(stderr, "%s must be one of %s\n", option->name, option->choices);
        return 1;
    }
    if (bytes < option->min || bytes > option->max) {
        (void)fprintf(stderr, "%s must have %" PRIu64 " to %" PRIu64 " characters\n", option->name,
                      option->min, option->max);
        return 1;
    }
    return 0;
}

static void wipe(char *text)
{
    if (text != NULL) {
        sodium_memzero(text, strlen(text));
        free(text);
    }
}

/* Gives the number of errors. */
static size_t load_option(void *config, const struct config_option *option)
{
    void *member = (char *)config + option->offset;
    char *text = read_config_value(option);
    size_t errors = 0;
    if (text == NULL) {
        return 1;
    }
    switch (option->type) {
    case CONFIG_UINT:
        errors = store_uint(option, text, member);
        break;
    case CONFIG_BOOL:
        errors = store_bool(option, text, member);
        break;
    case CONFIG_STRING:
    case CONFIG_SECRET:
    case CONFIG_CHOICE:
        errors = check_string(option, text);
        if (errors == 0) {
            *(char **)member = STEAL(text);
        }
        break;
    }
    wipe(text);
    return errors;
}

static bool is_known(const struct config_option *table, const char *name, size_t bytes)
{
    static const char suffix[] = "_FILE";
    for (const struct config_option *option = table; option->name != NULL; option++) {
        size_t n = strlen(option->name);
        if (strncmp(option->name, name, n) == 0 &&
            (bytes == n || (bytes == n + 5 && strncmp(name + n, suffix, 5) == 0))) {
            return true;
        }
    }
    return false;
}

static size_t check_unknown(const struct config_option *table)
{
    size_t errors = 0;
    for (char **variable = environ; *variable != NULL; variable++) {
        const char *equals = strchr(*variable, '=');
        size_t bytes = equals == NULL ? 0 : (size_t)(equals - *variable);
        if (strncmp(*variable, PREFIX, strlen(PREFIX)) == 0 && !is_known(table, *variable, bytes)) {
            (void)fprintf(stderr, "%.*s is not a variable of this process\n", (int)bytes,
                          *variable);
            errors++;
        }
    }
    return errors;
}

static void print_help(const char *process, const struct config_option *table)
{
    printf("lynks-%s %s\n\nIt takes its configuration from the environment. NAME_FILE instead of "
           "NAME\nreads the value from a file.\n\n  --check    validate the configuration and "
           "exit\n  --help     print this\n  --options  print the variables as "
           "JSON\n  --version  print the version\n\n",
           process, LYNKS_VERSION);
    for (const struct config_option *option = table; option->name != NULL; option++) {
        printf("%s\n    %s", option->name, option->help);
        if (option->type == CONFIG_UINT) {
            printf("; %" PRIu64 " to %" PRIu64, option->min, option->max);
        } else if (option->type == CONFIG_BOOL) {
            printf("; 0 or 1");
        } else if (option->type == CONFIG_CHOICE) {
            printf("; %s", option->choices);
        }
        if (option->default_value == NULL) {
            printf(" (required)\n");
        } else if (option->default_value[0] == '\0') {
            printf(" (default: empty)\n");
        } else {
            printf(" (default: %s)\n", option->default_value);
        }
    }
}

static json_t *choices_json(const char *choices)
{
    json_t *list = json_array();
    for (const char *word = choices; *word != '\0';) {
        size_t bytes = strcspn(word, "|");
        json_array_append_new(list, json_stringn(word, bytes));
        word += bytes + (word[bytes] == '|');
    }
    return list;
}

static void print_options(const struct config_option *table)
{
    static const char *const types[] = {[CONFIG_STRING] = "string",
                                        [CONFIG_SECRET] = "secret",
                                        [CONFIG_UINT] = "uint",
                                        [CONFIG_BOOL] = "bool",
                                        [CONFIG_CHOICE] = "choice"};
    json_t *list = json_array();
    for (const struct config_option *option = table; option->name != NULL; option++) {
        json_t *item =
            json_pack("{s:s, s:s, s:s?, s:s}", "name", option->name, "type", types[option->type],
                      "default", option->default_value, "meaning", option->help);
        if (option->type == CONFIG_CHOICE) {
            json_object_set_new(item, "choices", choices_json(option->choices));
        } else if (option->type != CONFIG_BOOL) {
            json_object_set_new(item, "min", json_integer((json_int_t)option->min));
            json_object_set_new(item, "max", json_integer((json_int_t)option->max));
        }
        json_array_append_new(list, item);
    }
    (void)json_dumpf(list, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(list);
}

enum config_outcome config_load(void *config, const char *process,
                                const struct config_option *table, int argc, char **argv)
{
    return config_load_checked(config, process, table, NULL, argc, argv);
}

enum config_outcome config_load_checked(void *config, const char *process,
                                        const struct config_option *table,
                                        bool (*is_valid)(const void *config), int argc, char **argv)
{
    const char *argument = argc > 1 ? argv[1] : "";
    bool check = strcmp(argument, "--check") == 0;
    if (strcmp(argument, "--help") == 0) {
        print_help(process, table);
        return CONFIG_EXIT_OK;
    }
    if (strcmp(argument, "--options") == 0) {
        print_options(table);
        return CONFIG_EXIT_OK;
    }
    if (strcmp(argument, "--version") == 0) {
        printf("lynks-%s %s\n", process, LYNKS_VERSION);
        return CONFIG_EXIT_OK;
    }
    if (argc > 2 || (argc == 2 && !check)) {
        (void)fprintf(stderr, "lynks-%s takes --help, --options, --check or --version\n", process);
        return CONFIG_EXIT_ERROR;
    }
    size_t errors = check ? check_unknown(table) : 0;
    for (const struct config_option *option = table; option->name != NULL; option++) {
        errors += load_option(config, option);
    }
    if (errors > 0 || (is_valid != NULL && !is_valid(config))) {
        config_free(config, table);
        return CONFIG_EXIT_ERROR;
    }
    if (check) {
        config_free(config, table);
        printf("lynks-%s: the configuration is valid\n", process);
        return CONFIG_EXIT_OK;
    }
    return CONFIG_RUN;
}

int config_exit_code(enum config_outcome outcome)
{
    return outcome == CONFIG_EXIT_ERROR ? EXIT_USAGE : EXIT_OK;
}

void config_free(void *config, const struct config_option *table)
{
    for (const struct config_option *option = table; option->name != NULL; option++) {
        if (option->type == CONFIG_UINT || option->type == CONFIG_BOOL) {
            continue;
        }
        char **member = (char **)(void *)((char *)config + option->offset);
        wipe(*member);
        *member = NULL;
    }
}
