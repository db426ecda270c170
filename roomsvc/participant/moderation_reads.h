/* What people read of invitations, bans and the chat, and of a room before they come in: the
 * handlers of invitation_page, ban_page, message_page and join_info. */
#ifndef LYNKS_ROOMSVC_PARTICIPANT_MODERATION_READS_H
#define LYNKS_ROOMSVC_PARTICIPANT_MODERATION_READS_H

#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "proto/bus/call.h"
#include "roomsvc/store/moderation_store.h"

struct moderation_reads;

/* All borrowed. */
struct moderation_reads *moderation_reads_new(const struct clock *clock, struct metrics *metrics,
                                              struct moderation_store store);
/* All calls must have been answered: the store has ended before. */
void moderation_reads_free(struct moderation_reads **reads);

void moderation_reads_answer(struct moderation_reads *reads, struct call *call);

#endif
