/* Somebody in a room as the database has him, and who may come in: pure functions. */
#ifndef LYNKS_ROOMSVC_RULES_PARTICIPANT_H
#define LYNKS_ROOMSVC_RULES_PARTICIPANT_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"
#include "proto/unicode/label.h"

/* For so long after he has left, somebody comes back with his token as whom he was. */
#define PARTICIPANT_BACK_MS 600000

/* Numbers are of 64 bits because columns are. */
struct participant {
    uint64_t id;
    uint64_t room_id;
    uint64_t user_id; /* 0: a guest */
    char name[LABEL_BYTES];
    uint64_t role;         /* an enum room_role */
    uint64_t state;        /* an enum participant_state */
    uint64_t hand_unix_ms; /* 0: it is down */
    uint64_t joined_unix_ms;
    uint64_t changed_ago_ms; /* since he is what he is */
};

/* As others in the room see him. Borrows from participant. */
struct msg_participant participant_record(const struct participant *participant);

/* Is somebody who shows the token of this participant in? ERR_REMOVED; ERR_NOT_JOINED: he may come
 * back; ERR_UNAUTHORIZED: the token is of no use any more. */
enum err participant_is_in(const struct participant *participant);

/* Who wants to come in, and what he finds. */
struct join_case {
    bool is_guest; /* has not signed in */
    bool is_admin;
    bool is_known; /* has a role in the room; role says which */
    bool has_code; /* names the room by its code */
    bool is_back;  /* was in it before, and shows his token */
    enum room_role role;
    enum room_access access;
    bool is_locked, has_lobby, has_pin, guests_wait;
    bool is_pin_right;
    bool is_host_in;                  /* somebody is in who is no guest */
    uint64_t joined, joined_max;      /* in the room */
    uint64_t of_address, address_max; /* from where he comes, in all rooms */
    uint64_t of_user, user_max;       /* he himself, in this room; of a guest 0 */
};

/* ERR_NO_SUCH_ROOM (he may not know of it), ERR_FORBIDDEN, ERR_ROOM_LOCKED, ERR_WRONG_PIN,
 * ERR_MUST_WAIT, ERR_ROOM_FULL, ERR_RATE_LIMITED (too many of his address), ERR_CONFLICT (too many
 * of himself). Who leads meetings there, and admins, pass lock, pin and lobby; who comes back has
 * passed them before. */
enum err participant_may_join(const struct join_case *join, enum room_role *ret_role);

#endif
