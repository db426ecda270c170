#include "deploy/lynks-admin/commands.h"
#include "deploy/lynks-admin/confirm.h"
#include "proto/unicode/visible.h"

#define TRANSFER "transfer:"

/* What the words after the name ask for. */
struct removal {
    const char *name;
    const char *heir; /* NULL: his rooms end */
    bool is_confirmed;
};

static bool read_rooms(const char *word, struct removal *removal)
{
    if (strncmp(word, TRANSFER, sizeof(TRANSFER) - 1) == 0) {
        removal->heir = word + sizeof(TRANSFER) - 1;
        return true;
    }
    if (strcmp(word, "end") != 0) {
        tool_complain("--rooms takes end or transfer:NAME");
        return false;
    }
    return true;
}

static bool read_removal(char **arguments, int count, struct removal *ret)
{
    *ret = (struct removal){.name = arguments[0]};
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--yes") == 0) {
            ret->is_confirmed = true;
        } else if (strcmp(arguments[i], "--rooms") == 0 && i + 1 < count) {
            if (!read_rooms(arguments[++i], ret)) {
                return false;
            }
        } else {
            tool_complain("after the name come --rooms end, --rooms transfer:NAME, or --yes");
            return false;
        }
    }
    return true;
}

static bool confirm_removal(const struct removal *removal)
{
    if (removal->is_confirmed) {
        return true;
    }
    struct strbuf question = {0};
    strbuf_add_z(&question, "Remove ");
    (void)visible_add(&question, str_of(removal->name));
    if (removal->heir != NULL) {
        strbuf_add_z(&question, " and give his rooms to ");
        (void)visible_add(&question, str_of(removal->heir));
        strbuf_add_z(&question, "?");
    } else {
        strbuf_add_z(&question, " and end his rooms?");
    }
    AUTO(mem_free) char *text = str_dup(strbuf_str(&question));
    strbuf_fini(&question);
    return confirm_ask(text);
}

static void take_removed(void *arg, const struct msg *reply)
{
    *(uint64_t *)arg = reply->user_remove_reply.revoked;
}

static void show_removed(const struct tool *tool, uint64_t ended)
{
    if (tool->wants_json) {
        (void)printf("{\"revoked\": %" PRIu64 "}\n", ended);
    } else {
        (void)printf("removed; %" PRIu64 " session%s ended\n", ended, ended == 1 ? "" : "s");
    }
}

bool user_remove(struct tool *tool, char **arguments, int count)
{
    struct removal removal;
    uint8_t key[TOOL_KEY_BYTES];
    uint64_t ended = 0;
    if (!read_removal(arguments, count, &removal)) {
        return false;
    }
    const uint64_t user_id = user_find_id(tool, removal.name);
    const uint64_t heir_id =
        user_id != 0 && removal.heir != NULL ? user_find_id(tool, removal.heir) : 0;
    if (user_id == 0 || (removal.heir != NULL && heir_id == 0) || !confirm_removal(&removal)) {
        return false;
    }
    tool_draw_key(key);
    const struct msg request = {
        .id = MSG_user_remove,
        .user_remove = {.user_id = user_id,
                        .idempotency_key = {.data = (const char *)key, .bytes = sizeof(key)},
                        .heir_id = heir_id,
                        .has_origin = true,
                        .origin = tool_origin(tool)}};
    const enum err err = tool_ask(tool, &request, take_removed, &ended);
    if (err == ERR_OK) {
        show_removed(tool, ended);
    } else if (err == ERR_CONFLICT) {
        tool_complain("this is the last admin who may sign in: make somebody else one first");
    } else {
        tool_explain(err);
    }
    return err == ERR_OK;
}
