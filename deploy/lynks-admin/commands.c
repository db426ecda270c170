#include "deploy/lynks-admin/commands.h"

const struct command commands[] = {
    {"user", "list", "[SEARCH]", 0, 1, "everybody, or in whose names it stands", user_list},
    {"user", "add", "NAME [admin]", 1, 2, "asks for a password; a member, or an admin", user_add},
    {"user", "show", "NAME", 1, 1, "who it is", user_show},
    {"user", "role", "NAME admin|member", 2, 2, "what he may do, in force within a second",
     user_set_role},
    {"user", "disable", "NAME", 1, 1, "he may not sign in, and is signed out everywhere",
     user_disable},
    {"user", "enable", "NAME", 1, 1, "he may sign in again", user_enable},
    {"user", "passwd", "NAME", 1, 1, "gives him another password, and signs him out everywhere",
     user_passwd},
    {"user", "remove", "NAME [--rooms end|transfer:NAME] [--yes]", 1, 4,
     "he is gone; his rooms end, or are another's", user_remove},
    {"session", "list", "NAME", 1, 1, "the devices on which he is signed in", session_list},
    {"session", "revoke", "NAME [SESSION]", 1, 2, "signs out one of them, or all", session_revoke},
    {"room", "list", "[NAME]", 0, 1, "all that are open, or those of a user", room_list},
    {"room", "show", "ROOM", 1, 1, "one of them", room_show},
    {"room", "end", "ROOM [--yes]", 1, 2, "for good; everybody is out of it within seconds",
     room_end},
    {"audit", NULL, "[--user NAME] [--since DAY]", 0, 4,
     "what admins and this tool have done to others, and when", audit_show},
    {"password", NULL, "", 0, 0, "the first admin's, until it is changed", first_password_show},
    {.subject = NULL},
};

const struct command *commands_find(int count, char **words)
{
    for (const struct command *c = commands; c->subject != NULL; c++) {
        const int name_words = c->verb != NULL ? 2 : 1;
        if (count >= name_words + c->required && count <= name_words + c->allowed &&
            strcmp(words[0], c->subject) == 0 &&
            (c->verb == NULL || strcmp(words[1], c->verb) == 0)) {
            return c;
        }
    }
    return NULL;
}

void commands_print_usage(FILE *out)
{
    (void)fputs("usage: lynks-admin [--json] COMMAND\n\n", out);
    for (const struct command *c = commands; c->subject != NULL; c++) {
        AUTO(mem_free)
        char *words = mem_printf("%s%s%s %s", c->subject, c->verb != NULL ? " " : "",
                                 c->verb != NULL ? c->verb : "", c->arguments);
        (void)fprintf(out, "  %-54s %s\n", words, c->doc);
    }
    (void)fputs(
        "\n--json prints what programs read. Passwords are asked for, or read from standard "
        "input; never an argument.\n",
        out);
}
