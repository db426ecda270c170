#include "gateway/api/room_events_json.h"

#include <stdio.h>

#include "gateway/api/invitation_json.h"
#include "gateway/api/message_json.h"
#include "gateway/api/participant_json.h"
#include "gateway/api/room_json.h"
#include "gateway/api/sse.h"

/* ---- ids ---- */

size_t room_event_id_write(uint64_t generation, uint64_t seq, char ret_id[ROOM_EVENT_ID_BYTES])
{
    return (size_t)snprintf(ret_id, ROOM_EVENT_ID_BYTES, "g%" PRIu64 ".%" PRIu64, generation, seq);
}

/* Digits as we write them: without a zero before them; up to end. */
static bool read_id_number(const char **at, char end, uint64_t *ret_number)
{
    const size_t bytes = strspn(*at, "0123456789");
    const struct str text = {.data = *at, .bytes = bytes};
    const bool is_zero = bytes == 1 && **at == '0';
    if ((*at)[bytes] != end || (**at == '0' && !is_zero)) {
        return false;
    }
    *at += bytes + (end != '\0');
    *ret_number = 0;
    return is_zero || str_id(text, ret_number);
}

struct cursor_after room_event_id_read(const char *text)
{
    struct cursor_after after = {.kind = AFTER_GARBAGE};
    if (text == NULL || text[0] == '\0') {
        after.kind = AFTER_NOTHING;
    } else if (*text++ == 'g' && read_id_number(&text, '.', &after.generation) &&
               read_id_number(&text, '\0', &after.seq)) {
        after.kind = AFTER_EVENT;
    }
    return after;
}

static struct http_chunk *event_with_id(const char *name, uint64_t generation, uint64_t seq,
                                        const struct strbuf *data)
{
    char id[ROOM_EVENT_ID_BYTES];
    const struct str text = {.data = id, .bytes = room_event_id_write(generation, seq, id)};
    return sse_event(name, text, strbuf_str(data));
}

/* ---- what is told ---- */

static void write_room_member(const struct msg_room *room, const char *public_url,
                              struct json_out *out)
{
    json_out_open_member(out, "room", '{');
    room_json_write(room, public_url, out);
    json_out_close(out, "}");
}

static struct http_chunk *encode_room_event(void *arg, uint64_t generation, uint64_t room_id,
                                            const struct msg_room_event *event)
{
    const char *public_url = arg;
    const char *type = msg_enum_text("room_event_type", event->type);
    struct strbuf data = {0};
    struct json_out out;
    json_out_init(&out, &data);
    json_out_open(&out, '{');
    json_out_member_z(&out, "type", type);
    json_out_key(&out, "time");
    json_out_time(&out, event->time_unix_ms);
    json_out_member_id(&out, "room", room_id);
    json_out_open_member(&out, "data", '{');
    if (event->has_participant) {
        json_out_open_member(&out, "participant", '{');
        participant_json_write(&event->participant, &out);
        json_out_close(&out, "}");
    }
    if (event->sources != 0) {
        json_out_member_words(&out, "sources", media_source_words, event->sources);
    }
    if (event->has_room) {
        write_room_member(&event->room, public_url, &out);
    }
    if (event->has_message) {
        json_out_open_member(&out, "message", '{');
        message_json_write(&event->message, &out);
        json_out_close(&out, "}");
    }
    if (event->has_invitation) {
        json_out_open_member(&out, "invitation", '{');
        invitation_json_write(&event->invitation, &out);
        json_out_close(&out, "}");
    }
    if (event->has_reason) {
        json_out_member_z(&out, "reason", msg_enum_text("room_reason", event->reason));
    }
    json_out_close(&out, "}}");
    struct http_chunk *chunk = event_with_id(type, generation, event->seq, &data);
    strbuf_fini(&data);
    return chunk;
}

static void write_people(const struct room_fold *fold, const char *name,
                         enum participant_state state, struct json_out *out)
{
    json_out_open_member(out, name, '[');
    for (size_t i = 0; i < room_fold_count(fold); i++) {
        const struct msg_participant *participant = room_fold_at(fold, i);
        if (participant->state == state) {
            json_out_open(out, '{');
            participant_json_write(participant, out);
            json_out_close(out, "}");
        }
    }
    json_out_close(out, "]");
}

/* The snapshot's event is in two chunks, so that the first is one for all of an audience: it ends
 * before "me". */
