#include "proto/db/db.h"

#include "proto/base/clock.h"
#include "proto/db/db_errno.h"
#include "proto/base/log.h"

#include <errmsg.h>
#include <mysql.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#define STATEMENTS_MAX 64
#define COLUMN_BYTES_MAX 65536
#define ERROR_BYTES 512
/* The server keeps the locks of a client that has vanished for no longer. */
#define IDLE_MAX_S 600
/* Likewise, of one that stops in the middle of a transaction. */
#define IDLE_IN_TRANSACTION_S 3
#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

struct column {
    bool is_integer;
    uint64_t u;
    char *data; /* NULL for an integer */
    unsigned long bytes;
    my_bool is_null;
};

/* One prepared statement with the places its parameters and results go to. */
struct prepared {
    const char *sql;
    MYSQL_STMT *stmt;
    MYSQL_BIND *params;
    unsigned long *param_bytes;
    size_t param_count;
    MYSQL_BIND *binds;
    struct column *columns;
    struct db_value *row;
    size_t column_count;
};

struct db {
    struct db_config config; /* strings borrowed */
    MYSQL *mysql;            /* NULL: not connected */
    struct prepared *statements[STATEMENTS_MAX];
    size_t next_slot; /* the statement to give way when the cache is full */
    bool in_transaction;
    bool is_held; /* do not reconnect once it was connected */
    uint64_t insert_id;
    bool was_lost; /* logged; the return will be too */
    bool has_connected;
    bool is_refused; /* the last attempt to connect was */
    struct log_gate error_gate;
    char error[ERROR_BYTES];
};

static void library_init(void)
{
    mysql_library_init(0, NULL, NULL);
}

struct db *db_new(const struct db_config *config)
{
    /* mysql_init would do it too, but not safely from several threads at once. */
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_init);
    struct db *db = mem_alloc(sizeof(*db));
    db->config = *config;
    return db;
}

static void prepared_free(struct prepared *p)
{
    if (p == NULL) {
        return;
    }
    if (p->stmt != NULL) {
        mysql_stmt_close(p->stmt);
    }
    for (size_t i = 0; i < p->column_count; i++) {
        free(p->columns[i].data);
    }
    free(p->params);
    free(p->param_bytes);
    free(p->binds);
    free(p->columns);
    free(p->row);
    free(p);
}

static void disconnect(struct db *db)
{
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        prepared_free(STEAL(db->statements[i]));
    }
    if (db->mysql != NULL) {
        mysql_close(STEAL(db->mysql));
    }
}

void db_free(struct db **db)
{
    if (*db != NULL) {
        disconnect(*db);
        mem_free(db);
    }
}

void db_drop(struct db *db)
{
    if (!db->in_transaction && !db->is_held) {
        disconnect(db);
    }
}

void db_hold(struct db *db)
{
    db->is_held = true;
}

bool db_is_refused(const struct db *db)
{
    return db->is_refused;
}

const char *db_error(const struct db *db)
{
    return db->error;
}

static void note_lost(struct db *db, unsigned number)
{
    if (!db->was_lost) {
        /* Once for each connection; whoever has a pool of them warns (db_pool.h). */
        log_info("no database connection", LOG_U64("code", number), LOG_Z("reason", db->error),
                 LOG_Z("host", db->config.host), LOG_U64("port", db->config.port));
        db->was_lost = true;
    }
}

/* Keeps the text, drops the connection if it is lost, logs what has to be logged. sql NULL: the
 * caller tells it itself. */
static enum err failed(struct db *db, unsigned number, const char *text, const char *sql)
{
    struct db_errno code = db_errno_of(number);
    AUTO(mem_free) char *copy = mem_printf("%.*s", ERROR_BYTES - 1, text);
    memcpy(db->error, copy, strlen(copy) + 1);
    if (code.is_lost) {
        disconnect(db);
        note_lost(db, number);
    } else if (code.err == ERR_INTERNAL && sql != NULL) {
        log_error_limited(&db->error_gate, system_mono_ms(), "database statement failed",
                          LOG_U64("code", number), LOG_Z("reason", db->error), LOG_Z("sql", sql));
    }
    return code.err;
}

enum err db_mistake(struct db *db, const char *what, const char *sql)
{
    return failed(db, 0, what, sql);
}

static bool is_encrypted(const struct db_config *config)
{
    return config->tls != NULL && strcmp(config->tls, "off") != 0;
}

static bool is_verified(const struct db_config *config)
{
    return config->tls != NULL && strcmp(config->tls, "verify") == 0;
}

const char *db_config_protection(const struct db_config *config)
{
    return is_verified(config)    ? "TLS, certificate verified"
           : is_encrypted(config) ? "TLS, certificate not verified"
                                  : "not encrypted";
}

