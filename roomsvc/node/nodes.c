#include "roomsvc/node/nodes.h"

/* One call to the store. */
struct errand {
    struct nodes *nodes;
    struct call *call; /* NULL: answered already */
    uint64_t timer;
    uint64_t asked; /* node_fence_now */
};

static struct errand *errand_new(struct nodes *nodes, struct call *call)
{
    struct errand *errand = mem_alloc(sizeof(*errand));
    *errand = (struct errand){.nodes = nodes, .call = call, .asked = node_fence_now(nodes->fence)};
    return errand;
}

/* Bridges ask several times a second for as long as it lasts. */
static void errand_refuse(struct errand *errand, const char *event, enum err err)
{
    struct call *call = errand->call;
    errand->call = NULL;
    log_warn_limited(&errand->nodes->failures, system_mono_ms(), event,
                     LOG_STR("request_id", call->context.request_id),
                     LOG_Z("error", err_code(err)));
    call_fail(call, err);
}

static void errand_fail(struct errand *errand, const char *event, enum err err)
{
    errand_refuse(errand, event, err);
    mem_free(&errand);
}

static void on_claimed(void *arg, enum err err, const struct node_lease *lease)
{
    struct errand *errand = arg;
    struct call *call = errand->call;
    clock_cancel(errand->nodes->clock, errand->timer);
    if (call == NULL) {
        mem_free(&errand);
        return;
    }
    if (err != ERR_OK) {
        /* What has not begun in time waits behind a database that does not answer. */
        errand_fail(errand, "lease could not be judged",
                    err == ERR_DEADLINE ? ERR_UNAVAILABLE : err);
        return;
    }
    node_fence_judge(errand->nodes->fence, call->request.node_renew.node, lease->epoch,
                     errand->asked);
    mem_free(&errand);
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

static void on_silence(void *arg)
{
    struct errand *errand = arg;
    errand->timer = 0;
    errand_refuse(errand, "lease could not be judged", ERR_UNAVAILABLE);
}

/* A claim that another replica was slow with arrives here with less time left. */
static uint64_t patience_ms(const struct nodes *nodes, const struct call *call)
{
    const uint64_t last_ms = clock_mono_ms(nodes->clock) + NODE_ANSWER_MS + NODE_RETURN_MS;
    const uint64_t short_ms =
        last_ms > call->context.deadline_ms ? last_ms - call->context.deadline_ms : 0;
    return short_ms < NODE_ANSWER_MS ? NODE_ANSWER_MS - short_ms : 0;
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
    struct errand *errand = errand_new(nodes, call);
    const uint64_t answer_in_ms = patience_ms(nodes, call);
    const uint64_t deadline_ms = clock_mono_ms(nodes->clock) + answer_in_ms;
    errand->timer = clock_after(nodes->clock, answer_in_ms, on_silence, errand);
    enum err err =
        nodes->store.ops->claim(nodes->store.self, &claim, deadline_ms, on_claimed, errand);
    if (err != ERR_OK) {
        clock_cancel(nodes->clock, errand->timer);
        errand_fail(errand, "lease could not be judged", err);
    }
}

static void on_rooms(void *arg, enum err err, const struct room *rooms, size_t count)
{
    struct errand *errand = arg;
    struct call *call = errand->call;
    if (err != ERR_OK) {
        errand_fail(errand, "rooms of a node could not be read", err);
        return;
    }
    mem_free(&errand);
    struct msg_node_room page[ROOMS_PAGE];
    for (size_t i = 0; i < count; i++) {
        page[i] = (struct msg_node_room){.room_id = rooms[i].id,
                                         .publishers_max = rooms[i].publishers_max,
                                         .secret = {rooms[i].secret, ROOM_SECRET_BYTES},
                                         .pin = str_of(rooms[i].janus_pin)};
    }
    const struct msg reply = {.id = MSG_node_rooms_reply,
                              .node_rooms_reply = {.rooms = {page, count}}};
    call_reply(call, &reply);
}

void nodes_rooms(struct nodes *nodes, struct call *call)
{
    const struct msg_node_rooms *request = &call->request.node_rooms;
    struct errand *errand = errand_new(nodes, call);
    enum err err = nodes->store.ops->rooms(nodes->store.self, request->node, request->after_room_id,
                                           call->context.deadline_ms, on_rooms, errand);
    if (err != ERR_OK) {
        errand_fail(errand, "rooms of a node could not be read", err);
    }
}
