#include "deploy/lynks-admin/commands.h"

static const struct show_column session_columns[] = {
    {"SESSION", "id"},        {"DEVICE", "device"},     {"ADDRESS", "address"}, {"KIND", "kind"},
    {"OPENED", "created_at"}, {"USED", "last_used_at"}, {"ENDS", "expires_at"}, {.title = NULL},
};

static json_t *session_row(const struct msg_session *session)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "id", show_hex(session->id), "kind",
                     session->kind == SESSION_WEB ? "web" : "original", "device",
                     show_text(session->device), "address", show_address(session->address),
                     "created_at", show_time(session->created_unix_ms), "last_used_at",
                     show_time(session->used_unix_ms), "expires_at",
                     show_time(session->expires_unix_ms));
}

/* ---- session list ---- */

struct session_pages {
    json_t *rows;
    bool is_last;
    uint64_t after_created_unix_ms;
    uint8_t after[SESSION_ID_BYTES];
};

static void take_session_page(void *arg, const struct msg *reply)
{
    struct session_pages *pages = arg;
    const struct msg_session_list *found = &reply->session_page_reply.sessions;
    for (size_t i = 0; i < found->count; i++) {
        (void)json_array_append_new(pages->rows, session_row(&found->items[i]));
    }
    pages->is_last = found->count < SESSIONS_PAGE;
    if (!pages->is_last) {
        const struct msg_session *last = &found->items[found->count - 1];
        pages->after_created_unix_ms = last->created_unix_ms;
        memcpy(pages->after, last->id.data, sizeof(pages->after));
    }
}

bool session_list(struct tool *tool, char **arguments, int count)
{
    (void)count;
    const uint64_t user_id = user_find_id(tool, arguments[0]);
    struct session_pages pages = {.rows = json_array()};
    enum err err = user_id != 0 ? ERR_OK : ERR_NOT_FOUND;
    while (err == ERR_OK && !pages.is_last) {
        const bool is_first = pages.after_created_unix_ms == 0;
        const struct msg request = {
            .id = MSG_session_page,
            .session_page = {.user_id = user_id,
                             .limit = SESSIONS_PAGE,
                             .after_created_unix_ms = pages.after_created_unix_ms,
                             .after_session = is_first
                                                  ? STR_NONE
                                                  : (struct str){.data = (const char *)pages.after,
                                                                 .bytes = sizeof(pages.after)}}};
        err = tool_ask(tool, &request, take_session_page, &pages);
        if (err != ERR_OK) {
            tool_explain(err);
        }
    }
    if (err == ERR_OK) {
        show_rows(stdout, tool->wants_json, pages.rows, session_columns);
    }
    json_decref(pages.rows);
    return err == ERR_OK;
}

/* ---- session revoke ---- */

static void take_revoked_count(void *arg, const struct msg *reply)
{
    *(uint64_t *)arg = reply->session_revoke_reply.revoked;
}

/* With a key for the one that is named: repeated on the bus, it is told to have ended. All of a
 * user go without: what is open when the command comes again is meant, too, and is counted. */
bool session_revoke(struct tool *tool, char **arguments, int count)
{
    uint8_t id[SESSION_ID_BYTES];
    uint8_t key[TOOL_KEY_BYTES];
    uint64_t revoked = 0;
    struct msg request = {.id = MSG_session_revoke,
                          .session_revoke = {.has_origin = true, .origin = tool_origin(tool)}};
    if (count == 2) {
        request.session_revoke.session =
            (struct str){.data = (const char *)id, .bytes = sizeof(id)};
        request.session_revoke.idempotency_key =
            (struct str){.data = (const char *)key, .bytes = sizeof(key)};
        tool_draw_key(key);
        if (!hex_decode(id, sizeof(id), str_of(arguments[1]))) {
            tool_complain("%s is no session; session list names them", arguments[1]);
            return false;
        }
    }
    request.session_revoke.user_id = user_find_id(tool, arguments[0]);
    if (request.session_revoke.user_id == 0) {
        return false;
    }
    const enum err err = tool_ask(tool, &request, take_revoked_count, &revoked);
    if (err != ERR_OK) {
        tool_explain(err);
        return false;
    }
    if (revoked == 0 && count == 2) {
        tool_complain("he has no such session");
        return false;
    }
    if (tool->wants_json) {
        (void)printf("{\"revoked\": %" PRIu64 "}\n", revoked);
    } else {
        (void)printf("%" PRIu64 " session%s ended\n", revoked, revoked == 1 ? "" : "s");
    }
    return true;
}
