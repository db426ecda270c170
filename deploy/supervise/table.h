/* The process table: what lynks-supervise starts, in which order, and when each entry counts as
 * ready.
 *
 * A text file, so that deploy/up can write it with printf. A line is a word, one blank, and a value
 * that goes to the end of the line as it is; blanks before the word, empty lines and lines that
 * begin with # are skipped. "process NAME" (kept running) and "step NAME" (runs once, must end with
 * 0) begin an entry:
 *
 *   title deploy/up                 who speaks in error lines
 *   pid_file PATH                   of the supervisor; status_file, log_file, banner_file likewise
 *   request_file PATH               where deploy/restart asks (control.h)
 *   process gateway
 *     user lynks                    account to run as; none: the supervisor's own
 *     dir PATH                      working directory
 *     env NAME=VALUE                its environment, one line each
 *     arg VALUE                     argv, one line each; the first is the program
 *     pid_file PATH                 likewise log_file
 *     port HOST PORT NAME           must be free at first; NAME is the variable that sets it
 *     listen HOST PORT NAME         likewise; the supervisor binds it, hands it over by LISTEN_FDS
 *     ready tcp HOST PORT           ready when all of these hold: it takes a connection,
 *     ready http HOST PORT /PATH    answers 200,
 *     ready command TEXT            /bin/sh -c TEXT ends with 0
 *     ready_within_ms N             likewise stop_within_ms
 *     together                      started without waiting until the entry before it is ready
 *     rolling                       takes part in a rolling restart
 *     shows TEXT                    printed after "ready"
 */
#ifndef LYNKS_DEPLOY_SUPERVISE_TABLE_H
#define LYNKS_DEPLOY_SUPERVISE_TABLE_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "proto/base/base.h"

#define TABLE_ENTRIES_MAX 32
#define ENTRY_CHECKS_MAX 4
#define ENTRY_PORTS_MAX 8

struct endpoint {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    uint16_t port;
    char *host;     /* as written */
    char *variable; /* the one that sets the port; NULL in checks */
};

struct check_spec {
    enum { CHECK_TCP, CHECK_HTTP, CHECK_COMMAND } type;
    struct endpoint endpoint;
    char *text; /* path or command */
    char *line; /* as written, for the status file */
};

struct entry {
    char *name;
    bool is_step;
    bool is_together;
    bool is_rolling;
    char *user;
    uid_t uid; /* of user; only if user is set */
    gid_t gid;
    char *dir;
    char **env; /* NULL-terminated, like argv */
    size_t env_count;
    char **argv;
    size_t argv_count;
    char *pid_file;
    char *log_file;
    char *shows;
    struct check_spec checks[ENTRY_CHECKS_MAX];
    size_t check_count;
    struct endpoint ports[ENTRY_PORTS_MAX];
    size_t port_count;
    struct endpoint listen; /* host NULL: none */
    uint64_t ready_within_ms;
    uint64_t stop_within_ms;
};

struct table {
    char *title;
    char *pid_file;
    char *status_file;
    char *log_file;
    char *banner_file;
    char *request_file;
    struct entry entries[TABLE_ENTRIES_MAX];
    size_t entry_count;
};

/* NULL, and why in *ret_why (caller frees), if a line is wrong; it names the line. */
struct table *table_read(FILE *file, char **ret_why);
void table_free(struct table **table);

#endif