static struct http_chunk *encode_snapshot(void *arg, uint64_t generation, uint64_t seq,
                                          const struct room_fold *fold, bool is_for_staff)
{
    const char *public_url = arg;
    char id[ROOM_EVENT_ID_BYTES];
    struct strbuf text = {0};
    struct strbuf data = {0};
    struct json_out out;
    json_out_init(&out, &data);
    json_out_open(&out, '{');
    write_room_member(room_fold_room(fold), public_url, &out);
    write_people(fold, "participants", PARTICIPANT_JOINED, &out);
    if (is_for_staff) {
        write_people(fold, "waiting", PARTICIPANT_WAITING, &out);
    }
    (void)room_event_id_write(generation, seq, id);
    strbuf_add_z(&text, "event: snapshot\nid: ");
    strbuf_add_z(&text, id);
    strbuf_add_z(&text, "\ndata: ");
    strbuf_add(&text, strbuf_str(&data));
    strbuf_add_z(&text, ",");
    struct http_chunk *chunk = http_chunk_new(strbuf_str(&text));
    strbuf_fini(&text);
    strbuf_fini(&data);
    return chunk;
}

static struct http_chunk *encode_waiting(void *arg, uint64_t generation, uint64_t seq,
                                         const struct room_fold *fold,
                                         const struct msg_participant *me)
{
    struct strbuf data = {0};
    struct json_out out;
    (void)arg;
    json_out_init(&out, &data);
    json_out_open(&out, '{');
    json_out_open_member(&out, "room", '{');
    json_out_key(&out, "name");
    json_out_str(&out, room_fold_room(fold)->name);
    json_out_close(&out, "}");
    json_out_open_member(&out, "participants", '[');
    json_out_open(&out, '{');
    participant_json_write(me, &out);
    json_out_close(&out, "}]");
    me_json_write((struct u64_list){.count = 0}, &out);
    json_out_close(&out, "}");
    struct http_chunk *chunk = event_with_id("snapshot", generation, seq, &data);
    strbuf_fini(&data);
    return chunk;
}

static void write_me(uint64_t can, struct json_out *out)
{
    uint64_t actions[ROOM_ACTIONS_MAX];
    struct u64_list list = {.items = actions};
    for (uint64_t action = 0; action < ROOM_ACTIONS_MAX; action++) {
        if ((can >> action & 1) != 0) {
            actions[list.count++] = action;
        }
    }
    if (can != 0) {
        me_json_write(list, out);
    } else {
        json_out_open_member(out, "me", '{');
        json_out_close(out, "}");
    }
}

static struct http_chunk *encode_me(void *arg, uint64_t can)
{
    struct strbuf text = {0};
    struct json_out out;
    (void)arg;
    json_out_init(&out, &text);
    write_me(can, &out);
    strbuf_add_z(&text, "}\n\n");
    struct http_chunk *chunk = http_chunk_new(strbuf_str(&text));
    strbuf_fini(&text);
    return chunk;
}

static struct http_chunk *encode_me_event(void *arg, uint64_t can)
{
    struct strbuf text = {0};
    struct json_out out;
    (void)arg;
    json_out_init(&out, &text);
    json_out_open(&out, '{');
    write_me(can, &out);
    json_out_close(&out, "}");
    struct http_chunk *chunk = sse_event("me", STR_NONE, strbuf_str(&text));
    strbuf_fini(&text);
    return chunk;
}

static struct http_chunk *encode_without_id(void *arg, const struct http_chunk *event)
{
    const struct str text = http_chunk_data(event);
    const char *id = memchr(text.data, '\n', text.bytes);
    const char *data = memchr(id + 1, '\n', (size_t)(text.data + text.bytes - id - 1));
    struct strbuf rest = {0};
    (void)arg;
    strbuf_add(&rest, (struct str){.data = text.data, .bytes = (size_t)(id - text.data)});
    strbuf_add(&rest, (struct str){.data = data, .bytes = (size_t)(text.data + text.bytes - data)});
    struct http_chunk *chunk = http_chunk_new(strbuf_str(&rest));
    strbuf_fini(&rest);
    return chunk;
}

static struct http_chunk *encode_reset(void *arg)
{
    (void)arg;
    return sse_event("reset", STR_NONE, STR_LIT("{}"));
}

struct room_encoder room_events_encoder(const char *public_url)
{
    /* The encoder's functions take their argument as it is; they only read. */
    return (struct room_encoder){.event = encode_room_event,
                                 .snapshot = encode_snapshot,
                                 .waiting = encode_waiting,
                                 .me = encode_me,
                                 .me_event = encode_me_event,
                                 .without_id = encode_without_id,
                                 .reset = encode_reset,
                                 .arg = (void *)(uintptr_t)public_url};
}
