#include "roomsvc/rules/participant.h"

#include <sodium.h>
#include <stdlib.h>

struct msg_participant participant_record(const struct participant *participant)
{
    return (struct msg_participant){.id = participant->id,
                                    .name = str_of(participant->name),
                                    .role = (enum room_role)participant->role,
                                    .state = (enum participant_state)participant->state,
                                    .guest = participant->user_id == 0,
                                    .hand_unix_ms = participant->hand_unix_ms,
                                    .joined_unix_ms = participant->joined_unix_ms,
                                    .muted = participant->muted,
                                    .published = participant->published,
                                    .lost = participant->lost,
                                    .stream = participant->stream_use != 0};
}

enum err participant_is_in(const struct participant *participant)
{
    switch ((enum participant_state)participant->state) {
    case PARTICIPANT_JOINED:
        return ERR_OK;
    case PARTICIPANT_LEFT:
        return participant->changed_ago_ms < PARTICIPANT_BACK_MS ? ERR_NOT_JOINED
                                                                 : ERR_UNAUTHORIZED;
    case PARTICIPANT_REMOVED:
        return ERR_REMOVED;
    case PARTICIPANT_WAITING:
        return ERR_MUST_WAIT;
    case PARTICIPANT_DENIED:
        return ERR_DENIED;
    case PARTICIPANT_ENDED:
        break;
    }
    return ERR_UNAUTHORIZED;
}

void participant_name_key(const char *name, unsigned char ret_key[NAME_KEY_BYTES])
{
    char *folded = label_fold(name);
    const struct str text = str_of(folded != NULL ? folded : name);
    crypto_generichash(ret_key, NAME_KEY_BYTES, (const unsigned char *)text.data, text.bytes, NULL,
                       0);
    free(folded);
}

/* ---- coming in ---- */

enum room_role participant_role(const struct join_case *join)
{
    const enum room_role invited = join->is_invited ? join->invited_role : 0;
    const enum room_role own = join->is_known   ? join->role
                               : join->is_admin ? ROOM_MODERATOR
                               : invited != 0   ? invited
                                                : ROOM_PARTICIPANT;
    return own > invited ? own : invited;
}

static bool is_of_staff(const struct join_case *join)
{
    return join->is_admin || participant_role(join) >= ROOM_MODERATOR;
}

/* As room_rules.h has it of seeing a room, but that a guest needs the link. */
enum err participant_may_find(const struct join_case *join)
{
    if (join->is_admin || join->is_known || join->has_passed || join->is_invited) {
        return ERR_OK;
    }
    if (!join->has_code || join->access == ROOM_INVITED) {
        return ERR_NO_SUCH_ROOM;
    }
    return join->is_guest && join->access == ROOM_MEMBERS ? ERR_FORBIDDEN : ERR_OK;
}

bool participant_needs_pin(const struct join_case *join)
{
    return join->has_pin && !is_of_staff(join) && !join->has_passed && !join->is_invited;
}

bool participant_waits(const struct join_case *join)
{
    const bool waits_for_host = join->guests_wait && join->is_guest && !join->is_host_in;
    return !is_of_staff(join) && !join->is_back && !join->is_stream &&
           ((join->has_lobby && !join->is_known) || waits_for_host);
}

bool participant_is_locked_out(const struct join_case *join)
{
    return join->is_locked && !is_of_staff(join) && !join->is_back;
}

static enum err may_pass(const struct join_case *join)
{
    const bool is_owner = join->is_admin || (join->is_known && join->role == ROOM_OWNER);
    if (join->is_banned && !is_owner) {
        return ERR_BANNED;
    }
    if (participant_is_locked_out(join)) {
        return ERR_ROOM_LOCKED;
    }
    if (participant_needs_pin(join) && !join->is_pin_right) {
        return ERR_WRONG_PIN;
    }
    return join->is_name_taken && join->is_guest ? ERR_NAME_TAKEN : ERR_OK;
}

static enum err has_place(const struct join_case *join)
{
    if (join->joined >= join->joined_max) {
        return ERR_ROOM_FULL;
    }
    if (join->of_address >= join->address_max) {
        return ERR_RATE_LIMITED;
    }
    return join->of_user >= join->user_max ? ERR_CONFLICT : ERR_OK;
}

static enum err may_wait(const struct join_case *join)
{
    if (join->waiting >= join->waiting_max) {
        return ERR_LOBBY_FULL;
    }
    if (join->waiting_of_address >= join->waiting_of_address_max) {
        return ERR_RATE_LIMITED;
    }
    return join->of_user >= join->user_max ? ERR_CONFLICT : ERR_OK;
}

enum err participant_may_join(const struct join_case *join, enum participant_state *ret_state)
{
    enum err err = participant_may_find(join);
    if (err == ERR_OK) {
        err = may_pass(join);
    }
    *ret_state = participant_waits(join) ? PARTICIPANT_WAITING : PARTICIPANT_JOINED;
    if (err == ERR_OK) {
        err = *ret_state == PARTICIPANT_WAITING ? may_wait(join) : has_place(join);
    }
    return err;
}
