#include "gateway/api/participants.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/ice_servers.h"
#include "gateway/api/participant_json.h"
#include "gateway/api/participant_list.h"
#include "gateway/api/room_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/auth.h"
#include "gateway/http/json_body.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"
#include "proto/unicode/label.h"

#define DEVICE_BYTES_MAX 128

static void write_one_participant(const struct exchange *exchange, const struct msg *reply,
                                  struct json_out *out)
{
    (void)exchange;
    participant_json_write(reply->id == MSG_participant_change_reply
                               ? &reply->participant_change_reply.participant
                               : &reply->participant_page_reply.participants.items[0],
                           out);
}

/* ---- POST /v1/rooms/{room}/participants ---- */

static const struct member join_body[] = {
    {.name = "name",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "What others see; a guest needs one. Absent: one's display name. Who comes back keeps "
            "his."},
    {.name = "device",
     .type = MEMBER_STRING,
     .is_optional = true,
     .is_local = true,
     .min = 1,
     .max = DEVICE_BYTES_MAX,
     .doc = "Names the device, always alike; nobody is shown it."},
    {.name = "pin",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = ROOM_PIN_DIGITS_MAX,
     .doc = "Of the room, if it has one."},
    {.name = "invitation",
     .type = MEMBER_STRING,
     .is_optional = true,
     .is_local = true,
     .min = TOKEN_PREFIXED_BYTES,
     .max = TOKEN_PREFIXED_BYTES,
     .doc = "The secret of an invitation to the room, which stands for the PIN."},
    {.name = NULL},
};

static const struct member join_answer[] = {
    {.name = "participant", .type = MEMBER_OBJECT, .members = participant_members},
    {.name = "token",
     .type = MEMBER_STRING,
     .min = TOKEN_PREFIXED_BYTES,
     .max = TOKEN_PREFIXED_BYTES,
     .doc = "For Authorization, as the participant. With it he comes back as whom he was, for ten "
            "minutes after he has left."},
    {.name = "me", .type = MEMBER_OBJECT, .members = me_members},
    ICE_SERVERS_MEMBER("none for who waits, or where there is no TURN."),
    {.name = NULL},
};

/* The exchange's state. */
struct join {
    uint8_t key[REPEAT_KEY_BYTES];
    uint8_t device_hash[AUTH_BODY_BYTES];
    uint8_t invitation_hash[AUTH_HASH_BYTES];
    uint8_t address[ADDRESS_BYTES];
    struct auth_secret token; /* of whoever is new */
    bool has_pin;
};

static void free_join(void *join)
{
    sodium_memzero(join, sizeof(struct join));
    free(join);
}

static struct str bytes_of(const void *data, size_t bytes)
{
    return (struct str){.data = data, .bytes = bytes};
}

static bool is_guest(const struct exchange *exchange)
{
    return exchange->context.principal.kind == PRINCIPAL_NONE && !exchange->is_participant;
}

/* One that no gateway has drawn costs nobody a hop, and no join. */
static enum err read_invitation(const struct exchange *exchange, struct join *join,
                                struct msg_participant_join *asked)
{
    const struct str secret = json_body_str(exchange->body, "invitation");
    if (secret.bytes == 0) {
        return ERR_OK;
    }
    asked->invitation_hash = bytes_of(join->invitation_hash, sizeof(join->invitation_hash));
    return auth_read_invitation(exchange->all->config.auth, secret, join->invitation_hash);
}

static enum err prepare_join(struct exchange *exchange, struct msg *msg)
{
    struct msg_participant_join *asked = &msg->participant_join;
    const struct auth *auth = exchange->all->config.auth;
    const struct str device = json_body_str(exchange->body, "device");
    if (is_guest(exchange) && asked->name.bytes == 0) {
        exchange->missing = "name";
        return ERR_WRONG_MEMBER;
    }
    struct join *join = exchange_attach(exchange, sizeof(*join), free_join);
    enum err err = room_ref_read(exchange, &asked->room);
    if (err == ERR_OK) {
        err = read_invitation(exchange, join, asked);
    }
    if (err == ERR_OK) {
        err = room_limits_take_join(exchange->self, exchange, asked->pin.bytes > 0);
    }
    if (err != ERR_OK) {
        return err;
    }
    join->has_pin = asked->pin.bytes > 0;
    repeat_key_make(exchange, join->key);
    const struct str key = bytes_of(join->key, sizeof(join->key));
    auth_draw_secret(auth, TOKEN_PARTICIPANT, repeat_key_is_given(exchange) ? key : STR_NONE,
                     &join->token);
    asked->idempotency_key = key;
    asked->body_hash = repeat_key_body(exchange);
    asked->has_asker = exchange_asker(exchange, &asked->asker);
    asked->token_hash = bytes_of(join->token.hash, sizeof(join->token.hash));
    asked->address = exchange_address_key(exchange, join->address);
    if (device.bytes > 0) {
        auth_hash_body(auth, device, join->device_hash);
        asked->device_hash = bytes_of(join->device_hash, sizeof(join->device_hash));
    }
    if (exchange->context.principal.kind == PRINCIPAL_USER) {
        asked->session_hash = bytes_of(exchange->session, sizeof(exchange->session));
    }
    return ERR_OK;
}

