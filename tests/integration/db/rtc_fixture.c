#include "tests/integration/db/rtc_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct rtc_fixture rtc;

int rtc_set_up(void **state)
{
    const int err = meeting_set_up(state);
    rtc.db = (struct rtc_db){.pool = meeting.db.pool, .commands = meeting.db.pool};
    rtc.store = rtc_store_mysql(&rtc.db);
    set_options((struct msg_room_options){.has_guests_wait = true, .guests_wait = false});
    must_run(fixture.db, "INSERT INTO nodes (node, holder, epoch, expires_unix_ms, janus_session,"
                         " janus_handle) VALUES ('default', UNHEX(MD5('')), 3, 0, 0, 0)");
    return err;
}

int rtc_tear_down(void **state)
{
    return meeting_tear_down(state);
}

struct str rtc_comes(const char *name, uint64_t *ret_id)
{
    const struct msg join = joining(name);
    const uint64_t id =
        come(&join, name[0] == '\0' ? &meeting.carol : &meeting.nobody, PARTICIPANT_JOINED);
    if (ret_id != NULL) {
        *ret_id = id;
    }
    return asker_of(&join).token_hash;
}

struct str rtc_id(char letter)
{
    static char ids[256][16];
    char *id = ids[(unsigned char)letter];
    memset(id, letter, sizeof(ids[0]));
    return (struct str){.data = id, .bytes = sizeof(ids[0])};
}

struct msg rtc_opening(char letter, enum rtc_kind kind, struct str token_hash)
{
    return (struct msg){.id = MSG_rtc_open,
                        .rtc_open = {.connection = rtc_id(letter),
                                     .kind = kind,
                                     .node = STR_LIT("default"),
                                     .epoch = RTC_EPOCH,
                                     .room = str_of(meeting.room),
                                     .asker = {.token_hash = token_hash},
                                     .janus_handle = 7}};
}

struct msg rtc_updating(char letter, uint64_t version, uint64_t published, uint64_t lost)
{
    return (struct msg){.id = MSG_rtc_update,
                        .rtc_update = {.connection = rtc_id(letter),
                                       .node = STR_LIT("default"),
                                       .epoch = RTC_EPOCH,
                                       .version = version,
                                       .is_up = true,
                                       .published = published,
                                       .lost = lost,
                                       .seq = 1}};
}

struct msg rtc_ending(char letter)
{
    return (struct msg){
        .id = MSG_rtc_end,
        .rtc_end = {.connection = rtc_id(letter), .node = STR_LIT("default"), .epoch = RTC_EPOCH}};
}

static void note_event(struct rtc_outcome_told *ret, size_t i, const struct db_blob *blob)
{
    const struct str data = {.data = (const char *)blob->data, .bytes = blob->bytes};
    struct envelope envelope;
    struct msg msg;
    assert_true(i < ARRAY_LEN(ret->types));
    assert_int_equal(codec_decode(meeting.arena, data, &envelope, &msg), CODEC_OK);
    const struct msg_room_event *event = &msg.room_news.event;
    ret->types[i] = event->type;
    ret->sources[i] = event->sources;
    ret->whom = (struct participant){.id = event->participant.id,
                                     .published = event->participant.published,
                                     .lost = event->participant.lost};
}

static void on_rtc_told(void *arg, enum err err, const struct rtc_outcome *outcome)
{
    struct rtc_outcome_told *ret = arg;
    ret->count++;
    ret->err = err;
    if (err == ERR_OK) {
        ret->outcome = *outcome;
        ret->written = outcome->journal->count;
        for (size_t i = 0; i < ret->written; i++) {
            note_event(ret, i, &outcome->journal->entries[i]);
        }
    }
}

enum err rtc_begin(const struct msg *request, struct rtc_outcome_told *ret)
{
    *ret = (struct rtc_outcome_told){.count = 0};
    return rtc.store.ops->run(rtc.store.self, request, 0, on_rtc_told, ret);
}

static bool rtc_is_told(void *arg)
{
    return ((const struct rtc_outcome_told *)arg)->count > 0;
}

void rtc_wait(struct rtc_outcome_told *told)
{
    assert_true(loop_run_until(meeting.loop, rtc_is_told, told, WAIT_MS));
}

enum err rtc_run(const struct msg *request, struct rtc_outcome_told *ret)
{
    const enum err err = rtc_begin(request, ret);
    if (err == ERR_OK) {
        rtc_wait(ret);
    }
    return err == ERR_OK ? ret->err : err;
}

struct rtc_outcome_told rtc_do(struct msg request)
{
    struct rtc_outcome_told told;
    assert_int_equal(rtc_run(&request, &told), ERR_OK);
    return told;
}
