#include "gateway/api/invitations.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/invitation_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/auth.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"

#define LINK_BYTES 512

struct invitations_api {
    char *public_url;
};

static void write_invitation(const struct exchange *exchange, const struct msg *reply,
                             struct json_out *out)
{
    (void)exchange;
    invitation_json_write(reply->id == MSG_invitation_change_reply
                              ? &reply->invitation_change_reply.invitation
                              : &reply->invitation_page_reply.invitations.items[0],
                          out);
}

/* ---- POST /v1/rooms/{room}/invitations ---- */

static const struct member add_invitation_body[] = {
    {.name = "role",
     .type = MEMBER_WORD,
     .words = member_role_words,
     .doc = "In which they come who come by it: less than one's own."},
    {.name = "label",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "What one calls it."},
    {.name = "max_uses",
     .type = MEMBER_NUMBER,
     .is_optional = true,
     .min = 1,
     .max = INVITATION_USES_MAX,
     .doc = "How many may come by it; absent: any number."},
    {.name = "not_before",
     .type = MEMBER_TIME,
     .is_optional = true,
     .doc = "From when on it is good; absent: always."},
    {.name = "expires_at",
     .type = MEMBER_TIME,
     .is_optional = true,
     .doc = "Until when; absent: for ever."},
    {.name = NULL},
};

static const struct member add_invitation_answer[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    {.name = "secret",
     .type = MEMBER_STRING,
     .min = TOKEN_PREFIXED_BYTES,
     .max = TOKEN_PREFIXED_BYTES,
     .doc = "For who is to come; told only here."},
    {.name = "url",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = LINK_BYTES,
     .doc = "The link with it, whose part after # browsers keep to themselves."},
    INVITATION_MEMBERS,
    {.name = NULL},
};

/* The exchange's state. */
struct making {
    uint8_t key[REPEAT_KEY_BYTES];
    struct auth_secret secret;
};

static void free_making(void *making)
{
    sodium_memzero(making, sizeof(struct making));
    free(making);
}

static enum err prepare_add_invitation(struct exchange *exchange, struct msg *msg)
{
    struct msg_invitation_add *add = &msg->invitation_add;
    struct making *making = exchange_attach(exchange, sizeof(*making), free_making);
    repeat_key_make(exchange, making->key);
    add->idempotency_key =
        (struct str){.data = (const char *)making->key, .bytes = sizeof(making->key)};
    auth_draw_secret(exchange->all->config.auth, TOKEN_INVITATION,
                     repeat_key_is_given(exchange) ? add->idempotency_key : STR_NONE,
                     &making->secret);
    add->secret_hash = (struct str){.data = (const char *)making->secret.hash,
                                    .bytes = sizeof(making->secret.hash)};
    add->body_hash = repeat_key_body(exchange);
    add->has_asker = exchange_asker(exchange, &add->asker);
    add->has_origin = true;
    add->origin = exchange_origin(exchange);
    return room_ref_read(exchange, &add->room);
}

/* By the name of the room that the client knows. */
static void locate_invitation(const struct exchange *exchange, const struct msg *reply,
                              char ret_path[LOCATION_BYTES])
{
    const struct str room = exchange_parameter(exchange, "room");
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/rooms/%.*s/invitations/%" PRIu64, (int)room.bytes,
                   room.data, reply->invitation_add_reply.invitation.id);
}

static void write_new_invitation(const struct exchange *exchange, const struct msg *reply,
                                 struct json_out *out)
{
    const struct invitations_api *invitations = exchange->self;
    const struct making *making = exchange->state;
    char code[ROOM_CODE_DASHED_BYTES], url[LINK_BYTES];
    json_out_member_z(out, "secret", making->secret.text);
    room_code_dash(reply->invitation_add_reply.code, code);
    if (code[0] != '\0') {
        (void)snprintf(url, sizeof(url), "%s/%s#%s", invitations->public_url, code,
                       making->secret.text);
        json_out_member_z(out, "url", url);
        sodium_memzero(url, sizeof(url));
    }
    invitation_json_write(&reply->invitation_add_reply.invitation, out);
}

static const struct route_ask ask_add_invitation = {.message = MSG_invitation_add,
                                                    .prepare = prepare_add_invitation,
                                                    .locate = locate_invitation,
                                                    .write = write_new_invitation};

/* ---- GET /v1/rooms/{room}/invitations ---- */

static const struct member invitation_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = invitation_members,
     .doc = "Those that are not revoked, in the order of their ids."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= INVITATIONS_PAGE, "a page fits into a message");

