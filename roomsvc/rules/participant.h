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
    uint64_t muted;          /* a sum of media_source */
    uint64_t since_seq;      /* of the event by which he was let in for the first time; 0: never */
    uint64_t invitation_id;  /* by which he came; 0: by none */
    uint64_t published;      /* what he sends; a sum of media_source */
    uint64_t lost;           /* of that, what does not arrive */
    uint64_t stream_key_id;  /* by which it came; 0: it is a person */
    uint64_t stream_use;     /* of that key: an enum stream_use; 0: likewise */
};

/* As others in the room see him. Borrows from participant. */
struct msg_participant participant_record(const struct participant *participant);

/* Is somebody who shows the token of this participant in? ERR_MUST_WAIT: he waits; ERR_NOT_JOINED:
 * he may come back; ERR_REMOVED, ERR_DENIED, ERR_UNAUTHORIZED: the token is of no use any more. */
enum err participant_is_in(const struct participant *participant);

#define NAME_KEY_BYTES 16
/* Two names with the same key are one to people. */
void participant_name_key(const char *name, unsigned char ret_key[NAME_KEY_BYTES]);

/* Who wants to come in, and what he finds. */
struct join_case {
    bool is_guest; /* has not signed in */
    bool is_admin;
    bool is_known;   /* has a role in the room; role says which */
    bool has_code;   /* names the room by its code */
    bool is_invited; /* has a good invitation, or came by one */
    bool has_passed; /* came before, and shows his token: he needs neither link nor PIN again */
    bool is_back;    /* likewise, and was in */
    bool is_stream;  /* comes by a stream key, which is a good invitation: it never waits */
    bool is_banned;
    bool is_name_taken; /* somebody who has signed in is in by the name */
    enum room_role role, invited_role;
    enum room_access access;
    bool is_locked, has_lobby, has_pin, guests_wait;
    bool is_pin_right;
    bool is_host_in;                  /* somebody is in who is no guest */
    uint64_t joined, joined_max;      /* in the room */
    uint64_t of_address, address_max; /* from where he comes, in all rooms */
    uint64_t of_user, user_max;       /* he himself, in this room; of a guest 0 */
    uint64_t waiting, waiting_max;    /* before the room; and of them, from where he comes: */
    uint64_t waiting_of_address, waiting_of_address_max;
};

/* In which role he comes, be he let in or not. */
enum room_role participant_role(const struct join_case *join);

/* Is he in, or does he wait? ERR_NO_SUCH_ROOM (he may not know of it), ERR_FORBIDDEN, ERR_BANNED,
 * ERR_ROOM_LOCKED, ERR_WRONG_PIN, ERR_NAME_TAKEN, ERR_ROOM_FULL, ERR_LOBBY_FULL, ERR_RATE_LIMITED
 * (too many of his address), ERR_CONFLICT (too many of himself). The owner and admins pass bans;
 * who leads meetings there passes lock, PIN and lobby; an invitation stands for the PIN; who was in
 * before has passed them. */
enum err participant_may_join(const struct join_case *join, enum participant_state *ret_state);

/* How it looks to who has not come yet. ERR_NO_SUCH_ROOM, ERR_FORBIDDEN. */
enum err participant_may_find(const struct join_case *join);
/* Likewise: does a lock keep him out, does he need the PIN, would he wait? */
bool participant_is_locked_out(const struct join_case *join);
bool participant_needs_pin(const struct join_case *join);
bool participant_waits(const struct join_case *join);

#endif
