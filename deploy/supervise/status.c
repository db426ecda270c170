#include "deploy/supervise/status.h"

#include <jansson.h>

#include "deploy/supervise/textfile.h"

static json_t *check_json(const struct check_spec *check)
{
    const struct endpoint *to = &check->endpoint;
    switch (check->type) {
    case CHECK_TCP:
        return json_pack("{s:s, s:s, s:i}", "type", "tcp", "host", to->host, "port", (int)to->port);
    case CHECK_HTTP:
        return json_pack("{s:s, s:s, s:i, s:s}", "type", "http", "host", to->host, "port",
                         (int)to->port, "path", check->text);
    case CHECK_COMMAND:
        return json_pack("{s:s, s:s}", "type", "command", "command", check->text);
    }
    return NULL;
}

bool status_write(const char *path, struct child *const *children, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct child *child = children[i];
        const struct entry *entry = child_entry(child);
        if (!entry->is_step) {
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:i, s:I, s:I, s:o}", "name", entry->name, "state",
                                child_state_name(child_state(child)), "pid", (int)child_pid(child),
                                "restarts", (json_int_t)child_restarts(child), "since",
                                (json_int_t)(child_since_unix_ms(child) / 1000), "check",
                                entry->check_count ? check_json(&entry->checks[0]) : json_null()));
        }
    }
    char *text = json_dumps(list, JSON_INDENT(1));
    json_decref(list);
    bool ok = textfile_replace(path, text ? text : "[]");
    mem_free(&text);
    return ok;
}
