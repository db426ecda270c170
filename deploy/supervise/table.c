#include "deploy/supervise/table.h"

#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>

#define READY_WITHIN_MS 20000
#define STOP_WITHIN_MS 8000
#define MS_MAX 600000ULL

/* What a line is added to, and why it could not be. */
struct reader {
    struct table *table;
    struct entry *entry; /* NULL before the first one */
    char *why;
};

static bool refuse(struct reader *reader, const char *why, const char *value)
{
    reader->why = mem_printf("%s: %s", why, value);
    return false;
}

static bool set_text(struct reader *reader, char **text, const char *value)
{
    if (*text || !*value) {
        return refuse(reader, "given twice, or empty", value);
    }
    *text = mem_strdup(value);
    return true;
}

static bool set_ms(struct reader *reader, uint64_t *ms, const char *value)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (errno || end == value || *end || n > MS_MAX) {
        return refuse(reader, "not a number of milliseconds", value);
    }
    *ms = n;
    return true;
}

static void strings_add(char ***list, size_t *count, const char *value)
{
    *list = mem_realloc_array(*list, *count + 2, sizeof(char *));
    (*list)[(*count)++] = mem_strdup(value);
    (*list)[*count] = NULL;
}

static void endpoint_fini(struct endpoint *endpoint)
{
    mem_free(&endpoint->host);
    mem_free(&endpoint->variable);
}

/* "HOST PORT REST"; *ret_rest points into text, "" if there is none. */
static bool endpoint_read(struct reader *reader, struct endpoint *endpoint, const char *text,
                          const char **ret_rest)
{
    char host[256];
    char port[8];
    int used = 0;
    if (sscanf(text, "%255s %7s%n", host, port, &used) != 2) {
        return refuse(reader, "not HOST PORT", text);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found)) {
        return refuse(reader, "no such address", text);
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    endpoint->host = mem_strdup(host);
    endpoint->port = (uint16_t)strtoul(port, NULL, 10);
    *ret_rest = text + used + strspn(text + used, " ");
    return true;
}

static bool on_title(struct reader *reader, const char *value)
{
    return set_text(reader, &reader->table->title, value);
}

static bool on_banner_file(struct reader *reader, const char *value)
{
    return set_text(reader, &reader->table->banner_file, value);
}

static bool on_status_file(struct reader *reader, const char *value)
{
    return set_text(reader, &reader->table->status_file, value);
}

static bool on_request_file(struct reader *reader, const char *value)
{
    return set_text(reader, &reader->table->request_file, value);
}

static bool on_pid_file(struct reader *reader, const char *value)
{
    return set_text(reader, reader->entry ? &reader->entry->pid_file : &reader->table->pid_file,
                    value);
}

static bool on_log_file(struct reader *reader, const char *value)
{
    return set_text(reader, reader->entry ? &reader->entry->log_file : &reader->table->log_file,
                    value);
}

static bool add_entry(struct reader *reader, const char *name, bool is_step)
{
    struct table *table = reader->table;
    if (table->entry_count == TABLE_ENTRIES_MAX || !*name || strpbrk(name, " \t/")) {
        return refuse(reader, "one entry too many, or not a name", name);
    }
    reader->entry = &table->entries[table->entry_count++];
    *reader->entry = (struct entry){.name = mem_strdup(name),
                                    .is_step = is_step,
                                    .ready_within_ms = READY_WITHIN_MS,
                                    .stop_within_ms = STOP_WITHIN_MS};
    return true;
}

static bool on_process(struct reader *reader, const char *value)
{
    return add_entry(reader, value, false);
}

static bool on_step(struct reader *reader, const char *value)
{
    return add_entry(reader, value, true);
}

static bool on_user(struct reader *reader, const char *value)
{
    const struct passwd *user = getpwnam(value);
    if (!user) {
        return refuse(reader, "no such user", value);
    }
    reader->entry->uid = user->pw_uid;
    reader->entry->gid = user->pw_gid;
    return set_text(reader, &reader->entry->user, value);
}

static bool on_dir(struct reader *reader, const char *value)
{
    return set_text(reader, &reader->entry->dir, value);
}

static bool on_env(struct reader *reader, const char *value)
{
    if (!strchr(value, '=')) {
        return refuse(reader, "not NAME=VALUE", value);
    }
    strings_add(&reader->entry->env, &reader->entry->env_count, value);
    return true;
}

static bool on_arg(struct reader *reader, const char *value)
{
    strings_add(&reader->entry->argv, &reader->entry->argv_count, value);
    return true;
}

static bool on_port(struct reader *reader, const char *value)
{
    struct entry *entry = reader->entry;
    const char *variable = NULL;
    if (entry->port_count == ENTRY_PORTS_MAX) {
        return refuse(reader, "one port too many", value);
    }
    struct endpoint *port = &entry->ports[entry->port_count++];
    return endpoint_read(reader, port, value, &variable) &&
           set_text(reader, &port->variable, variable);
}

static bool on_listen(struct reader *reader, const char *value)
{
    const char *variable = NULL;
    if (reader->entry->listen.host) {
        return refuse(reader, "given twice", value);
    }
    return endpoint_read(reader, &reader->entry->listen, value, &variable) &&
           set_text(reader, &reader->entry->listen.variable, variable);
}

