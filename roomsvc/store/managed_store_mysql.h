/* Rooms of people over MySQL: the tables rooms, room_members and room_commands; of users what
 * others see of them. */
#ifndef LYNKS_ROOMSVC_STORE_MANAGED_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_MANAGED_STORE_MYSQL_H

#include "roomsvc/store/managed_db.h"

/* self is borrowed. */
struct managed_store managed_store_mysql(struct managed_db *self);

#endif
