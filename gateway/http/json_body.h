/* The JSON body of a request: parsed strictly, checked against the rows of its members, wiped
 * afterwards (passwords come this way). The only file that sees jansson. */
#ifndef LYNKS_GATEWAY_HTTP_JSON_BODY_H
#define LYNKS_GATEWAY_HTTP_JSON_BODY_H

#include "gateway/http/member.h"
#include "proto/schema/msg.h"

#define MEMBER_FAULTS_MAX 16

enum member_fault_kind {
    MEMBER_MISSING,  /* it is required */
    MEMBER_MISTYPED, /* of another type */
    MEMBER_OUTSIDE,  /* out of its bounds */
    MEMBER_UNKNOWN,  /* no row has this name */
};

/* One thing that is wrong with a body. */
struct member_fault {
    enum member_fault_kind kind;
    const char *name;            /* the row's, or borrowed from the body; NULL: an item of list is
                                    no object */
    const struct member *member; /* NULL: unknown, or an item of list */
    const struct member *list;   /* a MEMBER_OBJECTS, in whose item it is; NULL: it is in none */
    size_t item;                 /* which one */
};

struct json_t; /* jansson's */

/* A byte order mark before it is skipped. NULL if body is not one JSON object: malformed, empty,
 * trailing bytes, duplicate members, invalid UTF-8, a NUL, nested too deep. */
struct json_t *json_body_parse(struct str body);
/* What an empty body may stand for: an object without members. */
struct json_t *json_body_empty(void);
void json_body_free(struct json_t **json);

/* Checks the body against members; members without a row are faults only if unknown_is_fault. Gives
 * how many faults there are, MEMBER_FAULTS_MAX at most; the search ends there. */
size_t json_body_check(const struct json_t *json, const struct member *members,
                       bool unknown_is_fault, struct member_fault ret_faults[MEMBER_FAULTS_MAX]);

/* Of a body that was checked. The string is borrowed; STR_NONE, 0 and false if
 * the member is absent. */
struct str json_body_str(const struct json_t *json, const char *name);
uint64_t json_body_u64(const struct json_t *json, const char *name);
bool json_body_bool(const struct json_t *json, const char *name);
bool json_body_has(const struct json_t *json, const char *name);
/* Of a MEMBER_WORDS: bit i says that words[i] is there. */
uint64_t json_body_words(const struct json_t *json, const char *name, const char *const *words);
/* Of a MEMBER_IDS, whose row has a max: how many there are. */
size_t json_body_ids(const struct json_t *json, const char *name, uint64_t *ret_ids);
uint64_t json_body_id(const struct json_t *json, const char *name); /* of a MEMBER_ID */
/* Of a MEMBER_WORD that is there: which of words. */
size_t json_body_word(const struct json_t *json, const char *name, const char *const *words);

/* A name of a MEMBER_WORD_MAP, borrowed, and which of words it has. */
struct json_body_word {
    struct str name;
    size_t word;
};
/* How many there are: as many as the row's max at most. */
size_t json_body_word_map(const struct json_t *json, const char *name, const char *const *words,
                          struct json_body_word *ret_words);

/* Of a MEMBER_OBJECTS: how many there are, and one of them, of which the functions above tell what
 * is in it; borrowed. */
size_t json_body_count(const struct json_t *json, const char *name);
const struct json_t *json_body_item(const struct json_t *json, const char *name, size_t i);

/* Copies the members that are there into the fields of the same names of msg, whose id says what it
 * is, or, if record is not NULL, of the record in its field of that name; null makes a field empty.
 * The body was checked, and routes_new has seen to it that the fields exist and fit. Strings are
 * borrowed from json. */
void json_body_fill(const struct json_t *json, const struct member *members, struct msg *msg,
                    const char *record);
/* Has it no other members than these? names is ended by NULL. */
bool json_body_has_only(const struct json_t *json, const char *const *names);

#endif
