/* The ports that the table's entries want: found free before anything is started, and the listening
 * sockets that the supervisor holds for its processes, so that a restart refuses no connection. */
#ifndef LYNKS_DEPLOY_SUPERVISE_PORTS_H
#define LYNKS_DEPLOY_SUPERVISE_PORTS_H

#include "deploy/supervise/table.h"

struct ports;

/* Binds every "port" and "listen" of the table, and lets go of the "port" ones. NULL, and one line
 * for the user in *ret_why (caller frees), if one cannot be had. */
struct ports *ports_claim(const struct table *table, char **ret_why);
void ports_free(struct ports **ports);

/* Those of an entry, in its order: as many as it has. */
const int *ports_listeners(const struct ports *ports, size_t entry);

/* "name[pid]" of the process that listens on this TCP port; NULL if it cannot be known. Caller
 * frees. */
char *port_owner(uint16_t port, pid_t *ret_pid);

#endif
