/* The database's clock, which is the one that times of rooms are compared with. */
#ifndef LYNKS_ROOMSVC_STORE_DB_NOW_H
#define LYNKS_ROOMSVC_STORE_DB_NOW_H

#define DB_NOW_UNIX_MS "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"

#endif
