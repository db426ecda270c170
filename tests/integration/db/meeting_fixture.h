/* A room of testuser's in a migrated database, and commands on who is in it; for the tests of what
 * happens in meetings. */
#ifndef LYNKS_TESTS_INTEGRATION_DB_MEETING_FIXTURE_H
#define LYNKS_TESTS_INTEGRATION_DB_MEETING_FIXTURE_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/journal_store_mysql.h"
#include "roomsvc/store/managed_store_mysql.h"
#include "roomsvc/store/participant_store_mysql.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define ROOM_BYTES 24

extern struct meeting_fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct managed_db db;
    struct managed_store rooms;
    struct participant_store store;
    struct journal_store journal;
    struct room_asker carol, nobody;
    char room[ROOM_BYTES], code[ROOM_CODE_LETTERS + 1];
    unsigned char tokens[512][32];
    size_t token_count;
    struct arena *arena;
} meeting;

/* What a command came to, once count is 1. */
struct outcome {
    unsigned count;
    enum err err;
    struct participant_outcome outcome;
    size_t written; /* events */
    enum room_event_type types[8];
    enum room_news_kind hint;
    uint64_t users;
    struct participant_page page;
};

/* For cmocka's setup and teardown: guests wait for carol, who is testuser and owns the room. */
int meeting_set_up(void **state);
/* Whatever the server's defaults are, ours are in force: the same tests hold. */
int meeting_set_up_on_hostile_defaults(void **state);
int meeting_tear_down(void **state);

/* Of an event as the journal has it. */
enum room_event_type event_type_of(const struct db_blob *event);

struct str fresh_key(void);
/* By the code, as a guest of this name; or, name empty, as carol. */
struct msg joining(const char *name);
/* Who shows the token that this join has made. */
struct room_asker asker_of(const struct msg *join);
struct msg changing(uint64_t participant);
struct msg removing(uint64_t participant);

struct msg banning(uint64_t participant, bool user, bool invitation, bool device);
/* Hash of the secret of the invitation that inviting makes. */
extern const char invitation_secret[32];
struct msg inviting(enum room_role role, uint64_t max_uses);
struct msg writing(const char *text, uint64_t to);

/* ERR_OK: ret is told later. */
enum err meeting_begin(const struct msg *request, const struct room_asker *asker,
                       struct outcome *ret);
/* Waits for it. */
enum err meeting_run(const struct msg *request, const struct room_asker *asker,
                     struct outcome *ret);
void meeting_wait(struct outcome *outcome);
/* A command of carol's on the room itself. */
enum err meeting_room_run(const struct msg *request, struct outcome *ret);

/* Joins; gives the participant's id. */
uint64_t come(const struct msg *join, const struct room_asker *asker, enum participant_state state);
uint64_t carol_comes(void);
/* Carol changes the room. */
void set_options(struct msg_room_options options);

#endif
