#include "sql/migrate/adopt.h"

#include <stdlib.h>

#define NAMED_MAX 10

static const char select_columns[] =
    "SELECT COUNT(*), COALESCE(SUM(column_name IN ('id', 'username', 'password')), 0) = 3"
    " FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'users'";
static const char select_counts[] =
    "SELECT COUNT(*), COUNT(*) - COUNT(username), COUNT(*) - COUNT(password) FROM users";
/* Names are compared as the widened table will compare them. */
static const char select_duplicates[] =
    "SELECT MIN(username) FROM users GROUP BY CONVERT(username USING utf8mb4) COLLATE utf8mb4_bin"
    " HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 11";

struct numbers {
    uint64_t n[3];
};

static void take_numbers(void *arg, const struct db_value *columns, size_t count)
{
    struct numbers *numbers = arg;
    for (size_t i = 0; i < count && i < ARRAY_LEN(numbers->n); i++) {
        numbers->n[i] = columns[i].u;
    }
}

static enum err select_numbers(struct db *db, const char *sql, struct numbers *ret)
{
    const struct db_statement statement = {.sql = sql, .fn = take_numbers, .arg = ret};
    return db_run(db, &statement, NULL);
}

struct names {
    char *text; /* 'ann', 'bob'; NULL: none */
    size_t count;
};

static void take_name(void *arg, const struct db_value *columns, size_t count)
{
    struct names *names = arg;
    if (count != 1 || ++names->count > NAMED_MAX + 1) {
        return;
    }
    char *longer = names->count > NAMED_MAX
                       ? mem_printf("%s and more", names->text)
                       : mem_printf("%s%s'%.*s'", names->text != NULL ? names->text : "",
                                    names->text != NULL ? ", " : "", (int)columns[0].s.bytes,
                                    columns[0].s.data);
    free(names->text);
    names->text = longer;
}

static enum err check_duplicates(struct db *db, char **ret_why)
{
    struct names names = {0};
    const struct db_statement statement = {
        .sql = select_duplicates, .fn = take_name, .arg = &names};
    enum err err = db_run(db, &statement, NULL);
    if (err == ERR_OK && names.text != NULL) {
        *ret_why = mem_printf("table users has more than one user named %s: rename or remove all "
                              "but one of each",
                              names.text);
    }
    free(names.text);
    return err;
}

enum err adopt_check(struct db *db, uint64_t *ret_users, char **ret_why)
{
    *ret_users = 0;
    *ret_why = NULL;
    struct numbers columns = {0};
    enum err err = select_numbers(db, select_columns, &columns);
    if (err != ERR_OK || columns.n[0] == 0) {
        return err;
    }
    if (columns.n[1] == 0) {
        *ret_why = mem_strdup("there is a table users without the columns id, username and "
                              "password: not one of ours");
        return ERR_OK;
    }
    struct numbers users = {0};
    err = select_numbers(db, select_counts, &users);
    if (err != ERR_OK) {
        return err;
    }
    *ret_users = users.n[0];
    if (users.n[1] + users.n[2] > 0) {
        *ret_why = mem_printf("table users has %" PRIu64 " users without a name and %" PRIu64
                              " without a password: give them one or remove them",
                              users.n[1], users.n[2]);
        return ERR_OK;
    }
    return check_duplicates(db, ret_why);
}
