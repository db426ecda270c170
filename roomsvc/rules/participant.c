#include "roomsvc/rules/participant.h"

struct msg_participant participant_record(const struct participant *participant)
{
    return (struct msg_participant){.id = participant->id,
                                    .name = str_of(participant->name),
                                    .role = (enum room_role)participant->role,
                                    .state = (enum participant_state)participant->state,
                                    .guest = participant->user_id == 0,
                                    .hand_unix_ms = participant->hand_unix_ms,
                                    .joined_unix_ms = participant->joined_unix_ms};
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
    case PARTICIPANT_DENIED:
    case PARTICIPANT_ENDED:
        break;
    }
    return ERR_UNAUTHORIZED;
}

/* As room_rules.h has it of seeing a room, but that a guest needs the link. */
static enum err may_find(const struct join_case *join)
{
    if (join->is_admin || join->is_known || join->is_back) {
        return ERR_OK;
    }
    if (!join->has_code || join->access == ROOM_INVITED) {
        return ERR_NO_SUCH_ROOM;
    }
    return join->is_guest && join->access == ROOM_MEMBERS ? ERR_FORBIDDEN : ERR_OK;
}

static enum err may_pass(const struct join_case *join)
{
    const bool is_staff = join->is_admin || (join->is_known && join->role >= ROOM_MODERATOR);
    if (is_staff || join->is_back) {
        return ERR_OK;
    }
    if (join->is_locked) {
        return ERR_ROOM_LOCKED;
    }
    if (join->has_pin && !join->is_pin_right) {
        return ERR_WRONG_PIN;
    }
    const bool waits_for_host = join->guests_wait && join->is_guest && !join->is_host_in;
    return (join->has_lobby && !join->is_known) || waits_for_host ? ERR_MUST_WAIT : ERR_OK;
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

enum err participant_may_join(const struct join_case *join, enum room_role *ret_role)
{
    enum err err = may_find(join);
    if (err == ERR_OK) {
        err = may_pass(join);
    }
    if (err == ERR_OK) {
        err = has_place(join);
    }
    if (err == ERR_OK) {
        *ret_role = join->is_known   ? join->role
                    : join->is_admin ? ROOM_MODERATOR
                                     : ROOM_PARTICIPANT;
    }
    return err;
}
