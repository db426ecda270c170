/* Janus' descriptors: how many it may have open, and how many it has. A Janus without any left
 * accepts nobody, neither strangers nor us, whatever listener they come to. Only where its process
 * can be seen: on the same machine, outside of a container. Lives on the loop. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_FILES_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_FILES_H

#include "proto/base/clock.h"
#include "proto/base/metrics.h"

#define JANUS_FILES_INTERVAL_MS 5000
#define JANUS_FILES_WARN_PERCENT 80 /* of the limit: a warning, again every minute */

struct janus_files_parts {
    const char *pid_file; /* its first line is Janus' process id; read again each time */
    const char *proc;     /* "/proc" */
    const struct clock *clock;
    struct metrics *metrics;
};

struct janus_files;

/* Parts are borrowed. */
struct janus_files *janus_files_new(const struct janus_files_parts *parts);
void janus_files_free(struct janus_files **files);

#endif
