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
    uint64_t former_id;      /* of stream_enter: the key's participant; 0: it has none yet */
    struct journal journal;
    struct participant_outcome outcome;
    participant_store_fn *fn;
    void *arg;
};

/* What was written is begun anew: the room is locked. */
void participant_command_begin_journal(struct participant_command *command);

/* Does who asks do it to himself, that is whom? */
bool participant_command_is_on_oneself(const struct participant_command *command);
/* May he do it to whom? wished: the role that whom has afterwards. */
enum err participant_command_judge(const struct participant_command *command,
                                   enum room_action action, enum room_role wished);
/* Reads whom, who is in. Who may not see who is in is not told either by what he may not do. */
enum err participant_command_find(struct db *db, struct participant_command *command,
                                  uint64_t participant_id);

/* A number that names something for good. */
uint64_t participant_command_draw_id(void);

/* What commands do, in a transaction that has locked the room, and begun the journal. What they
 * make has the number once.made_id. */
typedef enum err participant_apply_fn(struct participant_command *command, struct db *db);

participant_apply_fn lobby_decide_apply;      /* lobby_sql.c */
participant_apply_fn invitation_add_apply;    /* invitation_sql.c */
participant_apply_fn invitation_change_apply; /* likewise */
participant_apply_fn invitation_revoke_apply; /* likewise */
participant_apply_fn ban_add_apply;           /* ban_sql.c */
participant_apply_fn ban_lift_apply;          /* likewise */
participant_apply_fn message_send_apply;      /* chat_sql.c */
participant_apply_fn stream_key_add_apply;    /* stream_key_sql.c */
participant_apply_fn stream_key_remove_apply; /* likewise */

/* The same command was done before: reads what it has made, of which once has the id. */
participant_apply_fn invitation_read_again;
participant_apply_fn ban_read_again;
participant_apply_fn message_read_again;
participant_apply_fn stream_key_read_again;

#endif
