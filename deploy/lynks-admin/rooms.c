#include "deploy/lynks-admin/commands.h"
#include "deploy/lynks-admin/confirm.h"
#include "proto/unicode/visible.h"

static const struct show_column room_columns[] = {
    {"ROOM", "id"},   {"CODE", "code"},     {"NAME", "name"},          {"OWNER", "owner"},
    {"NODE", "node"}, {"LOCKED", "locked"}, {"CREATED", "created_at"}, {.title = NULL},
};

static json_t *room_row(const struct msg_room *room)
{
    static const char *const enum_name = "room_access";
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:o}", "id", show_id(room->id),
                     "code", show_text_or_null(room->code), "name", show_text(room->name), "access",
                     msg_enum_text(enum_name, room->access), "owner",
                     show_text_or_null(room->owner_name), "owner_id", show_id(room->owner_id),
                     "node", show_text_or_null(room->node), "locked", room->locked, "created_at",
                     show_time(room->created_unix_ms));
}

/* ---- all of them ---- */

struct room_pages {
    json_t *rows;
    uint64_t after_id;
    bool is_last;
};

static void take_room_page(void *arg, const struct msg *reply)
{
    struct room_pages *pages = arg;
    const struct msg_room_list *found = &reply->room_page_reply.rooms;
    for (size_t i = 0; i < found->count; i++) {
        (void)json_array_append_new(pages->rows, room_row(&found->items[i]));
        pages->after_id = found->items[i].id;
    }
    pages->is_last = found->count < MANAGED_ROOMS_PAGE;
}

bool room_list(struct tool *tool, char **arguments, int count)
{
    struct room_pages pages = {.rows = json_array()};
    const uint64_t user_id = count > 0 ? user_find_id(tool, arguments[0]) : 0;
    enum err err = count > 0 && user_id == 0 ? ERR_NOT_FOUND : ERR_OK;
    while (err == ERR_OK && !pages.is_last) {
        const struct msg request = {.id = MSG_room_page,
                                    .room_page = {.limit = MANAGED_ROOMS_PAGE,
                                                  .after_id = pages.after_id,
                                                  .user_id = user_id}};
        err = tool_ask(tool, &request, take_room_page, &pages);
        if (err != ERR_OK) {
            tool_explain(err);
        }
    }
    if (err == ERR_OK) {
        show_rows(stdout, tool->wants_json, pages.rows, room_columns);
    }
    json_decref(pages.rows);
    return err == ERR_OK;
}

/* ---- one ---- */

static void take_room(void *arg, const struct msg *reply)
{
    *(json_t **)arg = room_row(&reply->room_get_reply.room);
}

/* NULL: it has complained. The caller's reference. */
static json_t *ask_for_room(struct tool *tool, const char *room)
{
    json_t *row = NULL;
    const struct msg request = {.id = MSG_room_get, .room_get = {.room = str_of(room)}};
    const enum err err = tool_ask(tool, &request, take_room, &row);
    if (err == ERR_NO_SUCH_ROOM || err == ERR_BAD_REQUEST) {
        tool_complain("there is no such room; room list has them all");
    } else if (err != ERR_OK) {
        tool_explain(err);
    }
    return row;
}

bool room_show(struct tool *tool, char **arguments, int count)
{
    (void)count;
    json_t *row = ask_for_room(tool, arguments[0]);
    if (row == NULL) {
        return false;
    }
    json_t *rows = json_array();
    (void)json_array_append_new(rows, row);
    show_rows(stdout, tool->wants_json, rows, room_columns);
    json_decref(rows);
    return true;
}

/* ---- the end of one ---- */

static bool confirm_end(struct tool *tool, const char *room)
{
    json_t *row = ask_for_room(tool, room);
    if (row == NULL) {
        return false;
    }
    struct strbuf name = {0};
    (void)visible_add(&name, str_of(json_string_value(json_object_get(row, "name"))));
    AUTO(mem_free)
    char *question = mem_printf("End %.*s for good?", (int)name.bytes, name.data);
    strbuf_fini(&name);
    json_decref(row);
    return confirm_ask(question);
}

bool room_end(struct tool *tool, char **arguments, int count)
{
    uint8_t key[TOOL_KEY_BYTES];
    if (count == 2 && strcmp(arguments[1], "--yes") != 0) {
        tool_complain("after the room comes --yes, or nothing");
        return false;
    }
    if (count == 1 && !confirm_end(tool, arguments[0])) {
        return false;
    }
    tool_draw_key(key);
    const struct msg request = {
        .id = MSG_room_close,
        .room_close = {.idempotency_key = {.data = (const char *)key, .bytes = sizeof(key)},
                       .room = str_of(arguments[0]),
                       .has_origin = true,
                       .origin = tool_origin(tool)}};
    const enum err err = tool_ask(tool, &request, NULL, NULL);
    if (err == ERR_CONFLICT) {
        tool_complain("this is the standard room, which never ends");
    } else if (err == ERR_NO_SUCH_ROOM || err == ERR_BAD_REQUEST) {
        tool_complain("there is no such room; room list has them all");
    } else if (err != ERR_OK) {
        tool_explain(err);
    } else {
        (void)puts(tool->wants_json ? "{\"ended\": true}" : "ended");
    }
    return err == ERR_OK;
}