static enum err settle_join(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct join *join = exchange->state;
    const bool is_made = err == ERR_OK && reply->participant_join_reply.made;
    room_limits_end_join(exchange->self, exchange, join->has_pin, err, is_made);
    if (err == ERR_OK && !exchange->is_participant) {
        auth_note_good(exchange->all->config.auth, join->token.hash);
    }
    return err;
}

/* By the name of the room that the client knows: a guest's is the code. */
static void locate_participant(const struct exchange *exchange, const struct msg *reply,
                               char ret_path[LOCATION_BYTES])
{
    const struct str room = exchange_parameter(exchange, "room");
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/rooms/%.*s/participants/%" PRIu64,
                   (int)room.bytes, room.data, reply->participant_join_reply.participant.id);
}

static void write_join(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    const struct msg_participant_join_reply *joined = &reply->participant_join_reply;
    const struct join *join = exchange->state;
    json_out_open_member(out, "participant", '{');
    participant_json_write(&joined->participant, out);
    json_out_close(out, "}");
    json_out_key(out, "token");
    json_out_str(out, exchange->is_participant ? auth_token(exchange) : str_of(join->token.text));
    me_json_write(joined->can, out);
    ice_servers_write(exchange, &joined->participant, out);
}

static bool is_join_pending(const struct msg *reply)
{
    return reply->participant_join_reply.participant.state == PARTICIPANT_WAITING;
}

static const struct route_ask ask_join = {.message = MSG_participant_join,
                                          .prepare = prepare_join,
                                          .settle = settle_join,
                                          .locate = locate_participant,
                                          .is_pending = is_join_pending,
                                          .write = write_join};

/* ---- /v1/rooms/{room}/participants/{participant} ---- */

