#include "janusbridge/janus/janus_json.h"

#include <assert.h>
#include <jansson.h>

/* jansson allocates with malloc, so its texts are freed like all others. Encoding fails only when
 * memory is out or a string is no UTF-8; the bus has checked the latter. */
static char *dump(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text != NULL ? text : mem_strdup("{}");
}

char *janus_json_auth(const char *api_secret)
{
    if (api_secret[0] == '\0') {
        return mem_strdup("");
    }
    AUTO(mem_free) char *object = dump(json_pack("{s:s}", "apisecret", api_secret));
    if (strcmp(object, "{}") == 0) {
        return mem_strdup(""); /* no UTF-8: nothing that Janus could take */
    }
    object[strlen(object) - 1] = '\0'; /* {"apisecret":"..."} without its braces */
    return mem_printf(",%s", object + 1);
}

char *janus_json_request(const char *verb, const char *transaction, const char *auth)
{
    return mem_printf("{\"janus\":\"%s\",\"transaction\":\"%s\"%s}", verb, transaction, auth);
}

char *janus_json_attach(const char *transaction, const char *auth)
{
    return mem_printf("{\"janus\":\"attach\",\"plugin\":\"" JANUS_VIDEOROOM
                      "\",\"transaction\":\"%s\"%s}",
                      transaction, auth);
}

char *janus_json_message(const char *transaction, const char *auth, const char *body,
                         const char *jsep)
{
    return mem_printf("{\"janus\":\"message\",\"transaction\":\"%s\"%s,\"body\":%s%s%s}",
                      transaction, auth, body, jsep != NULL ? ",\"jsep\":" : "",
                      jsep != NULL ? jsep : "");
}

char *janus_json_jsep(const char *type, struct str sdp)
{
    return dump(json_pack("{s:s, s:s%}", "type", type, "sdp", sdp.data, sdp.bytes));
}

static void add_pin(json_t *body, const char *key, struct str pin)
{
    if (pin.bytes > 0) {
        json_object_set_new(body, key, json_stringn(pin.data, pin.bytes));
    }
}

/* VP8 comes first: all browsers have it. Others send H264 alone, as many programs and devices do.
 */
static void add_media(json_t *body)
{
    json_object_set_new(body, "videocodec", json_string("vp8,h264"));
    json_object_set_new(body, "opus_fec", json_true());
    json_object_set_new(body, "opus_dtx", json_true());
}

char *janus_json_create(const struct msg_bridge_create *room, const char *admin_key)
{
    json_t *body = json_pack(
        "{s:s, s:I, s:s%, s:s%, s:I, s:b, s:b}", "request", "create", "room",
        (json_int_t)room->room_id, "secret", room->secret.data, room->secret.bytes, "description",
        room->description.data != NULL ? room->description.data : "", room->description.bytes,
        "publishers", (json_int_t)room->publishers_max, "is_private", 1, "lock_record", 1);
    add_pin(body, "pin", room->pin);
    if (room->pin.bytes > 0) {
        add_media(body);
    }
    if (admin_key[0] != '\0') {
        json_object_set_new(body, "admin_key", json_string(admin_key));
    }
    return dump(body);
}

char *janus_json_claim(uint64_t room_id, struct str secret, struct str pin)
{
    json_t *body =
        json_pack("{s:s, s:I, s:s%, s:s%}", "request", "edit", "room", (json_int_t)room_id,
                  "secret", secret.data, secret.bytes, "new_secret", secret.data, secret.bytes);
    add_pin(body, "new_pin", pin);
    return dump(body);
}

char *janus_json_destroy(uint64_t room_id, struct str secret)
{
    return dump(json_pack("{s:s, s:I, s:s%}", "request", "destroy", "room", (json_int_t)room_id,
                          "secret", secret.data, secret.bytes));
}

char *janus_json_exists(uint64_t room_id)
{
    return mem_printf("{\"request\":\"exists\",\"room\":%" PRIu64 "}", room_id);
}

char *janus_json_participants(uint64_t room_id)
{
    return mem_printf("{\"request\":\"listparticipants\",\"room\":%" PRIu64 "}", room_id);
}

char *janus_json_observe(uint64_t room_id, struct str pin)
{
    json_t *body = json_pack("{s:s, s:s, s:I}", "request", "join", "ptype", "publisher", "room",
                             (json_int_t)room_id);
    add_pin(body, "pin", pin);
    return dump(body);
}

/* ---- connections of clients ---- */

static json_t *stream_list(const struct janus_stream *streams, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list,
                              json_pack("{s:I, s:s%}", "feed", (json_int_t)streams[i].feed, "mid",
                                        streams[i].feed_mid.data, streams[i].feed_mid.bytes));
    }
    return list;
}

char *janus_json_publish(const struct janus_place *place, uint64_t bitrate)
{
    json_t *body =
        json_pack("{s:s, s:s, s:I, s:I}", "request", "joinandconfigure", "ptype", "publisher",
                  "room", (json_int_t)place->room_id, "id", (json_int_t)place->feed);
    add_pin(body, "pin", place->pin);
    if (bitrate > 0) {
        json_object_set_new(body, "bitrate", json_integer((json_int_t)bitrate));
    }
    return dump(body);
}

char *janus_json_limit(uint64_t bitrate)
{
    return mem_printf("{\"request\":\"configure\",\"bitrate\":%" PRIu64 "}", bitrate);
}

char *janus_json_subscribe(const struct janus_place *place, const struct janus_stream *streams,
                           size_t count)
{
    json_t *body = json_pack("{s:s, s:s, s:I, s:b, s:o}", "request", "join", "ptype", "subscriber",
                             "room", (json_int_t)place->room_id, "autoupdate", 0, "streams",
                             stream_list(streams, count));
    add_pin(body, "pin", place->pin);
    return dump(body);
}

char *janus_json_update(const struct janus_stream *wanted, size_t wanted_count,
                        const struct janus_stream *gone, size_t gone_count)
{
    json_t *body = json_pack("{s:s}", "request", "update");
    if (wanted_count > 0) {
        json_object_set_new(body, "subscribe", stream_list(wanted, wanted_count));
    }
    if (gone_count > 0) {
        json_t *list = json_array();
        for (size_t i = 0; i < gone_count; i++) {
            json_array_append_new(
                list, json_pack("{s:s%}", "sub_mid", gone[i].mid.data, gone[i].mid.bytes));
        }
        json_object_set_new(body, "unsubscribe", list);
    }
    return dump(body);
}

char *janus_json_tune(const struct janus_tuning *tunings, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct janus_tuning *tuning = &tunings[i];
        json_t *row = json_pack("{s:s%, s:b}", "mid", tuning->mid.data, tuning->mid.bytes, "send",
                                (int)tuning->is_sent);
        if (tuning->has_layer) {
            assert(tuning->layer <= JANUS_LAYER_MAX);
            json_object_set_new(row, "substream", json_integer((json_int_t)tuning->layer));
        }
        json_array_append_new(list, row);
    }
    return dump(json_pack("{s:s, s:o}", "request", "configure", "streams", list));
}

char *janus_json_moderate(const struct janus_place *place, struct str secret, struct str mid,
                          bool mutes)
{
    return dump(json_pack("{s:s, s:I, s:s%, s:I, s:s%, s:b}", "request", "moderate", "room",
                          (json_int_t)place->room_id, "secret", secret.data, secret.bytes, "id",
                          (json_int_t)place->feed, "mid", mid.data, mid.bytes, "mute", (int)mutes));
}
