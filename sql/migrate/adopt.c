#include "sql/migrate/adopt.h"

#include "proto/db/db_query.h"

#define NAMED_MAX 10

struct found_columns {
    uint64_t count;
    uint64_t has_ours;
};

static const struct db_query select_columns = {
    .sql = "SELECT COUNT(*), COALESCE(SUM(column_name IN ('id', 'username', 'password')), 0) = 3"
           " FROM information_schema.columns"
           " WHERE table_schema = DATABASE() AND table_name = 'users'",
    .columns = DB_FIELDS(struct found_columns, count, has_ours)};

struct found_users {
    uint64_t count;
    uint64_t nameless;
    uint64_t without_password;
};

static const struct db_query count_users = {
    .sql = "SELECT COUNT(*), COUNT(*) - COUNT(username), COUNT(*) - COUNT(password) FROM users",
    .columns = DB_FIELDS(struct found_users, count, nameless, without_password)};

struct found_names {
    struct found_name {
        char name[256];
    } items[NAMED_MAX + 1];
    size_t count;
};

/* Names are compared as the widened table will compare them. */
static const struct db_query select_duplicates = {
    .sql = "SELECT LEFT(MIN(username), 60) FROM users"
           " GROUP BY CONVERT(username USING utf8mb4) COLLATE utf8mb4_bin"
           " HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 11",
    .columns = DB_FIELDS(struct found_name, name),
    .rows = DB_ROWS(struct found_names, items, count)};

static enum err check_duplicates(struct db *db, char **ret_why)
{
    struct found_names found = {0};
    enum err err = db_query_run(db, &select_duplicates, &found, NULL);
    if (err != ERR_OK || found.count == 0) {
        return err;
    }
    AUTO(mem_free) char *names = mem_printf("'%s'", found.items[0].name);
    for (size_t i = 1; i < found.count; i++) {
        AUTO(mem_free) char *shorter = STEAL(names);
        names = i < NAMED_MAX ? mem_printf("%s, '%s'", shorter, found.items[i].name)
                              : mem_printf("%s and more", shorter);
    }
    *ret_why = mem_printf("table users has more than one user named %s: rename or remove all "
                          "but one of each",
                          names);
    return ERR_OK;
}

enum err adopt_check(struct db *db, uint64_t *ret_users, char **ret_why)
{
    *ret_users = 0;
    *ret_why = NULL;
    struct found_columns columns = {0};
    enum err err = db_query_run(db, &select_columns, &columns, NULL);
    if (err != ERR_OK || columns.count == 0) {
        return err;
    }
    if (columns.has_ours == 0) {
        *ret_why = mem_strdup("there is a table users without the columns id, username and "
                              "password: not one of ours");
        return ERR_OK;
    }
    struct found_users users = {0};
    err = db_query_run(db, &count_users, &users, NULL);
    if (err != ERR_OK) {
        return err;
    }
    *ret_users = users.count;
    if (users.nameless + users.without_password > 0) {
        *ret_why = mem_printf("table users has %" PRIu64 " users without a name and %" PRIu64
                              " without a password: give them one or remove them",
                              users.nameless, users.without_password);
        return ERR_OK;
    }
    return check_duplicates(db, ret_why);
}