/* Despite "enforce" the library (3.3) goes on in clear where the server has no TLS, unless it
 * verifies: so that is looked at afterwards (is_in_clear). With "verify" it compares the
 * certificate with the host's name, too. */
static void set_tls(const struct db_config *config, MYSQL *mysql)
{
    const bool has_ca = config->ca_file != NULL && config->ca_file[0] != '\0';
    const my_bool enforce = is_encrypted(config) ? 1 : 0;
    const my_bool verify = is_verified(config) ? 1 : 0;
    mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (verify) {
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, has_ca ? config->ca_file : SYSTEM_CA_FILE);
    }
}

/* Though it must not be. */
static bool is_in_clear(const struct db_config *config, MYSQL *mysql)
{
    return is_encrypted(config) && mysql_get_ssl_cipher(mysql) == NULL;
}

static void set_options(const struct db *db, MYSQL *mysql)
{
    unsigned timeout_s = (unsigned)db->config.timeout_s;
    unsigned tcp = MYSQL_PROTOCOL_TCP; /* or "localhost" would mean a socket file */
    unsigned off = 0;
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
    mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout_s);
    mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout_s);
    mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp);
    /* A server could ask for any file of ours otherwise. */
    mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    set_tls(&db->config, mysql);
}

/* Our own rules, whatever the server's defaults are and its init_connect has done. MySQL and
 * MariaDB have different variables for how a transaction begins, so a statement sets that. What
 * stands in M! is read by MariaDB alone, what stands in !80000 by MySQL alone, which knows no limit
 * of its own for who is idle in a transaction: there every idle connection ends, and is made again
 * when it is needed. */
static bool set_session(MYSQL *mysql, uint64_t timeout_s)
{
    /* The server gives up on a statement, and on a lock, before we give up on the server: it would
     * look dead. */
    const uint64_t statement_ms = timeout_s * 1000 - 500;
    const unsigned lock_s = (unsigned)(timeout_s > 1 ? timeout_s - 1 : 1);
    AUTO(mem_free)
    char *variables = mem_printf(
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin, SESSION autocommit = 1, SESSION completion_type = "
        "0,"
        " SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', SESSION time_zone = '+00:00',"
        " SESSION innodb_lock_wait_timeout = %u, SESSION lock_wait_timeout = %u,"
        " SESSION wait_timeout = %u, SESSION foreign_key_checks = 1, SESSION unique_checks = 1,"
        " SESSION sql_safe_updates = 0, SESSION sql_select_limit = 18446744073709551615"
        " /*M! , SESSION max_statement_time = %" PRIu64 ".%03" PRIu64
        ", SESSION idle_transaction_timeout = %u */"
        " /*!80000 , SESSION max_execution_time = %" PRIu64 ", SESSION wait_timeout = %u */",
        lock_s, lock_s, IDLE_MAX_S, statement_ms / 1000, statement_ms % 1000, IDLE_IN_TRANSACTION_S,
        statement_ms, IDLE_IN_TRANSACTION_S);
    static const char transactions[] =
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE";
    return mysql_real_query(mysql, variables, strlen(variables)) == 0 &&
           mysql_real_query(mysql, transactions, sizeof(transactions) - 1) == 0;
}

static enum err connect_to_server(struct db *db)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL) {
        abort();
    }
    set_options(db, mysql);
    const struct db_config *c = &db->config;
    if (mysql_real_connect(mysql, c->host, c->user, c->password, c->database, (unsigned)c->port,
                           NULL, 0) == NULL ||
        is_in_clear(c, mysql) || !set_session(mysql, c->timeout_s)) {
        const bool no_tls = mysql_errno(mysql) == 0;
        unsigned number = no_tls ? CR_SSL_CONNECTION_ERROR : mysql_errno(mysql);
        /* Whatever the reason (a wrong password too): there is no connection. */
        failed(db, number, no_tls ? "the server has no SSL (TLS)" : mysql_error(mysql), NULL);
        db->is_refused = db_errno_is_refusal(number);
        note_lost(db, number);
        mysql_close(mysql);
        return ERR_UNAVAILABLE;
    }
    db->mysql = mysql;
    db->has_connected = true;
    db->is_refused = false;
    if (db->was_lost) {
        log_debug("database connection is back", LOG_Z("host", c->host), LOG_U64("port", c->port));
        db->was_lost = false;
    }
    return ERR_OK;
}

/* An idle connection on which something can be read was closed, or is being closed, by the server.
 */
static bool is_closed(MYSQL *mysql)
{
    struct pollfd fd = {.fd = mysql_get_socket(mysql), .events = POLLIN};
    return poll(&fd, 1, 0) != 0;
}

