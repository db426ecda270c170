#include "deploy/lynks-admin/commands.h"

static const struct show_column user_columns[] = {
    {"USER", "username"}, {"NAME", "display_name"}, {"ROLE", "role"}, {"DISABLED", "disabled"},
    {"ID", "id"},         {.title = NULL},
};

static json_t *user_row(const struct msg_user *user)
{
    AUTO(mem_free) char *id = mem_printf("%" PRIu64, user->id); /* as /v1 has it: a string */
    return json_pack("{s:s, s:o, s:o, s:s, s:b}", "id", id, "username", show_text(user->username),
                     "display_name", show_text(user->display_name), "role",
                     user->role == ROLE_ADMIN ? "admin" : "member", "disabled", user->disabled);
}

static void show_user(const struct tool *tool, const struct msg_user *user)
{
    json_t *rows = json_array();
    (void)json_array_append_new(rows, user_row(user));
    show_rows(stdout, tool->wants_json, rows, user_columns);
    json_decref(rows);
}

/* ---- who it is ---- */

static enum err ask_for_user(struct tool *tool, const char *name,
                             void (*fn)(void *arg, const struct msg *reply), void *arg)
{
    const struct msg request = {.id = MSG_user_get, .user_get = {.username = str_of(name)}};
    const enum err err = tool_ask(tool, &request, fn, arg);
    if (err == ERR_NOT_FOUND || err == ERR_BAD_REQUEST) {
        tool_complain("there is no user of this name");
    } else if (err != ERR_OK) {
        tool_explain(err);
    }
    return err;
}

static void take_id(void *arg, const struct msg *reply)
{
    *(uint64_t *)arg = reply->user_get_reply.user.id;
}

uint64_t user_find_id(struct tool *tool, const char *name)
{
    uint64_t id = 0;
    (void)ask_for_user(tool, name, take_id, &id);
    return id;
}

static void show_found(void *arg, const struct msg *reply)
{
    show_user(arg, &reply->user_get_reply.user);
}

bool user_show(struct tool *tool, char **arguments, int count)
{
    (void)count;
    return ask_for_user(tool, arguments[0], show_found, tool) == ERR_OK;
}

/* ---- what he may ---- */

static void show_changed(void *arg, const struct msg *reply)
{
    show_user(arg, &reply->user_change_reply.user);
}

static bool change_user(struct tool *tool, const char *name, struct msg_user_change change)
{
    uint8_t key[TOOL_KEY_BYTES];
    tool_draw_key(key);
    change.user_id = user_find_id(tool, name);
    change.idempotency_key = (struct str){.data = (const char *)key, .bytes = sizeof(key)};
    if (change.user_id == 0) {
        return false;
    }
    const struct msg request = {.id = MSG_user_change, .user_change = change};
    const enum err err = tool_ask(tool, &request, show_changed, tool);
    if (err == ERR_CONFLICT) {
        tool_complain("this is the last admin who may sign in: make somebody else one first");
    } else if (err != ERR_OK) {
        tool_explain(err);
    }
    return err == ERR_OK;
}

bool user_set_role(struct tool *tool, char **arguments, int count)
{
    (void)count;
    const bool is_admin = strcmp(arguments[1], "admin") == 0;
    if (!is_admin && strcmp(arguments[1], "member") != 0) {
        tool_complain("%s is no role: admin or member", arguments[1]);
        return false;
    }
    return change_user(
        tool, arguments[0],
        (struct msg_user_change){.role = is_admin ? ROLE_ADMIN : ROLE_MEMBER, .has_role = true});
}

bool user_disable(struct tool *tool, char **arguments, int count)
{
    (void)count;
    return change_user(tool, arguments[0],
                       (struct msg_user_change){.disabled = true, .has_disabled = true});
}

bool user_enable(struct tool *tool, char **arguments, int count)
{
    (void)count;
    return change_user(tool, arguments[0],
                       (struct msg_user_change){.disabled = false, .has_disabled = true});
}
