/* Who is in rooms, as the handlers see it: an interface, implemented over MySQL and mocked in the
 * tests. Each command is one transaction, in which it is also decided whether who asks may do it,
 * is done once for its key, and is written to the journal. */
#ifndef LYNKS_ROOMSVC_STORE_PARTICIPANT_STORE_H
#define LYNKS_ROOMSVC_STORE_PARTICIPANT_STORE_H

#include "roomsvc/rules/ban.h"
#include "roomsvc/rules/chat_message.h"
#include "roomsvc/rules/invitation.h"
#include "roomsvc/rules/participant.h"
#include "roomsvc/rules/stream_key.h"
#include "roomsvc/store/managed_store.h"

/* What a command came to. */
struct participant_outcome {
    struct participant participant; /* who has come in, or was changed, as he is now */
    uint64_t room_id;
    bool is_resumed; /* he was there before */
    bool is_made;    /* he is new, and was not made before for this key */
    bool is_entered; /* the room may not be in Janus, and somebody is in it: see that it is there */
    char code[ROOM_CODE_LETTERS + 1]; /* the room's */
    struct invitation invitation;     /* that was made or changed */
    struct ban ban;                   /* that was made */
    struct chat_message message;      /* that was written */
    struct stream_key stream_key;     /* that was made */
    bool is_audited;               /* it is in the audit: an admin has done it to somebody's room */
    const struct journal *journal; /* what was written there */
};

struct participant_page {
    struct participant items[PARTICIPANTS_PAGE];
    size_t count;
    uint64_t open_room_id; /* as in participant_page_reply; 0: it has a code, or is no first page */
    struct participant_feed {
        uint64_t id;
    } feeds[PUBLISHERS_MAX];
    size_t feed_count;
};

/* What fn is given is borrowed until it returns, and NULL unless err is ERR_OK. */
typedef void participant_store_fn(void *arg, enum err err,
                                  const struct participant_outcome *outcome);
typedef void participant_store_page_fn(void *arg, enum err err,
                                       const struct participant_page *page);

/* As managed_store_ops. */
struct participant_store_ops {
    /* participant_join, participant_change, participant_remove, participant_mute, lobby_decide,
     * meeting_end, invitation_add, invitation_change, invitation_revoke, ban_add, ban_lift,
     * message_send, stream_key_add, stream_key_remove or stream_enter; errors as messages.def has
     * them. */
    enum err (*run)(void *self, const struct msg *request, const struct room_asker *asker,
                    uint64_t deadline_ms, participant_store_fn *fn, void *arg);
    /* ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_NOT_FOUND (the one that is meant). */
    enum err (*find_page)(void *self, const struct msg_participant_page *request,
                          const struct room_asker *asker, uint64_t deadline_ms,
                          participant_store_page_fn *fn, void *arg);
};

struct participant_store {
    const struct participant_store_ops *ops;
    void *self;
};

#endif
