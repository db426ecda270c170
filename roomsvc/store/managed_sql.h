/* Statements that commands on rooms of people and questions about them share. For the files
 * managed_*.c of this folder. */
#ifndef LYNKS_ROOMSVC_STORE_MANAGED_SQL_H
#define LYNKS_ROOMSVC_STORE_MANAGED_SQL_H

#include "proto/db/db_sql.h"
#include "roomsvc/rules/room_rules.h"
#include "roomsvc/rules/invitation.h"
#include "roomsvc/rules/participant.h"
#include "roomsvc/rules/stream_key.h"
#include "roomsvc/store/managed_db.h"

/* One room that somebody asks for. */
struct room_query {
    struct room_asker asker;
    uint64_t id; /* 0: by its code */
    char code[ROOM_CODE_LETTERS + 1];
    bool may_be_out;              /* an asker with a participant's token need not be in */
    bool may_wait;                /* likewise: he may wait to be let in */
    unsigned char token_hash[32]; /* his, if he has one */
    struct participant self;      /* likewise; id 0: he has none */
    bool has_invitation;          /* who asks shows the secret of one */
    unsigned char invitation_hash[32];
    struct invitation invitation; /* likewise; id 0: there is no such one to this room */
    bool may_be_stream;           /* he may have come by a stream key */
    struct stream_key stream_key; /* who comes by it now, found before; id 0: nobody does */
    struct managed_room room;
    /* Of a room that was locked. */
    uint64_t seq, generation, in_janus;
};

/* A user who is meant, and what he is in the room. */
struct user_query {
    uint64_t room_id;
    uint64_t id; /* 0: by his name */
    char username[LABEL_BYTES];
    char found_name[LABEL_BYTES];
    struct room_member member; /* role 0: he is none */
};

/* A room as managed_room has it; asker.user_id is the first parameter. A room without a code has no
 * owner: who made it has no more of it than others. */
#define MANAGED_COLUMNS                                                                            \
    "r.room_id, IFNULL(r.code, ''), IF(r.name = '', CONCAT('Room ', r.room_id), r.name),"          \
    " r.access, r.guests_wait, r.lobby, r.locked, r.pin IS NOT NULL, r.participants_max,"          \
    " r.publishers_max, r.bitrate, r.chat, r.screen_share, r.mute_on_entry, r.unmute, "            \
    "r.expires_unix_ms,"                                                                           \
    " r.empty_timeout_s, CAST(IF(r.code IS NULL, 0, r.owner_id) AS UNSIGNED),"                     \
    " IF(r.code IS NULL, '', IFNULL(IFNULL(o.display_name, o.username), '')),"                     \
    " CAST(IFNULL(m.role, 0) AS UNSIGNED), r.created_unix_ms, r.version, r.closed_unix_ms IS NOT " \
    "NULL"                                                                                         \
    " OR (r.expires_unix_ms > 0 AND r.expires_unix_ms <= " DB_NOW_UNIX_MS "),"                     \
    " " DB_NOW_UNIX_MS ", r.node"
#define MANAGED_JOINS                                                                              \
    " LEFT JOIN users o ON o.id = r.owner_id"                                                      \
    " LEFT JOIN room_members m ON m.room_id = r.room_id AND m.user_id = ?"
/* t: what holds a struct managed_room, at m. */
#define MANAGED_FIELDS(t, m)                                                                       \
    DB_FIELDS(t, m id, m code, m name, m access, m guests_wait, m lobby, m locked, m has_pin,      \
              m participants_max, m publishers_max, m bitrate, m chat, m screen_share,             \
              m mute_on_entry, m unmute, m expires_unix_ms, m empty_timeout_s, m owner_id,         \
              m owner_name, m role, m created_unix_ms, m version, m is_over, m now_unix_ms,        \
              m node)

/* An invitation i as struct invitation has it. */
#define INVITATION_COLUMNS                                                                         \
    "i.invitation_id, i.role, i.label, i.max_uses, i.uses, i.not_before_unix_ms,"                  \
    " i.expires_unix_ms, i.created_unix_ms, i.revoked_unix_ms IS NOT NULL"
