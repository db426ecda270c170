/* What a connection sends or gets in which part of its SDP, or is to get when an offer is answered,
 * as the database keeps it: a message rtc_update of the bus that says nothing else. Pure
 * functions. */
#ifndef LYNKS_ROOMSVC_STORE_RTC_MEDIA_H
#define LYNKS_ROOMSVC_STORE_RTC_MEDIA_H

#include "proto/db/db_field.h"
#include "proto/schema/codec.h"

struct rtc_media {
    struct msg_rtc_track_list tracks;
    struct msg_rtc_stream_list streams;
    bool is_offered;
};

/* All that the bounds of the message allow fits. ERR_INTERNAL: it is beyond them. */
enum err rtc_media_encode(const struct rtc_media *media, struct db_large_blob *ret_blob);
/* ret_media borrows from blob and arena. False: another program has written it. */
bool rtc_media_decode(struct arena *arena, const struct db_large_blob *blob,
                      struct rtc_media *ret_media);

#endif
