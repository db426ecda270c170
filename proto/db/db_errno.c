#include "proto/db/db_errno.h"

/* MySQL and MariaDB references: server error message reference. */
static const struct db_errno table[] = {
    {1040, ERR_UNAVAILABLE, true},  /* too many connections */
    {1053, ERR_UNAVAILABLE, true},  /* shutting down */
    {1062, ERR_CONFLICT, false},    /* duplicate key */
    {1077, ERR_UNAVAILABLE, true},  /* shutdown */
    {1080, ERR_UNAVAILABLE, true},  /* forced close of the thread */
    {1152, ERR_UNAVAILABLE, true},  /* aborted connection */
    {1158, ERR_UNAVAILABLE, true},  /* network read */
    {1159, ERR_UNAVAILABLE, true},  /* network read timed out */
    {1160, ERR_UNAVAILABLE, true},  /* network write */
    {1161, ERR_UNAVAILABLE, true},  /* network write timed out */
    {1203, ERR_UNAVAILABLE, true},  /* too many connections of this user */
    {1205, ERR_OVERLOADED, false},  /* lock wait timed out */
    {1213, ERR_OVERLOADED, false},  /* deadlock */
    {1226, ERR_UNAVAILABLE, false}, /* resource limit of the user */
    {1243, ERR_UNAVAILABLE, true},  /* the server has forgotten the statement */
    {1290, ERR_UNAVAILABLE, false}, /* read only */
    {1317, ERR_OVERLOADED, false},  /* interrupted */
    {1586, ERR_CONFLICT, false},    /* duplicate key, named */
    {1792, ERR_UNAVAILABLE, false}, /* read only transaction */
    {1836, ERR_UNAVAILABLE, false}, /* read only mode */
    {1927, ERR_UNAVAILABLE, true},  /* killed (MariaDB) */
    {1969, ERR_OVERLOADED, false},  /* statement timed out (MariaDB) */
    {3024, ERR_OVERLOADED, false},  /* statement timed out (MySQL) */
    {4031, ERR_UNAVAILABLE, true},  /* idle for too long (MySQL) */
};

/* Numbers of the client library: whatever happened, the stream cannot be trusted. */
static bool is_client_number(unsigned number)
{
    return (number >= 2000 && number <= 2999) || (number >= 5000 && number <= 5999);
}

struct db_errno db_errno_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].number == number) {
            return table[i];
        }
    }
    if (is_client_number(number)) {
        return (struct db_errno){number, ERR_UNAVAILABLE, true};
    }
    return (struct db_errno){number, ERR_INTERNAL, false};
}
