#include "janusbridge/rooms/feed.h"

struct feed {
    struct janus_session *session;
    const struct clock *clock;
    struct feed_carrier carrier;
    uint64_t generation;
    uint64_t proven_ms; /* all events up to here were heard; 0: unknown */
    uint64_t sent_ms;   /* of the pulse under way; 0: none */
    uint64_t sent_generation;
    uint64_t wanted_until_ms;
    uint64_t timer;
    unsigned lost_in_a_row;
    struct metric *gaps, *pulses, *lost;
};

/* A gap. */
static void break_feed(void *arg)
{
    struct feed *feed = arg;
    metric_inc(feed->gaps);
    feed->generation++;
    feed->proven_ms = 0;
}

struct feed *feed_new(struct janus_session *session, const struct clock *clock,
                      struct metrics *metrics)
{
    struct feed *feed = mem_alloc(sizeof(*feed));
    *feed = (struct feed){.session = session, .clock = clock, .generation = 1};
    feed->gaps = metrics_counter(metrics, "lynks_janusbridge_feed_gaps_total",
                                 "Times at which events of Janus may have been missed", NULL);
    feed->pulses = metrics_counter(metrics, "lynks_janusbridge_pulses_total",
                                   "Pulses that came back on the long poll", NULL);
    feed->lost = metrics_counter(metrics, "lynks_janusbridge_pulses_lost_total",
                                 "Pulses that did not", NULL);
    const struct janus_listener listener = {
        .on_lost = break_feed, .on_gap = break_feed, .arg = feed};
    janus_session_listen(session, &listener);
    return feed;
}

void feed_set_carrier(struct feed *feed, const struct feed_carrier *carrier)
{
    feed->carrier = *carrier;
}

void feed_free(struct feed **feed_ref)
{
    if (*feed_ref != NULL) {
        clock_cancel((*feed_ref)->clock, (*feed_ref)->timer);
        mem_free(feed_ref);
    }
}

uint64_t feed_generation(const struct feed *feed)
{
    return feed->generation;
}

uint64_t feed_age_ms(const struct feed *feed)
{
    return feed->proven_ms != 0 ? clock_mono_ms(feed->clock) - feed->proven_ms : UINT64_MAX;
}

bool feed_is_fresh(const struct feed *feed)
{
    return feed_age_ms(feed) <= FEED_FRESH_MS;
}

/* ---- pulses ---- */

static void pulse(void *arg);

static void on_pulse(void *arg, enum err err, const struct janus_message *message)
{
    struct feed *feed = arg;
    const uint64_t sent_ms = feed->sent_ms;
    feed->sent_ms = 0;
    if (err == ERR_OK && message->kind == JANUS_EVENT) {
        metric_inc(feed->pulses);
        feed->lost_in_a_row = 0;
        if (feed->sent_generation == feed->generation) {
            feed->proven_ms = sent_ms;
        }
    } else {
        metric_inc(feed->lost);
    }
    feed->carrier.end_pulse(feed->carrier.arg, err != ERR_OK && message != NULL);
    if (err == ERR_DEADLINE && ++feed->lost_in_a_row >= FEED_PULSES_LOST_MAX) {
        feed->lost_in_a_row = 0;
        janus_session_poll_anew(feed->session);
    }
    if (janus_session_is_ready(feed->session) && feed->timer == 0) {
        feed->timer = clock_after(feed->clock, FEED_PULSE_MS, pulse, feed);
    }
}

static void pulse(void *arg)
{
    struct feed *feed = arg;
    feed->timer = 0;
    const uint64_t now_ms = clock_mono_ms(feed->clock);
    if (now_ms >= feed->wanted_until_ms || !janus_session_is_ready(feed->session)) {
        return;
    }
    const char *path = feed->carrier.begin_pulse(feed->carrier.arg);
    if (path == NULL) {
        return;
    }
    const struct janus_aside request = {
        .path = path, .body = JANUS_JSON_PULSE, .timeout_ms = FEED_PULSE_TIMEOUT_MS};
    feed->sent_ms = now_ms;
    feed->sent_generation = feed->generation;
    if (janus_session_aside(feed->session, &request, on_pulse, feed) != ERR_OK) {
        feed->sent_ms = 0;
        feed->carrier.end_pulse(feed->carrier.arg, false);
        feed->timer = clock_after(feed->clock, FEED_PULSE_MS, pulse, feed);
    }
}

void feed_want(struct feed *feed)
{
    feed->wanted_until_ms = clock_mono_ms(feed->clock) + FEED_WANTED_MS;
    if (feed->sent_ms == 0 && feed->timer == 0) {
        pulse(feed);
    }
}