static bool on_ready(struct reader *reader, const char *value)
{
    struct entry *entry = reader->entry;
    if (entry->is_step || entry->check_count == ENTRY_CHECKS_MAX) {
        return refuse(reader, "one check too many, or of a step", value);
    }
    struct check_spec *check = &entry->checks[entry->check_count++];
    check->line = mem_strdup(value);
    const char *rest = NULL;
    if (!strncmp(value, "tcp ", 4)) {
        check->type = CHECK_TCP;
        return endpoint_read(reader, &check->endpoint, value + 4, &rest);
    }
    if (!strncmp(value, "http ", 5)) {
        check->type = CHECK_HTTP;
        return endpoint_read(reader, &check->endpoint, value + 5, &rest) &&
               set_text(reader, &check->text, rest);
    }
    if (!strncmp(value, "command ", 8)) {
        check->type = CHECK_COMMAND;
        return set_text(reader, &check->text, value + 8);
    }
    return refuse(reader, "not tcp, http or command", value);
}

static bool on_ready_within(struct reader *reader, const char *value)
{
    return set_ms(reader, &reader->entry->ready_within_ms, value);
}

static bool on_stop_within(struct reader *reader, const char *value)
{
    return set_ms(reader, &reader->entry->stop_within_ms, value);
}

static bool on_together(struct reader *reader, const char *value)
{
    (void)value;
    reader->entry->is_together = true;
    return true;
}

static bool on_rolling(struct reader *reader, const char *value)
{
    (void)value;
    reader->entry->is_rolling = true;
    return true;
}

static bool on_shows(struct reader *reader, const char *value)
{
    return set_text(reader, &reader->entry->shows, value);
}

static const struct word {
    const char *word;
    bool (*on)(struct reader *reader, const char *value);
    bool in_entry; /* only after "process" or "step" */
} words[] = {
    {"title", on_title, false},
    {"banner_file", on_banner_file, false},
    {"request_file", on_request_file, false},
    {"status_file", on_status_file, false},
    {"pid_file", on_pid_file, false},
    {"log_file", on_log_file, false},
    {"process", on_process, false},
    {"step", on_step, false},
    {"user", on_user, true},
    {"dir", on_dir, true},
    {"env", on_env, true},
    {"arg", on_arg, true},
    {"port", on_port, true},
    {"listen", on_listen, true},
    {"ready", on_ready, true},
    {"ready_within_ms", on_ready_within, true},
    {"stop_within_ms", on_stop_within, true},
    {"together", on_together, true},
    {"rolling", on_rolling, true},
    {"shows", on_shows, true},
};

static bool read_line(struct reader *reader, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    line += strspn(line, " \t");
    if (!*line || *line == '#') {
        return true;
    }
    char *value = line + strcspn(line, " ");
    if (*value) {
        *value++ = '\0';
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, line) != 0) {
            continue;
        }
        if (words[i].in_entry && !reader->entry) {
            return refuse(reader, "stands before any process or step", line);
        }
        return words[i].on(reader, value);
    }
    return refuse(reader, "unknown word", line);
}

static bool is_complete(struct reader *reader)
{
    const struct table *table = reader->table;
    if (!table->entry_count) {
        return refuse(reader, "empty", "no process");
    }
    for (size_t i = 0; i < table->entry_count; i++) {
        if (!table->entries[i].argv_count) {
            return refuse(reader, "has no arg", table->entries[i].name);
        }
    }
    return true;
}

struct table *table_read(FILE *file, char **ret_why)
{
    AUTO(table_free) struct table *table = mem_alloc(sizeof(*table));
    struct reader reader = {.table = table};
    AUTO(mem_free) char *line = NULL;
    size_t line_bytes = 0;
    unsigned number = 0;
    bool ok = true;

    while (ok && getline(&line, &line_bytes, file) >= 0) {
        number++;
        ok = read_line(&reader, line);
    }
    if (ok && is_complete(&reader)) {
        if (!table->title) {
            table->title = mem_strdup("lynks-supervise");
        }
        return STEAL(table);
    }
    *ret_why = mem_printf("line %u: %s", number, reader.why);
    mem_free(&reader.why);
    return NULL;
}

static void list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        mem_free(&list[i]);
    }
    mem_free(&list);
}

static void entry_fini(struct entry *entry)
{
    for (size_t i = 0; i < entry->check_count; i++) {
        endpoint_fini(&entry->checks[i].endpoint);
        mem_free(&entry->checks[i].text);
        mem_free(&entry->checks[i].line);
    }
    for (size_t i = 0; i < entry->port_count; i++) {
        endpoint_fini(&entry->ports[i]);
    }
    endpoint_fini(&entry->listen);
    list_free(entry->env);
    list_free(entry->argv);
    mem_free(&entry->name);
    mem_free(&entry->user);
    mem_free(&entry->dir);
    mem_free(&entry->pid_file);
    mem_free(&entry->log_file);
    mem_free(&entry->shows);
}

void table_free(struct table **table)
{
    if (!*table) {
        return;
    }
    for (size_t i = 0; i < (*table)->entry_count; i++) {
        entry_fini(&(*table)->entries[i]);
    }
    mem_free(&(*table)->title);
    mem_free(&(*table)->pid_file);
    mem_free(&(*table)->status_file);
    mem_free(&(*table)->log_file);
    mem_free(&(*table)->banner_file);
    mem_free(&(*table)->request_file);
    mem_free(table);
}
