/* What a process depends on, and whether that works: the source of /readyz. Loop thread only. */
#ifndef LYNKS_PROTO_BASE_HEALTH_H
#define LYNKS_PROTO_BASE_HEALTH_H

#include "proto/base/base.h"

struct health;
struct health *health_new(void);
void health_free(struct health **health);

/* Adds the dependency if it is new (at most 16). name is a literal, reason is copied. Not ready
 * until set so. */
void health_set(struct health *health, const char *name, bool ready, const char *reason);
/* What people should know of the dependency, ready or not; copied. Added if it is new. */
void health_note(struct health *health, const char *name, const char *note);
bool health_is_ready(const struct health *health); /* all of them */
/* Calls fn for each dependency, in the order in which they came; reason is "" where there is none.
 */
typedef void health_fn(void *arg, const char *name, bool ready, const char *reason);
void health_each(const struct health *health, health_fn *fn, void *arg);
/* {"ready":false,"dependencies":{"mysql":{"ready":false,"reason":"...","note":"..."}}}; the reason
 * of one that is ready is empty, whatever it was set with; without the note where there is none;
 * caller frees. */
char *health_json(const struct health *health);

#endif
