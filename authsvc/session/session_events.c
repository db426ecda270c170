#include "authsvc/session/session_events.h"

#include "proto/base/random.h"

struct session_events {
    const struct clock *clock;
    struct sessions *sessions;
    struct bus_publisher *publisher;
    uint64_t self; /* of all tellers */
    uint64_t timer;
    struct metric *told, *heard;
};

static void tell_replicas(const struct session_events *events, enum auth_news what,
                          struct str token_hash)
{
    const struct msg msg = {
        .id = MSG_auth_event,
        .auth_event = {.what = what, .token_hash = token_hash, .teller = events->self}};
    (void)bus_publisher_send(events->publisher, &msg);
}

static void on_session_changed(void *arg, const struct token_hash *token)
{
    struct session_events *events = arg;
    metric_inc(events->told);
    tell_replicas(events, AUTH_SESSION_CHANGES,
                  (struct str){.data = (const char *)token->bytes, .bytes = TOKEN_HASH_BYTES});
}

static void tell_life(void *arg)
{
    struct session_events *events = arg;
    tell_replicas(events, AUTH_LIVES, STR_NONE);
    events->timer = clock_after(events->clock, SESSION_EVENTS_LIFE_MS, tell_life, events);
}

void session_events_hear(struct session_events *events, const struct msg_auth_event *event)
{
    struct token_hash token;
    if (event->teller != events->self && event->what == AUTH_SESSION_CHANGES &&
        event->token_hash.bytes == TOKEN_HASH_BYTES) {
        memcpy(&token, event->token_hash.data, sizeof(token));
        metric_inc(events->heard);
        sessions_forget(events->sessions, &token);
    }
}

struct session_events *session_events_new(const struct clock *clock, struct metrics *metrics,
                                          struct sessions *sessions,
                                          struct bus_publisher *publisher)
{
    static const char name[] = "lynks_auth_session_changes_total";
    static const char help[] = "Sessions that ended or changed, as published and as heard";
    struct session_events *events = mem_alloc(sizeof(*events));
    *events =
        (struct session_events){.clock = clock,
                                .sessions = sessions,
                                .publisher = publisher,
                                .self = (uint64_t)random_u32() << 31 | random_u32() >> 1,
                                .told = metrics_counter(metrics, name, help, "by=\"us\""),
                                .heard = metrics_counter(metrics, name, help, "by=\"event\"")};
    if (publisher != NULL) {
        sessions_listen(sessions, on_session_changed, events);
        tell_life(events);
    }
    return events;
}

void session_events_free(struct session_events **events)
{
    if (*events != NULL) {
        clock_cancel((*events)->clock, (*events)->timer);
        mem_free(events);
    }
}
