/* Pieces of SQL that several statements need. */
#ifndef LYNKS_PROTO_DB_DB_SQL_H
#define LYNKS_PROTO_DB_DB_SQL_H

/* The database's clock, which is the one that stored times are compared with. */
#define DB_NOW_UNIX_MS "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"

#define DB_X4(x) x x x x
#define DB_X16(x) DB_X4(x) DB_X4(x) DB_X4(x) DB_X4(x)

/* For IN (...): one statement for any number of values up to 64; the last one fills the rest. */
#define DB_64_VALUES                                                                               \
    "?, ?, ?, ?" DB_X16(", ?") DB_X16(", ?") DB_X16(", ?") DB_X4(", ?") DB_X4(", ?") DB_X4(", ?")

#endif
