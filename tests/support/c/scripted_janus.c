#include "tests/support/c/scripted_janus.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOMS_MAX 1024
#define MEMBERS_MAX 16
#define SECRET_BYTES 129
#define PENDING_MAX 256
#define EVENT_GAP_MS 20

struct room {
    uint64_t id;
    char secret[SECRET_BYTES];
    uint64_t members[MEMBERS_MAX];
    size_t member_count;
};

/* An answer that is still to be given. */
struct pending {
    struct scripted_janus *janus;
    struct peer_connection *connection; /* NULL: free */
    enum scripted_part part;
    int status;
    char *body;
    uint64_t timer;
};

struct scripted_janus {
    struct loop *loop;
    const struct clock *clock;
    struct peer *peer;
    char url[64];
    uint64_t session_id, handle_id; /* 0: none */
    uint64_t last_id;
    struct room rooms[ROOMS_MAX];
    size_t room_count;
    struct peer_connection *poll; /* held open */
    uint64_t poll_timer;
    json_t *events; /* for the next poll */
    struct pending pending[PENDING_MAX];
    enum peer_fault faults[SCRIPTED_ALL + 1];
    bool wrong_transaction, event_first;
    uint64_t delay_ms, poll_ms;
    char *secret;
    char *name; /* of members */
    size_t calls_now;
    struct scripted_counts counts;
};

/* ---- answers ---- */

