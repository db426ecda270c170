/* Results: rows for people, or JSON for programs. */
#ifndef LYNKS_DEPLOY_LYNKS_ADMIN_SHOW_H
#define LYNKS_DEPLOY_LYNKS_ADMIN_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "proto/base/base.h"

struct show_column {
    const char *title;
    const char *member; /* of each row; a string, a number, or true and false as yes and no */
};

/* rows: an array of objects. wants_json: all of it as it is; else the columns (ended by one without
 * a title), aligned, with what a terminal must not get made visible. */
void show_rows(FILE *out, bool wants_json, const json_t *rows, const struct show_column *columns);

/* Values of rows; the caller's reference. Text that is no UTF-8 is made visible. */
json_t *show_text(struct str text);
json_t *show_text_or_null(struct str text); /* null for an empty one */
json_t *show_id(uint64_t id);               /* null for 0 */
json_t *show_time(uint64_t unix_ms);        /* RFC 3339, whole seconds, UTC; null for 0 */
json_t *show_hex(struct str bytes);
json_t *show_address(struct str address); /* of 16 bytes, IPv4 as ::ffff:a.b.c.d; null for none */

#endif
