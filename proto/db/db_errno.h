/* What MySQL's error numbers mean for us. */
#ifndef LYNKS_PROTO_DB_DB_ERRNO_H
#define LYNKS_PROTO_DB_DB_ERRNO_H

#include "proto/base/err.h"

struct db_errno {
    unsigned number;
    enum err err;
    bool is_lost; /* the connection is of no use any more */
};

/* Of an attempt to connect: the answer is no, whenever it is asked again. */
bool db_errno_is_refusal(unsigned number);

/* Numbers that it does not know are mistakes of ours: ERR_INTERNAL. */
struct db_errno db_errno_of(unsigned number);

#endif
