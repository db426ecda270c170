/* lynks-migrate: waits for the database, applies what is missing, ends. Exit code 0: the database
 * is as this version needs it. With --demo-user it only prints whether there is to be one, 1 or 0.
 */
#include "proto/base/exit_code.h"
#include "proto/base/log.h"
#include "proto/base/reach.h"
#include "sql/migrate/migrate.h"

#include <sodium.h>
#include <stdio.h>

#define OPTION(member) offsetof(struct options, member)

struct options {
    struct migrate_config migrate;
    char *demo_user;
    char *http_host, *published, *public_url, *domain, *trusted_proxies;
};

static const struct config_option options[] = {
    DB_OPTIONS(struct options, migrate.db),
    {"LYNKS_SQL_DIR", CONFIG_STRING, OPTION(migrate.sql_dir), "sql", 1, 4096, NULL,
     "folder of the migrations"},
    {"LYNKS_DEMO_USER", CONFIG_CHOICE, OPTION(demo_user), "0", 0, 0, "0|1|false|true|auto",
     "1: add user testuser with password test123; 0: remove it if this added it; auto: 0 where "
     "others can reach the API, as the gateway's variables say"},
    {"LYNKS_ADMIN_PASSWORD", CONFIG_SECRET, OPTION(migrate.admin_password), "", 0, 1024, NULL,
     "makes user admin with this password in a database that never had an admin; empty: makes "
     "none"},
    {"LYNKS_HTTP_HOST", CONFIG_STRING, OPTION(http_host), "127.0.0.1", 1, 64, NULL,
     "of the gateway, for auto"},
    {"LYNKS_HTTP_PUBLISHED", CONFIG_STRING, OPTION(published), "", 0, 80, NULL, "likewise"},
    {"LYNKS_PUBLIC_URL", CONFIG_STRING, OPTION(public_url), "", 0, 300, NULL, "likewise"},
    {"LYNKS_DOMAIN", CONFIG_STRING, OPTION(domain), "", 0, 253, NULL, "likewise"},
    {"LYNKS_TRUSTED_PROXIES", CONFIG_STRING, OPTION(trusted_proxies), "", 0, 4096, NULL,
     "likewise"},
    {"LYNKS_MIGRATE_WAIT_S", CONFIG_UINT, OPTION(migrate.wait_s), "30", 0, 3600, NULL,
     "how long to wait for the database to answer"},
    {"LYNKS_MIGRATE_TIMEOUT_S", CONFIG_UINT, OPTION(migrate.timeout_s), "600", 10, 86400, NULL,
     "bound on each statement, and on waiting for another migrator"},
    {"LYNKS_ARGON2_MEMORY_KIB", CONFIG_UINT, OPTION(migrate.password.memory_kib), "19456", 8,
     4194304, NULL, "memory that one password hash takes"},
    {"LYNKS_ARGON2_PASSES", CONFIG_UINT, OPTION(migrate.password.passes), "2", 1, 100, NULL,
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

static bool wants_demo_user(const struct options *config)
{
    const struct reach reach = {.http_host = config->http_host,
                                .published = config->published,
                                .public_url = config->public_url,
                                .domain = config->domain,
                                .trusted_proxies = config->trusted_proxies};
    return strcmp(config->demo_user, "auto") == 0
               ? !reach_is_by_others(&reach)
               : strcmp(config->demo_user, "1") == 0 || strcmp(config->demo_user, "true") == 0;
}

int main(int argc, char **argv)
{
    struct options config = {0};
    bool only_tells = argc == 2 && strcmp(argv[1], "--demo-user") == 0;
    enum config_outcome outcome =
        config_load(&config, "migrate", options, only_tells ? 1 : argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    int exit_code = EXIT_OK;
    config.migrate.demo_user = wants_demo_user(&config);
    if (only_tells) {
        (void)printf("%d\n", config.migrate.demo_user);
    } else {
        log_set_sink(drop_line, NULL);
        exit_code = sodium_init() >= 0 && migrate_run(&config.migrate) ? EXIT_OK : EXIT_FAILED;
    }
    config_free(&config, options);
    return exit_code;
}
