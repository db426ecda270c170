/* Sessions for tests that are about something else. */
#ifndef LYNKS_TESTS_UNIT_AUTHSVC_SOME_SESSIONS_H
#define LYNKS_TESTS_UNIT_AUTHSVC_SOME_SESSIONS_H

#include "authsvc/session/sessions.h"
#include "tests/support/c/fake_clock.h"
#include "tests/unit/authsvc/mock_store.h"

static inline struct sessions *some_sessions(struct fake_clock *clock, struct mock_store *store,
                                             struct metrics *metrics)
{
    const struct sessions_config config = {
        .rules = {.original = {.idle_ms = 300000, .lifetime_ms = 43200000},
                  .web = {.idle_ms = 600000, .lifetime_ms = 43200000},
                  .outage_ms = 600000},
        .cache_max = 16,
        .lookups_max = 4,
        .users_max = 16};
    return sessions_new(fake_clock_clock(clock), mock_store_store(store), metrics, &config);
}

#endif
