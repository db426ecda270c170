#include "gateway/api/stats_api.h"

#include <stdlib.h>

/* So that the answer comes while there is time, though one of them is silent. */
#define EACH_MS 1000
#define SERVICES_MAX 16
#define GATEWAY_HEX 32
#define WARNINGS_MAX (SERVICES_MAX + STATS_NODES + 2)
#define TEXT_BYTES 300

/* ---- members ---- */

#define COUNT_OF(called, text)                                                                     \
    {                                                                                              \
        .name = called, .type = MEMBER_NUMBER, .max = INT64_MAX, .doc = text                       \
    }

static const struct member room_counts[] = {
    COUNT_OF("total", "Open, those of /create among them."),
    COUNT_OF("with_people", "In which somebody is."),
    {.name = NULL},
};

static const struct member participant_counts[] = {
    COUNT_OF("joined", "Who are in a room."),
    COUNT_OF("waiting", "Who wait before one."),
    {.name = NULL},
};

static const struct member media_counts[] = {
    COUNT_OF("publishing", "Connections by which somebody sends."),
    COUNT_OF("watching", "Connections by which somebody gets what others send."),
    {.name = NULL},
};

static const struct member user_counts[] = {
    COUNT_OF("total", "Who have an account."),
    COUNT_OF("disabled", "Of them, who may not sign in."),
    COUNT_OF("sessions", "Sign-ins that go on, of all devices."),
    {.name = NULL},
};

static const struct member gateway_members[] = {
    {.name = "id",
     .type = MEMBER_STRING,
     .min = GATEWAY_HEX,
     .max = GATEWAY_HEX,
     .doc = "Drawn when it starts."},
    COUNT_OF("participants", "Who have a stream of a room there."),
    {.name = "seen_at", .type = MEMBER_TIME, .doc = "When it was heard last."},
    {.name = NULL},
};

static const struct member node_members[] = {
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = 64, .doc = "Of a Janus."},
    {.name = "held", .type = MEMBER_BOOL, .doc = "A bridge acts there."},
    COUNT_OF("connections", "For media."),
    {.name = "seen_at",
     .type = MEMBER_TIME,
     .is_nullable = true,
     .doc = "When a bridge was heard there last; null: never."},
    {.name = NULL},
};

static const struct member service_members[] = {
    {.name = "name", .type = MEMBER_STRING, .min = 1, .max = 64, .doc = "What is needed."},
    {.name = "ready", .type = MEMBER_BOOL, .doc = "It can be used now."},
    {.name = "reason",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = TEXT_BYTES,
     .doc = "Why not."},
    {.name = NULL},
};

static const struct member warning_members[] = {
    {.name = "code",
     .type = MEMBER_STRING,
     .min = 1,
     .max = 64,
     .doc = "not_ready: something that is needed cannot be used; node_without_bridge: nobody gets "
            "media there; not_counted: something is left out here. More may come."},
    {.name = "text", .type = MEMBER_STRING, .min = 1, .max = TEXT_BYTES, .doc = "For people."},
    {.name = NULL},
};

static const struct member stats_answer[] = {
    {.name = "time", .type = MEMBER_TIME, .doc = "When this was so."},
    {.name = "rooms", .type = MEMBER_OBJECT, .is_optional = true, .members = room_counts},
    {.name = "participants",
     .type = MEMBER_OBJECT,
     .is_optional = true,
     .members = participant_counts},
    {.name = "media",
     .type = MEMBER_OBJECT,
     .is_optional = true,
     .members = media_counts,
     .doc = "Of /v1/rtc."},
    {.name = "users", .type = MEMBER_OBJECT, .is_optional = true, .members = user_counts},
    {.name = "gateways",
     .type = MEMBER_OBJECTS,
     .is_optional = true,
     .max = STATS_GATEWAYS,
     .members = gateway_members,
     .doc = "By which somebody has a stream of a room; others report nothing."},
    {.name = "nodes",
     .type = MEMBER_OBJECTS,
     .is_optional = true,
     .max = STATS_NODES,
     .members = node_members,
     .doc = "The Janus that there are."},
    {.name = "services",
     .type = MEMBER_OBJECTS,
     .max = SERVICES_MAX,
     .members = service_members,
     .doc = "What the gateway that answers needs, as its /readyz tells it."},
    {.name = "warnings",
     .type = MEMBER_OBJECTS,
     .max = WARNINGS_MAX,
     .members = warning_members,
     .doc = "What somebody should look at; empty: all is well."},
    {.name = NULL},
};

/* ---- the answer ---- */

/* The exchange's state: asked one after the other, so that one call is out at a time. */
struct counting {
    bool has_users;
    struct msg_auth_stats_reply users;
};

