#include "authsvc/session/session_events.h"

#include "proto/base/random.h"

struct session_events {
    const struct clock *clock;
    struct sessions *sessions;
    struct bus_publisher *publisher;
    uint64_t self; /* of all tellers */
    uint64_t timer;
    struct metric *told, *heard, *told_of_users;
};

static void tell_followers(const struct session_events *events, struct msg_auth_event event)
{
    struct msg msg = {.id = MSG_auth_event, .auth_event = event};
    msg.auth_event.teller = events->self;
    (void)bus_publisher_send(events->publisher, &msg);
}

static void on_session_changed(void *arg, const struct token_hash *token)
{
    struct session_events *events = arg;
    metric_inc(events->told);
    tell_followers(events,
                   (struct msg_auth_event){.what = AUTH_SESSION_CHANGES,
                                           .token_hash = {.data = (const char *)token->bytes,
                                                          .bytes = TOKEN_HASH_BYTES}});
}

static void on_user_news(void *arg, uint64_t user_id, enum auth_news news)
{
    struct session_events *events = arg;
    metric_inc(events->told_of_users);
    tell_followers(events, (struct msg_auth_event){.what = news, .user_id = user_id});
}

static void on_all_changed(void *arg)
{
    const struct session_events *events = arg;
    tell_followers(events, (struct msg_auth_event){.what = AUTH_ALL_CHANGES});
}

static void tell_life(void *arg)
{
    struct session_events *events = arg;
    tell_followers(events, (struct msg_auth_event){.what = AUTH_LIVES});
    events->timer = clock_after(events->clock, SESSION_EVENTS_LIFE_MS, tell_life, events);
}

void session_events_hear(struct session_events *events, const struct msg_auth_event *event)
{
    struct token_hash token;
    if (event->user_id != 0) {
        sessions_forget_user(events->sessions, event->user_id);
    }
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
    *events = (struct session_events){
        .clock = clock,
        .sessions = sessions,
        .publisher = publisher,
        .self = (uint64_t)random_u32() << 31 | random_u32() >> 1,
        .told = metrics_counter(metrics, name, help, "by=\"us\""),
        .heard = metrics_counter(metrics, name, help, "by=\"event\""),
        .told_of_users = metrics_counter(metrics, "lynks_auth_user_news_total",
                                         "Changes of users, by whomever, as published.", NULL)};
    if (publisher != NULL) {
        const struct sessions_listener listener = {.on_session = on_session_changed,
                                                   .on_user = on_user_news,
                                                   .on_all = on_all_changed,
                                                   .arg = events};
        sessions_listen(sessions, &listener);
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
