#include "deploy/lynks-admin/commands.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#define TOKEN_HASH_BYTES 32
#define PASSWORD_BYTES 1026

/* What the file says; "": nothing. */
static void read_first_password(const char *path, char ret_password[PASSWORD_BYTES])
{
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(ret_password, PASSWORD_BYTES, file) == NULL) {
        ret_password[0] = '\0';
    }
    ret_password[strcspn(ret_password, "\n")] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* The file stays, so that the next start does not draw another one. Where it cannot be written (in
 * a container) what it says is of no use to anybody either. */
static void empty_file(const char *path)
{
    const int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
}

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

static void take_disabled(void *arg, const struct msg *reply)
{
    *(bool *)arg = reply->user_get_reply.user.disabled;
}

/* Whoever is disabled is answered as if the password were wrong. */
static bool is_disabled(struct tool *tool)
{
    const struct msg request = {.id = MSG_user_get, .user_get = {.username = STR_LIT("admin")}};
    bool is_so = false;
    (void)tool_ask(tool, &request, take_disabled, &is_so);
    return is_so;
}

bool first_password_show(struct tool *tool, char **arguments, int count)
{
    char password[PASSWORD_BYTES];
    (void)arguments;
    (void)count;
    read_first_password(tool->config->first_password, password);
    const bool is_known = password[0] != '\0';
    const enum err err = is_known ? try_password(tool, str_of(password)) : ERR_BAD_CREDENTIALS;
    if (err == ERR_OK) {
        (void)printf(tool->wants_json ? "{\"username\": \"admin\", \"password\": \"%s\"}\n"
                                      : "%s\n",
                     password);
    } else if (err != ERR_BAD_CREDENTIALS) {
        tool_explain(err);
    } else if (is_known && is_disabled(tool)) {
        tool_complain("admin may not sign in: he is disabled");
    } else {
        tool_complain("the first password of admin is not in use any more: it was changed");
        if (is_known) {
            empty_file(tool->config->first_password);
        }
    }
    explicit_bzero(password, sizeof(password));
    return err == ERR_OK;
}
