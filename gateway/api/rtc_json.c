#include "gateway/api/rtc_json.h"

#include <stdio.h>

#include "gateway/api/participant_json.h"
#include "gateway/http/auth.h"
#include "gateway/http/repeat_key.h"

/* ---- ids ---- */

struct str rtc_id_str(const uint8_t id[RTC_ID_BYTES])
{
    return (struct str){.data = (const char *)id, .bytes = RTC_ID_BYTES};
}

enum err rtc_id_read(const struct exchange *exchange, uint8_t ret_id[RTC_ID_BYTES])
{
    return hex_decode(ret_id, RTC_ID_BYTES, exchange_parameter(exchange, "connection"))
               ? ERR_OK
               : ERR_NOT_FOUND;
}

/* The key of a request that may come again is known to who sends it, and to proxies. */
void rtc_id_draw(const struct exchange *exchange, enum rtc_protocol protocol,
                 uint8_t ret_id[RTC_ID_BYTES])
{
    _Static_assert(RTC_ID_BYTES == REPEAT_KEY_BYTES && RTC_ID_BYTES == AUTH_BODY_BYTES,
                   "the key, and what is made of it, are alike long");
    uint8_t key[REPEAT_KEY_BYTES];
    repeat_key_make(exchange, key);
    auth_hash_body(exchange->all->config.auth, rtc_id_str(key), ret_id);
    rtc_id_mark(ret_id, protocol);
}

void rtc_locate(const uint8_t id[RTC_ID_BYTES], char ret_path[LOCATION_BYTES])
{
    char hex[RTC_ID_HEX + 1];
    hex_encode(hex, id, RTC_ID_BYTES);
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/rtc/%s", hex);
}

bool rtc_is_sdp_text(struct str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        const char c = text.data[i];
        if ((c < ' ' || c > '~') && c != '\r' && c != '\n') {
            return false;
        }
    }
    return text.bytes > 0;
}

/* ---- members ---- */

static const char *const rtc_kind_words[] = {"publish", "watch", NULL};
static const char *const rtc_state_words[] = {
    "attaching", "storing", "joining", "offered", "connecting", "up", "closing", "gone", NULL};

static const struct member rtc_track_members[] = {
    {.name = "source", .type = MEMBER_WORD, .words = media_source_words},
    {.name = "media",
     .type = MEMBER_WORD,
     .words = track_media_words,
     .doc = "Does it arrive? Lost: it has, and does not now."},
    {.name = NULL},
};

const struct member rtc_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = RTC_ID_HEX, .max = RTC_ID_HEX},
    {.name = "kind", .type = MEMBER_WORD, .words = rtc_kind_words},
    {.name = "state", .type = MEMBER_WORD, .words = rtc_state_words},
    RTC_SEQ_MEMBER(0, "Of the last offer; 0: there was none."),
    {.name = "tracks",
     .type = MEMBER_OBJECTS,
     .is_optional = true,
     .max = MEDIA_SOURCES,
     .members = rtc_track_members,
     .doc = "Of one that publishes: what has arrived since it is up."},
    {.name = NULL},
};

const struct member rtc_stream_members[] = {
    {.name = "mid", .type = MEMBER_STRING, .min = 1, .max = RTC_MID_BYTES, .doc = "Of the part."},
    {.name = "participant",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "Whose it is; absent: nothing comes in it."},
    {.name = "source", .type = MEMBER_WORD, .is_optional = true, .words = media_source_words},
    {.name = NULL},
};

/* ---- answers ---- */

void rtc_json_write_id(const char *name, struct str id, struct json_out *out)
{
    json_out_key(out, name);
    json_out_hex(out, id);
}

void rtc_json_write(const uint8_t id[RTC_ID_BYTES], const struct msg_rtc_get_reply *connection,
                    struct json_out *out)
{
    rtc_json_write_id("id", rtc_id_str(id), out);
    json_out_member_z(out, "kind", rtc_kind_words[connection->kind - RTC_PUBLISH]);
    json_out_member_z(out, "state", rtc_state_words[connection->state - RTC_ATTACHING]);
    json_out_member_u64(out, "seq", connection->seq);
    if (connection->kind != RTC_PUBLISH) {
        return;
    }
    json_out_open_member(out, "tracks", '[');
    for (size_t i = 0; i < MEDIA_SOURCES; i++) {
        if ((connection->published >> i & 1) != 0) {
            json_out_open(out, '{');
            json_out_member_z(out, "source", media_source_words[i]);
            json_out_member_z(out, "media", track_media_words[connection->lost >> i & 1]);
            json_out_close(out, "}");
        }
    }
    json_out_close(out, "]");
}

/* Of its participant, and which of his. */
static void write_whose_stream(const struct msg_rtc_stream *stream, struct json_out *out)
{
    if (stream->participant != 0 && stream->has_source) {
        json_out_member_id(out, "participant", stream->participant);
        json_out_member_z(out, "source", msg_enum_text("media_source", stream->source));
    }
}

void rtc_stream_json_write(const struct msg_rtc_stream *stream, struct json_out *out)
{
    json_out_key(out, "mid");
    json_out_str(out, stream->mid);
    write_whose_stream(stream, out);
}
