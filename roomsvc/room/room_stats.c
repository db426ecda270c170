#include "roomsvc/room/room_stats.h"

#include "proto/base/log.h"

struct room_stats {
    const struct clock *clock;
    struct stats_store store;
    struct log_gate failures;
};

struct stats_call {
    struct room_stats *stats;
    struct call *call;
};

static void fail_stats_call(struct room_stats *stats, struct call *call, enum err err)
{
    if (!err_is_callers(err)) {
        log_warn_limited(&stats->failures, clock_mono_ms(stats->clock), "rooms not counted",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static void on_stats_counted(void *arg, enum err err, const struct stats_counted *counted)
{
    const struct stats_call asking = *(struct stats_call *)arg;
    struct msg_gateway_stats gateways[STATS_GATEWAYS];
    struct msg_node_stats nodes[STATS_NODES];
    mem_free(&arg);
    if (err != ERR_OK) {
        fail_stats_call(asking.stats, asking.call, err);
        return;
    }
    for (size_t i = 0; i < counted->gateway_count; i++) {
        const struct stats_gateway *gateway = &counted->gateways[i];
        gateways[i] = (struct msg_gateway_stats){
            .gateway = {(const char *)gateway->gateway, sizeof(gateway->gateway)},
            .participants = gateway->participants,
            .seen_unix_ms = gateway->seen_unix_ms};
    }
    for (size_t i = 0; i < counted->node_count; i++) {
        const struct stats_node *node = &counted->nodes[i];
        nodes[i] = (struct msg_node_stats){.node = str_of(node->node),
                                           .held = node->is_held != 0,
                                           .connections = node->connections,
                                           .seen_unix_ms = node->seen_unix_ms};
    }
    const struct msg reply = {
        .id = MSG_room_stats_reply,
        .room_stats_reply = {.rooms = counted->rooms,
                             .meetings = counted->meetings,
                             .joined = counted->joined,
                             .waiting = counted->waiting,
                             .publishing = counted->publishing,
                             .watching = counted->watching,
                             .gateways = {.items = gateways, .count = counted->gateway_count},
                             .nodes = {.items = nodes, .count = counted->node_count}}};
    call_reply(asking.call, &reply);
}

void room_stats_tell(struct room_stats *stats, struct call *call)
{
    const struct principal *principal = &call->context.principal;
    if (principal->kind != PRINCIPAL_USER || principal->role != ROLE_ADMIN) {
        fail_stats_call(stats, call, ERR_FORBIDDEN);
        return;
    }
    struct stats_call *asking = mem_alloc(sizeof(*asking));
    *asking = (struct stats_call){.stats = stats, .call = call};
    const enum err err = stats->store.ops->count(stats->store.self, call->context.deadline_ms,
                                                 on_stats_counted, asking);
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_stats_call(stats, call, err);
    }
}

struct room_stats *room_stats_new(const struct clock *clock, struct stats_store store)
{
    struct room_stats *stats = mem_alloc(sizeof(*stats));
    *stats = (struct room_stats){.clock = clock, .store = store};
    return stats;
}

void room_stats_free(struct room_stats **stats)
{
    mem_free(stats);
}
