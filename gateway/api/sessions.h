/* /v1/sessions: signing in, and one's own sessions. Messages asked: session_open, session_page,
 * session_revoke. */
#ifndef LYNKS_GATEWAY_API_SESSIONS_H
#define LYNKS_GATEWAY_API_SESSIONS_H

#include "gateway/api/sign_ins.h"

struct sessions_api;
struct sessions_api *sessions_api_new(struct sign_ins *sign_ins); /* which is borrowed */
void sessions_api_free(struct sessions_api **sessions);

struct resource sessions_api_resource(struct sessions_api *sessions);

#endif
