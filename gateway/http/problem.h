/* What a failure looks like to a client: a problem document (RFC 9457) under /v1, the shape of
 * their own for the original three. The only place where an enum err becomes a status. */
#ifndef LYNKS_GATEWAY_HTTP_PROBLEM_H
#define LYNKS_GATEWAY_HTTP_PROBLEM_H

#include "gateway/http/json_body.h"
#include "gateway/http/json_out.h"
#include "gateway/http/route.h"

struct problem {
    enum err err;
    const struct member_fault *faults; /* what is wrong in the body */
    size_t fault_count;
};

/* Writes the whole document; gives its media type (static). */
const char *problem_write(const struct problem *problem, enum dialect dialect,
                          const char *request_id, struct json_out *out);

/* The page that "type" names, for people (HTML): what the code means and what to do about it.
 * false: there is no such code. */
bool problem_write_page(struct str code, struct strbuf *text);

/* Two to four words; static. NULL: clients never see this err. */
const char *problem_title(enum err err);

#endif
