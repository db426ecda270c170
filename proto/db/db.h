/* One connection to MySQL or MariaDB: prepared statements, time-outs, reconnection. The only file
 * that sees the MySQL client library.
 *
 * Blocking: runs on a pool's threads (make one as the thread's state), never on the loop.
 * Errors: ERR_UNAVAILABLE (no connection, connection lost, server shutting down, read only),
 * ERR_OVERLOADED (lock wait, deadlock, statement cut off: the server is there, but busy),
 * ERR_CONFLICT (duplicate key), ERR_INTERNAL (anything else; logged with MySQL's text). */
#ifndef LYNKS_PROTO_DB_DB_H
#define LYNKS_PROTO_DB_DB_H

#include "proto/base/config.h"
#include "proto/base/err.h"

struct db_config {
    char *host;
    uint64_t port;
    char *user;
    char *password;
    char *database;
    uint64_t timeout_s; /* to connect, and for each read and write */
    char *tls;          /* off (NULL too), on, verify */
    char *ca_file;      /* for verify: PEM; NULL or empty: the system's certificates */
};

/* The rows of a process' config table for the struct db_config at member of type. */
#define DB_OPTIONS(type, member)                                                                    \
    {"LYNKS_MYSQL_HOST",                                                                            \
     CONFIG_STRING,                                                                                 \
     offsetof(type, member.host),                                                                   \
     "127.0.0.1",                                                                                   \
     1,                                                                                             \
     255,                                                                                           \
     NULL,                                                                                          \
     "MySQL or MariaDB server: name or address"},                                                   \
        {"LYNKS_MYSQL_PORT", CONFIG_UINT, offsetof(type, member.port), "3307", 1, 65535, NULL,      \
         "its port"},                                                                               \
        {"LYNKS_MYSQL_USER",      CONFIG_STRING, offsetof(type, member.user), "lynks", 1, 80, NULL, \
         "account to log in with"},                                                                 \
        {"LYNKS_MYSQL_PASSWORD", CONFIG_SECRET, offsetof(type, member.password), "", 0, 255, NULL,  \
         "its password"},                                                                           \
        {"LYNKS_MYSQL_DATABASE",                                                                    \
         CONFIG_STRING,                                                                             \
         offsetof(type, member.database),                                                           \
         "lynks_db",                                                                                \
         1,                                                                                         \
         64,                                                                                        \
         NULL,                                                                                      \
         "database"},                                                                               \
        {"LYNKS_MYSQL_TLS",                                                                         \
         CONFIG_CHOICE,                                                                             \
         offsetof(type, member.tls),                                                                \
         "off",                                                                                     \
         0,                                                                                         \
         0,                                                                                         \
         "off|on|verify",                                                                           \
         "on: encrypted or not at all; verify: and the server's certificate and name are "          \
         "checked"},                                                                                \
        {"LYNKS_MYSQL_CA_FILE",                                                                     \
         CONFIG_STRING,                                                                             \
         offsetof(type, member.ca_file),                                                            \
         "",                                                                                        \
         0,                                                                                         \
         4096,                                                                                      \
         NULL,                                                                                      \
         "PEM certificates to trust for verify; empty: the system's"},                              \
    {                                                                                               \
        "LYNKS_MYSQL_TIMEOUT_S", CONFIG_UINT, offsetof(type, member.timeout_s), "2", 1, 60, NULL,   \
            "bound on connecting and on each read and write, in seconds"                            \
    }

/* How its connections are protected, in words for people. Static. */
const char *db_config_protection(const struct db_config *config);

struct db;

/* Connects lazily, at the first statement. config's strings are borrowed. */
struct db *db_new(const struct db_config *config);
void db_free(struct db **db);

struct db_value {
    enum { DB_NULL, DB_U64, DB_BYTES, DB_BINARY } type;
    uint64_t u;
    struct str s;
};
#define DB_V_U64(v) ((struct db_value){.type = DB_U64, .u = (v)})
#define DB_V_STR(v) ((struct db_value){.type = DB_BYTES, .s = (v)})
#define DB_V_BIN(v) ((struct db_value){.type = DB_BINARY, .s = (v)}) /* for BINARY columns */
#define DB_V_NULL ((struct db_value){.type = DB_NULL})

/* Called for each row; values are borrowed until it returns; it must not run a statement. Integer
 * columns come as DB_U64, all others as DB_BYTES (at most 64 KiB). */
typedef void db_row_fn(void *arg, const struct db_value *columns, size_t count);

struct db_statement {
    const char *sql;               /* a literal: its address is the key of the statement cache */
    const struct db_value *values; /* one for each ? */
    size_t value_count;
    db_row_fn *fn; /* may be NULL */
    void *arg;
};

/* Runs one prepared statement. ret_affected (rows changed) may be NULL. Outside a transaction, a
 * connection that turns out to be closed before the statement is sent is remade first. */
enum err db_run(struct db *db, const struct db_statement *statement, uint64_t *ret_affected);

/* The AUTO_INCREMENT id that the last db_run gave. */
uint64_t db_insert_id(const struct db *db);

/* A transaction: commit or roll back what came between. A server that is read only does not begin
 * one. A lost connection rolls back; the statements after it fail until then. ERR_UNAVAILABLE from
 * db_commit leaves open whether it happened. */
enum err db_begin(struct db *db);
enum err db_commit(struct db *db);
void db_rollback(struct db *db);

/* All of it in one: begins, calls work (arg, db), then commits, or rolls back if that failed. */
typedef enum err db_work_fn(void *arg, struct db *db);
enum err db_transaction(struct db *db, db_work_fn *work, void *arg);

/* One statement as text, without parameters or result: for migrations. *ret_mysql_errno (may be
 * NULL) tells MySQL's code, 0 if none. */
enum err db_run_text(struct db *db, struct str sql, unsigned *ret_mysql_errno);

/* Closes the connection, unless it is held or in a transaction: the next statement makes another,
 * with the name of the server looked up anew. */
void db_drop(struct db *db);

/* From now on a lost connection stays lost, for what lives as long as the connection (GET_LOCK). */
void db_hold(struct db *db);

/* A caller finds that a statement and what it expects of it do not fit: logs it as db_run logs
 * mistakes, gives ERR_INTERNAL. */
enum err db_mistake(struct db *db, const char *what, const char *sql);

/* The last attempt to connect failed because the server does not let us in, or because we do not
 * trust it: asking again is of no use until somebody has changed something. */
bool db_is_refused(const struct db *db);

/* What the last failure was, in the server's or the client library's words; "" before the first.
 * Borrowed until the next statement. */
const char *db_error(const struct db *db);

#endif