static enum err prepare_invitation_list(struct exchange *exchange, struct msg *msg)
{
    struct msg_invitation_page *page = &msg->invitation_page;
    const enum err err = paging_ids_begin(exchange, ROOM_ID_MAX, &page->limit, &page->after_id);
    page->has_asker = exchange_asker(exchange, &page->asker);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static void write_invitation_list(const struct exchange *exchange, const struct msg *reply,
                                  struct json_out *out)
{
    const struct msg_invitation_list list = reply->invitation_page_reply.invitations;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(out, '{');
        invitation_json_write(&list.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    paging_ids_end(exchange, list.count, list.count > 0 ? list.items[list.count - 1].id : 0, out);
}

static const struct route_ask ask_invitation_list = {.message = MSG_invitation_page,
                                                     .prepare = prepare_invitation_list,
                                                     .write = write_invitation_list};

/* ---- /v1/rooms/{room}/invitations/{invitation} ---- */

static enum err prepare_get_invitation(struct exchange *exchange, struct msg *msg)
{
    struct msg_invitation_page *page = &msg->invitation_page;
    const enum err err = room_ref_read_id(exchange, "invitation", &page->invitation);
    page->limit = 1;
    page->has_asker = exchange_asker(exchange, &page->asker);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static enum err settle_get_invitation(struct exchange *exchange, enum err err,
                                      const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->invitation_page_reply.invitations.count != 1 ? ERR_PROTOCOL
                                                                                : err;
}

static const struct route_ask ask_get_invitation = {.message = MSG_invitation_page,
                                                    .prepare = prepare_get_invitation,
                                                    .settle = settle_get_invitation,
                                                    .write = write_invitation};

static const struct member change_invitation_body[] = {
    {.name = "role",
     .type = MEMBER_WORD,
     .is_optional = true,
     .words = member_role_words,
     .doc = "Of those who come from now on: less than one's own."},
    {.name = "label",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .is_nullable = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "null: none."},
    {.name = "max_uses",
     .type = MEMBER_NUMBER,
     .is_optional = true,
     .is_nullable = true,
     .min = 1,
     .max = INVITATION_USES_MAX,
     .doc = "How many may come by it, those who have among them; null: any number."},
    {.name = "not_before",
     .type = MEMBER_TIME,
     .is_optional = true,
     .is_nullable = true,
     .doc = "null: always."},
    {.name = "expires_at",
     .type = MEMBER_TIME,
     .is_optional = true,
     .is_nullable = true,
     .doc = "null: never."},
    {.name = NULL},
};

static enum err prepare_change_invitation(struct exchange *exchange, struct msg *msg)
{
    struct msg_invitation_change *change = &msg->invitation_change;
    const enum err err = room_ref_read_id(exchange, "invitation", &change->invitation);
    change->idempotency_key = repeat_key_attach(exchange);
    change->has_asker = exchange_asker(exchange, &change->asker);
    change->has_origin = true;
    change->origin = exchange_origin(exchange);
    return err == ERR_OK ? room_ref_read(exchange, &change->room) : err;
}

static const struct route_ask ask_change_invitation = {.message = MSG_invitation_change,
                                                       .prepare = prepare_change_invitation,
                                                       .write = write_invitation};

static const char *const removes_words[] = {"remove", NULL};

static const struct member revoke_invitation_query[] = {
    {.name = "participants",
     .type = MEMBER_WORD,
     .words = removes_words,
     .doc = "Who has come by it, and whose role is lower than one's own, is out with it."},
    {.name = NULL},
};

static enum err read_removes(const struct exchange *exchange, bool *ret_removes)
{
    char text[16];
    *ret_removes = request_has_query(exchange->request, "participants");
    return !*ret_removes || (request_query(exchange->request, "participants", text, sizeof(text)) &&
                             strcmp(text, removes_words[0]) == 0)
               ? ERR_OK
               : ERR_BAD_REQUEST;
}

static enum err prepare_revoke_invitation(struct exchange *exchange, struct msg *msg)
{
    struct msg_invitation_revoke *revoke = &msg->invitation_revoke;
    enum err err = room_ref_read_id(exchange, "invitation", &revoke->invitation);
    if (err == ERR_OK) {
        err = read_removes(exchange, &revoke->removes);
    }
    revoke->idempotency_key = repeat_key_attach(exchange);
    revoke->has_asker = exchange_asker(exchange, &revoke->asker);
    revoke->has_origin = true;
    revoke->origin = exchange_origin(exchange);
    return err == ERR_OK ? room_ref_read(exchange, &revoke->room) : err;
}

static const struct route_ask ask_revoke_invitation = {.message = MSG_invitation_revoke,
                                                       .prepare = prepare_revoke_invitation};

/* ---- the rows ---- */

static const struct route invitation_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/invitations",
     .name = "listInvitations",
     .doc = "Lists the invitations to a room, without their secrets.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .query = paging_query,
     .answer = {.members = invitation_list_answer, .doc = "A page of them."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ROOM_ASKER_ERRORS},
     .ask = &ask_invitation_list},
    {.method = "POST",
     .template = "/v1/rooms/{room}/invitations",
     .name = "addInvitation",
     .doc = "Makes an invitation to a room: whoever has its link comes in, in the role that it "
            "gives.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .takes_key = true,
     .body = add_invitation_body,
     .answer = {.status = 201,
                .members = add_invitation_answer,
                .doc = "The invitation, and its secret.",
                .has_location = true},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_add_invitation},
    {.method = "GET",
     .template = "/v1/rooms/{room}/invitations/{invitation}",
     .name = "getInvitation",
     .doc = "Shows an invitation, without its secret.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.members = invitation_members, .doc = "The invitation."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_get_invitation},
    {.method = "PATCH",
     .template = "/v1/rooms/{room}/invitations/{invitation}",
     .name = "changeInvitation",
     .doc = "Changes an invitation (RFC 7396); who has come by it stays as he is.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .body = change_invitation_body,
     .answer = {.members = invitation_members, .doc = "The invitation as it is now."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_change_invitation},
    {.method = "DELETE",
     .template = "/v1/rooms/{room}/invitations/{invitation}",
     .name = "revokeInvitation",
     .doc = "Takes an invitation back: nobody else comes by it.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .query = revoke_invitation_query,
     .answer = {.status = 204, .doc = "It lets in nobody else."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_revoke_invitation},
};

struct resource invitations_api_resource(struct invitations_api *invitations)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = invitation_rows,
                             .count = ARRAY_LEN(invitation_rows),
                             .self = invitations};
}

/* ---- life ---- */

struct invitations_api *invitations_api_new(const struct public_url *url)
{
    struct invitations_api *invitations = mem_alloc(sizeof(*invitations));
    invitations->public_url = public_url_text(url);
    return invitations;
}

void invitations_api_free(struct invitations_api **invitations)
{
    if (*invitations != NULL) {
        mem_free(&(*invitations)->public_url);
        mem_free(invitations);
    }
}
