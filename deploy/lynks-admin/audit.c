#include "deploy/lynks-admin/commands.h"

#include <time.h>

#define DAY_MS 86400000ULL
#define SHOWN_MAX 10000 /* acts */

static const struct show_column audit_columns[] = {
    {"WHEN", "at"},  {"WHO", "by"},    {"FROM", "address"}, {"DID", "act"},
    {"TO", "user"},  {"ROOM", "room"}, {"WHAT", "detail"},  {"REQUEST", "request_id"},
    {.title = NULL},
};

static json_t *audit_row(const struct msg_audit_row *row)
{
    json_t *by = row->by_kind == PRINCIPAL_ADMIN_TOOL ? NULL : show_text_or_null(row->by_name);
    if (by == NULL) {
        AUTO(mem_free)
        char *shell = mem_printf("shell (%.*s)", (int)row->by_name.bytes, row->by_name.data);
        by = row->by_name.bytes > 0 ? show_text(str_of(shell)) : json_string("shell");
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "at",
                     show_time(row->created_unix_ms), "by", by, "by_id", show_id(row->by_id),
                     "address", show_address(row->address), "act", msg_enum_text("act", row->act),
                     "user", show_text_or_null(row->username), "user_id", show_id(row->user_id),
                     "room", show_id(row->room_id), "detail", show_text_or_null(row->detail),
                     "request_id", show_text_or_null(row->request_id));
}

/* A day, 2026-11-29, or 30d: so many days ago. */
static bool read_since(const char *text, uint64_t *ret_unix_ms)
{
    struct tm day = {0};
    char *end = NULL;
    const unsigned long days = strtoul(text, &end, 10);
    const uint64_t now_ms = (uint64_t)time(NULL) * 1000;
    if (end != text && strcmp(end, "d") == 0 && days < 100000) {
        *ret_unix_ms = now_ms > days * DAY_MS ? now_ms - days * DAY_MS : 0;
        return true;
    }
    end = strptime(text, "%Y-%m-%d", &day);
    const time_t seconds = end != NULL && *end == '\0' ? timegm(&day) : -1;
    *ret_unix_ms = seconds >= 0 ? (uint64_t)seconds * 1000 : 0;
    return seconds >= 0;
}

static bool read_audit_words(char **arguments, int count, struct msg_audit_page *ret)
{
    *ret = (struct msg_audit_page){.limit = AUDIT_PAGE};
    for (int i = 0; i + 1 < count; i += 2) {
        if (strcmp(arguments[i], "--user") == 0) {
            ret->name = str_of(arguments[i + 1]);
        } else if (strcmp(arguments[i], "--since") != 0) {
            break;
        } else if (!read_since(arguments[i + 1], &ret->since_unix_ms)) {
            tool_complain("--since takes a day, as 2026-11-29, or how many days ago, as 30d");
            return false;
        }
        if (i + 2 == count) {
            return true;
        }
    }
    if (count > 0) {
        tool_complain("audit takes --user NAME and --since DAY");
    }
    return count == 0;
}

struct audit_pages {
    json_t *rows;
    uint64_t before_id;
    bool is_last;
};

static void take_audit_page(void *arg, const struct msg *reply)
{
    struct audit_pages *pages = arg;
    const struct msg_audit_row_list *found = &reply->audit_page_reply.rows;
    for (size_t i = 0; i < found->count; i++) {
        (void)json_array_append_new(pages->rows, audit_row(&found->items[i]));
        pages->before_id = found->items[i].id;
    }
    pages->is_last = found->count < AUDIT_PAGE || json_array_size(pages->rows) >= SHOWN_MAX;
}

bool audit_show(struct tool *tool, char **arguments, int count)
{
    struct audit_pages pages = {.rows = json_array()};
    struct msg request = {.id = MSG_audit_page};
    enum err err =
        read_audit_words(arguments, count, &request.audit_page) ? ERR_OK : ERR_BAD_REQUEST;
    const bool is_asked = err == ERR_OK;
    while (err == ERR_OK && !pages.is_last) {
        request.audit_page.before_id = pages.before_id;
        err = tool_ask(tool, &request, take_audit_page, &pages);
    }
    if (json_array_size(pages.rows) >= SHOWN_MAX) {
        tool_complain("only the latest %d are shown; --user shows fewer", SHOWN_MAX);
    }
    if (err == ERR_OK) {
        show_rows(stdout, tool->wants_json, pages.rows, audit_columns);
    } else if (is_asked) {
        tool_explain(err);
    }
    json_decref(pages.rows);
    return err == ERR_OK;
}
