/* Pages of rooms of people and of their members over MySQL. For managed_store_mysql.c. */
#ifndef LYNKS_ROOMSVC_STORE_MANAGED_PAGES_H
#define LYNKS_ROOMSVC_STORE_MANAGED_PAGES_H

#include "roomsvc/store/managed_db.h"

/* self: a struct managed_db. */
enum err managed_page_find(void *self, const struct msg_room_page *request,
                           const struct room_asker *asker, uint64_t deadline_ms,
                           managed_store_page_fn *fn, void *arg);
enum err managed_members_find(void *self, const struct msg_member_page *request,
                              const struct room_asker *asker, uint64_t deadline_ms,
                              managed_store_members_fn *fn, void *arg);

#endif