static void write_rooms(struct json_out *out, const struct msg_room_stats_reply *counted)
{
    json_out_open_member(out, "rooms", '{');
    json_out_member_u64(out, "total", counted->rooms);
    json_out_member_u64(out, "with_people", counted->meetings);
    json_out_close(out, "}");
    json_out_open_member(out, "participants", '{');
    json_out_member_u64(out, "joined", counted->joined);
    json_out_member_u64(out, "waiting", counted->waiting);
    json_out_close(out, "}");
    json_out_open_member(out, "media", '{');
    json_out_member_u64(out, "publishing", counted->publishing);
    json_out_member_u64(out, "watching", counted->watching);
    json_out_close(out, "}");
    json_out_open_member(out, "gateways", '[');
    for (size_t i = 0; i < counted->gateways.count; i++) {
        const struct msg_gateway_stats *gateway = &counted->gateways.items[i];
        json_out_open(out, '{');
        json_out_key(out, "id");
        json_out_hex(out, gateway->gateway);
        json_out_member_u64(out, "participants", gateway->participants);
        json_out_key(out, "seen_at");
        json_out_time(out, gateway->seen_unix_ms);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    json_out_open_member(out, "nodes", '[');
    for (size_t i = 0; i < counted->nodes.count; i++) {
        const struct msg_node_stats *node = &counted->nodes.items[i];
        json_out_open(out, '{');
        json_out_key(out, "name");
        json_out_str(out, node->node);
        json_out_member_bool(out, "held", node->held);
        json_out_member_u64(out, "connections", node->connections);
        json_out_member_time_or_null(out, "seen_at", node->seen_unix_ms);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
}

static void write_users(struct json_out *out, const struct msg_auth_stats_reply *counted)
{
    json_out_open_member(out, "users", '{');
    json_out_member_u64(out, "total", counted->users);
    json_out_member_u64(out, "disabled", counted->disabled);
    json_out_member_u64(out, "sessions", counted->sessions);
    json_out_close(out, "}");
}

static void write_service(void *arg, const char *name, bool ready, const char *reason)
{
    struct json_out *out = arg;
    json_out_open(out, '{');
    json_out_member_z(out, "name", name);
    json_out_member_bool(out, "ready", ready);
    if (!ready && reason[0] != '\0') {
        json_out_member_z(out, "reason", reason);
    }
    json_out_close(out, "}");
}

/* Takes text. */
static void write_warning(struct json_out *out, const char *code, char *text)
{
    json_out_open(out, '{');
    json_out_member_z(out, "code", code);
    json_out_member_z(out, "text", text);
    json_out_close(out, "}");
    free(text);
}

static void warn_of_service(void *arg, const char *name, bool ready, const char *reason)
{
    if (!ready) {
        write_warning(arg, "not_ready", mem_printf("%s cannot be used: %s.", name, reason));
    }
}

static void write_warnings(struct json_out *out, const struct health *health, bool has_users,
                           const struct msg_room_stats_reply *counted)
{
    json_out_open_member(out, "warnings", '[');
    health_each(health, warn_of_service, out);
    if (!has_users) {
        write_warning(out, "not_counted",
                      mem_strdup("Users and sessions could not be counted: authsvc has not told."));
    }
    if (counted == NULL) {
        write_warning(out, "not_counted",
                      mem_strdup("Rooms could not be counted: roomsvc has not told."));
    }
    for (size_t i = 0; counted != NULL && i < counted->nodes.count; i++) {
        const struct msg_node_stats *node = &counted->nodes.items[i];
        if (!node->held) {
            write_warning(out, "node_without_bridge",
                          mem_printf("No bridge acts for the Janus node %.*s: nobody gets media "
                                     "there.",
                                     (int)node->node.bytes, node->node.data));
        }
    }
    json_out_close(out, "]");
}

/* counted NULL: roomsvc has not told. */
static void answer_stats(struct exchange *exchange, const struct msg_room_stats_reply *counted)
{
    const struct counting *counting = exchange->state;
    const struct health *health = exchange->self;
    struct json_out out;
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    json_out_key(&out, "time");
    json_out_time(&out, clock_unix_ms(exchange->all->config.clock));
    if (counted != NULL) {
        write_rooms(&out, counted);
    }
    if (counting->has_users) {
        write_users(&out, &counting->users);
    }
    json_out_open_member(&out, "services", '[');
    health_each(health, write_service, &out);
    json_out_close(&out, "]");
    write_warnings(&out, health, counting->has_users, counted);
    json_out_close(&out, "}");
    exchange_respond_json(exchange);
}

/* ---- what is asked for it ---- */

static bool ask_to_count(struct exchange *exchange, enum msg_id id, bus_reply_fn *fn)
{
    const struct msg msg = {.id = id};
    struct call_context context = exchange->context;
    const uint64_t until_ms = clock_mono_ms(exchange->all->config.clock) + EACH_MS;
    context.deadline_ms = context.deadline_ms < until_ms ? context.deadline_ms : until_ms;
    return bus_call(exchange->all->config.bus, &msg, &context, fn, exchange) == ERR_OK;
}

static void on_room_stats_told(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    const bool is_told = err == ERR_OK && reply->id == MSG_room_stats_reply;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    answer_stats(exchange, is_told ? &reply->room_stats_reply : NULL);
}

static void ask_for_rooms(struct exchange *exchange)
{
    if (!ask_to_count(exchange, MSG_room_stats, on_room_stats_told)) {
        answer_stats(exchange, NULL);
    }
}

static void on_auth_stats_told(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    struct counting *counting = exchange->state;
    counting->has_users = err == ERR_OK && reply->id == MSG_auth_stats_reply;
    if (counting->has_users) {
        counting->users = reply->auth_stats_reply;
    }
    ask_for_rooms(exchange);
}

static void get_stats(struct exchange *exchange)
{
    (void)exchange_attach(exchange, sizeof(struct counting), free);
    if (!ask_to_count(exchange, MSG_auth_stats, on_auth_stats_told)) {
        ask_for_rooms(exchange);
    }
}

static const struct route stats_rows[] = {
    {.method = "GET",
     .template = "/v1/stats",
     .name = "getStats",
     .doc = "Tells how much there is, what runs, and what is wrong with it.",
     .who = ROUTE_ADMIN,
     .answer = {.members = stats_answer,
                .doc =
                    "What could be counted; what could not is left out, and stands in warnings."},
     .handle = get_stats},
};

struct resource stats_api_resource(struct health *health)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = stats_rows,
                             .count = ARRAY_LEN(stats_rows),
                             .self = health};
}
