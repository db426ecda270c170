/* What Janus, or whoever is in its place, may send: the sieve, and every reader of what it keeps,
 * on any text. And what a caller may put into a request: it must stay inside its string.
 *
 * Aims at: janusbridge/janus/janus_json.c janusbridge/janus/janus_message.c
 * Aims at: janusbridge/janus/janus_sieve.c
 * Links: janusbridge_core
 */
#include <stdio.h>
#include <stdlib.h>

#include "janusbridge/janus/janus_message.h"
#include "janusbridge/janus/janus_poll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

static void read_media(const struct janus_message *message)
{
    struct janus_stream streams[RTC_STREAMS_MAX];
    size_t count = 0;
    struct str text = STR_NONE;
    uint64_t layer = 0;
    bool arrives;
    (void)janus_message_jsep(message, "offer", &text);
    (void)janus_message_says(message, "attached");
    if (janus_message_streams(message, streams, RTC_STREAMS_MAX, &count)) {
        must(count <= RTC_STREAMS_MAX, "too many streams");
        for (size_t i = 0; i < count; i++) {
            must(streams[i].mid.bytes > 0, "a stream without a mid");
        }
    }
    if (janus_message_media(message, &text, &layer, &arrives) ||
        janus_message_layer(message, &text, &layer)) {
        must(layer <= JANUS_LAYER_MAX && text.bytes > 0, "a layer that there is not");
    }
}

static void read_answers(const struct janus_message *message)
{
    uint64_t ids[PUBLISHERS_MAX];
    char version[16];
    uint64_t timeout_s;
    size_t count = 0;
    bool exists;
    /* 1234 is the room of the seeds */
    if (janus_message_publishers(message, 1234, ids, &count) == ERR_OK) {
        must(count <= PUBLISHERS_MAX, "too many publishers");
        (void)janus_message_has_member(message, 42);
        (void)janus_message_has_other(message, 42);
        for (size_t i = 0; i < count; i++) {
            must(ids[i] > 0 && ids[i] <= INT64_MAX, "publisher id out of bounds");
        }
    }
    (void)janus_message_exists(message, 1234, &exists);
    uint64_t feed_id = 0;
    if (janus_message_joined(message, 1234, &feed_id, ids, &count) == ERR_OK) {
        must(feed_id > 0 && count <= PUBLISHERS_MAX, "a member without an id");
    }
    if (message->kind == JANUS_EVENT) {
        struct janus_news news;
        janus_message_news(message, 1234, &news);
        must(news.count <= PUBLISHERS_MAX, "too much news");
    }
    read_media(message);
    (void)janus_message_is_done(message, "created", 1234);
    (void)janus_message_is_done(message, "destroyed", 1234);
    janus_message_info(message, version, sizeof(version), &timeout_s);
    must(memchr(version, '\0', sizeof(version)) != NULL, "version without an end");
    must((janus_fault_err(message->fault) == ERR_OK) == (message->fault == JANUS_FAULT_NONE),
         "a fault that is no error");
}

static void read_text(struct str text)
{
    AUTO(janus_document_free) struct janus_document *document = janus_document_parse(text);
    if (document == NULL) {
        return;
    }
    must(janus_document_count(document) <= JANUS_BATCH_MAX, "too many messages");
    for (size_t i = 0; i < janus_document_count(document); i++) {
        struct janus_message message;
        if (janus_document_get(document, i, &message)) {
            read_answers(&message);
        }
    }
}

/* ---- the sieve ---- */

#define PLENTY 65536
#define LITTLE 100

