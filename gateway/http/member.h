/* What a JSON object of the API holds: one row for each member, of bodies and of answers. The same
 * rows check what clients send and describe it in the API's document. */
#ifndef LYNKS_GATEWAY_HTTP_MEMBER_H
#define LYNKS_GATEWAY_HTTP_MEMBER_H

#include "proto/base/base.h"

enum member_type {
    MEMBER_STRING, /* UTF-8; min and max are bytes */
    MEMBER_LABEL,  /* a string that label_make takes; min and max are characters */
    MEMBER_NUMBER, /* whole; min and max are values */
    MEMBER_BOOL,   /* no bounds */
    MEMBER_WORD,   /* a string, one of words; in a message an enum that names them */
    MEMBER_TIME,   /* a string: RFC 3339; in answers in UTC, with milliseconds; in a message Unix
                      time in milliseconds */
    /* In a body only as is_local: */
    MEMBER_ID,       /* a string of digits that is an id; no bounds */
    MEMBER_WORDS,    /* a list of words, each of them once; min and max are how many */
    MEMBER_IDS,      /* a list of ids; likewise */
    MEMBER_WORD_MAP, /* an object: names that the client chooses, each with one of words; min and
                        max are how many */
    MEMBER_OBJECTS,  /* a list of objects of members; min and max are how many there may be. In a
                        body none of these members is a list or an object */
    /* Only in answers: */
    MEMBER_NUMBERS,    /* a list of them; max is how many there may be */
    MEMBER_STRINGS,    /* likewise */
    MEMBER_OBJECT,     /* of members */
    MEMBER_ANY_OBJECT, /* an object of which doc says what is in it */
};

struct member {
    const char *name; /* NULL ends a list of members */
    enum member_type type;
    bool is_optional;
    bool is_local; /* in a body: for the handler, and in no message */
    /* Strings, labels, numbers and times only. In a body null empties it (RFC 7396), in an answer
     * it says that there is none. */
    bool is_nullable;
    uint64_t min, max;
    uint64_t name_max;            /* of a MEMBER_WORD_MAP: bytes of a name; 1 at least */
    const char *const *words;     /* of a MEMBER_WORD, _WORDS or _WORD_MAP; ended by NULL */
    const char *constant;         /* a string that always has this value; NULL: any */
    const struct member *members; /* of a MEMBER_OBJECT or MEMBER_OBJECTS */
    const char *doc;
};

#endif
