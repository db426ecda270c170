/* Coming into a room: the transactions of participant_join and stream_enter. For the files of this
 * folder. */
#ifndef LYNKS_ROOMSVC_STORE_PARTICIPANT_JOIN_H
#define LYNKS_ROOMSVC_STORE_PARTICIPANT_JOIN_H

#include "roomsvc/store/participant_command.h"

/* db_work_fn of a struct participant_command. */
enum err participant_join_run(void *command, struct db *db);
enum err stream_enter_run(void *command, struct db *db); /* likewise */

#endif
