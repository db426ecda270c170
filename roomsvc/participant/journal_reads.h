/* What gateways read of rooms: the handlers of stream_open, room_state, journal_read, journal_heads
 * and meeting_page. */
#ifndef LYNKS_ROOMSVC_PARTICIPANT_JOURNAL_READS_H
#define LYNKS_ROOMSVC_PARTICIPANT_JOURNAL_READS_H

#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "proto/bus/call.h"
#include "roomsvc/store/journal_store.h"

struct journal_reads;

/* All borrowed. */
struct journal_reads *journal_reads_new(const struct clock *clock, struct metrics *metrics,
                                        struct journal_store store);
/* All calls must have been answered: the store has ended before. */
void journal_reads_free(struct journal_reads **reads);

void journal_reads_answer(struct journal_reads *reads, struct call *call);

#endif
