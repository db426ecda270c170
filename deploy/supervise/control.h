/* How deploy/restart talks to the supervisor: by files beside each other, in a folder that only the
 * supervisor's own account can write, and SIGUSR1.
 *
 * The request file holds one number, which the asking process chose, and then the names of the
 * services, one a line. It is read and removed, and answered in <request_file>.<number>: lines of
 * progress ("+ text"), then one of "ok" and "! why". Whoever asked removes the answer. */
#ifndef LYNKS_DEPLOY_SUPERVISE_CONTROL_H
#define LYNKS_DEPLOY_SUPERVISE_CONTROL_H

#include "deploy/supervise/supervisor.h"

struct control;

/* All is borrowed. path NULL: nothing can be asked. */
struct control *control_new(struct supervisor *supervisor, const char *path);
void control_free(struct control **control); /* the supervisor may be gone by then */

/* Takes a request, if there is one; one that is not understood is dropped. */
void control_take(struct control *control);

#endif
