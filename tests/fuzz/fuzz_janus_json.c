/* What Janus, or whoever is in its place, may send: every reader of an answer on any text. And what
 * a caller may put into a request: it must stay inside its string.
 *
 * Aims at: janusbridge/janus/janus_json.c
 * Links: janusbridge_core
 */
#include <stdio.h>
#include <stdlib.h>

#include "janusbridge/janus/janus_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "broken: %s\n", what);
        abort();
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
    AUTO(mem_free) char *query = janus_json_auth_query(text);
    must(strpbrk(query, " \r\n#?") == NULL, "a query that breaks out");
    AUTO(mem_free) char *create = janus_json_create(&room, text);
    AUTO(mem_free) char *destroy = janus_json_destroy(1, room.secret);
    AUTO(mem_free) char *exists = janus_json_exists(1);
    AUTO(mem_free) char *participants = janus_json_participants(1);
    AUTO(mem_free) char *observe = janus_json_observe(1);
    const char *const bodies[] = {create, destroy, exists, participants, observe};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        AUTO(mem_free) char *message = janus_json_message("0123456789abcdef", auth, bodies[i]);
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
    if (size <= 256) { /* the bus' and the configuration's bounds are below this */
        write_text(copy);
    }
    return 0;
}
