/* The process table: what lynks-supervise starts, in which order, and when each entry counts as
 * ready. deploy/up writes it with jq.
 *
 * A JSON object; what it does not know is refused. All but "entries" may be missing:
 *
 *   "title": "deploy/up"               who speaks in error lines
 *   "pid_file": PATH                   of the supervisor; "log_file" likewise
 *   "status_file": PATH                where the state of all is told (status.h)
 *   "banner_file": PATH                printed when all are ready
 *   "request_file": PATH               where deploy/restart asks (control.h)
 *   "entries": [...]                   in the order in which they are started
 *
 * An entry is an object; all but "name" and "argv" may be missing:
 *
 *   "name": "gateway"
 *   "step": true                       runs once and must end with 0; others are kept running
 *   "user": "lynks"                    account to run as; none: the supervisor's own
 *   "dir": PATH                        working directory
 *   "env": {"NAME": "VALUE"}           its environment
 *   "argv": ["/bin/program", ...]
 *   "pid_file": PATH                   likewise "log_file"
 *   "ports": [PORT...]                 must be free at first
 *   "listen": [PORT...]                likewise; the supervisor binds them and hands them over in
 *                                      this order (LISTEN_FDS)
 *   "ready": [CHECK...]                ready when all of these hold; not of a step
 *   "ready_within_ms": N               likewise "stop_within_ms"
 *   "together": true                   started without waiting until the entry before it is ready
 *   "rolling": true                    takes part in a rolling restart
 *   "shows": "on port 80"              printed after "ready"
 *
 * PORT: {"host": "127.0.0.1", "port": 80, "variable": "WEB_PORT"}; the variable is what sets it.
 * With "by_interface": true its program looks for the host's interface and listens at that one's
 * first IPv4 address, and at all addresses if there is none: any other host is refused.
 * CHECK: {"type": "tcp", "host": ..., "port": ...} takes a connection; {"type": "http", "host":
 * ..., "port": ..., "path": "/readyz"} answers 200; {"type": "command", "command": ...} ends with 0
 * when /bin/sh -c runs it. */
#ifndef LYNKS_DEPLOY_SUPERVISE_TABLE_H
#define LYNKS_DEPLOY_SUPERVISE_TABLE_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "proto/base/base.h"

#define TABLE_ENTRIES_MAX 32
#define ENTRY_CHECKS_MAX 4
#define ENTRY_PORTS_MAX 8
#define ENTRY_LISTENS_MAX 2

/* All texts are borrowed from the document that the table was read from, and live as long as the
 * table. */
struct endpoint {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    uint16_t port;
    const char *host;     /* as written; NULL: there is none */
    const char *variable; /* the one that sets the port; NULL in checks */
    bool by_interface;
};

struct check_spec {
    enum { CHECK_TCP, CHECK_HTTP, CHECK_COMMAND } type;
    struct endpoint endpoint;
    const char *text; /* path or command */
};

struct entry {
    const char *name;
    bool is_step;
    bool is_together;
    bool is_rolling;
    const char *user;
    uid_t uid; /* of user; only if user is set */
    gid_t gid;
    const char *dir;
    char **env; /* "NAME=VALUE", NULL-terminated, like argv */
    size_t env_count;
    char **argv;
    const char *pid_file;
    const char *log_file;
    const char *shows;
    struct check_spec checks[ENTRY_CHECKS_MAX];
    size_t check_count;
    struct endpoint ports[ENTRY_PORTS_MAX];
    size_t port_count;
    struct endpoint listens[ENTRY_LISTENS_MAX];
    size_t listen_count;
    uint64_t ready_within_ms;
    uint64_t stop_within_ms;
};

struct table {
    const char *title;
    const char *pid_file;
    const char *status_file;
    const char *log_file;
    const char *banner_file;
    const char *request_file;
    struct entry entries[TABLE_ENTRIES_MAX];
    size_t entry_count;
    struct json_t *document;
};

/* NULL, and why in *ret_why (caller frees), if something is wrong; it names the line, or the entry.
 */
struct table *table_read(FILE *file, char **ret_why);
void table_free(struct table **table);

#endif
