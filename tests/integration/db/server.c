#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/db/server.h"

#define OUTPUT_BYTES_MAX 65536

extern char **environ;

static struct program start(char *const *arguments, char *const *environment)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    struct program program = {.output = ends[0]};
    assert_int_equal(
        posix_spawn(&program.pid, arguments[0], &actions, NULL, arguments, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    return program;
}

struct program program_start(const char *path, char *const *environment)
{
    AUTO(mem_free) char *copy = mem_strdup(path);
    char *const arguments[] = {copy, NULL};
    return start(arguments, environment);
}

char *program_finish(struct program *program, int *ret_status)
{
    char *text = mem_alloc(OUTPUT_BYTES_MAX + 1);
    size_t bytes = 0;
    ssize_t got;
    while (bytes < OUTPUT_BYTES_MAX &&
           (got = read(program->output, text + bytes, OUTPUT_BYTES_MAX - bytes)) > 0) {
        bytes += (size_t)got;
    }
    close(program->output);
    assert_int_equal(waitpid(program->pid, ret_status, 0), program->pid);
    return text;
}

/* tests/support/mariadb with these arguments; its output. */
static char *script(const char *verb, const char *folder, const char *port)
{
    AUTO(mem_free) char *path = mem_strdup(LYNKS_SOURCE_DIR "/tests/support/mariadb");
    AUTO(mem_free) char *verb_copy = mem_strdup(verb);
    AUTO(mem_free) char *folder_copy = mem_strdup(folder);
    AUTO(mem_free) char *port_copy = mem_strdup(port);
    char *const arguments[] = {path, verb_copy, folder_copy, port_copy, NULL};
    struct program program = start(arguments, environ);
    int status = -1;
    char *output = program_finish(&program, &status);
    if (status != 0) {
        fail_msg("tests/support/mariadb %s: %s", verb, output);
    }
    return output;
}

/* The value of the line NAME=value; caller frees. */
static char *value_of(const char *lines, const char *name)
{
    AUTO(mem_free) char *start_of = mem_printf("%s=", name);
    for (const char *line = lines; line != NULL && *line != '\0';) {
        if (strncmp(line, start_of, strlen(start_of)) == 0) {
            const char *value = line + strlen(start_of);
            return str_dup((struct str){.data = value, .bytes = strcspn(value, "\n")});
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    fail_msg("no %s in: %s", name, lines);
    return NULL;
}

static void launch(struct server *server, const char *port)
{
    AUTO(mem_free) char *lines = script("start", server->folder, port);
    AUTO(mem_free) char *pid = value_of(lines, "MARIADB_PID");
    AUTO(mem_free) char *port_text = value_of(lines, "LYNKS_MYSQL_PORT");
    if (server->password == NULL) { /* borrowed by others from then on */
        server->password = value_of(lines, "LYNKS_MYSQL_PASSWORD");
    }
    server->pid = (pid_t)strtol(pid, NULL, 10);
    server->db.port = strtoul(port_text, NULL, 10);
    server->db.password = server->password;
}

int server_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    struct server *server = mem_alloc(sizeof(*server));
    server->folder = mem_printf("%s/lynks-db.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(server->folder) == NULL) {
        return -1;
    }
    static char host[] = "127.0.0.1";
    static char user[] = "lynks";
    static char database[] = "lynks_db";
    server->db =
        (struct db_config){.host = host, .user = user, .database = database, .timeout_s = 2};
    launch(server, "0");
    *state = server;
    return 0;
}

int server_teardown(void **state)
{
    struct server *server = *state;
    free(script("stop", server->folder, NULL));
    AUTO(mem_free) char *rm = mem_strdup("/bin/rm");
    AUTO(mem_free) char *flags = mem_strdup("-rf");
    char *const arguments[] = {rm, flags, server->folder, NULL};
    struct program program = start(arguments, environ);
    int status = -1;
    free(program_finish(&program, &status));
    free(server->password);
    free(server->folder);
    free(server);
    return status;
}

void server_kill(struct server *server)
{
    free(script("kill", server->folder, NULL));
}

void server_restart(struct server *server)
{
    AUTO(mem_free) char *port = mem_printf("%" PRIu64, server->db.port);
    launch(server, port);
}

static char state_of(pid_t pid)
{
    AUTO(mem_free) char *path = mem_printf("/proc/%d/stat", (int)pid);
    char line[256] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    const char *end_of_name = strrchr(line, ')');
    assert_non_null(end_of_name);
    return end_of_name[2];
}

void server_stop_responding(const struct server *server)
{
    assert_int_equal(kill(server->pid, SIGSTOP), 0);
    while (state_of(server->pid) != 'T') {
        sched_yield(); /* the signal is on its way */
    }
}

void server_go_on(const struct server *server)
{
    assert_int_equal(kill(server->pid, SIGCONT), 0);
}

void server_as_root(const struct server *server, const char *sql)
{
    AUTO(mem_free) char *path = mem_printf("%s/root.password", server->folder);
    char password[64] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(password, sizeof(password), file));
    (void)fclose(file);
    password[strcspn(password, "\n")] = '\0';
    AUTO(mem_free) char *program_path = mem_strdup("/usr/bin/mariadb");
    AUTO(mem_free) char *defaults = mem_strdup("--no-defaults");
    AUTO(mem_free) char *socket = mem_printf("--socket=%s/mariadb.sock", server->folder);
    AUTO(mem_free) char *user = mem_strdup("--user=root");
    AUTO(mem_free) char *execute = mem_printf("--execute=%s", sql);
    AUTO(mem_free) char *secret = mem_printf("MYSQL_PWD=%s", password);
    char *const arguments[] = {program_path, defaults, socket, user, execute, NULL};
    char *const environment[] = {secret, NULL};
    struct program program = start(arguments, environment);
    int status = -1;
    AUTO(mem_free) char *output = program_finish(&program, &status);
    if (status != 0) {
        fail_msg("%s: %s", sql, output);
    }
}

void server_set_hostile_defaults(const struct server *server)
{
    server_as_root(server,
                   "SET GLOBAL autocommit = 0, GLOBAL completion_type = 'CHAIN',"
                   " GLOBAL tx_read_only = 1, GLOBAL tx_isolation = 'SERIALIZABLE',"
                   " GLOBAL sql_mode = 'ORACLE,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES',"
                   " GLOBAL time_zone = '+09:30', GLOBAL innodb_lock_wait_timeout = 0,"
                   " GLOBAL lock_wait_timeout = 0, GLOBAL wait_timeout = 1,"
                   " GLOBAL foreign_key_checks = 0, GLOBAL unique_checks = 0,"
                   " GLOBAL sql_safe_updates = 1, GLOBAL sql_select_limit = 1,"
                   " GLOBAL max_statement_time = 0.2,"
                   " GLOBAL init_connect = 'SET NAMES latin1, autocommit = 0'");
}

void server_reset_defaults(const struct server *server)
{
    server_as_root(server,
                   "SET GLOBAL autocommit = DEFAULT, GLOBAL completion_type = DEFAULT,"
                   " GLOBAL tx_read_only = DEFAULT, GLOBAL tx_isolation = DEFAULT,"
                   " GLOBAL sql_mode = DEFAULT, GLOBAL time_zone = DEFAULT,"
                   " GLOBAL innodb_lock_wait_timeout = DEFAULT, GLOBAL lock_wait_timeout = DEFAULT,"
                   " GLOBAL wait_timeout = DEFAULT, GLOBAL foreign_key_checks = DEFAULT,"
                   " GLOBAL unique_checks = DEFAULT, GLOBAL sql_safe_updates = DEFAULT,"
                   " GLOBAL sql_select_limit = DEFAULT, GLOBAL max_statement_time = DEFAULT,"
                   " GLOBAL init_connect = DEFAULT, GLOBAL read_only = DEFAULT");
}

void server_make_database(struct server *server, char *name, struct db_config *ret)
{
    AUTO(db_free) struct db *db = db_new(&server->db);
    AUTO(mem_free) char *drop = mem_printf("DROP DATABASE IF EXISTS %s", name);
    /* An old default, as an original database may well have. */
    AUTO(mem_free)
    char *create =
        mem_printf("CREATE DATABASE %s CHARACTER SET latin1 COLLATE latin1_swedish_ci", name);
    must_run(db, drop);
    must_run(db, create);
    *ret = server->db;
    ret->database = name;
}

void must_run(struct db *db, const char *sql)
{
    if (db_run_text(db, str_of(sql), NULL) != ERR_OK) {
        fail_msg("%s: %s", sql, db_error(db));
    }
}

static void take_text(void *arg, const struct db_value *columns, size_t count)
{
    char **text = arg;
    if (count != 1 || *text != NULL) {
        return;
    }
    if (columns[0].type == DB_U64) {
        *text = mem_printf("%" PRIu64, columns[0].u);
    } else {
        *text = str_dup(columns[0].s);
    }
}

char *must_select(struct db *db, const char *sql)
{
    char *text = NULL;
    const struct db_statement statement = {.sql = sql, .fn = take_text, .arg = &text};
    if (db_run(db, &statement, NULL) != ERR_OK) {
        fail_msg("%s: %s", sql, db_error(db));
    }
    return text != NULL ? text : mem_strdup("");
}
