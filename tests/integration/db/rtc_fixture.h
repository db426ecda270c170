/* Connections for media of who is in the room of meeting_fixture.h, on the node "default", whose
 * bridge has epoch 3. */
#ifndef LYNKS_TESTS_INTEGRATION_DB_RTC_FIXTURE_H
#define LYNKS_TESTS_INTEGRATION_DB_RTC_FIXTURE_H

#include "roomsvc/store/rtc_store_mysql.h"
#include "tests/integration/db/meeting_fixture.h"

#define RTC_EPOCH 3

extern struct rtc_fixture {
    struct rtc_db db;
    struct rtc_store store;
} rtc;

/* What a command came to, once count is 1. */
struct rtc_outcome_told {
    unsigned count;
    enum err err;
    struct rtc_outcome outcome; /* its journal is gone: see the next members */
    size_t written;             /* events */
    enum room_event_type types[4];
    uint64_t sources[4];
    struct participant whom; /* of the last of them: id, published, lost */
};

int rtc_set_up(void **state);
int rtc_tear_down(void **state);

/* Somebody who is in: his token. A guest of this name, or, name empty, carol. ret_id may be NULL.
 */
struct str rtc_comes(const char *name, uint64_t *ret_id);

/* The connection's id is its letter, 16 times; its handle is 7. */
struct str rtc_id(char letter);
struct msg rtc_opening(char letter, enum rtc_kind kind, struct str token_hash);
struct msg rtc_updating(char letter, uint64_t version, uint64_t published, uint64_t lost);
struct msg rtc_ending(char letter);

/* ERR_OK: ret is told later. */
enum err rtc_begin(const struct msg *request, struct rtc_outcome_told *ret);
/* Waits for it. */
enum err rtc_run(const struct msg *request, struct rtc_outcome_told *ret);
void rtc_wait(struct rtc_outcome_told *told);
/* It is done. */
struct rtc_outcome_told rtc_do(struct msg request);

#endif
