/* One command about participants, in its transaction. For the files of this folder. */
#ifndef LYNKS_ROOMSVC_STORE_PARTICIPANT_COMMAND_H
#define LYNKS_ROOMSVC_STORE_PARTICIPANT_COMMAND_H

#include "roomsvc/store/command_once.h"
#include "roomsvc/store/managed_sql.h"
#include "roomsvc/store/participant_sql.h"
#include "roomsvc/store/participant_store.h"

struct participant_command {
    struct db_job job;
    const struct managed_limits *limits;
    const struct msg *request;
    struct command_once once;
    struct room_query target;
    struct participant whom; /* who comes in, or to whom it is done */
    struct journal journal;
    struct participant_outcome outcome;
    participant_store_fn *fn;
    void *arg;
};

/* What was written is begun anew: the room is locked. */
void participant_command_begin_journal(struct participant_command *command);

#endif
