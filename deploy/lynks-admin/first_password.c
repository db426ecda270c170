#include "deploy/lynks-admin/commands.h"

#include <sodium.h>

#define TOKEN_HASH_BYTES 32

/* Whether it is still his is seen by signing in with it; that session is ended at once. Nobody has
 * its token: only the hash was drawn. */
static enum err try_password(struct tool *tool, struct str password)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    randombytes_buf(hash, sizeof(hash));
    const struct str token_hash = {.data = (const char *)hash, .bytes = sizeof(hash)};
    const struct msg open = {.id = MSG_session_open,
                             .session_open = {.username = STR_LIT("admin"),
                                              .password = password,
                                              .token_hash = token_hash,
                                              .device = STR_LIT("lynks-admin")}};
    const struct msg end = {.id = MSG_session_revoke, .session_revoke = {.token_hash = token_hash}};
    const enum err err = tool_ask(tool, &open, NULL, NULL);
    return err == ERR_OK ? tool_ask(tool, &end, NULL, NULL) : err;
}

bool first_password_show(struct tool *tool, char **arguments, int count)
{
    (void)arguments;
    (void)count;
    const char *password = tool->config->admin_password;
    const enum err err =
        password[0] != '\0' ? try_password(tool, str_of(password)) : ERR_BAD_CREDENTIALS;
    if (err == ERR_BAD_CREDENTIALS) {
        tool_complain("the first password of admin does not hold any more");
    } else if (err != ERR_OK) {
        tool_explain(err);
    } else if (tool->wants_json) {
        (void)printf("{\"username\": \"admin\", \"password\": \"%s\"}\n", password);
    } else {
        (void)printf("%s\n", password);
    }
    return err == ERR_OK;
}
