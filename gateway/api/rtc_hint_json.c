#include "gateway/api/rtc_hint_json.h"

#include "gateway/api/rtc_json.h"
#include "gateway/api/sse.h"

static void write_hint(const struct msg_rtc_hint *hint, struct json_out *out)
{
    rtc_json_write_id("connection", hint->connection, out);
    switch (hint->what) {
    case RTC_HINT_OFFER:
        json_out_member_u64(out, "seq", hint->seq);
        break;
    case RTC_HINT_CLOSED:
        json_out_member_z(out, "kind", msg_enum_text("rtc_kind", hint->kind));
        if (hint->has_reason) {
            json_out_member_z(out, "reason", msg_enum_text("rtc_reason", hint->reason));
        }
        break;
    case RTC_HINT_LAYER:
        if (hint->has_stream) {
            rtc_stream_json_write(&hint->stream, out);
        }
        if (hint->has_layer) {
            json_out_member_u64(out, "layer", hint->layer);
        }
        break;
    case RTC_HINT_RESUMED:
        break;
    }
}

struct http_chunk *rtc_hint_event(const struct msg_rtc_hint *hint)
{
    struct strbuf data = {0};
    struct json_out out;
    json_out_init(&out, &data);
    json_out_open(&out, '{');
    write_hint(hint, &out);
    json_out_close(&out, "}");
    struct http_chunk *chunk =
        sse_event(msg_enum_text("rtc_news", hint->what), STR_NONE, strbuf_str(&data));
    strbuf_fini(&data);
    return chunk;
}
