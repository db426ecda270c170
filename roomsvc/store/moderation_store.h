/* What is read of invitations, bans, stream keys, the chat, and of a room before one comes in: an
 * interface, implemented over MySQL and mocked in the tests. */
#ifndef LYNKS_ROOMSVC_STORE_MODERATION_STORE_H
#define LYNKS_ROOMSVC_STORE_MODERATION_STORE_H

#include "roomsvc/rules/ban.h"
#include "roomsvc/rules/chat_message.h"
#include "roomsvc/rules/invitation.h"
#include "roomsvc/rules/participant.h"
#include "roomsvc/rules/stream_key.h"
#include "roomsvc/store/managed_store.h"

/* What a question came to; which members count depends on it. */
struct moderation_answer {
    struct invitation *invitations; /* invitation_page: ascending by id */
    size_t invitation_count;
    struct ban *bans; /* ban_page: likewise */
    size_t ban_count;
    struct stream_key *stream_keys; /* stream_key_page: likewise */
    size_t stream_key_count;
    struct chat_message *messages; /* message_page: ascending by seq */
    size_t message_count;
    bool is_last;             /* likewise: there are no more by now */
    struct managed_room room; /* join_info; of stream_key_page only its id */
    struct join_case join;    /* likewise: who asks, if he came now; without what only a join tells
                                 of him: his name, PIN, device and address */
};

/* answer is borrowed until fn returns, and NULL unless err is ERR_OK. */
typedef void moderation_store_fn(void *arg, enum err err, const struct moderation_answer *answer);

struct moderation_store_ops {
    /* invitation_page, ban_page, stream_key_page, message_page or join_info; errors as messages.def
     * has them. As managed_store_ops. */
    enum err (*ask)(void *self, const struct msg *request, const struct room_asker *asker,
                    uint64_t deadline_ms, moderation_store_fn *fn, void *arg);
};

struct moderation_store {
    const struct moderation_store_ops *ops;
    void *self;
};

#endif
