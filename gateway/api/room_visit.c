#include "gateway/api/room_visit.h"

#include "proto/base/err.h"

struct room_visits {
    struct room_visits_parts parts;
    struct tally *participants, *addresses;
    struct metric *many_of_participant, *many_of_address;
};

struct room_visits *room_visits_new(const struct room_visits_parts *parts,
                                    const struct room_visits_config *config)
{
    static const char refused[] = "lynks_gateway_refused_room_streams_total";
    static const char help[] =
        "Streams of rooms and long polls that were refused: there were too many of one.";
    struct room_visits *visits = mem_alloc(sizeof(*visits));
    visits->parts = *parts;
    visits->participants =
        tally_new(sizeof(uint64_t), config->visits_max, config->per_participant_max);
    visits->addresses = tally_new(ADDRESS_BYTES, config->visits_max, config->per_address_max);
    visits->many_of_participant =
        metrics_counter(parts->metrics, refused, help, "of=\"participant\"");
    visits->many_of_address = metrics_counter(parts->metrics, refused, help, "of=\"address\"");
    return visits;
}

void room_visits_free(struct room_visits **visits)
{
    if (*visits != NULL) {
        tally_free(&(*visits)->participants);
        tally_free(&(*visits)->addresses);
        mem_free(visits);
    }
}

/* Counts it, or nothing of it. */
static enum err count_visit(struct room_visits *visits, const uint64_t *participant,
                            const uint8_t address[ADDRESS_BYTES])
{
    if (!tally_add(visits->participants, participant)) {
        metric_inc(visits->many_of_participant);
        return ERR_RATE_LIMITED;
    }
    if (!tally_add(visits->addresses, address)) {
        metric_inc(visits->many_of_address);
        tally_take_back(visits->participants, participant);
        return ERR_RATE_LIMITED;
    }
    return ERR_OK;
}

static void uncount_visit(struct room_visits *visits, const uint64_t *participant,
                          const uint8_t address[ADDRESS_BYTES])
{
    tally_take_back(visits->participants, participant);
    tally_take_back(visits->addresses, address);
}

static void wake_for_hint(struct rtc_reader *hints)
{
    const struct room_visit *visit = CONTAINER_OF(hints, struct room_visit, hints);
    visit->cursor.reader.wake(visit->cursor.reader.arg);
}

enum err room_visit_open(struct room_visits *visits, const struct cursor_open *open,
                         const uint8_t address[ADDRESS_BYTES], struct room_visit *visit)
{
    const enum err err = count_visit(visits, &open->participant_id, address);
    if (err != ERR_OK) {
        return err;
    }
    if (!presence_open(visits->parts.presence, open->participant_id)) {
        uncount_visit(visits, &open->participant_id, address);
        return ERR_OVERLOADED;
    }
    if (!room_follow_open(visits->parts.rooms, open, &visit->cursor)) {
        presence_close(visits->parts.presence, open->participant_id);
        uncount_visit(visits, &open->participant_id, address);
        return ERR_OVERLOADED;
    }
    visit->hints.wake = wake_for_hint;
    rtc_reader_open(&visit->hints, visits->parts.hints, open->participant_id);
    visit->all = visits;
    memcpy(visit->address, address, sizeof(visit->address));
    return ERR_OK;
}

void room_visit_close(struct room_visit *visit)
{
    struct room_visits *visits = STEAL(visit->all);
    const uint64_t participant = visit->cursor.participant_id;
    if (visits != NULL) {
        rtc_reader_close(&visit->hints, visits->parts.hints, participant);
        room_follow_close(visits->parts.rooms, &visit->cursor);
        presence_close(visits->parts.presence, participant);
        uncount_visit(visits, &participant, visit->address);
    }
}

/* He knows how the room is, and nothing is half told. */
static bool takes_hints(const struct room_visit *visit)
{
    const enum cursor_step step = visit->cursor.step;
    return step == CURSOR_GOES || step == CURSOR_READS || step == CURSOR_PAGE;
}

enum cursor_has room_visit_peek(struct room_visit *visit, struct http_chunk **ret_chunk)
{
    const enum cursor_has has = room_cursor_peek(&visit->cursor, ret_chunk);
    visit->has_hint = false;
    if (has == CURSOR_HAS_NOTHING && takes_hints(visit) &&
        (*ret_chunk = rtc_reader_peek(&visit->hints)) != NULL) {
        visit->has_hint = true;
        return CURSOR_HAS_CHUNK;
    }
    return has;
}

void room_visit_advance(struct room_visit *visit)
{
    if (visit->has_hint) {
        rtc_reader_advance(&visit->hints);
    } else {
        room_cursor_advance(&visit->cursor);
    }
}

bool room_visit_is_slow(const struct room_visit *visit)
{
    return rtc_reader_is_slow(&visit->hints) || room_cursor_is_slow(&visit->cursor);
}

const char *room_end_word(enum room_end end)
{
    static const char *const words[] = {
        [ROOM_END_LEFT] = "left",
        [ROOM_END_ABSENT] = "absent",
        [ROOM_END_REMOVED] = "removed",
        [ROOM_END_SESSION_ENDED] = "session_ended",
        [ROOM_END_NOT_A_MEMBER] = "not_a_member",
        [ROOM_END_BANNED] = "banned",
        [ROOM_END_DENIED] = "denied",
        [ROOM_END_INVITATION_REVOKED] = "invitation_revoked",
        [ROOM_END_WAITED_TOO_LONG] = "waited_too_long",
        [ROOM_END_MEETING_ENDED] = "meeting_ended",
        [ROOM_END_ROOM_ENDED] = "room_ended",
        [ROOM_END_NOT_JOINED] = "not_joined",
    };
    return words[end];
}