static char *dump(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void give(struct pending *pending)
{
    struct scripted_janus *janus = pending->janus;
    struct peer_connection *connection = pending->connection;
    AUTO(mem_free) char *body = STEAL(pending->body);
    clock_cancel(janus->clock, pending->timer);
    pending->connection = NULL;
    janus->calls_now -= pending->part == SCRIPTED_CALLS;
    peer_reply(connection, janus->faults[pending->part], pending->status, body);
}

static void on_delay(void *arg)
{
    struct pending *pending = arg;
    pending->timer = 0;
    give(pending);
}

/* Takes body over. */
static void reply_after(struct scripted_janus *janus, struct peer_connection *connection,
                        enum scripted_part part, char *body, uint64_t delay_ms)
{
    struct pending *pending = janus->pending;
    while (pending->connection != NULL) {
        pending++;
        assert(pending < janus->pending + PENDING_MAX);
    }
    *pending = (struct pending){
        .janus = janus, .connection = connection, .part = part, .status = 200, .body = body};
    if (part == SCRIPTED_CALLS && ++janus->calls_now > janus->counts.calls_at_once) {
        janus->counts.calls_at_once = janus->calls_now;
    }
    if (delay_ms > 0) {
        pending->timer = clock_after(janus->clock, delay_ms, on_delay, pending);
    } else {
        give(pending);
    }
}

static void on_gone(void *arg, struct peer_connection *connection)
{
    struct scripted_janus *janus = arg;
    if (janus->poll == connection) {
        janus->poll = NULL;
        clock_cancel(janus->clock, janus->poll_timer);
    }
    for (struct pending *p = janus->pending; p < janus->pending + PENDING_MAX; p++) {
        if (p->connection == connection) {
            clock_cancel(janus->clock, p->timer);
            mem_free(&p->body);
            p->connection = NULL;
            janus->calls_now -= p->part == SCRIPTED_CALLS;
        }
    }
}

/* ---- the long poll ---- */

static void end_poll(struct scripted_janus *janus)
{
    struct peer_connection *connection = STEAL(janus->poll);
    clock_cancel(janus->clock, janus->poll_timer);
    if (json_array_size(janus->events) == 0) {
        json_array_append_new(janus->events, json_pack("{s:s}", "janus", "keepalive"));
    }
    AUTO(mem_free) char *body = dump(janus->events);
    janus->events = json_array();
    peer_reply(connection, janus->faults[SCRIPTED_POLL], 200, body);
}

static void on_empty_poll(void *arg)
{
    struct scripted_janus *janus = arg;
    janus->poll_timer = 0;
    end_poll(janus);
}

static void add_event(struct scripted_janus *janus, json_t *event)
{
    json_array_append_new(janus->events, event);
    if (janus->poll != NULL) {
        end_poll(janus);
    }
}

static void on_get(struct scripted_janus *janus, struct peer_connection *connection,
                   const char *path)
{
    AUTO(mem_free) char *secret = mem_printf("&apisecret=%s", janus->secret);
    janus->counts.polls++;
    if (janus->secret[0] != '\0' && strstr(path, secret) == NULL) {
        peer_reply(connection, PEER_WELL, 403, "");
    } else if (janus->session_id == 0 ||
               strtoull(path + strlen("/janus/"), NULL, 10) != janus->session_id) {
        peer_reply(connection, PEER_WELL, 404, "");
    } else if (janus->poll != NULL) {
        janus->counts.polls_at_once = 2;
        peer_reply(connection, PEER_WELL, 200, "[{\"janus\":\"keepalive\"}]");
    } else {
        janus->counts.polls_at_once += janus->counts.polls_at_once == 0;
        janus->poll = connection;
        janus->poll_timer = clock_after(janus->clock, janus->poll_ms, on_empty_poll, janus);
        /* Events that wait, or a fault that needs no event, end it at once. */
        if (json_array_size(janus->events) > 0 || janus->faults[SCRIPTED_POLL] > PEER_SILENT) {
            end_poll(janus);
        }
    }
}

/* ---- the VideoRoom plugin ---- */

static struct room *find_room(struct scripted_janus *janus, uint64_t id)
{
    for (size_t i = 0; i < janus->room_count; i++) {
        if (janus->rooms[i].id == id) {
            return &janus->rooms[i];
        }
    }
    return NULL;
}

static json_t *plugin_error(int code)
{
    return json_pack("{s:s, s:i, s:s}", "videoroom", "event", "error_code", code, "error", "x");
}

static json_t *list_members(const struct scripted_janus *janus, const struct room *room)
{
    json_t *list = json_array();
    for (size_t i = 0; i < room->member_count; i++) {
        json_array_append_new(list, json_pack("{s:I, s:s, s:b}", "id", (json_int_t)room->members[i],
                                              "display", janus->name, "publisher",
                                              room->members[i] % 2 == 0));
    }
    return json_pack("{s:s, s:I, s:o}", "videoroom", "participants", "room", (json_int_t)room->id,
                     "participants", list);
}

static json_t *on_room_request(struct scripted_janus *janus, const char *request,
                               const json_t *body)
{
    const uint64_t id = (uint64_t)json_integer_value(json_object_get(body, "room"));
    const char *secret = json_string_value(json_object_get(body, "secret"));
    struct room *room = find_room(janus, id);
    if (strcmp(request, "exists") == 0) {
        return json_pack("{s:s, s:I, s:b}", "videoroom", "success", "room", (json_int_t)id,
                         "exists", room != NULL);
    }
    if (strcmp(request, "create") == 0) {
        if (room != NULL) {
            return plugin_error(427);
        }
        assert(janus->room_count < ROOMS_MAX);
        room = &janus->rooms[janus->room_count++];
        *room = (struct room){.id = id};
        (void)str_copy(room->secret, sizeof(room->secret), str_of(secret));
        return json_pack("{s:s, s:I, s:b}", "videoroom", "created", "room", (json_int_t)id,
                         "permanent", 0);
    }
    if (room == NULL) {
        return plugin_error(426);
    }
    if (strcmp(request, "listparticipants") != 0 &&
        strcmp(room->secret, secret != NULL ? secret : "") != 0) {
        return plugin_error(433);
    }
    if (strcmp(request, "edit") == 0) {
        return json_pack("{s:s, s:I}", "videoroom", "edited", "room", (json_int_t)id);
    }
    if (strcmp(request, "destroy") == 0) {
        *room = janus->rooms[--janus->room_count];
        return json_pack("{s:s, s:I}", "videoroom", "destroyed", "room", (json_int_t)id);
    }
    if (strcmp(request, "listparticipants") == 0) {
        janus->counts.lists++;
        return list_members(janus, room);
    }
    return plugin_error(423);
}

static json_t *with_plugin_data(struct scripted_janus *janus, const char *kind,
                                const char *transaction, json_t *data)
{
    return json_pack("{s:s, s:I, s:s, s:I, s:{s:s, s:o}}", "janus", kind, "session_id",
                     (json_int_t)janus->session_id, "transaction", transaction, "sender",
                     (json_int_t)janus->handle_id, "plugindata", "plugin", "janus.plugin.videoroom",
                     "data", data);
}

static void on_message(struct scripted_janus *janus, struct peer_connection *connection,
                       const char *transaction, const json_t *body)
{
    const char *request = json_string_value(json_object_get(body, "request"));
    janus->counts.calls++;
    if (strcmp(request, "configure") != 0) {
        char *answer = dump(
            with_plugin_data(janus, "success", transaction, on_room_request(janus, request, body)));
        reply_after(janus, connection, SCRIPTED_CALLS, answer, janus->delay_ms);
        return;
    }
    json_t *event =
        with_plugin_data(janus, "event", transaction,
                         json_pack("{s:s, s:s}", "videoroom", "event", "configured", "ok"));
    char *ack = dump(json_pack("{s:s, s:s}", "janus", "ack", "transaction", transaction));
    if (janus->event_first) {
        add_event(janus, event);
        reply_after(janus, connection, SCRIPTED_CALLS, ack, EVENT_GAP_MS);
    } else {
        reply_after(janus, connection, SCRIPTED_CALLS, ack, 0);
        add_event(janus, event);
    }
}

/* ---- the core ---- */

static json_t *core_error(const char *transaction, int code)
{
    return json_pack("{s:s, s:s, s:{s:i, s:s}}", "janus", "error", "transaction", transaction,
                     "error", "code", code, "reason", "x");
}

static json_t *created(const char *transaction, uint64_t id)
{
    return json_pack("{s:s, s:s, s:{s:I}}", "janus", "success", "transaction", transaction, "data",
                     "id", (json_int_t)id);
}

static uint64_t draw_id(struct scripted_janus *janus)
{
    return ++janus->last_id;
}

static json_t *on_session_request(struct scripted_janus *janus, const char *verb,
                                  const char *transaction)
{
    if (strcmp(verb, "attach") == 0) {
        janus->counts.attaches++;
        janus->handle_id = draw_id(janus);
        return created(transaction, janus->handle_id);
    }
    if (strcmp(verb, "keepalive") == 0) {
        janus->counts.keepalives++;
        return json_pack("{s:s, s:s}", "janus", "ack", "transaction", transaction);
    }
    if (strcmp(verb, "destroy") == 0) {
        janus->counts.destroys++;
        janus->session_id = janus->handle_id = 0;
        return json_pack("{s:s, s:s}", "janus", "success", "transaction", transaction);
    }
    return core_error(transaction, 453);
}

static json_t *on_core_request(struct scripted_janus *janus, const char *verb,
                               const char *transaction, const json_t *request)
{
    const char *secret = json_string_value(json_object_get(request, "apisecret"));
    if (strcmp(verb, "info") == 0) {
        return json_pack("{s:s, s:s, s:s, s:i}", "janus", "server_info", "transaction", transaction,
                         "version_string", "1.1.2", "session-timeout", 60);
    }
    if (strcmp(janus->secret, secret != NULL ? secret : "") != 0) {
        return core_error(transaction, 403);
    }
    janus->counts.creates++;
    janus->session_id = draw_id(janus);
    return created(transaction, janus->session_id);
}

static void on_request(void *arg, struct peer_connection *connection, const char *method,
                       const char *path, const char *body)
{
    struct scripted_janus *janus = arg;
    unsigned long long session_id = 0, handle_id = 0;
    const int ids = sscanf(path, "/janus/%llu/%llu", &session_id, &handle_id);
    if (strcmp(method, "GET") == 0) {
        on_get(janus, connection, path);
        return;
    }
    json_t *request = json_loads(body, 0, NULL);
    assert(request != NULL);
    const char *verb = json_string_value(json_object_get(request, "janus"));
    const char *own = json_string_value(json_object_get(request, "transaction"));
    const char *transaction = janus->wrong_transaction ? "somebody else's" : own;
    json_t *answer = NULL;
    if (ids < 1) {
        answer = on_core_request(janus, verb, transaction, request);
    } else if (session_id != janus->session_id) {
        answer = core_error(transaction, 458);
    } else if (ids < 2) {
        answer = on_session_request(janus, verb, transaction);
    } else if (handle_id != janus->handle_id) {
        answer = core_error(transaction, 459);
    } else {
        on_message(janus, connection, transaction, json_object_get(request, "body"));
    }
    if (answer != NULL) {
        reply_after(janus, connection, ids < 2 ? SCRIPTED_CONTROL : SCRIPTED_CALLS, dump(answer),
                    janus->delay_ms);
    }
    json_decref(request);
}

/* ---- life and script ---- */

struct scripted_janus *scripted_janus_new(struct loop *loop)
{
    struct scripted_janus *janus = mem_alloc(sizeof(*janus));
    janus->loop = loop;
    janus->clock = loop_clock(loop);
    janus->peer = peer_new(loop, on_request, on_gone, janus);
    janus->events = json_array();
    janus->poll_ms = 30000;
    janus->last_id = 1000;
    janus->secret = mem_strdup("");
    janus->name = mem_strdup("x");
    (void)snprintf(janus->url, sizeof(janus->url), "http://127.0.0.1:%u/janus",
                   peer_port(janus->peer));
    return janus;
}

void scripted_janus_free(struct scripted_janus **janus_ref)
{
    if (*janus_ref != NULL) {
        peer_free(&(*janus_ref)->peer);
        json_decref((*janus_ref)->events);
        mem_free(&(*janus_ref)->secret);
        mem_free(&(*janus_ref)->name);
        mem_free(janus_ref);
    }
}

const char *scripted_janus_url(const struct scripted_janus *janus)
{
    return janus->url;
}

void scripted_janus_set_fault(struct scripted_janus *janus, enum scripted_part part,
                              enum peer_fault fault)
{
    for (unsigned i = SCRIPTED_CONTROL; i <= SCRIPTED_POLL; i *= 2) {
        if ((unsigned)part & i) {
            janus->faults[i] = fault;
        }
    }
    if (part & SCRIPTED_POLL && fault > PEER_SILENT && janus->poll != NULL) {
        end_poll(janus);
    }
}

void scripted_janus_set_wrong_transaction(struct scripted_janus *janus, bool wrong)
{
    janus->wrong_transaction = wrong;
}

void scripted_janus_set_delay(struct scripted_janus *janus, uint64_t ms)
{
    janus->delay_ms = ms;
}

void scripted_janus_set_poll_ms(struct scripted_janus *janus, uint64_t ms)
{
    janus->poll_ms = ms;
}

void scripted_janus_set_secret(struct scripted_janus *janus, const char *secret)
{
    mem_free(&janus->secret);
    janus->secret = mem_strdup(secret);
}

void scripted_janus_set_event_first(struct scripted_janus *janus, bool first)
{
    janus->event_first = first;
}

void scripted_janus_stop(struct scripted_janus *janus)
{
    peer_stop(janus->peer);
    janus->session_id = janus->handle_id = 0;
    janus->room_count = 0;
    json_array_clear(janus->events);
}

void scripted_janus_start(struct scripted_janus *janus)
{
    peer_start(janus->peer);
}

void scripted_janus_cut_idle(struct scripted_janus *janus)
{
    peer_cut_idle(janus->peer);
}

void scripted_janus_forget_session(struct scripted_janus *janus, bool with_event)
{
    if (with_event) {
        add_event(janus, json_pack("{s:s, s:I}", "janus", "timeout", "session_id",
                                   (json_int_t)janus->session_id));
    }
    janus->session_id = janus->handle_id = 0;
}

void scripted_janus_forget_handle(struct scripted_janus *janus)
{
    janus->handle_id = 0;
}

void scripted_janus_set_members(struct scripted_janus *janus, uint64_t room_id, const uint64_t *ids,
                                size_t count)
{
    struct room *room = find_room(janus, room_id);
    assert(room != NULL && count <= MEMBERS_MAX);
    memcpy(room->members, ids, count * sizeof(*ids));
    room->member_count = count;
}

void scripted_janus_set_name_bytes(struct scripted_janus *janus, size_t bytes)
{
    mem_free(&janus->name);
    janus->name = mem_alloc(bytes + 1);
    memset(janus->name, 'x', bytes);
}

void scripted_janus_tell(struct scripted_janus *janus, const char *data)
{
    json_t *parsed = json_loads(data, 0, NULL);
    assert(parsed != NULL);
    add_event(janus, with_plugin_data(janus, "event", "", parsed));
}

struct scripted_counts scripted_janus_counts(const struct scripted_janus *janus)
{
    struct scripted_counts counts = janus->counts;
    counts.connections = peer_connections(janus->peer);
    counts.accepted = peer_accepted(janus->peer);
    counts.has_session = janus->session_id != 0;
    return counts;
}
