#include "janusbridge/janus/janus_poll.h"

#include <assert.h>
#include <stdio.h>

#include "proto/base/backoff.h"

#define EVENTS_PER_ANSWER 50
/* A poll that is answered at once with nothing in it would spin: it is slowed down. */
#define BRIEF_MS 1000
/* Janus gives an empty poll its keepalive after 30 s, by a timer in whole seconds. One that comes
 * sooner was sent because an event went into an older poll of ours, whose connection broke without
 * Janus noticing. That event is lost. */
#define EARLY_MS 28000
/* After a poll that failed even a punctual keepalive may stand for a lost event, for as long as
 * Janus may hold on to the failed one. */
#define SUSPECT_MS 31000
#define DELAY_MIN_MS 50
#define DELAY_MAX_MS 1000

struct janus_poll {
    struct janus_poll_parts parts;
    uint64_t session_id;             /* 0: stopped */
    uint64_t generation;             /* counts stops, so that a loop over messages notices one */
    struct janus_transfer *transfer; /* the one poll */
    uint64_t timer;                  /* set while it waits to be sent again */
    uint64_t asked_ms;
    uint64_t suspect_until_ms; /* 0: no poll failed lately */
    struct backoff backoff;    /* before the next one, after one that failed */
    struct metric *gaps, *events;
};

static bool needs_no_escape(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *janus_poll_auth(const char *api_secret)
{
    static const char key[] = "&apisecret=";
    static const char digits[] = "0123456789ABCDEF";
    if (api_secret[0] == '\0') {
        return mem_strdup("");
    }
    char *query = mem_alloc(sizeof(key) + 3 * strlen(api_secret));
    memcpy(query, key, sizeof(key));
    char *end = query + sizeof(key) - 1;
    for (const char *c = api_secret; *c != '\0'; c++) {
        if (needs_no_escape(*c)) {
            *end++ = *c;
        } else {
            *end++ = '%';
            *end++ = digits[(unsigned char)*c >> 4];
            *end++ = digits[(unsigned char)*c & 15];
        }
    }
    return query;
}

struct janus_poll *janus_poll_new(const struct janus_poll_parts *parts)
{
    struct janus_poll *poll = mem_alloc(sizeof(*poll));
    poll->parts = *parts;
    poll->backoff = (struct backoff){.min_ms = DELAY_MIN_MS, .max_ms = DELAY_MAX_MS};
    backoff_begin_at_min(&poll->backoff);
    poll->gaps = metrics_counter(parts->metrics, "lynks_janus_poll_gaps_total",
                                 "Long polls that failed: events may have been missed", NULL);
    poll->events = metrics_counter(parts->metrics, "lynks_janus_events_total",
                                   "Events of Janus, keepalives not counted", NULL);
    return poll;
}

void janus_poll_free(struct janus_poll **poll_ref)
{
    if (*poll_ref != NULL) {
        janus_poll_stop(*poll_ref);
        mem_free(poll_ref);
    }
}

static void on_poll_answer(void *arg, const struct janus_answer *answer);

static void send_poll(void *arg)
{
    struct janus_poll *poll = arg;
    char path[640];
    poll->timer = 0;
    poll->asked_ms = clock_mono_ms(poll->parts.clock);
    (void)snprintf(path, sizeof(path), "/%" PRIu64 "?maxev=%d%s", poll->session_id,
                   EVENTS_PER_ANSWER, poll->parts.auth_query);
    const struct janus_request request = {
        .path = path, .timeout_ms = JANUS_POLL_TIMEOUT_MS, .is_poll = true};
    const struct janus_transport *transport = poll->parts.transport;
    poll->transfer = transport->ops->send(transport->self, &request, on_poll_answer, poll);
}

static bool means_a_loss(const struct janus_poll *poll)
{
    const uint64_t now_ms = clock_mono_ms(poll->parts.clock);
    return now_ms - poll->asked_ms < EARLY_MS || now_ms < poll->suspect_until_ms;
}

struct harvest {
    bool news; /* it held an event */
    bool loss; /* another one was lost */
};

/* Gives false if the answer was not what a poll may give. */
static bool take_messages(struct janus_poll *poll, const struct janus_answer *answer,
                          struct harvest *harvest)
{
    if (answer->err != ERR_OK || answer->status != 200) {
        return false;
    }
    AUTO(janus_document_free)
    struct janus_document *document = janus_document_parse(answer->body);
    if (document == NULL) {
        return false;
    }
    const uint64_t generation = poll->generation;
    bool whole = true;
    for (size_t i = 0; i < janus_document_count(document); i++) {
        struct janus_message message;
        if (!janus_document_get(document, i, &message)) {
            whole = false;
            continue;
        }
        if (message.kind == JANUS_KEEPALIVE) {
            harvest->loss = means_a_loss(poll);
            continue;
        }
        harvest->news = true;
        metric_inc(poll->events);
        poll->parts.on_message(poll->parts.arg, &message);
        if (poll->generation != generation) {
            break;
        }
    }
    return whole;
}

static void note_gap(struct janus_poll *poll, const struct janus_answer *answer)
{
    /* One that was answered does not linger in Janus. */
    const bool was_answered = answer->err == ERR_OK && answer->status == 200;
    poll->suspect_until_ms = was_answered ? 0 : clock_mono_ms(poll->parts.clock) + SUSPECT_MS;
    metric_inc(poll->gaps);
    poll->parts.on_gap(poll->parts.arg);
}

static void on_poll_answer(void *arg, const struct janus_answer *answer)
{
    struct janus_poll *poll = arg;
    const uint64_t generation = poll->generation;
    struct harvest harvest = {0};
    poll->transfer = NULL;
    /* Before its messages: a later one must not vouch for one that was lost. */
    if (answer->was_repeated) {
        note_gap(poll, answer);
    }
    const bool good = poll->generation == generation && take_messages(poll, answer, &harvest);
    if (poll->generation != generation) {
        return;
    }
    if (!good || harvest.loss) {
        note_gap(poll, answer);
        if (poll->generation != generation) {
            return;
        }
    }
    const bool brief = clock_mono_ms(poll->parts.clock) - poll->asked_ms < BRIEF_MS;
    if (good && (harvest.news || !brief)) {
        backoff_begin_at_min(&poll->backoff);
        send_poll(poll);
        return;
    }
    poll->timer = clock_after(poll->parts.clock, backoff_next(&poll->backoff), send_poll, poll);
}

void janus_poll_start(struct janus_poll *poll, uint64_t session_id)
{
    assert(poll->session_id == 0);
    poll->session_id = session_id;
    send_poll(poll);
}

void janus_poll_stop(struct janus_poll *poll)
{
    const struct janus_transport *transport = poll->parts.transport;
    if (poll->transfer != NULL) {
        transport->ops->cancel(transport->self, poll->transfer);
        poll->transfer = NULL;
        poll->suspect_until_ms = clock_mono_ms(poll->parts.clock) + SUSPECT_MS;
    }
    clock_cancel(poll->parts.clock, poll->timer);
    poll->timer = 0;
    poll->session_id = 0;
    backoff_begin_at_min(&poll->backoff);
    poll->generation++;
}
