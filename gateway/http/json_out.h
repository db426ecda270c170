/* Writes JSON without spaces, and escapes what has to be (RFC 8259, section 7). Commas are its own
 * business; that what is opened is closed, and that every value in an object has a key, is the
 * caller's. */
#ifndef LYNKS_GATEWAY_HTTP_JSON_OUT_H
#define LYNKS_GATEWAY_HTTP_JSON_OUT_H

#include "proto/base/strbuf.h"

struct json_out {
    struct strbuf *text;
    bool needs_comma;
};

/* Begins anew in text, which is cleared. */
void json_out_init(struct json_out *out, struct strbuf *text);

/* bracket: { or [. */
void json_out_open(struct json_out *out, char bracket);
/* One after another: "]" or "}]}". */
void json_out_close(struct json_out *out, const char *brackets);
void json_out_key(struct json_out *out, const char *name);
void json_out_str(struct json_out *out, struct str value); /* UTF-8 */
void json_out_z(struct json_out *out, const char *value);
void json_out_u64(struct json_out *out, uint64_t value);
void json_out_bool(struct json_out *out, bool value);
void json_out_null(struct json_out *out);

void json_out_raw(struct json_out *out, struct str json); /* one value that is JSON already */

void json_out_hex(struct json_out *out, struct str bytes); /* 64 at most */
/* RFC 3339 with milliseconds: "2026-11-29T01:02:03.004Z". unix_ms: up to the year 9999. */
void json_out_time(struct json_out *out, uint64_t unix_ms);

/* A key and its value. */
void json_out_open_member(struct json_out *out, const char *name, char bracket);
void json_out_member_z(struct json_out *out, const char *name, const char *value);
void json_out_member_u64(struct json_out *out, const char *name, uint64_t value);
void json_out_member_bool(struct json_out *out, const char *name, bool value);
/* A list: words[i] where bit i is set. words is ended by NULL. */
void json_out_member_words(struct json_out *out, const char *name, const char *const *words,
                           uint64_t set);
/* The time, or null where it is 0. */
void json_out_member_time_or_null(struct json_out *out, const char *name, uint64_t unix_ms);
/* An id: a string of digits, JSON_OUT_ID_BYTES at most. */
#define JSON_OUT_ID_BYTES 24
void json_out_id(struct json_out *out, uint64_t id);
void json_out_member_id(struct json_out *out, const char *name, uint64_t id);

#endif
