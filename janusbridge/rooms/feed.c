#include "janusbridge/rooms/feed.h"

struct feed {
    struct feed_parts parts;
    uint64_t generation;
    uint64_t proven_ms; /* all events up to here were heard; 0: unknown */
    uint64_t sent_ms;   /* of the pulse under way; 0: none */
    uint64_t sent_generation;
    uint64_t wanted_until_ms;
    uint64_t timer;
    unsigned lost_in_a_row;
    struct metric *gaps, *pulses, *lost;
};

static void pulse(void *arg);

struct feed *feed_new(const struct feed_parts *parts)
{
    struct feed *feed = mem_alloc(sizeof(*feed));
    *feed = (struct feed){.parts = *parts, .generation = 1};
    feed->gaps = metrics_counter(parts->metrics, "lynks_janusbridge_feed_gaps_total",
                                 "Times at which events of Janus may have been missed", NULL);
    feed->pulses = metrics_counter(parts->metrics, "lynks_janusbridge_pulses_total",
                                   "Pulses that came back on the long poll", NULL);
    feed->lost = metrics_counter(parts->metrics, "lynks_janusbridge_pulses_lost_total",
                                 "Pulses that did not", NULL);
    return feed;
}

void feed_free(struct feed **feed_ref)
{
    if (*feed_ref != NULL) {
        clock_cancel((*feed_ref)->parts.clock, (*feed_ref)->timer);
        mem_free(feed_ref);
    }
}

uint64_t feed_generation(const struct feed *feed)
{
    return feed->generation;
}

uint64_t feed_age_ms(const struct feed *feed)
{
    return feed->proven_ms != 0 ? clock_mono_ms(feed->parts.clock) - feed->proven_ms : UINT64_MAX;
}

bool feed_is_fresh(const struct feed *feed)
{
    return feed_age_ms(feed) <= FEED_FRESH_MS;
}

void feed_break(struct feed *feed)
{
    metric_inc(feed->gaps);
    feed->generation++;
    feed->proven_ms = 0;
}

/* ---- pulses ---- */

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
    feed->parts.end_pulse(feed->parts.arg, err != ERR_OK && message != NULL);
    if (err == ERR_DEADLINE && ++feed->lost_in_a_row >= FEED_PULSES_LOST_MAX) {
        feed->lost_in_a_row = 0;
        janus_session_poll_anew(feed->parts.session);
    }
    if (janus_session_is_ready(feed->parts.session) && feed->timer == 0) {
        feed->timer = clock_after(feed->parts.clock, FEED_PULSE_MS, pulse, feed);
    }
}

static void pulse(void *arg)
{
    struct feed *feed = arg;
    feed->timer = 0;
    const uint64_t now_ms = clock_mono_ms(feed->parts.clock);
    if (now_ms >= feed->wanted_until_ms || !janus_session_is_ready(feed->parts.session)) {
        return;
    }
    const char *path = feed->parts.begin_pulse(feed->parts.arg);
    if (path == NULL) {
        return;
    }
    const struct janus_aside request = {
        .path = path, .body = JANUS_JSON_PULSE, .timeout_ms = FEED_PULSE_TIMEOUT_MS};
    feed->sent_ms = now_ms;
    feed->sent_generation = feed->generation;
    if (janus_session_aside(feed->parts.session, &request, on_pulse, feed) != ERR_OK) {
        feed->sent_ms = 0;
        feed->parts.end_pulse(feed->parts.arg, false);
        feed->timer = clock_after(feed->parts.clock, FEED_PULSE_MS, pulse, feed);
    }
}

void feed_want(struct feed *feed)
{
    feed->wanted_until_ms = clock_mono_ms(feed->parts.clock) + FEED_WANTED_MS;
    if (feed->sent_ms == 0 && feed->timer == 0) {
        pulse(feed);
    }
}
