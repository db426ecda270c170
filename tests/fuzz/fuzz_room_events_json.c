/* What clients say that they have seen last, and what streams of rooms tell: an id that is taken is
 * the one that is written; and whatever names there are, an event is its own lines and no others.
 *
 * Aims at: gateway/api/room_events_json.c
 * Links: gateway_api */
#include "gateway/api/room_events_json.h"

#include <stdlib.h>

#include "proto/base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void read_id(struct str input)
{
    char id[ROOM_EVENT_ID_BYTES];
    char *text = str_dup(input);
    const struct cursor_after after = room_event_id_read(text);
    check((after.kind == AFTER_NOTHING) == (text[0] == '\0'));
    if (after.kind == AFTER_EVENT) {
        const size_t length = room_event_id_write(after.generation, after.seq, id);
        check(length < sizeof(id) && strcmp(id, text) == 0);
    }
    free(text);
}

/* text begins with name and a value without a line end; gives what is behind them. */
static struct str skip_line(struct str text, const char *name)
{
    const size_t name_bytes = strlen(name);
    check(text.bytes > name_bytes && memcmp(text.data, name, name_bytes) == 0);
    const char *end = memchr(text.data, '\n', text.bytes);
    check(end != NULL);
    const size_t line = (size_t)(end + 1 - text.data);
    return (struct str){.data = text.data + line, .bytes = text.bytes - line};
}

static void check_event(struct http_chunk *first, struct http_chunk *rest)
{
    struct strbuf text = {0};
    strbuf_add(&text, http_chunk_data(first));
    if (rest != NULL) {
        strbuf_add(&text, http_chunk_data(rest));
    }
    struct str left = skip_line(strbuf_str(&text), "event: ");
    left = left.bytes > 0 && left.data[0] == 'i' ? skip_line(left, "id: ") : left;
    left = skip_line(left, "data: {");
    check(left.bytes == 1 && left.data[0] == '\n');
    strbuf_fini(&text);
    http_chunk_unref(&first);
    http_chunk_unref(&rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct str input = {.data = (const char *)data, .bytes = bytes};
    const struct room_encoder encoder = room_events_encoder("https://meet.example.org");
    const uint8_t choice = bytes > 0 ? data[0] : 0;
    const struct msg_participant participant = {.id = 7,
                                                .name = input,
                                                .role = ROOM_VIEWER + (choice & 3U),
                                                .state = PARTICIPANT_JOINED,
                                                .hand_unix_ms = choice & 4U,
                                                .joined_unix_ms = 1};
    const struct msg_room room = {.id = 5,
                                  .code = STR_LIT("abcdefghij"),
                                  .name = input,
                                  .access = ROOM_OPEN,
                                  .unmute = ROOM_UNMUTE_SELF,
                                  .owner_id = choice & 8U,
                                  .owner_name = input};
    const struct msg_room_event event = {
        .seq = 42,
        .type = EVENT_ROOM_UPDATED + choice % 18U,
        .audience = AUDIENCE_ALL,
        .has_participant = (choice & 16) != 0,
        .participant = participant,
        .has_room = (choice & 32) != 0,
        .room = room,
        .has_reason = (choice & 64) != 0,
        .reason = REASON_LEFT + choice % 13U,
        .has_message = (choice & 1) != 0,
        .message = {.id = 9,
                    .seq = 42,
                    .text = input,
                    .from_id = 7,
                    .from_name = input,
                    .to_id = choice & 2U},
        .has_invitation = (choice & 128) != 0,
        .invitation = {
            .id = 11, .role = ROOM_VIEWER + (choice & 1U), .label = input, .max_uses = choice}};
    struct room_fold *fold = room_fold_new();
    read_id(input);
    room_fold_set_room(fold, &room);
    room_fold_put(fold, &participant);
    struct http_chunk *told = encoder.event(encoder.arg, 3, 5, &event);
    struct http_chunk *without = encoder.without_id(encoder.arg, told);
    check(skip_line(http_chunk_data(without), "event: ").data[0] == 'd');
    check_event(without, NULL);
    check_event(told, NULL);
    check_event(encoder.snapshot(encoder.arg, 3, 42, fold, (choice & 1) != 0),
                encoder.me(encoder.arg, choice));
    check_event(encoder.waiting(encoder.arg, 3, 42, fold, &participant), NULL);
    check_event(encoder.me_event(encoder.arg, choice), NULL);
    check_event(encoder.reset(encoder.arg), NULL);
    room_fold_free(&fold);
    return 0;
}
