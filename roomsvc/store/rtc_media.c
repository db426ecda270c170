#include "roomsvc/store/rtc_media.h"

enum err rtc_media_encode(const struct rtc_media *media, struct db_large_blob *ret_blob)
{
    static const char nobody[16];
    const struct envelope envelope = {.status = ERR_OK};
    const struct msg msg = {.id = MSG_rtc_update,
                            .rtc_update = {.connection = {.data = nobody, .bytes = sizeof(nobody)},
                                           .node = STR_LIT("-"),
                                           .version = 1,
                                           .tracks = media->tracks,
                                           .streams = media->streams,
                                           .is_offered = media->is_offered}};
    struct frame *frame = frame_new();
    const enum err err = codec_encode(frame, &envelope, &msg);
    const struct str bytes = frame_bytes(frame);
    const bool fits = err == ERR_OK && bytes.bytes <= sizeof(ret_blob->data);
    if (fits) {
        ret_blob->bytes = bytes.bytes;
        memcpy(ret_blob->data, bytes.data, bytes.bytes);
    }
    frame_free(&frame);
    return fits ? ERR_OK : ERR_INTERNAL;
}

bool rtc_media_decode(struct arena *arena, const struct db_large_blob *blob,
                      struct rtc_media *ret_media)
{
    const struct str data = {.data = (const char *)blob->data, .bytes = blob->bytes};
    struct envelope envelope;
    struct msg msg;
    if (codec_decode(arena, data, &envelope, &msg) != CODEC_OK || msg.id != MSG_rtc_update) {
        return false;
    }
    *ret_media = (struct rtc_media){.tracks = msg.rtc_update.tracks,
                                    .streams = msg.rtc_update.streams,
                                    .is_offered = msg.rtc_update.is_offered};
    return true;
}
