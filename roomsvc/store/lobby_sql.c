#include "roomsvc/store/lobby_sql.h"

#include "roomsvc/store/participant_command.h"

/* Who waits, in the order in which they came, and what they find. */
struct lobby {
    uint64_t room_id;
    uint64_t joined, users_joined;
    struct participant waiting[WAITING_MAX];
    size_t count;
};

static const struct db_query select_waiting = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.room_id = ? AND p.state = 1"
           " ORDER BY p.joined_unix_ms, p.participant_id LIMIT 50",
    .params = DB_FIELDS(struct lobby, room_id),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS(struct lobby, waiting, count)};
_Static_assert(WAITING_MAX == 50 && PARTICIPANT_WAITING == 1 && PARTICIPANT_JOINED == 2,
               "the statements of this file have those numbers");

static const struct db_query count_in = {
    .sql = "SELECT COUNT(*), COUNT(IF(user_id <> 0, 1, NULL)) FROM participants"
           " WHERE room_id = ? AND state = 2",
    .params = DB_FIELDS(struct lobby, room_id),
    .columns = DB_FIELDS(struct lobby, joined, users_joined)};

/* ERR_ROOM_FULL, ERR_NAME_TAKEN. */
static enum err let_one_in(struct db *db, struct journal *journal, struct lobby *lobby,
                           const struct managed_room *room, struct participant *participant)
{
    if (lobby->joined >= room->participants_max) {
        return ERR_ROOM_FULL;
    }
    enum err err = participant_check_name(db, journal, participant, participant->name);
    if (err == ERR_OK) {
        err = participant_let_in(db, journal, participant);
    }
    if (err == ERR_OK && lobby->joined++ == 0) {
        journal->turn = JOURNAL_IS_ENTERED;
        err = journal_hint(db, journal, ROOM_NEWS_BEGAN, room->owner_id);
    }
    lobby->users_joined += err == ERR_OK && participant->user_id != 0;
    return err;
}

static bool is_no_failure(enum err err)
{
    return err == ERR_OK || err == ERR_ROOM_FULL || err == ERR_NAME_TAKEN;
}

static enum err read_lobby(struct db *db, const struct managed_room *room, struct lobby *ret_lobby)
{
    *ret_lobby = (struct lobby){.room_id = room->id};
    const enum err err = db_query_run(db, &select_waiting, ret_lobby, NULL);
    return err == ERR_OK ? db_query_run(db, &count_in, ret_lobby, NULL) : err;
}

enum err lobby_let_in(struct db *db, struct journal *journal, const struct managed_room *room)
{
    struct lobby lobby;
    if (room->lobby != 0 || room->locked != 0) {
        return ERR_OK;
    }
    enum err err = read_lobby(db, room, &lobby);
    for (size_t i = 0; is_no_failure(err) && i < lobby.count; i++) {
        struct participant *participant = &lobby.waiting[i];
        const bool waits_for_host =
            room->guests_wait != 0 && participant->user_id == 0 && lobby.users_joined == 0;
        if (!waits_for_host) {
            err = let_one_in(db, journal, &lobby, room, participant);
        }
    }
    return is_no_failure(err) ? ERR_OK : err;
}

/* ---- lobby_decide ---- */

static struct participant *find_waiting(struct lobby *lobby, uint64_t id)
{
    for (size_t i = 0; i < lobby->count; i++) {
        if (lobby->waiting[i].id == id) {
            return &lobby->waiting[i];
        }
    }
    return NULL;
}

/* Somebody else has decided, or he has gone. */
static enum err judge_decided(struct participant_command *c, struct db *db, uint64_t id)
{
    const bool admits = c->request->lobby_decide.admits;
    const enum err err = participant_find_any(db, &c->journal, id, &c->whom);
    if (err != ERR_OK) {
        return err;
    }
    switch ((enum participant_state)c->whom.state) {
    case PARTICIPANT_JOINED:
        return admits ? ERR_OK : ERR_CONFLICT;
    case PARTICIPANT_DENIED:
        return admits ? ERR_CONFLICT : ERR_OK;
    default:
        return ERR_NOT_FOUND;
    }
}

static enum err decide_one(struct participant_command *c, struct db *db, struct lobby *lobby,
                           struct participant *participant)
{
    c->whom = *participant;
    return c->request->lobby_decide.admits
               ? let_one_in(db, &c->journal, lobby, &c->target.room, participant)
               : participant_take_out(db, &c->journal, participant, PARTICIPANT_DENIED, 0);
}

enum err lobby_decide_apply(struct participant_command *c, struct db *db)
{
    const struct msg_lobby_decide *decide = &c->request->lobby_decide;
    struct lobby lobby;
    enum err err = room_query_judge(&c->target, ROOM_ADMIT, NULL);
    if (err == ERR_OK) {
        err = read_lobby(db, &c->target.room, &lobby);
    }
    for (size_t i = 0; err == ERR_OK && i < decide->participants.count; i++) {
        struct participant *participant = find_waiting(&lobby, decide->participants.items[i]);
        if (participant != NULL && participant->state == PARTICIPANT_WAITING) {
            err = decide_one(c, db, &lobby, participant);
            err = decide->all && is_no_failure(err) ? ERR_OK : err;
        } else if (!decide->all) {
            err = judge_decided(c, db, decide->participants.items[i]);
        }
    }
    return err;
}
