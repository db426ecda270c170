#include "gateway/api/join_info.h"

#include <stdlib.h>

#include "gateway/api/room_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/auth.h"
#include "gateway/http/json_body.h"
#include "proto/unicode/label.h"

static const struct member join_info_body[] = {
    {.name = "room",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = ROOM_REF_BYTES_MAX,
     .doc = "Its id or its code; absent: that of the invitation. One of the two is needed."},
    {.name = "invitation",
     .type = MEMBER_STRING,
     .is_optional = true,
     .is_local = true,
     .min = TOKEN_PREFIXED_BYTES,
     .max = TOKEN_PREFIXED_BYTES,
     .doc = "The secret of one."},
    {.name = NULL},
};

static const struct member join_info_answer[] = {
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = LABEL_BYTES - 1, .doc = "The room's."},
    {.name = "code",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = ROOM_CODE_DASHED_BYTES - 1,
     .max = ROOM_CODE_DASHED_BYTES - 1,
     .doc = "The room's, for who has an invitation to it."},
    {.name = "begun", .type = MEMBER_BOOL, .doc = "Somebody is in."},
    {.name = "pin", .type = MEMBER_BOOL, .doc = "The PIN is needed."},
    {.name = "lobby", .type = MEMBER_BOOL, .doc = "One has to be let in."},
    {.name = "waits", .type = MEMBER_BOOL, .doc = "Who came in now would wait."},
    {.name = "locked", .type = MEMBER_BOOL, .doc = "Nobody else comes in for now."},
    {.name = "role", .type = MEMBER_WORD, .words = room_role_words, .doc = "In which one comes."},
    {.name = NULL},
};

static enum err prepare_join_info(struct exchange *exchange, struct msg *msg)
{
    struct msg_join_info *asked = &msg->join_info;
    const struct str secret = json_body_str(exchange->body, "invitation");
    if (secret.bytes == 0 && asked->room.bytes == 0) {
        exchange->missing = "room";
        return ERR_WRONG_MEMBER;
    }
    if (secret.bytes == 0) {
        return ERR_OK;
    }
    uint8_t *hash = exchange_attach(exchange, AUTH_HASH_BYTES, free);
    asked->invitation_hash = (struct str){.data = (const char *)hash, .bytes = AUTH_HASH_BYTES};
    return auth_read_invitation(exchange->all->config.auth, secret, hash);
}

static void write_join_info(const struct exchange *exchange, const struct msg *reply,
                            struct json_out *out)
{
    const struct msg_join_info_reply *info = &reply->join_info_reply;
    char code[ROOM_CODE_DASHED_BYTES];
    (void)exchange;
    json_out_key(out, "name");
    json_out_str(out, info->name);
    room_code_dash(info->code, code);
    if (code[0] != '\0') {
        json_out_member_z(out, "code", code);
    }
    json_out_member_bool(out, "begun", info->begun);
    json_out_member_bool(out, "pin", info->needs_pin);
    json_out_member_bool(out, "lobby", info->lobby);
    json_out_member_bool(out, "waits", info->waits);
    json_out_member_bool(out, "locked", info->locked);
    json_out_member_z(out, "role", room_role_words[info->role - ROOM_VIEWER]);
}

static const struct route_ask ask_join_info = {
    .message = MSG_join_info, .prepare = prepare_join_info, .write = write_join_info};

static const struct route join_info_rows[] = {
    {.method = "POST",
     .template = "/v1/join-info",
     .name = "getJoinInfo",
     .doc = "Tells whoever may come into a room what he needs for it; nobody else hears of it.",
     .who = ROUTE_USER_OR_NOBODY,
     .body = join_info_body,
     .answer = {.members = join_info_answer, .doc = "What it is like to come in now."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NO_SUCH_INVITATION, ERR_INVITATION_REVOKED,
                ERR_INVITATION_USED_UP, ERR_INVITATION_EARLY, ERR_INVITATION_EXPIRED},
     .ask = &ask_join_info},
};

struct resource join_info_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = join_info_rows, .count = ARRAY_LEN(join_info_rows)};
}
