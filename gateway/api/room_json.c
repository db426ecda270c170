#include "gateway/api/room_json.h"

#include <stdio.h>

#include "proto/unicode/label.h"

#define NAME_BYTES (LABEL_BYTES - 1)
#define URL_BYTES 400

const char *const room_access_words[] = {"open", "members", "invited", NULL};
const char *const room_unmute_words[] = {"self", "moderators", NULL};
const char *const member_role_words[] = {"viewer", "participant", "moderator", NULL};

const char *const room_role_words[] = {"viewer", "participant", "moderator", "owner", NULL};

static const struct member owner_members[] = {
    {.name = "id",
     .type = MEMBER_STRING,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "Of the user."},
    {.name = "display_name", .type = MEMBER_STRING, .max = NAME_BYTES},
    {.name = NULL},
};

const struct member room_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    {.name = "code",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = ROOM_CODE_DASHED_BYTES - 1,
     .max = ROOM_CODE_DASHED_BYTES - 1,
     .doc = "Stands for the room wherever its id does; absent of rooms that /create has made."},
    {.name = "url",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = URL_BYTES,
     .doc = "The link to it."},
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = NAME_BYTES},
    {.name = "access",
     .type = MEMBER_WORD,
     .words = room_access_words,
     .doc = "Who may come in: whoever has the link, whoever has signed in, or members only."},
    {.name = "guests_wait",
     .type = MEMBER_BOOL,
     .doc = "Guests wait until somebody is in who is none."},
    {.name = "lobby", .type = MEMBER_BOOL, .doc = "Whoever is no member waits to be let in."},
    {.name = "locked", .type = MEMBER_BOOL, .doc = "Nobody else comes in."},
    {.name = "has_pin", .type = MEMBER_BOOL, .doc = "A pin is needed to come in."},
    {.name = "participants_max", .type = MEMBER_NUMBER, .min = 1, .max = PARTICIPANTS_MAX},
    {.name = "publishers_max", .type = MEMBER_NUMBER, .min = 1, .max = PUBLISHERS_MAX},
    {.name = "bitrate",
     .type = MEMBER_NUMBER,
     .is_optional = true,
     .min = MEDIA_BITRATE_MIN,
     .max = MEDIA_BITRATE_MAX,
     .doc = "Bits a second that each who publishes may send; absent: as the service says."},
    {.name = "chat", .type = MEMBER_BOOL},
    {.name = "screen_share",
     .type = MEMBER_BOOL,
     .doc = "Participants may share their screens; moderators always may."},
    {.name = "mute_on_entry", .type = MEMBER_BOOL},
    {.name = "unmute",
     .type = MEMBER_WORD,
     .words = room_unmute_words,
     .doc = "Who ends it when somebody is mute."},
    {.name = "expires_at",
     .type = MEMBER_TIME,
     .is_optional = true,
     .doc = "When it ends for good; absent: never."},
    {.name = "empty_timeout_s",
     .type = MEMBER_NUMBER,
     .min = 1,
     .max = 86400,
     .doc = "For how long the media server keeps it when nobody is in it."},
    {.name = "owner",
     .type = MEMBER_OBJECT,
     .is_optional = true,
     .members = owner_members,
     .doc = "Absent: nobody owns it."},
    {.name = "role",
     .type = MEMBER_WORD,
     .is_optional = true,
     .words = room_role_words,
     .doc = "What one is in it; absent: nothing yet."},
    {.name = "created_at", .type = MEMBER_TIME},
    {.name = "node",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = 64,
     .doc = "The media server that it is on; for admins."},
    {.name = NULL},
};

const struct member member_members[] = {
    {.name = "user", .type = MEMBER_OBJECT, .members = owner_members},
    {.name = "role", .type = MEMBER_WORD, .words = room_role_words},
    {.name = "added_at", .type = MEMBER_TIME, .is_optional = true, .doc = "Absent of the owner."},
    {.name = NULL},
};

void room_code_dash(struct str code, char ret_text[ROOM_CODE_DASHED_BYTES])
{
    ret_text[0] = '\0';
    if (code.bytes == ROOM_CODE_LETTERS) {
        (void)snprintf(ret_text, ROOM_CODE_DASHED_BYTES, "%.3s-%.4s-%.3s", code.data, code.data + 3,
                       code.data + 7);
    }
}

static void write_person(struct json_out *out, const char *name, uint64_t id, struct str display)
{
    json_out_open_member(out, name, '{');
    json_out_member_id(out, "id", id);
    json_out_key(out, "display_name");
    json_out_str(out, display);
    json_out_close(out, "}");
}

static void write_link(struct str code, const char *public_url, struct json_out *out)
{
    char dashed[ROOM_CODE_DASHED_BYTES];
    room_code_dash(code, dashed);
    if (dashed[0] != '\0') {
        AUTO(mem_free) char *url = mem_printf("%s/%s", public_url, dashed);
        json_out_member_z(out, "code", dashed);
        json_out_member_z(out, "url", url);
    }
}

void room_json_write(const struct msg_room *room, const char *public_url, struct json_out *out)
{
    json_out_member_id(out, "id", room->id);
    write_link(room->code, public_url, out);
    json_out_key(out, "name");
    json_out_str(out, room->name);
    json_out_member_z(out, "access", room_access_words[room->access - ROOM_OPEN]);
    json_out_member_bool(out, "guests_wait", room->guests_wait);
    json_out_member_bool(out, "lobby", room->lobby);
    json_out_member_bool(out, "locked", room->locked);
    json_out_member_bool(out, "has_pin", room->has_pin);
    json_out_member_u64(out, "participants_max", room->participants_max);
    json_out_member_u64(out, "publishers_max", room->publishers_max);
    if (room->bitrate != 0) {
        json_out_member_u64(out, "bitrate", room->bitrate);
    }
    json_out_member_bool(out, "chat", room->chat);
    json_out_member_bool(out, "screen_share", room->screen_share);
    json_out_member_bool(out, "mute_on_entry", room->mute_on_entry);
    json_out_member_z(out, "unmute", room_unmute_words[room->unmute - ROOM_UNMUTE_SELF]);
    if (room->expires_unix_ms != 0) {
        json_out_key(out, "expires_at");
        json_out_time(out, room->expires_unix_ms);
    }
    json_out_member_u64(out, "empty_timeout_s", room->empty_timeout_s);
    if (room->owner_id != 0) {
        write_person(out, "owner", room->owner_id, room->owner_name);
    }
    if (room->has_role) {
        json_out_member_z(out, "role", room_role_words[room->role - ROOM_VIEWER]);
    }
    json_out_key(out, "created_at");
    json_out_time(out, room->created_unix_ms);
    if (room->node.bytes > 0) {
        json_out_key(out, "node");
        json_out_str(out, room->node);
    }
}

void member_json_write(const struct msg_member *member, struct json_out *out)
{
    write_person(out, "user", member->user_id, member->display_name);
    json_out_member_z(out, "role", room_role_words[member->role - ROOM_VIEWER]);
    if (member->added_unix_ms != 0) {
        json_out_key(out, "added_at");
        json_out_time(out, member->added_unix_ms);
    }
}
