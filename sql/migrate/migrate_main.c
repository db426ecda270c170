/* lynks-migrate: waits for the database, applies what is missing, ends. Exit code 0: the database
 * is as this version needs it. */
#include "proto/base/exit_code.h"
#include "proto/base/log.h"
#include "sql/migrate/migrate.h"

#include <sodium.h>

#define OPTION(member) offsetof(struct migrate_config, member)

static const struct config_option options[] = {
    DB_OPTIONS(struct migrate_config, db),
    {"LYNKS_SQL_DIR", CONFIG_STRING, OPTION(sql_dir), "sql", 1, 4096, NULL,
     "folder of the migrations"},
    {"LYNKS_DEMO_USER", CONFIG_BOOL, OPTION(demo_user), "0", 0, 1, NULL,
     "1: add user testuser with password test123; 0: remove it if this added it"},
    {"LYNKS_MIGRATE_WAIT_S", CONFIG_UINT, OPTION(wait_s), "30", 0, 3600, NULL,
     "how long to wait for the database to answer"},
    {"LYNKS_MIGRATE_TIMEOUT_S", CONFIG_UINT, OPTION(timeout_s), "600", 10, 86400, NULL,
     "bound on each statement, and on waiting for another migrator"},
    {"LYNKS_ARGON2_MEMORY_KIB", CONFIG_UINT, OPTION(password.memory_kib), "19456", 8, 4194304, NULL,
     "memory that one password hash takes"},
    {"LYNKS_ARGON2_PASSES", CONFIG_UINT, OPTION(password.passes), "2", 1, 100, NULL,
     "passes over that memory"},
    {.name = NULL},
};

/* The migrator tells people itself, with db_error. */
static void drop_line(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)line;
}

int main(int argc, char **argv)
{
    struct migrate_config config = {0};
    enum config_outcome outcome = config_load(&config, "migrate", options, argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    log_set_sink(drop_line, NULL);
    int exit_code = sodium_init() >= 0 && migrate_run(&config) ? EXIT_OK : EXIT_FAILED;
    config_free(&config, options);
    return exit_code;
}
