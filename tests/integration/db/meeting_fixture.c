#include "tests/integration/db/meeting_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

struct meeting_fixture meeting;

static bool has_ended(void *arg)
{
    return ((const struct outcome *)arg)->count > 0;
}

void meeting_wait(struct outcome *outcome)
{
    assert_true(loop_run_until(meeting.loop, has_ended, outcome, WAIT_MS));
}

enum room_event_type event_type_of(const struct db_blob *blob)
{
    const struct str data = {.data = (const char *)blob->data, .bytes = blob->bytes};
    struct envelope envelope;
    struct msg msg;
    assert_int_equal(codec_decode(meeting.arena, data, &envelope, &msg), CODEC_OK);
    assert_int_equal(msg.id, MSG_room_news);
    return msg.room_news.event.type;
}

static void note_journal(struct outcome *ret, const struct journal *journal)
{
    ret->written = journal->count;
    for (size_t i = 0; i < journal->count && i < ARRAY_LEN(ret->types); i++) {
        ret->types[i] = event_type_of(&journal->entries[i]);
    }
    ret->hint = journal->hint;
    ret->users = journal->user_count;
}

static void on_participant_outcome(void *arg, enum err err,
                                   const struct participant_outcome *outcome)
{
    struct outcome *ret = arg;
    ret->count++;
    ret->err = err;
    if (err == ERR_OK) {
        ret->outcome = *outcome;
        note_journal(ret, outcome->journal);
    }
}

enum err meeting_begin(const struct msg *request, const struct room_asker *asker,
                       struct outcome *ret)
{
    *ret = (struct outcome){.count = 0};
    return meeting.store.ops->run(meeting.store.self, request, asker, 0, on_participant_outcome,
                                  ret);
}

enum err meeting_run(const struct msg *request, const struct room_asker *asker, struct outcome *ret)
{
    const enum err err = meeting_begin(request, asker, ret);
    if (err == ERR_OK) {
        meeting_wait(ret);
    }
    return err == ERR_OK ? ret->err : err;
}

static void on_managed_outcome(void *arg, enum err err, const struct managed_outcome *outcome)
{
    struct outcome *ret = arg;
    ret->count++;
    ret->err = err;
    if (err == ERR_OK) {
        note_journal(ret, outcome->journal);
        (void)str_copy(meeting.code, sizeof(meeting.code), str_of(outcome->room.code));
        ret->outcome.room_id = outcome->room.id;
    }
}

enum err meeting_room_run(const struct msg *request, struct outcome *ret)
{
    *ret = (struct outcome){.count = 0};
    const enum err err = meeting.rooms.ops->run(meeting.rooms.self, request, &meeting.carol, 0,
                                                on_managed_outcome, ret);
    if (err == ERR_OK) {
        meeting_wait(ret);
    }
    return err == ERR_OK ? ret->err : err;
}

struct str fresh_key(void)
{
    static char keys[1024][16];
    static size_t drawn;
    randombytes_buf(keys[drawn % 1024], sizeof(keys[0]));
    return (struct str){.data = keys[drawn++ % 1024], .bytes = sizeof(keys[0])};
}

static struct str fresh_token(void)
{
    unsigned char *token = meeting.tokens[meeting.token_count++ % ARRAY_LEN(meeting.tokens)];
    randombytes_buf(token, sizeof(meeting.tokens[0]));
    return (struct str){.data = (const char *)token, .bytes = sizeof(meeting.tokens[0])};
}

/* By the code, as a guest of this name; or, name empty, as carol. */
struct msg joining(const char *name)
{
    return (struct msg){.id = MSG_participant_join,
                        .participant_join = {.idempotency_key = fresh_key(),
                                             .room = str_of(meeting.code),
                                             .token_hash = fresh_token(),
                                             .name = str_of(name)}};
}

struct room_asker asker_of(const struct msg *join)
{
    return (struct room_asker){.token_hash = join->participant_join.token_hash};
}

static void make_open_room(void)
{
    struct outcome made;
    const struct msg add = {.id = MSG_room_add,
                            .room_add = {.idempotency_key = fresh_key(),
                                         .options = {.has_name = true,
                                                     .name = STR_LIT("Tea"),
                                                     .has_guests_wait = true,
                                                     .guests_wait = true,
                                                     .has_participants_max = true,
                                                     .participants_max = 20}}};
    assert_int_equal(meeting_room_run(&add, &made), ERR_OK);
    AUTO(mem_free) char *text = mem_printf("%" PRIu64, made.outcome.room_id);
    assert_true(str_copy(meeting.room, sizeof(meeting.room), str_of(text)));
}

