#include "gateway/api/moderation.h"

#include <stdlib.h>

#include "gateway/api/participant_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/json_body.h"
#include "gateway/http/repeat_key.h"

/* ---- who waits ---- */

/* The exchange's state. */
struct decision {
    uint8_t key[REPEAT_KEY_BYTES];
    uint64_t participants[WAITING_MAX];
};

static enum err begin_decision(struct exchange *exchange, struct msg *msg, bool admits,
                               struct decision **ret_decision)
{
    struct msg_lobby_decide *asked = &msg->lobby_decide;
    struct decision *decision = exchange_attach(exchange, sizeof(*decision), free);
    repeat_key_make(exchange, decision->key);
    asked->idempotency_key =
        (struct str){.data = (const char *)decision->key, .bytes = sizeof(decision->key)};
    asked->has_asker = exchange_asker(exchange, &asked->asker);
    asked->has_origin = true;
    asked->origin = exchange_origin(exchange);
    asked->participants.items = decision->participants;
    asked->admits = admits;
    *ret_decision = decision;
    return room_ref_read(exchange, &asked->room);
}

static enum err prepare_one_decision(struct exchange *exchange, struct msg *msg, bool admits)
{
    struct decision *decision;
    const enum err err = begin_decision(exchange, msg, admits, &decision);
    msg->lobby_decide.participants.count = 1;
    return err == ERR_OK ? room_ref_read_id(exchange, "participant", &decision->participants[0])
                         : err;
}

static enum err prepare_admit(struct exchange *exchange, struct msg *msg)
{
    return prepare_one_decision(exchange, msg, /* admits= */ true);
}

static enum err prepare_deny(struct exchange *exchange, struct msg *msg)
{
    return prepare_one_decision(exchange, msg, /* admits= */ false);
}

static const struct member admit_all_body[] = {
    {.name = "participants",
     .type = MEMBER_IDS,
     .is_local = true,
     .max = WAITING_MAX,
     .doc = "The ids of those whom one has seen waiting: nobody else slips in. Who does not wait "
            "any more is left out."},
    {.name = NULL},
};

static enum err prepare_admit_all(struct exchange *exchange, struct msg *msg)
{
    struct decision *decision;
    const enum err err = begin_decision(exchange, msg, /* admits= */ true, &decision);
    msg->lobby_decide.all = true;
    msg->lobby_decide.participants.count =
        json_body_ids(exchange->body, "participants", decision->participants);
    return err;
}

static const struct route_ask ask_admit = {.message = MSG_lobby_decide, .prepare = prepare_admit};
static const struct route_ask ask_deny = {.message = MSG_lobby_decide, .prepare = prepare_deny};
static const struct route_ask ask_admit_all = {.message = MSG_lobby_decide,
                                               .prepare = prepare_admit_all};

/* ---- who is mute ---- */

static const struct member mute_body[] = {
    {.name = "sources",
     .type = MEMBER_WORDS,
     .is_local = true,
     .min = 1,
     .max = MEDIA_SOURCES,
     .words = media_source_words,
     .doc = "What others are not to get any more; the rest stays as it is."},
    {.name = NULL},
};

static enum err prepare_mute_all(struct exchange *exchange, struct msg *msg)
{
    struct msg_participant_mute *mute = &msg->participant_mute;
    mute->idempotency_key = repeat_key_attach(exchange);
    mute->has_asker = exchange_asker(exchange, &mute->asker);
    mute->has_origin = true;
    mute->origin = exchange_origin(exchange);
    mute->sources = json_body_words(exchange->body, "sources", media_source_words);
    return room_ref_read(exchange, &mute->room);
}

static enum err prepare_mute(struct exchange *exchange, struct msg *msg)
{
    const enum err err =
        room_ref_read_id(exchange, "participant", &msg->participant_mute.participant);
    return err == ERR_OK ? prepare_mute_all(exchange, msg) : err;
}

static const struct route_ask ask_mute = {.message = MSG_participant_mute, .prepare = prepare_mute};
static const struct route_ask ask_mute_all = {.message = MSG_participant_mute,
                                              .prepare = prepare_mute_all};

/* ---- the rows ---- */

static const struct route moderation_rows[] = {
    {.method = "POST",
     .template = "/v1/rooms/{room}/participants/{participant}/admit",
     .name = "admitParticipant",
     .doc = "Lets somebody in who waits.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204, .doc = "He is in."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ERR_CONFLICT, ERR_ROOM_FULL,
                ERR_NAME_TAKEN, ROOM_ASKER_ERRORS},
     .ask = &ask_admit},
    {.method = "POST",
     .template = "/v1/rooms/{room}/participants/{participant}/deny",
     .name = "denyParticipant",
     .doc = "Does not let somebody in who waits; he is told, and his token is of no use any more.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204, .doc = "He waits no more."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_deny},
    {.method = "POST",
     .template = "/v1/rooms/{room}/admit-all",
     .name = "admitAll",
     .doc = "Lets all in whom one has seen waiting.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .body = admit_all_body,
     .answer = {.status = 204, .doc = "Those of them who still waited are in."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_ROOM_FULL, ROOM_ASKER_ERRORS},
     .ask = &ask_admit_all},
    {.method = "POST",
     .template = "/v1/rooms/{room}/participants/{participant}/mute",
     .name = "muteParticipant",
     .doc = "Makes somebody mute: oneself, or whose role is lower than one's own.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .body = mute_body,
     .answer = {.status = 204, .doc = "He is mute."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_mute},
    {.method = "POST",
     .template = "/v1/rooms/{room}/mute-all",
     .name = "muteAll",
     .doc = "Makes all mute whose roles are lower than one's own, but for oneself.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .body = mute_body,
     .answer = {.status = 204, .doc = "They are mute."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ROOM_ASKER_ERRORS},
     .ask = &ask_mute_all},
};

struct resource moderation_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = moderation_rows, .count = ARRAY_LEN(moderation_rows)};
}
