/* The JSON body of a request: parsed strictly, checked against the bus schema's bounds, wiped
 * afterwards (passwords come this way). */
#ifndef LYNKS_GATEWAY_HTTP_REQUEST_JSON_H
#define LYNKS_GATEWAY_HTTP_REQUEST_JSON_H

#include "proto/schema/msg.h"

struct json_t; /* jansson's */

/* NULL if body is not one JSON object: malformed, empty, trailing bytes, duplicate members, invalid
 * UTF-8, a NUL, nested too deep. */
struct json_t *request_json_parse(struct str body);
void request_json_free(struct json_t **json);

/* Fills the fields named in members (ended by NULL) of msg, whose id says what it is, from the JSON
 * members of the same names. Other members are ignored. Strings borrow from json. false: one is
 * missing, of another type or out of its bounds. */
bool request_json_fill(const struct json_t *json, const char *const *members, struct msg *msg);

#endif