static enum err prepare_get_participant(struct exchange *exchange, struct msg *msg)
{
    struct msg_participant_page *page = &msg->participant_page;
    const enum err err = room_ref_read_id(exchange, "participant", &page->participant);
    page->limit = 1;
    page->has_asker = exchange_asker(exchange, &page->asker);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static enum err settle_get_participant(struct exchange *exchange, enum err err,
                                       const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->participant_page_reply.participants.count != 1 ? ERR_PROTOCOL
                                                                                  : err;
}

static const struct route_ask ask_get_participant = {.message = MSG_participant_page,
                                                     .prepare = prepare_get_participant,
                                                     .settle = settle_get_participant,
                                                     .write = write_one_participant};

static const struct member change_participant_body[] = {
    {.name = "name",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "One's own; a moderator's those of others, too."},
    {.name = "hand",
     .type = MEMBER_BOOL,
     .is_optional = true,
     .doc = "Raised, which only he himself does, or down."},
    {.name = "role",
     .type = MEMBER_WORD,
     .is_optional = true,
     .words = member_role_words,
     .doc = "Less than one's own, of somebody whose role is less; until he leaves."},
    {.name = "muted",
     .type = MEMBER_WORDS,
     .is_optional = true,
     .is_local = true,
     .max = MEDIA_SOURCES,
     .words = media_source_words,
     .doc = "All that others are not to get of him from now on."},
    {.name = NULL},
};

static enum err prepare_change_participant(struct exchange *exchange, struct msg *msg)
{
    struct msg_participant_change *change = &msg->participant_change;
    const enum err err = room_ref_read_id(exchange, "participant", &change->participant);
    change->has_muted = json_body_has(exchange->body, "muted");
    change->muted = json_body_words(exchange->body, "muted", media_source_words);
    change->idempotency_key = repeat_key_attach(exchange);
    change->has_asker = exchange_asker(exchange, &change->asker);
    change->has_origin = true;
    change->origin = exchange_origin(exchange);
    return err == ERR_OK ? room_ref_read(exchange, &change->room) : err;
}

static const struct route_ask ask_change_participant = {.message = MSG_participant_change,
                                                        .prepare = prepare_change_participant,
                                                        .write = write_one_participant};

static enum err prepare_remove_participant(struct exchange *exchange, struct msg *msg)
{
    struct msg_participant_remove *removal = &msg->participant_remove;
    const enum err err = room_ref_read_id(exchange, "participant", &removal->participant);
    removal->idempotency_key = repeat_key_attach(exchange);
    removal->has_asker = exchange_asker(exchange, &removal->asker);
    removal->has_origin = true;
    removal->origin = exchange_origin(exchange);
    return err == ERR_OK ? room_ref_read(exchange, &removal->room) : err;
}

static const struct route_ask ask_remove_participant = {.message = MSG_participant_remove,
                                                        .prepare = prepare_remove_participant};

/* ---- POST /v1/rooms/{room}/end ---- */

static enum err prepare_end_meeting(struct exchange *exchange, struct msg *msg)
{
    struct msg_meeting_end *end = &msg->meeting_end;
    end->idempotency_key = repeat_key_attach(exchange);
    end->has_asker = exchange_asker(exchange, &end->asker);
    end->has_origin = true;
    end->origin = exchange_origin(exchange);
    return room_ref_read(exchange, &end->room);
}

static const struct route_ask ask_end_meeting = {.message = MSG_meeting_end,
                                                 .prepare = prepare_end_meeting};

/* ---- the rows ---- */

static const struct route participant_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/participants",
     .name = "listParticipants",
     .doc = "Lists who is in a room, for who is in it, its members and admins.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .query = paging_query,
     .answer = {.members = participant_list_answer, .doc = "A page of them."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ROOM_ASKER_ERRORS},
     .handle = participant_list_handle},
    {.method = "POST",
     .template = "/v1/rooms/{room}/participants",
     .name = "joinRoom",
     .doc = "Comes into a room: a user by its id or its code, a guest by its code or with an "
            "invitation, and whoever was in it with his participant's token, as whom he was.",
     .who = ROUTE_USER_PARTICIPANT_OR_NOBODY,
     .takes_key = true,
     .body = join_body,
     .answer = {.status = 201,
                .members = join_answer,
                .doc = "He is in.",
                .pending_doc = "He waits to be let in: the stream of his events says what becomes "
                               "of him.",
                .has_location = true},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_ROOM_FULL, ERR_ROOM_LOCKED, ERR_WRONG_PIN,
                ERR_LOBBY_FULL, ERR_NAME_TAKEN, ERR_REMOVED, ERR_DENIED, ERR_BANNED, ERR_CONFLICT,
                ERR_NO_SUCH_INVITATION, ERR_INVITATION_REVOKED, ERR_INVITATION_USED_UP,
                ERR_INVITATION_EARLY, ERR_INVITATION_EXPIRED},
     .ask = &ask_join},
    {.method = "GET",
     .template = "/v1/rooms/{room}/participants/{participant}",
     .name = "getParticipant",
     .doc = "Shows somebody who is in a room.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.members = participant_members, .doc = "The participant."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_get_participant},
    {.method = "PATCH",
     .template = "/v1/rooms/{room}/participants/{participant}",
     .name = "changeParticipant",
     .doc = "Changes somebody who is in a room (RFC 7396).",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .body = change_participant_body,
     .answer = {.members = participant_members, .doc = "The participant as he is now."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ERR_NAME_TAKEN, ROOM_ASKER_ERRORS},
     .ask = &ask_change_participant},
    {.method = "DELETE",
     .template = "/v1/rooms/{room}/participants/{participant}",
     .name = "removeParticipant",
     .doc = "Leaves a room, or takes somebody out of it, whose token is of no use any more then.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204, .doc = "He is out."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_remove_participant},
    {.method = "POST",
     .template = "/v1/rooms/{room}/end",
     .name = "endMeeting",
     .doc = "Ends the meeting in a room: everybody leaves, the link stays.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204, .doc = "Nobody is in it."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ROOM_ASKER_ERRORS},
     .ask = &ask_end_meeting},
};

struct resource participants_resource(struct room_limits *limits)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = participant_rows,
                             .count = ARRAY_LEN(participant_rows),
                             .self = limits};
}
