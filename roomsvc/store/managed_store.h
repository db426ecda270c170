/* Rooms of people as the handlers see them: an interface, implemented over MySQL and mocked in the
 * tests. Each command is one transaction, in which it is also decided whether who asks may do it
 * (room_rules.h), and is done once for its key. */
#ifndef LYNKS_ROOMSVC_STORE_MANAGED_STORE_H
#define LYNKS_ROOMSVC_STORE_MANAGED_STORE_H

#include "proto/base/err.h"
#include "roomsvc/rules/managed_room.h"
#include "roomsvc/store/journal.h"

/* Who asks. */
struct room_asker {
    bool is_admin;         /* or the admin tool */
    uint64_t user_id;      /* 0: the admin tool, a participant, or nobody who is known */
    struct str token_hash; /* of a participant's token, borrowed until the answer; empty: none */
    struct str request_id; /* likewise */
};

/* What bounds rooms. */
struct managed_limits {
    uint64_t standard_room; /* which has no owner and never ends; 0: there is none */
    const char *node;       /* of rooms that are made; borrowed */
    uint64_t publishers_max;
    uint64_t rooms_of_user_max;
    uint64_t members_max; /* of a room */
    /* Who may be in a room at a time: of one address, in all rooms; of one user, in each. */
    uint64_t address_participants_max;
    uint64_t user_participants_max;
};

/* What a command came to. */
struct managed_outcome {
    struct managed_room room;      /* as it is now, and what who asked is there */
    struct room_member member;     /* of member_set */
    bool is_audited;               /* it is in the audit: an admin has done it to somebody's room */
    bool is_entered;               /* the room may not be in Janus, and somebody is in it now */
    const struct journal *journal; /* what was written there */
};

struct managed_page {
    struct managed_room items[MANAGED_ROOMS_PAGE];
    size_t count;
};

struct member_page {
    struct room_member items[MEMBERS_PAGE];
    size_t count;
};

/* What fn is given is borrowed until it returns, and NULL unless err is ERR_OK. */
typedef void managed_store_fn(void *arg, enum err err, const struct managed_outcome *outcome);
typedef void managed_store_page_fn(void *arg, enum err err, const struct managed_page *page);
typedef void managed_store_members_fn(void *arg, enum err err, const struct member_page *page);

/* more: the bound was reached, call again. */
typedef void managed_store_swept_fn(void *arg, enum err err, bool more);

/* Each call that returns ERR_OK calls fn exactly once, later. Anything else (ERR_OVERLOADED,
 * ERR_UNAVAILABLE): fn is never called. request is borrowed until then. deadline_ms is monotonic;
 * what has not begun by then ends with ERR_DEADLINE. */
struct managed_store_ops {
    /* room_add, room_get, room_change, room_close, room_hand_over, member_set or member_remove.
     * ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_NO_SUCH_USER, ERR_NOT_FOUND (no such member),
     * ERR_STALE, ERR_WRONG_MEMBER (an option cannot be), ERR_ROOMS_FULL, ERR_CONFLICT. */
    enum err (*run)(void *self, const struct msg *request, const struct room_asker *asker,
                    uint64_t deadline_ms, managed_store_fn *fn, void *arg);
    enum err (*find_page)(void *self, const struct msg_room_page *request,
                          const struct room_asker *asker, uint64_t deadline_ms,
                          managed_store_page_fn *fn, void *arg);
    /* ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_NOT_FOUND (the one that is meant). */
    enum err (*find_members)(void *self, const struct msg_member_page *request,
                             const struct room_asker *asker, uint64_t deadline_ms,
                             managed_store_members_fn *fn, void *arg);
    /* Forgets keys of commands that are older than a day, a bounded number of them. */
    enum err (*sweep)(void *self, managed_store_swept_fn *fn, void *arg);
};

struct managed_store {
    const struct managed_store_ops *ops;
    void *self;
};

#endif
