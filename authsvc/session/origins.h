/* Who asks for a command, and from where: what the audit keeps of it, and the log says. */
#ifndef LYNKS_AUTHSVC_SESSION_ORIGINS_H
#define LYNKS_AUTHSVC_SESSION_ORIGINS_H

#include "authsvc/store/store.h"
#include "proto/bus/call.h"

/* Of a command on user_id. It is kept if an admin or the admin tool does it to somebody else, or
 * is_grave. told: as it came with the request; NULL: nothing did. */
struct store_origin origin_of(const struct call *call, const struct msg_origin *told,
                              uint64_t user_id, bool is_grave);

/* A line in the log, if the act is kept; after it was done. */
void origin_log(const struct store_origin *by, enum act act, uint64_t user_id);

#endif
