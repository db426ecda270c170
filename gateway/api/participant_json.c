#include "gateway/api/participant_json.h"

#include "gateway/api/room_json.h"
#include "proto/unicode/label.h"

static const char *const state_words[] = {"waiting", "joined", "left", "removed",
                                          "denied",  "ended",  NULL};

static const char *const participant_kind_words[] = {"person", "stream", NULL};

const char *const media_source_words[] = {"audio", "video", "screen", NULL};
_Static_assert(ARRAY_LEN(media_source_words) == MEDIA_SOURCES + 1 && MEDIA_AUDIO == 1 &&
                   MEDIA_VIDEO == 2 && MEDIA_SCREEN == 4,
               "each word is for the bit in its place");

const char *const track_media_words[] = {"flowing", "lost", NULL};

static const struct member track_members[] = {
    {.name = "source", .type = MEMBER_WORD, .words = media_source_words},
    {.name = "muted", .type = MEMBER_BOOL, .doc = "Others are not to get it."},
    {.name = "media",
     .type = MEMBER_WORD,
     .words = track_media_words,
     .doc = "Does it arrive? Lost: it has, and does not now."},
    {.name = NULL},
};

const struct member participant_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = LABEL_BYTES - 1},
    {.name = "role", .type = MEMBER_WORD, .words = room_role_words},
    {.name = "state", .type = MEMBER_WORD, .words = state_words},
    {.name = "kind",
     .type = MEMBER_WORD,
     .words = participant_kind_words,
     .doc = "A stream has come by a stream key."},
    {.name = "guest", .type = MEMBER_BOOL, .doc = "He has not signed in."},
    {.name = "hand_raised_at",
     .type = MEMBER_TIME,
     .is_optional = true,
     .doc = "Since when he wants to speak; absent: his hand is down."},
    {.name = "muted",
     .type = MEMBER_WORDS,
     .max = MEDIA_SOURCES,
     .words = media_source_words,
     .doc = "What others are not to get of him."},
    {.name = "tracks",
     .type = MEMBER_OBJECTS,
     .max = MEDIA_SOURCES,
     .members = track_members,
     .doc = "What he sends."},
    {.name = "joined_at",
     .type = MEMBER_TIME,
     .doc = "When he came in, for the last time; of who waits, since when."},
    {.name = NULL},
};

const struct member me_members[] = {
    {.name = "can",
     .type = MEMBER_STRINGS,
     .max = ROOM_ACTIONS_MAX,
     .doc = "The actions that one's role is enough for; on oneself one may more."},
    {.name = NULL},
};

static void write_tracks(const struct msg_participant *participant, struct json_out *out)
{
    json_out_open_member(out, "tracks", '[');
    for (size_t i = 0; i < MEDIA_SOURCES; i++) {
        if ((participant->published >> i & 1) != 0) {
            json_out_open(out, '{');
            json_out_member_z(out, "source", media_source_words[i]);
            json_out_member_bool(out, "muted", (participant->muted >> i & 1) != 0);
            json_out_member_z(out, "media", track_media_words[participant->lost >> i & 1]);
            json_out_close(out, "}");
        }
    }
    json_out_close(out, "]");
}

void participant_json_write(const struct msg_participant *participant, struct json_out *out)
{
    json_out_member_id(out, "id", participant->id);
    json_out_key(out, "name");
    json_out_str(out, participant->name);
    json_out_member_z(out, "role", room_role_words[participant->role - ROOM_VIEWER]);
    json_out_member_z(out, "state", state_words[participant->state - PARTICIPANT_WAITING]);
    json_out_member_z(out, "kind", participant_kind_words[participant->stream]);
    json_out_member_bool(out, "guest", participant->guest);
    if (participant->hand_unix_ms != 0) {
        json_out_key(out, "hand_raised_at");
        json_out_time(out, participant->hand_unix_ms);
    }
    json_out_member_words(out, "muted", media_source_words, participant->muted);
    write_tracks(participant, out);
    json_out_key(out, "joined_at");
    json_out_time(out, participant->joined_unix_ms);
}

static const struct msg_enum *room_actions(void)
{
    const struct msg_enum *values = msg_enum_next(NULL);
    while (strcmp(values->name, "room_action") != 0) {
        values = msg_enum_next(values);
    }
    return values;
}

void me_json_write(struct u64_list can, struct json_out *out)
{
    const struct msg_enum *actions = room_actions();
    json_out_open_member(out, "me", '{');
    json_out_open_member(out, "can", '[');
    for (size_t i = 0; i < can.count; i++) {
        if (msg_enum_has(actions, can.items[i])) {
            json_out_z(out, msg_enum_text(actions->name, can.items[i]));
        }
    }
    json_out_close(out, "]}");
}
