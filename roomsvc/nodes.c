#include "roomsvc/nodes.h"

#include "proto/log.h"

static void fail(struct call *call, const char *event, enum err err)
{
    log_warn(event, LOG_STR("request_id", call->context.request_id), LOG_Z("error", err_code(err)));
    call_fail(call, err);
}

static void on_claimed(void *arg, enum err err, const struct node_lease *lease)
{
    struct call *call = arg;
    if (err != ERR_OK) {
        fail(call, "lease could not be judged", err);
        return;
    }
    const struct str holder = call->request.node_renew.holder;
    bool own = memcmp(holder.data, lease->holder, sizeof(lease->holder)) == 0;
    const struct msg reply = {
        .id = MSG_node_renew_reply,
        .node_renew_reply = {.held = own && lease->remaining_ms > 0,
                             .epoch = lease->epoch,
                             .remaining_ms = lease->remaining_ms,
                             .janus_session = lease->janus_session,
                             .janus_handle = lease->janus_handle},
    };
    call_reply(call, &reply);
}

void nodes_renew(struct nodes *nodes, struct call *call)
{
    const struct msg_node_renew *request = &call->request.node_renew;
    struct node_claim claim = {.janus_session = request->janus_session,
                               .janus_handle = request->janus_handle,
                               .lease_ms = NODE_LEASE_MS,
                               .release = request->release};
    (void)str_copy(claim.node, sizeof(claim.node), request->node); /* the schema bounds it */
    memcpy(claim.holder, request->holder.data, sizeof(claim.holder));
    enum err err = nodes->store.ops->claim(nodes->store.self, &claim, call->context.deadline_ms,
                                           on_claimed, call);
    if (err != ERR_OK) {
        fail(call, "lease could not be judged", err);
    }
}

static void on_rooms(void *arg, enum err err, const struct room *rooms, size_t count)
{
    struct call *call = arg;
    if (err != ERR_OK) {
        fail(call, "rooms of a node could not be read", err);
        return;
    }
    uint64_t ids[ROOMS_PAGE];
    uint64_t publishers_max[ROOMS_PAGE];
    char secrets[ROOMS_PAGE_SECRETS_BYTES];
    for (size_t i = 0; i < count; i++) {
        ids[i] = rooms[i].id;
        publishers_max[i] = rooms[i].publishers_max;
        memcpy(secrets + i * ROOM_SECRET_BYTES, rooms[i].secret, ROOM_SECRET_BYTES);
    }
    const struct msg reply = {
        .id = MSG_node_rooms_reply,
        .node_rooms_reply = {.room_ids = {ids, count},
                             .publishers_max = {publishers_max, count},
                             .secrets = {secrets, count * ROOM_SECRET_BYTES}},
    };
    call_reply(call, &reply);
}

void nodes_rooms(struct nodes *nodes, struct call *call)
{
    const struct msg_node_rooms *request = &call->request.node_rooms;
    enum err err = nodes->store.ops->rooms(nodes->store.self, request->node, request->after_room_id,
                                           call->context.deadline_ms, on_rooms, call);
    if (err != ERR_OK) {
        fail(call, "rooms of a node could not be read", err);
    }
}
