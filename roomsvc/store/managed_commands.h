/* Commands on rooms of people over MySQL: managed_store_ops.run. For managed_store_mysql.c. */
#ifndef LYNKS_ROOMSVC_STORE_MANAGED_COMMANDS_H
#define LYNKS_ROOMSVC_STORE_MANAGED_COMMANDS_H

#include "roomsvc/store/managed_db.h"

/* self: a struct managed_db. */
enum err managed_command_run(void *self, const struct msg *request, const struct room_asker *asker,
                             uint64_t deadline_ms, managed_store_fn *fn, void *arg);
enum err managed_commands_sweep(void *self, managed_store_swept_fn *fn, void *arg);

#endif
