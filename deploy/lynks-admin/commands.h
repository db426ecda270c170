/* What lynks-admin can do: a row a command. */
#ifndef LYNKS_DEPLOY_LYNKS_ADMIN_COMMANDS_H
#define LYNKS_DEPLOY_LYNKS_ADMIN_COMMANDS_H

#include "deploy/lynks-admin/tool.h"

struct command {
    const char *subject, *verb;
    const char *arguments; /* as the usage names them: "NAME [SESSION]" */
    int required, allowed; /* how many */
    const char *doc;
    bool (*run)(struct tool *tool, char **arguments, int count); /* false: it has complained */
};

/* Ended by one without a subject. */
extern const struct command commands[];

/* What the words after the options name; NULL: nothing, or with too few or too many arguments. */
const struct command *commands_find(int count, char **words);
void commands_print_usage(FILE *out);

/* users.c */
bool user_show(struct tool *tool, char **arguments, int count);
bool user_set_role(struct tool *tool, char **arguments, int count);
bool user_disable(struct tool *tool, char **arguments, int count);
bool user_enable(struct tool *tool, char **arguments, int count);
bool user_passwd(struct tool *tool, char **arguments, int count);
bool user_add(struct tool *tool, char **arguments, int count);
bool user_list(struct tool *tool, char **arguments, int count);
/* The id of the user of this exact name; 0: it has complained. */
uint64_t user_find_id(struct tool *tool, const char *name);

/* removal.c */
bool user_remove(struct tool *tool, char **arguments, int count);

/* sessions.c */
bool session_list(struct tool *tool, char **arguments, int count);
bool session_revoke(struct tool *tool, char **arguments, int count);

/* rooms.c */
bool room_list(struct tool *tool, char **arguments, int count);
bool room_show(struct tool *tool, char **arguments, int count);
bool room_end(struct tool *tool, char **arguments, int count);

/* audit.c */
bool audit_show(struct tool *tool, char **arguments, int count);

/* first_password.c */
bool first_password_show(struct tool *tool, char **arguments, int count);

#endif