/* What is kept of text when it comes in pieces of so many bytes; NULL: it was refused. */
static char *sieve_text(struct str text, size_t piece, size_t bytes_max, size_t *ret_cuts)
{
    AUTO(janus_sieve_free) struct janus_sieve *sieve = janus_sieve_new();
    janus_sieve_begin(sieve, bytes_max);
    for (size_t i = 0; i < text.bytes; i += piece) {
        const size_t left = text.bytes - i;
        if (!janus_sieve_take(sieve, text.data + i, left < piece ? left : piece)) {
            break;
        }
    }
    *ret_cuts = janus_sieve_cuts(sieve);
    const struct str kept = janus_sieve_text(sieve);
    return kept.bytes > 0 ? str_dup(kept) : NULL;
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What is read of the whole text is read of what was kept as well. (A key that is written with
 * escapes is none that the sieve knows.) */
static void compare(struct str text, const char *kept)
{
    AUTO(janus_document_free) struct janus_document *whole = janus_document_parse(text);
    if (whole == NULL || memchr(text.data, '\\', text.bytes) != NULL) {
        return;
    }
    struct janus_message of_whole, of_kept;
    if (!janus_document_get(whole, 0, &of_whole) || of_whole.is_cut) {
        return;
    }
    must(kept != NULL, "a message that the sieve refuses");
    AUTO(janus_document_free)
    struct janus_document *rest = janus_document_parse(str_of(kept));
    must(rest != NULL && janus_document_count(rest) == janus_document_count(whole),
         "messages that the sieve lost");
    must(janus_document_get(rest, 0, &of_kept), "a message that the sieve spoilt");
    must(of_kept.kind == of_whole.kind && of_kept.sender == of_whole.sender &&
             of_kept.code == of_whole.code && of_kept.data_id == of_whole.data_id &&
             str_eq(of_kept.transaction, of_whole.transaction),
         "a message that the sieve changed");
}

static void sieve(struct str text)
{
    size_t cuts, more_cuts;
    AUTO(mem_free) char *kept = sieve_text(text, SIZE_MAX / 2, PLENTY, &cuts);
    AUTO(mem_free) char *in_pieces = sieve_text(text, 3, PLENTY, &more_cuts);
    must(cuts == more_cuts && is_same(kept, in_pieces), "what is kept depends on the pieces");
    if (cuts == 0 && text.bytes > 0 && text.bytes < 4096) {
        compare(text, kept);
    }
    if (kept != NULL) {
        read_text(str_of(kept));
    }
    AUTO(mem_free) char *little = sieve_text(text, SIZE_MAX / 2, LITTLE, &cuts);
    AUTO(mem_free) char *bytewise = sieve_text(text, 1, LITTLE, &more_cuts);
    must(cuts == more_cuts && is_same(little, bytewise), "where it is cut depends on the pieces");
    if (little != NULL) {
        must(strlen(little) < (size_t)JANUS_BATCH_MAX * 2 * LITTLE, "too much is kept");
        read_text(str_of(little));
    }
}

static void must_parse(const char *text)
{
    AUTO(janus_document_free)
    struct janus_document *document = janus_document_parse(str_of(text));
    must(document != NULL && janus_document_count(document) == 1, "a request that is no JSON");
}

/* A secret or description of a caller; jansson refuses what is no UTF-8, as the bus does before. */
static void write_text(const char *text)
{
    const struct msg_bridge_create room = {
        .room_id = 1, .secret = str_of(text), .description = str_of(text), .publishers_max = 1};
    AUTO(mem_free) char *auth = janus_json_auth(text);
    AUTO(mem_free) char *query = janus_poll_auth(text);
    must(strpbrk(query, " \r\n#?") == NULL, "a query that breaks out");
    AUTO(mem_free) char *create = janus_json_create(&room, text);
    AUTO(mem_free) char *destroy = janus_json_destroy(1, room.secret);
    AUTO(mem_free) char *exists = janus_json_exists(1);
    AUTO(mem_free) char *participants = janus_json_participants(1);
    AUTO(mem_free) char *observe = janus_json_observe(1, STR_LIT("1234"));
    const struct janus_place place = {.room_id = 1, .feed = 2, .pin = str_of(text)};
    const struct janus_stream stream = {.mid = str_of(text), .feed = 2, .feed_mid = str_of(text)};
    const struct janus_tuning tuning = {.mid = str_of(text), .has_layer = true, .layer = 2};
    AUTO(mem_free) char *publish = janus_json_publish(&place, 1000);
    AUTO(mem_free) char *subscribe = janus_json_subscribe(&place, &stream, 1);
    AUTO(mem_free) char *update = janus_json_update(&stream, 1, &stream, 1);
    AUTO(mem_free) char *tune = janus_json_tune(&tuning, 1);
    AUTO(mem_free) char *moderate = janus_json_moderate(&place, place.pin, place.pin, true);
    AUTO(mem_free) char *jsep = janus_json_jsep("offer", str_of(text));
    const char *const bodies[] = {create,  destroy,   exists, participants, observe,
                                  publish, subscribe, update, tune,         moderate};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        AUTO(mem_free)
        char *message = janus_json_message("0123456789abcdef", auth, bodies[i], jsep);
        must_parse(message);
    }
    AUTO(mem_free) char *attach = janus_json_attach("0123456789abcdef", auth);
    must_parse(attach);
    AUTO(mem_free) char *keepalive = janus_json_request("keepalive", "0123456789abcdef", auth);
    must_parse(keepalive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = {.data = (const char *)data, .bytes = size};
    AUTO(mem_free) char *copy = str_dup(text);
    read_text(text);
    sieve(text);
    if (size <= 256) { /* the bus' and the configuration's bounds are below this */
        write_text(copy);
    }
    return 0;
}
