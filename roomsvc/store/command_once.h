/* A command on a room is done once, however often it comes: its key is kept, for a day, by the
 * transaction that does it. */
#ifndef LYNKS_ROOMSVC_STORE_COMMAND_ONCE_H
#define LYNKS_ROOMSVC_STORE_COMMAND_ONCE_H

#include "proto/db/db_query.h"

struct command_once {
    unsigned char key[16];
    /* Of what a client has given the key for; all 0: no client has. Now, and when it was done. */
    unsigned char body_hash[16], done_hash[16];
    uint64_t made_id; /* the room that it makes; done before: has made; 0: none */
};

/* The first statement of the transaction. key has 16 bytes; body_hash likewise, or none: no client
 * has given the key. Waits for a transaction that is at the same command. ERR_KEY_REUSED: the
 * client has given the key for something else; ERR_IN_FLIGHT: his is still being done. */
enum err command_once_begin(struct db *db, struct command_once *once, struct str key,
                            struct str body_hash, bool *ret_is_done);

/* Runs the transaction of such a command. A connection that is lost in the end leaves open whether
 * it was done, and one that got no lock in time may get it now: then it is run once more, and the
 * key tells. */
enum err command_once_run(struct db *db, db_work_fn *work, void *command);

#endif