/* t: what holds a struct invitation, at m. */
#define INVITATION_FIELDS(t, m)                                                                    \
    DB_FIELDS(t, m id, m role, m label, m max_uses, m uses, m not_before_unix_ms,                  \
              m expires_unix_ms, m created_unix_ms, m is_revoked)

/* A stream key k as struct stream_key has it. */
#define STREAM_KEY_COLUMNS                                                                         \
    "k.stream_key_id, k.room_id, k.used_for, k.label, k.user_id,"                                  \
    " IFNULL(IFNULL(u.display_name, u.username), ''), k.expires_unix_ms, k.created_unix_ms,"       \
    " CAST(IFNULL(p.participant_id, 0) AS UNSIGNED),"                                              \
    " CAST(IFNULL((p.published & ~p.lost) <> 0, 0) AS UNSIGNED)"
#define STREAM_KEY_TABLES                                                                          \
    " FROM stream_keys k LEFT JOIN users u ON u.id = k.user_id"                                    \
    " LEFT JOIN participants p ON p.stream_key_id = k.stream_key_id AND p.state = 2"
_Static_assert(PARTICIPANT_JOINED == 2, "STREAM_KEY_TABLES has that number");
/* t: what holds a struct stream_key, at m. */
#define STREAM_KEY_FIELDS(t, m)                                                                    \
    DB_FIELDS(t, m id, m room_id, m use, m label, m user_id, m user_name, m expires_unix_ms,       \
              m created_unix_ms, m participant_id, m receives)

/* A ban b as struct ban has it. */
#define BAN_COLUMNS                                                                                \
    "b.ban_id, b.name, b.user_id, b.invitation_id, b.device_hash IS NOT NULL, b.note,"             \
    " b.expires_unix_ms, b.created_unix_ms"
#define BAN_FIELDS(t, m)                                                                           \
    DB_FIELDS(t, m id, m name, m user_id, m invitation_id, m has_device, m note,                   \
              m expires_unix_ms, m created_unix_ms)

/* A message m of the chat as struct chat_message has it. */
#define CHAT_COLUMNS "m.message_id, m.seq, m.from_id, m.from_name, m.to_id, m.text, m.time_unix_ms"
#define CHAT_FIELDS(t, m)                                                                          \
    DB_FIELDS(t, m id, m seq, m from_id, m from_name, m to_id, m text, m time_unix_ms)

/* What a request means: an id in digits, else a code, with dashes or without. false: there can be
 * no such room. */
bool room_query_read(struct str room, const struct room_asker *asker, struct room_query *ret_query);
/* Likewise: an id in digits, else a name. */
bool user_query_read(struct str user, struct user_query *ret_query);

/* Reads the room. ERR_NO_SUCH_ROOM, also for who may not know of it; ERR_GONE: it is over. Of an
 * asker with a participant's token: ERR_UNAUTHORIZED, whatever room it is, ERR_REMOVED,
 * ERR_NOT_JOINED, ERR_MUST_WAIT, ERR_DENIED (rules/participant.h). */
enum err room_query_run(struct db *db, struct room_query *query);
/* Locks it before. */
enum err room_query_lock(struct db *db, struct room_query *query);
/* Whether the asker has named it by what lets in whoever has that. */
bool room_query_has_link(const struct room_query *query);
/* What the asker, if he comes, finds in a room that was read: nobody in it yet, and of him what is
 * known before he says more. */
struct join_case room_query_join_case(const struct room_query *query);
/* Whether the asker may do it; target as in room_may. */
enum err room_query_judge(const struct room_query *query, enum room_action action,
                          const struct room_target *target);
/* In which role he does what he does: an admin as an owner; 0: in none. */
enum room_role room_query_role(const struct room_query *query);
/* Whether he may do it at all, to whomever. */
enum err room_query_judge_role(const struct room_query *query, enum room_action action);

/* Reads the user and what he is in the room; the owner of it, too. ERR_NO_SUCH_USER. */
enum err user_query_run(struct db *db, struct user_query *query, const struct managed_room *room);

#endif