struct msg changing(uint64_t participant)
{
    return (struct msg){.id = MSG_participant_change,
                        .participant_change = {.idempotency_key = fresh_key(),
                                               .room = str_of(meeting.room),
                                               .participant = participant}};
}

struct msg removing(uint64_t participant)
{
    return (struct msg){.id = MSG_participant_remove,
                        .participant_remove = {.idempotency_key = fresh_key(),
                                               .room = str_of(meeting.room),
                                               .participant = participant}};
}

void set_options(struct msg_room_options options)
{
    struct outcome outcome;
    const struct msg change = {.id = MSG_room_change,
                               .room_change = {.idempotency_key = fresh_key(),
                                               .room = str_of(meeting.room),
                                               .options = options}};
    assert_int_equal(meeting_room_run(&change, &outcome), ERR_OK);
}

uint64_t come(const struct msg *join, const struct room_asker *asker, enum participant_state state)
{
    struct outcome outcome;
    assert_int_equal(meeting_run(join, asker, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.state, state);
    return outcome.outcome.participant.id;
}

uint64_t carol_comes(void)
{
    const struct msg join = joining("");
    return come(&join, &meeting.carol, PARTICIPANT_JOINED);
}

struct msg banning(uint64_t participant, bool user, bool invitation, bool device)
{
    return (struct msg){.id = MSG_ban_add,
                        .ban_add = {.idempotency_key = fresh_key(),
                                    .room = str_of(meeting.room),
                                    .participant = participant,
                                    .user = user,
                                    .invitation = invitation,
                                    .device = device}};
}

const char invitation_secret[32] = "the hash of a secret of 32 bytes";

struct msg inviting(enum room_role role, uint64_t max_uses)
{
    return (struct msg){.id = MSG_invitation_add,
                        .invitation_add = {.idempotency_key = fresh_key(),
                                           .room = str_of(meeting.room),
                                           .secret_hash = {.data = invitation_secret, .bytes = 32},
                                           .role = role,
                                           .max_uses = max_uses}};
}

struct msg writing(const char *text, uint64_t to)
{
    return (struct msg){.id = MSG_message_send,
                        .message_send = {.idempotency_key = fresh_key(),
                                         .room = str_of(meeting.room),
                                         .text = str_of(text),
                                         .to = to}};
}

static bool is_up(void *arg)
{
    (void)arg;
    return health_is_ready(meeting.health);
}

int meeting_set_up(void **state)
{
    store_fixture_setup(state);
    meeting.loop = loop_new();
    meeting.metrics = metrics_new();
    meeting.health = health_new();
    meeting.arena = arena_new();
    const struct db_pool_config config = {
        .name = "rooms-test", .db = &fixture.config, .threads = 4, .queue_max = 128};
    meeting.db = (struct managed_db){
        .pool = db_pool_new(meeting.loop, meeting.metrics, meeting.health, &config),
        .limits = {.node = "default",
                   .publishers_max = 20,
                   .rooms_of_user_max = 10,
                   .members_max = 10,
                   .address_participants_max = 1000,
                   .user_participants_max = 5}};
    meeting.rooms = managed_store_mysql(&meeting.db);
    meeting.store = participant_store_mysql(&meeting.db);
    meeting.journal = journal_store_mysql(meeting.db.pool);
    meeting.carol = (struct room_asker){.user_id = fixture.user_id};
    must_run(fixture.db, "INSERT INTO users (username, password) VALUES ('dave', 'x')");
    assert_true(loop_run_until(meeting.loop, is_up, NULL, WAIT_MS));
    make_open_room();
    return 0;
}

/* Whatever the server's defaults are, ours are in force: the same tests hold. */
int meeting_set_up_on_hostile_defaults(void **state)
{
    const int err = meeting_set_up(state);
    server_set_hostile_defaults(fixture.server);
    db_pool_free(&meeting.db.pool);
    const struct db_pool_config config = {
        .name = "rooms-test", .db = &fixture.config, .threads = 4, .queue_max = 128};
    meeting.db.pool = db_pool_new(meeting.loop, meeting.metrics, meeting.health, &config);
    meeting.journal = journal_store_mysql(meeting.db.pool);
    return err;
}

int meeting_tear_down(void **state)
{
    server_reset_defaults(fixture.server);
    db_pool_free(&meeting.db.pool);
    health_free(&meeting.health);
    metrics_free(&meeting.metrics);
    loop_free(&meeting.loop);
    arena_free(&meeting.arena);
    return store_fixture_teardown(state);
}
