#include "deploy/supervise/table.h"

#include <jansson.h>
#include <netdb.h>
#include <pwd.h>

#define READY_WITHIN_MS 20000
#define STOP_WITHIN_MS 8000
#define MS_MAX 600000

/* What of the table is being read, and why it could not be. */
struct reader {
    struct table *table;
    const char *entry; /* its name; "" outside */
    char *why;
};

static bool table_refuse(struct reader *reader, const char *why, const char *value)
{
    if (!reader->why) {
        reader->why =
            mem_printf("%s%s%s: %s", reader->entry, *reader->entry ? ": " : "", why, value);
    }
    return false;
}

static bool read_endpoint(struct reader *reader, struct endpoint *endpoint, const char *host,
                          int port)
{
    AUTO(mem_free) char *digits = mem_printf("%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (port < 0 || port > UINT16_MAX) {
        return table_refuse(reader, "not a port", digits);
    }
    if (getaddrinfo(host, digits, &hints, &found)) {
        return table_refuse(reader, "no such address", host);
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    endpoint->host = host;
    endpoint->port = (uint16_t)port;
    return true;
}

static bool read_table_port(struct reader *reader, struct endpoint *endpoint, json_t *item)
{
    json_error_t error;
    const char *host = NULL;
    int port = 0;
    int by_interface = 0;
    if (json_unpack_ex(item, &error, JSON_STRICT, "{s:s, s:i, s:s, s?b}", "host", &host, "port",
                       &port, "variable", &endpoint->variable, "by_interface", &by_interface)) {
        return table_refuse(reader, "port", error.text);
    }
    endpoint->by_interface = by_interface != 0;
    return read_endpoint(reader, endpoint, host, port);
}

static bool read_check(struct reader *reader, struct check_spec *check, json_t *item)
{
    json_error_t error;
    const char *type = "";
    const char *host = NULL;
    int port = 0;
    int rc = json_unpack_ex(item, &error, 0, "{s:s}", "type", &type);
    if (!strcmp(type, "tcp")) {
        check->type = CHECK_TCP;
        rc = json_unpack_ex(item, &error, JSON_STRICT, "{s:s, s:s, s:i}", "type", &type, "host",
                            &host, "port", &port);
    } else if (!strcmp(type, "http")) {
        check->type = CHECK_HTTP;
        rc = json_unpack_ex(item, &error, JSON_STRICT, "{s:s, s:s, s:i, s:s}", "type", &type,
                            "host", &host, "port", &port, "path", &check->text);
    } else if (!strcmp(type, "command")) {
        check->type = CHECK_COMMAND;
        rc = json_unpack_ex(item, &error, JSON_STRICT, "{s:s, s:s}", "type", &type, "command",
                            &check->text);
    } else if (rc == 0) {
        return table_refuse(reader, "ready: not tcp, http or command", type);
    }
    if (rc) {
        return table_refuse(reader, "ready", error.text);
    }
    return check->type == CHECK_COMMAND || read_endpoint(reader, &check->endpoint, host, port);
}

static bool read_env(struct reader *reader, struct entry *entry, json_t *env)
{
    const char *name = NULL;
    json_t *value = NULL;
    if (env && !json_is_object(env)) {
        return table_refuse(reader, "env", "not an object");
    }
    entry->env = mem_alloc((json_object_size(env) + 1) * sizeof(char *));
    json_object_foreach(env, name, value)
    {
        if (!json_is_string(value)) {
            return table_refuse(reader, "env: not a text", name);
        }
        entry->env[entry->env_count++] = mem_printf("%s=%s", name, json_string_value(value));
    }
    return true;
}

static bool read_argv(struct reader *reader, struct entry *entry, json_t *argv)
{
    size_t i = 0;
    json_t *value = NULL;
    entry->argv = mem_alloc((json_array_size(argv) + 1) * sizeof(char *));
    json_array_foreach(argv, i, value)
    {
        entry->argv[i] = mem_strdup(json_string_value(value));
        if (!entry->argv[i]) {
            break;
        }
    }
    return (i > 0 && i == json_array_size(argv)) ||
           table_refuse(reader, "argv", "not a list of texts, or an empty one");
}

static bool read_ports(struct reader *reader, json_t *list, struct endpoint *endpoints, size_t max,
                       size_t *ret_count)
{
    size_t i = 0;
    json_t *item = NULL;
    if (list && (!json_is_array(list) || json_array_size(list) > max)) {
        return table_refuse(reader, "ports or listen", "not a list, or too many");
    }
    json_array_foreach(list, i, item)
    {
        if (!read_table_port(reader, &endpoints[(*ret_count)++], item)) {
            return false;
        }
    }
    return true;
}

static bool read_checks(struct reader *reader, struct entry *entry, json_t *ready)
{
    size_t i = 0;
    json_t *item = NULL;
    if (ready &&
        (!json_is_array(ready) || json_array_size(ready) > ENTRY_CHECKS_MAX || entry->is_step)) {
        return table_refuse(reader, "ready", "not a list, too many, or of a step");
    }
    json_array_foreach(ready, i, item)
    {
        if (!read_check(reader, &entry->checks[entry->check_count++], item)) {
            return false;
        }
    }
    return true;
}

static bool find_user(struct reader *reader, struct entry *entry)
{
    const struct passwd *user = getpwnam(entry->user);
    if (!user) {
        return table_refuse(reader, "no such user", entry->user);
    }
    entry->uid = user->pw_uid;
    entry->gid = user->pw_gid;
    return true;
}

static bool read_entry(struct reader *reader, struct entry *entry, json_t *item)
{
    json_error_t error;
    json_t *env = NULL;
    json_t *argv = NULL;
    json_t *ports = NULL;
    json_t *listen = NULL;
    json_t *ready = NULL;
    int is_step = 0;
    int is_together = 0;
    int is_rolling = 0;
    json_int_t ready_within_ms = READY_WITHIN_MS;
    json_int_t stop_within_ms = STOP_WITHIN_MS;
    int rc = json_unpack_ex(
        item, &error, JSON_STRICT,
        "{s:s, s:o, s?o, s?o, s?o, s?o, s?b, s?b, s?b, s?s, s?s, s?s, s?s, s?s, s?I, s?I}", "name",
        &entry->name, "argv", &argv, "env", &env, "ports", &ports, "listen", &listen, "ready",
        &ready, "step", &is_step, "together", &is_together, "rolling", &is_rolling, "user",
        &entry->user, "dir", &entry->dir, "pid_file", &entry->pid_file, "log_file",
        &entry->log_file, "shows", &entry->shows, "ready_within_ms", &ready_within_ms,
        "stop_within_ms", &stop_within_ms);
    reader->entry = entry->name ? entry->name : "";
    if (rc || !entry->name) { /* the second for analyzers, which do not know what "s:s" means */
        return table_refuse(reader, "entry", error.text);
    }
    if (!*entry->name || strpbrk(entry->name, " \t/")) {
        return table_refuse(reader, "not a name", entry->name);
    }
    if (ready_within_ms < 0 || ready_within_ms > MS_MAX || stop_within_ms < 0 ||
        stop_within_ms > MS_MAX) {
        return table_refuse(reader, "ready_within_ms or stop_within_ms", "out of range");
    }
    entry->is_step = is_step;
    entry->is_together = is_together;
    entry->is_rolling = is_rolling;
    entry->ready_within_ms = (uint64_t)ready_within_ms;
    entry->stop_within_ms = (uint64_t)stop_within_ms;
    bool ok = read_argv(reader, entry, argv) && read_env(reader, entry, env) &&
              read_ports(reader, listen, entry->listens, ENTRY_LISTENS_MAX, &entry->listen_count) &&
              read_ports(reader, ports, entry->ports, ENTRY_PORTS_MAX, &entry->port_count) &&
              read_checks(reader, entry, ready) && (!entry->user || find_user(reader, entry));
    reader->entry = "";
    return ok;
}

static bool read_document(struct reader *reader)
{
    struct table *table = reader->table;
    json_error_t error;
    json_t *entries = NULL;
    table->title = "lynks-supervise";
    if (json_unpack_ex(table->document, &error, JSON_STRICT, "{s:o, s?s, s?s, s?s, s?s, s?s, s?s}",
                       "entries", &entries, "title", &table->title, "pid_file", &table->pid_file,
                       "log_file", &table->log_file, "status_file", &table->status_file,
                       "banner_file", &table->banner_file, "request_file", &table->request_file)) {
        return table_refuse(reader, "table", error.text);
    }
    size_t count = json_array_size(entries);
    if (count == 0 || count > TABLE_ENTRIES_MAX) {
        return table_refuse(reader, "entries", "none, or too many");
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_entry(reader, &table->entries[table->entry_count++],
                        json_array_get(entries, i))) {
            return false;
        }
    }
    return true;
}

struct table *table_read(FILE *file, char **ret_why)
{
    AUTO(table_free) struct table *table = mem_alloc(sizeof(*table));
    struct reader reader = {.table = table, .entry = ""};
    json_error_t error;
    table->document = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    if (!table->document) {
        *ret_why = mem_printf("line %d: %s", error.line, error.text);
        return NULL;
    }
    if (!read_document(&reader)) {
        *ret_why = reader.why;
        return NULL;
    }
    return STEAL(table);
}

static void texts_free(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++) {
        mem_free(&texts[i]);
    }
    mem_free(&texts);
}

void table_free(struct table **table)
{
    if (!*table) {
        return;
    }
    for (size_t i = 0; i < (*table)->entry_count; i++) {
        texts_free((*table)->entries[i].env);
        texts_free((*table)->entries[i].argv);
    }
    json_decref((*table)->document);
    mem_free(table);
}
