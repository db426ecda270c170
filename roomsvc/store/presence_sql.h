/* What of presence several statements need. For the files of this folder. */
#ifndef LYNKS_ROOMSVC_STORE_PRESENCE_SQL_H
#define LYNKS_ROOMSVC_STORE_PRESENCE_SQL_H

#include "proto/schema/msg.h"

/* The gateway of rows of presence that say that somebody was seen by other means than a stream. */
#define PRESENCE_NO_GATEWAY "X'00000000000000000000000000000000'"

/* Whether the connection c tells that its participant is there. Of one that watches Janus does not
 * notice for long that its client is dead: it tells only of who has no stream of events, and has
 * had none. */
#define RTC_TELLS_PRESENCE                                                                         \
    "(c.kind = 1 OR NOT EXISTS (SELECT 1 FROM presence g"                                          \
    " WHERE g.participant_id = c.participant_id AND g.gateway <> " PRESENCE_NO_GATEWAY "))"
_Static_assert(RTC_PUBLISH == 1, "RTC_TELLS_PRESENCE has that number");

#endif
