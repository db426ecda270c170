/* lynks-admin: users, sessions and rooms from the shell, over the bus. --help tells the commands.
 */
#include "deploy/lynks-admin/commands.h"
#include "proto/base/config.h"
#include "proto/base/exit_code.h"
#include "proto/base/log.h"

#include <sodium.h>

#define OPTION(member) offsetof(struct tool_config, member)

static const struct config_option options[] = {
    {"LYNKS_AUTHSVC_ADDRESS", CONFIG_STRING, OPTION(authsvc_address), "127.0.0.1:5701", 1, 1024,
     NULL, "where authsvc is: host:port[,host:port...]"},
    {"LYNKS_ROOMSVC_ADDRESS", CONFIG_STRING, OPTION(roomsvc_address), "127.0.0.1:5702", 1, 1024,
     NULL, "where roomsvc is: host:port[,host:port...]"},
    {"LYNKS_BUS_SECRET_KEY", CONFIG_SECRET, OPTION(bus_secret_key), NULL, 40, 40, NULL,
     "the CURVE secret key of the role admin, Z85"},
    {"LYNKS_BUS_PUBLIC_KEYS", CONFIG_STRING, OPTION(bus_public_keys), NULL, 1, 4096, NULL,
     "the roles' public keys: role=Z85 separated by commas"},
    {"LYNKS_ADMIN_TIMEOUT_S", CONFIG_UINT, OPTION(timeout_s), "10", 1, 600, NULL,
     "how long a command waits for its answer"},
    {"LYNKS_FIRST_PASSWORD", CONFIG_STRING, OPTION(first_password), "", 0, 4096, NULL,
     "file with the first admin's password, for the command password; emptied once it was changed"},
    {.name = NULL},
};

/* The tool tells people itself. */
static void drop_log_line(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)line;
}

static bool is_for_config(const char *word)
{
    return strcmp(word, "--options") == 0 || strcmp(word, "--check") == 0 ||
           strcmp(word, "--version") == 0;
}

int main(int argc, char **argv)
{
    struct tool_config config = {0};
    struct tool tool = {.wants_json = argc > 1 && strcmp(argv[1], "--json") == 0};
    const int first = tool.wants_json ? 2 : 1;
    const struct command *command = commands_find(argc - first, argv + first);
    const bool wants_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (command == NULL && !(argc == 2 && is_for_config(argv[1]))) {
        commands_print_usage(wants_help ? stdout : stderr);
        return wants_help ? EXIT_OK : EXIT_USAGE;
    }
    const enum config_outcome outcome =
        config_load(&config, "admin", options, command == NULL ? argc : 1, argv);
    if (outcome != CONFIG_RUN || command == NULL) {
        return config_exit_code(outcome);
    }
    log_set_sink(drop_log_line, NULL);
    const int words = command->verb != NULL ? 2 : 1;
    const bool ok = sodium_init() >= 0 && tool_open(&tool, &config) &&
                    command->run(&tool, argv + first + words, argc - first - words);
    tool_close(&tool);
    config_free(&config, options);
    return ok ? EXIT_OK : EXIT_FAILED;
}