/* Makes sure that there is a connection that may carry the next statement. */
static enum err get_ready(struct db *db)
{
    if (db->mysql != NULL && is_closed(db->mysql)) {
        log_debug("database connection was closed by the server");
        disconnect(db);
    }
    if (db->mysql != NULL) {
        return ERR_OK;
    }
    if (db->in_transaction || (db->is_held && db->has_connected)) {
        return ERR_UNAVAILABLE;
    }
    return connect_to_server(db);
}

static bool is_integer(enum enum_field_types type)
{
    return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
           type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

static void bind_column(struct prepared *p, size_t i, const MYSQL_FIELD *field)
{
    struct column *column = &p->columns[i];
    column->is_integer = is_integer(field->type);
    MYSQL_BIND *bind = &p->binds[i];
    bind->is_null = &column->is_null;
    bind->length = &column->bytes;
    if (column->is_integer) {
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->is_unsigned = 1;
        bind->buffer = &column->u;
        return;
    }
    unsigned long room = field->length < COLUMN_BYTES_MAX ? field->length : COLUMN_BYTES_MAX;
    column->data = mem_alloc(room + 1);
    bind->buffer_type = MYSQL_TYPE_STRING;
    bind->buffer = column->data;
    bind->buffer_length = room;
}

static void bind_columns(struct prepared *p)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(p->stmt);
    if (meta == NULL) {
        return;
    }
    p->column_count = mysql_num_fields(meta);
    p->binds = mem_alloc(p->column_count * sizeof(*p->binds));
    p->columns = mem_alloc(p->column_count * sizeof(*p->columns));
    p->row = mem_alloc(p->column_count * sizeof(*p->row));
    for (size_t i = 0; i < p->column_count; i++) {
        bind_column(p, i, mysql_fetch_field_direct(meta, (unsigned)i));
    }
    mysql_free_result(meta);
}

/* NULL: failed; *ret_err says how. */
static struct prepared *prepare(struct db *db, const char *sql, enum err *ret_err)
{
    struct prepared *p = mem_alloc(sizeof(*p));
    p->sql = sql;
    p->stmt = mysql_stmt_init(db->mysql);
    if (p->stmt == NULL) {
        abort();
    }
    if (mysql_stmt_prepare(p->stmt, sql, strlen(sql)) != 0) {
        unsigned number = mysql_stmt_errno(p->stmt);
        AUTO(mem_free) char *text = mem_strdup(mysql_stmt_error(p->stmt));
        prepared_free(p);
        *ret_err = failed(db, number, text, sql);
        return NULL;
    }
    p->param_count = mysql_stmt_param_count(p->stmt);
    if (p->param_count > 0) {
        p->params = mem_alloc(p->param_count * sizeof(*p->params));
        p->param_bytes = mem_alloc(p->param_count * sizeof(*p->param_bytes));
    }
    bind_columns(p);
    return p;
}

static struct prepared *get_prepared(struct db *db, const char *sql, enum err *ret_err)
{
    size_t slot = 0;
    for (; slot < STATEMENTS_MAX && db->statements[slot] != NULL; slot++) {
        if (db->statements[slot]->sql == sql) {
            return db->statements[slot];
        }
    }
    struct prepared *p = prepare(db, sql, ret_err);
    if (p == NULL) {
        return NULL;
    }
    if (slot == STATEMENTS_MAX) {
        slot = db->next_slot;
        db->next_slot = (slot + 1) % STATEMENTS_MAX;
        prepared_free(db->statements[slot]);
    }
    db->statements[slot] = p;
    return p;
}

static void bind_param(struct prepared *p, size_t i, const struct db_value *value)
{
    MYSQL_BIND *bind = &p->params[i];
    *bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
    if (value->type == DB_U64) {
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->is_unsigned = 1;
        bind->buffer = (void *)(uintptr_t)&value->u; /* only read, but not const in their struct */
    } else if (value->type != DB_NULL) {
        bind->buffer_type = value->type == DB_BINARY ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
        bind->buffer = (void *)(uintptr_t)(value->s.data != NULL ? value->s.data : "");
        bind->buffer_length = value->s.bytes;
        p->param_bytes[i] = value->s.bytes;
        bind->length = &p->param_bytes[i];
    }
}

static void hand_row_over(struct prepared *p, const struct db_statement *statement)
{
    for (size_t i = 0; i < p->column_count; i++) {
        const struct column *column = &p->columns[i];
        struct db_value *value = &p->row[i];
        *value = DB_V_NULL;
        if (!column->is_null && column->is_integer) {
            *value = DB_V_U64(column->u);
        } else if (!column->is_null) {
            *value = DB_V_STR(((struct str){.data = column->data, .bytes = column->bytes}));
        }
    }
    if (statement->fn != NULL) {
        statement->fn(statement->arg, p->row, p->column_count);
    }
}

