#include "deploy/lynks-admin/commands.h"
#include "deploy/lynks-admin/secret_input.h"

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
    change.has_origin = true;
    change.origin = tool_origin(tool);
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

/* ---- his password ---- */

static void take_ended(void *arg, const struct msg *reply)
{
    *(uint64_t *)arg = reply->user_password_reply.revoked;
}

static enum err set_password(struct tool *tool, uint64_t user_id, const char *password,
                             uint64_t *ret_ended)
{
    uint8_t key[TOOL_KEY_BYTES];
    tool_draw_key(key);
    const struct msg request = {
        .id = MSG_user_password,
        .user_password = {.user_id = user_id,
                          .idempotency_key = {.data = (const char *)key, .bytes = sizeof(key)},
                          .new_password = str_of(password),
                          .has_origin = true,
                          .origin = tool_origin(tool)}};
    return tool_ask(tool, &request, take_ended, ret_ended);
}

static void complain_of_password(enum err err)
{
    if (err == ERR_WEAK_PASSWORD || err == ERR_BAD_REQUEST) {
        tool_complain("a password has 10 to 1,024 bytes, and is not the user name");
    } else {
        tool_explain(err);
    }
}

bool user_passwd(struct tool *tool, char **arguments, int count)
{
    char password[SECRET_INPUT_BYTES];
    uint64_t ended = 0;
    (void)count;
    const uint64_t user_id = user_find_id(tool, arguments[0]);
    if (user_id == 0 || !secret_input_read("New password", password)) {
        return false;
    }
    const enum err err = set_password(tool, user_id, password, &ended);
    explicit_bzero(password, sizeof(password));
    if (err != ERR_OK) {
        complain_of_password(err);
    } else if (tool->wants_json) {
        (void)printf("{\"revoked\": %" PRIu64 "}\n", ended);
    } else {
        (void)printf("the password is changed; %" PRIu64 " session%s ended\n", ended,
                     ended == 1 ? "" : "s");
    }
    return err == ERR_OK;
}

/* ---- new ones ---- */

static void show_added(void *arg, const struct msg *reply)
{
    show_user(arg, &reply->user_add_reply.user);
}

bool user_add(struct tool *tool, char **arguments, int count)
{
    char password[SECRET_INPUT_BYTES];
    uint8_t key[TOOL_KEY_BYTES];
    if (count == 2 && strcmp(arguments[1], "admin") != 0) {
        tool_complain("%s is no role that is given here: admin, or nothing", arguments[1]);
        return false;
    }
    if (!secret_input_read("Password", password)) {
        return false;
    }
    tool_draw_key(key);
    const struct msg request = {
        .id = MSG_user_add,
        .user_add = {.idempotency_key = {.data = (const char *)key, .bytes = sizeof(key)},
                     .username = str_of(arguments[0]),
                     .password = str_of(password),
                     .role = count == 2 ? ROLE_ADMIN : ROLE_MEMBER,
                     .has_role = true,
                     .has_origin = true,
                     .origin = tool_origin(tool)}};
    const enum err err = tool_ask(tool, &request, show_added, tool);
    explicit_bzero(password, sizeof(password));
    if (err == ERR_CONFLICT) {
        tool_complain("there is a user of this name already");
    } else if (err == ERR_WRONG_MEMBER) {
        tool_complain("a user name has 1 to 64 characters that can be seen");
    } else if (err != ERR_OK) {
        complain_of_password(err);
    }
    return err == ERR_OK;
}

/* ---- all of them ---- */

struct user_pages {
    json_t *rows;
    uint64_t after_id;
    bool is_last;
};

static void take_user_page(void *arg, const struct msg *reply)
{
    struct user_pages *pages = arg;
    const struct msg_user_list *found = &reply->user_page_reply.users;
    for (size_t i = 0; i < found->count; i++) {
        (void)json_array_append_new(pages->rows, user_row(&found->items[i]));
        pages->after_id = found->items[i].id;
    }
    pages->is_last = found->count < USERS_PAGE;
}

bool user_list(struct tool *tool, char **arguments, int count)
{
    struct user_pages pages = {.rows = json_array()};
    enum err err = ERR_OK;
    while (err == ERR_OK && !pages.is_last) {
        const struct msg request = {
            .id = MSG_user_page,
            .user_page = {.limit = USERS_PAGE,
                          .after_id = pages.after_id,
                          .search = count > 0 ? str_of(arguments[0]) : STR_NONE}};
        err = tool_ask(tool, &request, take_user_page, &pages);
    }
    if (err == ERR_OK) {
        show_rows(stdout, tool->wants_json, pages.rows, user_columns);
    } else {
        tool_explain(err);
    }
    json_decref(pages.rows);
    return err == ERR_OK;
}
