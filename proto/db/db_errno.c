#include "proto/db/db_errno.h"

/* MySQL and MariaDB references: server error message reference. A server that takes no changes may
 * have been replaced by another one under its name, so a connection to it is of no use. */
static const struct db_errno table[] = {
    {1036, ERR_UNAVAILABLE, true},  /* tables are read only */
    {1040, ERR_UNAVAILABLE, true},  /* too many connections */
    {1047, ERR_UNAVAILABLE, true},  /* not a part of its cluster (Galera) */
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
    {1290, ERR_UNAVAILABLE, true},  /* read only */
    {1317, ERR_OVERLOADED, false},  /* interrupted */
    {1452, ERR_CONFLICT, false},    /* what a foreign key names is gone */
    {1586, ERR_CONFLICT, false},    /* duplicate key, named */
    {1792, ERR_UNAVAILABLE, true},  /* read only transaction */
    {1836, ERR_UNAVAILABLE, true},  /* read only mode */
    {1874, ERR_UNAVAILABLE, true},  /* InnoDB is read only (MySQL) */
    {1927, ERR_UNAVAILABLE, true},  /* killed (MariaDB) */
    {1969, ERR_OVERLOADED, false},  /* statement timed out (MariaDB) */
    {3024, ERR_OVERLOADED, false},  /* statement timed out (MySQL) */
    {4031, ERR_UNAVAILABLE, true},  /* idle for too long (MySQL) */
};

static const unsigned refusals[] = {
    1044, /* no access to the database */
    1045, /* access denied: account, password, or TLS that the account requires */
    1049, /* no such database */
    1130, /* not from this host */
    1251, /* authentication that the client does not know */
    1275, /* likewise */
    1698, /* access denied without a password */
    1862, /* the password has expired */
    2026, /* no TLS, or a certificate that is not trusted */
    2059, /* authentication plugin */
    3118, /* the account is locked (MySQL) */
    3159, /* TLS is required */
    4151, /* the account is locked (MariaDB) */
};

bool db_errno_is_refusal(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i] == number) {
            return true;
        }
    }
    return false;
}

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