static enum err stmt_failed(struct db *db, const struct prepared *p)
{
    unsigned number = mysql_stmt_errno(p->stmt);
    AUTO(mem_free) char *text = mem_strdup(mysql_stmt_error(p->stmt));
    return failed(db, number, text, p->sql);
}

/* Reads all rows. The connection is free for the next statement afterwards. */
static enum err fetch(struct db *db, struct prepared *p, const struct db_statement *statement)
{
    if (p->column_count == 0) {
        return ERR_OK;
    }
    if (mysql_stmt_bind_result(p->stmt, p->binds) != 0) {
        return stmt_failed(db, p);
    }
    int got;
    while ((got = mysql_stmt_fetch(p->stmt)) == 0) {
        hand_row_over(p, statement);
    }
    if (got == MYSQL_NO_DATA) {
        mysql_stmt_free_result(p->stmt);
        return ERR_OK;
    }
    if (got == MYSQL_DATA_TRUNCATED) {
        mysql_stmt_free_result(p->stmt);
        return db_mistake(db, "a column is larger than its buffer", p->sql);
    }
    return stmt_failed(db, p);
}

enum err db_run(struct db *db, const struct db_statement *statement, uint64_t *ret_affected)
{
    enum err err = get_ready(db);
    if (err != ERR_OK) {
        return err;
    }
    struct prepared *p = get_prepared(db, statement->sql, &err);
    if (p == NULL) {
        return err;
    }
    if (p->param_count != statement->value_count) {
        return db_mistake(db, "wrong number of values", p->sql);
    }
    for (size_t i = 0; i < p->param_count; i++) {
        bind_param(p, i, &statement->values[i]);
    }
    if ((p->param_count > 0 && mysql_stmt_bind_param(p->stmt, p->params) != 0) ||
        mysql_stmt_execute(p->stmt) != 0) {
        return stmt_failed(db, p);
    }
    if (ret_affected != NULL && p->column_count == 0) {
        *ret_affected = mysql_stmt_affected_rows(p->stmt);
    }
    db->insert_id = mysql_stmt_insert_id(p->stmt);
    return fetch(db, p, statement);
}

uint64_t db_insert_id(const struct db *db)
{
    return db->insert_id;
}

/* Sends text, reads and drops a result if there is one. sql_log NULL: mistakes are not logged. */
static enum err query(struct db *db, struct str sql, const char *sql_log)
{
    bool ok = mysql_real_query(db->mysql, sql.data, sql.bytes) == 0;
    if (ok) {
        MYSQL_RES *result = mysql_store_result(db->mysql);
        ok = result != NULL || mysql_errno(db->mysql) == 0;
        mysql_free_result(result);
    }
    if (ok) {
        return ERR_OK;
    }
    AUTO(mem_free) char *text = mem_strdup(mysql_error(db->mysql));
    return failed(db, mysql_errno(db->mysql), text, sql_log);
}

enum err db_begin(struct db *db)
{
    enum err err = get_ready(db);
    if (err == ERR_OK) {
        /* Said so, it fails at once on a server that is read only. */
        err = query(db, STR_LIT("START TRANSACTION READ WRITE"), "START TRANSACTION READ WRITE");
    }
    db->in_transaction = err == ERR_OK;
    return err;
}

enum err db_commit(struct db *db)
{
    db->in_transaction = false;
    if (db->mysql == NULL) {
        return ERR_UNAVAILABLE;
    }
    return query(db, STR_LIT("COMMIT"), "COMMIT");
}

void db_rollback(struct db *db)
{
    db->in_transaction = false;
    /* If it cannot be said to the server, the connection must go: it would go on inside. */
    if (db->mysql != NULL && query(db, STR_LIT("ROLLBACK"), "ROLLBACK") != ERR_OK) {
        disconnect(db);
    }
}

enum err db_transaction(struct db *db, db_work_fn *work, void *arg)
{
    enum err err = db_begin(db);
    if (err != ERR_OK) {
        return err;
    }
    err = work(arg, db);
    if (err == ERR_OK) {
        return db_commit(db);
    }
    db_rollback(db);
    return err;
}

enum err db_run_text(struct db *db, struct str sql, unsigned *ret_mysql_errno)
{
    if (ret_mysql_errno != NULL) {
        *ret_mysql_errno = 0;
    }
    enum err err = get_ready(db);
    if (err != ERR_OK) {
        return err;
    }
    bool ok = mysql_real_query(db->mysql, sql.data, sql.bytes) == 0;
    if (ret_mysql_errno != NULL) {
        *ret_mysql_errno = mysql_errno(db->mysql);
    }
    if (!ok) {
        AUTO(mem_free) char *text = mem_strdup(mysql_error(db->mysql));
        return failed(db, mysql_errno(db->mysql), text, NULL);
    }
    mysql_free_result(mysql_store_result(db->mysql));
    return ERR_OK;
}
