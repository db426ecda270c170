/* JSON Schema (2020-12) of the members of bodies and answers, for openapi.c. Pure functions. */
#ifndef LYNKS_GATEWAY_HTTP_OPENAPI_SCHEMA_H
#define LYNKS_GATEWAY_HTTP_OPENAPI_SCHEMA_H

#include "gateway/http/json_out.h"
#include "gateway/http/member.h"

/* Of an object with these members, ended by one without a name. is_closed: it has no others. */
void openapi_schema_write(const struct member *members, bool is_closed, struct json_out *out);
/* Of one member, into a schema that is open already. is_closed: so are objects in it. */
void openapi_member_write(const struct member *member, bool is_closed, struct json_out *out);

#endif
