/* What a JSON object of the API holds: one row for each member, of bodies and of answers. The same
 * rows check what clients send and describe it in the API's document. */
#ifndef LYNKS_GATEWAY_HTTP_MEMBER_H
#define LYNKS_GATEWAY_HTTP_MEMBER_H

#include "proto/base/base.h"

enum member_type {
    MEMBER_STRING,  /* UTF-8; min and max are bytes */
    MEMBER_NUMBER,  /* whole; min and max are values */
    MEMBER_BOOL,    /* no bounds */
    MEMBER_NUMBERS, /* a list of them, only in answers; max is how many there may be */
    MEMBER_STRINGS, /* likewise */
};

struct member {
    const char *name; /* NULL ends a list of members */
    enum member_type type;
    bool is_optional;
    uint64_t min, max;
    const char *constant; /* a string that always has this value; NULL: any */
    const char *doc;
};

#endif
