/* Which web pages may use the API (CORS, Fetch standard). Never with credentials: a page of
 * another origin shows a token of its own, and has no use of the cookie (session_cookie.h). */
#ifndef LYNKS_GATEWAY_HTTP_CORS_H
#define LYNKS_GATEWAY_HTTP_CORS_H

#include "proto/base/base.h"

/* What Access-Control-Allow-Origin is to say to origin; NULL: nothing. list: LYNKS_CORS_ORIGINS,
 * exact origins separated by commas, or *. The result borrows from the arguments. */
const char *cors_allow(const char *list, const char *origin);

/* Does what cors_allow says differ from origin to origin? Then every answer has to say so to caches
 * (Vary), also one that allows nothing: kept, it would be given to a page that is allowed. */
bool cors_depends_on_origin(const char *list);

/* Is there an entry that is neither *, null nor a scheme, :// and a host (and port)? No browser
 * would ever send it as its origin. */
bool cors_has_bad(const char *list, struct str *ret_bad);

#endif
